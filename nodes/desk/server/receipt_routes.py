"""`/api/receipts`: who pulled what this member published, what it pulled, and what was receipted."""

from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request

from exchange.encoding import Digest
from exchange.errors import Language
from nodes.desk.server.context import DeskContext
from nodes.web.answers import ACT, SIGNED_IN, Document, Fresh, refusals
from nodes.web.pages.paging import ROWS_PER_PAGE
from nodes.web.problems import language_of
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

RECEIPTS_WAIT_S = 15.0
ROWS_AT_ONCE = 5000
"""As many as the gateway gives in one answer."""

Bundle = Annotated[str | None, Query(pattern=r"^sha256:[0-9a-f]{64}$")]
Member = Annotated[str | None, Query(pattern=r"^[A-Z][A-Z0-9]{1,15}$")]
Page = Annotated[int, Query(ge=1, lt=1_000_000)]


class ServedLine(Document):
    """A pull that the own gateway answered; `verdict` is null while the receipt is owed."""

    pull: str
    bundle: str
    contract: str
    puller: str
    at: str
    index: int
    verdict: str | None
    acknowledged: bool


class MadeLine(Document):
    """A pull from a partner; `taken` is whether it took the receipt, `acknowledged` the same of a withdrawal's."""

    pull: str
    partner: str
    bundle: str
    purpose: str
    at: str
    verdict: str | None
    taken: bool
    acknowledged: bool | None


class ReceiptsDocument(Document):
    """A page of the pulls of both sides, newest first, how many there are, and with whom."""

    served: list[ServedLine]
    served_found: int
    made: list[MadeLine]
    made_found: int
    members: list[str]


class PullerLine(Document):
    """A member that pulled one bundle; `verdict` is that of its last receipt, null while it is owed."""

    puller: str
    pulls: int
    at: str
    verdict: str | None
    acknowledged: bool


class PullersDocument(Document):
    """Every member that ever pulled one bundle."""

    pullers: list[PullerLine]


Line = TypeVar("Line", ServedLine, MadeLine)


def router(context: DeskContext) -> APIRouter:
    """`GET /api/receipts`."""
    routes = APIRouter(prefix="/api", tags=["receipts"], default_response_class=Fresh)

    @routes.get("/receipts", responses=refusals(*SIGNED_IN, *ACT))
    def receipts(
        request: Request,
        _: Annotated[Officer, Depends(May(Action.WITHDRAWALS_READ))],
        bundle: Bundle = None,
        member: Member = None,
        page: Page = 1,
    ) -> ReceiptsDocument:
        """Two hundred pulls of either side with their receipts, the newest first; no figure is in them."""
        skip = (page - 1) * ROWS_PER_PAGE
        return receipts_of(context, language_of(request), {"bundle": bundle, "member": member}, served=skip, made=skip)

    return routes


def receipts_of(
    context: DeskContext,
    language: Language,
    which: Mapping[str, str | None],
    *,
    served: int = 0,
    made: int = 0,
    most: int = ROWS_PER_PAGE,
) -> ReceiptsDocument:
    """What the own gateway says of pulls and receipts.

    Args:
        context: Of the desk.
        language: Of what it refuses.
        which: `bundle` and `member`, where only those are asked for.
        served: How many of the newest that were answered here to leave out.
        made: How many of the newest that were made from here to leave out.
        most: How many of either to give.

    Raises:
        GatewayDownError, GatewayRefusedError, GatewayAnswerError: The gateway does not answer, or there is no such
            bundle or member, or it is of another version.
    """
    asked = {name: text for name in ("bundle", "member") if (text := which.get(name))}
    query = urlencode({**asked, "served": served, "made": made, "most": most})
    gateway = context.gateway(language, timeout_s=RECEIPTS_WAIT_S)
    return gateway.shaped(gateway.get(f"/local/receipts?{query}"), ReceiptsDocument)


def every_line(read: Callable[[int], ReceiptsDocument], lines: Callable[[ReceiptsDocument], list[Line]]) -> list[Line]:
    """All lines of one side, however many; `read` gives the document from so many lines on."""
    found: list[Line] = []
    while more := lines(read(len(found))):
        found += more
        if len(more) < ROWS_AT_ONCE:
            break
    return found


def pullers_of(context: DeskContext, language: Language, bundle: str) -> list[PullerLine]:
    """Every member that ever pulled this bundle.

    Raises:
        GatewayDownError, GatewayRefusedError, GatewayAnswerError: The gateway does not answer, or otherwise.
    """
    asked = urlencode({"bundle": str(Digest.parse(bundle, subject="bundle"))})
    gateway = context.gateway(language, timeout_s=RECEIPTS_WAIT_S)
    return gateway.shaped(gateway.get(f"/local/pullers?{asked}"), PullersDocument).pullers
