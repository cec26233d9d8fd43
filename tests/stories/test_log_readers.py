"""Two programs that nobody here wrote read our logs, of every size at which a tile begins or ends."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.merkle import leaf_hash
from exchange.log.note import SignatureKind, format_note, format_vkey
from exchange.log.tree import TreeState, entry_bundles_after
from nodes.adapters.tile_files import TileFiles
from tests.shared import shared
from tests.stories.federation import ROOT
from tests.stories.log_writer import ORIGIN, SIGNER
from tests.world.log_by_hand import vkey_of

pytestmark = pytest.mark.story

INTEROP = ROOT / "tests" / "interop"
AICS = ROOT / ".venv-interop" / "aics" / "bin" / "python"
GO_LIBRARY = Path("/usr/share/gocode")
SIZES = (0, 1, 255, 256, 257, 65_535, 65_536, 65_537)
GO_WAIT_S = 120


def missing(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def go_reader(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The Go program of the tests, on golang.org/x/mod as Debian packages it."""
    if shutil.which("go") is None or not (GO_LIBRARY / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        missing("needs Debian's golang-go and golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("go")
    settings = {"GO111MODULE": "off", "GOPATH": str(GO_LIBRARY), "GOCACHE": str(folder / "cache"), "HOME": str(folder)}
    build = ["go", "build", "-o", str(folder / "read_log"), str(INTEROP / "read_log.go")]
    subprocess.run(build, check=True, timeout=GO_WAIT_S, env={**settings, "PATH": os.environ["PATH"]})
    return [str(folder / "read_log")]


@pytest.fixture(scope="module")
def python_reader() -> list[str]:
    if not AICS.exists():
        missing("`make test` makes the environment of other readers: make .venv-interop/.installed")
    return [str(AICS), str(INTEROP / "read_log.py")]


def read(reader: list[str], log: Path, vkey: Path, checkpoint: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*reader, str(log), str(vkey), str(checkpoint)], capture_output=True, text=True, check=False, timeout=60
    )


def grown(folder: Path) -> Iterator[int]:
    """One log at each size in turn, its checkpoint in place."""
    files, state, edge = TileFiles(folder / "log"), TreeState(), b""
    (folder / "log.vkey").write_text(format_vkey(vkey_of(ORIGIN, SIGNER, SignatureKind.LOG)) + "\n")
    for size in SIZES:
        entries = [b"entry %d" % index for index in range(state.size, size)]
        bundles, edge = entry_bundles_after(state.size, edge, entries)
        state, tiles = state.append([leaf_hash(entry) for entry in entries])
        files.write((*bundles, *tiles))
        signed = sign_checkpoint(Checkpoint(origin=ORIGIN, size=size, root=state.root()), signer=SIGNER)
        files.folder.mkdir(exist_ok=True)
        files.publish(format_note(signed))
        yield size


def test_two_other_readers_accept_our_logs_of_every_size_at_which_tiles_begin_and_end(
    go_reader: list[str], python_reader: list[str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    for size in grown(tmp_path):
        for reader in (go_reader, python_reader):
            done = read(reader, log, tmp_path / "log.vkey", log / "checkpoint")
            assert (done.returncode, done.stdout) == (0, f"{size}\n"), (reader, size, done.stderr)


@pytest.mark.parametrize(
    "altered",
    [
        pytest.param("tile/0/000.p/1", id="a hash"),
        pytest.param("tile/entries/000.p/1", id="an entry"),
        pytest.param("checkpoint", id="the checkpoint"),
    ],
)
def test_both_readers_would_notice(
    go_reader: list[str], python_reader: list[str], tmp_path: Path, altered: str
) -> None:
    growing = grown(tmp_path)
    assert (next(growing), next(growing)) == (0, 1)
    file = tmp_path / "log" / altered
    raw = bytearray(file.read_bytes())
    raw[-2] ^= 1
    file.write_bytes(bytes(raw))
    for reader in (go_reader, python_reader):
        done = read(reader, tmp_path / "log", tmp_path / "log.vkey", tmp_path / "log" / "checkpoint")
        assert done.returncode != 0, reader


def test_the_go_reader_reads_the_log_that_tessera_wrote_at_every_size(go_reader: list[str], tmp_path: Path) -> None:
    log = shared("tlog-vectors/tessera-log/log")
    vkey = tmp_path / "vkey"
    vkey.write_text("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx\n")
    for size in range(16):
        done = read(go_reader, log, vkey, log / f"checkpoint.{size}")
        assert (done.returncode, done.stdout) == (0, f"{size}\n"), done.stderr
