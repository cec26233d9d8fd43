"""The registry as this node holds it, for whoever asks: TUF metadata and targets need no token, they are signed."""

import asyncio
import re
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response

from exchange.errors.exchange_ import NotFoundError
from nodes.gateway.context import GatewayContext
from nodes.gateway.log_files import file_route

_METADATA = re.compile(r"(?:[1-9][0-9]{0,8}\.)?[a-z0-9-]{1,32}\.json\Z")
_TARGET = re.compile(r"(?:[a-z0-9-]{1,32}/){0,4}[A-Za-z0-9][A-Za-z0-9._-]{0,160}\Z")


def router(context: GatewayContext) -> APIRouter:
    """`GET /trust/metadata/{file}` and `/trust/targets/{path}`."""
    routes = APIRouter(tags=["trust"])
    folder = context.node.keys

    @file_route(routes, "/trust/metadata/{file}")
    async def metadata(file: str) -> Response:
        """A metadata file of the registry."""
        return await _answer(folder / "metadata", file, _METADATA)

    @file_route(routes, "/trust/targets/{path:path}")
    async def targets(path: str) -> Response:
        """A target of the registry."""
        return await _answer(folder / "targets", path, _TARGET)

    return routes


async def _answer(folder: Path, path: str, allowed: re.Pattern[str]) -> Response:
    # The pattern leaves no way out of the folder: no dot at the start of a part, no empty part.
    if allowed.match(path) is None:
        raise NotFoundError
    try:
        raw = await asyncio.to_thread((folder / path).read_bytes)
    except OSError as error:
        raise NotFoundError from error
    return Response(raw, media_type="application/octet-stream", headers={"Cache-Control": "no-cache"})
