"""The local interface for withdrawals: the desk hands one over; a person asks what partners took back."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from exchange.encoding import base64_decode, canonical_json, parse_json_object, require_members, text_member
from nodes.gateway.acknowledging import Acknowledged, Acknowledging
from nodes.gateway.context import GatewayContext
from nodes.gateway.withdrawing import Withdrawing

JSON = "application/json"
_MEMBER = r"^[A-Za-z][A-Za-z0-9]{1,15}$"


def router(context: GatewayContext, withdrawing: Withdrawing, acknowledging: Acknowledging) -> APIRouter:
    """`/local/withdrawals` and `/local/withdrawals/look`."""
    routes = APIRouter(prefix="/local/withdrawals", tags=["local"])

    @routes.post("", response_class=Response)
    async def withdraw(request: Request) -> Response:
        """Withdraw a bundle; 202 while it still waits for its quorum."""
        document, signatures = _files(await request.body())
        kept = await withdrawing.take(document, signatures, wait_s=context.settings.publication_wait_s)
        effective = kept.proof is not None
        found = {"bundle": str(kept.bundle), "index": kept.index, "effective": effective}
        return Response(canonical_json(found), 200 if effective else 202, media_type=JSON)

    @routes.post("/look", response_class=Response)
    async def look(partner: Annotated[str, Query(pattern=_MEMBER)]) -> Response:
        """Acknowledge whatever a partner took back of what was pulled from it."""
        member = context.trust.current().member(partner.upper()).id
        found = await acknowledging.look(member)
        return Response(canonical_json({"acknowledged": [_shown(one) for one in found]}), media_type=JSON)

    return routes


def _files(body: bytes) -> tuple[bytes, bytes]:
    document = parse_json_object(body, subject="request")
    require_members(document, {"withdrawal", "signatures"}, subject="request")
    found = (text_member(document, name, subject="request") for name in ("withdrawal", "signatures"))
    raw, signatures = (base64_decode(text, subject="request") for text in found)
    return raw, signatures


def _shown(one: Acknowledged) -> dict[str, object]:
    return {"partner": one.partner, "bundle": str(one.bundle), "reason": one.reason, "folder": str(one.folder)}
