"""A token of SoftHSM for a test run: its own folder, made once a process, with as many tokens as tests ask for."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from exchange.signing.token_uri import TokenUri

LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
PIN = "four words make a PIN"


@cache
def softhsm() -> Path:
    """SoftHSM's library, with its tokens in a folder of this process; the test is skipped where there is none."""
    library = next((Path(path) for path in LIBRARIES if Path(path).is_file()), None)
    if library is None or shutil.which("softhsm2-util") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs SoftHSM: apt-get install softhsm2")
        pytest.skip("SoftHSM is not installed (apt-get install softhsm2)")
    folder = Path(tempfile.mkdtemp(prefix="exchange-softhsm-"))
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
