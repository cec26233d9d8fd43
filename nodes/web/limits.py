"""Who may ask how much: token buckets by member and by address, and how many requests of one member run at once.

Nobody is refused for what somebody else did: an address is charged only for failed requests that no member signed, and
then only its failures are answered with 429; a member is charged only for requests that carried its own unused proof.
Why: docs/decisions/0060.
"""

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from math import ceil

from exchange.errors.exchange_ import TooManyRequestsError

KEYS_MAX = 16_384
"""How many callers are remembered; the one longest unseen is forgotten, and begins anew with a full bucket."""
IPV6_PREFIX_BITS = 64
"""A single host commands a whole /64 (RFC 6177)."""
Seconds = Callable[[], float]


class Budget:
    """A token bucket for each caller.

    Args:
        per_s: What flows in.
        burst: What it holds at most.
        seconds: The time; only differences count.
    """

    def __init__(self, *, per_s: float, burst: int, seconds: Seconds, keys_max: int = KEYS_MAX) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._seconds = seconds
        self._keys_max = keys_max
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: str) -> int:
        """Whole seconds until one more is allowed; 0 if it is now."""
        left = self._level(key)
        return 0 if left >= 1 else max(1, ceil((1 - left) / self._per_s))

    def charge(self, key: str) -> None:
        """Take one out; an empty bucket stays empty, so that no debt grows."""
        self._left[key] = (max(self._level(key) - 1, 0.0), self._seconds())
        self._left.move_to_end(key)
        if len(self._left) > self._keys_max:
            self._left.popitem(last=False)

    def _level(self, key: str) -> float:
        found = self._left.get(key)  # the log's writer charges members while the event loop asks
        if found is None:
            return self._burst
        left, at = found
        return min(self._burst, left + max(self._seconds() - at, 0.0) * self._per_s)


class MemberLimits:
    """What one authenticated member may ask: so many requests a second, so many at once.

    Args:
        budget: Charged for requests that the member itself made, never for replays of them.
        in_flight_max: Of one member's requests at once.
    """

    def __init__(self, budget: Budget, *, in_flight_max: int) -> None:
        self._budget = budget
        self._in_flight_max = in_flight_max
        self._in_flight: dict[str, int] = {}

    def require(self, member: str) -> None:
        """Refuse a member whose bucket is empty.

        Raises:
            TooManyRequestsError: 429, with the seconds to wait.
        """
        wait_s = self._budget.wait_s(member)
        if wait_s:
            raise TooManyRequestsError(retry_after_s=wait_s)

    def charge(self, member: str) -> None:
        """Count a request that this member made."""
        self._budget.charge(member)

    def enter(self, member: str) -> None:
        """One more request of this member runs.

        Raises:
            TooManyRequestsError: It has as many running as it may.
        """
        running = self._in_flight.get(member, 0)
        if running >= self._in_flight_max:
            raise TooManyRequestsError(retry_after_s=1)
        self._in_flight[member] = running + 1

    def leave(self, member: str) -> None:
        """A request of this member has ended."""
        running = self._in_flight.pop(member) - 1
        if running:
            self._in_flight[member] = running


def address_key(host: str) -> str:
    """Under which an address is counted: itself, or the /64 of an IPv6 one."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> (128 - IPV6_PREFIX_BITS) << (128 - IPV6_PREFIX_BITS)))
    return host
