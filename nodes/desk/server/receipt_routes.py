"""`/api/receipts`: who pulled what this member published, what it pulled, and what was receipted."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from exchange.errors import Language
from nodes.desk.server.context import DeskContext
from nodes.web.answers import ACT, SIGNED_IN, Document, Fresh, refusals
from nodes.web.problems import language_of
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

RECEIPTS_WAIT_S = 15.0


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
    """The newest pulls of both sides."""

    served: list[ServedLine]
    made: list[MadeLine]


def router(context: DeskContext) -> APIRouter:
    """`GET /api/receipts`."""
    routes = APIRouter(prefix="/api", tags=["receipts"], default_response_class=Fresh)

    @routes.get("/receipts", responses=refusals(*SIGNED_IN, *ACT))
    def receipts(request: Request, _: Annotated[Officer, Depends(May(Action.WITHDRAWALS_READ))]) -> ReceiptsDocument:
        """The newest pulls of both sides with their receipts; no figure is in them."""
        return receipts_of(context, language_of(request))

    return routes


def receipts_of(context: DeskContext, language: Language) -> ReceiptsDocument:
    """What the own gateway says of pulls and receipts.

    Raises:
        GatewayDownError, GatewayRefusedError: The gateway does not answer.
    """
    found = context.gateway(language, timeout_s=RECEIPTS_WAIT_S).get("/local/receipts")
    return ReceiptsDocument.model_validate(found)
