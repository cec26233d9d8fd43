"""The operator's first question: is the node well, can each partner be reached, and was it here."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from exchange.encoding import format_instant
from tests.world.gateways import GatewayWorld, gateway_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(tmp_path_factory.mktemp("federation")) as running:
        yield running


async def test_every_partner_is_tried_there_and_seen_back(world: GatewayWorld) -> None:
    partners = (await world.local("KG", "GET", "/local/doctor")).json()["partners"]
    assert {one["member"] for one in partners} == world.gateways.keys() - {"KG"}
    assert {one["problem"] for one in partners} == {None}
    assert {one["witness_trouble"] for one in partners} == {None}
    # KZ published, and every other member witnessed its log at the world's time.
    (publisher,) = (one for one in partners if one["member"] == "KZ")
    assert publisher["was_here_at"] == format_instant(world.clock.now().replace(microsecond=0))


async def test_a_partner_that_is_down_is_named_with_what_to_do(world: GatewayWorld) -> None:
    world.network.down.add(world.port("TJ"))
    partners = (await world.local("KG", "GET", "/local/doctor")).json()["partners"]
    world.network.down.clear()
    troubled = {one["member"]: one["problem"]["code"] for one in partners if one["problem"] is not None}
    assert troubled == {"TJ": "partner-unreachable"}
    (down,) = (one for one in partners if one["member"] == "TJ")
    assert down["problem"]["exit_code"] == 5
    assert down["problem"]["mend"]["en"]
