"""A stand-in for a node's gateway on its local socket: it remembers what it was sent and answers as told."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from threading import Thread
from typing import Any


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    posted: list[tuple[str, dict[str, str]]]
    answers: Mapping[str, dict[str, Any]]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.posted.append((self.path, body))
        self._answer(self.path)

    def do_GET(self) -> None:
        # a test that asks which page is asked for names the whole address, others the path alone
        self._answer(self.path if self.path in self.server.answers else self.path.partition("?")[0])

    def _answer(self, path: str) -> None:
        """What stands for the path; a `status` in it is the HTTP status, `raw` the body as it stands."""
        document = dict(self.server.answers[path])
        status = document.pop("status", 200)
        answer = document["raw"] if "raw" in document else json.dumps(document).encode()
        self.send_response(int(status))
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def address_string(self) -> str:
        return "local"  # a Unix socket's peer has no address

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def listening(socket: Path, answers: Mapping[str, dict[str, Any]]) -> Iterator[list[tuple[str, dict[str, str]]]]:
    """Answer on this socket; what was posted, in order."""
    socket.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(socket.parent, os.O_RDONLY | os.O_DIRECTORY)  # a socket's own path may hold 107 bytes only
    try:
        server = _Server(f"/proc/self/fd/{folder}/{socket.name}", _Handler)
    finally:
        os.close(folder)
    with server:
        server.posted, server.answers = [], answers
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.posted
        finally:
            server.shutdown()
            thread.join()
            socket.unlink()
