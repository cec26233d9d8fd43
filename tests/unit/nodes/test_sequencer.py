"""The one writer: durable in order, alone in failing, stopped by doubt."""

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import func, insert, select

from exchange.encoding import Digest
from exchange.errors.keys import TokenGoneError
from exchange.errors.node import (
    HeadMovedError,
    NodeStoppedError,
    StorageFullError,
    StoreNewerError,
    TileDiffersError,
    WaitExceededError,
)
from exchange.log.checkpoint import open_checkpoint
from exchange.log.entry import EntryType, LogEntry, format_entry
from exchange.log.merkle import leaf_hash
from exchange.log.note import SignatureKind
from exchange.log.tiles import parse_entry_bundle
from exchange.signing.keys import Algorithm, SoftwareSigner
from exchange.signing.trust import RegistryRef
from nodes.adapters.own_log import OwnLog
from nodes.adapters.sequencer import LogDraft, Sequencer, Transaction
from nodes.adapters.store import Store
from nodes.adapters.tables import CheckpointRow, EntryRow, SpentRow
from nodes.adapters.tile_files import TileFiles
from tests.world.absentable import AbsentableToken
from tests.world.log_by_hand import root_of, vkey_of

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

        self.files.write = write  # type: ignore[method-assign]  # the fault is injected here


class Node:
    def __init__(self, folder: Path, *, wait_s: float = 5) -> None:
        self.folder = folder
        self.store = Store(folder / "state.db")
        self.disk = DiskOf(folder / "log")
        self.fatal: list[BaseException] = []
        self.token = AbsentableToken(SIGNER)
        log = OwnLog(origin=ORIGIN, signer=self.token, files=self.disk.files)
        self.sequencer = Sequencer(
            member="KZ",
            store=self.store,
            log=log,
            write_entry=written,
            on_fatal=self.fatal.append,
            group_max=256,
            wait_s=wait_s,
        )

    async def start(self) -> None:
        self.sequencer.start()
        self.sequencer.gate.opened.set()
        await self.sequencer.catch_up()

    async def stop(self) -> None:
        await self.sequencer.stop()
        self.store.close()

    def files(self) -> dict[str, bytes]:
        log = self.folder / "log"
        return {str(file.relative_to(log)): file.read_bytes() for file in log.rglob("*") if file.is_file()}

    def signed(self) -> list[int]:
        return list(self.store.read_now(lambda c: c.execute(select(CheckpointRow.size)).scalars()))

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


async def test_what_one_turn_of_the_event_loop_brings_is_one_group(node: Node) -> None:
    await asyncio.gather(*(node.sequencer.append(HEARTBEAT) for _ in range(64)))
    await asyncio.gather(*(node.sequencer.append(HEARTBEAT) for _ in range(64)))
    assert node.signed() == [64, 128]


async def test_a_caller_who_goes_away_undoes_nothing(node: Node) -> None:
    going = asyncio.create_task(node.sequencer.append(HEARTBEAT))
    await asyncio.sleep(0)
    going.cancel()
    staying = await node.sequencer.append(HEARTBEAT)
    assert going.cancelled()
    assert staying.entries[0][0] == 1
    assert node.entries() == 2


async def test_a_caller_waits_no_longer_than_allowed_and_the_work_is_done_all_the_same(tmp_path: Path) -> None:
    node = Node(tmp_path, wait_s=1.0)
    await node.start()
    holding = threading.Event()
    held = asyncio.create_task(node.sequencer.submit(lambda _: holding.wait(30)))
    await asyncio.sleep(0.7)
    late = asyncio.create_task(node.sequencer.append(HEARTBEAT))

    with pytest.raises(WaitExceededError):
        await held
    assert not late.done()  # its own time began later
    with pytest.raises(WaitExceededError):
        await late
    holding.set()

    assert (await node.sequencer.append(HEARTBEAT)).entries[0][0] == 1
    await node.stop()


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


