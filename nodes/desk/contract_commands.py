"""`exchange contract check|show|sign|status`: contracts as a contract officer meets them."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path

from exchange.contract.choose import choose_one
from exchange.contract.model import DataContract
from exchange.contract.parse import contract_findings, parse_contract
from exchange.encoding import Digest, format_instant
from exchange.errors import ExchangeError, ExitCode, Language
from exchange.errors.contract import ContractDigestError, ContractError
from exchange.flow.agree import ContractState, Standing
from exchange.signing.keys import KeyPurpose
from exchange.statement import Statement, StatementType, require_about, sign_statement
from nodes.adapters.contract_folder import CONTRACT_FILE, ContractShelf, read_contracts
from nodes.adapters.key_files import read_hybrid_signer, read_passphrase
from nodes.adapters.local_gateway import LocalGateway
from nodes.adapters.trust_folder import load_trust
from nodes.desk.contract_words import describe
from nodes.settings import NodeFolder
from nodes.terminal import CommandParser, Invocation

SOURCES = Path(__file__).resolve().parents[2] / "contracts"
"""The checkout's own contracts: what `check` and `show` read where no node is named."""


def check(invocation: Invocation) -> int:
    """`contract check FILE…`: every finding of every file, with line, place, expected and found; 3 if there is one."""
    parser = CommandParser(invocation.command, "Check contract files against ODCS 3.1.0 and the exchange profile.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--codelists", type=Path, metavar="FOLDER", help="more code lists, found by their digest")
    arguments = invocation.parse(parser)
    results = [_checked(file, _folders(invocation, file, arguments.codelists)) for file in arguments.files]
    for result in results:
        _print_checked(invocation, result)
    invocation.output.result({"files": [_checked_json(result, invocation.output.language) for result in results]})
    return ExitCode.FINE if all(not result.findings for result in results) else ExitCode.DOES_NOT_HOLD


def show(invocation: Invocation) -> int:
    """`contract show CONTRACT`: every clause in people's words; CONTRACT is a file, or the beginning of an id."""
    parser = CommandParser(invocation.command, "Show a contract in people's words.")
    parser.add_argument("contract", metavar="CONTRACT", help="a file, or ID, or ID/VERSION")
    asked = str(invocation.parse(parser).contract)
    contract = _read(invocation, asked)
    clauses = describe(contract, invocation.output.language)
    for clause in clauses:
        invocation.output.line(f"{clause.about + ':':<24} {clause.agreed}")
    invocation.output.result(
        {
            "id": contract.id,
            "version": contract.version,
            "digest": str(contract.digest),
            "clauses": [{"about": clause.about, "agreed": clause.agreed} for clause in clauses],
        }
    )
    return ExitCode.FINE


def sign(invocation: Invocation) -> int:
    """`contract sign CONTRACT`: sign for the node's member, and hand text and statement to the gateway.

    The gateway logs the statement, has it cosigned and relays it to the other parties. Signing again is no harm: the
    statement that is there already stays the one that counts.
    """
    parser = CommandParser(invocation.command, "Sign a contract for the node's member.")
    parser.add_argument("contract", metavar="CONTRACT", help="ID, or ID/VERSION")
    parser.add_argument("--digest", help="sign only if the contract has this digest, as agreed with the others")
    arguments = invocation.parse(parser)
    node, now = invocation.require_node(), invocation.clock.now()
    shelf = read_contracts(node.contracts, trust=load_trust(node.keys, at=now))
    contract = _find(shelf, arguments.contract)
    if arguments.digest is not None and Digest.parse(arguments.digest, subject="--digest") != contract.digest:
        raise ContractDigestError(
            contract=contract.id, version=contract.version, expected=arguments.digest, found=str(contract.digest)
        )
    statement = _own_signature(shelf, contract, node.member) or _signed(node, contract, now)
    require_about(statement, contract)
    gateway = LocalGateway(node, language=invocation.output.language)
    gateway.post("/local/contracts", {"contract": base64.b64encode(contract.raw).decode("ascii")})
    answer = gateway.post("/local/statements", {"statement": base64.b64encode(statement.raw).decode("ascii")})
    effective = bool(answer.get("effective"))
    name = f"{contract.id} {contract.version}"
    invocation.output.say(
        en=f"{node.member} signed {name} ({contract.digest})"
        + ("" if effective else "; it counts once the witnesses have cosigned its entry"),
        ru=f"{node.member}: подписан {name} ({contract.digest})"
        + ("" if effective else "; подпись действует, когда свидетели заверят её запись"),
    )
    invocation.output.result(
        {
            "id": contract.id,
            "version": contract.version,
            "digest": str(contract.digest),
            "statement": str(statement.digest),
            "effective": effective,
        }
    )
    return ExitCode.FINE


