"""A stand-in for a node's gateway on its local socket: it remembers what it was sent and answers as told."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from threading import Thread


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    posted: list[tuple[str, dict[str, str]]]
    answers: Mapping[str, dict[str, object]]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.posted.append((self.path, body))
        answer = json.dumps(self.server.answers[self.path]).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def address_string(self) -> str:
        return "local"  # a Unix socket's peer has no address

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def listening(socket: Path, answers: Mapping[str, dict[str, object]]) -> Iterator[list[tuple[str, dict[str, str]]]]:
    """Answer on this socket; what was posted, in order."""
    socket.parent.mkdir(parents=True, exist_ok=True)
    with _Server(str(socket), _Handler) as server:
        server.posted, server.answers = [], answers
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.posted
        finally:
            server.shutdown()
            thread.join()
