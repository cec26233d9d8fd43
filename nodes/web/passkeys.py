"""Passkeys of a console: how one is kept, and what a page sends of an assertion or of a new one.

A passkey here signs somebody in. What lets a table leave is another matter: an officer's passkey in the registry, which
only the member's delegation key puts there (`exchange.clearance.passkey`). One device may hold one key for both.
"""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from exchange.clearance.passkey import challenge_of
from exchange.encoding import (
    JsonObject,
    base64url_decode,
    base64url_encode,
    canonical_json,
    parse_canonical_object,
    require_members,
)
from exchange.signing.passkey import (
    PasskeyCredential,
    PasskeyProof,
    open_registration,
    parse_passkey_place,
    parse_passkey_proof,
    verify_assertion,
)
from exchange.signing.passkey_key import parse_passkey_jwk
from nodes.adapters.account_store import PasskeyRow

BASE64URL_CHARS_MAX = 4096
_SUBJECT = "passkey"


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ProofBody(_Body):
    """An assertion: what a page got from `navigator.credentials.get`, every part in base64url."""

    credential_id: str = Field(max_length=BASE64URL_CHARS_MAX)
    client_data: str = Field(max_length=BASE64URL_CHARS_MAX)
    authenticator_data: str = Field(max_length=BASE64URL_CHARS_MAX)
    signature: str = Field(max_length=BASE64URL_CHARS_MAX)

    def proof(self) -> PasskeyProof:
        """The assertion, unverified.

        Raises:
            Base64Error: A part is no canonical base64url.
        """
        return parse_passkey_proof(dict(self.model_dump()), subject="proof")


class RegistrationBody(_Body):
    """A new passkey: what a page got from `navigator.credentials.create`, in base64url."""

    client_data: str = Field(max_length=BASE64URL_CHARS_MAX)
    authenticator_data: str = Field(max_length=BASE64URL_CHARS_MAX)


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A registration and the first assertion by the new passkey, over the same statement: the proof of possession."""

    registration: RegistrationBody
    proof: PasskeyProof

    def open(self, statement: bytes, *, origin: str) -> PasskeyCredential:
        """The credential, once it has proved that somebody holds it; its counter is that of the proof.

        Raises:
            PasskeyError, SignatureError, WeakKeyError: It does not hold.
        """
        parts = self.registration
        credential = open_registration(
            base64url_decode(parts.client_data, subject="client_data"),
            base64url_decode(parts.authenticator_data, subject="authenticator_data"),
            challenge=challenge_of(statement),
            rp_id=rp_id_of(origin),
            origins=(origin,),
        )
        count = verify_assertion(self.proof, challenge=challenge_of(statement), credential=credential)
        return replace(credential, sign_count=count)


def rp_id_of(origin: str) -> str:
    """The relying party's id: the console's host name (WebAuthn Level 3, §5.1.2)."""
    return urlsplit(origin).hostname or ""


def format_credential(credential: PasskeyCredential) -> bytes:
    """A credential as it is kept."""
    jwk: JsonObject = dict(credential.jwk())
    return canonical_json({"jwk": jwk, "place": credential.place()})


def read_credential(row: PasskeyRow) -> PasskeyCredential:
    """A kept credential with the last counter that it showed.

    Raises:
        EncodingError, TrustError, PasskeyError: The row was altered.
    """
    document = parse_canonical_object(row.document, subject=_SUBJECT)
    require_members(document, {"jwk", "place"}, subject=_SUBJECT)
    jwk, place = document["jwk"], document["place"]
    assert isinstance(jwk, dict)  # as format_credential wrote it
    assert isinstance(place, dict)
    kept = parse_passkey_place(place, parse_passkey_jwk(jwk, subject=_SUBJECT), subject=_SUBJECT)
    return replace(kept, sign_count=row.sign_count)


def credential_name(credential_id: bytes) -> str:
    """Under which a credential is kept."""
    return base64url_encode(credential_id)
