"""Kill -9 between compare and store, and eight rivals at once: no two cosignatures of a witness contradict."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stories import witness_killed

ALL = os.environ.get("FAULTS") == "all"
KILLS, WAIT_S = (1000, 3600) if ALL else (60, 280)
SEED = 20261122

pytestmark = [pytest.mark.story, pytest.mark.timeout(WAIT_S + 20)]


def test_a_witness_that_is_killed_at_any_moment_cosigns_one_history(tmp_path: Path) -> None:
    command = [sys.executable, "-m", witness_killed.__name__, str(tmp_path), str(KILLS), str(SEED)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT_S)
    assert done.returncode == 0, done.stderr

    lines = [line.split() for line in done.stdout.splitlines()]
    answered = [(int(size), root) for kind, size, root in lines if kind == "answered"]
    stored = [(int(size), root) for kind, size, root in lines if kind == "stored"]
    sizes = [size for size, _ in stored]

    assert sizes == sorted(sizes)  # what was stored is never forgotten
    assert len(dict(stored)) == len(set(stored))  # nor replaced by a rival of its size
    assert len(answered) == len(set(answered))  # no rival got a cosignature besides
    assert set(answered) <= set(stored)  # whoever got one got it over what the witness holds
    assert len(stored) >= KILLS
    assert sizes[-1] > KILLS // 10  # it lived often enough to have something to forget
