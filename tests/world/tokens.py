"""A token of SoftHSM for a test run: its own folder, made once a process, with as many tokens as tests ask for."""

import atexit
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import pkcs11
import pytest
from pkcs11 import Attribute, KeyType, ObjectClass

from exchange.signing.key_file import TokenReference, read_label
from exchange.signing.keys import Algorithm
from exchange.signing.sealing import open_private
from exchange.signing.token_uri import TokenUri
from nodes.adapters.key_files import write_reference
from nodes.adapters.token_keys import CURVE

KEYS = os.environ.get("EXCHANGE_TEST_KEYS", "file")
"""`token`: the members of a test federation keep their Ed25519 keys in a token (`make test-hsm`)."""
LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
MEMORY = "/dev/shm"
"""Where there is one, tokens lie in memory: SoftHSM syncs every object it writes."""
PIN = "four words make a PIN"


@cache
def softhsm() -> Path:
    """SoftHSM's library, with its tokens in a folder of this process; the test is skipped where there is none."""
    library = next((Path(path) for path in LIBRARIES if Path(path).is_file()), None)
    if library is None or shutil.which("softhsm2-util") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs SoftHSM: apt-get install softhsm2")
        pytest.skip("SoftHSM is not installed (apt-get install softhsm2)")
    folder = Path(tempfile.mkdtemp(prefix="exchange-softhsm-", dir=MEMORY if Path(MEMORY).is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    return library


def make_token(folder: Path, *, label: str | None = None) -> TokenUri:
    """A new token and the file with its PIN in `folder`; the URI lacks the key's name."""
    library = softhsm()
    label = label or f"token-{secrets.token_hex(4)}"
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "12345678"]
    subprocess.run(command, check=True, capture_output=True)
    pin = folder / f"{label}.pin"
    pin.write_text(PIN + "\n")
    pin.chmod(0o600)
    return TokenUri(token=label, object="key", module_path=str(library), pin_source=str(pin))


@contextmanager
def pulled_out() -> Iterator[None]:
    """While this lasts, all tokens are gone, as if a card were pulled."""
    tokens = Path(os.environ["SOFTHSM2_CONF"]).parent / "tokens"
    away = tokens.rename(tokens.with_name("away"))
    tokens.mkdir()
    try:
        yield
    finally:
        tokens.rmdir()
        away.rename(tokens)


def into_token(folder: Path) -> None:
    """Move every Ed25519 key in clear under `folder` into one token: its file names the token from then on."""
    uri = make_token(folder)
    library = pkcs11.lib(uri.module_path)
    library.reinitialize()
    with library.get_token(token_label=uri.token).open(rw=True, user_pin=PIN) as session:
        for number, path in enumerate(sorted(folder.rglob("*.key"))):
            raw = path.read_bytes()
            label = read_label(raw, path=str(path))
            if label.algorithm is not Algorithm.ED25519 or label.kept != "plain":
                continue
            key = open_private(raw, purpose=label.purpose, passphrase=None, demo=True)
            place = replace(uri, object=f"{number:03d} {path.stem}")
            session.create_object(
                {
                    Attribute.CLASS: ObjectClass.PRIVATE_KEY,
                    Attribute.KEY_TYPE: KeyType.EC_EDWARDS,
                    Attribute.EC_PARAMS: CURVE,
                    Attribute.VALUE: key.seed,
                    Attribute.LABEL: place.object,
                    Attribute.TOKEN: True,
                    Attribute.PRIVATE: True,
                    Attribute.SENSITIVE: True,
                    Attribute.SIGN: True,
                }
            )
            path.unlink()
            write_reference(path, TokenReference(purpose=label.purpose, public=key.public, uri=place))
    library.reinitialize()
