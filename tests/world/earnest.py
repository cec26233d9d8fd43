"""A node that is no demonstration: the transport key sealed by a passphrase, the log keys in a token behind a PIN."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nodes.adapters.clock import SystemClock
from nodes.demo.federation import found
from tests.world.keeping import write_passphrase
from tests.world.tokens import into_token

ROOT = Path(__file__).resolve().parents[2]
START_S = 240.0


def in_earnest(home: Path, *, ports: list[int]) -> Path:
    """KZ's node after a founding: no key of its gateway in clear, and no `demo` in its settings."""
    found(home, ports=ports, clock=SystemClock())
    private = home / "kz" / "private"
    transport = (private / "gateway" / "transport-ed25519.key").rename(home / "transport.key")
    into_token(private)
    transport.rename(private / "gateway" / "transport-ed25519.key")
    for pair in private.glob("desk/*-ml-dsa-65.key"):
        pair.unlink()  # of the desk, which has no part here
    passphrase = write_passphrase(private / "passphrase")
    sealed = exchange(home / "kz", "key", "passwd", "--new-passphrase-file", str(passphrase))
    assert sealed.returncode == 0, sealed.stderr
    settings = home / "kz" / "node.toml"
    text = settings.read_text().replace("demo = true", 'passphrase_file = "private/passphrase"')
    settings.write_text(text.replace('issuer = "http:', 'issuer = "https:'))  # as behind a proxy on this machine
    return home / "kz"


def exchange(node: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """A command of this node."""
    command = [sys.executable, "-m", "nodes.cli", "--node", str(node), *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=START_S, check=False)


@contextmanager
def serving(node: Path, *, port: int, output: Path) -> Iterator[tuple["subprocess.Popen[bytes]", bytes]]:
    """While the gateway runs, with the first checkpoint that it shows; all that it prints goes into a file."""
    command = [sys.executable, "-m", "nodes.cli", "--node", str(node), "serve"]
    with (
        output.open("wb") as file,
        subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT) as process,
    ):
        try:
            until = time.monotonic() + START_S
            while not (checkpoint := fetched(f"http://127.0.0.1:{port}/log/checkpoint")):
                assert process.poll() is None, output.read_text()
                assert time.monotonic() < until, "the gateway shows no checkpoint"
                time.sleep(0.2)
            yield process, checkpoint
        finally:
            process.terminate()
            process.wait(START_S)


def fetched(address: str) -> bytes:
    """What is answered there; nothing where nobody answers."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.URLError:
        return b""
