"""Private keys by their files: a sealed envelope, or a reference to a token; for their owner alone, either way.

A node's keys lie in `private/` of its folder, apart by zone: `desk/` (bundle, contract), `gateway/` (transport, log,
witness), `officers/` (one file an officer; in earnest on each officer's own medium). The registry's own keys lie in a
custody folder of the member, on no node. Whoever reads a key gets a `Signer` and cannot tell where the key lies.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from exchange.errors.trust import PlainPrivateKeyError
from exchange.signing.key_file import KeyLabel, TokenReference, format_reference, parse_reference, read_label
from exchange.signing.keys import Algorithm, HybridSigner, KeyPurpose, Random, RegistryRole, Signer, SoftwareSigner
from exchange.signing.sealing import ENVELOPE_BYTES_MAX, open_private, seal_private
from nodes.adapters.private_files import PASSPHRASE_BYTES_MAX, read_owned, require_closed, write_owned

ZONES = {
    KeyPurpose.BUNDLE: "desk",
    KeyPurpose.CONTRACT: "desk",
    KeyPurpose.TRANSPORT: "gateway",
    KeyPurpose.LOG: "gateway",
    KeyPurpose.WITNESS: "gateway",
    KeyPurpose.OFFICER: "officers",
}
"""Which zone's folder holds a key: no process reads another zone's (DESIGN.md §2)."""
KEY_FILES = "*.key"


def key_path(private: Path, purpose: KeyPurpose, algorithm: Algorithm, *, officer: str | None = None) -> Path:
    """Where a key lies under a node's `private/`: `desk/bundle-ed25519.key`, `officers/kz-02.key`."""
    name = officer if officer is not None else f"{purpose}-{algorithm.lower()}"
    return private / ZONES[purpose] / f"{name}.key"


def custody_path(custody: Path, role: RegistryRole) -> Path:
    """Where a key of the registry lies in a custody folder: `root.key`, `delegation.key`."""
    return custody / f"{role.removeprefix('registry-')}.key"


def write_private_key(
    path: Path, signer: SoftwareSigner, *, purpose: str, passphrase: bytes | None, random: Random, replace: bool = False
) -> None:
    """Seal a key into a file.

    Args:
        path: Where.
        signer: The key.
        purpose: What it signs.
        passphrase: None writes it in clear, for demonstrations.
        random: For salt and nonce.
        replace: Whether it takes the place of the same key under another passphrase.

    Raises:
        PrivateKeyFileError: The file is there already and may not be replaced, or cannot be written.
    """
    envelope = seal_private(signer, purpose=purpose, passphrase=passphrase, random=random, path=str(path))
    write_owned(path, envelope, replace=replace)


def write_reference(path: Path, reference: TokenReference) -> None:
    """The file of a key that lies in a token.

    Raises:
        PrivateKeyFileError: The file is there already, or cannot be written.
    """
    write_owned(path, format_reference(reference))


def read_private_key(path: Path, *, purpose: str, passphrase: bytes | None, demo: bool = False) -> Signer:
    """The key of a file that nobody else can read.

    Raises:
        PrivateKeyModeError, PrivateKeyOwnerError: Others may read or write it, or it is somebody else's.
        PrivateKeyFileError, PlainPrivateKeyError, PassphraseError: See `exchange.signing.sealing.open_private`.
        TokenError: The file names a token, which does not sign with that key.
    """
    raw = read_owned(path, ENVELOPE_BYTES_MAX)
    if read_label(raw, path=str(path)).kept == "token":
        return _token_signer(parse_reference(raw, purpose=purpose, path=str(path)))
    return open_private(raw, purpose=purpose, passphrase=passphrase, demo=demo, path=str(path))


def read_signer(private: Path, purpose: KeyPurpose, *, passphrase: bytes | None, demo: bool = False) -> Signer:
    """A node's Ed25519 key for this purpose, from a zone that is closed to others.

    Raises:
        PrivateKeyModeError, PrivateKeyOwnerError: Something in the zone is open to others, used or not.
        PlainPrivateKeyError: Some key in the zone is in clear, used or not, and this is no demonstration.
        TrustError, TokenError: As `read_private_key` says.
    """
    _require_closed_zone(private, purpose, demo=demo)
    path = key_path(private, purpose, Algorithm.ED25519)
    return read_private_key(path, purpose=purpose, passphrase=passphrase, demo=demo)


def read_hybrid_signer(
    private: Path, purpose: KeyPurpose, *, passphrase: bytes | None, demo: bool = False
) -> HybridSigner:
    """A node's pair of keys for this purpose (bundle, contract); refusals as of `read_signer`."""
    post_quantum = key_path(private, purpose, Algorithm.ML_DSA_65)
    return HybridSigner(
        ed25519=read_signer(private, purpose, passphrase=passphrase, demo=demo),
        ml_dsa_65=read_private_key(post_quantum, purpose=purpose, passphrase=passphrase, demo=demo),
    )


def read_officer_signer(private: Path, officer: str, *, passphrase: bytes | None, demo: bool = False) -> Signer:
    """An officer's key; refusals as of `read_signer`."""
    _require_closed_zone(private, KeyPurpose.OFFICER, demo=demo)
    path = key_path(private, KeyPurpose.OFFICER, Algorithm.ED25519, officer=officer)
    return read_private_key(path, purpose=KeyPurpose.OFFICER, passphrase=passphrase, demo=demo)


def read_passphrase(path: Path) -> bytes:
    """The passphrase in a file, without its last newline; the file's mode is judged as a key's."""
    return read_owned(path, PASSPHRASE_BYTES_MAX).removesuffix(b"\n")


def key_labels(folder: Path) -> Iterator[tuple[Path, KeyLabel]]:
    """What stands on the key files of a folder and of the folders in it, by path; nothing is opened.

    Raises:
        PrivateKeyModeError, PrivateKeyOwnerError, PrivateKeyFileError: Of the first file that is not in order.
    """
    for path in sorted((*folder.glob(KEY_FILES), *folder.glob(f"*/{KEY_FILES}"))):
        yield path, read_label(read_owned(path, ENVELOPE_BYTES_MAX), path=str(path))


def _require_closed_zone(private: Path, purpose: KeyPurpose, *, demo: bool) -> None:
    zone = private / ZONES[purpose]
    require_closed(private)
    require_closed(zone)
    for path, label in key_labels(zone):
        if label.kept == "plain" and not demo:
            raise PlainPrivateKeyError(path=str(path))


def _token_signer(reference: TokenReference) -> Signer:
    # Loaded when a key lies in a token: the library takes a tenth of a second that nodes with key files need not pay.
    tokens = importlib.import_module("nodes.adapters.token_keys")
    return cast("Signer", tokens.open_token_signer(reference))
