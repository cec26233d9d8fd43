"""Mirrors that show what a test wants: a checkpoint, and the entries under it, others, or none."""

from collections.abc import Mapping

import httpx

from exchange.log.tiles import format_entry_bundle, parse_tile_path
from tests.world.gateways import Change, GatewayWorld

Copy = tuple[bytes, list[bytes] | None]
"""The checkpoint that a mirror shows, and the entries that it gives; None: it has none of them."""


def showing(world: GatewayWorld, origin_hash: str, copies: Mapping[str, Copy]) -> Change:
    """These members' mirrors of a log as a test wants them."""
    mirror = f"/mirror/{origin_hash}"
    members = {world.port(member): member for member in copies}

    def change(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        member, path = members.get(request.url.port or 0), request.url.path
        if member is None or not path.startswith(mirror):
            return answer
        note, raws = copies[member]
        if path == f"{mirror}/checkpoint":
            return httpx.Response(200, content=note)
        if raws is None:
            return httpx.Response(404, json={"code": "not-found", "status": 404, "title": "not found"})
        tile = parse_tile_path(path.removeprefix(f"{mirror}/"))
        return httpx.Response(200, content=format_entry_bundle(raws[tile.start : tile.start + tile.width]))

    return change