@pytest.mark.parametrize("entries", [3, 256, 259], ids=["no full tile", "full tiles alone", "full tiles and newer"])
@pytest.mark.parametrize(
    ("left", "checkpoint"),
    [
        pytest.param(None, "absent", id="taken"),
        pytest.param(0, "empty", id="empty"),
        pytest.param(7, "older", id="a few bytes"),
        pytest.param(33, "older", id="a hash and a byte"),
    ],
)
async def test_what_a_power_cut_takes_of_the_newest_files_stands_again_before_anything_is_signed(
    tmp_path: Path, entries: int, left: int | None, checkpoint: str
) -> None:
    first = Node(tmp_path)
    await first.start()
    await first.sequencer.append(HEARTBEAT)
    older = first.files()["checkpoint"]
    await first.sequencer.append(*[HEARTBEAT] * (entries - 1))
    await first.stop()
    before, signed = first.files(), first.signed()
    newest = [tmp_path / "log" / path for path in before if path.endswith(f".p/{entries % 256}")]
    for file in newest:
        if left is None:
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:left])
    public = tmp_path / "log/checkpoint"
    public.unlink() if checkpoint == "absent" else public.write_bytes(older if checkpoint == "older" else b"")

    second = Node(tmp_path)
    second.sequencer.start()  # the restart rule does not allow anything yet
    await second.sequencer.submit(lambda _: None, gated=False)

    assert bool(newest) == bool(entries % 256)
    assert second.files() == before
    assert second.signed() == signed
    await second.stop()


@pytest.mark.parametrize("left", [0, 33])
async def test_a_full_tile_is_never_cut_short_by_a_power_cut_so_the_node_stops(tmp_path: Path, left: int) -> None:
    first = Node(tmp_path)
    await first.start()
    await first.sequencer.append(*[HEARTBEAT] * 256)
    await first.stop()
    (tmp_path / "log/checkpoint").unlink()
    (tmp_path / "log/tile/1/000.p/1").unlink()
    tile = tmp_path / "log/tile/0/000"
    tile.write_bytes(tile.read_bytes()[:left])

    second = Node(tmp_path)
    with pytest.raises(NodeStoppedError):
        await second.start()

    assert [type(one) for one in second.fatal] == [TileDiffersError]
    assert not (tmp_path / "log/checkpoint").exists()
    await second.stop()


async def test_a_newer_public_checkpoint_is_never_replaced_before_the_restart_rule_is_asked(tmp_path: Path) -> None:
    """A restored database beside the log's files as they were: the files are the evidence."""
    node = Node(tmp_path)
    await node.start()
    await node.sequencer.append(HEARTBEAT)
    await node.stop()
    backup = (tmp_path / "state.db").read_bytes()
    node = Node(tmp_path)
    await node.start()
    await node.sequencer.append(HEARTBEAT)
    await node.stop()
    newer = node.files()
    (tmp_path / "state.db").write_bytes(backup)

    restored = Node(tmp_path)
    restored.sequencer.start()
    await restored.sequencer.submit(lambda _: None, gated=False)

    assert restored.sequencer.log.size == 1
    assert restored.files()["checkpoint"] == newer["checkpoint"]
    await restored.stop()


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


async def test_a_token_that_goes_while_a_checkpoint_is_signed_answers_nobody_and_is_made_good_later(node: Node) -> None:
    await node.sequencer.append(HEARTBEAT)
    node.token.away = True
    with pytest.raises(TokenGoneError):
        await node.sequencer.append(HEARTBEAT)
    assert isinstance(node.sequencer.trouble, TokenGoneError)
    assert node.signed() == [1]

    node.token.away = False
    done = await node.sequencer.append(HEARTBEAT)

    assert done.entries[0][0] == 2
    assert node.signed()[-1] == 3
    assert node.sequencer.trouble is None
    assert not node.fatal


@pytest.mark.asvs("V16.5.3")
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

    with pytest.raises(StoreNewerError, match=r"knows up to \d+, found 99"):
        Store(tmp_path / "state.db")
