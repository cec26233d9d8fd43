"""A passphrase comes from a file or an open descriptor, never from an argument: arguments stand in process lists."""

import os
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path

from exchange.errors.settings import CommandLineError
from exchange.errors.trust import PrivateKeyFileError
from nodes.adapters.key_files import read_passphrase
from nodes.adapters.private_files import PASSPHRASE_BYTES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A passphrase as the command line and the node's settings give it.

    Attributes:
        passphrase: None where nothing was given.
        option: The option that gives it, for messages.
    """

    passphrase: bytes | None
    option: str

    def required(self) -> bytes:
        """The passphrase.

        Raises:
            CommandLineError: None was given.
        """
        if self.passphrase is None:
            raise CommandLineError(
                reason="a private key is sealed under a passphrase, and none was given",
                command=f"--{self.option}-file FILE, or --{self.option}-fd N",
            )
        return self.passphrase


def ask_for_passphrase(parser: ArgumentParser, option: str = "passphrase") -> None:
    """The two options by which a passphrase comes."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument(f"--{option}-file", type=Path, metavar="FILE", help="readable by its owner alone")
    either.add_argument(f"--{option}-fd", type=int, metavar="N", help="an open descriptor, as in 3<FILE")


def secret_of(arguments: Namespace, *, default: Path | None, option: str = "passphrase") -> Secret:
    """What the options give, or the file that the node's settings name.

    Raises:
        TrustError: The file is not there, or others can read it.
        PrivateKeyFileError: The descriptor cannot be read, or gives more than a passphrase.
    """
    name = option.replace("-", "_")
    descriptor: int | None = getattr(arguments, f"{name}_fd")
    if descriptor is not None:
        return Secret(passphrase=_read_descriptor(descriptor), option=option)
    file: Path | None = getattr(arguments, f"{name}_file") or default
    return Secret(passphrase=None if file is None else read_passphrase(file), option=option)


def _read_descriptor(descriptor: int) -> bytes:
    subject = f"descriptor {descriptor}"
    content = b""
    try:
        while len(content) <= PASSPHRASE_BYTES_MAX and (part := os.read(descriptor, PASSPHRASE_BYTES_MAX + 1)):
            content += part
    except OSError as error:
        raise PrivateKeyFileError(path=subject, reason=error.strerror or "not readable") from error
    if len(content) > PASSPHRASE_BYTES_MAX:
        raise PrivateKeyFileError(path=subject, reason=f"more than {PASSPHRASE_BYTES_MAX} bytes")
    return content.removesuffix(b"\n")
