"""The console's own files (style, scripts, faces), inside the package: no request ever leaves the host.

All lie under an address that holds the digest of them all, so a browser may keep them for ever.
"""

import gzip
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request
from starlette.responses import Response

from exchange.errors.web import NoSuchAddressError

_SERVED = (".css", ".js", ".woff2", ".svg")
_COMPRESSED = (".css", ".js", ".svg")
_DIGITS = 16
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_TYPES = {".woff2": "font/woff2", ".js": "text/javascript"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    content: bytes = field(repr=False)
    media_type: str
    compressed: bytes | None = field(repr=False)


@cache
def assets() -> Mapping[str, Asset]:
    """Every served file by its path under `static/`."""
    return dict(_found(resources.files("nodes.web").joinpath("static"), ""))


@cache
def asset_root() -> str:
    """The address under which this set of files lies: `/static/<first digits of the digest of all of them>`."""
    whole = sha256()
    for path, asset in sorted(assets().items()):
        whole.update(sha256(path.encode()).digest() + sha256(asset.content).digest())
    return f"/static/{whole.hexdigest()[:_DIGITS]}"


def router() -> APIRouter:
    """`GET /static/<digest>/<path>`; an address of another version is not found."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(asset_root() + "/{path:path}")
    def static(request: Request, path: str) -> Response:
        asset = assets().get(path)
        if asset is None:
            raise NoSuchAddressError
        if asset.compressed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            headers = {**_FOR_EVER, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            return Response(asset.compressed, media_type=asset.media_type, headers=headers)
        return Response(asset.content, media_type=asset.media_type, headers=_FOR_EVER)

    return routes


def _found(folder: Traversable, prefix: str) -> list[tuple[str, Asset]]:
    found: list[tuple[str, Asset]] = []
    for item in folder.iterdir():
        if item.is_dir():
            found += _found(item, f"{prefix}{item.name}/")
        elif item.name.endswith(_SERVED):
            found.append((prefix + item.name, _asset(item)))
    return found


def _asset(item: Traversable) -> Asset:
    content, suffix = item.read_bytes(), "." + item.name.rpartition(".")[2]
    media_type = _TYPES.get(suffix) or mimetypes.types_map[suffix]
    return Asset(content, media_type, gzip.compress(content, mtime=0) if suffix in _COMPRESSED else None)
