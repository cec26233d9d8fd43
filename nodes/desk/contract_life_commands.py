"""`exchange contract sign|end|suspend|resume`: what a party says about a contract, signed and handed to its gateway."""

from argparse import Namespace
from datetime import date

from exchange.contract.model import DataContract
from exchange.encoding import Digest, format_instant
from exchange.errors import ExitCode
from exchange.errors.contract import ContractDigestError
from exchange.errors.settings import CommandLineError
from exchange.statement import Statement, StatementType
from nodes.adapters.local_gateway import LocalGateway
from nodes.desk import stating
from nodes.desk.cases import Desk
from nodes.desk.contract_sources import find_contract
from nodes.desk.stating import Stated
from nodes.terminal import CommandParser, Invocation


def sign(invocation: Invocation) -> int:
    """`contract sign CONTRACT [--digest D]`: agree to a contract for the node's member.

    A version whose number hides a loosening against the one before it is not signed.
    """
    _, desk, contract = _asked(invocation, _parser(invocation, "Sign a contract for the node's member."))
    return _told(invocation, desk, stating.sign(desk, contract, _gateway(invocation, desk)))


def end(invocation: Invocation) -> int:
    """`contract end CONTRACT [--on DAY]`: end it for all its parties, after the notice agreed in it."""
    parser = _parser(invocation, "End a contract, after its notice.")
    parser.add_argument("--on", metavar="DAY", help="the first day without it (YYYY-MM-DD, UTC); default: soonest")
    arguments, desk, contract = _asked(invocation, parser)
    on = None if arguments.on is None else _day(arguments.on)
    return _told(invocation, desk, stating.end(desk, contract, _gateway(invocation, desk), on=on))


def suspend(invocation: Invocation) -> int:
    """`contract suspend CONTRACT`: stop first pulls and publications under it, from now until this party resumes."""
    _, desk, contract = _asked(invocation, _parser(invocation, "Suspend a contract at once."))
    return _told(invocation, desk, stating.suspend(desk, contract, _gateway(invocation, desk)))


def resume(invocation: Invocation) -> int:
    """`contract resume CONTRACT`: take back this party's own suspension."""
    parser = _parser(invocation, "Take back the member's own suspension of a contract.")
    _, desk, contract = _asked(invocation, parser)
    return _told(invocation, desk, stating.resume(desk, contract, _gateway(invocation, desk)))


def _parser(invocation: Invocation, summary: str) -> CommandParser:
    parser = CommandParser(invocation.command, summary)
    parser.add_argument("contract", metavar="CONTRACT", help="ID, or ID/VERSION")
    parser.add_argument("--digest", help="only if the contract has this digest, as agreed with the others")
    return parser


def _asked(invocation: Invocation, parser: CommandParser) -> tuple[Namespace, Desk, DataContract]:
    """What was asked, with the contract it is about.

    Raises:
        ContractDigestError: It is not the text that was agreed on.
    """
    arguments = invocation.parse(parser)
    desk = Desk.open(invocation.require_node(), invocation.clock.now())
    contract = find_contract(desk.shelf, arguments.contract)
    if arguments.digest is not None and Digest.parse(arguments.digest, subject="--digest") != contract.digest:
        raise ContractDigestError(
            contract=contract.id, version=contract.version, expected=arguments.digest, found=str(contract.digest)
        )
    return arguments, desk, contract


def _gateway(invocation: Invocation, desk: Desk) -> LocalGateway:
    return LocalGateway(desk.node, language=invocation.output.language)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CommandLineError(
            reason=f"--on: expected a day such as 2027-01-31, found {text[:20]}", command="exchange contract end --help"
        ) from error


def _told(invocation: Invocation, desk: Desk, stated: Stated) -> int:
    """Tell what comes of a statement."""
    contract, statement = stated.contract, stated.statement
    _tell(invocation, desk.node.member, contract, statement, effective=stated.effective)
    invocation.output.result(
        {
            "id": contract.id,
            "version": contract.version,
            "digest": str(contract.digest),
            "type": statement.type.value,
            "statement": str(statement.digest),
            "from": format_instant(statement.effective),
            "effective": stated.effective,
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
