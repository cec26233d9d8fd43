"""`/api/withdrawals`, `/api/candidates/{number}/withdrawal…`: officers take a published bundle back."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from exchange.clearance import CLEARING_ROLE, Approval
from exchange.encoding import Digest, JsonObject, format_instant, parse_canonical_object, parse_instant, text_member
from exchange.publication.withdrawal import Withdrawal, WithdrawalCommon, parse_withdrawal, withdrawal_statement
from nodes.adapters.desk_store import open_desk
from nodes.desk import withdrawing
from nodes.desk.acts import DeskAct
from nodes.desk.cases import numbered
from nodes.desk.server.asked import ProvenBody, StatementDocument, answered, ask
from nodes.desk.server.candidate_routes import Number, ReasonBody
from nodes.desk.server.context import DeskContext
from nodes.desk.withdrawing import Approve, Asked
from nodes.web.answers import ACT, SIGNED_IN, Document, Fresh, refusals
from nodes.web.problems import language_of
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

PROPOSAL, APPROVAL = "desk.withdrawal/1", "desk.withdrawal-approval/1"
Clearer = Annotated[Officer, Depends(May(Action.WITHDRAWAL_APPROVE))]


class WithdrawalLine(Document):
    """A withdrawal at the desk."""

    bundle: str
    state: str
    reason: str
    at: str
    approved_by: list[str]


class WithdrawalsDocument(Document):
    """Every withdrawal at the desk."""

    withdrawals: list[WithdrawalLine]


class WithdrawnDocument(Document):
    """What the gateway said; it takes effect once its witnesses have seen it."""

    bundle: str
    effective: bool
    index: int


def router(context: DeskContext) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/api", tags=["withdrawals"], default_response_class=Fresh)
    _proposing(routes, context)
    _approving(routes, context)

    @routes.get("/withdrawals", responses=refusals(*SIGNED_IN, 422))
    def listing(_: Annotated[Officer, Depends(May(Action.WITHDRAWALS_READ))]) -> WithdrawalsDocument:
        """Every withdrawal, its reason, and who approved it."""
        desk = context.desk()
        with open_desk(desk.store_file) as store:
            rows = [(row.bundle, row.state, parse_withdrawal(row.document)) for row in store.withdrawals()]
        return WithdrawalsDocument(withdrawals=[_line(*row) for row in rows])

    @routes.post("/candidates/{number}/withdrawal/release", responses=refusals(*SIGNED_IN, *ACT))
    def release(
        request: Request, number: Number, officer: Annotated[Officer, Depends(May(Action.WITHDRAWAL_RELEASE))]
    ) -> WithdrawnDocument:
        """Sign what officers approved with the member's bundle keys, and hand it to the gateway; may be repeated."""
        desk = context.desk()
        context.console.note(officer, DeskAct.RELEASE_WITHDRAWAL, f"candidate {number}")
        asked, answer = withdrawing.release(desk, numbered(desk, number), context.gateway(language_of(request)))
        return WithdrawnDocument(
            bundle=str(asked.bundle), effective=bool(answer["effective"]), index=int(answer["index"])
        )

    return routes


def _proposing(routes: APIRouter, context: DeskContext) -> None:
    @routes.post("/candidates/{number}/withdrawal/challenge", responses=refusals(*SIGNED_IN, *ACT))
    def ask_for(number: Number, officer: Clearer, body: ReasonBody) -> StatementDocument:
        """The statement that proposes a withdrawal and approves it, for the officer's passkey."""
        desk = context.desk()
        common = withdrawing.proposal(desk, numbered(desk, number), reason=body.reason)
        return ask(context, desk, officer, _statement(common, officer, desk.now), kind=f"{PROPOSAL}/{number}")

    @routes.post("/candidates/{number}/withdrawal", status_code=201, responses=refusals(*SIGNED_IN, *ACT))
    def propose(number: Number, officer: Clearer, body: ProvenBody) -> WithdrawalLine:
        """Propose: the proposer approves it too."""
        statement, approval = answered(context, officer, body, kind=f"{PROPOSAL}/{number}")
        desk = context.desk()
        return _asked_line(withdrawing.propose(desk, numbered(desk, number), _common(statement), _given(approval)))


def _approving(routes: APIRouter, context: DeskContext) -> None:
    @routes.post("/candidates/{number}/withdrawal/approval/challenge", responses=refusals(*SIGNED_IN, *ACT))
    def ask_for(number: Number, officer: Clearer) -> StatementDocument:
        """The same words, for another officer's passkey."""
        desk = context.desk()
        common = withdrawing.proposed(desk, numbered(desk, number)).withdrawal.common
        return ask(context, desk, officer, _statement(common, officer, desk.now), kind=f"{APPROVAL}/{number}")

    @routes.post("/candidates/{number}/withdrawal/approval", responses=refusals(*SIGNED_IN, *ACT))
    def approve(number: Number, officer: Clearer, body: ProvenBody) -> WithdrawalLine:
        """Approve a proposed withdrawal."""
        _, approval = answered(context, officer, body, kind=f"{APPROVAL}/{number}")
        desk = context.desk()
        return _asked_line(withdrawing.approve(desk, numbered(desk, number), _given(approval)))


def _statement(common: WithdrawalCommon, officer: Officer, at: datetime) -> bytes:
    return withdrawal_statement(common, officer=officer.require_officer_id(), role=CLEARING_ROLE, at=at)


def _common(statement: bytes) -> WithdrawalCommon:
    """What the desk's own statement is about."""
    said = parse_canonical_object(statement, subject="statement")["common"]
    assert isinstance(said, dict)  # as withdrawal_statement wrote it
    common: JsonObject = said
    return WithdrawalCommon(
        bundle=Digest.parse(common["bundle"], subject="statement"),
        reason=text_member(common, "reason", subject="statement"),
        at=parse_instant(common["at"], subject="statement"),
    )


def _given(approval: Approval) -> Approve:
    return lambda _: approval


def _asked_line(asked: Asked) -> WithdrawalLine:
    assert asked.row is not None  # recorded just now
    return _line(str(asked.bundle), asked.row.state, asked.withdrawal)


def _line(bundle: str, state: str, found: Withdrawal) -> WithdrawalLine:
    return WithdrawalLine(
        bundle=bundle,
        state=state,
        reason=found.common.reason,
        at=format_instant(found.common.at),
        approved_by=[approval.officer for approval in found.approvals],
    )
