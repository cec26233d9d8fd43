"""What every answer carries and what no request may exceed: pure ASGI, so that the pull path pays almost nothing."""

from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exchange.errors import ExchangeError
from exchange.errors.exchange_ import NotFoundError
from exchange.errors.node import RequestCodingError, RequestMalformedError, RequestTooLargeError
from exchange.errors.web import AddressTooLongError
from nodes.web.problems import problem

_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # without any, a browser calls a form's origin "null" (Fetch, 3.2)
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains"),
)
POLICY = "default-src 'none'; frame-ancestors 'none'"
"""The content security policy of an interface for programs: nothing may be loaded, nothing may frame it."""
PATH_CHARS_MAX = 1024
QUERY_CHARS_MAX = 1024

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Of a console's pages: nothing but the console's own files, nothing inline, in no other page."""


class Guard:
    """Adds the security headers, bounds address and body.

    Args:
        app: The application.
        bytes_max: The largest body of a request.
        bytes_max_by_path: Other limits, by the path's beginning.
        also: Gives one more header of each answer, such as a nonce.
        policy: The content security policy of every answer.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        bytes_max: int,
        bytes_max_by_path: Mapping[str, int] | None = None,
        also: Callable[[], tuple[str, str]] | None = None,
        policy: str = POLICY,
    ) -> None:
        self._app = app
        self._headers = (*_HEADERS, (b"content-security-policy", policy.encode("ascii")))
        self._also = also
        self._bytes_max = bytes_max
        self._by_path = tuple((bytes_max_by_path or {}).items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life span of the process."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        outward = self._with_headers(send)
        refusal = _refusal(scope)
        if refusal is not None:
            await problem(refusal)(scope, receive, outward)
            return
        await self._app(scope, _within(receive, self._limit(scope["path"])), outward)

    def _with_headers(self, send: Send) -> Send:
        async def outward(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *self._headers]
                if self._also is not None:
                    name, value = self._also()
                    headers.append((name.lower().encode("ascii"), value.encode("ascii")))
                message["headers"] = headers
            await send(message)

        return outward

    def _limit(self, path: str) -> int:
        return next((limit for prefix, limit in self._by_path if path.startswith(prefix)), self._bytes_max)


def _refusal(scope: Scope) -> ExchangeError | None:
    """Why this head is no request of ours, whatever it asks for."""
    if len(scope["raw_path"]) > PATH_CHARS_MAX or len(scope["query_string"]) > QUERY_CHARS_MAX:
        return AddressTooLongError(chars_max=PATH_CHARS_MAX)
    # Routes are matched after decoding: %2f would be a slash, and %0a an end of the address. Of ours none has a "%".
    if b"%" in scope["raw_path"]:
        return NotFoundError()
    names = [name for name, _ in scope["headers"]]
    if b"content-encoding" in names:
        return RequestCodingError()
    if scope["http_version"] not in {"1.0", "1.1"}:
        return RequestMalformedError(subject="request", reason="expected HTTP/1.1")
    # RFC 9112 §3.2. What it says decides nothing here, but two of them may decide something at a proxy before us.
    if names.count(b"host") > 1 or (b"host" not in names and scope["http_version"] == "1.1"):
        return RequestMalformedError(subject="request", reason="expected one field Host")
    return None


def _within(receive: Receive, bytes_max: int) -> Receive:
    """A body that ends within its limit, read only when somebody asks for it: after authentication, where there is any.

    What it raises where it is read is the request's refusal: RequestTooLargeError as soon as it is larger, whatever its
    header said; RequestMalformedError if the caller went away before its end, since half a body is none.
    """
    found, whole = 0, False

    async def more() -> Message:
        nonlocal found, whole
        message = await receive()
        if message["type"] == "http.request":
            found += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if found > bytes_max:
                raise RequestTooLargeError(bytes_max=bytes_max)
        elif not whole:
            raise RequestMalformedError(subject="request", reason="it ended before its body")
        return message

    return more
