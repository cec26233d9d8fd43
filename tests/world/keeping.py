"""The two ways in which a private key is kept, so that one suite runs on both."""

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pkcs11

from exchange.signing.token_uri import TokenUri, format_token_uri
from nodes.cli.main import main
from nodes.terminal import Output
from tests.world.clock import StillClock
from tests.world.tokens import make_token

PASSPHRASE = b"four words make a phrase"


@dataclass(frozen=True)
class Ran:
    """What one command left."""

    code: int
    out: str
    err: str

    @property
    def keys(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.out)["keys"]
        return found


def run(*words: object, language: str = "en") -> Ran:
    out, err = io.StringIO(), io.StringIO()
    argv = [str(word) for word in words]
    output = Output(json="--json" in argv, language="ru" if language == "ru" else "en", out=out, err=err)
    return Ran(main(argv, clock=StillClock(), output=output), out.getvalue(), err.getvalue())


def write_passphrase(path: Path, passphrase: bytes = PASSPHRASE) -> Path:
    path.write_bytes(passphrase + b"\n")
    path.chmod(0o600)
    return path


@dataclass(frozen=True)
class Keeping:
    """A way to keep keys, and what a command must be told for it."""

    kind: str  # sealed | token
    passphrase: Path
    token: TokenUri | None = None

    def new(self, label: str) -> list[str]:
        """The options with which `key new` makes a key."""
        if self.token is None:
            return self.use
        return ["--token", format_token_uri(replace(self.token, object=label)), *self.use]

    @property
    def use(self) -> list[str]:
        """The options with which it is opened: a token's PIN lies where its URI says."""
        return ["--passphrase-file", str(self.passphrase)]

    def forget(self) -> None:
        """Close what this process has open, as if another began."""
        if self.token is not None:
            pkcs11.lib(self.token.module_path).reinitialize()


def keeping(kind: str, folder: Path) -> Keeping:
    """Keys in sealed files, or in a new token of SoftHSM."""
    passphrase = write_passphrase(folder / "passphrase")
    return Keeping(kind, passphrase, make_token(folder) if kind == "token" else None)
