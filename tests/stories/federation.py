"""The demo federation as a fixture: real processes, real HTTP, real databases, driven by the command line alone."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
STEP_S = 240


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass(frozen=True)
class Federation:
    """A running federation and its home folder."""

    home: Path

    def run(self, *words: str, node: str | None = None, timeout_s: float = STEP_S) -> Ran:
        command = [sys.executable, "-m", "nodes.cli", "--home", str(self.home)]
        command += ["--node", node] if node else []
        done = subprocess.run(
            [*command, *words], cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    def bundles(self) -> list[Path]:
        """Every published bundle as ZIP, at its publisher's."""
        return sorted(self.home.glob("*/bundles/*.zip"))

    def address(self, member: str) -> str:
        rows = json.loads((self.home / "processes.json").read_text(encoding="utf-8"))
        return next(row["address"] for row in rows if row["member"] == member)


def verify(path: Path, trust: Path, *words: str) -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "exchange", "verify", str(path), "--trust", str(trust), *words],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


def started(home: Path) -> Iterator[Federation]:
    """Found, play the story, hand over the running federation, stop it."""
    federation = Federation(home)
    up = federation.run("demo", "up")
    assert up.code == 0, up.out + up.err
    try:
        story = federation.run("demo", "run")
        assert story.code == 0, story.out + story.err
        (home / "story.txt").write_text(story.out, encoding="utf-8")
        yield federation
    finally:
        down = federation.run("demo", "down")
        assert down.code == 0, down.err


@pytest.fixture(scope="session")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    yield from started(tmp_path_factory.mktemp("federation") / "demo")
