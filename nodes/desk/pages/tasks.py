"""Your tasks: what waits for this officer, what is due by the contracts, and what was returned."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from exchange.contract.calendar import Due, Lateness, due_dates, lateness
from exchange.contract.model import DataContract
from exchange.errors.desk import CaseNotFoundError
from exchange.flow.agree import ContractState, term
from nodes.adapters.ledger_file import read_ledger
from nodes.desk.cases import OPEN, Desk, KeptCase
from nodes.desk.pages.names import STATES
from nodes.desk.releasing import submit
from nodes.desk.server.candidate_routes import cases, drafts
from nodes.desk.server.context import DeskContext
from nodes.desk.server.tasks import TaskKind, tasks_of
from nodes.web.pages.lateness import OWED
from nodes.web.pages.lists import Listing, add_files
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import fields, page_router, see
from nodes.web.pages.words import sentence as _
from nodes.web.roles import Action, Role, allows
from nodes.web.sessions import May, Officer

Seeing = Annotated[Officer, Depends(May(Action.TASKS))]
Submitting = Annotated[Officer, Depends(May(Action.CANDIDATE_SUBMIT))]
DUE_AHEAD_DAYS = 60
DUE_BEHIND_DAYS = 400
OWED_SHOWN_MAX = 10
"""Among the tasks; all stand on a page of their own."""


TASKS: Mapping[TaskKind, str] = {
    TaskKind.SUBMIT: _("Put before the clearing officers"),
    TaskKind.REBUILD: _("Build it again: it was returned"),
    TaskKind.RELEASE: _("Send it: it was cleared"),
    TaskKind.APPROVE: _("Decide what leaves the country"),
    TaskKind.APPROVE_WITHDRAWAL: _("Decide on a withdrawal"),
    TaskKind.RELEASE_WITHDRAWAL: _("Publish a withdrawal"),
    TaskKind.SIGN_CONTRACT: _("Read a contract and sign it"),
    TaskKind.APPROVE_ENROLMENT: _("Decide who may sign in"),
    TaskKind.TAKE_REVISION: _("Pull from partners"),
}
"""What is to be done, as sentences of the catalogue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A release that a contract asks for and the ledger does not have, and how late it is."""

    due: Due
    contract: DataContract
    lateness: Lateness


DUE: Listing[Owed] = Listing(
    name="due",
    page="/due",
    columns={
        "contract": lambda one: one.due.contract_id,
        "version": lambda one: one.contract.version,
        "period": lambda one: one.due.period,
        "recipients": lambda one: one.due.recipients,
        "due": lambda one: one.due.due.isoformat(),
        "lateness": lambda one: one.lateness.value,
    },
    filters=("contract", "lateness"),
)
CASES: Listing[KeptCase] = Listing(
    name="releases",
    page="/",
    columns={
        "number": lambda one: one.row.id,
        "name": lambda one: one.case.candidate.name,
        "contract": lambda one: one.case.candidate.contract.id,
        "period": lambda one: one.case.candidate.period,
        "prepared_by": lambda one: one.case.candidate.prepared_by,
        "approved_by": lambda one: tuple(approval.officer for approval in one.case.approvals),
        "state": lambda one: one.case.state.value,
    },
    filters=("contract", "period", "state"),
)


def router(web: Pages, context: DeskContext) -> APIRouter:
    """`GET /`, `/due`, the files of both lists, and `POST /drafts/{draft}` that puts a draft before the officers."""
    routes = page_router(web)

    @routes.get("/")
    def tasks(request: Request, officer: Seeing) -> Response:
        desk = context.desk()
        kept = cases(desk)
        facts: Mapping[str, object] = {
            "officer": officer,
            "tasks": list(tasks_of(context, officer, desk, kept)),
            "words": TASKS,
            "about": {one.row.id: one.case.candidate for one in kept},
            "titles": {one.contract.digest: one.contract.title for one in desk.shelf.kept.values()},
            "drafts": drafts(desk, kept) if Role.DATA in officer.roles else {},
            "owed": owed(desk, kept),
            "owed_shown_max": OWED_SHOWN_MAX,
            "cases": CASES.show(kept, request.query_params),
            "states": STATES,
            "lateness": OWED,
            "prepares": Role.DATA in officer.roles,
            "opens": allows(Action.CANDIDATE_READ, officer.roles),
        }
        return web.page(request, "zone/tasks.html", facts)

    @routes.get("/due")
    def due(request: Request, officer: Seeing) -> Response:
        desk = context.desk()
        found = DUE.show(owed(desk, cases(desk)), request.query_params)
        return web.page(request, "zone/due.html", {"officer": officer, "list": found, "lateness": OWED})

    add_files(routes, DUE, Action.TASKS, lambda _: _owed_now(context))
    add_files(routes, CASES, Action.TASKS, lambda _: cases(context.desk()))

    @routes.post("/drafts/{draft}")
    async def submit_draft(request: Request, draft: str, officer: Submitting) -> Response:
        await fields(request)

        def act() -> Response:
            desk = context.desk()
            files = drafts(desk, cases(desk)).get(draft)
            if files is None:
                raise CaseNotFoundError(asked=draft, member=desk.node.member)
            registered = desk.require_officer(officer.require_officer_id())
            return see(f"/releases/{submit(desk, files, officer=registered).row.id}")

        return await run_in_threadpool(act)

    return routes


def _owed_now(context: DeskContext) -> list[Owed]:
    desk = context.desk()
    return owed(desk, cases(desk))


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
        Owed(due=due, contract=kept.contract, lateness=lateness(due, desk.now))
        for kept in desk.shelf.kept.values()
        for due in _dues(desk, kept.contract, today)
        if (due.contract_id, due.period, due.recipients) not in done | begun
    ]
    return sorted(found, key=lambda one: (one.due.due, one.due.contract_id, one.due.recipients))


def _dues(desk: Desk, contract: DataContract, today: date) -> tuple[Due, ...]:
    """What a contract in force makes this member owe, from the day on which all had signed it."""
    agreed = term(contract, desk.shelf.kept[contract.digest].statements)
    standing = desk.shelf.standing(contract, at=desk.now, provider=desk.node.member)
    if agreed is None or standing.state is not ContractState.IN_FORCE:
        return ()
    first, last = today - timedelta(days=DUE_BEHIND_DAYS), today + timedelta(days=DUE_AHEAD_DAYS)
    found = due_dates(contract, since=agreed.since, until=agreed.until, due_from=first, due_to=last)
    return tuple(due for due in found if due.provider == desk.node.member)