def status(invocation: Invocation) -> int:
    """`contract status [CONTRACT] [--trust FOLDER]`: who signed and what is in force; 6 if the one asked for is not."""
    parser = CommandParser(invocation.command, "Who signed, and what is in force.")
    parser.add_argument("contract", nargs="?", metavar="CONTRACT", help="ID, or ID/VERSION")
    parser.add_argument("--trust", type=Path, metavar="FOLDER", help="a trust folder instead of the node's own")
    arguments = invocation.parse(parser)
    now = invocation.clock.now()
    shelf = _shelf(invocation, arguments.trust, now)
    asked = [_find(shelf, arguments.contract)] if arguments.contract else _sorted(shelf)
    rows = [(contract, shelf.standing(contract, at=now), _signatories(shelf, contract)) for contract in asked]
    headers, lines = status_table(rows, invocation.output.language)
    invocation.output.table(headers, lines)
    invocation.output.result({"contracts": [_status_json(*row) for row in rows]})
    refused = arguments.contract and rows[0][1].state is not ContractState.IN_FORCE
    return ExitCode.CONTRACT_REFUSES if refused else ExitCode.FINE


def status_table(
    rows: Iterable[tuple[DataContract, Standing, dict[str, datetime]]], language: Language
) -> tuple[list[str], list[list[str]]]:
    """Headers and lines: contract, state, who signed, and what the state hangs on."""
    states = _STATES[language]
    headers = {
        "en": ["contract", "version", "state", "signed by", "because of"],
        "ru": ["договор", "версия", "состояние", "подписали", "причина"],
    }
    lines = [
        [contract.id, contract.version, states[found.state], " ".join(sorted(signed)) or "-", _because(found)]
        for contract, found, signed in rows
    ]
    return headers[language], lines


_STATES: dict[Language, dict[ContractState, str]] = {
    "en": {
        ContractState.PROPOSED: "proposed",
        ContractState.IN_FORCE: "in force",
        ContractState.NOT_YET_EFFECTIVE: "signed, not yet effective",
        ContractState.SUSPENDED: "suspended",
        ContractState.ENDED: "ended",
        ContractState.SUPERSEDED: "superseded",
    },
    "ru": {
        ContractState.PROPOSED: "предложен",
        ContractState.IN_FORCE: "действует",
        ContractState.NOT_YET_EFFECTIVE: "подписан, ещё не вступил в силу",
        ContractState.SUSPENDED: "приостановлен",
        ContractState.ENDED: "прекращён",
        ContractState.SUPERSEDED: "заменён",
    },
}


def _because(found: Standing) -> str:
    """Whose signature is missing, who stopped it, since when, or by which version it was replaced."""
    if found.state is ContractState.SUPERSEDED:
        return found.later or ""
    parties = " ".join(found.parties)
    since = format_instant(found.since) if found.since is not None else ""
    return " ".join(part for part in (parties, since) if part)


@dataclass(frozen=True, slots=True)
class _Checked:
    """What `check` found in one file."""

    file: Path
    contract: DataContract | None
    findings: tuple[ExchangeError, ...]


def _checked(file: Path, folders: Iterable[Path]) -> _Checked:
    raw, codelists = file.read_bytes(), _codelists(folders)
    try:
        return _Checked(file, parse_contract(raw, codelists=codelists), ())
    except ContractError:  # it stops at the first finding; a person wants them all
        return _Checked(file, None, contract_findings(raw, codelists=codelists))


def _print_checked(invocation: Invocation, result: _Checked) -> None:
    output = invocation.output
    if result.contract is not None:
        name, digest = f"{result.contract.id} {result.contract.version}", result.contract.digest
        output.say(en=f"{result.file}: valid: {name}, {digest}", ru=f"{result.file}: верно: {name}, {digest}")
        return
    for finding in result.findings:
        output.line(f"{result.file}: {finding.sentence(output.language)}")


