"""What the registry says of a member's keys: members/<id>/keys.json.

Parser and formatter side by side, and `format(parse(x)) == x`. Who signed the bytes is checked before
(`exchange.signing.registry`); the rules across members after (`exchange.signing.trust`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from exchange.codes import Labels
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
from exchange.signing.earlier_logs import MEMBER as EARLIER_LOGS
from exchange.signing.earlier_logs import EarlierLog, format_earlier_logs, parse_earlier_logs
from exchange.signing.federation import objects, require_type
from exchange.signing.keys import (
    HYBRID,
    NOTE_COSIGNATURE,
    NOTE_ED25519,
    Algorithm,
    KeyPurpose,
    PublicKey,
    note_vkey,
    parse_public_jwk,
)
from exchange.signing.passkey import PasskeyCredential, parse_passkey_place
from exchange.signing.passkey_key import parse_passkey_jwk

OFFICER_ROLES = frozenset({"data", "clearing", "contract", "auditor"})
NOTE_TYPES: Mapping[KeyPurpose, int] = {KeyPurpose.LOG: NOTE_ED25519, KeyPurpose.WITNESS: NOTE_COSIGNATURE}
"""The purposes whose keys are also written as C2SP verifier keys, with their signature type."""

_ALGORITHMS: Mapping[KeyPurpose, tuple[Algorithm, ...]] = {
    KeyPurpose.BUNDLE: HYBRID,
    KeyPurpose.CONTRACT: HYBRID,
}
_ISSUER = re.compile(r"https?://[a-z0-9.\-]+(:[0-9]{1,5})?\Z")


class ProofKind(StrEnum):
    """How an officer proves a decision; a contract says which kinds count."""

    OFFICER_KEY = "officer-key"
    WEBAUTHN = "webauthn"


ListedKey: TypeAlias = PublicKey | PasskeyCredential
"""A key that signs bytes, or an officer's passkey, which only answers a challenge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberKey:
    """A key, its one purpose, and when its signatures count: from `valid_from` on, before `ends_at`."""

    purpose: KeyPurpose
    key: ListedKey
    valid_from: datetime
    revoked_at: datetime | None = None
    officer: str | None = None  # officer keys only
    roles: tuple[str, ...] = ()  # officer keys only
    vkey: str | None = None  # log and witness keys only, C2SP signed-note
    announced_at: datetime | None = None  # when the revocation was published, where known; not in the file

    @property
    def proof_kind(self) -> ProofKind:
        """Of an officer's key: which kind of proof it gives."""
        return ProofKind.WEBAUTHN if isinstance(self.key, PasskeyCredential) else ProofKind.OFFICER_KEY

    @property
    def ends_at(self) -> datetime | None:
        """From when on it counts no more: nobody can revoke for a time before the revocation was published."""
        return None if self.revoked_at is None else max(self.revoked_at, self.announced_at or self.revoked_at)

    def counts_at(self, at: datetime | None) -> bool:
        """Whether the key is valid at this time; None asks for any time."""
        if at is None:
            return True
        return self.valid_from <= at and (self.ends_at is None or at < self.ends_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A state or an organisation; `keys` is empty while it is silenced (`Trust.silenced`)."""

    id: str
    kind: str  # state | organisation
    name: Labels
    issuer: str
    log_vkey: str
    keys: tuple[MemberKey, ...]
    earlier_logs: tuple[EarlierLog, ...] = ()

    @property
    def origin(self) -> str:
        """The name of its log."""
        return origin_of(self.log_vkey)

    @property
    def origins(self) -> tuple[str, ...]:
        """The names of all logs that it ever kept, the present one last."""
        return (*(one.origin for one in self.earlier_logs), self.origin)

    def before(self, origin: str) -> EarlierLog | None:
        """The log that the one with this name continues; None if it is the first, or none of this member's."""
        place = self.origins.index(origin) if origin in self.origins else 0
        return self.earlier_logs[place - 1] if place else None

    def after(self, origin: str) -> str | None:
        """The name of the log that continues the one with this name; None if it is the present one."""
        following = dict(zip(self.origins, self.origins[1:], strict=False))
        return following.get(origin)


def parse_member_keys(raw: bytes, *, member_id: str, kind: str, name: Labels) -> Member:
    """Read a member's keys.json.

    Args:
        raw: The bytes.
        member_id: Whose file it is; it may speak for nobody else.
        kind: As federation.json gives it.
        name: As federation.json gives it.

    Raises:
        EncodingError: Any other spelling than `format_member_keys` writes.
        TrustError: A key that must not enter (weak, of the wrong length or kind).
    """
    folder = member_id.lower()
    subject = f"members/{folder}/keys.json"
    document = parse_canonical_object(raw, subject=subject)
    needed, optional = {"type", "member", "issuer", "log", "keys"}, frozenset({EARLIER_LOGS})
    require_members(document, needed, optional=optional, subject=subject)
    require_type(document, "member-keys/1", subject)
    if document["member"] != member_id:
        raise FieldError(subject=subject, field="member", expected=member_id, found="another")
    issuer = text_member(document, "issuer", subject=subject)
    if _ISSUER.match(issuer) is None:
        raise FieldError(subject=subject, field="issuer", expected="http(s)://host[:port]", found=issuer[:80])
    keys = tuple(
        _parse_member_key(entry, folder, subject) for entry in objects(document["keys"], subject=subject, field="keys")
    )
    log_vkey = text_member(document, "log", subject=subject)
    if log_vkey not in {listed.vkey for listed in keys if listed.purpose is KeyPurpose.LOG}:
        raise FieldError(subject=subject, field="log", expected="the vkey of a log key", found=log_vkey[:80])
    earlier: tuple[EarlierLog, ...] = ()
    if EARLIER_LOGS in document:
        earlier = parse_earlier_logs(
            objects(document[EARLIER_LOGS], subject=subject, field=EARLIER_LOGS), subject=subject
        )
    _require_every_log(keys, origin_of(log_vkey), earlier, subject)
    return Member(id=member_id, kind=kind, name=name, issuer=issuer, log_vkey=log_vkey, keys=keys, earlier_logs=earlier)


def format_member_keys(member: Member) -> bytes:
    """The bytes of a member's keys.json."""
    document: dict[str, object] = {
        "type": "member-keys/1",
        "member": member.id,
        "issuer": member.issuer,
        "log": member.log_vkey,
        "keys": [_format_member_key(listed) for listed in member.keys],
    }
    if member.earlier_logs:
        document[EARLIER_LOGS] = format_earlier_logs(member.earlier_logs)
    return canonical_json(document)


def origin_of(vkey: str) -> str:
    """The name in a C2SP verifier key."""
    return vkey.partition("+")[0]


def _require_every_log(keys: Iterable[MemberKey], present: str, earlier: Sequence[EarlierLog], subject: str) -> None:
    """Each log that has a key is the present one or an earlier one, and the other way round."""
    named = {origin_of(one.vkey) for one in keys if one.purpose is KeyPurpose.LOG and one.vkey is not None}
    told = [*(one.origin for one in earlier), present]
    if named != set(told) or len(set(told)) != len(told):
        raise FieldError(
            subject=subject, field=EARLIER_LOGS, expected=", ".join(sorted(named))[:160], found=", ".join(told)[:160]
        )


def _format_member_key(listed: MemberKey) -> dict[str, object]:
    entry: dict[str, object] = {
        "purpose": listed.purpose.value,
        "jwk": listed.key.jwk(),
        "valid_from": format_instant(listed.valid_from),
    }
    if listed.revoked_at is not None:
        entry["revoked_at"] = format_instant(listed.revoked_at)
    if listed.officer is not None:
        entry |= {"officer": listed.officer, "roles": list(listed.roles)}
    if isinstance(listed.key, PasskeyCredential):
        entry["passkey"] = listed.key.place()
    if listed.vkey is not None:
        entry["vkey"] = listed.vkey
    return entry


def _parse_member_key(entry: JsonObject, folder: str, subject: str) -> MemberKey:
    purpose_text = text_member(entry, "purpose", subject=subject)
    if purpose_text not in set(KeyPurpose):
        raise FieldError(subject=subject, field="purpose", expected=", ".join(KeyPurpose), found=purpose_text[:32])
    purpose = KeyPurpose(purpose_text)
    needed = {"purpose", "jwk", "valid_from"}
    if purpose is KeyPurpose.OFFICER:
        needed |= {"officer", "roles"}
    elif purpose in NOTE_TYPES:
        needed |= {"vkey"}
    optional = frozenset({"revoked_at", "passkey"} if purpose is KeyPurpose.OFFICER else {"revoked_at"})
    require_members(entry, needed, optional=optional, subject=subject)
    key = parse_listed_key(entry, subject=subject)
    allowed = _ALGORITHMS.get(purpose, (Algorithm.ED25519,))
    if isinstance(key, PublicKey) and key.algorithm not in allowed:
        raise FieldError(subject=subject, field=purpose, expected=", ".join(allowed), found=key.algorithm)
    valid_from = parse_instant(entry["valid_from"], subject=subject)
    revoked_at = parse_instant(entry["revoked_at"], subject=subject) if "revoked_at" in entry else None
    if revoked_at is not None and revoked_at < valid_from:
        raise FieldError(subject=subject, field="revoked_at", expected="not before valid_from", found="earlier")
    officer, roles = _parse_officer(entry, folder, subject) if purpose is KeyPurpose.OFFICER else (None, ())
    return MemberKey(
        purpose=purpose,
        key=key,
        valid_from=valid_from,
        revoked_at=revoked_at,
        officer=officer,
        roles=roles,
        vkey=_parse_vkey(entry, key, purpose, subject) if isinstance(key, PublicKey) else None,
    )


def parse_listed_key(entry: JsonObject, *, subject: str) -> ListedKey:
    """Read the `jwk` of an entry, and the `passkey` that stands beside it where it is one's.

    Raises:
        EncodingError, TrustError: Not the one legal form, or a key that must not enter.
    """
    jwk, place = entry.get("jwk"), entry.get("passkey")
    if not isinstance(jwk, dict):
        raise FieldError(subject=subject, field="jwk", expected="an object", found="another type")
    if "passkey" not in entry:
        return parse_public_jwk(jwk, subject=subject)
    if not isinstance(place, dict):
        raise FieldError(subject=subject, field="passkey", expected="an object", found="another type")
    return parse_passkey_place(place, parse_passkey_jwk(jwk, subject=subject), subject=subject)


def _parse_officer(entry: JsonObject, folder: str, subject: str) -> tuple[str, tuple[str, ...]]:
    officer = text_member(entry, "officer", subject=subject)
    if re.fullmatch(rf"{folder}-[0-9]{{2,4}}", officer, re.ASCII) is None:
        raise FieldError(subject=subject, field="officer", expected=f"{folder}-<number>", found=officer[:32])
    roles = entry["roles"]
    if (
        not isinstance(roles, list)
        or not roles
        or not all(isinstance(role, str) and role in OFFICER_ROLES for role in roles)
    ):
        raise FieldError(
            subject=subject, field="roles", expected=", ".join(sorted(OFFICER_ROLES)), found="another list"
        )
    names = tuple(str(role) for role in roles)
    if list(names) != sorted(set(names)):
        raise FieldError(subject=subject, field="roles", expected="sorted, each once", found=", ".join(names)[:80])
    return officer, names


def _parse_vkey(entry: JsonObject, key: PublicKey, purpose: KeyPurpose, subject: str) -> str | None:
    if purpose not in NOTE_TYPES:
        return None
    vkey, type_byte = text_member(entry, "vkey", subject=subject), NOTE_TYPES[purpose]
    expected = note_vkey(vkey.partition("+")[0], key, type_byte)
    if vkey != expected or not re.match(r"[^\s+]+\+", vkey):
        raise FieldError(subject=subject, field="vkey", expected="the vkey of this jwk", found=vkey[:80])
    return vkey
