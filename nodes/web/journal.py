"""The journal of a console on a terminal: who let whom in and who signed in, and what was refused."""

from collections.abc import Callable
from pathlib import Path

from exchange.errors import ExitCode
from nodes.adapters.account_store import JournalRow
from nodes.adapters.attempt_store import AttemptRow, Source
from nodes.adapters.officer_db import OfficerDb
from nodes.settings import NodeFolder
from nodes.terminal import CommandParser, Invocation, printable

LINES = 50
LINES_MAX = 10_000


def show_journal(call: Invocation, accounts: Callable[[NodeFolder], Path]) -> int:
    """Print the newest lines of a console's journal and the newest attempts that it refused.

    Args:
        call: The command.
        accounts: Where in the node's folder the console's accounts are.

    Raises:
        StoreNewerError, FileRefusedError: The database cannot be read.
    """
    parser = CommandParser(call.command, "who signed in and who let whom in, and what was refused, newest first")
    parser.add_argument("--lines", type=int, default=LINES, choices=range(1, LINES_MAX + 1), metavar="N")
    parser.add_argument("--refused", action="store_true", help="only what was refused")
    parser.add_argument(
        "--source", choices=list(Source), help="only what accounts did, was aimed at them, or strangers"
    )
    asked = call.parse(parser)
    source = None if asked.source is None else Source(asked.source)
    with OfficerDb(accounts(call.require_node())).begin() as store:
        lines = [] if asked.refused else store.accounts.journal(before=None, most=asked.lines)
        attempts = store.attempts.attempts(before=None, most=asked.lines, source=source)
        names = {account.id: account.name for account in store.accounts.accounts()}
    _print(call, lines, attempts, names)
    call.output.result({"journal": [_line(row) for row in lines], "attempts": [_attempt(row) for row in attempts]})
    return ExitCode.FINE


def _print(call: Invocation, lines: list[JournalRow], attempts: list[AttemptRow], names: dict[str, str]) -> None:
    """Names are shown on this machine alone; the JSON has the accounts' ids."""
    output, russian = call.output, call.output.language == "ru"
    if lines:
        output.table(
            ["когда", "кто", "действие", "о чём"] if russian else ["when", "who", "act", "subject"],
            [
                [row.at, printable(names.get(row.account, row.account)), row.act, printable(row.subject)]
                for row in lines
            ],
        )
        output.line()
    if not attempts:
        output.say(en="nothing was refused", ru="отказов не было")
        return
    headers = ["последний раз", "сколько", "действие", "причина", "адрес", "чья", "кто"]
    output.table(
        headers if russian else ["last", "count", "act", "refused for", "address", "source", "who"],
        [
            [
                row.last_at,
                row.count,
                row.act,
                row.reason,
                row.address,
                row.source,
                printable(names.get(row.account, "-")),
            ]
            for row in attempts
        ],
    )


def _line(row: JournalRow) -> dict[str, object]:
    return {"line": row.id, "at": row.at, "account": row.account, "act": row.act, "subject": row.subject}


def _attempt(row: AttemptRow) -> dict[str, object]:
    return {
        "line": row.id,
        "minute": row.minute,
        "source": row.source,
        "act": row.act,
        "reason": row.reason,
        "address": row.address,
        "account": row.account or None,
        "count": row.count,
        "last_at": row.last_at,
    }
