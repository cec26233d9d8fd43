"""What every answer carries and what no request may exceed: pure ASGI, so that the pull path pays almost nothing."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exchange.errors.node import RequestTooLargeError
from nodes.web.problems import plain_problem, problem

_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains"),
)
PATH_CHARS_MAX = 1024
QUERY_CHARS_MAX = 1024


class _TooLarge(Exception):  # noqa: N818  # a signal between the two halves below, never an error of ours
    """The body went past its limit while it was read."""


class Guard:
    """Adds the security headers, bounds address and body.

    Args:
        app: The application.
        bytes_max: The largest body of a request.
        bytes_max_by_path: Other limits, by the path's beginning.
    """

    def __init__(self, app: ASGIApp, *, bytes_max: int, bytes_max_by_path: Mapping[str, int] | None = None) -> None:
        self._app = app
        self._bytes_max = bytes_max
        self._by_path = tuple((bytes_max_by_path or {}).items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life span of the process."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit(scope["path"])
        guarded = _Guarded(receive, send, limit)
        if len(scope["raw_path"]) > PATH_CHARS_MAX or len(scope["query_string"]) > QUERY_CHARS_MAX:
            answer = plain_problem("address-too-long", HTTPStatus.REQUEST_URI_TOO_LONG, "the address is too long")
            await answer(scope, receive, guarded.send)
            return
        if _declared(scope) > limit:
            await problem(RequestTooLargeError(bytes_max=limit))(scope, receive, guarded.send)
            return
        try:
            await self._app(scope, guarded.receive, guarded.send)
        except _TooLarge:
            if not guarded.started:
                await problem(RequestTooLargeError(bytes_max=limit))(scope, receive, guarded.send)

    def _limit(self, path: str) -> int:
        return next((limit for prefix, limit in self._by_path if path.startswith(prefix)), self._bytes_max)


class _Guarded:
    """The two halves of one exchange, watched."""

    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive = receive
        self._send = send
        self._left = limit
        self.started = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _TooLarge
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            message["headers"] = [*message.get("headers", ()), *_HEADERS]
        await self._send(message)


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 2**63
    return 0
