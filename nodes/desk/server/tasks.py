"""`/api/tasks`: what waits for the officer who asks, by the officer's roles; nothing that somebody else must do."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends

from exchange.errors import ExchangeError
from exchange.flow.agree import ContractState
from exchange.flow.clear import CandidateState
from exchange.publication.withdrawal import parse_withdrawal
from nodes.adapters.desk_store import open_desk
from nodes.desk.cases import Desk, KeptCase
from nodes.desk.server.bundle_routes import OffersDocument
from nodes.desk.server.candidate_routes import cases, drafts
from nodes.desk.server.context import DeskContext
from nodes.desk.withdrawing import APPROVED, PROPOSED
from nodes.web.answers import SIGNED_IN, Document, Fresh, refusals
from nodes.web.roles import Action, Role, allows
from nodes.web.sessions import May, Officer

GATEWAY_WAIT_S = 2.0
"""For the gateway's answer; a list of tasks does not wait for one that is busy."""


class TaskKind(StrEnum):
    """What is to be done."""

    SUBMIT = "submit"
    REBUILD = "rebuild"
    RELEASE = "release"
    APPROVE = "approve"
    APPROVE_WITHDRAWAL = "approve-withdrawal"
    RELEASE_WITHDRAWAL = "release-withdrawal"
    SIGN_CONTRACT = "sign-contract"
    APPROVE_ENROLMENT = "approve-enrolment"
    TAKE_REVISION = "take-revision"


class TaskLine(Document):
    """One thing to do; `number` is the candidate's where it is about one."""

    task: TaskKind
    subject: str
    number: int | None


class TasksDocument(Document):
    """Everything that waits for this officer."""

    tasks: list[TaskLine]


def router(context: DeskContext) -> APIRouter:
    """`GET /api/tasks`."""
    routes = APIRouter(prefix="/api", tags=["tasks"], default_response_class=Fresh)

    @routes.get("/tasks", responses=refusals(*SIGNED_IN, 422))
    def tasks(officer: Annotated[Officer, Depends(May(Action.TASKS))]) -> TasksDocument:
        """What waits for the officer who asks."""
        desk = context.desk()
        return TasksDocument(tasks=list(tasks_of(context, officer, desk, cases(desk))))

    return routes


def tasks_of(context: DeskContext, officer: Officer, desk: Desk, at_desk: Sequence[KeptCase]) -> Iterator[TaskLine]:
    """Everything that waits for this officer, by role; `at_desk` is every case, read once for all of them."""
    if Role.DATA in officer.roles:
        yield from _of_preparer(desk, at_desk, officer.officer_id)
    if allows(Action.PULL, officer.roles):
        yield from _of_analyst(context)
    if Role.CLEARING in officer.roles:
        yield from _of_clearer(at_desk, officer.officer_id)
        yield from _withdrawals(desk, at_desk, officer.officer_id)
    if Role.CONTRACT in officer.roles:
        yield from _of_contract_officer(desk)
    if Role.OPERATOR in officer.roles:
        yield from _of_operator(context, officer)


def _of_preparer(desk: Desk, at_desk: Sequence[KeptCase], officer: str | None) -> Iterator[TaskLine]:
    for files in drafts(desk, at_desk).values():
        if files.candidate.prepared_by == officer:
            yield TaskLine(task=TaskKind.SUBMIT, subject=files.candidate.name, number=None)
    for kept in at_desk:
        name, state = kept.case.candidate.name, kept.case.state
        if state is CandidateState.RETURNED and kept.case.candidate.prepared_by == officer:
            yield TaskLine(task=TaskKind.REBUILD, subject=name, number=kept.row.id)
        if state is CandidateState.CLEARED:
            yield TaskLine(task=TaskKind.RELEASE, subject=name, number=kept.row.id)


def _of_analyst(context: DeskContext) -> Iterator[TaskLine]:
    """What partners revised and the own gateway could not take by itself; nothing while it does not say."""
    gateway = context.gateway(timeout_s=GATEWAY_WAIT_S)
    with suppress(ExchangeError):
        for one in gateway.shaped(gateway.get("/local/revisions"), OffersDocument).bundles:
            subject = f"{one.provider} {one.contract.id} {one.period} r{one.revision}"
            yield TaskLine(task=TaskKind.TAKE_REVISION, subject=subject, number=None)


def _of_clearer(at_desk: Sequence[KeptCase], officer: str | None) -> Iterator[TaskLine]:
    for kept in at_desk:
        approved = {approval.officer for approval in kept.case.approvals}
        submitted = kept.case.state is CandidateState.SUBMITTED
        if submitted and officer not in {*approved, kept.case.candidate.prepared_by}:
            yield TaskLine(task=TaskKind.APPROVE, subject=kept.case.candidate.name, number=kept.row.id)


def _withdrawals(desk: Desk, at_desk: Sequence[KeptCase], officer: str | None) -> Iterator[TaskLine]:
    numbers = {kept.row.bundle: kept.row.id for kept in at_desk}
    with open_desk(desk.store_file) as store:
        rows = store.withdrawals()
    for row in rows:
        approved = {approval.officer for approval in parse_withdrawal(row.document).approvals}
        if row.state == PROPOSED and officer not in approved:
            yield TaskLine(task=TaskKind.APPROVE_WITHDRAWAL, subject=row.bundle, number=numbers.get(row.bundle))
        if row.state == APPROVED:
            yield TaskLine(task=TaskKind.RELEASE_WITHDRAWAL, subject=row.bundle, number=numbers.get(row.bundle))


def _of_contract_officer(desk: Desk) -> Iterator[TaskLine]:
    for kept in desk.shelf.kept.values():
        contract = kept.contract
        standing = desk.shelf.standing(contract, at=desk.now)
        if standing.state is ContractState.PROPOSED and desk.node.member in standing.parties:
            yield TaskLine(task=TaskKind.SIGN_CONTRACT, subject=f"{contract.id}/{contract.version}", number=None)


def _of_operator(context: DeskContext, officer: Officer) -> Iterator[TaskLine]:
    with context.console.db.begin() as store:
        rows = store.accounts.enrolments()
    for row in rows:
        if row.approved_by is None and row.proposed_by != officer.account:
            yield TaskLine(task=TaskKind.APPROVE_ENROLMENT, subject=row.name, number=None)