def _checked_json(result: _Checked, language: Language) -> dict[str, object]:
    contract = result.contract
    return {
        "file": str(result.file),
        "valid": contract is not None,
        "id": contract.id if contract is not None else None,
        "version": contract.version if contract is not None else None,
        "digest": str(contract.digest) if contract is not None else None,
        "findings": [finding.as_json(language) for finding in result.findings],
    }


def _folders(invocation: Invocation, file: Path, named: Path | None) -> list[Path]:
    """Where code lists may lie: named, beside the contract, in the node, in the checkout. The digest decides."""
    beside = file.resolve().parent
    folders = [named] if named is not None else []
    folders += [beside / "codelists", beside.parent.parent / "codelists"]
    folders += [invocation.node.contracts / "codelists"] if invocation.node is not None else []
    return [*folders, SOURCES / "codelists"]


def _codelists(folders: Iterable[Path]) -> dict[Digest, bytes]:
    files = (file.read_bytes() for folder in folders for file in sorted(folder.glob("*.csv")))
    return {Digest.of(raw): raw for raw in files}


def _read(invocation: Invocation, asked: str) -> DataContract:
    """The contract in a file, or the one of that name in the node's or the checkout's folder."""
    folder = invocation.node.contracts if invocation.node is not None else SOURCES
    file = Path(asked)
    if not file.is_file():
        files = {(path.parent.parent.name, path.parent.name): path for path in folder.glob(f"*/*/{CONTRACT_FILE}")}
        file = files[choose_one(files, asked)]
    return parse_contract(file.read_bytes(), codelists=_codelists(_folders(invocation, file, None)))


def _shelf(invocation: Invocation, named: Path | None, now: datetime) -> ContractShelf:
    """Contracts and statements of a trust folder, or of the node; who merely looks is told despite an expiry."""
    if named is not None:
        trust = load_trust(named, at=now, expired="notice")
        return read_contracts(named / "contracts", trust=trust)
    node = invocation.require_node()
    trust = load_trust(node.keys, at=now, expired="notice")
    return read_contracts(node.contracts, trust=trust)


def _find(shelf: ContractShelf, asked: str) -> DataContract:
    names = {(kept.contract.id, kept.contract.version): kept.contract for kept in shelf.kept.values()}
    return names[choose_one(names, asked)]


def _sorted(shelf: ContractShelf) -> list[DataContract]:
    return sorted((kept.contract for kept in shelf.kept.values()), key=lambda c: (c.id, c.version))


def _signatories(shelf: ContractShelf, contract: DataContract) -> dict[str, datetime]:
    """Which parties signed, and when."""
    signed = [s for s in shelf.kept[contract.digest].statements if s.type is StatementType.SIGNED]
    return {s.party: s.at for s in signed if s.party in contract.members()}


def _own_signature(shelf: ContractShelf, contract: DataContract, member: str) -> Statement | None:
    """The member's signature that is there already."""
    kept = shelf.kept[contract.digest].statements
    return next((s for s in kept if s.party == member and s.type is StatementType.SIGNED), None)


def _signed(node: NodeFolder, contract: DataContract, now: datetime) -> Statement:
    """A new signature by the node's contract key, counting from the contract's first day or from now, if later."""
    passphrase = None if node.passphrase_file is None else read_passphrase(node.passphrase_file)
    signer = read_hybrid_signer(node.private, KeyPurpose.CONTRACT, passphrase=passphrase, demo=node.settings.demo)
    at = now.replace(microsecond=0)
    return sign_statement(
        type=StatementType.SIGNED,
        contract=contract.digest,
        party=node.member,
        at=at,
        effective=max(at, datetime.combine(contract.effective, time.min, UTC)),
        signer=signer,
    )


def _status_json(contract: DataContract, found: Standing, signed: dict[str, datetime]) -> dict[str, object]:
    return {
        "id": contract.id,
        "version": contract.version,
        "digest": str(contract.digest),
        "state": found.state.value,
        "signed": {party: format_instant(at) for party, at in sorted(signed.items())},
        "missing": [member for member in contract.members() if member not in signed],
        "parties": list(found.parties),
        "since": format_instant(found.since) if found.since is not None else None,
        "later": found.later,
    }
