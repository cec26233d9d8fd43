"""Passkeys: a WebAuthn credential, and an assertion of it that verifies years later without browser or server.

The checks are those of "Verifying an Authentication Assertion" (Web Authentication Level 3, §7.2) that a reader of the
bytes can make, and stricter where the standard leaves it to the relying party: user verification is required, a page
inside another page is refused, extensions were not asked for and are refused, no member may stand twice.
"""

import hashlib
import re
from dataclasses import dataclass, field

from exchange.encoding import (
    JsonObject,
    base64url_decode,
    base64url_encode,
    int_member,
    require_members,
    text_member,
)
from exchange.errors.encoding import FieldError
from exchange.errors.passkey import (
    PasskeyCounterError,
    PasskeyCredentialError,
    PasskeyFormError,
    PasskeyPartyError,
    PasskeyUserError,
)
from exchange.signing.passkey_data import (
    AuthenticatorData,
    Flag,
    check_client_data,
    parse_assertion_data,
    parse_registration_data,
    require_credential_id,
)
from exchange.signing.passkey_key import PasskeyKey, parse_cose_key

ORIGINS_MAX = 8
"""A desk has one address, two while it moves."""
SIGNATURE_BYTES_MAX = 72
"""An ECDSA signature over P-256 in DER; Ed25519 has 64."""
SIGN_COUNT_MAX = 2**32 - 1

