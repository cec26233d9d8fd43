"""What every answer carries and what no request may exceed: pure ASGI, so that the pull path pays almost nothing."""

from collections.abc import Callable, Mapping
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


class Guard:
    """Adds the security headers, bounds address and body.

    Args:
        app: The application.
        bytes_max: The largest body of a request.
        bytes_max_by_path: Other limits, by the path's beginning.
        also: Gives one more header of each answer, such as a nonce.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        bytes_max: int,
        bytes_max_by_path: Mapping[str, int] | None = None,
        also: Callable[[], tuple[str, str]] | None = None,
    ) -> None:
        self._app = app
        self._also = also
        self._bytes_max = bytes_max
        self._by_path = tuple((bytes_max_by_path or {}).items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life span of the process."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        outward = self._with_headers(send)
        if len(scope["raw_path"]) > PATH_CHARS_MAX or len(scope["query_string"]) > QUERY_CHARS_MAX:
            answer = plain_problem("address-too-long", HTTPStatus.REQUEST_URI_TOO_LONG, "the address is too long")
            await answer(scope, receive, outward)
            return
        if _has_body(scope):
            limit = self._limit(scope["path"])
            body = await _read(receive, limit)
            if body is None:
                await problem(RequestTooLargeError(bytes_max=limit))(scope, receive, outward)
                return
            receive = _replay(body, receive)
        await self._app(scope, receive, outward)

    def _with_headers(self, send: Send) -> Send:
        async def outward(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *_HEADERS]
                if self._also is not None:
                    name, value = self._also()
                    headers.append((name.lower().encode("ascii"), value.encode("ascii")))
                message["headers"] = headers
            await send(message)

        return outward

    def _limit(self, path: str) -> int:
        return next((limit for prefix, limit in self._by_path if path.startswith(prefix)), self._bytes_max)


def _has_body(scope: Scope) -> bool:
    return any(name in {b"content-length", b"transfer-encoding"} for name, _ in scope["headers"])


async def _read(receive: Receive, limit: int) -> bytes | None:
    """The whole body, or None as soon as it is larger than the limit, whatever its header said."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the body at once, and then what the connection gives."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
