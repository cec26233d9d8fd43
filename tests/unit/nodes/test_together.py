"""Several programs as one: each begun when the one before answers, all ended when one ends or they are told to."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from exchange.errors.settings import ServedPartDownError
from nodes.cli.together import Part, run_together

SERVES = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
NEVER_SERVES = "import time; time.sleep(60)"
ENDS = "import sys; sys.exit(7)"
SERVES_AND_ENDS = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(0.5); sys.exit(7)"


def part(folder: Path, name: str, code: str) -> Part:
    """A program that answers once its file is there."""
    sign = folder / name
    return Part(name=name, command=(sys.executable, "-c", code, str(sign)), answers=sign.exists)


def processes_of(folder: Path) -> list[str]:
    """Command lines that name this folder."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line]


def told_when(folder: Path, name: str) -> threading.Event:
    """An order to end that comes once this part answers."""
    ending = threading.Event()

    def watch() -> None:
        while not (folder / name).exists():
            time.sleep(0.05)
        ending.set()

    threading.Thread(target=watch, daemon=True).start()
    return ending


def test_told_to_end_all_of_them_end(tmp_path: Path) -> None:
    parts = [part(tmp_path, "gateway", SERVES), part(tmp_path, "desk", SERVES)]
    run_together(parts, told_when(tmp_path, "desk"))
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize(
    ("first", "second", "down"),
    [
        pytest.param(ENDS, SERVES, "gateway: it ended with 7", id="the first does not come up"),
        pytest.param(SERVES, ENDS, "desk: it ended with 7", id="the second does not come up"),
        pytest.param(SERVES_AND_ENDS, NEVER_SERVES, "gateway: it ended with 7", id="the first ends meanwhile"),
        pytest.param(SERVES, SERVES_AND_ENDS, "desk: it ended with 7", id="the second ends later"),
    ],
)
def test_if_one_ends_the_other_is_ended_and_the_refusal_names_the_first(
    tmp_path: Path, first: str, second: str, down: str
) -> None:
    parts = [part(tmp_path, "gateway", first), part(tmp_path, "desk", second)]
    with pytest.raises(ServedPartDownError, match=down):
        run_together(parts, threading.Event())
    assert processes_of(tmp_path) == []


def test_an_address_that_is_taken_is_told_before_anything_is_started_there(tmp_path: Path) -> None:
    (tmp_path / "desk").touch()
    parts = [part(tmp_path, "gateway", SERVES), part(tmp_path, "desk", SERVES)]
    with pytest.raises(ServedPartDownError, match="desk: another program answers at its address"):
        run_together(parts, threading.Event())
    assert processes_of(tmp_path) == []


def test_an_order_to_end_during_the_start_is_heard(tmp_path: Path) -> None:
    parts = [part(tmp_path, "gateway", SERVES), part(tmp_path, "desk", NEVER_SERVES)]
    run_together(parts, told_when(tmp_path, "gateway"))
    assert processes_of(tmp_path) == []
