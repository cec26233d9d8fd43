"""What a browser and an authenticator say in a WebAuthn ceremony, read strictly: client data, authenticator data.

Source: Web Authentication Level 3 (W3C), §5.8.1 (client data) and §6.1 (authenticator data).
"""

from dataclasses import dataclass
from enum import IntFlag

from exchange.encoding import JsonObject, base64url_encode, parse_json_object
from exchange.errors.encoding import EncodingError
from exchange.errors.passkey import (
    PasskeyChallengeError,
    PasskeyEmbeddedError,
    PasskeyFormError,
    PasskeyOriginError,
    PasskeyTypeError,
)

CLIENT_DATA_BYTES_MAX = 1024
"""Browsers write 120 to 400 bytes; sixteen approvals must fit into a clearance."""
HEAD_BYTES = 37
"""Digest of the relying party's id (32), flags (1), counter (4): all that an assertion without extensions has."""
CREDENTIAL_ID_BYTES_MIN, CREDENTIAL_ID_BYTES_MAX = 16, 1023
"""Level 3, §5.1.1 and §6.5.1.2; at least 100 bits of entropy."""

_AAGUID_BYTES = 16
_LENGTH_BYTES = 2


class Flag(IntFlag):
    """Level 3, §6.1; bits 1 and 5 are reserved, and ignored as it says."""

    USER_PRESENT = 0x01
    USER_VERIFIED = 0x04
    BACKUP_ELIGIBLE = 0x08
    BACKED_UP = 0x10
    ATTESTED = 0x40
    EXTENSIONS = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatorData:
    """What the authenticator signs, with the digest of the client data after it.

    Attributes:
        party: SHA-256 of the relying party's id.
        flags: Reserved bits left out.
        sign_count: How often this credential, or its authenticator, signed; 0 for one that does not count.
    """

    party: bytes
    flags: Flag
    sign_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestedCredential:
    """What a registration adds: the new credential; which model made it is not asked."""

    credential_id: bytes
    cose_key: bytes


def check_client_data(raw: bytes, *, ceremony: str, challenge: bytes, origins: tuple[str, ...]) -> None:
    """Accept the client data of this ceremony, for this challenge, on one of these pages that stands alone.

    Members that the standard does not name are no fault: browsers add some, so that nobody takes it for a fixed text.

    Args:
        raw: The bytes of clientDataJSON.
        ceremony: `webauthn.get` or `webauthn.create`.
        challenge: The bytes that the page was to hand over.
        origins: Scheme, host and port, spelt as a browser spells them.

    Raises:
        PasskeyFormError: No strict JSON object, a member twice or of another type, too long.
        PasskeyTypeError, PasskeyChallengeError, PasskeyOriginError, PasskeyEmbeddedError: Each for its member.
    """
    client_data = _parse_client_data(raw)
    kind, answered, origin = (_text(client_data, name) for name in ("type", "challenge", "origin"))
    if kind != ceremony:
        raise PasskeyTypeError(expected=ceremony, found=kind[:32])
    # Compared as text: only the one canonical spelling of base64url is the same.
    expected = base64url_encode(challenge)
    if answered != expected:
        raise PasskeyChallengeError(expected=expected, found=answered[:64])
    if origin not in origins:
        raise PasskeyOriginError(expected=", ".join(origins), found=origin[:80])
    # A page of ours that is shown inside a foreign one is still of our origin.
    if client_data.get("crossOrigin", False) is not False:
        raise PasskeyEmbeddedError(field="crossOrigin", expected="false or absent", found="another value")
    if "topOrigin" in client_data:
        raise PasskeyEmbeddedError(field="topOrigin", expected="absent", found="present")


def parse_assertion_data(raw: bytes) -> AuthenticatorData:
    """Read the authenticator data of an assertion.

    Raises:
        PasskeyFormError: Another length, a credential or extensions that nobody asked for, flags that contradict.
    """
    data = _parse_head(raw)
    if len(raw) != HEAD_BYTES or data.flags & (Flag.ATTESTED | Flag.EXTENSIONS):
        raise _misread(f"{HEAD_BYTES} bytes without credential and extensions", f"{len(raw)} bytes")
    return data


def parse_registration_data(raw: bytes) -> tuple[AuthenticatorData, AttestedCredential]:
    """Read the authenticator data of a registration; whether id and key are any is asked where they are used.

    Raises:
        PasskeyFormError: No credential, extensions that nobody asked for, or flags that contradict.
    """
    data = _parse_head(raw)
    if not data.flags & Flag.ATTESTED or data.flags & Flag.EXTENSIONS:
        raise _misread("a credential and no extensions", f"flags {int(data.flags):#04x}")
    after = raw[HEAD_BYTES + _AAGUID_BYTES :]
    size = int.from_bytes(after[:_LENGTH_BYTES], "big")
    credential_id, cose_key = after[_LENGTH_BYTES:][:size], after[_LENGTH_BYTES + size :]
    return data, AttestedCredential(credential_id=credential_id, cose_key=cose_key)


def require_credential_id(credential_id: bytes) -> None:
    """Refuse what cannot be a credential's id.

    Raises:
        PasskeyFormError: Too short or too long.
    """
    if not CREDENTIAL_ID_BYTES_MIN <= len(credential_id) <= CREDENTIAL_ID_BYTES_MAX:
        expected = f"{CREDENTIAL_ID_BYTES_MIN} to {CREDENTIAL_ID_BYTES_MAX} bytes"
        raise PasskeyFormError(part="credential id", expected=expected, found=f"{len(credential_id)} bytes")


def _parse_head(raw: bytes) -> AuthenticatorData:
    if len(raw) < HEAD_BYTES:
        raise _misread(f"at least {HEAD_BYTES} bytes", f"{len(raw)} bytes")
    flags = Flag(0)
    for flag in Flag:
        flags |= flag if raw[32] & flag else 0
    if Flag.BACKED_UP in flags and Flag.BACKUP_ELIGIBLE not in flags:
        raise _misread("no backup of what cannot be backed up", "the flag BS without BE")
    return AuthenticatorData(party=raw[:32], flags=flags, sign_count=int.from_bytes(raw[33:HEAD_BYTES], "big"))


def _parse_client_data(raw: bytes) -> JsonObject:
    try:
        return parse_json_object(raw, subject="clientDataJSON", bytes_max=CLIENT_DATA_BYTES_MAX)
    except EncodingError as error:
        raise PasskeyFormError(part="client data", expected="strict JSON", found=error.sentence()) from error


def _text(client_data: JsonObject, name: str) -> str:
    found = client_data.get(name)
    if not isinstance(found, str):
        raise PasskeyFormError(part=f"client data: {name}", expected="a string", found=type(found).__name__)
    return found


def _misread(expected: str, found: str) -> PasskeyFormError:
    return PasskeyFormError(part="authenticator data", expected=expected, found=found)
