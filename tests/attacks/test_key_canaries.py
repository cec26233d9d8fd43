"""Passphrase and PIN show in no refusal, no log line and no file: where they open a key, and where they do not.

Nor in the process list, the environment, the log or the answers of a gateway that runs on them and is attacked.
"""

import logging
import os
import re
import socket
import traceback
from pathlib import Path

import pkcs11
import pytest

from exchange.errors import ExchangeError
from exchange.signing.keys import Algorithm, SoftwareSigner
from nodes.adapters.key_files import read_passphrase, read_private_key, write_private_key
from nodes.adapters.token_keys import make_token_key
from tests.attacks.gateway.test_framing_attacks import FRAMINGS
from tests.attacks.gateway.test_host_attacks import HEADS
from tests.attacks.test_canaries import MARKER, found_in
from tests.world import keeping
from tests.world.earnest import exchange, in_earnest, serving
from tests.world.federation import seeded
from tests.world.tokens import PIN, make_token

PASSPHRASE, WRONG = b"CANARY four words make a phrase", b"CANARY four other words"


def told(error: ExchangeError) -> str:
    """All that a refusal says, to people, to programs, and in a traceback."""
    words = [error.sentence(language) + error.mend(language) for language in ("en", "ru")]
    return "".join([*words, str(error.as_json()), *traceback.format_exception(error)])


@pytest.mark.asvs("V16.2.5")
def test_a_passphrase_opens_its_key_and_shows_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = SoftwareSigner.from_seed(Algorithm.ED25519, b"\x11" * 32)
    file, words = tmp_path / "log-ed25519.key", tmp_path / "passphrase"
    write_private_key(file, key, purpose="log", passphrase=PASSPHRASE, random=seeded("canary"))
    words.write_bytes(PASSPHRASE + b"\n")
    words.chmod(0o600)
    opened = read_private_key(file, purpose="log", passphrase=read_passphrase(words))
    with pytest.raises(ExchangeError) as refused:
        read_private_key(file, purpose="log", passphrase=WRONG)

    canaries = {"passphrase": PASSPHRASE, "wrong one": WRONG, "key": b"\x11" * 32}
    said = f"{told(refused.value)}{caplog.text}{opened!r}{key!r}".encode()
    assert found_in(said + file.read_bytes(), canaries) == []


@pytest.mark.asvs("V16.2.5")
def test_a_pin_that_a_token_takes_or_refuses_shows_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    uri = make_token(tmp_path)
    key = make_token_key(uri)
    key.sign(b"what is signed")
    Path(uri.pin_source).write_bytes(WRONG + b"\n")
    pkcs11.lib(uri.module_path).reinitialize()
    with pytest.raises(ExchangeError) as refused:
        key.sign(b"what is signed")

    said = f"{told(refused.value)}{caplog.text}{key!r}{uri!r}".encode()
    assert found_in(said, {"PIN": PIN.encode(), "wrong one": WRONG}) == []


PORTS = list(range(8991, 8998))
ANSWER_S = 5.0
SMALL_BYTES = 20_000
"""Of a request: the large ones have tests of their own, and take long to send."""
MARKED = (
    f"GET /v1/{MARKER} HTTP/1.1\r\nHost: {MARKER}\r\nAuthorization: DPoP {MARKER}\r\nDPoP: {MARKER}\r\n\r\n",
    f"GET /v1/catalogue?since={MARKER} HTTP/1.1\r\nHost: x\r\nCookie: {MARKER}\r\nUser-Agent: {MARKER}\r\n\r\n",
    f"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: {len(MARKER)}\r\n\r\n{MARKER}",
    f"POST /witness/add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: {len(MARKER)}\r\n\r\n{MARKER}",
)


def attacked(port: int) -> bytes:
    """All that the gateway answers to every attack on its connection, and to a marker in every place."""
    requests = [raw for _, raw, _ in HEADS] + [*FRAMINGS.values()] + [text.encode() for text in MARKED]
    heard = [asked(port, raw) for raw in requests if len(raw) < SMALL_BYTES]
    assert len(heard) > 60
    return b"".join(heard)


def asked(port: int, raw: bytes) -> bytes:
    """What comes back for these bytes, as far as it comes at once."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S) as connection:
        try:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            return connection.makefile("rb").read()
        except OSError:  # cut off, or not answered: nothing was said
            return b""


def of_processes(node: Path) -> bytes:
    """Command lines, and where we may the environments, of every process about this node."""
    files = ("cmdline", "environ") if os.geteuid() == 0 else ("cmdline",)
    shown = b""
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and str(node).encode() in (process / "cmdline").read_bytes():
                shown += b"".join((process / name).read_bytes() for name in files)
        except OSError:  # it is over by now
            continue
    return shown


@pytest.mark.story
@pytest.mark.long
@pytest.mark.asvs("V16.2.5")
def test_a_gateway_in_earnest_under_attack_shows_neither_passphrase_nor_pin(tmp_path: Path) -> None:
    node, output = in_earnest(tmp_path / "home", ports=PORTS), tmp_path / "output.txt"
    wrong = node / "private" / "wrong"
    wrong.write_bytes(WRONG + b"\n")
    wrong.chmod(0o600)
    with serving(node, port=PORTS[0], output=output) as (process, _):
        heard = attacked(PORTS[0]) + asked(PORTS[0], b"GET /health/ready HTTP/1.0\r\n\r\n")
        shown = of_processes(node)
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        own = Path(f"/proc/{process.pid}/environ").stat().st_uid
        ran = [exchange(node, *words) for words in (("key", "list"), ("--json", "doctor"))]
        assert process.poll() is None
    settings = (node / "node.toml").read_text()
    (node / "node.toml").write_text(settings.replace("private/passphrase", "private/wrong"))
    ran.append(exchange(node, "serve"))

    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
    assert own == 0  # proc(5): the files of a process that cannot be dumped belong to root
    assert b"serve" in shown
    assert ran[-1].returncode != 0  # the wrong passphrase opened nothing
    canaries = {"passphrase": keeping.PASSPHRASE, "PIN": PIN.encode(), "wrong one": WRONG}
    said = "".join(one.stdout + one.stderr for one in ran).encode() + output.read_bytes()
    assert found_in(shown + said + heard, canaries) == []
    assert MARKER.encode() not in heard + output.read_bytes()
    kept = {"passphrase", "wrong", *(file.name for file in tmp_path.rglob("*.pin"))}
    for file in node.rglob("*"):
        if file.is_file() and file.name not in kept:
            assert found_in(file.read_bytes(), canaries) == [], file
