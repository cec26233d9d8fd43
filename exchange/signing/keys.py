"""Keys: two algorithms, public keys that are never weak, and the port behind which a private key signs.

Ed25519 (RFC 8032, JOSE name of RFC 9864) and ML-DSA-65 (FIPS 204, JOSE form of RFC 9964). A `PublicKey` that exists is
admissible: the constructor refuses what must not enter anywhere, so no caller has to remember to check.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import NoReturn, Protocol, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey

from exchange.encoding import (
    base64_encode,
    base64url_decode,
    base64url_encode,
    canonical_json,
    require_members,
)
from exchange.errors.trust import KeyKindError, KeyLengthError, SignatureError, WeakKeyError

Random: TypeAlias = Callable[[int], bytes]
"""A source of unpredictable bytes, by length; `secrets.token_bytes` outside tests."""

SEED_BYTES = 32
"""Both algorithms grow their private key from a seed of this length (RFC 8032 §5.1.5, FIPS 204 §5.1)."""


class KeyPurpose(StrEnum):
    """What a key may sign; a key has exactly one purpose (DESIGN.md §10)."""

    BUNDLE = "bundle"
    CONTRACT = "contract"
    TRANSPORT = "transport"
    LOG = "log"
    WITNESS = "witness"
    OFFICER = "officer"


class RegistryRole(StrEnum):
    """What a key of the registry itself signs (DESIGN.md §10); its holder keeps it offline, on no node."""

    ROOT = "registry-root"
    TARGETS = "registry-targets"
    DELEGATION = "registry-delegation"
    SNAPSHOT = "registry-snapshot"
    TIMESTAMP = "registry-timestamp"


KeyUse: TypeAlias = KeyPurpose | RegistryRole
"""The one thing a key may sign: for a member, or in the registry."""


class Algorithm(StrEnum):
    """A signature algorithm by its JOSE name."""

    ED25519 = "Ed25519"
    ML_DSA_65 = "ML-DSA-65"


HYBRID = (Algorithm.ED25519, Algorithm.ML_DSA_65)
"""Both algorithms in the order in which signatures stand: both required, so one broken algorithm forges nothing."""

PUBLIC_KEY_BYTES = {Algorithm.ED25519: 32, Algorithm.ML_DSA_65: 1952}

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_Y_OF_ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_Y_OF_SMALL_ORDER = frozenset({0, 1, _P - 1, _Y_OF_ORDER_8, _P - _Y_OF_ORDER_8})


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that passed admission.

    Args:
        algorithm: The only algorithm this key verifies; a signature never chooses it.
        raw: 32 bytes (RFC 8032 §5.1.2) or 1,952 bytes (FIPS 204 §7.2).

    Raises:
        KeyLengthError: Another length.
        WeakKeyError: An Ed25519 encoding that is not canonical, not on the curve, or of small order.
    """

    algorithm: Algorithm
    raw: bytes = field(repr=False)
    kid: str = field(init=False, compare=False)  # RFC 7638 thumbprint, SHA-256, base64url
    _handle: Ed25519PublicKey | MLDSA65PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        expected = PUBLIC_KEY_BYTES[self.algorithm]
        if len(self.raw) != expected:
            raise KeyLengthError(algorithm=self.algorithm, what="public key", expected=expected, found=len(self.raw))
        handle: Ed25519PublicKey | MLDSA65PublicKey
        if self.algorithm is Algorithm.ED25519:
            _refuse_weak_point(self.raw)
            handle = Ed25519PublicKey.from_public_bytes(self.raw)
        else:
            handle = MLDSA65PublicKey.from_public_bytes(self.raw)
        object.__setattr__(self, "_handle", handle)
        thumbprint = hashlib.sha256(canonical_json(self.jwk())).digest()
        object.__setattr__(self, "kid", base64url_encode(thumbprint))

    def jwk(self) -> dict[str, str]:
        """The public JWK: exactly the members that the thumbprint covers (RFC 8037 §2, RFC 9964 §3)."""
        if self.algorithm is Algorithm.ED25519:
            return {"crv": "Ed25519", "kty": "OKP", "x": base64url_encode(self.raw)}
        return {"alg": "ML-DSA-65", "kty": "AKP", "pub": base64url_encode(self.raw)}

    def verify(self, message: bytes, signature: bytes) -> None:
        """Accept exactly this key's signature over these bytes.

        Raises:
            SignatureError: Anything else, a signature of another length included.
        """
        try:
            self._handle.verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise SignatureError(algorithm=self.algorithm, kid=self.kid) from error


def parse_public_jwk(jwk: Mapping[str, object], *, subject: str = "JWK") -> PublicKey:
    """Read a public JWK that has exactly the members of `PublicKey.jwk`.

    Raises:
        KeyKindError: Another key type, curve or algorithm.
        FieldError: A member too many (`d`, `use`, `x5u`, …) or too few.
        Base64Error, KeyLengthError, WeakKeyError: As they say.
    """
    match jwk.get("kty"), jwk.get("crv"), jwk.get("alg"):
        case "OKP", "Ed25519", None:
            require_members(jwk, {"kty", "crv", "x"}, subject=subject)
            return PublicKey(Algorithm.ED25519, base64url_decode(jwk["x"], subject=subject))
        case "AKP", None, "ML-DSA-65":
            require_members(jwk, {"kty", "alg", "pub"}, subject=subject)
            return PublicKey(Algorithm.ML_DSA_65, base64url_decode(jwk["pub"], subject=subject))
        case kty, crv, alg:
            raise KeyKindError(subject=subject, found=f"{kty}/{crv or alg}"[:80])


