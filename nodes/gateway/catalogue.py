"""The catalogue: what this caller may pull, page after page by index in the publisher's log."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from exchange.encoding import canonical_json, format_instant
from nodes.adapters.publication_store import KeptPublication
from nodes.gateway.access import Door
from nodes.gateway.context import GatewayContext
from nodes.gateway.rights import Rights

INDEX_MAX = 2**53 - 1


def router(context: GatewayContext, door: Door) -> APIRouter:
    """`GET /v1/catalogue?contract=&since=&limit=`."""
    routes = APIRouter(tags=["catalogue"])
    rights = Rights(context.member, context.library, context.contracts)
    page_max = context.settings.catalogue_page_max

    @routes.get("/v1/catalogue", response_class=Response)
    async def catalogue(
        request: Request,
        contract: Annotated[str | None, Query(max_length=64)] = None,
        since: Annotated[int, Query(ge=0, le=INDEX_MAX)] = 0,
        limit: Annotated[int, Query(ge=1, le=page_max)] = page_max,
    ) -> Response:
        """Publications from log index `since` on, at most `limit` of them, and where the next page begins."""
        caller = await door.admit(request)
        found = [
            grant.kept
            for grant in rights.catalogue(caller, at=context.clock.now())
            if grant.kept.index >= since and contract in {None, grant.kept.contract_id}
        ]
        following = found[limit].index if len(found) > limit else None
        document = {"bundles": [_item(kept, context.member) for kept in found[:limit]], "next": following}
        return Response(canonical_json(document), media_type="application/json", headers={"Cache-Control": "no-store"})

    return routes


def _item(kept: KeptPublication, provider: str) -> dict[str, object]:
    return {
        "bundle": str(kept.bundle),
        "provider": provider,
        "contract": {"id": kept.contract_id, "version": kept.contract_version, "digest": str(kept.contract)},
        "period": kept.period,
        "revision": kept.revision,
        "supersedes": None if kept.supersedes is None else str(kept.supersedes),
        "not_before": format_instant(kept.not_before),
        "index": kept.index,
        "at": format_instant(kept.at),
        "state": kept.state.value,
    }
