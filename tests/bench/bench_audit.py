"""IOM's audit at size: a log of a million entries rebuilt and held against its checkpoints, a million pulls paired.

- **A log**: every leaf hashed again, the tree held against checkpoints of many sizes, every entry parsed strictly. Its
  limit is plain hashing of the same tree.
- **Pairs**: both sides' entries of each pull paired and judged. Evidence is left out; its signatures cost what the row
  after says, in every run.
- **Months**: seeded attacks and honest months (`tests/world/simulated.py`), all of which must come out right.

`AUDIT_ENTRIES` and `AUDIT_MONTHS` in the environment make it smaller.
"""

import gc
import os
import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice

from exchange.encoding import Digest
from exchange.log.checkpoint import Checkpoint
from exchange.log.entry import EntryType, LogEntry, format_entry
from exchange.log.merkle import leaf_hash
from exchange.log.tree import TreeState
from exchange.reconcile import reconcile
from exchange.reconcile.logs import contradictions, view_of
from exchange.reconcile.model import Evidence, Federation, SeenCheckpoint
from tests.bench.report import BenchRow
from tests.world.federation import signer
from tests.world.pull_logs import BUNDLE, CONTRACT, NOON, REGISTRY, PullLogs
from tests.world.simulated import attacked, honest

ENTRIES = int(os.environ.get("AUDIT_ENTRIES", "1000000"))
MONTHS = int(os.environ.get("AUDIT_MONTHS", "10000"))
CHECKPOINTS = 100
LOG_S_MAX, PAIRS_S_MAX = 10.0, 60.0
"""For a million entries, and a million pulls; a smaller run is held to its share."""
VERIFIED = 200


