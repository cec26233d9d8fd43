"""A private key at rest: our own small envelope, scrypt (RFC 7914) and ChaCha20-Poly1305 (RFC 8439).

Not PKCS#8, whose encryption here would be PBKDF2 with 2,048 rounds. The parameters are constants and are compared, not
obeyed: a file can ask neither for less protection nor for gigabytes of memory. Key id and purpose are authenticated, so
a file moved to another purpose does not open.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from exchange.encoding import (
    JsonObject,
    base64url_decode,
    base64url_encode,
    canonical_json,
    parse_canonical_object,
    require_members,
    text_member,
)
from exchange.errors.encoding import EncodingError
from exchange.errors.trust import PassphraseError, PlainPrivateKeyError, PrivateKeyFileError
from exchange.signing.keys import Algorithm, Random, SoftwareSigner

SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**17, 8, 1
"""128 MiB and about a second per guess (OWASP's first choice for scrypt)."""
_SCRYPT = {"name": "scrypt", "n": SCRYPT_N, "r": SCRYPT_R, "p": SCRYPT_P}

SALT_BYTES = 16
NONCE_BYTES = 12
ENVELOPE_BYTES_MAX = 4096
PASSPHRASE_BYTES_MIN = 12


@dataclass(frozen=True, slots=True)
class _Label:
    """What an envelope says in clear, all of it authenticated."""

    alg: str
    kid: str
    purpose: str

    def bound(self) -> bytes:
        return canonical_json({"alg": self.alg, "kid": self.kid, "purpose": self.purpose, "v": 1})


def seal_private(
    signer: SoftwareSigner, *, purpose: str, passphrase: bytes | None, random: Random, path: str = "new key"
) -> bytes:
    """The envelope of a private key.

    Args:
        signer: The key.
        purpose: What it signs; a `KeyPurpose`, or a registry role such as `registry-root`.
        passphrase: At least 12 bytes; None writes the seed in clear, which only a demonstration reads.
        random: For salt and nonce, new for every sealing.
        path: Where it will lie, for messages.

    Raises:
        PrivateKeyFileError: The passphrase is too short.
    """
    label = _Label(signer.public.algorithm.value, signer.public.kid, purpose)
    envelope: dict[str, object] = {"v": 1, "alg": label.alg, "kid": label.kid, "purpose": purpose}
    if passphrase is None:
        return canonical_json({**envelope, "kdf": {"name": "none"}, "seed": base64url_encode(signer.seed)})
    if len(passphrase) < PASSPHRASE_BYTES_MIN:
        raise PrivateKeyFileError(path=path, reason=f"passphrase shorter than {PASSPHRASE_BYTES_MIN} bytes")
    salt, nonce = random(SALT_BYTES), random(NONCE_BYTES)
    sealed = ChaCha20Poly1305(_stretch(passphrase, salt)).encrypt(nonce, signer.seed, label.bound())
    return canonical_json(
        {
            **envelope,
            "kdf": {**_SCRYPT, "salt": base64url_encode(salt)},
            "aead": {"name": "ChaCha20-Poly1305", "nonce": base64url_encode(nonce)},
            "sealed": base64url_encode(sealed),
        }
    )


def open_private(
    raw: bytes, *, purpose: str, passphrase: bytes | None, demo: bool = False, path: str = "private key"
) -> SoftwareSigner:
    """The private key of an envelope, checked against the key id it bears.

    Raises:
        PrivateKeyFileError: Not the one legal form, another purpose, other parameters, or no passphrase given.
        PlainPrivateKeyError: In clear, and this is no demonstration.
        PassphraseError: The passphrase does not open it, or it was altered.
    """
    try:
        envelope = parse_canonical_object(raw, subject=path, bytes_max=ENVELOPE_BYTES_MAX)
        label = _read_label(envelope, purpose, path)
        if envelope.get("kdf") == {"name": "none"}:
            if not demo:
                raise PlainPrivateKeyError(path=path)
            require_members(envelope, {"v", "alg", "kid", "purpose", "kdf", "seed"}, subject=path)
            seed = base64url_decode(envelope["seed"], subject=path)
        else:
            seed = _unseal(envelope, label, passphrase, path)
    except EncodingError as error:
        raise PrivateKeyFileError(path=path, reason=error.sentence()) from error
    signer = SoftwareSigner.from_seed(Algorithm(label.alg), seed)
    if signer.public.kid != label.kid:
        raise PrivateKeyFileError(path=path, reason="the key is not the one whose id stands in the file")
    return signer


def _read_label(envelope: JsonObject, purpose: str, path: str) -> _Label:
    label = _Label(
        text_member(envelope, "alg", subject=path),
        text_member(envelope, "kid", subject=path),
        text_member(envelope, "purpose", subject=path),
    )
    if envelope.get("v") != 1 or label.alg not in set(Algorithm):
        raise PrivateKeyFileError(path=path, reason="version or algorithm unknown")
    if label.purpose != purpose:
        raise PrivateKeyFileError(path=path, reason=f"a {label.purpose[:32]} key, not a {purpose} key")
    return label


def _unseal(envelope: JsonObject, label: _Label, passphrase: bytes | None, path: str) -> bytes:
    require_members(envelope, {"v", "alg", "kid", "purpose", "kdf", "aead", "sealed"}, subject=path)
    kdf, aead = envelope["kdf"], envelope["aead"]
    if not isinstance(kdf, dict) or {**kdf, "salt": ""} != {**_SCRYPT, "salt": ""}:
        raise PrivateKeyFileError(path=path, reason="key derivation is not scrypt with N=2^17, r=8, p=1")
    if not isinstance(aead, dict) or {**aead, "nonce": ""} != {"name": "ChaCha20-Poly1305", "nonce": ""}:
        raise PrivateKeyFileError(path=path, reason="encryption is not ChaCha20-Poly1305")
    if passphrase is None:
        raise PrivateKeyFileError(path=path, reason="it is encrypted and no passphrase file was given")
    salt = base64url_decode(kdf.get("salt"), subject=path)
    nonce = base64url_decode(aead.get("nonce"), subject=path)
    sealed = base64url_decode(envelope["sealed"], subject=path)
    if (len(salt), len(nonce)) != (SALT_BYTES, NONCE_BYTES):
        raise PrivateKeyFileError(path=path, reason="salt or nonce of another length")
    try:
        return ChaCha20Poly1305(_stretch(passphrase, salt)).decrypt(nonce, sealed, label.bound())
    except InvalidTag as error:
        raise PassphraseError(path=path) from error


def _stretch(passphrase: bytes, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P).derive(passphrase)
