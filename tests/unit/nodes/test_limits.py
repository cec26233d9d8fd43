"""Token buckets and whose word counts about where a request comes from."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from exchange.errors.exchange_ import TooManyRequestsError
from nodes.web.limits import Budget, MemberLimits, address_key
from nodes.web.passage import PASSAGE, Neighbours, Passage, Passages, networks


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_holds_its_burst_and_fills_at_its_rate() -> None:
    seconds = Seconds()
    budget = Budget(per_s=2.0, burst=3, seconds=seconds)
    for _ in range(3):
        assert budget.wait_s("a") == 0
        budget.charge("a")
    assert budget.wait_s("a") == 1
    assert budget.wait_s("b") == 0
    seconds.now += 0.5
    assert budget.wait_s("a") == 0
    budget.charge("a")
    seconds.now += 3600
    for _ in range(3):
        assert budget.wait_s("a") == 0
        budget.charge("a")
    assert budget.wait_s("a") == 1


def test_a_slow_bucket_says_how_long_it_takes() -> None:
    budget = Budget(per_s=0.1, burst=1, seconds=Seconds())
    budget.charge("a")
    assert budget.wait_s("a") == 10


def test_a_clock_that_goes_back_gives_nothing() -> None:
    seconds = Seconds()
    budget = Budget(per_s=1.0, burst=1, seconds=seconds)
    budget.charge("a")
    seconds.now -= 500
    assert budget.wait_s("a") == 1


def test_memory_is_bounded_and_who_is_forgotten_begins_anew() -> None:
    budget = Budget(per_s=0.001, burst=1, seconds=Seconds(), keys_max=2)
    for key in "abc":
        budget.charge(key)
    assert [budget.wait_s(key) > 0 for key in "abc"] == [False, True, True]


def test_one_member_has_so_many_running_and_another_its_own() -> None:
    limits = MemberLimits(Budget(per_s=1, burst=9, seconds=Seconds()), in_flight_max=2)
    limits.enter("KG")
    limits.enter("KG")
    with pytest.raises(TooManyRequestsError):
        limits.enter("KG")
    limits.enter("TJ")
    limits.leave("KG")
    limits.enter("KG")


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("testclient", "testclient"),
    ],
)
def test_an_address_is_counted_as_what_one_host_commands(host: str, key: str) -> None:
    assert address_key(host) == key


async def passage(client: str, **headers: str) -> Passage:
    """The passage of a request from this address, where 10.0.0.0/24 are proxies and 10.0.0.9 is the security server."""
    found: list[Passage] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        found.append(scope[PASSAGE])

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    async def drop(_: Message) -> None:
        return

    budget = Budget(per_s=1, burst=1, seconds=Seconds())
    neighbours = Neighbours(proxies=networks(["10.0.0.0/24"]), security_servers=networks(["10.0.0.9"]))
    members = MemberLimits(budget, in_flight_max=1)
    passages = Passages(app, failures=budget, hold_s=0, members=members, neighbours=neighbours)
    raw = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()]
    await passages({"type": "http", "client": (client, 1), "headers": raw}, nothing, drop)
    return found[0]


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        pytest.param("203.0.113.7", "198.51.100.1", "203.0.113.7", id="nobody's word but a proxy's counts"),
        pytest.param("10.0.0.1", "198.51.100.1", "198.51.100.1", id="a proxy's does"),
        pytest.param("10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1", id="what came before it does not"),
        pytest.param("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1", id="through two proxies"),
        pytest.param("10.0.0.1", "", "10.0.0.1", id="a proxy that asks itself"),
    ],
)
async def test_where_a_request_comes_from(client: str, forwarded: str, address: str) -> None:
    assert (await passage(client, X_Forwarded_For=forwarded)).address == address


async def test_x_road_is_heard_from_the_security_server_alone() -> None:
    headers = {"X_Road_Client": "KZ/GOV/123/sub", "X_Road_Id": "m-1", "X_Road_UserId": "EE37702211234"}

    assert (await passage("10.0.0.9", **headers)).xroad == {"x-road-client": "KZ/GOV/123/sub", "x-road-id": "m-1"}
    assert (await passage("10.0.0.1", **headers)).xroad == {}
    assert (await passage("203.0.113.7", X_Forwarded_For="10.0.0.9", **headers)).xroad == {}
    assert (await passage("10.0.0.9", X_Road_Client="a" * 300)).xroad == {}