def run() -> list[BenchRow]:
    """Measure all in the same run, by processor time of this process."""
    rows = [*_log(), *_pairs(), _evidence()]
    print(f"memory at its highest: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
    return [*rows, _months()]


def _log() -> Iterator[BenchRow]:
    raws = [format_entry(entry) for entry in islice(_pulled("KZ", EntryType.PULL_SERVED, "KG"), ENTRIES)]
    seen = _checkpoints(raws)
    limit = "plain hashing of its tree"
    began = time.process_time()
    TreeState().append([leaf_hash(raw) for raw in raws])[0].root()
    hashing = time.process_time() - began
    began = time.process_time()
    gc.disable()  # as `audit run` does
    assert contradictions("KZ", raws, seen) == []
    rebuilt = time.process_time() - began
    view_of("KZ", raws, seen)
    whole = time.process_time() - began
    print(f"a log of {ENTRIES:,}: rebuilt {rebuilt:.1f} s, parsed {whole - rebuilt:.1f} s")
    gc.enable()
    yield _row(
        f"a log of {ENTRIES:,} entries rebuilt and held against checkpoints",
        rebuilt,
        hashing,
        LOG_S_MAX,
        limit,
    )
    yield _row("the same, and every entry parsed", whole, hashing, LOG_S_MAX, limit)
    gc.collect()


def _pairs() -> Iterator[BenchRow]:
    federation = _federation()
    gc.disable()  # as `audit run` does
    began = time.process_time()
    result = reconcile(federation)
    took = time.process_time() - began
    gc.enable()
    assert result.findings == ()
    assert len(result.exchanges) == ENTRIES
    yield _row(f"{ENTRIES:,} pulls of two logs paired and judged", took, took, PAIRS_S_MAX, "itself")


def _evidence() -> BenchRow:
    """Both sides of honest pulls with their evidence: a delivery and a receipt verified for each."""
    logs = PullLogs()
    logs.publish()
    for _ in range(VERIFIED):
        logs.honest_pull()
    federation = logs.gathered()
    began = time.process_time()
    reconcile(federation)
    each = (time.process_time() - began) / VERIFIED * 1000
    alone = _verification_ms()
    return BenchRow(
        name="a pull with its delivery and both notes of its receipt verified",
        value=each,
        unit="ms",
        limit_name="three Ed25519 verifications",
        limit_value=3 * alone,
        ratio=3 * alone / each,
        goal="none: the two rows above leave it out",
        met=True,
    )


def _verification_ms() -> float:
    key = signer("bench")
    signature = key.sign(b"." * 600)
    began = time.process_time()
    for _ in range(VERIFIED):
        key.public.verify(b"." * 600, signature)
    return (time.process_time() - began) / VERIFIED * 1000


def _months() -> BenchRow:
    began = time.process_time()
    alarms = sum(bool(honest(seed)) for seed in range(MONTHS))
    wrong = 0
    for seed in range(MONTHS):
        code, culprit, found = attacked(seed)
        wrong += (code, culprit) not in found or {party for _, party in found} != {culprit}
    took = time.process_time() - began
    print(f"{MONTHS:,} honest months: {alarms} false alarms; {MONTHS:,} attacked: {wrong} missed or wrongly blamed")
    return BenchRow(
        name=f"{2 * MONTHS:,} months, false alarms and wrong blame",
        value=float(alarms + wrong),
        unit="months",
        limit_name="processor seconds",
        limit_value=took,
        ratio=0.0,
        goal="0",
        met=alarms + wrong == 0,
    )


def _row(name: str, took: float, limit: float, seconds_max: float, limit_name: str) -> BenchRow:
    allowed = seconds_max * ENTRIES / 1_000_000
    return BenchRow(
        name=name,
        value=took,
        unit="s",
        limit_name=limit_name,
        limit_value=limit,
        ratio=limit / took,
        goal=f"≤ {allowed:g} s",
        met=took <= allowed,
    )


def _pulled(member: str, kind: EntryType, counterpart: str) -> Iterator[LogEntry]:
    """A pull's entry, a second apart, under the pull ids 0, 1, 2…"""
    first = LogEntry(
        type=kind,
        at=NOON,
        node=member,
        registry=REGISTRY,
        salt=bytes(16),
        counterpart=counterpart,
        contract=CONTRACT,
        bundle=BUNDLE,
        pull=Digest("0" * 64),
        evidence=Digest("0" * 64),
    )
    for number in range(ENTRIES):
        pull = Digest(f"{number:064x}")
        evidence = pull if kind is EntryType.PULL_SERVED else Digest(f"{number + ENTRIES:064x}")
        at, salt = NOON + timedelta(seconds=number), number.to_bytes(16)
        yield replace(first, at=at, salt=salt, pull=pull, evidence=evidence)


def _checkpoints(raws: list[bytes]) -> list[SeenCheckpoint]:
    state, seen = TreeState(), []
    for size in range(ENTRIES // CHECKPOINTS, ENTRIES + 1, ENTRIES // CHECKPOINTS):
        state, _ = state.append([leaf_hash(raw) for raw in raws[state.size : size]])
        checkpoint = Checkpoint(origin="kz/log", size=size, root=state.root())
        seen.append(SeenCheckpoint(checkpoint=checkpoint, note=b"", cosigned_at=NOON + timedelta(seconds=size)))
    return seen


def _federation() -> Federation:
    """KZ served each pull, KG received each and says so; nothing of the evidence could be asked for."""
    sides = (("KZ", EntryType.PULL_SERVED, "KG"), ("KG", EntryType.BUNDLE_RECEIVED, "KZ"))
    bare = PullLogs()
    bare.publish()
    gathered = bare.gathered()
    before = {member: [format_entry(entry) for entry in log] for member, log in bare.logs.items()}
    logs = {
        member: view_of(member, before[member] + [format_entry(entry) for entry in _pulled(member, kind, other)], [])
        for member, kind, other in sides
    }
    return replace(gathered, at=NOON + timedelta(days=1), logs=logs, evidence=Evidence(signed={}))
