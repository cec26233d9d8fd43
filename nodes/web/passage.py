"""One request on its way through the node: where it comes from, who turned out to ask, and what its failure costs.

Where it comes from is the connection's other end. Only a proxy that the settings name is believed about another one,
and only the security server that they name is believed about X-Road (REST message protocol, §4.3); from anybody else
such headers are nothing.
"""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exchange.errors.exchange_ import TooManyRequestsError
from nodes.web.limits import Budget, MemberLimits, address_key
from nodes.web.problems import problem

PASSAGE = "exchange.passage"
"""The key of the ASGI scope under which the passage goes along."""
FAILURES = frozenset({400, 401, 403, 405, 408, 411, 413, 414, 415, 422, 431})
"""What costs an address, if no member signed it. A 404 does not: members ask for what is not there yet."""
XROAD_HEADERS = ("x-road-client", "x-road-id", "x-road-request-id")
"""Who asks for whom, and the message's ids. X-Road-UserId may name a person and is not read."""
XROAD_CHARS_MAX = 256
Network: TypeAlias = IPv4Network | IPv6Network
ANYWHERE: tuple[Network, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))


@dataclass(slots=True)
class Passage:
    """One request.

    Attributes:
        address: Where it comes from, as limits count it.
        member: Whose signature it carries, once that has been verified.
        running: Whether it stands in the member's count of those in flight.
        held: Whether it only waits for its 429: such a connection gives way to any other.
        xroad: What the configured security server said about it, by header.
    """

    address: str
    member: str | None = None
    running: bool = False
    held: bool = False
    xroad: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Whose word about a request counts."""

    proxies: tuple[Network, ...] = ()
    security_servers: tuple[Network, ...] = ()


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses or CIDR ranges.

    Raises:
        ValueError: One of them is neither.
    """
    return tuple(ip_network(text) for text in texts)


def passage_of(request: Request) -> Passage:
    """The passage of this request."""
    passage = request.scope[PASSAGE]
    assert isinstance(passage, Passage)
    return passage


class Passages:
    """Gives each request its passage, and charges the address for what fails unauthenticated.

    Args:
        app: The application.
        failures: By address.
        hold_s: How long a 429 is held back, so that a connection cannot fail faster than that.
        members: Told when a member's request has ended.
        neighbours: Whose word about a request counts.
    """

    def __init__(
        self, app: ASGIApp, *, failures: Budget, hold_s: float, members: MemberLimits, neighbours: Neighbours
    ) -> None:
        self._app = app
        self._failures = failures
        self._hold_s = hold_s
        self._members = members
        self._neighbours = neighbours

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life span of the process."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        passage = scope[PASSAGE] = self._passage(scope)
        try:
            await self._app(scope, receive, _Charged(passage, self._failures, self._hold_s, send))
        finally:
            if passage.running and passage.member is not None:
                self._members.leave(passage.member)

    def _passage(self, scope: Scope) -> Passage:
        client = scope.get("client")
        host = client[0] if client else ""
        neighbours = self._neighbours
        passage = Passage(address_key(caller_of(scope, neighbours.proxies)))
        if neighbours.security_servers and within(host, neighbours.security_servers):
            passage.xroad = _xroad(scope)
        return passage


class _Charged:
    """The way of the answer back; a failure beyond the address's budget becomes a 429."""

    def __init__(self, passage: Passage, failures: Budget, hold_s: float, send: Send) -> None:
        self._passage = passage
        self._failures = failures
        self._hold_s = hold_s
        self._send = send
        self._replaced = False

    async def __call__(self, message: Message) -> None:
        """One message of the answer."""
        if self._replaced:
            return
        if message["type"] == "http.response.start" and self._fails(message["status"]):
            wait_s = self._failures.wait_s(self._passage.address)
            if wait_s:
                self._replaced = self._passage.held = True
                await asyncio.sleep(self._hold_s)
                for part in too_many(wait_s):
                    await self._send(part)
                return
            self._failures.charge(self._passage.address)
        await self._send(message)

    def _fails(self, status: int) -> bool:
        return status in FAILURES and self._passage.member is None


def too_many(wait_s: int) -> tuple[Message, Message]:
    """The answer 429, with the seconds to wait (RFC 6585 §4, RFC 9110 §10.2.3)."""
    answer = problem(TooManyRequestsError(retry_after_s=wait_s), headers={"Retry-After": str(wait_s)})
    return (
        {"type": "http.response.start", "status": answer.status_code, "headers": answer.raw_headers},
        {"type": "http.response.body", "body": answer.body},
    )


def caller_of(scope: Scope, proxies: Collection[Network]) -> str:
    """Where a request comes from: the connection's other end, or what a proxy of ours says of it."""
    client = scope.get("client")
    host = str(client[0]) if client else ""
    if proxies and within(host, proxies):
        return _forwarded(scope, proxies) or host
    return host


def within(host: str, ranges: Collection[Network]) -> bool:
    """Whether this is an address in one of the ranges."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return any(address in one for one in ranges)


def _header(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for found, value in scope["headers"] if found == name]


def _forwarded(scope: Scope, proxies: Collection[Network]) -> str | None:
    """The nearest address that is no proxy of ours: what stands to the left of it anybody may have written."""
    hops = [hop.strip() for value in _header(scope, b"x-forwarded-for") for hop in value.split(",")]
    nearest = next((hop for hop in reversed(hops) if hop and not within(hop, proxies)), None)
    return None if nearest is None or not within(nearest, ANYWHERE) else nearest


def _xroad(scope: Scope) -> dict[str, str]:
    found = {name: _header(scope, name.encode("ascii")) for name in XROAD_HEADERS}
    return {
        name: values[0]
        for name, values in found.items()
        if len(values) == 1 and len(values[0]) <= XROAD_CHARS_MAX and values[0].isascii() and values[0].isprintable()
    }
