"""What a log says by itself as time goes by: that it is there, who owes, and that nobody has cosigned it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta

import pytest
import pytest_asyncio

from exchange.encoding import format_instant
from exchange.log.entry import EntryType, LogEntry
from nodes.adapters.sequencer import LogDraft
from nodes.gateway.housekeeping import tidy
from tests.world.by_hand import NewEntries, Partner, address, digest_of
from tests.world.clock import StillClock
from tests.world.gateways import GatewayWorld, gateway_world, no_cosignature, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(tmp_path_factory.mktemp("federation")) as made:
        yield made


@pytest.fixture
def new(world: GatewayWorld) -> NewEntries:
    return NewEntries(world)


async def test_a_log_without_news_beats_once_in_its_interval(world: GatewayWorld, new: NewEntries) -> None:
    kz = world.gateways["KZ"].context
    assert kz.settings.heartbeat_s == 600
    for seconds, beats in ((0, 0), (599, 0), (1, 1), (1, 1), (599, 2)):
        world.clock.move(seconds=seconds)
        await tidy(kz)
        assert len(new.of(EntryType.HEARTBEAT)) == beats, seconds


async def test_a_log_with_news_needs_no_heartbeat(world: GatewayWorld, new: NewEntries) -> None:
    kz = world.gateways["KZ"].context
    world.clock.move(seconds=599)
    await kz.sequencer.append(LogDraft(type=EntryType.TRUST_UPDATED, evidence=kz.trust.current().ref.sha256))
    world.clock.move(seconds=599)
    await tidy(kz)
    assert new.of(EntryType.HEARTBEAT) == []


async def test_a_clock_set_back_is_no_silence(world: GatewayWorld, new: NewEntries) -> None:
    world.clock.move(hours=-1)
    await tidy(world.gateways["KZ"].context)
    assert len(new.of(EntryType.HEARTBEAT)) == 1
    world.clock.move(hours=1)


async def test_a_debt_is_called_overdue_once_when_its_days_are_over(world: GatewayWorld, new: NewEntries) -> None:
    kz, tj = world.gateways["KZ"].context, Partner(world, "TJ")
    await tj.log_in()
    answers = [await tj.get(address(world)) for _ in range(2)]  # a debt is per bundle, however often it was pulled
    assert [answer.status_code for answer in answers] == [200, 200]
    first, second = new.of(EntryType.PULL_SERVED)
    for passed, found in ((timedelta(days=7), 0), (timedelta(days=7, seconds=1), 1), (timedelta(days=8), 1)):
        pulled(world, first, ago=passed)
        await tidy(kz)
        assert len(new.of(EntryType.RECEIPT_OVERDUE)) == found, passed
    (entry,) = new.of(EntryType.RECEIPT_OVERDUE)
    assert (entry.counterpart, entry.bundle, entry.pull) == ("TJ", digest_of(world), first.pull)
    assert entry.contract == world.bundle.contract.digest
    pulled(world, second, ago=timedelta(days=9))
    await tidy(kz)
    assert len(new.of(EntryType.RECEIPT_OVERDUE)) == 1


async def test_a_receipt_in_time_leaves_nothing_overdue(world: GatewayWorld, new: NewEntries) -> None:
    assert (await world.pull("KG")).json()["receipt_taken"] is True
    pulled(world, new.of(EntryType.PULL_SERVED)[0], ago=timedelta(days=8))
    await tidy(world.gateways["KZ"].context)
    assert new.of(EntryType.RECEIPT_OVERDUE) == []


def pulled(world: GatewayWorld, entry: LogEntry, *, ago: timedelta) -> None:
    """The store says so: the clock cannot move that far without another registry."""
    with closing(sqlite3.connect(world.node("KZ").state_db)) as connection:
        at = format_instant(world.clock.now() - ago)
        assert connection.execute("UPDATE pull SET at = ? WHERE pull = ?", (at, str(entry.pull))).rowcount == 1
        connection.commit()


async def test_an_hour_without_a_quorum_is_red_and_after_a_day_nothing_is_handed_out(world: GatewayWorld) -> None:
    kz, began = world.gateways["KZ"].context, world.clock.at
    await kz.sequencer.append(LogDraft(type=EntryType.HEARTBEAT))
    await until(lambda: kz.cosigner.behind_since is None)
    world.network.change = no_cosignature
    await kz.sequencer.append(LogDraft(type=EntryType.HEARTBEAT))
    for waited, red, status in (
        (timedelta(hours=1), [], 200),
        (timedelta(hours=1, seconds=1), ["log-uncosigned"], 200),
        (timedelta(days=1), ["log-uncosigned"], 200),
        (timedelta(days=1, seconds=1), ["log-uncosigned"], 503),
    ):
        world.clock.at = began + waited
        tj = Partner(world, "TJ")
        await tj.log_in()
        answer = await tj.get(address(world))
        assert (await world.health("KZ"), answer.status_code) == (red, status), waited
    assert answer.json()["code"] == "log-uncosigned"

    # A restart makes the log no younger: the time of its oldest uncosigned entry counts.
    await world.stop("KZ")
    await world.start("KZ")
    kz = world.gateways["KZ"].context
    await until(kz.sequencer.gate.opened.is_set)
    assert kz.cosigner.behind_since == began
    assert await world.health("KZ") == ["log-uncosigned"]

    world.network.change = None
    await until(lambda: kz.cosigner.behind_since is None)
    tj = Partner(world, "TJ")
    await tj.log_in()
    assert (await world.health("KZ"), (await tj.get(address(world))).status_code) == ([], 200)
    world.clock.at = began


@pytest.mark.parametrize(
    ("seconds", "red"),
    [
        pytest.param(300, [], id="five minutes ahead"),
        pytest.param(301, ["clock-skew"], id="more than five minutes ahead"),
        pytest.param(-301, ["clock-skew"], id="more than five minutes behind"),
    ],
)
async def test_a_clock_that_the_witnesses_contradict_is_red(world: GatewayWorld, seconds: int, red: list[str]) -> None:
    await world.stop("KZ")
    common = world.clock
    world.clock = StillClock(common.at + timedelta(seconds=seconds))
    await world.start("KZ")
    world.clock = common
    kz = world.gateways["KZ"].context
    await kz.sequencer.append(LogDraft(type=EntryType.HEARTBEAT))
    await until(lambda: kz.cosigner.behind_since is None)
    assert kz.cosigner.clock_skew_s() == seconds
    assert await world.health("KZ") == red


async def test_one_witness_with_a_bad_clock_makes_nobody_red(world: GatewayWorld) -> None:
    await world.stop("GB")
    common = world.clock
    world.clock = StillClock(common.at + timedelta(hours=1))
    await world.start("GB")
    world.clock = common
    tj = world.gateways["TJ"].context
    await tj.sequencer.append(LogDraft(type=EntryType.HEARTBEAT))
    await until(lambda: tj.cosigner.behind_since is None)
    assert await world.health("TJ") == []


async def test_work_that_is_to_go_on_for_ever_and_ends_makes_the_node_red(
    world: GatewayWorld, caplog: pytest.LogCaptureFixture
) -> None:
    background = world.gateways["KG"].context.background

    async def fails() -> None:
        raise RuntimeError("404404")

    assert await world.health("KG") == []
    await asyncio.wait([background.start(fails())])  # what has an end may fail: whoever asked for it is told
    assert await world.health("KG") == []
    background.keep(fails())
    await until(lambda: background.has_lost)
    assert await world.health("KG") == ["work-ended"]
    told = [record.getMessage() for record in caplog.records if "RuntimeError" in record.getMessage()]
    assert len(told) == 2
    assert "404404" not in caplog.text
