"""Whether what a party said about a contract stands in the log of every party (DESIGN.md §4).

A party's gateway logs its own statement before it carries it, and every other party's logs it when it arrives. A log
that goes on for a day without it shows that somebody kept it back: the party that spoke, if it is its own log; else it
was not carried or not taken, and logs alone do not tell which.
"""

from collections.abc import Iterator
from datetime import timedelta

from exchange.contract.model import DataContract
from exchange.encoding import Digest, format_instant
from exchange.errors.audit import StatementUnloggedError
from exchange.reconcile.history import STATEMENTS
from exchange.reconcile.model import UNDECIDED, Federation, Finding, LoggedEntry

CARRIED_WITHIN = timedelta(days=1)
"""How long a statement may be on its way; a gateway carries it again every minute."""


def judge_statements(federation: Federation) -> tuple[Finding, ...]:
    """One finding for each statement and party whose log went on without it."""
    logged = _by_statement(federation)
    found: list[Finding] = []
    for statement in sorted(logged):
        first = min(logged[statement].values(), key=lambda one: one.entry.at)
        contract = federation.contracts.get(first.entry.contract) if first.entry.contract is not None else None
        if contract is not None:
            found += _missing(statement, first, contract, frozenset(logged[statement]), federation)
    return tuple(found)


def _by_statement(federation: Federation) -> dict[Digest, dict[str, LoggedEntry]]:
    """The first entry about each statement in each log."""
    found: dict[Digest, dict[str, LoggedEntry]] = {}
    for member, log in federation.logs.items():
        for logged in log.of(*STATEMENTS):
            if logged.entry.evidence is not None:
                found.setdefault(logged.entry.evidence, {}).setdefault(member, logged)
    return found


def _missing(
    statement: Digest, first: LoggedEntry, contract: DataContract, holders: frozenset[str], federation: Federation
) -> Iterator[Finding]:
    speaker = first.entry.counterpart or first.member
    limit = int((first.entry.at + CARRIED_WITHIN).timestamp())
    for member in sorted(set(contract.members()) & federation.logs.keys() - holders):
        log = federation.logs[member]
        if not log.times or log.times[-1] <= limit:
            continue  # it may have been down, and take it when it is up
        went_on = next(index for index, at in enumerate(log.times) if at > limit)
        party = speaker if member == speaker else UNDECIDED
        error = StatementUnloggedError(
            party=party,
            statement=str(statement),
            speaker=speaker,
            contract=contract.id,
            version=contract.version,
            holder=first.member,
            since=format_instant(first.entry.at),
            member=member,
        )
        yield Finding(
            party=party, reason=error, evidence=(statement,), entries=((first.member, first.index), (member, went_on))
        )
