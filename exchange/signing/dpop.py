"""What a node shows to be let in: client assertion (RFC 7523), DPoP proof (RFC 9449) and access token (RFC 9068).

These three are the standards' own formats, which any OAuth client may write, so members may stand in any order. All
else is strict, and every one passes `open_strict` first: three parts of canonical base64url, strict JSON without
duplicate members, exactly the header members of its kind, Ed25519 only, its own typ, a key of the registry only.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType

from exchange.encoding import (
    Json,
    JsonObject,
    base64url_decode,
    base64url_encode,
    canonical_json,
    int_member,
    parse_json_object,
    require_members,
    text_member,
)
from exchange.errors.encoding import EncodingError, FieldError
from exchange.errors.exchange_ import AssertionRefusedError, PassageError, ProofRefusedError, TokenRefusedError
from exchange.errors.trust import TrustError
from exchange.signing.keys import Algorithm, PublicKey, Signer

COMPACT_CHARS_MAX = 4096
"""No assertion, proof or token of this profile has more than about 900 characters."""
JTI_CHARS_MIN, JTI_CHARS_MAX = 22, 64
"""At least 128 bits in base64url."""
HEADERS_KEPT_MAX = 256
"""How many headers are remembered as read; each has at most `COMPACT_CHARS_MAX` characters."""
_WITH_KID, _WITH_JWK = frozenset({"alg", "kid", "typ"}), frozenset({"alg", "jwk", "typ"})
_PROOF_CLAIMS = {"htm", "htu", "iat", "jti"}
_NONCE, _NONCE_AND_ATH = frozenset({"nonce"}), frozenset({"nonce", "ath"})
_JTI = re.compile(rf"[A-Za-z0-9_-]{{{JTI_CHARS_MIN},{JTI_CHARS_MAX}}}\Z")
TOKEN_LIFE_S_MAX = 300
"""The longest life of an access token, in seconds."""
ASSERTION_TYP, PROOF_TYP, TOKEN_TYP = "client-authentication+jwt", "dpop+jwt", "at+jwt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A DPoP proof that holds for one request; its nonce is still to be judged by the server that gave it."""

    key: PublicKey
    jti: str
    issued_at: datetime
    nonce: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A client assertion that authenticates a member; its jti is still to be spent."""

    member: str
    jti: str
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """An access token: who may call, until when, and with which key."""

    member: str
    jti: str
    thumbprint: str
    expires: datetime
    registry_version: int


def make_assertion(
    *,
    signer: Signer,
    member: str,
    audience: str,
    at: datetime,
    jti: str,
    life_s: int = 60,
    registry: int | None = None,
) -> str:
    """A client assertion of the member for the token endpoint of `audience` (an issuer, one string).

    `registry` is the version of the registry that the member acts under: a server with an older one refreshes first.
    """
    issued = int(at.timestamp())
    claims = {"aud": audience, "exp": issued + life_s, "iat": issued, "iss": member, "jti": jti, "sub": member}
    claims |= {} if registry is None else {"reg": registry}
    return _sign({"kid": signer.public.kid, "typ": ASSERTION_TYP}, claims, signer)


def open_assertion(
    assertion: str, *, keys: Sequence[PublicKey], audience: str, at: datetime, life_s: int, skew_s: int
) -> Assertion:
    """Verify a client assertion under the transport keys of the member that it names.

    Raises:
        AssertionRefusedError: With the reason.

    Source: RFC 7523 §3; draft-ietf-oauth-rfc7523bis: the audience is the issuer as one string.
    """
    try:
        claims = _open_with_kid(assertion, typ=ASSERTION_TYP, keys=keys)
        require_members(
            claims, {"aud", "exp", "iat", "iss", "jti", "sub"}, optional=frozenset({"nbf", "reg"}), subject="claims"
        )
        member, expires = text_member(claims, "iss", subject="claims"), int_member(claims, "exp", subject="claims")
        issued = int_member(claims, "iat", subject="claims")
        if "reg" in claims:
            int_member(claims, "reg", subject="claims")  # read before by `peek_registry`, which passes it over if odd
        jti = _jti(claims)
    except (EncodingError, TrustError) as error:
        raise AssertionRefusedError(reason=error.code) from error
    now = at.timestamp()
    _require(claims["sub"] == member, AssertionRefusedError, "iss and sub must be the same member")
    _require(claims["aud"] == audience, AssertionRefusedError, "aud must be this issuer, as one string")
    _require(issued <= now + skew_s, AssertionRefusedError, "iat lies in the future")
    _require(expires > now, AssertionRefusedError, "expired")
    _require(expires - issued <= life_s, AssertionRefusedError, f"lives longer than {life_s} s")
    _require(issued >= now - life_s - skew_s, AssertionRefusedError, "issued too long ago")
    _require(_not_before(claims) <= now + skew_s, AssertionRefusedError, "nbf lies in the future")
    return Assertion(member=member, jti=jti, expires=at + timedelta(seconds=expires - now))


def make_proof(
    *,
    signer: Signer,
    method: str,
    url: str,
    at: datetime,
    jti: str,
    nonce: str | None = None,
    access_token: str | None = None,
) -> str:
    """A DPoP proof for one request to `url`, the configured issuer and the path without query."""
    claims: dict[str, object] = {"htm": method, "htu": url, "iat": int(at.timestamp()), "jti": jti}
    if access_token is not None:
        claims["ath"] = token_hash(access_token)
    if nonce is not None:
        claims["nonce"] = nonce
    return _sign({"jwk": signer.public.jwk(), "typ": PROOF_TYP}, claims, signer)


def open_proof(
    proof: str,
    *,
    keys: Sequence[PublicKey],
    method: str,
    url: str,
    at: datetime,
    age_s: int,
    skew_s: int,
    access_token: str | None = None,
) -> Proof:
    """Verify a DPoP proof for exactly this request under one of the caller's registered keys.

    Args:
        proof: The header's value.
        keys: The caller's transport keys; the proof's own `jwk` only says which of them.
        method: Of the request.
        url: Configured issuer and path; never made from the Host header.
        at: The server's time.
        age_s: How old a proof may be.
        skew_s: How far ahead the caller's clock may run.
        access_token: The token beside it, which `ath` must name; None at the token endpoint.

    Raises:
        ProofRefusedError: With the reason.

    Source: RFC 9449 §4.3.
    """
    try:
        header, claims, signing_input, signature = open_strict(proof, typ=PROOF_TYP, members=_WITH_JWK)
        # Compared with the registered keys' own form: a key from a request is never even parsed.
        key = next((one for one in keys if one.jwk() == header["jwk"]), None)
        optional = _NONCE if access_token is None else _NONCE_AND_ATH
        require_members(claims, _PROOF_CLAIMS, optional=optional, subject="claims")
        issued, jti = int_member(claims, "iat", subject="claims"), _jti(claims)
        nonce = text_member(claims, "nonce", subject="claims") if "nonce" in claims else None
        if key is None:
            raise ProofRefusedError(reason="jwk is not the caller's registered key")
        key.verify(signing_input, signature)
    except (EncodingError, TrustError) as error:
        raise ProofRefusedError(reason=error.code) from error
    now = at.timestamp()
    _require(claims["htm"] == method, ProofRefusedError, "htm is not the method of this request")
    _require(claims["htu"] == url, ProofRefusedError, "htu is not the address of this request")
    _require(now - age_s <= issued <= now + skew_s, ProofRefusedError, "iat is too old or lies in the future")
    if access_token is not None:
        _require(claims.get("ath") == token_hash(access_token), ProofRefusedError, "ath is not this token's hash")
    return Proof(key=key, jti=jti, nonce=nonce, issued_at=at + timedelta(seconds=issued - now))


def make_token(
    *, signer: Signer, issuer: str, member: str, thumbprint: str, at: datetime, jti: str, life_s: int, registry: int
) -> str:
    """An access token of this issuer for its own gateway, bound to the caller's key (RFC 9068, RFC 9449 §6.1)."""
    issued = int(at.timestamp())
    claims = {
        "aud": issuer,
        "client_id": member,
        "cnf": {"jkt": thumbprint},
        "exp": issued + life_s,
        "iat": issued,
        "iss": issuer,
        "jti": jti,
        "reg": registry,
        "sub": member,
    }
    return _sign({"kid": signer.public.kid, "typ": TOKEN_TYP}, claims, signer)


