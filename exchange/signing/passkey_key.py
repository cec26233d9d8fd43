"""Public keys of passkeys: Ed25519 as everywhere, and ECDSA over P-256, which most authenticators have alone.

A type of its own: no P-256 key can stand where bundles, contracts or logs are verified. ECDSA is taken with SHA-256 and
a DER signature, as WebAuthn has it (Level 3, §6.5.5), not in the form of JOSE.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from exchange.encoding import base64url_decode, base64url_encode, canonical_json, require_members
from exchange.errors.passkey import PasskeyFormError
from exchange.errors.trust import KeyKindError, KeyLengthError, SignatureError, WeakKeyError
from exchange.signing.keys import Algorithm, PublicKey, parse_public_jwk

ES256 = "ES256"
"""ECDSA over P-256 with SHA-256, by its JOSE name (RFC 7518 §3.4)."""
P256_POINT_BYTES = 65
"""An uncompressed point: 04, x, y (SEC 1, §2.3.3)."""

_COORDINATE_BYTES = 32
_COSE_ES256_X = bytes.fromhex("a5010203262001215820")
_COSE_ES256_Y = bytes.fromhex("225820")
_COSE_ED25519_X = bytes.fromhex("a4010103272006215820")


@dataclass(frozen=True, slots=True)
class P256Key:
    """A P-256 key that passed admission; the group has prime order, so a point on the curve is a good one.

    Args:
        raw: The uncompressed point.

    Raises:
        KeyLengthError: Another length.
        WeakKeyError: No point of the curve.
    """

    raw: bytes = field(repr=False)
    kid: str = field(init=False, compare=False)  # RFC 7638 thumbprint, SHA-256, base64url
    _handle: EllipticCurvePublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.raw) != P256_POINT_BYTES:
            raise KeyLengthError(algorithm=ES256, what="public key", expected=P256_POINT_BYTES, found=len(self.raw))
        try:
            handle = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), self.raw)
        except ValueError as error:
            raise WeakKeyError(key=self.raw.hex(), reason="no point of P-256") from error
        object.__setattr__(self, "_handle", handle)
        object.__setattr__(self, "kid", base64url_encode(hashlib.sha256(canonical_json(self.jwk())).digest()))

    @property
    def algorithm(self) -> str:
        """The JOSE name of what it verifies."""
        return ES256

    def jwk(self) -> dict[str, str]:
        """The public JWK: exactly the members that the thumbprint covers (RFC 7638 §3.2)."""
        x, y = self.raw[1 : 1 + _COORDINATE_BYTES], self.raw[1 + _COORDINATE_BYTES :]
        return {"crv": "P-256", "kty": "EC", "x": base64url_encode(x), "y": base64url_encode(y)}

    def verify(self, message: bytes, signature: bytes) -> None:
        """Accept exactly this key's signature over these bytes.

        Raises:
            SignatureError: Anything else.
        """
        try:
            self._handle.verify(signature, message, ECDSA(SHA256()))
        except (InvalidSignature, ValueError) as error:
            raise SignatureError(algorithm=ES256, kid=self.kid) from error


PasskeyKey: TypeAlias = PublicKey | P256Key
"""An Ed25519 or a P-256 key."""


def parse_passkey_jwk(jwk: Mapping[str, object], *, subject: str) -> PasskeyKey:
    """Read the public JWK of a passkey.

    Raises:
        KeyKindError: Neither EC/P-256 nor OKP/Ed25519.
        FieldError: A member too many or too few.
        Base64Error, KeyLengthError, WeakKeyError: As they say.
    """
    if (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256"):
        public = parse_public_jwk(jwk, subject=subject)
        if public.algorithm is not Algorithm.ED25519:
            raise KeyKindError(subject=subject, found=public.algorithm)
        return public
    require_members(jwk, {"kty", "crv", "x", "y"}, subject=subject)
    coordinates = [base64url_decode(jwk[name], subject=subject) for name in ("x", "y")]
    for name, coordinate in zip("xy", coordinates, strict=True):
        if len(coordinate) != _COORDINATE_BYTES:
            raise KeyLengthError(algorithm=ES256, what=name, expected=_COORDINATE_BYTES, found=len(coordinate))
    return P256Key(b"\x04" + b"".join(coordinates))


def parse_cose_key(raw: bytes) -> PasskeyKey:
    """Read the COSE_Key that an authenticator makes: ES256 over P-256, or EdDSA over Ed25519.

    CTAP 2 §6 prescribes one CBOR encoding and WebAuthn exactly these members (Level 3, §5.8.5 and §6.5.1.1), so each of
    the two kinds is a fixed text with holes for the coordinates; no CBOR is parsed.

    Raises:
        PasskeyFormError: Any other bytes.
        WeakKeyError: A key that must not enter.
    """
    x = raw[len(_COSE_ES256_X) :][:_COORDINATE_BYTES]
    y = raw[-_COORDINATE_BYTES:]
    if raw == _COSE_ES256_X + x + _COSE_ES256_Y + y:
        return P256Key(b"\x04" + x + y)
    if raw == _COSE_ED25519_X + y:
        return PublicKey(Algorithm.ED25519, y)
    expected = "ES256 over P-256 or EdDSA over Ed25519, in the encoding of CTAP 2"
    raise PasskeyFormError(part="COSE key", expected=expected, found=f"{len(raw)} other bytes")
