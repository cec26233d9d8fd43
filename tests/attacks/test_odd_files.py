"""Whatever stands where a file should that somebody names by hand: a pipe, a device, a folder, a link to one.

None keeps the command waiting, none is read to an end that it has not; each is refused by its path.
"""

import io
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from exchange.encoding import Digest
from exchange.errors import ExitCode
from exchange.errors.trust import PrivateKeyFileError
from nodes.adapters.plain_files import read_plain
from nodes.adapters.private_files import read_owned
from nodes.cli.main import main
from nodes.gateway.refilling import find_files
from nodes.terminal import Clock, Output
from tests.unit.nodes import preparation_contracts as contracts
from tests.unit.nodes.preparation_tools import BORDER_MAP, Bench
from tests.world.desk import ASKED
from tests.world.desk_server import DeskServer, desk_server

WAITED_S = 60
MAPPING = (Path(__file__).resolve().parents[2] / "nodes" / "demo" / "mappings" / "ca-01-border.toml").read_text("utf-8")


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    """A command that waits for a writer of a pipe would wait for ever: the alarm ends it as a failure."""
    before = signal.signal(signal.SIGALRM, _waited)
    signal.alarm(WAITED_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def _waited(*_: object) -> None:
    pytest.fail(f"waited for {WAITED_S} s")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    return desk_server(tmp_path_factory.mktemp("desk") / "kz")


def run(*words: str, clock: Clock | None = None) -> tuple[int, str]:
    """The exit code, and what is said; the offline verifier speaks to the process's own streams."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = main(list(words), clock=clock, output=Output(json=False, language="en", out=said, err=said))
    return code, said.getvalue()


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    """A link to what gives zeros for ever."""
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()


def link_to_a_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("hidden"))
    path.symlink_to("hidden")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


ODD = pytest.mark.parametrize(
    "put", [pipe, device, folder, link_to_a_pipe, link_to_itself], ids=lambda put: put.__name__.replace("_", " ")
)

OUT = ("-o", "{folder}/draft.yaml")
REGISTRY = ("--registry", "{trust}")
ASKS = ("--node", "{node}", "passkey", "ask", "{odd}", "--officer", "kz-09=clearing", *OUT)
APPLIES = ("passkey", "apply", "{odd}", "--assertion", "{folder}/instance.json", *OUT)
HANDED = [
    pytest.param(ASKS, id="passkey ask"),
    pytest.param(APPLIES, id="passkey apply"),
    pytest.param(("trust", "status", "{odd}", *REGISTRY), id="trust status"),
    pytest.param(("trust", "import", "{odd}", "{folder}/instance.json", *REGISTRY), id="trust import"),
    pytest.param(("trust", "sign", "{odd}", *REGISTRY, "--key", "{folder}/instance.json", "--demo"), id="trust sign"),
    pytest.param(("trust", "apply", "{odd}", *REGISTRY), id="trust apply"),
]
"""What one custodian or officer hands another on a stick."""


@ODD
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("contract", "import", "{odd}", "-o", "{folder}/draft.yaml"), id="contract import"),
        pytest.param(("contract", "check", "{odd}"), id="contract check"),
        pytest.param(("audit", "verify", "{odd}", "--trust", "{trust}"), id="audit verify"),
        pytest.param(("verify", "{odd}", "--trust", "{trust}"), id="verify"),
        pytest.param(("sdc", "audit", "{folder}", "{odd}"), id="sdc audit"),
        pytest.param(("mirror", "model", "{odd}", "--until", "2013"), id="mirror model"),
        *HANDED,
    ],
)
def test_what_is_no_plain_file_is_refused_by_its_path(
    tmp_path: Path, desk: DeskServer, put: Callable[[Path], None], words: tuple[str, ...]
) -> None:
    odd = tmp_path / "cells.csv"
    (tmp_path / "instance.json").write_text("{}")
    put(odd)
    named = {"odd": odd, "folder": tmp_path, "trust": desk.node.keys, "node": desk.node.path}
    code, said = run(*(word.format(**named) for word in words))
    assert code in {ExitCode.ERROR, ExitCode.USAGE, ExitCode.DOES_NOT_HOLD}, said
    assert str(tmp_path) in said or "bundle files" in said
    assert not (tmp_path / "draft.yaml").exists()


@pytest.mark.parametrize("words", HANDED)
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xef\xbb\xbf{}", id="a mark of byte order"),
        pytest.param(b"\xff\xfe\x00", id="not UTF-8"),
        pytest.param(b"[" * 200_000, id="deep"),
        pytest.param(b'{"type":"x","type":"x"}', id="a member twice"),
        pytest.param(b'{"jwk":1e400,"passkey":-0}', id="numbers beyond all numbers"),
        pytest.param(b'{"jwk":"\\ud800"}', id="half a letter"),
        pytest.param(bytes(40_000_000), id="forty million zeros"),
    ],
)
def test_what_is_no_document_is_refused_and_nothing_is_written(
    tmp_path: Path, desk: DeskServer, content: bytes, words: tuple[str, ...]
) -> None:
    odd = tmp_path / "handed"
    odd.write_bytes(content)
    (tmp_path / "instance.json").write_text("{}")
    named = {"odd": odd, "folder": tmp_path, "trust": desk.node.keys, "node": desk.node.path}
    code, said = run(*(word.format(**named) for word in words))
    assert code in {ExitCode.ERROR, ExitCode.USAGE, ExitCode.DOES_NOT_HOLD}, said
    assert "Traceback" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["handed", "instance.json"]


@ODD
@pytest.mark.parametrize("named", ["--from", "--mapping", "--earlier-mapping"])
def test_a_build_waits_for_no_odd_file_and_nothing_is_built(
    tmp_path: Path, desk: DeskServer, put: Callable[[Path], None], named: str
) -> None:
    files = {"--from": tmp_path / "r.csv", "--mapping": tmp_path / "m.toml", "--earlier-mapping": tmp_path / "e.toml"}
    for file in files.values():
        file.write_text(MAPPING)
    files[named].unlink()
    put(files[named])
    words = (str(word) for pair in files.items() for word in pair)
    code, said = run("--node", str(desk.node.path), "bundle", "build", *ASKED, *words, clock=desk.world.clock)
    assert code == ExitCode.ERROR, said
    assert str(files[named]) in said


@ODD
@pytest.mark.parametrize("name", ["r.csv", "r.csv.gz", "r.parquet"])
def test_an_extract_is_a_plain_file_and_the_next_is_counted(
    tmp_path: Path, put: Callable[[Path], None], name: str
) -> None:
    bench = Bench(tmp_path)
    put(tmp_path / name)
    with pytest.raises(OSError, match=r"not a plain file|Is a directory|Too many levels"):
        bench.aggregate(tmp_path / name, BORDER_MAP, contracts.border(), "2026-09")
    honest = bench.file("honest.csv", "month,direction,citizenship,region,sex,traveller\n2026-09,IN,KZ,KZ-75,м,t1\n")
    assert bench.aggregate(honest, BORDER_MAP, contracts.border(), "2026-09")[1].rows == 1


@ODD
def test_what_is_odd_in_a_folder_of_found_files_is_passed_over(tmp_path: Path, put: Callable[[Path], None]) -> None:
    (tmp_path / "a").write_bytes(b"found")
    put(tmp_path / "b")
    assert find_files(tmp_path).raw(Digest.of(b"found")) == b"found"
    assert list(find_files(tmp_path).by_digest) == [Digest.of(b"found")]


@ODD
def test_a_passphrase_is_read_from_a_plain_file_and_nobody_waits(tmp_path: Path, put: Callable[[Path], None]) -> None:
    put(tmp_path / "passphrase")
    with pytest.raises(PrivateKeyFileError):
        read_owned(tmp_path / "passphrase", 100)


def test_a_file_that_grew_is_read_no_further_than_it_may_be_long(tmp_path: Path) -> None:
    file = tmp_path / "grown"
    file.write_bytes(b"a" * 11)
    with pytest.raises(OSError, match="larger than 10 bytes"):
        read_plain(file, bytes_max=10)
    assert read_plain(file, bytes_max=11) == b"a" * 11


def test_a_found_file_that_changed_since_it_was_looked_at_is_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"found")
    found = find_files(tmp_path)
    (tmp_path / "a").write_bytes(b"other")
    assert found.raw(Digest.of(b"found")) is None
