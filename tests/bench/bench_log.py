"""Durable appends a second with 64 writers, beside plain hashing of the same entries.

- **Durable** is what a request waits for: entry and head committed and synced, tiles in place, the checkpoint signed,
  stored and synced, published. Writers are coroutines of one event loop, as requests of a gateway are.
- **Plain hashing** is RFC 6962 by hashlib alone: the leaf hash of each entry, which is ready in memory, and the node
  hashes above, once for each node; no tiles, no formatting, no group, no disk. It is the limit of the ratio.
- **The rules alone** are our own code without a disk: entries made and formatted, the tree grown by groups, with roots
  and tiles.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from sqlmodel import func, select

from exchange.encoding import Digest
from exchange.log.entry import EntryType, LogEntry, format_entry
from exchange.log.merkle import leaf_hash
from exchange.log.tiles import TILE_WIDTH
from exchange.log.tree import TreeState, entry_bundles_after
from exchange.signing.keys import Algorithm, SoftwareSigner
from exchange.signing.trust import RegistryRef
from nodes.adapters.own_log import OwnLog
from nodes.adapters.sequencer import LogDraft, Sequencer, Transaction
from nodes.adapters.store import Store
from nodes.adapters.tables import CheckpointRow
from nodes.adapters.tile_files import TileFiles
from nodes.settings import GatewaySettings
from tests.bench.report import BenchRow

WRITERS = 64
PENDING = 16
"""Entries that a writer has under way in the second row, and that it appends with one work in the third."""
APPENDS = WRITERS * PENDING * 20
ROUNDS = 3
SYNCS = 50
GROUP_MAX = GatewaySettings.model_fields["group_commit_max"].default
GOAL_RATIO, GOAL_PER_S = 0.2, 10_000
SWITCH_S = 0.0005

AT = datetime(2026, 11, 1, tzinfo=UTC)
REGISTRY = RegistryRef(version=1, sha256=Digest("a" * 64))


@dataclass(frozen=True, slots=True)
class Kind:
    """How a writer appends: this many works under way, each with this many entries."""

    works: int
    entries: int


KINDS = {
    "each waits for its entry": Kind(1, 1),
    f"{PENDING} under way each": Kind(PENDING, 1),
    f"{PENDING} entries a work": Kind(1, PENDING),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of all writers.

    Attributes:
        per_s: Appends a second.
        groups: Into how many commits they went.
        writer_s: Processor time of the writer's thread.
        loop_s: Processor time of the event loop: the requests' side.
        wall_s: Time from the first to the last.
    """

    per_s: float
    groups: int
    writer_s: float
    loop_s: float
    wall_s: float


def run() -> list[BenchRow]:
    """Measure all in the same run."""
    sys.setswitchinterval(SWITCH_S)  # as the gateway does
    drafts = [_served() for _ in range(APPENDS)]
    plain, rules, sync_s = [], [], []
    durable: dict[str, list[Run]] = {name: [] for name in KINDS}
    for _ in range(ROUNDS):
        plain.append(_plain(drafts))
        rules.append(_rules(drafts))
        sync_s.append(_sync())
        for name, kind in KINDS.items():
            durable[name].append(_appends(drafts, kind))
    best = {name: max(found, key=lambda one: one.per_s) for name, found in durable.items()}
    return _rows(max(plain), max(rules), best, min(sync_s))


def _rows(plain: float, rules: float, durable: dict[str, Run], sync_s: float) -> list[BenchRow]:
    print(f"a sync of 4 KiB at the end of a file: {sync_s * 1e6:.0f} µs")
    for name, found in durable.items():
        _explain(name, found)
    limit = "plain hashing of the same entries"
    return [
        *(_row(f"durable appends, {WRITERS} writers, {name}", durable[name].per_s, limit, plain) for name in KINDS),
        BenchRow(
            name="the rules alone: entries formatted, tree and tiles, in memory", value=rules, unit="/s",
            limit_name=limit, limit_value=plain, ratio=rules / plain, goal="none: it bounds the rows above", met=True,
        ),
    ]  # fmt: skip


def _row(name: str, value: float, limit: str, plain: float) -> BenchRow:
    return BenchRow(
        name=name,
        value=value,
        unit="/s",
        limit_name=limit,
        limit_value=plain,
        ratio=value / plain,
        goal=f"≥ {GOAL_RATIO:g} and ≥ {GOAL_PER_S:,}/s",
        met=value / plain >= GOAL_RATIO and value >= GOAL_PER_S,
    )


