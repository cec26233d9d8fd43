"""A change of the registry as a folder: the proposal, and the signatures so far; it travels on any medium.

`proposal.json` is what is signed and is written once. Each signature is a file of its own, so that signers on machines
without a network work at the same time and their files are simply put together (`exchange trust import`).
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from exchange.encoding import Digest
from exchange.errors.settings import CommandLineError, FileRefusedError
from exchange.errors.trust import RegistryFileError
from exchange.signing.ceremony import check_signature
from exchange.signing.ceremony_form import (
    PROPOSAL_BYTES_MAX,
    SIGNATURE_BYTES_MAX,
    ChangeSignature,
    Proposal,
    format_proposal,
    format_signature,
    parse_proposal,
    parse_signature,
)
from exchange.signing.key_file import read_label
from exchange.signing.keys import RegistryRole, Signer
from exchange.signing.registry import SignedRegistry, open_registry
from exchange.signing.sealing import ENVELOPE_BYTES_MAX
from exchange.signing.trust import FIRST_ROOT
from nodes.adapters.durable import write_durably
from nodes.adapters.key_files import read_private_key
from nodes.adapters.plain_files import open_plain
from nodes.adapters.private_files import read_owned
from nodes.adapters.trust_folder import TIMESTAMP, read_trust_files
from nodes.custody.passphrases import ask_for_passphrase, secret_of
from nodes.terminal import Clock

PROPOSAL = "proposal.json"
SIGNATURES = "signatures"
KID_CHARS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFolder:
    """An opened change."""

    path: Path
    raw: bytes
    signatures: tuple[ChangeSignature, ...]

    @property
    def proposal(self) -> Proposal:
        """What it proposes."""
        return parse_proposal(self.raw)

    @property
    def digest(self) -> Digest:
        """What all signers compare aloud."""
        return Digest.of(self.raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryFolder:
    """A registry folder and its published state; none before the founding was published."""

    path: Path
    files: dict[str, bytes]
    signed: SignedRegistry | None


def write_change(folder: Path, proposal: Proposal) -> ChangeFolder:
    """A new change.

    Raises:
        CommandLineError: The folder holds something already.
        FileRefusedError: It cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise CommandLineError(reason=f"{folder} is not empty", command="-o CHANGE, a folder that does not exist yet")
    raw = format_proposal(proposal)
    _write(folder / PROPOSAL, raw)
    (folder / SIGNATURES).mkdir(exist_ok=True)
    return ChangeFolder(path=folder, raw=raw, signatures=())


def read_change(path: Path) -> ChangeFolder:
    """The change in a folder, or of a proposal file alone.

    Raises:
        FileRefusedError: It cannot be read.
        EncodingError: A file in it is not in its one legal form.
    """
    if path.is_file():
        return ChangeFolder(path=path, raw=_read(path, PROPOSAL_BYTES_MAX), signatures=())
    found = [parse_signature(_read(file, SIGNATURE_BYTES_MAX)) for file in sorted((path / SIGNATURES).glob("*.json"))]
    raw = _read(path / PROPOSAL, PROPOSAL_BYTES_MAX)
    parse_proposal(raw)
    return ChangeFolder(path=path, raw=raw, signatures=tuple(found))


def add_signatures(
    change: ChangeFolder, signatures: Iterable[ChangeSignature], *, base: SignedRegistry | None, to: Path | None = None
) -> list[Path]:
    """Verify signatures and lay each down; one by the same key and role takes the place of the earlier.

    Raises:
        ChangeStaleError, ChangeSignerError, SignatureError: One that adds nothing to this change.
    """
    written = []
    for one in signatures:
        check_signature(change.raw, one, base=base)
        folder = to or change.path / SIGNATURES
        file = folder / f"{one.role}-{one.key.kid[:KID_CHARS]}.json"
        _write(file, format_signature(one))
        written.append(file)
    return written


def read_signatures(files: Iterable[Path]) -> list[ChangeSignature]:
    """Signature files, and all those of a folder or of another copy of the change."""
    found: list[ChangeSignature] = []
    for path in files:
        if path.is_dir():
            inner = path / SIGNATURES if (path / SIGNATURES).is_dir() else path
            found += read_signatures(sorted(inner.glob("*.json")))
        else:
            found.append(parse_signature(_read(path, SIGNATURE_BYTES_MAX)))
    return found


def ask_for_registry(parser: ArgumentParser, *, required: bool = True) -> None:
    """The option that names the registry."""
    parser.add_argument(
        "--registry",
        type=Path,
        required=required,
        metavar="DIR",
        help="the registry: metadata/ and targets/ with all versions",
    )


def read_registry(folder: Path, clock: Clock) -> RegistryFolder:
    """A registry folder, expired or not: a ceremony may be what mends it.

    Raises:
        TrustError: What is published there does not verify.
    """
    if not (folder / "metadata").is_dir():
        return RegistryFolder(path=folder, files={}, signed=None)
    files = read_trust_files(folder)
    if TIMESTAMP not in files:
        return RegistryFolder(path=folder, files=files, signed=None)
    if FIRST_ROOT not in files:
        raise RegistryFileError(file=FIRST_ROOT, reason="absent")
    signed = open_registry(files, root=files[FIRST_ROOT], at=clock.now(), expired="notice")
    return RegistryFolder(path=folder, files=files, signed=signed)


def ask_for_keys(parser: ArgumentParser) -> None:
    """The options that name private keys of the registry."""
    parser.add_argument(
        "--key", type=Path, action="append", required=True, metavar="FILE", help="a private key of the registry"
    )
    parser.add_argument("--demo", action="store_true", help="a rehearsal: throw-away keys in clear are accepted")
    ask_for_passphrase(parser)


def open_keys(arguments: Namespace) -> Sequence[tuple[RegistryRole, Signer]]:
    """The keys that the command line names, each with its role.

    Raises:
        TrustError, TokenError: One cannot be opened.
        CommandLineError: One is no key of the registry.
    """
    secret = secret_of(arguments, default=None)
    opened: list[tuple[RegistryRole, Signer]] = []
    for path in arguments.key:
        label = read_label(read_owned(path, ENVELOPE_BYTES_MAX), path=str(path))
        if label.purpose not in set(RegistryRole):
            raise CommandLineError(
                reason=f"{path} is a {label.purpose} key, none of the registry", command="--key FILE"
            )
        passphrase = None if label.kept == "token" else secret.passphrase
        signer = read_private_key(path, purpose=label.purpose, passphrase=passphrase, demo=arguments.demo)
        opened.append((RegistryRole(label.purpose), signer))
    return opened


def _read(path: Path, bytes_max: int) -> bytes:
    try:
        with open_plain(path) as file:
            raw = file.read(bytes_max + 1)
    except OSError as error:
        raise FileRefusedError(path=str(path), reason=error.strerror or "not readable") from error
    if len(raw) > bytes_max:
        raise FileRefusedError(path=str(path), reason=f"larger than {bytes_max} bytes")
    return raw


def _write(path: Path, raw: bytes) -> None:
    try:
        write_durably(path, raw)
    except OSError as error:
        raise FileRefusedError(path=str(path), reason=error.strerror or "not writable") from error
