"""Pulling inside a running gateway, between real gateways: folders, log, receipts, crashes, partners that are down."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from exchange.log.entry import EntryType, LogEntry, parse_entry
from exchange.publication import BUNDLE_FILES
from nodes.adapters.own_log import entry_at
from tests.world.gateways import Body, GatewayWorld, gateway_world, until


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayWorld]:
    """One federation for this file: its tests only add pulls, and each looks at its own."""
    async with gateway_world(tmp_path_factory.mktemp("federation")) as running:
        yield running


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def entries(world: GatewayWorld, member: str, *, since: int = 0) -> list[LogEntry]:
    context = world.gateways[member].context
    raws = await context.store.read(
        lambda connection: [entry_at(connection, index) for index in range(since, context.sequencer.log.size)]
    )
    return [parse_entry(raw) for raw in raws]


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def shown(folder: Path) -> list[Path]:
    return list(folder.rglob("datapackage.json"))


def size(world: GatewayWorld, member: str) -> int:
    return world.gateways[member].context.sequencer.log.size


async def test_a_pull_becomes_a_folder_of_exactly_the_six_files_and_two_entries_on_each_side(
    world: GatewayWorld, tmp_path: Path
) -> None:
    before = {member: size(world, member) for member in ("KG", "KZ")}
    answer = (await world.pull(folder=str(tmp_path / "out"))).json()
    assert answer["folder"] == str(tmp_path / "out")
    assert names(tmp_path / "out") == sorted(BUNDLE_FILES)
    assert names(tmp_path) == ["out"]
    puller = await entries(world, "KG", since=before["KG"])
    publisher = await entries(world, "KZ", since=before["KZ"])
    assert [one.type for one in puller] == [EntryType.BUNDLE_RECEIVED, EntryType.RECEIPT_GIVEN]
    assert [one.type for one in publisher] == [EntryType.PULL_SERVED, EntryType.RECEIPT_GOT]
    assert {str(one.pull) for one in (*puller, *publisher)} == {answer["pull"]}
    assert answer["receipt_taken"] is True


async def test_without_a_folder_the_bundle_lies_in_the_nodes_own_named_by_what_it_is(world: GatewayWorld) -> None:
    answer = (await world.pull("TJ")).json()
    digits = answer["bundle"].removeprefix("sha256:")[:8]
    expected = world.node("TJ").pulled / "KZ" / "CA-01-BORDER" / f"2026-09-r0-{digits}"
    assert answer["folder"] == str(expected)
    assert names(expected) == sorted(BUNDLE_FILES)


async def test_the_same_bundle_into_the_same_folder_is_fine_and_said(world: GatewayWorld, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    first = (await world.pull(folder=str(tmp_path / "out"))).json()
    second = (await world.pull(folder=str(tmp_path / "out"))).json()
    assert (first["already_there"], second["already_there"]) == (False, True)


@pytest.mark.parametrize("taken", ["a file", "a folder with something else"])
async def test_a_folder_that_holds_something_else_is_refused_before_anything_is_asked_for(
    world: GatewayWorld, tmp_path: Path, taken: str
) -> None:
    if taken == "a file":
        (tmp_path / "out").write_text("mine")
    else:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "mine.txt").write_text("mine")
    before = size(world, "KZ")
    answer = await world.pull(folder=str(tmp_path / "out"))
    assert (answer.json()["code"], answer.json()["exit_code"]) == ("pull-folder-taken", 1)
    assert size(world, "KZ") == before


async def test_two_pulls_of_one_bundle_at_once_are_two_entries_and_both_right(
    world: GatewayWorld, tmp_path: Path
) -> None:
    before = size(world, "KG")
    both = await asyncio.gather(*(world.pull(folder=str(tmp_path / "out")) for _ in range(2)))
    assert [answer.status_code for answer in both] == [200, 200]
    assert sorted(answer.json()["already_there"] for answer in both) == [False, True]
    received = [one for one in await entries(world, "KG", since=before) if one.type is EntryType.BUNDLE_RECEIVED]
    assert {str(one.pull) for one in received} == {answer.json()["pull"] for answer in both}
    assert names(tmp_path) == ["out"]


async def test_a_partner_that_is_down_is_exit_5_and_the_next_pull_works(world: GatewayWorld, tmp_path: Path) -> None:
    world.network.down.add(world.port("KZ"))
    before = size(world, "KG")
    answer = await world.pull(folder=str(tmp_path / "out"))
    world.network.down.clear()
    assert (answer.json()["code"], answer.json()["exit_code"]) == ("partner-unreachable", 5)
    assert "KZ" in answer.json()["detail"]
    assert size(world, "KG") == before
    assert (await world.pull(folder=str(tmp_path / "out"))).status_code == 200


async def test_a_delivery_that_breaks_off_is_logged_and_receipted_as_incomplete(world: GatewayWorld) -> None:
    def cut(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        if not request.url.path.startswith("/v1/bundles/"):
            return answer
        return httpx.Response(200, headers=answer.headers, stream=Body(answer.content, breaks_off=True))

    before = size(world, "UZ")
    world.network.change = cut
    answer = await world.pull("UZ")
    world.network.change = None
    assert (answer.json()["code"], answer.json()["exit_code"]) == ("pull-broken-off", 5)
    rejected, given = await entries(world, "UZ", since=before)
    assert (rejected.type, rejected.code) == (EntryType.BUNDLE_REJECTED, "incomplete")
    assert given.type is EntryType.RECEIPT_GIVEN
    assert shown(world.node("UZ").pulled) == []


async def test_a_member_that_is_no_recipient_learns_nothing(world: GatewayWorld) -> None:
    answer = await world.pull("GB")
    assert (answer.json()["code"], answer.json()["exit_code"]) == ("pull-not-offered", 4)


async def test_a_purpose_that_the_contract_does_not_permit_is_exit_6(world: GatewayWorld) -> None:
    answer = await world.pull(purpose="law_enforcement")
    assert (answer.json()["code"], answer.json()["exit_code"]) == ("pull-purpose", 6)


async def test_an_unknown_partner_is_refused(world: GatewayWorld) -> None:
    assert (await world.pull(partner="XX")).json()["code"] == "member-unknown"


async def test_the_catalogue_shows_what_a_partner_offers_this_member(world: GatewayWorld) -> None:
    for member, offered in (("KG", 1), ("GB", 0)):
        answer = await world.local(member, "GET", "/local/catalogues/kz")
        assert len(answer.json()["bundles"]) == offered


@pytest.mark.parametrize(("contract", "offered"), [("ca-01", 1), ("CA-01-BORDER", 1), ("ca-07", 0)])
async def test_the_catalogue_is_narrowed_by_the_beginning_of_a_contract_s_id(
    world: GatewayWorld, contract: str, offered: int
) -> None:
    answer = await world.local("KG", "GET", f"/local/catalogues/kz?contract={contract}")
    assert len(answer.json()["bundles"]) == offered


async def test_a_receipt_that_did_not_get_through_is_sent_again_until_it_is_taken(world: GatewayWorld) -> None:
    world.network.lost.add("/v1/receipts")
    answer = (await world.pull("TM")).json()
    world.network.lost.clear()
    assert answer["receipt_taken"] is False
    before = size(world, "KZ")
    await world.stop("TM")
    await world.start("TM")  # the loop's first round comes at once
    await until(lambda: size(world, "KZ") > before)
    got = (await entries(world, "KZ", since=before))[0]
    assert (got.type, got.counterpart, str(got.pull)) == (EntryType.RECEIPT_GOT, "TM", answer["pull"])


async def test_a_crash_in_the_middle_of_a_delivery_is_settled_as_incomplete_by_the_next_start(
    world: GatewayWorld,
) -> None:
    reached = asyncio.Event()

    class Hanging(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"PK"
            reached.set()
            await asyncio.sleep(60)

    def hang(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        if not request.url.path.startswith("/v1/bundles/"):
            return answer
        return httpx.Response(200, headers=answer.headers, stream=Hanging())

    before = size(world, "UZ")
    world.network.change = hang
    pulling = asyncio.create_task(world.pull("UZ"))
    await asyncio.wait_for(reached.wait(), 20)
    world.network.change = None
    await world.stop("UZ")
    pulling.cancel()
    await asyncio.gather(pulling, return_exceptions=True)
    await world.start("UZ")
    await until(lambda: size(world, "UZ") >= before + 2)
    rejected, given = (await entries(world, "UZ", since=before))[:2]
    assert (rejected.type, rejected.code, rejected.evidence) == (EntryType.BUNDLE_REJECTED, "incomplete", None)
    assert (given.type, given.pull) == (EntryType.RECEIPT_GIVEN, rejected.pull)
