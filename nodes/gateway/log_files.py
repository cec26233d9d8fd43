"""The log as C2SP tlog-tiles serves it: checkpoint and hash tiles to anybody, entries to the auditor.

And to the members that the node's settings name, which hold a copy of it (decision 50).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from fastapi import APIRouter, Request
from starlette.responses import Response

from exchange.encoding import base64_encode, canonical_json
from exchange.errors.exchange_ import NotFoundError
from exchange.errors.log import LeafIndexError, TilePathError
from exchange.errors.node import LogNotReplacedError
from exchange.log.tiles import ENTRIES, TILE_WIDTH, Tile, format_tile_path, parse_tile_path
from nodes.adapters.log_succession import end_log
from nodes.adapters.own_log import entry_at
from nodes.adapters.tile_files import TileFiles
from nodes.gateway.access import Door, require_auditor
from nodes.gateway.context import GatewayContext

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Response]])

IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}
FRESH = {"Cache-Control": "no-cache"}
QUORUM_WAIT_S = 5.0
"""How long `exchange log prove` waits for the newest entry's cosignatures."""


def file_route(routes: APIRouter, path: str) -> Callable[[Handler], Handler]:
    """An address of a file: GET, and HEAD, to which the server sends the same status and headers and no body.

    Source: RFC 9110 §9.1 and §9.3.2.
    """

    def register(handler: Handler) -> Handler:
        routes.get(path, response_class=Response)(handler)
        routes.head(path, response_class=Response, include_in_schema=False)(handler)
        return handler

    return register


def router(context: GatewayContext, door: Door) -> APIRouter:
    """`GET /log/checkpoint` and `/log/tile/…`."""
    routes = APIRouter(tags=["log"])

    @file_route(routes, "/log/checkpoint")
    async def checkpoint() -> Response:
        """The newest checkpoint, with the cosignatures it has so far."""
        raw = context.files.checkpoint()
        if raw is None:
            raise NotFoundError
        return Response(raw, media_type="text/plain; charset=utf-8", headers=FRESH)

    @file_route(routes, "/log/tile/{path:path}")
    async def tile(request: Request, path: str) -> Response:
        """A tile; a partial one that has gone is answered from the full one, cut to its width."""
        wanted = parsed_tile(path)
        if wanted.level == ENTRIES:
            caller = await door.admit(request)
            if caller.member not in context.settings.mirrored_by:
                require_auditor(caller)
        return Response(tile_of(context.files, wanted), media_type="application/octet-stream", headers=IMMUTABLE)

    return routes


def local_router(context: GatewayContext) -> APIRouter:
    """`GET /local/log/proofs/{index}` and `POST /local/log/end`, for `exchange log prove` and `log end`."""
    routes = APIRouter(prefix="/local/log")

    @routes.post("/end", response_class=Response)
    async def end() -> Response:
        """Close the log: its last entry, and the quorum's checkpoint over it, waited for a little."""
        log, member = context.sequencer.log, context.trust.current().member(context.member)
        if member.after(log.origin) is None:
            raise LogNotReplacedError(origin=log.origin)
        index = await end_log(context.sequencer, member)
        with suppress(TimeoutError):
            async with asyncio.timeout(QUORUM_WAIT_S):
                await context.cosigner.covered_at_last(index)
        cosigned = context.cosigner.cosigned
        document = {
            "origin": log.origin,
            "size": index + 1,
            "next": member.after(log.origin),
            "quorum": cosigned is not None and cosigned.checkpoint.size == index + 1,
        }
        return Response(canonical_json(document), media_type="application/json")

    @routes.get("/proofs/{index}", response_class=Response)
    async def proof(index: int) -> Response:
        """An entry with its proof under a quorum's checkpoint, waited for a little; else under the log's own."""
        log = context.sequencer.log
        if not 0 <= index < log.size:
            raise LeafIndexError(origin=log.origin, index=index, size=log.size)
        entry = await context.store.read(lambda connection: entry_at(connection, index))
        with suppress(TimeoutError):
            async with asyncio.timeout(QUORUM_WAIT_S):
                await context.cosigner.covered_at_last(index)
        document = {
            "index": index,
            "entry": base64_encode(entry),
            "proof": (await context.cosigner.best_proof(index, entry)).decode("utf-8"),
        }
        return Response(canonical_json(document), media_type="application/json")

    return routes


def parsed_tile(path: str) -> Tile:
    """The tile of an address below a log.

    Raises:
        NotFoundError: No tile has such a path.
    """
    try:
        return parse_tile_path(f"tile/{path}")
    except TilePathError as error:
        raise NotFoundError from error


def tile_of(files: TileFiles, wanted: Tile) -> bytes:
    """The bytes of a tile, cut from the full one where the partial one has gone.

    Raises:
        NotFoundError: It is not there.
    """
    raw = files.read(format_tile_path(wanted))
    return _cut(files, wanted) if raw is None else raw


def _cut(files: TileFiles, wanted: Tile) -> bytes:
    full = files.read(format_tile_path(Tile(wanted.level, wanted.index, TILE_WIDTH)))
    if full is None:
        raise NotFoundError
    if wanted.level != ENTRIES:
        return full[: wanted.width * 32]
    offset = 0
    for _ in range(wanted.width):
        offset += 2 + int.from_bytes(full[offset : offset + 2])
    return full[:offset]
