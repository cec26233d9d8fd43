"""A console as a process: one server for officers or auditors, its connections bounded, with TLS of its own if set."""

import asyncio
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
import uvloop
from starlette.types import ASGIApp

from nodes.adapters.tls_files import server_context
from nodes.settings import ConsoleSettings
from nodes.web.wire import WireLimits, bounded

BACKLOG = 128
KEEP_ALIVE_S = 65
STOP_S = 5
WIRE = WireLimits(
    head_bytes_max=32 * 1024,
    head_fields_max=64,
    request_s=30.0,
    answer_s=60.0,
    connections_max=256,
    connections_of_one_max=64,
)
"""A ministry's officers or a few auditors, not the world: browsers open a few connections each."""


def serve_console(app: ASGIApp, settings: ConsoleSettings, *, folder: Path) -> None:
    """Serve until the process is told to end.

    Args:
        app: The console.
        settings: Where it listens, and its certificate.
        folder: The node's, in which the certificate lies.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # whoever sends malformed requests could fill the disk
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=bounded(WIRE),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
        backlog=BACKLOG,
    )
    if settings.tls is not None:
        context = server_context(folder, settings.tls)
        config.ssl_context_factory = lambda _config, _default: context
    uvloop.run(_run(_Server(config)))


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the process, which ends with 0 when it is told to."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing."""
        yield


async def _run(server: _Server) -> None:
    def end() -> None:
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    await server.serve()
