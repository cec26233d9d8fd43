"""Passphrase and PIN show in no refusal, no log line and no file: where they open a key, and where they do not."""

import logging
import traceback
from pathlib import Path

import pkcs11
import pytest

from exchange.errors import ExchangeError
from exchange.signing.keys import Algorithm, SoftwareSigner
from nodes.adapters.key_files import read_passphrase, read_private_key, write_private_key
from nodes.adapters.token_keys import make_token_key
from tests.attacks.test_canaries import found_in
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
