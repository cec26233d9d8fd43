"""`exchange contract sign|end|suspend|resume`: what a party says about a contract, signed and handed to its gateway.

The gateway logs the statement, has it cosigned and relays it to the other parties. Saying the same again is no harm:
the statement that is there already stays the one that counts.
"""

import base64
from argparse import Namespace
from datetime import UTC, date, datetime, time, timedelta

from exchange.contract.choose import version_number
from exchange.contract.diff import require_version_step
from exchange.contract.model import DataContract
from exchange.encoding import Digest, format_instant
from exchange.errors import ExitCode
from exchange.errors.contract import ContractDigestError, ContractNoticeError
from exchange.errors.settings import CommandLineError
from exchange.signing.keys import KeyPurpose
from exchange.statement import Statement, StatementType, require_about, sign_statement
from nodes.adapters.contract_folder import ContractShelf, read_contracts
from nodes.adapters.key_files import read_hybrid_signer, read_passphrase
from nodes.adapters.local_gateway import LocalGateway
from nodes.adapters.trust_folder import load_trust
from nodes.desk.contract_sources import find_contract
from nodes.settings import NodeFolder
from nodes.terminal import CommandParser, Invocation


def sign(invocation: Invocation) -> int:
    """`contract sign CONTRACT [--digest D]`: agree to a contract for the node's member.

    A version whose number hides a loosening against the one before it is not signed.
    """
    parser = _parser(invocation, "Sign a contract for the node's member.")
    _, node, shelf, contract, now = _asked(invocation, parser)
    earlier = _version_before(shelf, contract)
    if earlier is not None:
        require_version_step(earlier, contract)
    starts = max(now, datetime.combine(contract.effective, time.min, UTC))
    statement = _said_already(shelf, contract, node.member, StatementType.SIGNED)
    return _say(invocation, node, contract, statement or _signed(node, contract, StatementType.SIGNED, now, starts))


def end(invocation: Invocation) -> int:
    """`contract end CONTRACT [--on DAY]`: end it for all its parties, after the notice agreed in it.

    The notice binds who ends a contract, not who receives the word: a statement that ends one sooner stops the exchange
    all the same (nobody is made to share), and everybody sees whose breach it is.
    """
    parser = _parser(invocation, "End a contract, after its notice.")
    parser.add_argument("--on", metavar="DAY", help="the first day without it (YYYY-MM-DD, UTC); default: soonest")
    arguments, node, shelf, contract, now = _asked(invocation, parser)
    soonest = now + timedelta(days=contract.notice_days)
    ends = soonest if arguments.on is None else _midnight(arguments.on)
    if ends < soonest:
        raise ContractNoticeError(
            contract=contract.id,
            version=contract.version,
            days=contract.notice_days,
            expected=(soonest + timedelta(days=1)).date().isoformat(),
            found=arguments.on,
        )
    statement = _said_already(shelf, contract, node.member, StatementType.ENDED)
    return _say(invocation, node, contract, statement or _signed(node, contract, StatementType.ENDED, now, ends))


def suspend(invocation: Invocation) -> int:
    """`contract suspend CONTRACT`: stop first pulls and publications under it, from now until this party resumes."""
    return _now(invocation, StatementType.SUSPENDED, "Suspend a contract at once.")


def resume(invocation: Invocation) -> int:
    """`contract resume CONTRACT`: take back this party's own suspension."""
    return _now(invocation, StatementType.RESUMED, "Take back the member's own suspension of a contract.")


def _now(invocation: Invocation, kind: StatementType, summary: str) -> int:
    _, node, _, contract, now = _asked(invocation, _parser(invocation, summary))
    return _say(invocation, node, contract, _signed(node, contract, kind, now, now))


def _parser(invocation: Invocation, summary: str) -> CommandParser:
    parser = CommandParser(invocation.command, summary)
    parser.add_argument("contract", metavar="CONTRACT", help="ID, or ID/VERSION")
    parser.add_argument("--digest", help="only if the contract has this digest, as agreed with the others")
    return parser


