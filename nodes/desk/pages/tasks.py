"""Your tasks: what waits for this officer, what is due by the contracts, and what was returned."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.responses import Response

from exchange.contract.calendar import Due, Lateness, due_dates, lateness
from exchange.contract.model import DataContract
from exchange.flow.agree import ContractState
from exchange.flow.clear import CandidateState
from nodes.adapters.desk_store import open_desk as open_store
from nodes.adapters.ledger_file import read_ledger
from nodes.desk.cases import OPEN, Desk, KeptCase, load_case
from nodes.desk.pages.names import STATES
from nodes.desk.server.context import DeskContext
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import page_router
from nodes.web.pages.words import sentence as _
from nodes.web.roles import Action, Role
from nodes.web.sessions import May, Officer

Seeing = Annotated[Officer, Depends(May(Action.TASKS))]
DUE_AHEAD_DAYS = 60
DUE_BEHIND_DAYS = 400
CASES_SHOWN_MAX = 50
LATENESS: Mapping[Lateness, tuple[str, str]] = {
    Lateness.IN_TIME: (_("in time"), "green"),
    Lateness.DUE: (_("due"), "yellow"),
    Lateness.LATE: (_("late"), "orange"),
    Lateness.OVERDUE: (_("overdue"), "red"),
    Lateness.DELINQUENT: (_("delinquent"), "red"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something that waits for this officer.

    Attributes:
        text: What is to be done, a sentence of the catalogue.
    """

    text: str
    kept: KeptCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A release that a contract asks for and the ledger does not have, and how late it is."""

    due: Due
    contract: DataContract
    lateness: Lateness


def router(web: Pages, context: DeskContext) -> APIRouter:
    """`GET /`."""
    routes = page_router(web)

    @routes.get("/")
    def tasks(request: Request, officer: Seeing) -> Response:
        desk = context.desk()
        with open_store(desk.store_file) as store:
            cases = [load_case(desk, row) for row in store.cases()]
        facts: Mapping[str, object] = {
            "officer": officer,
            "tasks": list(_tasks(officer, cases)),
            "owed": owed(desk, cases),
            "cases": cases[:CASES_SHOWN_MAX],
            "states": STATES,
            "lateness": LATENESS,
        }
        return web.page(request, "zone/tasks.html", facts)

    return routes


def owed(desk: Desk, cases: list[KeptCase]) -> list[Owed]:
    """What this member still owes, by due day: of the last thirteen months and the next two."""
    today = desk.now.astimezone(UTC).date()
    done = {(one.contract.id, one.period, one.recipients) for one in read_ledger(desk.ledger)}
    begun = {
        (kept.case.candidate.contract.id, kept.case.candidate.period, kept.case.candidate.recipients)
        for kept in cases
        if kept.case.state in OPEN
    }
    found = [
        Owed(due=due, contract=contract, lateness=lateness(due, desk.now))
        for contract in _in_force(desk)
        for due in _dues(contract, today)
        if due.provider == desk.node.member and (due.contract_id, due.period, due.recipients) not in done | begun
    ]
    return sorted(found, key=lambda one: (one.due.due, one.due.contract_id, one.due.recipients))


def _in_force(desk: Desk) -> Iterator[DataContract]:
    for kept in desk.shelf.kept.values():
        standing = desk.shelf.standing(kept.contract, at=desk.now, provider=desk.node.member)
        if standing.state is ContractState.IN_FORCE:
            yield kept.contract


def _dues(contract: DataContract, today: date) -> tuple[Due, ...]:
    return due_dates(
        contract,
        since=contract.effective,
        due_from=today - timedelta(days=DUE_BEHIND_DAYS),
        due_to=today + timedelta(days=DUE_AHEAD_DAYS),
    )


def _tasks(officer: Officer, cases: list[KeptCase]) -> Iterator[Task]:
    for kept in cases:
        case, mine = kept.case, kept.case.candidate.prepared_by == officer.officer_id
        approved = any(one.officer == officer.officer_id for one in case.approvals)
        if case.state is CandidateState.SUBMITTED and Role.CLEARING in officer.roles and not mine and not approved:
            yield Task(text=_("Decide what leaves the country"), kept=kept)
        elif case.state is CandidateState.RETURNED and mine:
            yield Task(text=_("Build it again: it was returned"), kept=kept)
        elif case.state is CandidateState.CLEARED and {Role.DATA, Role.CLEARING} & officer.roles:
            yield Task(text=_("Send it: it was cleared"), kept=kept)
