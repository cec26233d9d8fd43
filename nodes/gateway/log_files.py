"""The log as C2SP tlog-tiles serves it: checkpoint and hash tiles to anybody, entries to the auditor."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from exchange.errors.exchange_ import NotFoundError
from exchange.errors.log import TilePathError
from exchange.log.tiles import ENTRIES, TILE_WIDTH, Tile, format_tile_path, parse_tile_path
from nodes.gateway.access import Door, require_auditor
from nodes.gateway.context import GatewayContext

_IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}
_FRESH = {"Cache-Control": "no-cache"}


def router(context: GatewayContext, door: Door) -> APIRouter:
    """`GET /log/checkpoint` and `/log/tile/…`."""
    routes = APIRouter(tags=["log"])

    @routes.get("/log/checkpoint", response_class=Response)
    async def checkpoint() -> Response:
        """The newest checkpoint, with the cosignatures it has so far."""
        raw = context.files.checkpoint()
        if raw is None:
            raise NotFoundError
        return Response(raw, media_type="text/plain; charset=utf-8", headers=_FRESH)

    @routes.get("/log/tile/{path:path}", response_class=Response)
    async def tile(request: Request, path: str) -> Response:
        """A tile; a partial one that has gone is answered from the full one, cut to its width."""
        try:
            wanted = parse_tile_path(f"tile/{path}")
        except TilePathError as error:
            raise NotFoundError from error
        if wanted.level == ENTRIES:
            require_auditor(await door.admit(request))
        raw = context.files.read(format_tile_path(wanted))
        if raw is None:
            raw = _cut(context, wanted)
        return Response(raw, media_type="application/octet-stream", headers=_IMMUTABLE)

    return routes


def _cut(context: GatewayContext, wanted: Tile) -> bytes:
    full = context.files.read(format_tile_path(Tile(wanted.level, wanted.index, TILE_WIDTH)))
    if full is None:
        raise NotFoundError
    if wanted.level != ENTRIES:
        return full[: wanted.width * 32]
    offset = 0
    for _ in range(wanted.width):
        offset += 2 + int.from_bytes(full[offset : offset + 2])
    return full[:offset]
