"""The log's order of durability as the operating system sees it, and what is left when a system call of it fails.

strace shows every sync and rename of a writer in a process of its own, and breaks the one that is named. Whatever
breaks, an entry that was answered is there afterwards, under the checkpoint that stands.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.log.checkpoint import open_checkpoint
from exchange.log.merkle import leaf_hash
from exchange.log.note import SignatureKind
from exchange.log.tiles import ENTRIES, TILE_WIDTH, format_tile_path, parse_entry_bundle, tile_at
from tests.stories import log_writer
from tests.world.log_by_hand import root_of, vkey_of

pytestmark = [pytest.mark.story, pytest.mark.usefixtures("strace")]

GROUPS = (100, 100, 100)  # entries, after a first one: the third group fills the first tiles
VKEY = vkey_of(log_writer.ORIGIN, log_writer.SIGNER, SignatureKind.LOG)
CALL = re.compile(
    r'(?:fsync|fdatasync)\(\d+<(?P<file>[^>]*)>|rename\("[^"]*", "(?P<to>[^"]*)"'
    r'|write\(1<[^>]*>, "(?P<answered>answered)'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A node's folder with a log of one entry."""
    (made := tmp_path / "node").mkdir()
    subprocess.run(writer(made, 1), check=True, timeout=60, capture_output=True)
    return made


def writer(folder: Path, *groups: int) -> list[str]:
    return [sys.executable, "-m", log_writer.__name__, str(folder), *map(str, groups)]


def traced(folder: Path, *options: str) -> tuple[list[str], list[str], int]:
    """What the writer said, the calls that strace saw, and how the writer ended."""
    trace = folder.with_name("trace")
    strace = ["strace", "-f", "-y", "-qq", "-s", "40", "-o", str(trace), *options]
    done = subprocess.run([*strace, *writer(folder, *GROUPS)], capture_output=True, text=True, check=False, timeout=120)
    return done.stdout.splitlines(), trace.read_text(errors="replace").splitlines(), done.returncode


def steps(folder: Path, calls: list[str]) -> list[list[str]]:
    """By group, what was synced, named and answered."""
    groups: list[list[str]] = [[]]
    for line in calls:
        matched = CALL.search(line)
        if matched is None:
            continue
        if matched["answered"]:
            groups.append([])
            continue
        path = Path(matched["file"] or matched["to"])
        if path.is_relative_to(folder) and path.suffix != ".db":
            groups[-1].append(f"{'named' if matched['to'] else 'synced'} {path.relative_to(folder)}")
    return groups


def entries_of(folder: Path, size: int) -> list[bytes]:
    """All entries, as a reader of the tiles gets them."""
    found: list[bytes] = []
    for index in range(-(-size // TILE_WIDTH)):
        tile = tile_at(ENTRIES, index, size=size)
        found += parse_entry_bundle((folder / "log" / format_tile_path(tile)).read_bytes(), width=tile.width)
    return found


def test_nothing_is_answered_before_it_is_synced_and_nothing_is_signed_or_shown_before_its_tiles(folder: Path) -> None:
    said, calls, code = traced(folder, "-e", "trace=fsync,fdatasync,rename,write")

    assert (said, code) == (["answered 101", "answered 201", "answered 301"], 0)
    first, second, third, _ = steps(folder, calls)
    for group, size in ((first[-5:], 101), (second, 201)):  # the first commit syncs the journal's header too
        assert group == [
            "synced state.db-wal",  # entries, head and state
            f"named log/tile/entries/000.p/{size}",
            f"named log/tile/0/000.p/{size}",
            "synced state.db-wal",  # the checkpoint
            "named log/checkpoint",
        ]
    assert third == [
        "synced state.db-wal",
        "synced log/tile/entries/000.writing",
        "synced log/tile/0/000.writing",
        "synced log/tile/1/000.p/1.writing",
        "named log/tile/entries/000",
        "named log/tile/0/000",
        "named log/tile/1/000.p/1",
        "synced log/tile/0",
        "synced log/tile/1/000.p",
        "synced log/tile/entries",
        "named log/tile/entries/001.p/45",
        "named log/tile/0/001.p/45",
        "synced state.db-wal",
        "named log/checkpoint",
    ]


STOPPED, KILLED = log_writer.FATAL, -9
WAL = "state.db-wal"


@pytest.mark.parametrize(
    ("call", "path", "when", "fault", "said", "code"),
    [
        pytest.param("fdatasync", WAL, 2, "error=EIO", [], STOPPED, id="EIO: the entries' sync"),
        pytest.param("fdatasync", WAL, 3, "error=EIO", [], STOPPED, id="EIO: the checkpoint's sync"),
        pytest.param(
            "fsync", "log/tile/0/000.writing", 1, "error=EIO", ["answered 101", "answered 201"], STOPPED,
            id="EIO: a full tile's sync",
        ),
        pytest.param(
            "fsync", "log/tile/0", 1, "error=EIO", ["answered 101", "answered 201"], STOPPED,
            id="EIO: its folder's sync",
        ),
        pytest.param(
            "write", "log/tile/0/000.p/101.writing", 1, "error=ENOSPC",
            ["refused storage-full", "answered 201", "answered 301"], 0, id="ENOSPC: a tile",
        ),
        pytest.param(
            "write", "log/checkpoint.writing", 1, "error=ENOSPC",
            ["refused storage-full", "answered 201", "answered 301"], 0, id="ENOSPC: the checkpoint",
        ),
        pytest.param("fdatasync", WAL, 2, "signal=SIGKILL", [], KILLED, id="killed: the entries' sync"),
        pytest.param("fdatasync", WAL, 3, "signal=SIGKILL", [], KILLED, id="killed: the checkpoint's sync"),
        pytest.param(
            "rename", "log/tile/entries/000.writing", 1, "signal=SIGKILL",
            ["answered 101", "answered 201"], KILLED, id="killed: a full tile's name",
        ),
        pytest.param("rename", "log/checkpoint.writing", 1, "signal=SIGKILL", [], KILLED, id="killed: publication"),
    ],
)  # fmt: skip
def test_whatever_call_fails_what_was_answered_is_there_and_the_log_goes_on(  # a fault and its outcome
    folder: Path, call: str, path: str, when: int, fault: str, said: list[str], code: int
) -> None:
    options = ("-P", str(folder / path), "-e", f"inject={call}:{fault}:when={when}")

    found_said, _, found_code = traced(folder, *options)
    shown = open_checkpoint((folder / "log/checkpoint").read_bytes(), logs=[VKEY])
    again = subprocess.run(writer(folder, 1), capture_output=True, text=True, check=True, timeout=60)

    assert (found_said, found_code) == (said, code)
    answered = max([1, *(int(line.split()[1]) for line in found_said if line.startswith("answered"))])
    checkpoint = open_checkpoint((folder / "log/checkpoint").read_bytes(), logs=[VKEY])
    entries = entries_of(folder, checkpoint.size)
    leaves = [leaf_hash(entry) for entry in entries]
    assert again.stdout == f"answered {checkpoint.size}\n"
    assert answered <= shown.size < checkpoint.size
    assert (root_of(leaves), root_of(leaves[: shown.size])) == (checkpoint.root, shown.root)
    assert not list(folder.rglob("*.writing"))
