"""An application on a port of its own, in a thread."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

START_S = 20


@contextmanager
def served(app: ASGIApp, sock: socket.socket) -> Iterator[None]:
    """Serve on a bound socket; the address is `http://localhost:<its port>`, where cookies of `__Host-` are taken."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    waited = time.monotonic() + START_S
    while not server.started and time.monotonic() < waited:
        time.sleep(0.02)
    assert server.started
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)


def port(number: int = 0) -> socket.socket:
    """A port of loopback, already bound; 0 takes a free one."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", number))
    return sock
