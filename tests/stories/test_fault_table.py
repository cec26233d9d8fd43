"""EIO, ENOSPC and SIGKILL at every write, sync and rename of an exchange: served, receipted, cosigned, published.

strace is attached to a running gateway and breaks the one call that a row names, while a partner pulls or the desk
publishes. Whatever breaks: what somebody was given is in the log, the checkpoint is of its entries, the node is back at
once, and the same step works. `make test` takes a few rows by a seeded choice, `FAULTS=all` takes every one.
"""

import os
import random
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from exchange.log.tiles import ENTRIES, TILE_WIDTH, format_tile_path, tile_at
from tests.stories.faulty import FaultyFederation, soon
from tests.stories.federation import verify
from tests.stories.log_writer import FATAL

pytestmark = [pytest.mark.story, pytest.mark.long, pytest.mark.timeout(3600), pytest.mark.usefixtures("strace")]

ALL = os.environ.get("FAULTS") == "all"
SAMPLED, SEED = 3, 20261122
PERIOD = "2026-02"
ATTACH_S, ATTACHES, SETTLE_S, END_S = 30.0, 4, 1.5, 4.0
KILLED = -9
EIO, ENOSPC, KILL = "error=EIO", "error=ENOSPC", "signal=SIGKILL"

FAULTS = {
    "write": (EIO, ENOSPC, KILL),
    "pwrite64": (EIO, ENOSPC, KILL),
    "fsync": (EIO, KILL),
    "fdatasync": (EIO, KILL),
    "rename": (EIO, ENOSPC, KILL),
}
"""Which faults a call can meet: a full disk refuses what makes a file longer or gives it a name."""

ENDS: dict[str, set[int | None]] = {EIO: {None, FATAL}, ENOSPC: {None}, KILL: {None, KILLED}}
"""How the node may end, or that it goes on: a row whose call did not come changes nothing."""

WAL, CHECKPOINT = "state.db-wal", "log/checkpoint.writing"
ENTRY_TILE, HASH_TILE = "log/tile/entries/{served}.writing", "log/tile/0/{served}.writing"
LATER_ENTRY_TILE, LATER_HASH_TILE = "log/tile/entries/{got}.writing", "log/tile/0/{got}.writing"


@dataclass(frozen=True)
class Step:
    """A call of the publisher during a pull: `served` and `got` are the tiles of its next two entries."""

    call: str
    path: str
    when: int = 1


STEPS = (
    *(Step("pwrite64", WAL, when) for when in (1, 2, 4, 8, 16)),
    *(Step("fdatasync", WAL, when) for when in range(1, 9)),
    *(Step(call, path) for path in (ENTRY_TILE, HASH_TILE) for call in ("write", "rename")),
    *(Step(call, path) for path in (LATER_ENTRY_TILE, LATER_HASH_TILE) for call in ("write", "rename")),
    *(Step(call, CHECKPOINT, when) for call in ("write", "rename") for when in (1, 2, 3)),
)
"""Serve: entry, tiles, checkpoint. Cosign: a partner's log in `witnessed`, the own log's lines, the checkpoint with
them. Receipt: entry, tiles, checkpoint. All of them commit to the one WAL, in whatever order the partners come."""

TABLE = [(step, fault) for step in STEPS for fault in FAULTS[step.call]]
SOME = TABLE if ALL else random.Random(SEED).sample(TABLE, SAMPLED)
"""The choice is the same in every run."""


@pytest.fixture(scope="module")
def bundle(founded: FaultyFederation) -> str:
    """A bundle of KZ to be pulled again and again."""
    founded.heal()
    return founded.published("KZ", PERIOD)