def _explain(name: str, found: Run) -> None:
    """Where the time of an entry goes; what is no processor time is the disk, and other programs."""
    each = 1e6 / APPENDS
    rest = found.wall_s - found.writer_s - found.loop_s
    print(
        f"{name}: {APPENDS / found.groups:.0f} entries a group; {found.wall_s * each:.1f} µs an entry, "
        f"of which writer's thread {found.writer_s * each:.1f}, event loop {found.loop_s * each:.1f}, "
        f"waiting {max(rest, 0) * each:.1f}; a group waits {max(rest, 0) / found.groups * 1e3:.2f} ms"
    )


def _served() -> LogDraft:
    """What a gateway appends most: 560 bytes, with an evidence digest that its store indexes."""
    pull = Digest(os.urandom(32).hex())
    contract, bundle = Digest("c" * 64), Digest("b" * 64)
    return LogDraft(
        type=EntryType.PULL_SERVED, counterpart="KG", contract=contract, bundle=bundle, pull=pull, evidence=pull
    )


def _entry(draft: LogDraft) -> bytes:
    return format_entry(
        LogEntry(
            type=draft.type,
            at=AT,
            node="KZ",
            registry=REGISTRY,
            salt=os.urandom(16),
            counterpart=draft.counterpart,
            contract=draft.contract,
            bundle=draft.bundle,
            evidence=draft.evidence,
            pull=draft.pull,
        )
    )


def _per_s(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return APPENDS / (time.perf_counter() - began)


def _plain(drafts: list[LogDraft]) -> float:
    """Entries a second, hashed into the tree of RFC 6962 §2.1."""
    entries = [_entry(draft) for draft in drafts]

    def hashed() -> bytes:
        row = [sha256(b"\x00" + entry).digest() for entry in entries]
        while len(row) > 1:
            odd = row[len(row) & ~1 :]
            row = [sha256(b"\x01" + row[i] + row[i + 1]).digest() for i in range(0, len(row) - 1, 2)] + odd
        return row[0]

    return _per_s(hashed)


def _rules(drafts: list[LogDraft]) -> float:
    """Entries a second, made, formatted and grown into a tree with its tiles."""

    def grown() -> None:
        state = TreeState()
        for start in range(0, APPENDS, TILE_WIDTH):
            entries = [_entry(draft) for draft in drafts[start : start + TILE_WIDTH]]
            entry_bundles_after(start, b"", entries)
            state, _ = state.append([leaf_hash(entry) for entry in entries])
            state.root()

    return _per_s(grown)


def _sync() -> float:
    """Seconds that the disk takes to keep the next 4 KiB of a file."""
    with tempfile.TemporaryFile(buffering=0) as file:
        took = []
        for _ in range(SYNCS):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
        return sorted(took)[SYNCS // 2]


def _appends(drafts: list[LogDraft], kind: Kind) -> Run:
    with tempfile.TemporaryDirectory() as scratch:
        return asyncio.run(_durable(Path(scratch), drafts, kind))


async def _durable(folder: Path, drafts: list[LogDraft], kind: Kind) -> Run:
    store = Store(folder / "state.db")
    failed: list[BaseException] = []
    sequencer = Sequencer(
        member="KZ",
        store=store,
        log=OwnLog(
            origin="kz.exchange.example/log",
            signer=SoftwareSigner.from_seed(Algorithm.ED25519, bytes(range(32))),
            files=TileFiles(folder / "log"),
        ),
        write_entry=_entry,
        on_fatal=failed.append,
        group_max=GROUP_MAX,
        wait_s=60,
    )
    sequencer.start()
    sequencer.gate.opened.set()

    following = iter(drafts)

    def work(transaction: Transaction) -> None:
        for _ in range(kind.entries):
            transaction.append(next(following))

    async def writer() -> None:
        for _ in range(APPENDS // WRITERS // kind.works // kind.entries):
            if kind.works == 1:
                await sequencer.submit(work)
            else:
                await asyncio.gather(*(sequencer.submit(work) for _ in range(kind.works)))

    async def writer_thread_s() -> float:
        return (await sequencer.submit(lambda _: time.thread_time())).result

    thread_s, loop_s, began = await writer_thread_s(), time.thread_time(), time.perf_counter()
    await asyncio.gather(*(writer() for _ in range(WRITERS)))
    wall_s, loop_s = time.perf_counter() - began, time.thread_time() - loop_s
    thread_s = await writer_thread_s() - thread_s
    await sequencer.stop()
    groups = store.read_now(lambda c: c.execute(select(func.count()).select_from(CheckpointRow)).scalar_one())
    assert (sequencer.log.size, failed) == (APPENDS, [])
    store.close()
    return Run(per_s=APPENDS / wall_s, groups=groups, writer_s=thread_s, loop_s=loop_s, wall_s=wall_s)
