"""What a call to a partner's gateway is made of: who calls, within which limits, and what a pull gives."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from exchange.encoding import Digest, base64url_encode
from exchange.signing.jws import COMPACT_CHARS_MAX
from exchange.signing.keys import Random, Signer
from nodes.adapters.clock import Clock
from nodes.adapters.tls_files import partner_context
from nodes.settings import NodeFolder

JTI_BYTES = 16
CATALOGUE_PAGES_MAX = 256
CATALOGUE_ITEMS_MAX = 100_000
"""A catalogue is read no further: a partner can name another page for ever."""
DELIVERY_HEADER = "Exchange-Delivery"

Attempt = Callable[[Digest], Awaitable[None]]
"""Called with the pull id before a request that may become a pull leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerLimits:
    """How long to wait, how much to read, and whom to connect to.

    Attributes:
        private_addresses: A partner may listen on loopback or a private range.
        tls: Whose certificates count; None: the machine's own authorities.
    """

    timeout_s: float
    bundle_bytes_max: int
    private_addresses: bool = False
    tls: ssl.SSLContext | None = None
    answer_bytes_max: int = 4 * 1024 * 1024


def partner_limits(node: NodeFolder) -> PartnerLimits:
    """The limits of a node's own calls, as its settings give them.

    Raises:
        TrustError, FileRefusedError: A file that the settings name for TLS does not do.
    """
    settings = node.settings.gateway
    return PartnerLimits(
        timeout_s=settings.partner_timeout_s,
        bundle_bytes_max=settings.bundle_bytes_max,
        private_addresses=settings.private_addresses,
        tls=partner_context(node.path, settings.tls),
    )


def _names_none() -> int | None:
    """A caller without a registry of its own at hand."""
    return None


async def _goes_on(_partner: str, _version: int | None) -> None:
    """A caller that does not refresh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: the member, its transport key, its clock and its randomness.

    Attributes:
        registry: The version of the registry that the caller acts under.
        met: Told the version that a partner names with each new token, before anything else is asked of it.
    """

    member: str
    signer: Signer
    clock: Clock
    random: Random
    registry: Callable[[], int | None] = _names_none
    met: Callable[[str, int | None], Awaitable[None]] = _goes_on

    def jti(self) -> str:
        """A single-use id of 128 bits."""
        return base64url_encode(self.random(JTI_BYTES))


@dataclass(slots=True)
class Session:
    """What one partner gave: a token and its end, and the newest nonce."""

    token: str | None = None
    until: datetime | None = None
    nonce: str | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A 200 answer that carried data: what came, under which pull id, with whose signed word."""

    pull: Digest
    delivery: str
    content: bytes = field(repr=False)


def delivery_of(headers: Mapping[str, str]) -> str:
    """The delivery in an answer's header where it can be a compact JWS at all; else as if it had not come."""
    header = headers.get(DELIVERY_HEADER, "")
    return header if header.isascii() and len(header) <= COMPACT_CHARS_MAX else ""
