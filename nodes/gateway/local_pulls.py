"""`/local/receipts`: who pulled what this member published and what was receipted, on both sides; for the own desk."""

from fastapi import APIRouter
from starlette.responses import Response

from exchange.encoding import canonical_json
from nodes.adapters.pull_reading import made_pulls, served_pulls
from nodes.gateway.context import GatewayContext


def router(context: GatewayContext) -> APIRouter:
    """`GET /receipts`, under `/local`."""
    routes = APIRouter()

    @routes.get("/receipts", response_class=Response)
    async def receipts() -> Response:
        """The newest pulls of both sides with their receipts; no figure is in them."""
        served, made = await context.store.read(served_pulls), await context.store.read(made_pulls)
        found = {"served": [one.document() for one in served], "made": [one.document() for one in made]}
        return Response(canonical_json(found), media_type="application/json")

    return routes