def open_token(token: str, *, keys: Sequence[PublicKey], issuer: str, at: datetime) -> AccessToken:
    """Verify an access token that this issuer gave.

    Raises:
        TokenRefusedError: With the reason.

    Source: RFC 9068 §4.
    """
    try:
        claims = _open_with_kid(token, typ=TOKEN_TYP, keys=keys)
        names = {"aud", "client_id", "cnf", "exp", "iat", "iss", "jti", "reg", "sub"}
        require_members(claims, names, subject="claims")
        confirmation = claims["cnf"] if isinstance(claims["cnf"], dict) else {}
        require_members(confirmation, {"jkt"}, subject="cnf")
        expires = int_member(claims, "exp", subject="claims")
        member, jti = text_member(claims, "sub", subject="claims"), _jti(claims)
        thumbprint = text_member(confirmation, "jkt", subject="cnf")
        version = int_member(claims, "reg", subject="claims")
    except (EncodingError, TrustError) as error:
        raise TokenRefusedError(reason=error.code) from error
    left_s = expires - at.timestamp()
    _require(claims["iss"] == issuer and claims["aud"] == issuer, TokenRefusedError, "not issued here for here")
    _require(claims["client_id"] == member, TokenRefusedError, "sub and client_id differ")
    _require(left_s > 0, TokenRefusedError, "expired")
    _require(left_s <= TOKEN_LIFE_S_MAX, TokenRefusedError, f"lives longer than {TOKEN_LIFE_S_MAX} s")
    return AccessToken(
        member=member, jti=jti, thumbprint=thumbprint, expires=at + timedelta(seconds=left_s), registry_version=version
    )


