"""An application for keys as a file: by which a member asks that its public keys be listed in the registry.

Every key in it signs, with its own private key, what is asked for it (`possession`); an officer's passkey answers its
digest. Here is the form alone, parser and formatter side by side; `exchange.signing.admission` says which applications
are good.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from exchange.encoding import (
    MEMBER_ID,
    JsonObject,
    base64url_decode,
    base64url_encode,
    canonical_json,
    format_instant,
    parse_canonical_object,
    parse_instant,
    require_members,
    text_member,
)
from exchange.errors.encoding import FieldError
from exchange.errors.keys import PossessionError
from exchange.signing.keys import KeyPurpose, KeyUse, PublicKey, RegistryRole, note_vkey
from exchange.signing.members import NOTE_TYPES, OFFICER_ROLES, ListedKey, parse_listed_key
from exchange.signing.passkey import PasskeyCredential, PasskeyProof, parse_passkey_proof

APPLICATION_TYPE = "key-application/1"
POSSESSION_TYPE = "key-possession/1"
APPLICATION_BYTES_MAX = 256 * 1024
"""Some 30 ML-DSA keys with their proofs, or 600 officers."""
OFFICER_ID = re.compile(r"([a-z][a-z0-9]{1,15})-[0-9]{2,4}\Z")
"""An officer's pseudonym: the member's id and a number."""

PASSKEY_MEMBERS = ("credential_id", "rp_id", "origins")
"""What is asked for a passkey beside its key."""

_SUBJECT = "application for keys"
_NOTE_TYPES: Mapping[KeyUse, int] = dict(NOTE_TYPES.items())
_USES: Mapping[str, KeyUse] = {use.value: use for use in (*KeyPurpose, *RegistryRole)}
_ISSUER = re.compile(r"https?://[a-z0-9.\-]+(:[0-9]{1,5})?\Z")
_NAME = re.compile(r"[^\s+]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedKey:
    """A key, the one purpose asked for, and its own signature over that or a passkey's assertion (`possession`)."""

    purpose: KeyUse
    key: ListedKey
    officer: str | None = None  # officer keys only: the pseudonym, `kz-02`
    roles: tuple[str, ...] = ()  # officer keys only, sorted
    vkey: str | None = None  # log and witness keys only, C2SP signed-note
    proof: bytes | PasskeyProof = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A member's application: each key in it is admissible, new, and in the hands of whoever wrote it."""

    member: str
    at: datetime
    keys: tuple[AppliedKey, ...]
    issuer: str | None = None  # the gateway's address; only where a transport key is asked for

    def of(self, purpose: KeyUse) -> tuple[PublicKey, ...]:
        """The keys asked for this purpose, passkeys aside; both of `HYBRID` in its order for bundle and contract."""
        return tuple(
            applied.key for applied in self.keys if applied.purpose is purpose and isinstance(applied.key, PublicKey)
        )

    @property
    def officers(self) -> Mapping[str, tuple[str, ...]]:
        """The roles asked for, by officer."""
        return MappingProxyType({key.officer: key.roles for key in self.keys if key.officer is not None})


def possession(application: Application, applied: AppliedKey) -> bytes:
    """What a key signs to prove that its private half is there: JCS of all that is asked for it.

    A passkey's challenge is the SHA-256 of it.
    """
    asked: dict[str, object] = {
        "type": POSSESSION_TYPE,
        "member": application.member,
        "at": format_instant(application.at),
        "kid": applied.key.kid,
        **_asked(applied),
    }
    return canonical_json(asked | _issuer(application))


def format_application(application: Application) -> bytes:
    """The bytes of an application."""
    keys = [
        {"jwk": applied.key.jwk(), **_asked(applied), "proof": _format_proof(applied.proof)}
        for applied in application.keys
    ]
    document: dict[str, object] = {
        "type": APPLICATION_TYPE,
        "member": application.member,
        "at": format_instant(application.at),
        "keys": keys,
    }
    return canonical_json(document | _issuer(application))


def parse_application(raw: bytes) -> Application:
    """Read the form alone; `open_application` is what admits.

    Raises:
        EncodingError, WeakKeyError, KeyLengthError, KeyKindError, PossessionError: As `open_application` says.
    """
    document = parse_canonical_object(raw, subject=_SUBJECT, bytes_max=APPLICATION_BYTES_MAX)
    required = {"type", "member", "at", "keys"}
    require_members(document, required, optional=frozenset({"issuer"}), subject=_SUBJECT)
    _expect(document, "type", APPLICATION_TYPE, holds=document["type"] == APPLICATION_TYPE)
    member = text_member(document, "member", subject=_SUBJECT)
    _expect(document, "member", "an upper-case id", holds=MEMBER_ID.match(member) is not None)
    entries = document["keys"]
    if not isinstance(entries, list) or not entries:
        raise FieldError(subject=_SUBJECT, field="keys", expected="a list, not empty", found="another value")
    keys = tuple(_parse_key(entry, member) for entry in entries if isinstance(entry, dict))
    if len(keys) != len(entries):
        raise FieldError(subject=_SUBJECT, field="keys", expected="objects", found="another type")
    issuer = text_member(document, "issuer", subject=_SUBJECT) if "issuer" in document else None
    if issuer is not None:
        has_transport = any(applied.purpose is KeyPurpose.TRANSPORT for applied in keys)
        _expect(document, "issuer", "http(s)://host[:port]", holds=_ISSUER.match(issuer) is not None)
        _expect(document, "issuer", "absent without a transport key", holds=has_transport)
    return Application(member=member, at=parse_instant(document["at"], subject=_SUBJECT), keys=keys, issuer=issuer)


