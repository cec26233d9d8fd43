"""The one writer: durable in order, alone in failing, stopped by doubt."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import func, insert, select

from exchange.encoding import Digest
from exchange.errors.node import HeadMovedError, NodeStoppedError, StorageFullError, StoreNewerError, TileDiffersError
from exchange.log.checkpoint import open_checkpoint
from exchange.log.entry import EntryType, LogEntry, format_entry
from exchange.log.merkle import leaf_hash, root_of
from exchange.log.note import SignatureKind, vkey_of
from exchange.log.tiles import parse_entry_bundle
from exchange.signing.keys import Algorithm, SoftwareSigner
from exchange.signing.trust import RegistryRef
from nodes.adapters.own_log import OwnLog
from nodes.adapters.sequencer import LogDraft, Sequencer, Transaction
from nodes.adapters.store import Store
from nodes.adapters.tables import EntryRow, SpentRow
from nodes.adapters.tile_files import TileFiles

ORIGIN = "kz.exchange.example/log"
SIGNER = SoftwareSigner.from_seed(Algorithm.ED25519, bytes(range(32)))
HEARTBEAT = LogDraft(type=EntryType.HEARTBEAT)


def written(draft: LogDraft) -> bytes:
    return format_entry(
        LogEntry(
            type=draft.type,
            at=datetime(2026, 11, 1, tzinfo=UTC),
            node="KZ",
            registry=RegistryRef(version=1, sha256=Digest("a" * 64)),
            salt=os.urandom(16),
        )
    )


class DiskOf:
    """Tile files whose next write fails as told: a disk is outside the process."""

    def __init__(self, folder: Path) -> None:
        self.files = TileFiles(folder)
        self.fails_with: int | None = None
        plain = self.files.write

        def write(files: object) -> None:
            if self.fails_with is not None:
                raise OSError(self.fails_with, os.strerror(self.fails_with))
            plain(files)  # type: ignore[arg-type]  # passed through

        self.files.write = write  # type: ignore[method-assign,assignment]  # the fault is injected here


class Node:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "state.db")
        self.disk = DiskOf(folder / "log")
        self.fatal: list[BaseException] = []
        log = OwnLog(origin=ORIGIN, signer=SIGNER, files=self.disk.files)
        self.sequencer = Sequencer(
            member="KZ",
            store=self.store,
            log=log,
            write_entry=written,
            on_fatal=self.fatal.append,
            group_max=256,
            wait_s=5,
        )

    async def start(self) -> None:
        self.sequencer.start()
        self.sequencer.gate.opened.set()
        await self.sequencer.catch_up()

    async def stop(self) -> None:
        await self.sequencer.stop()
        self.store.close()

    def entries(self) -> int:
        return self.store.read_now(lambda c: c.execute(select(func.count()).select_from(EntryRow)).scalar_one())


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    made = Node(tmp_path)
    await made.start()
    yield made
    await made.stop()


async def test_an_entry_is_under_the_published_checkpoint_before_the_answer(node: Node) -> None:
    done = await node.sequencer.append(HEARTBEAT, HEARTBEAT)

    vkey = vkey_of(ORIGIN, SIGNER, SignatureKind.LOG)
    checkpoint = open_checkpoint((node.folder / "log/checkpoint").read_bytes(), logs=[vkey])
    bundle = (node.folder / "log/tile/entries/000.p/2").read_bytes()
    entries = parse_entry_bundle(bundle, width=2)
    assert [index for index, _ in done.entries] == [0, 1]
    assert [raw for _, raw in done.entries] == entries
    assert checkpoint.size == 2
    assert checkpoint.root == root_of([leaf_hash(entry) for entry in entries])
    assert done.note == (node.folder / "log/checkpoint").read_bytes()


async def test_works_of_one_group_share_a_commit_and_keep_their_own_entries(node: Node) -> None:
    done = await asyncio.gather(*(node.sequencer.append(HEARTBEAT) for _ in range(300)))

    assert sorted(index for one in done for index, _ in one.entries) == list(range(300))
    assert (node.folder / "log/tile/0/000").stat().st_size == 256 * 32
    assert not (node.folder / "log/tile/0/000.p").exists()


async def test_a_work_that_fails_fails_alone_and_leaves_nothing(node: Node) -> None:
    spent = {"kind": "proof", "member": "KG", "jti": "x", "expires": 1}

    def spend(transaction: Transaction) -> int:
        index = transaction.append(HEARTBEAT)
        transaction.connection.execute(insert(SpentRow), spent)
        return index

    outcomes = await asyncio.gather(*(node.sequencer.submit(spend) for _ in range(8)), return_exceptions=True)

    refused = [one for one in outcomes if isinstance(one, BaseException)]
    assert len(refused) == 7
    assert all(isinstance(one, IntegrityError) for one in refused)
    assert node.entries() == 1


async def test_a_restart_derives_the_same_tiles_from_the_entries(tmp_path: Path) -> None:
    first = Node(tmp_path)
    await first.start()
    for _ in range(3):
        await first.sequencer.append(*[HEARTBEAT] * 200)
    await first.stop()
    before = {file: file.read_bytes() for file in (tmp_path / "log").rglob("*") if file.is_file()}
    for file in before:
        file.unlink()

    second = Node(tmp_path)
    await second.start()

    # The tiles of sizes in between are gone for good; those of the head are all back, byte for byte.
    after = {file: file.read_bytes() for file in (tmp_path / "log").rglob("*") if file.is_file()}
    assert after.items() <= before.items()
    assert {"000", "001", "88", "2", "checkpoint"} <= {file.name for file in after}
    await second.sequencer.append(HEARTBEAT)
    assert second.sequencer.log.size == 601
    await second.stop()


async def test_a_disk_full_after_the_commit_answers_nobody_and_is_made_good_later(node: Node) -> None:
    await node.sequencer.append(HEARTBEAT)
    node.disk.fails_with = errno.ENOSPC
    with pytest.raises(StorageFullError):
        await node.sequencer.append(HEARTBEAT)
    with pytest.raises(StorageFullError):
        await node.sequencer.append(HEARTBEAT)
    assert isinstance(node.sequencer.trouble, StorageFullError)
    assert node.entries() == 2  # the second refusal came before anything was taken on

    node.disk.fails_with = None
    done = await node.sequencer.append(HEARTBEAT)

    assert done.entries[0][0] == 2
    assert node.sequencer.trouble is None
    assert not node.fatal


async def test_an_error_of_fsync_stops_the_node(node: Node) -> None:
    node.disk.fails_with = errno.EIO

    with pytest.raises(NodeStoppedError):
        await node.sequencer.append(HEARTBEAT)
    with pytest.raises(NodeStoppedError):
        await node.sequencer.append(HEARTBEAT)

    assert [type(one) for one in node.fatal] == [OSError]


async def test_a_second_writer_is_noticed_and_stops_the_node(tmp_path: Path) -> None:
    one, other = Node(tmp_path), Node(tmp_path)
    await one.start()
    await other.start()
    await one.sequencer.append(HEARTBEAT)

    with pytest.raises(NodeStoppedError):
        await other.sequencer.append(HEARTBEAT)

    assert [type(fatal) for fatal in other.fatal] == [HeadMovedError] or "IntegrityError" in repr(other.fatal)
    await one.stop()
    await other.stop()


async def test_an_altered_tile_stops_the_node_rather_than_be_overwritten(tmp_path: Path) -> None:
    first = Node(tmp_path)
    await first.start()
    await first.sequencer.append(HEARTBEAT)
    await first.stop()
    (tmp_path / "log/tile/0/000.p/1").write_bytes(b"\x00" * 32)

    second = Node(tmp_path)
    with pytest.raises(NodeStoppedError):
        await second.start()

    assert [type(one) for one in second.fatal] == [TileDiffersError]
    await second.stop()


async def test_nothing_is_appended_before_the_restart_rule_allows_it(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.sequencer.start()

    seen = await node.sequencer.submit(lambda transaction: transaction.connection.closed, gated=False)
    waiting = asyncio.create_task(node.sequencer.append(HEARTBEAT))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    node.sequencer.gate.opened.set()

    assert seen.result is False
    assert (await waiting).entries[0][0] == 0
    await node.stop()


async def test_a_store_of_a_later_program_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    connection = store.open_writer()
    with connection.begin():
        connection.exec_driver_sql("PRAGMA user_version = 99")
    connection.close()
    store.close()

    with pytest.raises(StoreNewerError, match="knows up to 1, found 99"):
        Store(tmp_path / "state.db")
