"""The catalogue: what this caller may pull, page after page by index in the publisher's log."""

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from exchange.encoding import canonical_json, format_instant
from exchange.errors.node import RequestMalformedError
from exchange.flow.publish import PublicationState
from nodes.adapters.publication_store import KeptPublication
from nodes.gateway.access import Door
from nodes.gateway.context import GatewayContext
from nodes.gateway.rights import Rights

INDEX_MAX = 2**53 - 1
NUMBERS = ("since", "limit")
_NUMBER = re.compile(r"(0|[1-9][0-9]*)\Z", re.ASCII)


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
        now = context.clock.now()
        _require_plain(request)
        found = [
            grant.kept
            for grant in rights.catalogue(caller, at=now)
            if grant.kept.index >= since and contract in {None, grant.kept.contract_id}
        ]
        following = found[limit].index if len(found) > limit else None
        page = [_item(kept, context.member, rights.shown_state(kept, at=now)) for kept in found[:limit]]
        document = {"bundles": page, "next": following}
        return Response(canonical_json(document), media_type="application/json", headers={"Cache-Control": "no-store"})

    return routes


def _require_plain(request: Request) -> None:
    """Refuse what another reader of this address could read otherwise.

    Raises:
        RequestMalformedError: A parameter twice or unknown, or a number with a sign, a blank, or a zero before it.
    """
    pairs = request.query_params.multi_items()
    asked = dict(pairs)
    numbers = [value for name, value in pairs if name in NUMBERS]
    if len(asked) < len(pairs) or not asked.keys() <= {"contract", *NUMBERS} or not all(map(_NUMBER.match, numbers)):
        raise RequestMalformedError(
            subject="query", reason="expected contract, since and limit, each once and in digits"
        )


def _item(kept: KeptPublication, provider: str, state: PublicationState) -> dict[str, object]:
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
        "state": state.value,
    }
