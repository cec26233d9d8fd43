"""`python -m exchange verify`, as anybody runs it: on a folder or a ZIP, with a trust folder, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.__main__ import main
from exchange.bundle import pack_zip
from exchange.manifest import bundle_digest
from tests.world.bundles import bundle_world

WORLD = bundle_world()
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return _lay_out(tmp_path / "bundle")


def _lay_out(folder: Path) -> Path:
    folder.mkdir()
    for name, content in WORLD.files.items():
        (folder / name).write_bytes(content)
    return folder


def _verify(path: Path | str, *options: str, trust: Path | None = None) -> int:
    return main(["verify", str(path), "--trust", str(trust or WORLD.trust_folder), *options])


def test_a_bundle_that_holds_exits_0_with_a_sentence_for_each_check(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _verify(folder) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[-1] == "All checks hold."
    assert [line.split()[1] for line in lines if line.startswith("✓")] == [
        "files", "registry", "manifest", "resource-digests", "signatures", "log-entry", "cosignatures", "inclusion",
        "keys", "contract", "in-force", "recipients", "clearance", "disclosure-report", "pattern", "data",
        "withheld-keys", "additivity", "interval-floor",
    ]  # fmt: skip


def test_the_zip_of_a_bundle_holds_as_its_folder_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = tmp_path / "bundle.zip"
    archive.write_bytes(pack_zip(WORLD.files))
    assert _verify(archive) == 0
    assert capsys.readouterr().out.startswith("✓ zip-form")


def test_the_verdict_speaks_russian(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _verify(folder, "--lang", "ru") == 0
    assert "Все проверки пройдены." in capsys.readouterr().out


def test_expired_registry_metadata_is_a_notice(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # The world was founded on 1 October 2026 and its timestamp lived for a week.
    assert _verify(folder) == 0
    assert "! registry" in capsys.readouterr().out


def test_the_verdict_is_readable_by_a_program(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _verify(folder, "--json") == 0
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["holds"] is True
    assert verdict["bundle"] == str(bundle_digest(WORLD.files["datapackage.json"]))
    (folder / "data.csv").write_bytes(b"")
    assert _verify(folder, "--json") == 3
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["holds"], verdict["failed"], verdict["error"]["code"]) == (
        False,
        "resource-digests",
        "bundle-resource-size",
    )


def _symlink(folder: Path) -> None:
    target = folder.parent / "elsewhere.csv"
    shutil.move(folder / "data.csv", target)
    (folder / "data.csv").symlink_to(target)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda folder: (folder / "notes.txt").write_text("hello"), id="a file added"),
        pytest.param(lambda folder: (folder / ".hidden").write_text(""), id="a hidden file added"),
        pytest.param(lambda folder: (folder / "data.csv").unlink(), id="a file missing"),
        pytest.param(lambda folder: (folder / "more").mkdir(), id="a folder inside"),
        pytest.param(_symlink, id="a link for a file"),
        pytest.param(lambda folder: (folder / "data.csv").rename(folder / "DATA.CSV"), id="another case"),
        pytest.param(lambda folder: os.mkfifo(folder / "pipe"), id="a pipe that never ends"),
    ],
)
def test_a_folder_with_other_files_is_refused_by_name(
    folder: Path, change: Callable[[Path], object], capsys: pytest.CaptureFixture[str]
) -> None:
    change(folder)
    assert _verify(folder) == 3
    assert "DOES NOT HOLD: files: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda path: path.exists(), id="nothing there"),
        pytest.param(lambda path: path.mkdir(), id="an empty folder"),
        pytest.param(lambda path: path.write_bytes(b""), id="an empty file"),
        pytest.param(lambda path: path.write_bytes(b"PK\x03\x04"), id="the beginning of a ZIP"),
        pytest.param(os.mkfifo, id="a pipe"),
        pytest.param(lambda path: path.symlink_to(path), id="a link to itself"),
    ],
)
def test_what_cannot_be_read_is_3_and_no_traceback(
    tmp_path: Path, make: Callable[[Path], object], capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "bundle")
    assert _verify(tmp_path / "bundle") == 3
    assert "DOES NOT HOLD: " in capsys.readouterr().err


def test_a_path_that_no_file_can_have_is_3() -> None:
    assert _verify("a\0b") == 3


def test_a_trust_folder_that_is_none_is_3(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _verify(folder, trust=tmp_path / "none") == 3
    assert "DOES NOT HOLD: registry: " in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert _verify(folder, trust=tmp_path / "empty") == 3
    assert "DOES NOT HOLD: registry: " in capsys.readouterr().err


def test_without_the_contract_its_checks_are_named_and_all_others_decide(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trust = tmp_path / "trust"
    shutil.copytree(WORLD.trust_folder, trust, ignore=shutil.ignore_patterns("contracts"))
    assert _verify(folder, trust=trust) == 0
    assert capsys.readouterr().out.count("not checked: contract absent") == 8
    (folder / "data.csv").write_bytes(WORLD.files["data.csv"].replace(b",A,", b",E,", 1))
    assert _verify(folder, trust=trust) == 3


def test_a_contract_that_one_party_did_not_sign_does_not_hold(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trust = tmp_path / "trust"
    shutil.copytree(WORLD.trust_folder, trust)
    next(trust.glob("contracts/CA-01-BORDER/1.0.0/statements/*.jws")).unlink()
    assert _verify(folder, trust=trust) == 3
    assert "DOES NOT HOLD: in-force: " in capsys.readouterr().err


def test_a_contract_file_that_was_changed_is_not_the_one_that_was_signed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trust = tmp_path / "trust"
    shutil.copytree(WORLD.trust_folder, trust)
    path = trust / "contracts/CA-01-BORDER/1.0.0/contract.odcs.yaml"
    path.write_bytes(path.read_bytes().replace(b"Border crossings by corridor", b"Border crossings"))
    # A version has one digest: the file here or the bundle is false, and that is more than an absent contract.
    assert _verify(folder, trust=trust) == 3
    assert "DOES NOT HOLD: contract: " in capsys.readouterr().err


def test_a_contract_file_that_is_none_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trust = tmp_path / "trust"
    shutil.copytree(WORLD.trust_folder, trust)
    (trust / "contracts/CA-01-BORDER/1.0.0/contract.odcs.yaml").write_bytes(b"apiVersion: v3.1.0\n")
    assert _verify(folder, trust=trust) == 3
    assert "DOES NOT HOLD: contract: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="no command"),
        pytest.param(["verify"], id="no path"),
        pytest.param(["verify", "bundle"], id="no trust folder"),
        pytest.param(["verify", "bundle", "--trust", ".", "--lang", "fr"], id="a language we do not speak"),
        pytest.param(["sign", "bundle"], id="another command"),
    ],
)
def test_a_command_that_is_not_understood_is_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2


def test_text_from_a_bundle_cannot_move_the_cursor(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "\x1b[2J\x1b[32mAll checks hold").write_text("")
    assert _verify(folder) == 3
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err


def test_it_runs_as_a_module_without_a_node(folder: Path) -> None:
    command = [sys.executable, "-m", "exchange", "verify", str(folder), "--trust", str(WORLD.trust_folder)]
    environment = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "ascii"}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.rstrip().endswith(b"All checks hold.")


@settings(max_examples=30)
@given(st.binary(max_size=500) | st.binary(max_size=40).map(lambda tail: pack_zip(WORLD.files)[:-40] + tail))
def test_no_bytes_give_a_traceback(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "bundle.zip"
    path.write_bytes(raw)
    assert _verify(path) == (0 if raw == pack_zip(WORLD.files) else 3)