def _issuer(application: Application) -> dict[str, object]:
    return {} if application.issuer is None else {"issuer": application.issuer}


def _asked(applied: AppliedKey) -> dict[str, object]:
    asked: dict[str, object] = {"purpose": applied.purpose.value}
    if applied.officer is not None:
        asked |= {"officer": applied.officer, "roles": list(applied.roles)}
    if isinstance(applied.key, PasskeyCredential):
        asked |= {"passkey": {name: applied.key.place()[name] for name in PASSKEY_MEMBERS}}
    if applied.vkey is not None:
        asked |= {"vkey": applied.vkey}
    return asked


def _parse_key(entry: JsonObject, member: str) -> AppliedKey:
    purpose = _parse_purpose(entry)
    is_officer, note_type = purpose is KeyPurpose.OFFICER, _NOTE_TYPES.get(purpose)
    needed = {"purpose", "jwk"}
    if is_officer:
        needed |= {"officer", "roles"}
    elif note_type is not None:
        needed |= {"vkey"}
    optional = frozenset({"proof", "passkey"} if is_officer else {"proof"})
    require_members(entry, needed, optional=optional, subject=_SUBJECT)
    key = _parse_listed(entry)
    if "proof" not in entry:
        raise PossessionError(member=member, purpose=purpose, kid=key.kid, found="none")
    return AppliedKey(
        purpose=purpose,
        key=key,
        officer=_parse_officer(entry, member) if is_officer else None,
        roles=_parse_roles(entry) if is_officer else (),
        vkey=_parse_vkey(entry, key, note_type) if note_type is not None and isinstance(key, PublicKey) else None,
        proof=_parse_proof(entry, key),
    )


def _parse_listed(entry: JsonObject) -> ListedKey:
    """The key; a passkey's counter stands in its proof and in no member, so that nobody can apply for another."""
    place = entry.get("passkey")
    if isinstance(place, dict):
        require_members(place, set(PASSKEY_MEMBERS), subject=f"{_SUBJECT}: passkey")
        entry = {**entry, "passkey": {**place, "sign_count": 0}}
    return parse_listed_key(entry, subject=_SUBJECT)


def _format_proof(proof: bytes | PasskeyProof) -> object:
    return base64url_encode(proof) if isinstance(proof, bytes) else proof.as_json()


def _parse_proof(entry: JsonObject, key: ListedKey) -> bytes | PasskeyProof:
    proof, subject = entry["proof"], f"{_SUBJECT}: proof"
    if isinstance(key, PublicKey):
        return base64url_decode(proof, subject=subject)
    if not isinstance(proof, dict):
        raise FieldError(subject=_SUBJECT, field="proof", expected="an assertion", found="another type")
    return parse_passkey_proof(proof, subject=subject)


def _parse_purpose(entry: JsonObject) -> KeyUse:
    use = _USES.get(text_member(entry, "purpose", subject=_SUBJECT))
    if use is None:
        raise FieldError(subject=_SUBJECT, field="purpose", expected=", ".join(_USES), found="another")
    return use


def _parse_officer(entry: JsonObject, member: str) -> str:
    officer = text_member(entry, "officer", subject=_SUBJECT)
    found = OFFICER_ID.match(officer)
    _expect(entry, "officer", f"{member.lower()}-<number>", holds=found is not None and found[1] == member.lower())
    return officer


def _parse_roles(entry: JsonObject) -> tuple[str, ...]:
    roles = entry["roles"]
    names = tuple(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else ()
    whole = bool(names) and roles == list(names) == sorted(set(names)) and OFFICER_ROLES.issuperset(names)
    _expect(entry, "roles", f"some of {', '.join(sorted(OFFICER_ROLES))}, sorted, each once", holds=whole)
    return names


def _parse_vkey(entry: JsonObject, key: PublicKey, type_byte: int) -> str:
    vkey = text_member(entry, "vkey", subject=_SUBJECT)
    name = vkey.partition("+")[0]
    fits = _NAME.match(name) is not None and vkey == note_vkey(name, key, type_byte)
    _expect(entry, "vkey", "the vkey of this jwk", holds=fits)
    return vkey


def _expect(document: JsonObject, name: str, expected: str, *, holds: bool) -> None:
    if not holds:
        found = document[name]
        shown = found[:80] if isinstance(found, str) else "another value"
        raise FieldError(subject=_SUBJECT, field=name, expected=expected, found=shown)