def token_hash(token: str) -> str:
    """The `ath` of a token: base64url of SHA-256 of its ASCII (RFC 9449 §4.2)."""
    return base64url_encode(hashlib.sha256(token.encode("ascii")).digest())


def peek_member(assertion: str) -> str:
    """The member that an assertion names, **unverified**: only to find out whose keys to ask for.

    Raises:
        AssertionRefusedError: It is not even in the form of one.
    """
    try:
        _, claims, _, _ = open_strict(assertion, typ=ASSERTION_TYP, members=_WITH_KID)
        return text_member(claims, "iss", subject="claims")
    except EncodingError as error:
        raise AssertionRefusedError(reason=error.code) from error


def peek_registry(token: str) -> int | None:
    """The registry version that an assertion or an access token names, **unverified**: only to know when to refresh."""
    for typ in (ASSERTION_TYP, TOKEN_TYP):
        with suppress(EncodingError):
            _, claims, _, _ = open_strict(token, typ=typ, members=_WITH_KID)
            return int_member(claims, "reg", subject="claims") if "reg" in claims else None
    return None


def open_strict(
    token: str, *, typ: str, members: AbstractSet[str]
) -> tuple[Mapping[str, Json], JsonObject, bytes, bytes]:
    """Header, claims, signing input and signature of a compact JWT whose header is exactly what its kind allows.

    Raises:
        EncodingError: Any other spelling, member, typ, or an algorithm that is not Ed25519.
    """
    parts = token.split(".", 3) if len(token) <= COMPACT_CHARS_MAX and token.isascii() else []
    if len(parts) != 3:  # noqa: PLR2004  # header, payload, signature: RFC 7515 §3.1
        raise _spelling("three parts of base64url")
    header = _strict_header(parts[0], typ, frozenset(members))
    claims = parse_json_object(base64url_decode(parts[1], subject="claims"), subject="claims")
    signature = base64url_decode(parts[2], subject="signature")
    return header, claims, token[: -1 - len(parts[2])].encode("ascii"), signature


@lru_cache(maxsize=HEADERS_KEPT_MAX)
def _strict_header(part: str, typ: str, members: frozenset[str]) -> Mapping[str, Json]:
    # A client writes the same header over every proof: what was read once reads the same again.
    header = parse_json_object(base64url_decode(part, subject="header"), subject="header")
    require_members(header, set(members), subject="header")
    for name, expected in (("typ", typ), ("alg", Algorithm.ED25519.value)):
        if header[name] != expected:
            raise _spelling(f"{name} {expected}")
    return MappingProxyType(header)


def _open_with_kid(token: str, *, typ: str, keys: Sequence[PublicKey]) -> JsonObject:
    header, claims, signing_input, signature = open_strict(token, typ=typ, members=_WITH_KID)
    for key in keys:
        if key.kid == header["kid"] and key.algorithm is Algorithm.ED25519:
            key.verify(signing_input, signature)
            return claims
    raise _spelling("a kid of the registry")


def _spelling(expected: str) -> EncodingError:
    return FieldError(subject="JWT", field="form", expected=expected, found="something else")


def _sign(header: Mapping[str, object], claims: Mapping[str, object], signer: Signer) -> str:
    protected = canonical_json({"alg": Algorithm.ED25519.value, **header})
    signing_input = base64url_encode(protected) + "." + base64url_encode(canonical_json(claims))
    return signing_input + "." + base64url_encode(signer.sign(signing_input.encode("ascii")))


def _jti(claims: Mapping[str, object]) -> str:
    jti = text_member(claims, "jti", subject="claims")
    if _JTI.match(jti) is None:
        raise _spelling(f"a jti of {JTI_CHARS_MIN} to {JTI_CHARS_MAX} characters of base64url")
    return jti


def _not_before(claims: Mapping[str, object]) -> int:
    found = claims.get("nbf", 0)
    return found if isinstance(found, int) and not isinstance(found, bool) else 2**53


def _require(held: bool, refusal: type[PassageError], reason: str) -> None:  # noqa: FBT001  # reads as a sentence
    if not held:
        raise refusal(reason=reason)
