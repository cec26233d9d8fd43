"""Floods: who fails too often is told to wait, and nobody else is, not even from the same address."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from tests.attacks.gateway.conftest import CONNECTIONS_OF_ONE_MAX, Members
from tests.attacks.test_tokens import STRANGER, assertion
from tests.bench.load import Connection
from tests.world.by_hand import Partner
from tests.world.served import HOST, ServedGateway

pytestmark = pytest.mark.asyncio(loop_scope="package")

BURST = 1000
"""How many failures of one address the settings take at once."""


@pytest_asyncio.fixture(loop_scope="package")
async def flooded(served: ServedGateway) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody at the honest members' own address has failed as often as it may."""
    connections = [Connection(HOST, served.port) for _ in range(10)]
    await asyncio.gather(*(flood(one, BURST // 10 + 4) for one in connections))
    for one in connections:
        await one.close()
    yield served.partner("TM").http
    served.world.clock.move(seconds=60)


def drain(served: ServedGateway, member: str, *, leave: int) -> None:
    """As if this member had asked so much that only this many requests are left to it; the clock stands still."""
    served.world.clock.move(seconds=2)  # its bucket is full now
    gateway = served.world.gateways["KZ"]
    for _ in range(gateway.context.settings.limits.member_burst - leave):
        gateway.members.charge(member)


async def flood(connection: Connection, count: int) -> None:
    for _ in range(count):
        await connection.ask(b"GET /v1/catalogue HTTP/1.1\r\nHost: x\r\n\r\n")


async def test_who_fails_too_often_is_told_how_long_to_wait(kg: Partner, flooded: httpx.AsyncClient) -> None:
    answer = await flooded.get(kg.issuer + "/v1/catalogue", headers={"Authorization": "DPoP x", "DPoP": "x"})

    assert (answer.status_code, answer.json()["code"]) == (429, "too-many-requests")
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_flood_from_its_own_address_keeps_no_member_out(
    served: ServedGateway, kg: Partner, flooded: httpx.AsyncClient
) -> None:
    assert (await flooded.get(kg.issuer + "/v1/catalogue")).status_code == 429

    assert (await kg.get("/v1/catalogue")).status_code == 200
    newcomer = served.partner("KG")
    newcomer.nonce = kg.nonce
    assert (await newcomer.ask_token()).status_code == 200
    assert (await kg.http.get(kg.issuer + "/log/checkpoint")).status_code == 200
    assert (await kg.http.get(kg.issuer + "/trust/metadata/timestamp.json")).status_code == 200
    assert (await kg.http.get(kg.issuer + "/trust/metadata/999.root.json")).status_code == 404


async def test_forged_assertions_in_a_members_name_cost_the_member_nothing(
    served: ServedGateway, kg: Partner, flooded: httpx.AsyncClient
) -> None:
    assert flooded is not None
    for _ in range(20):
        assert (await kg.ask_token(form={"client_assertion": assertion(kg, signer=STRANGER)})).status_code == 429

    assert (await kg.ask_token()).status_code == 200


async def test_a_member_beyond_its_own_budget_waits_and_no_other_does(served: ServedGateway, members: Members) -> None:
    uz, tj = await members.get("UZ"), await members.get("TJ")
    drain(served, "UZ", leave=0)

    refused = await uz.get("/v1/catalogue")
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-requests")
    assert refused.headers["Retry-After"] == "1"
    assert (await uz.ask_token()).status_code == 429
    assert (await tj.get("/v1/catalogue")).status_code == 200
    served.world.clock.move(seconds=10)
    assert (await (await members.get("UZ")).get("/v1/catalogue")).status_code == 200


async def test_a_replay_of_a_members_request_costs_the_member_nothing(served: ServedGateway, kg: Partner) -> None:
    drain(served, "KG", leave=2)
    proof = kg.proof("GET", "/v1/catalogue")
    answers = [await kg.get("/v1/catalogue", proof=proof) for _ in range(20)]

    assert [answer.status_code for answer in answers] == [200] + [401] * 19
    assert (await kg.get("/v1/catalogue")).status_code == 200
    assert (await kg.get("/v1/catalogue")).status_code == 429
    served.world.clock.move(seconds=10)


async def test_a_number_of_a_registry_sends_no_one_out_again_and_again(served: ServedGateway, kg: Partner) -> None:
    """Anybody can name a version: it is looked for once in a while, where any round looks, and blocks nobody."""
    before = len(served.world.network.asked)
    for number in range(20):
        forged = assertion(kg, signer=STRANGER, reg=1000 + number)
        assert (await kg.ask_token(form={"client_assertion": forged})).status_code == 400
    rounds = served.world.network.asked[before:]

    # The members' own rounds are among them; one for each of these would be 40.
    assert len([path for _, path in rounds if path.endswith("timestamp.json")]) < 20
    assert (await kg.ask_token()).status_code == 200


async def test_who_floods_on_waits_for_every_refusal_and_gives_way_to_an_honest_newcomer(
    served: ServedGateway, flooded: httpx.AsyncClient
) -> None:
    assert flooded is not None
    began = time.monotonic()
    connections = [Connection(HOST, served.port) for _ in range(CONNECTIONS_OF_ONE_MAX)]
    floods = [asyncio.create_task(flood(one, 10)) for one in connections]
    await asyncio.sleep(0.1)
    newcomer = await served.member("TM")  # a connection more than its address may have

    assert (await newcomer.get("/v1/catalogue")).status_code == 200
    found = await asyncio.gather(*floods, return_exceptions=True)
    assert sum(isinstance(one, ConnectionError | asyncio.IncompleteReadError) for one in found) <= 4
    assert time.monotonic() - began >= 10 * 0.2
    for one in connections:
        await one.close()
