"""What a gateway refuses to start under, beyond its keys and its registry: words in clear, and a wrong clock.

Keys that others can read, or in clear, are refused where they are read (`nodes/adapters/key_files.py`); a registry that
is unsigned or expired where it is opened (`exchange/signing/trust.py`). Decision 63 lists all conditions.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from statistics import median

import httpx

from exchange.encoding import format_instant
from exchange.errors import ExchangeError
from exchange.errors.start import ClockBehindLogError, ClockOffError, DoorInClearError, IssuerInClearError
from exchange.log.entry import parse_entry
from exchange.signing.trust import Trust
from nodes.adapters.clock import Clock
from nodes.adapters.own_log import newest_entry
from nodes.gateway.context import GatewayContext
from nodes.gateway.registry import registry_client
from nodes.settings import NodeFolder

CLOCK_OFF_S_MAX = 5.0
"""Below it lie the whole seconds of HTTP's Date and the way there and back; a JWT is good for 60."""
ANSWER_S = 2.0
"""How long a start waits for the others' time."""
WITNESSES_MIN = 2
"""One member alone cannot keep another from starting."""
ASKED = "/health/live"


def require_closed_channel(node: NodeFolder) -> None:
    """Outside a demonstration partners come over TLS.

    Raises:
        IssuerInClearError, DoorInClearError: They would not.
    """
    settings = node.settings.gateway
    if node.settings.demo:
        return
    if not settings.issuer.startswith("https://"):
        raise IssuerInClearError(member=node.member, found=settings.issuer)
    if settings.tls is None and not settings.trusted_proxies and not _of_this_machine(settings.host):
        raise DoorInClearError(member=node.member, host=settings.host)


def require_right_clock(context: GatewayContext) -> None:
    """Compare the clock with the own log and with what the other members say the time is.

    Who does not answer is not waited for: a node may be the first to start, and then only its log speaks.

    Raises:
        ClockBehindLogError, ClockOffError: It is off; the context is closed.
    """
    try:
        _require_after_log(context)
        offsets = asyncio.run(offsets_of(context.node, context.trust.current(), context.clock))
        require_agreement(context.member, offsets)
    except ExchangeError:
        context.store.close()
        raise


def require_agreement(member: str, offsets: Mapping[str, float]) -> None:
    """Refuse a clock that most of these members, and at least two, find off in one direction.

    Args:
        member: Whose clock.
        offsets: Seconds by which this machine is ahead of each member that answered.

    Raises:
        ClockOffError: It is.
    """
    ahead = {name for name, offset in offsets.items() if offset > CLOCK_OFF_S_MAX}
    behind = {name for name, offset in offsets.items() if offset < -CLOCK_OFF_S_MAX}
    most = max(ahead, behind, key=len)
    if len(most) >= WITNESSES_MIN and 2 * len(most) > len(offsets):
        found = round(median(offsets[name] for name in most))
        raise ClockOffError(member=member, members=", ".join(sorted(most)), allowed_s=CLOCK_OFF_S_MAX, found_s=found)


async def offsets_of(node: NodeFolder, trust: Trust, clock: Clock) -> dict[str, float]:
    """By how many seconds this machine is ahead of every member that answers now."""
    others = [member for member in trust.members.values() if member.id != node.member and member.issuer]
    async with registry_client(node) as network:
        found = await asyncio.gather(*(_offset(network, member.issuer, clock) for member in others))
    return {member.id: offset for member, offset in zip(others, found, strict=True) if offset is not None}


async def _offset(network: httpx.AsyncClient, issuer: str, clock: Clock) -> float | None:
    began, asked = time.monotonic(), clock.now()
    try:
        async with asyncio.timeout(ANSWER_S), network.stream("GET", issuer + ASKED) as answer:
            said = parsedate_to_datetime(answer.headers["Date"])
    except (TimeoutError, httpx.HTTPError, ExchangeError, KeyError, ValueError):
        return None
    here = asked + timedelta(seconds=(time.monotonic() - began) / 2)
    return (here - said).total_seconds() if said.tzinfo is not None else None


def _require_after_log(context: GatewayContext) -> None:
    raw = context.store.read_now(newest_entry)
    if raw is None:
        return
    newest, now = parse_entry(raw).at, context.clock.now()
    if newest - now > timedelta(seconds=CLOCK_OFF_S_MAX):
        raise ClockBehindLogError(member=context.member, expected=format_instant(newest), found=format_instant(now))


def _of_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
