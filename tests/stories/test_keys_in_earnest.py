"""A gateway that is no demonstration, as a real process: transport key sealed, log and witness keys in a token."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exchange.log.checkpoint import open_checkpoint
from exchange.log.note import SignatureKind, parse_vkey
from nodes.adapters.clock import SystemClock
from nodes.adapters.trust_folder import load_trust
from nodes.demo.federation import found
from tests.world.keeping import write_passphrase
from tests.world.tokens import into_token, pulled_out

pytestmark = pytest.mark.story

ROOT = Path(__file__).resolve().parents[2]
PORTS = list(range(8971, 8978))
ADDRESS = f"http://127.0.0.1:{PORTS[0]}"
START_S = 60.0
UNREACHABLE = 5


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """KZ's node after a founding: no key of its gateway in clear, and no `demo` in its settings."""
    home = tmp_path_factory.mktemp("earnest") / "home"
    found(home, ports=PORTS, clock=SystemClock())
    private = home / "kz" / "private"
    transport = (private / "gateway" / "transport-ed25519.key").rename(home / "transport.key")
    into_token(private)
    transport.rename(private / "gateway" / "transport-ed25519.key")
    for pair in private.glob("desk/*-ml-dsa-65.key"):
        pair.unlink()  # of the desk, which has no part here
    passphrase = write_passphrase(private / "passphrase")
    assert exchange(home / "kz", "key", "passwd", "--new-passphrase-file", str(passphrase)).returncode == 0
    settings = home / "kz" / "node.toml"
    text = settings.read_text().replace("demo = true", 'passphrase_file = "private/passphrase"')
    settings.write_text(text.replace('issuer = "http:', 'issuer = "https:'))  # as behind a proxy on this machine
    return home / "kz"


def exchange(node: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "nodes.cli", "--node", str(node), *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=START_S, check=False)


@contextmanager
def serving(node: Path) -> Iterator[bytes]:
    """While the gateway runs; what it gives is the first checkpoint that it shows."""
    command = [sys.executable, "-m", "nodes.cli", "--node", str(node), "serve"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + START_S
            while (checkpoint := fetched("/log/checkpoint")) is None:
                assert process.poll() is None, "the gateway ended"
                assert time.monotonic() < until, "the gateway shows no checkpoint"
                time.sleep(0.2)
            yield checkpoint
        finally:
            process.terminate()
            process.wait(START_S)


def fetched(path: str) -> bytes | None:
    try:
        with urllib.request.urlopen(ADDRESS + path, timeout=5) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.URLError:
        return None


def test_a_gateway_signs_its_log_with_a_key_that_it_never_sees(node: Path) -> None:
    listed = load_trust(node / "keys", at=SystemClock().now()).member("KZ").log_vkey
    with serving(node) as signed:
        assert open_checkpoint(signed, logs=[parse_vkey(listed, kind=SignatureKind.LOG)]).origin == listed.split("+")[0]


def test_a_gateway_does_not_start_without_its_token_and_goes_on_with_it(node: Path) -> None:
    with pulled_out():
        refused = exchange(node, "serve")
    assert refused.returncode == UNREACHABLE
    assert refused.stderr.startswith("token-gone: pkcs11:token=")
    with serving(node):
        pass
