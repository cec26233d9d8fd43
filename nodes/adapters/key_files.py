"""Private keys as files: one sealed envelope a file, for its owner alone, written whole or not at all.

A node's keys lie in `private/` of its folder, apart by zone: `desk/` (bundle, contract), `gateway/` (transport, log,
witness), `officers/` (one file an officer; in earnest on each officer's own medium).
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exchange.errors.trust import PrivateKeyFileError, PrivateKeyModeError
from exchange.signing.keys import Algorithm, HybridSigner, KeyPurpose, Random, SoftwareSigner
from exchange.signing.sealing import ENVELOPE_BYTES_MAX, open_private, seal_private

FOLDER_MODE = 0o700
FILE_MODE = 0o600
PASSPHRASE_BYTES_MAX = 1024

ZONES = {
    KeyPurpose.BUNDLE: "desk",
    KeyPurpose.CONTRACT: "desk",
    KeyPurpose.TRANSPORT: "gateway",
    KeyPurpose.LOG: "gateway",
    KeyPurpose.WITNESS: "gateway",
    KeyPurpose.OFFICER: "officers",
}
"""Which zone's folder holds a key: no process reads another zone's (DESIGN.md §2)."""


def key_path(private: Path, purpose: KeyPurpose, algorithm: Algorithm, *, officer: str | None = None) -> Path:
    """Where a key lies under a node's `private/`: `desk/bundle-ed25519.key`, `officers/kz-02.key`."""
    name = officer if officer is not None else f"{purpose}-{algorithm.lower()}"
    return private / ZONES[purpose] / f"{name}.key"


def write_private_key(
    path: Path, signer: SoftwareSigner, *, purpose: str, passphrase: bytes | None, random: Random
) -> None:
    """Seal a key into a new file; an existing one is never replaced.

    Raises:
        PrivateKeyFileError: The file is there already, or cannot be written.
    """
    envelope = seal_private(signer, purpose=purpose, passphrase=passphrase, random=random, path=str(path))
    try:
        _make_private_folders(path.parent)
        partial = path.with_name(path.name + ".partial")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb") as file:
            file.write(envelope)
            file.flush()
            os.fsync(file.fileno())
        os.link(partial, path)  # unlike a rename, a link refuses a name that is taken
        partial.unlink()
        _sync_folder(path.parent)
    except OSError as error:
        raise PrivateKeyFileError(path=str(path), reason=error.strerror or "not writable") from error


def read_private_key(path: Path, *, purpose: str, passphrase: bytes | None, demo: bool = False) -> SoftwareSigner:
    """The key in a file that nobody else can read.

    Raises:
        PrivateKeyModeError: Group or others may read or write it, or somebody else owns it.
        PrivateKeyFileError, PlainPrivateKeyError, PassphraseError: See `exchange.signing.sealing.open_private`.
    """
    raw = _read_owned(path, ENVELOPE_BYTES_MAX)
    return open_private(raw, purpose=purpose, passphrase=passphrase, demo=demo, path=str(path))


def read_signer(private: Path, purpose: KeyPurpose, *, passphrase: bytes | None, demo: bool = False) -> SoftwareSigner:
    """A node's Ed25519 key for this purpose."""
    path = key_path(private, purpose, Algorithm.ED25519)
    return read_private_key(path, purpose=purpose, passphrase=passphrase, demo=demo)


def read_hybrid_signer(
    private: Path, purpose: KeyPurpose, *, passphrase: bytes | None, demo: bool = False
) -> HybridSigner:
    """A node's pair of keys for this purpose (bundle, contract)."""
    post_quantum = key_path(private, purpose, Algorithm.ML_DSA_65)
    return HybridSigner(
        ed25519=read_signer(private, purpose, passphrase=passphrase, demo=demo),
        ml_dsa_65=read_private_key(post_quantum, purpose=purpose, passphrase=passphrase, demo=demo),
    )


def read_officer_signer(private: Path, officer: str, *, passphrase: bytes | None, demo: bool = False) -> SoftwareSigner:
    """An officer's key."""
    path = key_path(private, KeyPurpose.OFFICER, Algorithm.ED25519, officer=officer)
    return read_private_key(path, purpose=KeyPurpose.OFFICER, passphrase=passphrase, demo=demo)


def read_passphrase(path: Path) -> bytes:
    """The passphrase in a file, without its last newline; the file's mode is judged as a key's."""
    return _read_owned(path, PASSPHRASE_BYTES_MAX).removesuffix(b"\n")


def _read_owned(path: Path, bytes_max: int) -> bytes:
    with _opened(path) as descriptor:
        status = os.fstat(descriptor)  # of the open file, so that it cannot be exchanged after the look
        if not stat.S_ISREG(status.st_mode):
            raise PrivateKeyFileError(path=str(path), reason="not a regular file")
        mode = stat.S_IMODE(status.st_mode)
        if mode & 0o077 or status.st_uid != os.geteuid():
            raise PrivateKeyModeError(path=str(path), expected=f"{FILE_MODE:o}", found=f"{mode:o}")
        raw = os.read(descriptor, bytes_max + 1)
    if len(raw) > bytes_max:
        raise PrivateKeyFileError(path=str(path), reason=f"larger than {bytes_max} bytes")
    return raw


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise PrivateKeyFileError(path=str(path), reason=error.strerror or "not readable") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _make_private_folders(folder: Path) -> None:
    """The folder and every missing one above it, closed to others from the first moment."""
    for missing in [parent for parent in (*reversed(folder.parents), folder) if not parent.exists()]:
        missing.mkdir(mode=FOLDER_MODE)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
