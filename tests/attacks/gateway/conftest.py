"""One running gateway for all attacks on it: each must leave it as it was, and the next honest request is served."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from exchange.receipt import Receipt, evidence_digest, pull_id
from tests.world.by_hand import Partner, address, digest_of
from tests.world.gateways import gateway_world
from tests.world.served import ServedGateway, socket_of

HEAD_BYTES_MAX = 8192
REQUEST_S = 1.0
CONNECTIONS_OF_ONE_MAX = 60
SHORT = {
    "head_bytes_max": HEAD_BYTES_MAX,
    "request_s": REQUEST_S,
    "connections_max": 80,
    "connections_of_one_max": CONNECTIONS_OF_ONE_MAX,
}


@pytest_asyncio.fixture(loop_scope="package", scope="package")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServedGateway]:
    async with gateway_world(tmp_path_factory.mktemp("federation")) as world, socket_of(world, **SHORT) as served:
        yield served


class Members:
    """Members that stay logged in, and what the last attack left."""

    def __init__(self, served: ServedGateway) -> None:
        self._served = served
        self._known: dict[str, tuple[Partner, datetime]] = {}
        self.effects: object = None

    async def get(self, member: str) -> Partner:
        now = self._served.world.clock.now()
        partner, until = self._known.get(member, (None, now))
        if partner is None:
            partner = self._served.partner(member)
        if now >= until:
            partner.token = None
            await partner.log_in()
            self._known[member] = (partner, now + timedelta(seconds=50))
        return partner


@pytest_asyncio.fixture(loop_scope="package", scope="package")
async def members(served: ServedGateway) -> Members:
    return Members(served)


@pytest_asyncio.fixture(loop_scope="package")
async def kg(members: Members) -> Partner:
    return await members.get("KG")


@pytest_asyncio.fixture(loop_scope="package", scope="package")
async def pulled(served: ServedGateway, members: Members) -> Receipt:
    """The honest receipt that KG has not sent yet for a pull of its own."""
    kg = await members.get("KG")
    proof = kg.proof("GET", address(served.world))
    answer = await kg.get(address(served.world), proof=proof)
    assert answer.status_code == 200
    return Receipt(
        pull=pull_id(proof),
        delivery=evidence_digest(answer.headers["Exchange-Delivery"]),
        bundle=digest_of(served.world),
        contract=served.world.bundle.contract.digest,
        purpose="official_statistics",
        verdict="accepted",
        entry=7,
        by="KG",
        at=served.world.clock.now(),
    )


@pytest_asyncio.fixture(loop_scope="package", autouse=True)
async def nothing_changes(served: ServedGateway, members: Members, pulled: Receipt) -> AsyncIterator[None]:
    """Whatever an attack did, nothing was granted by it, and an honest member is served after it."""
    before = members.effects or await served.effects()
    yield
    members.effects = await served.effects()
    assert members.effects == before
    honest = await members.get("TJ")
    assert (await honest.get("/v1/catalogue")).status_code == 200
