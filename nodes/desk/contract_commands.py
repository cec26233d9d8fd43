"""`exchange contract check|show|diff|status`: contracts as a contract officer reads them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from exchange.contract.diff import Change, diff_contracts, require_version_step
from exchange.contract.effects import Effect
from exchange.contract.model import DataContract
from exchange.contract.parse import contract_findings, parse_contract
from exchange.encoding import format_instant
from exchange.errors import ExchangeError, ExitCode, Language
from exchange.errors.contract import ContractError, ContractVersionError
from exchange.flow.agree import ContractState, Standing
from exchange.statement import StatementType
from nodes.adapters.contract_folder import ContractShelf
from nodes.adapters.plain_files import read_plain
from nodes.desk.contract_sources import codelists, find_contract, folders, read_contract, read_shelf
from nodes.desk.contract_words import describe
from nodes.terminal import CommandParser, Invocation


def check(invocation: Invocation) -> int:
    """`contract check FILE…`: every finding of every file, with line, place, expected and found; 3 if there is one."""
    parser = CommandParser(invocation.command, "Check contract files against ODCS 3.1.0 and the exchange profile.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--codelists", type=Path, metavar="FOLDER", help="more code lists, found by their digest")
    arguments = invocation.parse(parser)
    results = [_checked(file, folders(invocation, file, arguments.codelists)) for file in arguments.files]
    for result in results:
        _print_checked(invocation, result)
    invocation.output.result({"files": [_checked_json(result, invocation.output.language) for result in results]})
    return ExitCode.FINE if all(not result.findings for result in results) else ExitCode.DOES_NOT_HOLD


def show(invocation: Invocation) -> int:
    """`contract show CONTRACT`: every clause in people's words; CONTRACT is a file, or the beginning of an id."""
    parser = CommandParser(invocation.command, "Show a contract in people's words.")
    parser.add_argument("contract", metavar="CONTRACT", help="a file, or ID, or ID/VERSION")
    asked = str(invocation.parse(parser).contract)
    contract = read_contract(invocation, asked)
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


def diff(invocation: Invocation) -> int:
    """`contract diff BEFORE AFTER`: every change and what it does; 3 if the new version's number hides a loosening."""
    parser = CommandParser(invocation.command, "Compare two versions of a contract, clause by clause.")
    parser.add_argument("before", metavar="BEFORE", help="a file, or ID/VERSION")
    parser.add_argument("after", metavar="AFTER", help="a file, or ID/VERSION")
    arguments = invocation.parse(parser)
    before, after = (read_contract(invocation, asked) for asked in (arguments.before, arguments.after))
    found = diff_contracts(before, after)
    output = invocation.output
    output.table(*_diff_table(found.changes, output.language))
    refusal = _version_refusal(before, after)
    words = _EFFECTS[output.language]
    output.say(
        en=f"{before.version} -> {after.version}: {len(found.changes)} changes, altogether {words[found.effect]}",
        ru=f"{before.version} -> {after.version}: изменений {len(found.changes)}, в целом {words[found.effect]}",
    )
    if refusal is not None:
        output.line(refusal.sentence(output.language))
    output.result(
        {
            "id": after.id,
            "before": {"version": before.version, "digest": str(before.digest)},
            "after": {"version": after.version, "digest": str(after.digest)},
            "effect": found.effect.value,
            "versionAllowed": refusal is None,
            "changes": [
                {"path": c.path, "before": c.before, "after": c.after, "effect": c.effect.value} for c in found.changes
            ],
        }
    )
    return ExitCode.FINE if refusal is None else ExitCode.DOES_NOT_HOLD


def status(invocation: Invocation) -> int:
    """`contract status [CONTRACT] [--trust FOLDER]`: who signed and what is in force; 6 if the one asked for is not."""
    parser = CommandParser(invocation.command, "Who signed, and what is in force.")
    parser.add_argument("contract", nargs="?", metavar="CONTRACT", help="ID, or ID/VERSION")
    parser.add_argument("--trust", type=Path, metavar="FOLDER", help="a trust folder instead of the node's own")
    arguments = invocation.parse(parser)
    now = invocation.clock.now()
    shelf = read_shelf(invocation, arguments.trust, now)
    asked = [find_contract(shelf, arguments.contract)] if arguments.contract else _sorted(shelf)
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


_EFFECTS: dict[Language, dict[Effect, str]] = {
    "en": {Effect.TIGHTENING: "tightening", Effect.NEUTRAL: "neutral", Effect.LOOSENING: "LOOSENING"},
    "ru": {Effect.TIGHTENING: "ужесточение", Effect.NEUTRAL: "нейтрально", Effect.LOOSENING: "СМЯГЧЕНИЕ"},
}
_SHOWN_MAX = 48
"""Characters of a value in the table; the whole of it is in `--json` and in the files."""


def _diff_table(changes: Iterable[Change], language: Language) -> tuple[list[str], list[list[str]]]:
    headers = {"en": ["effect", "clause", "before", "after"], "ru": ["действие", "условие", "было", "стало"]}
    order = [Effect.LOOSENING, Effect.TIGHTENING, Effect.NEUTRAL]
    ranked = sorted(changes, key=lambda change: order.index(change.effect))
    words = _EFFECTS[language]
    return headers[language], [[words[c.effect], c.path, _short(c.before), _short(c.after)] for c in ranked]


def _short(text: str | None) -> str:
    if text is None:
        return "-"
    return text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 1] + "…"


def _version_refusal(before: DataContract, after: DataContract) -> ContractVersionError | None:
    try:
        require_version_step(before, after)
    except ContractVersionError as error:
        return error
    return None


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


def _checked(file: Path, places: Iterable[Path]) -> _Checked:
    raw, lists = read_plain(file), codelists(places)
    try:
        return _Checked(file, parse_contract(raw, codelists=lists), ())
    except ContractError:  # it stops at the first finding; a person wants them all
        return _Checked(file, None, contract_findings(raw, codelists=lists))


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


def _sorted(shelf: ContractShelf) -> list[DataContract]:
    return sorted((kept.contract for kept in shelf.kept.values()), key=lambda c: (c.id, c.version))


def _signatories(shelf: ContractShelf, contract: DataContract) -> dict[str, datetime]:
    """Which parties signed, and when."""
    signed = [s for s in shelf.kept[contract.digest].statements if s.type is StatementType.SIGNED]
    return {s.party: s.at for s in signed if s.party in contract.members()}


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
