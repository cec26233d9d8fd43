"""An officer's passkey on its way into the registry: what it is asked to answer, and the application that comes of it.

Nothing here lists a passkey. The application goes to the member's delegation, whose two keys lie on no node: whoever
has stolen a desk can apply, and enrols nobody (docs/ceremony.md).
"""

from dataclasses import dataclass
from datetime import datetime

from exchange.encoding import (
    JsonObject,
    canonical_json,
    format_instant,
    parse_canonical_object,
    parse_instant,
    require_members,
    text_member,
)
from exchange.errors.encoding import FieldError
from exchange.signing.admission import AppliedKey, apply_for_passkey, passkey_possession
from exchange.signing.keys import KeyPurpose
from exchange.signing.members import parse_listed_key
from exchange.signing.passkey import PasskeyCredential, PasskeyProof

REQUEST_TYPE = "passkey-request/1"
REQUEST_BYTES_MAX = 16 * 1024

_SUBJECT = "request for a passkey"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRequest:
    """What is asked of the registry for one officer's passkey, before the passkey has answered."""

    member: str
    at: datetime
    officer: str
    roles: tuple[str, ...]
    credential: PasskeyCredential

    @property
    def challenge(self) -> bytes:
        """What the passkey is to answer."""
        return passkey_possession(self._applied, member=self.member, at=self.at)

    def application(self, proof: PasskeyProof) -> bytes:
        """The application, as a ceremony takes it.

        Raises:
            PossessionError: It is not this passkey's answer.
            AdmissionError, EncodingError: As `exchange.signing.admission.open_application` would refuse it.
        """
        return apply_for_passkey(self._applied, proof, member=self.member, at=self.at)

    @property
    def _applied(self) -> AppliedKey:
        return AppliedKey(
            purpose=KeyPurpose.OFFICER, key=self.credential, officer=self.officer, roles=tuple(sorted(set(self.roles)))
        )


def format_request(request: PasskeyRequest) -> bytes:
    """The bytes of a request that waits for its answer."""
    return canonical_json(
        {
            "type": REQUEST_TYPE,
            "member": request.member,
            "at": format_instant(request.at),
            "officer": request.officer,
            "roles": list(request.roles),
            "jwk": request.credential.jwk(),
            "passkey": request.credential.place(),
        }
    )


def parse_request(raw: bytes) -> PasskeyRequest:
    """Read a request.

    Raises:
        EncodingError, TrustError: Any other spelling than `format_request` writes, or a key that must not enter.
    """
    document = parse_canonical_object(raw, subject=_SUBJECT, bytes_max=REQUEST_BYTES_MAX)
    require_members(document, {"type", "member", "at", "officer", "roles", "jwk", "passkey"}, subject=_SUBJECT)
    roles = document["roles"]
    names = tuple(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else ()
    if document["type"] != REQUEST_TYPE or roles != list(names):
        raise FieldError(subject=_SUBJECT, field="type", expected=REQUEST_TYPE, found="another document")
    return PasskeyRequest(
        member=text_member(document, "member", subject=_SUBJECT),
        at=parse_instant(document["at"], subject=_SUBJECT),
        officer=text_member(document, "officer", subject=_SUBJECT),
        roles=names,
        credential=parse_credential(document, subject=_SUBJECT),
    )


def parse_credential(document: JsonObject, *, subject: str) -> PasskeyCredential:
    """The credential in the members `jwk` and `passkey`.

    Raises:
        EncodingError, TrustError: Not the one legal form, or a key that must not enter.
    """
    key = parse_listed_key({"jwk": document.get("jwk"), "passkey": document.get("passkey")}, subject=subject)
    assert isinstance(key, PasskeyCredential)  # it stands beside its passkey
    return key
