"""Taking a published bundle back, from its page: why, who agrees, who pulled it, and who knows of it by now."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from exchange.errors import ExchangeError
from exchange.publication.withdrawal import Withdrawal, parse_withdrawal
from nodes.adapters.desk_store import open_desk
from nodes.desk import withdrawing
from nodes.desk.acts import DeskAct
from nodes.desk.cases import Desk, KeptCase, numbered
from nodes.desk.pages.deciding import shown_passkey
from nodes.desk.pages.names import WITHDRAWAL_STATES
from nodes.desk.server.context import DeskContext
from nodes.desk.server.receipt_routes import PullerLine, pullers_of
from nodes.desk.withdrawing import APPROVED, LOGGED, PROPOSED
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import fields, page_router, see
from nodes.web.problems import status_of
from nodes.web.roles import Action, allows
from nodes.web.sessions import May, Officer

Seeing = Annotated[Officer, Depends(May(Action.WITHDRAWALS_READ))]
Releasing = Annotated[Officer, Depends(May(Action.WITHDRAWAL_RELEASE))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A case with its withdrawal, if one was proposed."""

    kept: KeptCase
    state: str | None
    withdrawal: Withdrawal | None


@dataclass(frozen=True, slots=True)
class WithdrawalPages:
    """The page about one withdrawal."""

    web: Pages
    context: DeskContext

    def page(self, request: Request, officer: Officer, number: int, problem: ExchangeError | None = None) -> Response:
        """The page, with why the last thing asked was not done, if it was not."""
        desk = self.context.desk()
        begun = begun_of(desk, number)
        pullers, silent = self._pullers(request, begun)
        approved = () if begun.withdrawal is None else begun.withdrawal.approvals
        clears = allows(Action.WITHDRAWAL_APPROVE, officer.roles)
        facts: dict[str, object] = {
            "officer": officer,
            "number": number,
            "candidate": begun.kept.case.candidate,
            "bundle": begun.kept.row.bundle,
            "withdrawal": begun.withdrawal,
            "state": None if begun.state is None else WITHDRAWAL_STATES[begun.state],
            "problem": problem,
            "pullers": pullers,
            "silent": silent,
            "proposes": clears and begun.state is None and begun.kept.row.bundle is not None,
            "approves": clears
            and begun.state == PROPOSED
            and officer.officer_id not in {approval.officer for approval in approved},
            "releases": clears and begun.state in {APPROVED, LOGGED},
            "stepped_up": shown_passkey(self.context, officer),
        }
        return self.web.page(
            request, "zone/withdrawal.html", facts, status=200 if problem is None else status_of(problem)
        )

    def _pullers(self, request: Request, begun: Begun) -> tuple[list[PullerLine], ExchangeError | None]:
        """Who pulled it; or why the gateway does not say."""
        if begun.kept.row.bundle is None:
            return [], None
        try:
            return pullers_of(self.context, self.web.catalogue(request).core, begun.kept.row.bundle), None
        except ExchangeError as error:
            return [], error


def router(web: Pages, context: DeskContext) -> APIRouter:
    """`GET /releases/{number}/withdrawal`, and `POST …/release`; proposing and approving are by passkey (`/api`)."""
    routes = page_router(web)
    pages = WithdrawalPages(web, context)

    @routes.get("/releases/{number}/withdrawal")
    def withdrawal(request: Request, number: int, officer: Seeing) -> Response:
        return pages.page(request, officer, number)

    @routes.post("/releases/{number}/withdrawal/release")
    async def release(request: Request, number: int, officer: Releasing) -> Response:
        await fields(request)

        def act() -> Response:
            desk = context.desk()
            context.console.note(officer, DeskAct.RELEASE_WITHDRAWAL, f"candidate {number}")
            try:
                withdrawing.release(desk, numbered(desk, number), context.gateway(web.catalogue(request).core))
            except ExchangeError as error:
                return pages.page(request, officer, number, error)
            return see(f"/releases/{number}/withdrawal")

        return await run_in_threadpool(act)

    return routes


def begun_of(desk: Desk, number: int) -> Begun:
    """The case of this number, with its withdrawal.

    Raises:
        CaseNotFoundError: There is none of this number.
    """
    with open_desk(desk.store_file) as store:
        kept = numbered(desk, number)(store)
        row = None if kept.row.bundle is None else store.withdrawal(kept.row.bundle)
    if row is None:
        return Begun(kept=kept, state=None, withdrawal=None)
    return Begun(kept=kept, state=row.state, withdrawal=parse_withdrawal(row.document))
