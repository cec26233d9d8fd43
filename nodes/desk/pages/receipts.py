"""Receipts and withdrawals: who pulled what this member published, what it pulled itself, what was taken back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.responses import Response

from exchange.encoding import Digest, format_instant
from exchange.errors import ExchangeError
from exchange.publication.withdrawal import WITHDRAWAL, parse_withdrawal
from nodes.adapters.desk_store import open_desk
from nodes.desk.cases import Desk
from nodes.desk.pages.bundles import held_bundles
from nodes.desk.pages.names import WITHDRAWAL_STATES, said_purpose
from nodes.desk.server.context import DeskContext
from nodes.desk.server.receipt_routes import (
    ROWS_AT_ONCE,
    MadeLine,
    ReceiptsDocument,
    ServedLine,
    every_line,
    receipts_of,
)
from nodes.desk.withdrawing import WITHDRAWN
from nodes.web.pages.lists import Listing, add_files
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import page_router
from nodes.web.roles import Action, allows
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


WITHDRAWALS: Listing[TakenBack] = Listing(
    name="withdrawals",
    page="/receipts",
    parameter="withdrawals",
    columns={
        "bundle": lambda one: one.bundle,
        "member": lambda one: one.provider,
        "reason": lambda one: one.reason,
        "at": lambda one: format_instant(one.at),
        "approved_by": lambda one: one.approved_by,
        "state": lambda one: one.state,
        "release": lambda one: one.number,
    },
    filters=("bundle", "member"),
)
SERVED: Listing[ServedLine] = Listing(
    name="served",
    page="/receipts",
    parameter="served",
    columns={
        "bundle": lambda one: one.bundle,
        "member": lambda one: one.puller,
        "contract": lambda one: one.contract,
        "at": lambda one: one.at,
        "verdict": lambda one: one.verdict,
        "acknowledged": lambda one: one.acknowledged,
        "pull": lambda one: one.pull,
        "entry": lambda one: one.index,
    },
    filters=("bundle", "member"),
)
MADE: Listing[MadeLine] = Listing(
    name="made",
    page="/receipts",
    parameter="made",
    columns={
        "bundle": lambda one: one.bundle,
        "member": lambda one: one.partner,
        "purpose": lambda one: one.purpose,
        "at": lambda one: one.at,
        "verdict": lambda one: one.verdict,
        "taken": lambda one: one.taken,
        "acknowledged": lambda one: one.acknowledged,
        "pull": lambda one: one.pull,
    },
    filters=("bundle", "member"),
)
NOTHING = ReceiptsDocument(served=[], served_found=0, made=[], made_found=0, members=[])


def router(web: Pages, context: DeskContext) -> APIRouter:
    """`GET /receipts`, with `?bundle=…` and `?member=…` for one of them, and the files of its three lists."""
    routes = page_router(web)

    @routes.get("/receipts")
    def listing(request: Request, officer: Seeing) -> Response:
        desk, query = context.desk(), request.query_params
        found, problem = _asked(context, web, request)
        choices = {"bundle": (), "member": found.members}
        facts: dict[str, object] = {
            "officer": officer,
            "problem": problem,
            "withdrawals": WITHDRAWALS.show(taken_back(desk), query),
            "served": SERVED.show_cut(found.served, query, found=found.served_found, choices=choices),
            "made": MADE.show_cut(found.made, query, found=found.made_found, choices=choices),
            "states": WITHDRAWAL_STATES,
            "said": said_purpose,
            "names": {str(one.bundle): one.name for one in held_bundles(desk)},
            "offers": allows(Action.CATALOGUE_READ, officer.roles),
            "opens": allows(Action.PULLED_READ, officer.roles),
        }
        return web.page(request, "zone/receipts.html", facts)

    def read(request: Request, **skip: int) -> ReceiptsDocument:
        return receipts_of(context, web.catalogue(request).core, request.query_params, most=ROWS_AT_ONCE, **skip)

    def served(request: Request) -> list[ServedLine]:
        return every_line(lambda skip: read(request, served=skip), lambda found: found.served)

    def made(request: Request) -> list[MadeLine]:
        return every_line(lambda skip: read(request, made=skip), lambda found: found.made)

    add_files(routes, WITHDRAWALS, Action.WITHDRAWALS_READ, lambda _: taken_back(context.desk()))
    add_files(routes, SERVED, Action.WITHDRAWALS_READ, served)
    add_files(routes, MADE, Action.WITHDRAWALS_READ, made)
    return routes


def _asked(context: DeskContext, web: Pages, request: Request) -> tuple[ReceiptsDocument, ExchangeError | None]:
    """The pages of pulls that an address asks for, the last ones where it asks for more; or why nobody says."""
    query, core = request.query_params, web.catalogue(request).core
    skipped = {"served": SERVED.skip(query), "made": MADE.skip(query)}
    try:
        found = receipts_of(context, core, query, **skipped)
        there = {
            "served": SERVED.skip(query, found=found.served_found),
            "made": MADE.skip(query, found=found.made_found),
        }
        if there != skipped:
            found = receipts_of(context, core, query, **there)
    except ExchangeError as error:
        return NOTHING, error
    return found, None


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
