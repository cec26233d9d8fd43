"""What a private key's file says in clear: which key, for what, and whether the key itself lies here or in a token.

Two kinds of file stand in the same place under the same name: the sealed envelope (`exchange.signing.sealing`), or a
reference to a token that never gives the key out. A reference pins the public key, so another token put into the same
slot does not sign for the member.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from exchange.encoding import JsonObject, canonical_json, parse_canonical_object, require_members, text_member
from exchange.errors.encoding import EncodingError
from exchange.errors.keys import TokenUriError
from exchange.errors.trust import KeyKindError, PrivateKeyFileError
from exchange.signing.keys import Algorithm, PublicKey, parse_public_jwk
from exchange.signing.sealing import ENVELOPE_BYTES_MAX
from exchange.signing.token_uri import TokenUri, format_token_uri, parse_token_uri

Kept: TypeAlias = Literal["sealed", "plain", "token"]
"""Sealed under a passphrase; in clear, which only a demonstration reads; in a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLabel:
    """What stands on a private key's file."""

    algorithm: Algorithm
    kid: str
    purpose: str
    kept: Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenReference:
    """A key in a token: its purpose, its public half, and where it lies."""

    purpose: str
    public: PublicKey
    uri: TokenUri


def read_label(raw: bytes, *, path: str) -> KeyLabel:
    """What the file says of itself; an envelope's claims count only once it was opened.

    Raises:
        PrivateKeyFileError: No private key's file.
    """
    try:
        document = parse_canonical_object(raw, subject=path, bytes_max=ENVELOPE_BYTES_MAX)
        algorithm, kid, purpose = (text_member(document, name, subject=path) for name in ("alg", "kid", "purpose"))
    except EncodingError as error:
        raise PrivateKeyFileError(path=path, reason=error.sentence()) from error
    if document.get("v") != 1 or algorithm not in set(Algorithm):
        raise PrivateKeyFileError(path=path, reason="version or algorithm unknown")
    return KeyLabel(algorithm=Algorithm(algorithm), kid=kid, purpose=purpose, kept=_kept(document))


def format_reference(reference: TokenReference) -> bytes:
    """The bytes of a reference."""
    return canonical_json(
        {
            "v": 1,
            "alg": reference.public.algorithm.value,
            "kid": reference.public.kid,
            "purpose": reference.purpose,
            "jwk": reference.public.jwk(),
            "token": format_token_uri(reference.uri),
        }
    )


def parse_reference(raw: bytes, *, purpose: str, path: str) -> TokenReference:
    """Read a reference to a key of this purpose.

    Raises:
        PrivateKeyFileError: Another spelling than `format_reference` writes, another purpose, a key of another id.
        WeakKeyError, KeyLengthError: A public key that must not enter.
    """
    label = read_label(raw, path=path)
    if label.algorithm is not Algorithm.ED25519:
        raise PrivateKeyFileError(path=path, reason="a key in a token is Ed25519; ML-DSA-65 lies beside it, sealed")
    if label.purpose != purpose:
        raise PrivateKeyFileError(path=path, reason=f"a {label.purpose[:32]} key, not a {purpose} key")
    try:
        document = parse_canonical_object(raw, subject=path, bytes_max=ENVELOPE_BYTES_MAX)
        require_members(document, {"v", "alg", "kid", "purpose", "jwk", "token"}, subject=path)
        jwk = document["jwk"]
        public = parse_public_jwk(jwk if isinstance(jwk, dict) else {}, subject=path)
        uri = parse_token_uri(text_member(document, "token", subject=path))
    except (EncodingError, KeyKindError, TokenUriError) as error:
        raise PrivateKeyFileError(path=path, reason=error.sentence()) from error
    reference = TokenReference(purpose=purpose, public=public, uri=uri)
    if format_reference(reference) != raw:
        raise PrivateKeyFileError(
            path=path, reason="key id, algorithm or token not as its public key and RFC 7512 give"
        )
    return reference


def _kept(document: JsonObject) -> Kept:
    if "token" in document:
        return "token"
    return "plain" if document.get("kdf") == {"name": "none"} else "sealed"