def tile_name(size: int) -> str:
    """Where the tile of the newest leaf lies in a log of `size`, below its level."""
    tile = tile_at(ENTRIES, (size - 1) // TILE_WIDTH, size=size)
    return format_tile_path(tile).removeprefix("tile/entries/")


@contextmanager
def attached(faulty: FaultyFederation, member: str, *options: str) -> Iterator[None]:
    """While strace watches every thread of a running gateway."""
    for _ in range(ATTACHES):
        faulty.heal()  # an earlier fault may have ended it late
        pid = faulty.running[member].pid
        tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-p", str(pid), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            soon("strace is attached", partial(traced, pid), within_s=ATTACH_S)
        except AssertionError:
            end(tracer)
            continue
        try:
            yield
        finally:
            end(tracer)
        return
    states = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/status")]
    pytest.fail(f"strace was not attached to every thread within {ATTACHES} times {ATTACH_S} s: {states}")


def end(tracer: "subprocess.Popen[bytes]") -> None:
    """Let go of what it traces."""
    tracer.terminate()
    tracer.wait(timeout=ATTACH_S)


def traced(pid: int) -> bool:
    """Whether every thread has its tracer."""
    states = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/status")]
    return all(re.search(r"^TracerPid:\t[1-9]", state, re.MULTILINE) for state in states)


def pull(faulty: FaultyFederation) -> tuple[int, bool]:
    """KG pulls the bundle: the exit code, and whether KZ took the receipt."""
    ran = faulty.run("--json", "pull", "kz", "CA-01", PERIOD, node="kg")
    taken = False
    with suppress(ValueError):
        taken = bool(ran.json.get("receipt_taken"))
    return ran.code, taken


@pytest.mark.parametrize(
    ("step", "fault"), [pytest.param(*row, id=f"{row[1]} {row[0].call} {row[0].path} {row[0].when}") for row in SOME]
)
def test_whatever_call_breaks_while_a_partner_pulls_nothing_it_was_given_is_lost(
    faulty: FaultyFederation, bundle: str, step: Step, fault: str
) -> None:
    node, size, before = faulty.node("KZ"), faulty.checkpoint("KZ")[0], faulty.entries("KZ")
    path = node / step.path.format(served=tile_name(size + 1), got=tile_name(size + 2))
    inject = f"inject={step.call}:{fault}:when={step.when}"
    with attached(faulty, "KZ", "-o", os.devnull, "-e", "signal=none", "-P", str(path), "-e", inject):
        code, taken = pull(faulty)
        time.sleep(SETTLE_S)  # its cosignatures and receipt come after the answer
        with suppress(subprocess.TimeoutExpired):
            faulty.running["KZ"].wait(timeout=END_S if fault == EIO else 0)
    ended = faulty.running["KZ"].poll()

    # An I/O error stops the node and a full disk does not.
    assert ended in ENDS[fault]
    if ended is not None:
        faulty.running.pop("KZ")
        faulty.start("KZ")
    after = faulty.entries("KZ")  # held against the published checkpoint
    assert after[: len(before)] == before
    served = {entry["pull"] for entry in faulty.logged("KZ", type="pull.served", bundle=bundle)}
    received = {entry["pull"] for entry in faulty.logged("KG", type="bundle.received", bundle=bundle)}
    assert received <= served
    if taken:
        assert code == 0
        assert {entry["pull"] for entry in faulty.logged("KZ", type="receipt.got", bundle=bundle)} & received
    again = faulty.run("--json", "pull", "kz", "CA-01", PERIOD, node="kg")
    assert again.code == 0, again
    assert not list((node / "log").rglob("*.writing"))


def test_every_call_of_a_pull_has_its_row_in_the_table(faulty: FaultyFederation, bundle: str, tmp_path: Path) -> None:
    node, trace = faulty.node("KZ"), tmp_path / "trace"
    size = faulty.checkpoint("KZ")[0]
    with attached(faulty, "KZ", "-y", "-o", str(trace), "-e", f"trace={','.join(FAULTS)}"):
        assert pull(faulty)[0] == 0
        time.sleep(SETTLE_S)
    kinds = (kind(line, node) for line in trace.read_text(errors="replace").splitlines())
    made = {one for one in kinds if one is not None}
    names = {"served": tile_name(size + 1), "got": tile_name(size + 2)}
    known = {(step.call, numbered(step.path.format(**names))) for step in STEPS}
    assert made <= known | {
        ("pwrite64", "state.db"),  # the WAL is merged: done again from the WAL if it breaks
        ("fdatasync", "state.db"),
        ("pwrite64", "state.db-shm"),
    }
    assert bundle
    assert {("fdatasync", WAL), ("rename", CHECKPOINT)} <= made


def kind(line: str, node: Path) -> tuple[str, str] | None:
    """The call and the file below the node's folder that a line of strace is about."""
    matched = re.search(r'\b(\w+)\((?:\d+<([^>]*)>|"([^"]*)")', line)
    if matched is None:
        return None
    path = Path(matched[2] or matched[3] or "/")
    return (matched[1], numbered(str(path.relative_to(node)))) if path.is_relative_to(node) else None


def numbered(path: str) -> str:
    return re.sub(r"\d+", "#", path)


PUBLISHED = (
    ("fdatasync", WAL, EIO),
    ("pwrite64", WAL, ENOSPC),
    ("rename", "bundles/{digest}.waiting.writing", ENOSPC),
    ("write", "bundles/{digest}.waiting.writing", EIO),
    ("write", "bundles/{digest}.zip.writing", ENOSPC),
    ("fsync", "bundles/{digest}.zip.writing", EIO),
    ("rename", "bundles/{digest}.zip.writing", EIO),
)
"""Kills at each file and commit of a publication are in `test_crash`."""


@pytest.mark.skipif(not ALL, reason="FAULTS=all; kills at a publication's files are in test_crash")
def test_a_publication_that_meets_io_errors_and_a_full_disk_is_published_once(faulty: FaultyFederation) -> None:
    faulty.clear("KZ", "2026-01")
    faulty.stop("KZ")
    faulty.run("bundle", "release", "CA-01", "2026-01", node="kz")  # sealed; nobody takes it over
    (sealed,) = (file for file in (faulty.node("KZ") / "desk" / "outbox").glob("*.handover") if fresh(faulty, file))
    for call, path, fault in PUBLISHED:
        place = faulty.node("KZ") / path.format(digest=sealed.stem)
        options = ["-D", "-f", "--seccomp-bpf", "-qq", "-o", os.devnull, "-e", "signal=none", "-P", str(place)]
        faulty.begin("KZ", "strace", *options, "-e", f"trace={call}", "-e", f"inject={call}:{fault}:when=1")
        with suppress(Exception):  # it may stop before it answers
            faulty.ready("KZ")
            faulty.run_apart("bundle", "release", "CA-01", "2026-01", node="KZ")
        if faulty.running["KZ"].poll() is None:
            faulty.kill("KZ")
        else:
            assert faulty.running.pop("KZ").returncode in {FATAL, 1}
        assert len(faulty.logged("KZ", type="bundle.published", bundle=f"sha256:{sealed.stem}")) <= 1
    faulty.start("KZ")
    released = faulty.released("KZ", "2026-01")
    assert released["bundle"] == f"sha256:{sealed.stem}"
    assert len(faulty.logged("KZ", type="bundle.published", bundle=f"sha256:{sealed.stem}")) == 1
    assert verify(faulty.zip_of("KZ", sealed.stem), faulty.home / "keys").code == 0


def fresh(faulty: FaultyFederation, handover: Path) -> bool:
    """Whether a hand-over has not been published."""
    return not faulty.zip_of("KZ", handover.stem).exists()


def test_after_all_of_it_the_audit_finds_nothing(faulty: FaultyFederation, bundle: str) -> None:
    soon("KZ is well", lambda: faulty.run("health", node="kz").code == 0)
    audit = faulty.run("--json", "audit", "run", node="iom").json
    blamed = [one["message"]["en"] for one in audit["findings"]]
    assert [one for one in blamed if not any(digest.removeprefix("sha256:") in one for digest in faulty.altered)] == []
    assert {log["verdict"] for log in audit["logs"]} == {"holds"}
    # Pulls that broke off are settled as such by both sides, and nobody is at fault.
    assert {one["fault"] for one in audit["exchanges"] if one["bundle"] == bundle} == {""}
