"""The way out to other members: no proxy, no redirect, and no address that the public network does not route.

A host is resolved here, every address it has is judged, and the connection goes to the very address that was judged: a
name that answers differently the next moment (DNS rebinding) gains nothing. TLS still checks the name.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

import httpx

PRIVATE = "a private address, which the settings do not allow"
CONNECTIONS_MAX = 32
"""Of one host at once."""
Resolve: TypeAlias = Callable[[str], Awaitable[Sequence[str]]]
_NAT64 = IPv6Network("64:ff9b::/96")


class PublicTransport(httpx.AsyncBaseTransport):
    """Connects to public addresses only; each host has connections of its own, so that none is taken for another's.

    Args:
        context: How TLS is spoken.
        resolve: The addresses of a host; raises OSError where there are none.
    """

    def __init__(self, context: ssl.SSLContext, *, resolve: Resolve | None = None) -> None:
        self._context = context
        self._resolve = resolve or _resolve
        self._by_host: dict[str, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the first address of its host that takes the connection.

        Raises:
            httpx.ConnectError: It has no address, or one that is not public.
        """
        host = request.url.host
        inner = self._by_host.setdefault(host, direct(self._context))
        refused: httpx.TransportError = httpx.ConnectError(f"{host}: no address")
        for address in await self._public(host):
            judged = httpx.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,  # Host among them, as the caller's address gave it
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                return await inner.handle_async_request(judged)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                refused = error
        raise refused

    async def _public(self, host: str) -> tuple[str, ...]:
        """Every address of the host, once each; one that is not public spoils all."""
        try:
            addresses = tuple(dict.fromkeys(await self._resolve(host)))
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{host}: no address") from error
        if not all(_is_public(address) for address in addresses):
            raise httpx.ConnectError(PRIVATE)
        return addresses

    async def aclose(self) -> None:
        """Close every connection."""
        for inner in self._by_host.values():
            await inner.aclose()


def direct(context: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
    """Any address, as it is: between the nodes of one machine."""
    return httpx.AsyncHTTPTransport(
        verify=context, trust_env=False, limits=httpx.Limits(max_connections=CONNECTIONS_MAX)
    )


def outbound(context: ssl.SSLContext | None = None, *, private_addresses: bool) -> httpx.AsyncBaseTransport:
    """The way to partners; without a context the machine's own authorities count.

    `private_addresses` is for test federations.
    """
    known = context or machine_context()
    return direct(known) if private_addresses else PublicTransport(known)


@cache
def machine_context() -> ssl.SSLContext:
    """TLS 1.3 under the machine's own authorities; made once, since reading them takes a while."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


async def _resolve(host: str) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
    return [str(one[4][0]).partition("%")[0] for one in found]


def _is_public(text: str) -> bool:
    address = ip_address(text)
    inside = _inside(address) if isinstance(address, IPv6Address) else None
    return address.is_global and not address.is_multicast and (inside is None or inside.is_global)


def _inside(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address to which a gateway would carry what is sent to this one."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (None if teredo is None else teredo[1])
