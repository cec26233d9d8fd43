"""Files that come back after a recovery: each is judged by the digests in the log, whatever it is called."""

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from exchange.errors.settings import FileRefusedError
from exchange.log.entry import EntryType
from nodes.gateway import log_commands
from nodes.gateway.recovering import recover_log
from nodes.settings import NodeFolder
from tests.unit.nodes.test_log_commands import call, covered, lose_state, mirrored, ran
from tests.world.by_hand import entries
from tests.world.federation import seeded
from tests.world.gateways import GatewayWorld, gateway_world, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(tmp_path_factory.mktemp("found")) as made:
        yield made


def evidence_of(node: NodeFolder) -> list[bytes]:
    """The signed bytes that entries of a node's log name, as whoever else holds them would hand them over."""
    with closing(sqlite3.connect(node.state_db)) as database:
        return [raw for (raw,) in database.execute("SELECT raw FROM evidence")]


async def test_files_found_later_are_put_back_by_the_digests_in_the_log(world: GatewayWorld, tmp_path: Path) -> None:
    assert (await world.pull("KG")).status_code == 200
    await mirrored(world)
    signed = len([entry for entry in entries(world) if entry.type is EntryType.CONTRACT_SIGNED])
    await world.stop("KZ")
    node, found = world.node("KZ"), tmp_path / "found"
    found.mkdir()
    for number, raw in enumerate(evidence_of(node)):
        (found / f"from a partner {number}").write_bytes(raw)
    (bundle,) = node.bundles.glob("*.zip")
    shutil.move(bundle, found / "z from the desk")
    whole = (found / "z from the desk").read_bytes()
    (found / "another").write_bytes(whole.replace(b"CA-01-BORDER(1.0.0),R,", b"CA-01-BORDER(1.0.0),D,", 1))
    assert (found / "another").read_bytes() != whole
    for file in node.contracts.glob("*/*/statements/*"):
        file.unlink()
    lose_state(node)
    bare = await recover_log(node, clock=world.clock, random=seeded("bare"), transport=world.network)
    gone = {"bundle.published": 1, "clearance.decided": 1, "contract.signed": signed}
    assert {kind: bare.rebuilt.lost.get(kind) for kind in gone} == gone

    back = await ran(call(world, "log recover", "--files", str(found)))
    assert (back["again"], back["lost"]) == (dict(bare.rebuilt.lost) | gone, {})
    assert bundle.read_bytes() == whole
    again = await ran(call(world, "log recover", "--files", str(found)))
    assert again == {"again": {}, "lost": {}}

    await world.start("KZ")
    await until(lambda: covered(world.gateways["KZ"].context))
    assert (await world.pull("KG")).status_code == 200
    assert await world.health("KZ") == []


async def test_a_listed_bundle_whose_file_was_lost_gets_it_back(world: GatewayWorld, tmp_path: Path) -> None:
    await world.stop("KZ")
    (bundle,) = world.node("KZ").bundles.glob("*.zip")
    whole = bundle.read_bytes()
    bundle.write_bytes(whole + b"x")
    (tmp_path / "bundle").write_bytes(whole)
    assert (await ran(call(world, "log recover", "--files", str(tmp_path))))["again"] == {"bundle.published": 1}
    assert bundle.read_bytes() == whole
    await world.start("KZ")


async def test_a_folder_that_is_none_is_refused(world: GatewayWorld, tmp_path: Path) -> None:
    await world.stop("KZ")
    with pytest.raises(FileRefusedError):
        log_commands.recover(call(world, "log recover", "--files", str(tmp_path / "none")))
    await world.start("KZ")
