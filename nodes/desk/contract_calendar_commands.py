"""`exchange contract calendar`: what is due, by whom, to whom, when, and from which day it is late."""

from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path

from exchange.contract.calendar import Due, Lateness, due_dates, lateness
from exchange.contract.choose import choose
from exchange.contract.model import DataContract
from exchange.errors import ExitCode, Language
from exchange.flow.agree import ContractState, term
from nodes.adapters.contract_folder import ContractShelf
from nodes.desk.contract_sources import read_shelf, read_source_contracts
from nodes.terminal import CommandParser, Invocation

WINDOW = timedelta(days=90)
"""How far back and ahead of today due days are shown, where no day is named."""

_NOTHING_DUE = frozenset({ContractState.PROPOSED, ContractState.ENDED, ContractState.SUPERSEDED})
_RUNGS: dict[Language, dict[Lateness, str]] = {
    "en": {
        Lateness.IN_TIME: "",
        Lateness.DUE: "due",
        Lateness.LATE: "late",
        Lateness.OVERDUE: "overdue",
        Lateness.DELINQUENT: "delinquent",
    },
    "ru": {
        Lateness.IN_TIME: "",
        Lateness.DUE: "срок прошёл",
        Lateness.LATE: "опоздание",
        Lateness.OVERDUE: "просрочка",
        Lateness.DELINQUENT: "злостная просрочка",
    },
}


def calendar(invocation: Invocation) -> int:
    """`contract calendar [CONTRACT] [--from DAY] [--to DAY] [--trust FOLDER]`: every due day in a span of days.

    Of a node or a trust folder, what is owed under the statements there; else what the checkout's contracts would ask
    for from their effective dates on.
    """
    parser = CommandParser(invocation.command, "What is due, by whom, to whom, when.")
    parser.add_argument("contract", nargs="?", metavar="CONTRACT", help="ID or its beginning, or ID/VERSION")
    parser.add_argument(
        "--from", dest="first", type=_day, metavar="DAY", help="the first due day, by default 90 days ago"
    )
    parser.add_argument("--to", dest="last", type=_day, metavar="DAY", help="the last due day, by default in 90 days")
    parser.add_argument("--trust", type=Path, metavar="FOLDER", help="a trust folder instead of the node's own")
    arguments = invocation.parse(parser)
    now = invocation.clock.now()
    first, last = arguments.first or now.date() - WINDOW, arguments.last or now.date() + WINDOW
    if invocation.node is None and arguments.trust is None:
        contracts = _named(read_source_contracts(), arguments.contract)
        found = [due for one in contracts for due in due_dates(one, since=one.effective, due_from=first, due_to=last)]
    else:
        shelf = read_shelf(invocation, arguments.trust, now)
        contracts = _named((kept.contract for kept in shelf.kept.values()), arguments.contract)
        found = [due for one in contracts for due in _owed(shelf, one, now, first, last)]
    found.sort(key=lambda due: (due.due, due.contract_id, due.version, due.provider, due.recipients))
    _print(invocation, found, now)
    return ExitCode.FINE


def _owed(shelf: ContractShelf, contract: DataContract, now: datetime, first: date, last: date) -> Iterator[Due]:
    """What is owed under a contract that all have signed, by the providers for whom no later version took its place."""
    agreed = term(contract, shelf.kept[contract.digest].statements)
    if agreed is None:
        return
    for due in due_dates(contract, since=agreed.since, until=agreed.until, due_from=first, due_to=last):
        if shelf.standing(contract, at=now, provider=due.provider).state not in _NOTHING_DUE:
            yield due


def _named(contracts: Iterable[DataContract], asked: str | None) -> list[DataContract]:
    """The versions that were asked for, or all.

    Raises:
        ContractNotAtHandError, ContractAmbiguousError: None fits, or two ids begin like this.
    """
    at_hand = {(one.id, one.version): one for one in contracts}
    return [at_hand[name] for name in (at_hand if asked is None else choose(at_hand, asked))]


def _print(invocation: Invocation, found: list[Due], now: datetime) -> None:
    output = invocation.output
    headers = {
        "en": ["due", "late from", "contract", "period", "by", "to", "unless published"],
        "ru": ["срок", "опоздание с", "договор", "период", "кто", "кому", "если не опубликовано"],
    }
    rungs = _RUNGS[output.language]
    rows = [
        [
            due.due.isoformat(),
            due.late.isoformat(),
            f"{due.contract_id} {due.version}",
            due.period,
            due.provider,
            " ".join(due.recipients),
            rungs[lateness(due, now)],
        ]
        for due in found
    ]
    if rows:
        output.table(headers[output.language], rows)
    else:
        output.say(en="nothing is due in these days", ru="в эти дни ничего не требуется")
    output.result({"due": [_json(due, now) for due in found]})


def _json(due: Due, now: datetime) -> dict[str, object]:
    found = {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(due).items()}
    return {**found, "recipients": list(due.recipients), "unless_published": lateness(due, now).value}


def _day(text: str) -> date:
    """A day as 2026-11-30.

    Raises:
        ArgumentTypeError: Anything else.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text[:20]} is no day, as 2026-11-30") from error
