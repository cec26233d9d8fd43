"""JSON Web Signatures with exactly one legal spelling: compact, and general JSON with one or two signatures (RFC 7515).

The protected header is always `{"alg":…,"kid":…,"typ":…}` in RFC 8785 form, so for a given key and type it is one
known string: verification compares it and parses nothing an attacker wrote. No unprotected header, `crit`, `b64`,
`jku`, `jwk` or `x5u` can occur. The typ names the kind of document, so no signature is good for another kind.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from exchange.encoding import (
    Json,
    JsonObject,
    base64url_decode,
    base64url_encode,
    canonical_json,
    parse_canonical_object,
    require_members,
    text_member,
)
from exchange.errors.encoding import EncodingError
from exchange.errors.trust import JwsFormError, JwsHeaderError, SignatureSetError, UnknownKeyError
from exchange.signing.keys import HYBRID, Algorithm, PublicKey, Signer

COMPACT_CHARS_MAX = 16 * 1024
"""A compact JWS travels in an HTTP header beside others; servers cap all headers at 64 KiB."""
GENERAL_BYTES_MAX = 64 * 1024
"""Two signatures take 5 KiB; the rest is room for an attached statement."""
HEADER_CHARS_MAX = 256
"""The longest protected header here has 150 characters in base64url."""
SIGNATURES_MAX = 2


@dataclass(frozen=True, slots=True)
class Header:
    """The protected header; all three members are always present."""

    alg: str
    kid: str
    typ: str


def sign_compact(payload: bytes, *, typ: str, signer: Signer) -> str:
    """A compact JWS over these bytes (RFC 7515 §3.1)."""
    signing_input = _protected(signer.public, typ) + "." + base64url_encode(payload)
    return signing_input + "." + base64url_encode(signer.sign(signing_input.encode("ascii")))


def open_compact(token: str, *, typ: str, keys: Sequence[PublicKey]) -> bytes:
    """The payload of a compact JWS that one of these keys signed as this type.

    Raises:
        JwsFormError: Not three canonical base64url parts within `COMPACT_CHARS_MAX`.
        JwsHeaderError: Another header than the one legal form.
        UnknownKeyError: The header names a key that is not among `keys`.
        SignatureError: The signature does not verify.
    """
    protected, payload, signature = _split(token, subject=typ)
    key = _signing_key(protected, typ=typ, keys=keys)
    content = _decode(payload, subject=typ)
    key.verify(f"{protected}.{payload}".encode("ascii"), _decode(signature, subject=typ))
    return content


def sign_detached(payload: bytes, *, typ: str, signers: Sequence[Signer]) -> bytes:
    """A general JSON JWS over detached bytes, signatures in the order of `signers` (RFC 7515 §7.2.1, app. F)."""
    return canonical_json({"signatures": _sign(base64url_encode(payload), typ=typ, signers=signers)})


def verify_detached(
    jws: bytes,
    payload: bytes,
    *,
    typ: str,
    keys: Sequence[PublicKey],
    algorithms: Sequence[Algorithm] = HYBRID,
) -> tuple[PublicKey, ...]:
    """The keys that signed these bytes: one per algorithm, exactly these algorithms in this order.

    Raises:
        JwsFormError, JwsHeaderError: Any other spelling than the one `sign_detached` writes.
        SignatureSetError: A signature missing, added, doubled or out of order.
        UnknownKeyError, SignatureError: By whom, and whether it holds.
    """
    shell = _parse_shell(jws, {"signatures"}, subject=typ)
    return verify_signatures(shell["signatures"], base64url_encode(payload), typ=typ, keys=keys, algorithms=algorithms)


def sign_attached(payload: bytes, *, typ: str, signers: Sequence[Signer]) -> bytes:
    """A general JSON JWS that carries these bytes."""
    encoded = base64url_encode(payload)
    return canonical_json({"payload": encoded, "signatures": _sign(encoded, typ=typ, signers=signers)})


def open_attached(
    jws: bytes, *, typ: str, keys: Sequence[PublicKey], algorithms: Sequence[Algorithm] = HYBRID
) -> bytes:
    """The payload that these algorithms' keys signed; refuses as `verify_detached` does."""
    shell = _parse_shell(jws, {"payload", "signatures"}, subject=typ)
    payload = _decode(shell["payload"], subject=typ)
    encoded = base64url_encode(payload)  # the same text, since only that decodes
    verify_signatures(shell["signatures"], encoded, typ=typ, keys=keys, algorithms=algorithms)
    return payload


def peek_attached(jws: bytes) -> bytes:
    """The payload of a well-formed attached JWS, **unverified**: only to find out whose keys to ask for."""
    shell = _parse_shell(jws, {"payload", "signatures"}, subject="attached JWS")
    _signature_pairs(shell["signatures"], subject="attached JWS")
    return _decode(shell["payload"], subject="attached JWS")