def _asked(
    invocation: Invocation, parser: CommandParser
) -> tuple[Namespace, NodeFolder, ContractShelf, DataContract, datetime]:
    """What was asked, with the contract it is about.

    Raises:
        ContractDigestError: It is not the text that was agreed on.
    """
    arguments = invocation.parse(parser)
    node, now = invocation.require_node(), invocation.clock.now().replace(microsecond=0)
    shelf = read_contracts(node.contracts, trust=load_trust(node.keys, at=now))
    contract = find_contract(shelf, arguments.contract)
    if arguments.digest is not None and Digest.parse(arguments.digest, subject="--digest") != contract.digest:
        raise ContractDigestError(
            contract=contract.id, version=contract.version, expected=arguments.digest, found=str(contract.digest)
        )
    return arguments, node, shelf, contract, now


def _midnight(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time.min, UTC)
    except ValueError as error:
        raise CommandLineError(
            reason=f"--on: expected a day such as 2027-01-31, found {text[:20]}", command="exchange contract end --help"
        ) from error


def _version_before(shelf: ContractShelf, contract: DataContract) -> DataContract | None:
    """The newest earlier version at hand."""
    number = version_number(contract.version)
    earlier = [
        kept.contract
        for kept in shelf.kept.values()
        if kept.contract.id == contract.id and version_number(kept.contract.version) < number
    ]
    return max(earlier, key=lambda other: version_number(other.version), default=None)


def _said_already(shelf: ContractShelf, contract: DataContract, member: str, kind: StatementType) -> Statement | None:
    """The member's statement of this kind that is there already."""
    kept = shelf.kept[contract.digest].statements
    return next((s for s in kept if s.party == member and s.type is kind), None)


def _signed(
    node: NodeFolder, contract: DataContract, kind: StatementType, at: datetime, effective: datetime
) -> Statement:
    """A new statement by the node's contract key."""
    passphrase = None if node.passphrase_file is None else read_passphrase(node.passphrase_file)
    signer = read_hybrid_signer(node.private, KeyPurpose.CONTRACT, passphrase=passphrase, demo=node.settings.demo)
    return sign_statement(
        type=kind, contract=contract.digest, party=node.member, at=at, effective=effective, signer=signer
    )


def _say(invocation: Invocation, node: NodeFolder, contract: DataContract, statement: Statement) -> int:
    """Hand text and statement to the gateway, and tell what comes of it."""
    require_about(statement, contract)
    gateway = LocalGateway(node, language=invocation.output.language)
    gateway.post("/local/contracts", {"contract": base64.b64encode(contract.raw).decode("ascii")})
    answer = gateway.post("/local/statements", {"statement": base64.b64encode(statement.raw).decode("ascii")})
    effective = bool(answer.get("effective"))
    _tell(invocation, node.member, contract, statement, effective=effective)
    invocation.output.result(
        {
            "id": contract.id,
            "version": contract.version,
            "digest": str(contract.digest),
            "type": statement.type.value,
            "statement": str(statement.digest),
            "from": format_instant(statement.effective),
            "effective": effective,
        }
    )
    return ExitCode.FINE


_DONE = {
    StatementType.SIGNED: ("signed", "подписан"),
    StatementType.ENDED: ("ended", "прекращён"),
    StatementType.SUSPENDED: ("suspended", "приостановлен"),
    StatementType.RESUMED: ("resumed", "возобновлён"),
}


def _tell(
    invocation: Invocation, member: str, contract: DataContract, statement: Statement, *, effective: bool
) -> None:
    name, since = f"{contract.id} {contract.version}", format_instant(statement.effective)
    english, russian = _DONE[statement.type]
    stops = statement.type in {StatementType.ENDED, StatementType.SUSPENDED}
    waits_en = "" if effective or stops else "; it counts once the witnesses have cosigned its entry"
    waits_ru = "" if effective or stops else "; действует, когда свидетели заверят запись"
    from_en = f" from {since}" if statement.type is StatementType.ENDED else ""
    from_ru = f" с {since}" if statement.type is StatementType.ENDED else ""
    invocation.output.say(
        en=f"{member} {english} {name} ({contract.digest}){from_en}{waits_en}",
        ru=f"{member}: {russian} {name} ({contract.digest}){from_ru}{waits_ru}",
    )
