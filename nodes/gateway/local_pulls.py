"""`/local/receipts`, `/local/pullers`: who pulled what is published here and what was receipted; for the own desk."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from exchange.encoding import canonical_json
from nodes.adapters.pull_reading import AskedPulls, made_pulls, members_met, pullers_of, served_pulls
from nodes.gateway.context import GatewayContext

ROWS_MAX = 5000
"""Of each side in one answer; whoever wants more asks again from there on."""
JSON = "application/json"
Bundle = Annotated[str | None, Query(pattern=r"^sha256:[0-9a-f]{64}$")]
Member = Annotated[str | None, Query(pattern=r"^[A-Z][A-Z0-9]{1,15}$")]
Skip = Annotated[int, Query(ge=0, lt=2**31)]


def router(context: GatewayContext) -> APIRouter:
    """`GET /receipts` and `/pullers`, under `/local`."""
    routes = APIRouter()

    @routes.get("/receipts", response_class=Response)
    async def receipts(
        bundle: Bundle = None,
        member: Member = None,
        served: Skip = 0,
        made: Skip = 0,
        most: Annotated[int, Query(ge=1, le=ROWS_MAX)] = ROWS_MAX,
    ) -> Response:
        """Pulls of both sides with their receipts, from the newest but `served` and `made` on; no figure is in them."""
        ours = AskedPulls(bundle=bundle, member=member, skip=served, most=most)
        theirs = AskedPulls(bundle=bundle, member=member, skip=made, most=most)
        answered, answered_found = await context.store.read(lambda connection: served_pulls(connection, ours))
        asked, asked_found = await context.store.read(lambda connection: made_pulls(connection, theirs))
        document = {
            "served": [one.document() for one in answered],
            "served_found": answered_found,
            "made": [one.document() for one in asked],
            "made_found": asked_found,
            "members": await context.store.read(members_met),
        }
        return Response(canonical_json(document), media_type=JSON)

    @routes.get("/pullers", response_class=Response)
    async def pullers(bundle: Annotated[str, Query(pattern=r"^sha256:[0-9a-f]{64}$")]) -> Response:
        """Every member that ever pulled this bundle."""
        found = await context.store.read(lambda connection: pullers_of(connection, bundle))
        return Response(canonical_json({"pullers": [one.document() for one in found]}), media_type=JSON)

    return routes
