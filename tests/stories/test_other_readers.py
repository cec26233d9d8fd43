"""Other people's programs read what we write: Data Package, SDMX-CSV, C2SP logs."""

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.stories.federation import ROOT, Federation

pytestmark = pytest.mark.story

INTEROP = ROOT / ".venv-interop" / "bin"
AICS = ROOT / ".venv-interop" / "aics" / "bin" / "python"

READ_SDMX = """
import sys
from pathlib import Path
from pysdmx.io import read_sdmx
message = read_sdmx(Path(sys.argv[1]).read_text(encoding="utf-8"), validate=False)
frame = message.data[0].data
print(len(frame), int(frame["OBS_STATUS"].eq("Q").sum()))
"""


def needs(program: Path) -> None:
    if not program.exists():
        pytest.skip("`make test` makes the environment of other readers: make .venv-interop/.installed")


@pytest.fixture
def folder(federation: Federation, tmp_path: Path) -> Path:
    with zipfile.ZipFile(federation.bundles()[0]) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def test_frictionless_accepts_a_bundle_as_a_data_package(folder: Path) -> None:
    needs(INTEROP / "frictionless")
    done = subprocess.run(
        [INTEROP / "frictionless", "validate", "datapackage.json", "--json"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert done.returncode == 0, report
    assert report["valid"] is True


def test_pysdmx_reads_the_data_of_a_bundle(folder: Path) -> None:
    needs(INTEROP / "python")
    done = subprocess.run(
        [INTEROP / "python", "-c", READ_SDMX, str(folder / "data.csv")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows, withheld = map(int, done.stdout.split())
    lines = (folder / "data.csv").read_text(encoding="utf-8").splitlines()
    assert rows == len(lines) - 1
    assert withheld == len(json.loads((folder / "disclosure.json").read_bytes())["withheld"])


@pytest.mark.parametrize("member", ["kz", "kg", "tj", "tm", "uz", "gb", "iom"])
def test_an_independent_c2sp_reader_accepts_every_log(federation: Federation, member: str) -> None:
    needs(AICS)
    node = federation.home / member
    done = subprocess.run(
        [AICS, ROOT / "tests" / "interop" / "read_log.py", node / "log", node / "log.vkey"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0