class Signer(Protocol):
    """The port behind which a private key lies: in memory, or in a token that never gives it out."""

    @property
    def public(self) -> PublicKey:
        """The key that verifies what this signer signs."""
        ...

    def sign(self, message: bytes) -> bytes:
        """A signature over these bytes.

        Raises:
            TokenError: The key lies in a token that does not sign.
        """
        ...


class SoftwareSigner:
    """A private key in this process's memory.

    Private material leaves it in one way only: `seed`, for the sealed file (`exchange.signing.sealing`). It is never
    shown, compared, copied or pickled.
    """

    __slots__ = ("_handle", "_seed", "public")

    public: PublicKey
    _seed: bytes
    _handle: Ed25519PrivateKey | MLDSA65PrivateKey

    def __init__(self, algorithm: Algorithm, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise KeyLengthError(algorithm=algorithm, what="seed", expected=SEED_BYTES, found=len(seed))
        self._seed = seed
        if algorithm is Algorithm.ED25519:
            self._handle = Ed25519PrivateKey.from_private_bytes(seed)
        else:
            self._handle = MLDSA65PrivateKey.from_seed_bytes(seed)
        self.public = PublicKey(algorithm, self._handle.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, algorithm: Algorithm, *, random: Random) -> "SoftwareSigner":
        """A new key from 32 bytes of `random`."""
        return cls(algorithm, random(SEED_BYTES))

    @classmethod
    def from_seed(cls, algorithm: Algorithm, seed: bytes) -> "SoftwareSigner":
        """The key that grows from this seed, always the same."""
        return cls(algorithm, seed)

    @property
    def seed(self) -> bytes:
        """The 32 secret bytes, to be sealed at once."""
        return self._seed

    def sign(self, message: bytes) -> bytes:
        """RFC 8032 §5.1.6, or FIPS 204 §5.2 with an empty context (hedged: two signatures over one message differ)."""
        return self._handle.sign(message)

    def __repr__(self) -> str:
        return f"SoftwareSigner({self.public.algorithm}, kid={self.public.kid})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled")


@dataclass(frozen=True, slots=True, kw_only=True)
class HybridSigner:
    """The two keys that sign together."""

    ed25519: Signer
    ml_dsa_65: Signer

    def __post_init__(self) -> None:
        for signer, algorithm in zip(self.signers, HYBRID, strict=True):
            if signer.public.algorithm is not algorithm:
                raise KeyKindError(subject=f"{algorithm} half of a signer", found=signer.public.algorithm)

    @property
    def signers(self) -> tuple[Signer, Signer]:
        """Both, in the order of `HYBRID`."""
        return (self.ed25519, self.ml_dsa_65)

    @property
    def public(self) -> tuple[PublicKey, PublicKey]:
        """Both public keys, in the order of `HYBRID`."""
        return (self.ed25519.public, self.ml_dsa_65.public)


NOTE_ED25519 = 0x01
"""C2SP signed-note, "Signature types": a log's Ed25519 key."""
NOTE_COSIGNATURE = 0x04
"""C2SP tlog-cosignature: a witness's Ed25519 key."""


def note_key_id(name: str, public: PublicKey, type_byte: int) -> bytes:
    """The four bytes by which a signature line names its key (C2SP signed-note, "Signatures")."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([type_byte]) + public.raw).digest()[:4]


def note_vkey(name: str, public: PublicKey, type_byte: int) -> str:
    """The verifier key `<name>+<8 hex>+<base64(type || key)>` (C2SP signed-note, "Verifier keys")."""
    encoded = base64_encode(bytes([type_byte]) + public.raw)
    return f"{name}+{note_key_id(name, public, type_byte).hex()}+{encoded}"


@lru_cache(maxsize=1024)
def _refuse_weak_point(raw: bytes) -> None:
    # OpenSSL imports all fourteen encodings of the eight points of small order and then accepts signatures that were
    # made without any private key: a member could register one and repudiate everything it signed (RFC 8032 §5.1.3).
    # A large-order key with a small component stays: signing still takes its private key, and all of us verify by the
    # same equation (RFC 8032 §5.1.7 leaves the choice).
    encoded = int.from_bytes(raw, "little")
    y = encoded & (2**255 - 1)  # the top bit is the sign of x
    if y >= _P:
        raise WeakKeyError(key=raw.hex(), reason="y not reduced")
    if y in _Y_OF_SMALL_ORDER:
        raise WeakKeyError(key=raw.hex(), reason="small order")
    # x^2 = u/v is a square exactly if u*v is one (RFC 8032 §5.1.3, Euler's criterion). It is not zero: only y = 1 and
    # y = -1 have x = 0, and they are refused above.
    u_times_v = (y * y - 1) * (_D * y * y + 1) % _P
    if pow(u_times_v, (_P - 1) // 2, _P) != 1:
        raise WeakKeyError(key=raw.hex(), reason="no point with this y")
