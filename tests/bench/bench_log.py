"""Durable appends a second with 64 writers, beside plain hashing of the same entries into the same tree.

Durable means what a request waits for: entries and head committed with fsync, tiles written and fsynced, checkpoint
signed and stored. Plain hashing is the tree alone, in memory, without a signature or a disk.
"""

import asyncio
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from exchange.encoding import Digest
from exchange.log.entry import EntryType, LogEntry, format_entry
from exchange.log.merkle import leaf_hash
from exchange.log.tree import TreeState
from exchange.signing.keys import Algorithm, SoftwareSigner
from exchange.signing.trust import RegistryRef
from nodes.adapters.own_log import OwnLog
from nodes.adapters.sequencer import LogDraft, Sequencer, Transaction
from nodes.adapters.store import Store
from nodes.adapters.tile_files import TileFiles
from tests.bench.report import BenchRow

WRITERS = 64
APPENDS = 60_000
GROUP_MAX = 256
GOAL_RATIO, GOAL_PER_S = 0.2, 10_000
SWITCH_S = 0.0005
PENDING = 16
"""Entries a writer hands over before it waits: a gateway's 64 requests are not alone in the queue."""


def run() -> list[BenchRow]:
    """Measure both in the same run."""
    sys.setswitchinterval(SWITCH_S)  # as the gateway does
    plain = _plain()
    one, piped = asyncio.run(_durable(pending=1)), asyncio.run(_durable(pending=PENDING))
    limit = "plain hashing of the same entries"
    return [
        _row(f"durable appends, {WRITERS} writers, each waits for its entry", one, limit, plain),
        _row(f"durable appends, {WRITERS} writers, {PENDING} entries under way each", piped, limit, plain),
    ]


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


def _entry(draft: LogDraft) -> bytes:
    return format_entry(
        LogEntry(
            type=draft.type,
            at=datetime(2026, 11, 1, tzinfo=UTC),
            node="KZ",
            registry=RegistryRef(version=1, sha256=Digest("a" * 64)),
            salt=os.urandom(16),
        )
    )


def _plain() -> float:
    """Entries hashed into a growing tree a second, in groups of the same size."""
    draft = LogDraft(type=EntryType.HEARTBEAT)
    entries = [_entry(draft) for _ in range(APPENDS)]
    state, began = TreeState.from_leaves([]), time.perf_counter()
    for start in range(0, APPENDS, GROUP_MAX):
        state, _ = state.append([leaf_hash(entry) for entry in entries[start : start + GROUP_MAX]])
        state.root()
    return APPENDS / (time.perf_counter() - began)


async def _durable(*, pending: int) -> float:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        store = Store(folder / "state.db")
        signer = SoftwareSigner.from_seed(Algorithm.ED25519, bytes(range(32)))
        log = OwnLog(origin="kz.exchange.example/log", signer=signer, files=TileFiles(folder / "log"))
        failed: list[BaseException] = []
        sequencer = Sequencer(
            member="KZ",
            store=store,
            log=log,
            write_entry=_entry,
            on_fatal=failed.append,
            group_max=GROUP_MAX,
            wait_s=60,
        )
        sequencer.start()
        sequencer.gate.opened.set()
        draft = LogDraft(type=EntryType.HEARTBEAT)

        def work(transaction: Transaction) -> None:
            transaction.append(draft)

        async def writer(count: int) -> None:
            for _ in range(count // pending):
                await asyncio.gather(*(sequencer.submit(work) for _ in range(pending)))

        began = time.perf_counter()
        await asyncio.gather(*(writer(APPENDS // WRITERS) for _ in range(WRITERS)))
        took = time.perf_counter() - began
        await sequencer.stop()
        store.close()
        assert not failed
        return APPENDS // WRITERS // pending * pending * WRITERS / took
