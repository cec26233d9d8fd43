"""The limit of the pull benchmark: the same server, settings and bytes, without a token, a log or a signature."""

import sys
from pathlib import Path

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def main() -> None:
    """Serve the bytes of a file at `/bare`: `python -m tests.bench.bare PORT FILE`."""
    port, content = int(sys.argv[1]), Path(sys.argv[2]).read_bytes()

    async def bare(_: Request) -> Response:
        return Response(content, media_type="application/octet-stream")

    config = uvicorn.Config(
        Starlette(routes=[Route("/bare", bare)]),
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
    )
    uvloop.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
