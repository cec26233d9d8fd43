"""Receipts and withdrawals: who pulled what this member published, what it pulled itself, what was taken back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.responses import Response

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.publication.withdrawal import WITHDRAWAL, parse_withdrawal
from nodes.adapters.desk_store import open_desk
from nodes.desk.cases import Desk
from nodes.desk.pages.bundles import held_bundles
from nodes.desk.pages.names import WITHDRAWAL_STATES
from nodes.desk.pages.paging import Paged, paged
from nodes.desk.server.context import DeskContext
from nodes.desk.server.receipt_routes import MadeLine, ReceiptsDocument, ServedLine, receipts_of
from nodes.desk.withdrawing import WITHDRAWN
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import page_router
from nodes.web.roles import RIGHTS, Action
from nodes.web.sessions import May, Officer

Seeing = Annotated[Officer, Depends(May(Action.WITHDRAWALS_READ))]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """A bundle that its provider takes back, or took.

    Attributes:
        state: Where it stands at this desk; of a partner's it is in effect.
        number: The case at this desk, of an own one.
    """

    bundle: str
    provider: str
    reason: str
    at: datetime
    state: str
    approved_by: tuple[str, ...]
    number: int | None = None


def router(web: Pages, context: DeskContext) -> APIRouter:
    """`GET /receipts`; `?bundle=…` and `?member=…` leave the others out."""
    routes = page_router(web)

    @routes.get("/receipts")
    def listing(request: Request, officer: Seeing) -> Response:
        desk = context.desk()
        problem: ExchangeError | None = None
        try:
            found = receipts_of(context, web.catalogue(request).core)
        except ExchangeError as error:
            found, problem = ReceiptsDocument(served=[], made=[]), error
        asked = {name: request.query_params.get(name, "") for name in ("bundle", "member")}
        facts: dict[str, object] = {
            "officer": officer,
            "problem": problem,
            "asked": asked,
            "members": sorted({*(one.puller for one in found.served), *(one.partner for one in found.made)}),
            "served": _paged((one for one in found.served if _fits(one, asked)), request, "served"),
            "made": _paged((one for one in found.made if _fits(one, asked)), request, "made"),
            "withdrawals": [one for one in taken_back(desk) if asked["bundle"] in {"", one.bundle}],
            "states": WITHDRAWAL_STATES,
            "names": {str(one.bundle): one.name for one in held_bundles(desk)},
            "opens": bool(RIGHTS[Action.PULLED_READ].roles & officer.roles),
        }
        return web.page(request, "zone/receipts.html", facts)

    return routes


def taken_back(desk: Desk) -> list[TakenBack]:
    """What this member takes back, and what partners took back of what was pulled from them; the newest first."""
    found = [*_own(desk), *_of_partners(desk)]
    return sorted(found, key=lambda one: (one.at, one.bundle), reverse=True)


def _own(desk: Desk) -> Iterable[TakenBack]:
    if not desk.store_file.exists():
        return
    with open_desk(desk.store_file) as store:
        rows = [(row, store.released_as(row.bundle)) for row in store.withdrawals()]
    for row, case in rows:
        withdrawal = parse_withdrawal(row.document)
        yield TakenBack(
            bundle=row.bundle,
            provider=desk.node.member,
            reason=withdrawal.common.reason,
            at=withdrawal.common.at,
            state=row.state,
            approved_by=tuple(approval.officer for approval in withdrawal.approvals),
            number=None if case is None else case.id,
        )


def _of_partners(desk: Desk) -> Iterable[TakenBack]:
    providers = {one.bundle: one.provider for one in held_bundles(desk)}
    for file in sorted(desk.node.taken_back.glob(f"*/{WITHDRAWAL}")):
        withdrawal = parse_withdrawal(file.read_bytes())
        bundle = Digest.parse_hex(file.parent.name, subject="pulled/withdrawn")
        yield TakenBack(
            bundle=str(bundle),
            provider=providers.get(bundle, "–"),
            reason=withdrawal.common.reason,
            at=withdrawal.common.at,
            state=WITHDRAWN,
            approved_by=tuple(approval.officer for approval in withdrawal.approvals),
        )


def _fits(one: ServedLine | MadeLine, asked: Mapping[str, str]) -> bool:
    other = one.puller if isinstance(one, ServedLine) else one.partner
    return asked["bundle"] in {"", one.bundle} and asked["member"] in {"", other}


def _paged(lines: Iterable[ServedLine | MadeLine], request: Request, name: str) -> Paged[ServedLine | MadeLine]:
    return paged(tuple(lines), request.query_params, name=name)
