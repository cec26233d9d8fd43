"""A disk that is full: a clear refusal, nothing half-written, nothing served unlogged; with space again it goes on."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.stories.faulty import FaultyFederation
from tests.stories.federation import verify

pytestmark = [pytest.mark.story, pytest.mark.long]

DISK_MB = 24
ERROR, UNREACHABLE = 1, 5
UNWRITTEN = re.compile(
    r"TM: nothing can be written, so nothing is served that must be logged first: (ENOSPC|SQLITE_FULL)\n"
)

# Which write fails first, that of the token's id or that of the entry, depends on the room left in SQLite's journal.
REFUSED = re.compile(r"partner-problem: TM refused /(oauth/token|v1/catalogue) with 503 storage-full: ")


@contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """A disk of a few megabytes at an empty folder."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "none", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs mount")
    if done.returncode:
        pytest.skip(f"needs the right to mount a small disk: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)  # even if something still holds a file there


@contextmanager
def on_small_disk(faulty: FaultyFederation, member: str) -> Iterator[None]:
    """While this member's folder lies on a small disk; what it writes meanwhile is kept."""
    node = faulty.node(member)
    aside = node.with_name(f"{node.name}.aside")
    faulty.stop(member)
    try:
        node.rename(aside)
        node.mkdir()
        with small_disk(node):
            shutil.copytree(aside, node, dirs_exist_ok=True)
            faulty.start(member)
            try:
                yield
            finally:
                faulty.stop(member)
                shutil.rmtree(aside)
                shutil.copytree(node, aside)
    finally:
        node.rmdir()
        aside.rename(node)
        faulty.start(member)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """While the last byte of the disk is taken."""
    ballast = disk / "ballast"
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (1024 * 1024, 4096, 1):
            with pytest.raises(OSError, match="No space left on device"):
                write_without_end(descriptor, bytes(size))
    finally:
        os.close(descriptor)
    try:
        yield
    finally:
        ballast.unlink()


def write_without_end(descriptor: int, block: bytes) -> None:
    while True:
        os.write(descriptor, block)


def tree(folder: Path) -> set[str]:
    """The files in a folder, without SQLite's own journals, which no reader takes for content."""
    return {
        str(Path(where, name).relative_to(folder))
        for where, _, names in os.walk(folder)
        for name in names
        if not name.endswith(("-wal", "-shm"))
    }


def test_a_full_disk_serves_nothing_keeps_nothing_half_and_goes_on_with_space(faulty: FaultyFederation) -> None:
    digest, other = faulty.published("TM", "2026-05"), faulty.published("TJ", "2026-05")
    served = {"type": "pull.served", "bundle": digest}
    with on_small_disk(faulty, "TM"):
        node = faulty.node("TM")
        assert faulty.build("TM", "2026-04").code == 0
        with full(node):
            files, entries = tree(node), faulty.entries("TM")
            asked = faulty.refused("pull", "tm", "CA-01", "2026-05", node="KG", code=UNREACHABLE)
            asking = faulty.refused("pull", "tj", "CA-01", "2026-05", node="TM", code=ERROR)
            for refusal in (asked, asking):
                assert UNWRITTEN.search(refusal), refusal
                assert "free space or restore write permission; the node goes on by itself" in refusal
            assert REFUSED.match(asked), asked
            assert faulty.run("health", node="tm").out == "TM: red: storage-full\n"
            built = faulty.build("TM", "2026-03")
            assert built.code == ERROR
            candidate = node / "work" / "candidates" / "tm-ca-01-border-2026-03-r0"
            assert built.err.startswith(f"file-refused: {candidate}: No space left on device\n")
            submitted = faulty.refused("bundle", "submit", "CA-01", "2026-04", node="TM", code=ERROR)
            assert submitted.startswith(f"file-refused: {node}/desk/")
            assert faulty.entries("TM") == entries
            assert faulty.logged("TM", **served) == []
            assert faulty.logged("TJ", type="pull.served", bundle=other) == []
            assert tree(node) - files == set()
        assert (
            verify(Path(faulty.act("pull", "tm", "CA-01", "2026-05", node="KG")["folder"]), faulty.home / "keys").code
            == 0
        )
        assert (
            verify(Path(faulty.act("pull", "tj", "CA-01", "2026-05", node="TM")["folder"]), faulty.home / "keys").code
            == 0
        )
        assert len(faulty.logged("TM", **served)) == 1
        assert faulty.run("health", node="tm").code == 0
        faulty.act("bundle", "submit", "CA-01", "2026-04", node="TM")
        faulty.require_clean_audit(digest, other)


def test_no_process_starts_on_a_store_that_it_cannot_write(faulty: FaultyFederation) -> None:
    with on_small_disk(faulty, "TM"):
        node = faulty.node("TM")
        faulty.stop("TM")
        with full(node):
            refusal = faulty.refused("serve", node="TM", code=ERROR)
            assert refusal.startswith(f"file-refused: {node}/state.db: ")
        faulty.start("TM")


def test_the_auditor_says_which_file_it_cannot_open(faulty: FaultyFederation) -> None:
    store = faulty.node("IOM") / "audit.db"
    aside = store.with_suffix(".aside")
    if store.exists():
        store.rename(aside)
    store.mkdir()
    try:
        refusal = faulty.refused("audit", "run", node="IOM", code=ERROR)
    finally:
        store.rmdir()
        if aside.exists():
            aside.rename(store)
    assert refusal.startswith(f"file-refused: {store}: unable to open database file\n")