def sign_signatures(payload: bytes, *, typ: str, signers: Sequence[Signer]) -> list[dict[str, str]]:
    """The bare `signatures` member over detached bytes, for a document that embeds it (clearance.json)."""
    return _sign(base64url_encode(payload), typ=typ, signers=signers)


def verify_signatures(
    signatures: Json,
    encoded_payload: str,
    *,
    typ: str,
    keys: Sequence[PublicKey],
    algorithms: Sequence[Algorithm],
) -> tuple[PublicKey, ...]:
    """Verify a bare `signatures` member over a payload given in base64url; refuses as `verify_detached` does."""
    pairs = _signature_pairs(signatures, subject=typ)
    found = [parse_header(protected, subject=typ).alg for protected, _ in pairs]
    if found != list(algorithms):
        raise SignatureSetError(subject=typ, expected=", ".join(algorithms), found=", ".join(found) or "none")
    signed_by = []
    for protected, signature in pairs:
        key = _signing_key(protected, typ=typ, keys=keys)
        key.verify(f"{protected}.{encoded_payload}".encode("ascii"), signature)
        signed_by.append(key)
    return tuple(signed_by)


def parse_header(protected: str, *, subject: str) -> Header:
    """Read a protected header: canonical base64url of RFC 8785 JSON with exactly alg, kid and typ."""
    if len(protected) > HEADER_CHARS_MAX:
        raise JwsFormError(subject=subject, reason=f"header longer than {HEADER_CHARS_MAX} characters")
    try:
        raw = base64url_decode(protected, subject="protected header")
        members = parse_canonical_object(raw, subject="protected header")
        require_members(members, {"alg", "kid", "typ"}, subject="protected header")
        texts = [text_member(members, name, subject="protected header") for name in ("alg", "kid", "typ")]
    except EncodingError as error:
        raise JwsFormError(subject=subject, reason=error.sentence()) from error
    return Header(*texts)


@lru_cache(maxsize=4096)
def _protected_text(alg: str, kid: str, typ: str) -> str:
    return base64url_encode(canonical_json({"alg": alg, "kid": kid, "typ": typ}))


def _protected(key: PublicKey, typ: str) -> str:
    return _protected_text(key.algorithm.value, key.kid, typ)


def _signing_key(protected: str, *, typ: str, keys: Iterable[PublicKey]) -> PublicKey:
    """The key for which this is the one legal header; parses the header only to say what is wrong with it."""
    for key in keys:
        if protected == _protected(key, typ):
            return key
    header = parse_header(protected, subject=typ)
    if header.typ != typ:
        raise JwsHeaderError(subject=typ, field="typ", expected=typ, found=header.typ)
    if header.alg not in set(Algorithm):
        raise JwsHeaderError(subject=typ, field="alg", expected=", ".join(Algorithm), found=header.alg)
    raise UnknownKeyError(subject=typ, algorithm=header.alg, kid=header.kid)


def _sign(encoded_payload: str, *, typ: str, signers: Sequence[Signer]) -> list[dict[str, str]]:
    signatures = []
    for signer in signers:
        protected = _protected(signer.public, typ)
        signature = signer.sign(f"{protected}.{encoded_payload}".encode("ascii"))
        signatures.append({"protected": protected, "signature": base64url_encode(signature)})
    return signatures


def _split(token: str, *, subject: str) -> tuple[str, str, str]:
    if len(token) > COMPACT_CHARS_MAX:
        raise JwsFormError(subject=subject, reason=f"longer than {COMPACT_CHARS_MAX} characters")
    try:
        protected, payload, signature = token.split(".", 3)
    except ValueError as error:
        raise JwsFormError(subject=subject, reason="not three parts") from error
    return protected, payload, signature


def _decode(text: object, *, subject: str) -> bytes:
    try:
        return base64url_decode(text, subject="a part")
    except EncodingError as error:
        raise JwsFormError(subject=subject, reason=error.sentence()) from error


def _parse_shell(jws: bytes, members: set[str], *, subject: str) -> JsonObject:
    try:
        shell = parse_canonical_object(jws, subject="JWS", bytes_max=GENERAL_BYTES_MAX)
        require_members(shell, members, subject="JWS")
    except EncodingError as error:
        raise JwsFormError(subject=subject, reason=error.sentence()) from error
    return shell


def _signature_pairs(signatures: Json, *, subject: str) -> list[tuple[str, bytes]]:
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= SIGNATURES_MAX:
        raise JwsFormError(subject=subject, reason=f"signatures is not a list of 1 to {SIGNATURES_MAX}")
    pairs = []
    try:
        for entry in signatures:
            if not isinstance(entry, dict):
                raise JwsFormError(subject=subject, reason="a signature is not an object")
            require_members(entry, {"protected", "signature"}, subject="a signature")
            protected = text_member(entry, "protected", subject="a signature")
            signature = base64url_decode(entry["signature"], subject="a signature")
            pairs.append((protected, signature))
    except EncodingError as error:
        raise JwsFormError(subject=subject, reason=error.sentence()) from error
    return pairs
