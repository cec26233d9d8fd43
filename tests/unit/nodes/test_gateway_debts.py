"""What a gateway answers to a partner that owes a receipt for another bundle of the contract."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta

import pytest
import pytest_asyncio

from exchange.encoding import Digest, format_instant
from exchange.log.entry import EntryType
from tests.world.by_hand import NewEntries, Partner, address
from tests.world.gateways import GatewayWorld, gateway_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

EARLIER = Digest.of(b"the bundle of the month before")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(tmp_path_factory.mktemp("federation")) as made:
        yield made


async def test_on_the_eighth_day_another_bundle_is_409_and_nothing_else_is_refused(world: GatewayWorld) -> None:
    kg, uz = Partner(world, "KG"), Partner(world, "UZ")
    await kg.log_in()
    await uz.log_in()
    assert (await kg.get(address(world))).status_code == 200
    owe_for_the_month_before(world, "KG", ago=timedelta(days=7))
    assert (await kg.get(address(world))).status_code == 200  # the last day

    owe_for_the_month_before(world, "KG", ago=timedelta(days=7, seconds=1))
    new = NewEntries(world)
    answers = [await kg.get(address(world)), await kg.get(address(world, "data.csv"))]
    for answer in answers:
        said = answer.json()
        assert (answer.status_code, answer.headers["Content-Type"]) == (409, "application/problem+json")
        assert (said["status"], said["code"], said["type"]) == (409, "receipt-owed", "/errors/receipt-owed")
        assert said["facts"]["bundle"] == str(EARLIER)
        assert "Exchange-Delivery" not in answer.headers
    assert new.of(EntryType.PULL_SERVED) == []
    assert [entry.counterpart for entry in new.of(EntryType.PULL_REFUSED)] == ["KG"]

    contract = world.bundle.contract
    for path in ("/v1/catalogue", f"/v1/contracts/{contract.id}/{contract.version}", address(world, "disclosure.json")):
        assert (await kg.get(path)).status_code == 200, path
    assert (await uz.get(address(world))).status_code == 200  # a debt is the partner's own

    pay(world)
    assert (await kg.get(address(world))).status_code == 200


def owe_for_the_month_before(world: GatewayWorld, puller: str, *, ago: timedelta) -> None:
    """The store says so: what was pulled first was the release of the month before, so long ago."""
    with closing(sqlite3.connect(world.node("KZ").state_db)) as connection:
        connection.row_factory = sqlite3.Row
        published = dict(connection.execute("SELECT * FROM publication").fetchone())
        published |= {"bundle": str(EARLIER), "period": "2020-01", "index": -1}
        names, marks = ", ".join(f'"{name}"' for name in published), ", ".join("?" * len(published))
        connection.execute(f"INSERT OR IGNORE INTO publication ({names}) VALUES ({marks})", tuple(published.values()))
        first = connection.execute('SELECT pull FROM pull WHERE puller = ? ORDER BY "index"', (puller,)).fetchone()[0]
        at = format_instant(world.clock.now() - ago)
        connection.execute("UPDATE pull SET bundle = ?, at = ? WHERE pull = ?", (str(EARLIER), at, first))
        connection.commit()


def pay(world: GatewayWorld) -> None:
    with closing(sqlite3.connect(world.node("KZ").state_db)) as connection:
        paid = connection.execute("UPDATE pull SET receipt = ? WHERE bundle = ?", (str(EARLIER), str(EARLIER)))
        assert paid.rowcount == 1
        connection.commit()