_DOMAIN = re.compile(r"(?!.*\.\.)[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\Z")
_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]{1,253})(?::([1-9][0-9]{0,4}))?\Z")
_DEFAULT_PORT = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyCredential:
    """A credential as it was registered: its public key, and where alone it may be used.

    Args:
        credential_id: 16 to 1,023 bytes, chosen by the authenticator.
        key: Ed25519 or P-256.
        rp_id: The relying party's id, a domain; the authenticator signs its digest.
        origins: The pages that may ask for an assertion, sorted: `https://`, or `http://localhost`.
        sign_count: The signature counter when it was registered; 0 for an authenticator that does not count.

    Raises:
        PasskeyFormError: An id, domain, origin or counter that cannot be.
    """

    credential_id: bytes
    key: PasskeyKey
    rp_id: str
    origins: tuple[str, ...]
    sign_count: int = 0

    def __post_init__(self) -> None:
        require_credential_id(self.credential_id)
        _require_pages(self.rp_id, self.origins)
        if not 0 <= self.sign_count <= SIGN_COUNT_MAX:
            raise PasskeyFormError(part="signature counter", expected="32 bits", found="another number")

    @property
    def kid(self) -> str:
        """The RFC 7638 thumbprint of the key: how the registry names this credential."""
        return self.key.kid

    @property
    def algorithm(self) -> str:
        """The JOSE name of what it signs with."""
        return self.key.algorithm

    def jwk(self) -> dict[str, str]:
        """The public JWK of the key."""
        return self.key.jwk()

    def place(self) -> JsonObject:
        """What a registry's entry or an application says beside the JWK: id and pages."""
        return {
            "credential_id": base64url_encode(self.credential_id),
            "rp_id": self.rp_id,
            "origins": list(self.origins),
            "sign_count": self.sign_count,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyProof:
    """An assertion: what a page gets back from `navigator.credentials.get`."""

    credential_id: bytes
    client_data: bytes = field(repr=False)
    authenticator_data: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    def as_json(self) -> JsonObject:
        """The assertion as it travels: every part in base64url."""
        return {
            "credential_id": base64url_encode(self.credential_id),
            "client_data": base64url_encode(self.client_data),
            "authenticator_data": base64url_encode(self.authenticator_data),
            "signature": base64url_encode(self.signature),
        }


PROOF_MEMBERS = frozenset({"credential_id", "client_data", "authenticator_data", "signature"})
"""The members of `PasskeyProof.as_json`."""


def parse_passkey_proof(proof: JsonObject, *, subject: str) -> PasskeyProof:
    """Read an assertion, unverified.

    Raises:
        FieldError, Base64Error: Not exactly the members of `as_json`, each canonical base64url.
    """
    require_members(proof, set(PROOF_MEMBERS), subject=subject)
    parts = {name: base64url_decode(proof[name], subject=f"{subject}: {name}") for name in PROOF_MEMBERS}
    return PasskeyProof(**parts)


def parse_passkey_place(place: JsonObject, key: PasskeyKey, *, subject: str) -> PasskeyCredential:
    """Read what stands beside a JWK (`PasskeyCredential.place`).

    Raises:
        FieldError, Base64Error: Not exactly its members.
        PasskeyFormError: An id, domain, origin or counter that cannot be.
    """
    require_members(place, {"credential_id", "rp_id", "origins", "sign_count"}, subject=subject)
    origins = place["origins"]
    names = tuple(origin for origin in origins if isinstance(origin, str)) if isinstance(origins, list) else ()
    if origins != list(names):
        raise FieldError(subject=subject, field="origins", expected="a list of strings", found="another value")
    return PasskeyCredential(
        credential_id=base64url_decode(place["credential_id"], subject=f"{subject}: credential_id"),
        key=key,
        rp_id=text_member(place, "rp_id", subject=subject),
        origins=names,
        sign_count=int_member(place, "sign_count", subject=subject),
    )


def verify_assertion(proof: PasskeyProof, *, challenge: bytes, credential: PasskeyCredential) -> int:
    """Accept a verified user's assertion by exactly this credential, for this challenge, on one of its pages.

    Args:
        proof: The assertion.
        challenge: What the page was to hand over: a statement's digest, or at a login random bytes.
        credential: As registered. Its counter is the last one known: the caller may put in a later one.

    Returns:
        The signature counter, which was not 0 exactly if the authenticator counts.

    Raises:
        PasskeyError: A leaf for each check.
        SignatureError: It is not this credential's signature over these bytes.
    """
    if proof.credential_id != credential.credential_id:
        expected, found = (base64url_encode(one)[:32] for one in (credential.credential_id, proof.credential_id))
        raise PasskeyCredentialError(expected=expected, found=found)
    check_client_data(proof.client_data, ceremony="webauthn.get", challenge=challenge, origins=credential.origins)
    data = parse_assertion_data(proof.authenticator_data)
    _require_party(data, credential.rp_id)
    _require_user(data)
    if len(proof.signature) > SIGNATURE_BYTES_MAX:
        found = f"{len(proof.signature)} bytes"
        raise PasskeyFormError(part="signature", expected=f"at most {SIGNATURE_BYTES_MAX} bytes", found=found)
    signed = proof.authenticator_data + hashlib.sha256(proof.client_data).digest()  # §7.2, steps 20 and 21
    credential.key.verify(signed, proof.signature)
    require_count(credential.sign_count, data.sign_count)
    return data.sign_count


def require_count(before: int, found: int) -> None:
    """Refuse a counter that did not move on; an authenticator that never counts says 0 for ever (§7.2, step 22).

    Raises:
        PasskeyCounterError: It stands still or went back.
    """
    if (before or found) and found <= before:
        raise PasskeyCounterError(expected=before, found=found)


def open_registration(
    client_data: bytes, authenticator_data: bytes, *, challenge: bytes, rp_id: str, origins: tuple[str, ...]
) -> PasskeyCredential:
    """The credential that a page got from `navigator.credentials.create` (§7.1); its model is not attested.

    Nothing is signed here, so this proves no possession: ask the new credential for an assertion before it counts.

    Args:
        client_data: The bytes of clientDataJSON.
        authenticator_data: What `getAuthenticatorData()` gives.
        challenge: What the page was to hand over.
        rp_id: The desk's domain.
        origins: The desk's pages.

    Raises:
        PasskeyError: A leaf for each check.
        WeakKeyError: A key that must not enter.
    """
    check_client_data(client_data, ceremony="webauthn.create", challenge=challenge, origins=origins)
    data, attested = parse_registration_data(authenticator_data)
    _require_party(data, rp_id)
    _require_user(data)
    return PasskeyCredential(
        credential_id=attested.credential_id,
        key=parse_cose_key(attested.cose_key),
        rp_id=rp_id,
        origins=origins,
        sign_count=data.sign_count,
    )


def _require_party(data: AuthenticatorData, rp_id: str) -> None:
    expected = hashlib.sha256(rp_id.encode()).digest()
    if data.party != expected:
        raise PasskeyPartyError(party=rp_id, expected=expected.hex(), found=data.party.hex())


def _require_user(data: AuthenticatorData) -> None:
    for flag, expected in ((Flag.USER_PRESENT, "present"), (Flag.USER_VERIFIED, "verified")):
        if flag not in data.flags:
            raise PasskeyUserError(expected=expected)


def _require_pages(rp_id: str, origins: tuple[str, ...]) -> None:
    """Refuse a domain or an origin that no browser writes, and origins that are not of the domain (§5.1.3, step 7)."""
    if _DOMAIN.match(rp_id) is None:
        raise PasskeyFormError(part="rp_id", expected="a domain in lower case", found=rp_id[:80])
    if not 1 <= len(origins) <= ORIGINS_MAX or list(origins) != sorted(set(origins)):
        expected = f"1 to {ORIGINS_MAX}, sorted, each once"
        raise PasskeyFormError(part="origins", expected=expected, found=", ".join(origins)[:80] or "none")
    for origin in origins:
        found = _ORIGIN.match(origin)
        scheme, host, port = ("", "", None) if found is None else (found[1], found[2], found[3])
        of_party = host == rp_id or host.endswith("." + rp_id)
        secure = scheme == "https" or host == "localhost" or host.endswith(".localhost")
        if not of_party or not secure or port == _DEFAULT_PORT[scheme]:
            expected = f"https://[….]{rp_id}[:port]"
            raise PasskeyFormError(part="origin", expected=expected, found=origin[:80])
