"""federation.json: who is and who was a member, suspensions, and who audits; signed by the majority.

Parser and formatter side by side, `format(parse(x)) == x`. Which keys a member has is `exchange.signing.members`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from exchange.codes import Labels
from exchange.encoding import (
    MEMBER_ID,
    Json,
    JsonObject,
    canonical_json,
    format_instant,
    parse_canonical_object,
    parse_instant,
    require_members,
    text_member,
)
from exchange.errors.encoding import FieldError


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """A while in which nothing that a member signs counts; `until` is None as long as no end is decided."""

    since: datetime
    until: datetime | None = None
    announced_at: datetime | None = None  # when it was first published, where that is known; not in the file

    def covers(self, at: datetime) -> bool:
        """Whether this time lies in it."""
        return max(self.since, self.announced_at or self.since) <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What federation.json says of a member, present or former."""

    kind: str  # state | organisation
    name: Labels
    suspensions: tuple[Suspension, ...] = ()  # in order of time, apart from each other
    left_at: datetime | None = None
    left_announced_at: datetime | None = None  # not in the file

    def counts_at(self, at: datetime | None) -> bool:
        """Whether its keys count at this time; None asks for any time."""
        if at is None:
            return True
        left = self.left_at is not None and at >= max(self.left_at, self.left_announced_at or self.left_at)
        return not left and not any(suspension.covers(at) for suspension in self.suspensions)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierAuditor:
    """Who audited before another was named."""

    member: str
    until: datetime
    announced_at: datetime | None = None  # when that end was first published, where that is known; not in the file

    @property
    def ends_at(self) -> datetime:
        """From when on it was auditor no more: not before the change was published."""
        return max(self.until, self.announced_at or self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Federation:
    """federation.json; `earlier_auditors` are in order of time."""

    name: Labels
    members: Mapping[str, Membership]
    auditor: str
    earlier_auditors: tuple[EarlierAuditor, ...] = ()

    @property
    def present(self) -> dict[str, Membership]:
        """Those who have not left; the suspended are among them."""
        return {member_id: one for member_id, one in self.members.items() if one.left_at is None}

    @property
    def former(self) -> dict[str, Membership]:
        """Those who have left."""
        return {member_id: one for member_id, one in self.members.items() if one.left_at is not None}


def parse_federation(raw: bytes) -> Federation:
    """Read federation.json.

    Raises:
        EncodingError: Any other spelling than `format_federation` writes, a doubled member, a foreign auditor.
    """
    subject = "federation.json"
    document = parse_canonical_object(raw, subject=subject)
    required, optional = {"type", "name", "members", "auditor"}, frozenset({"earlier_auditors"})
    require_members(document, required, optional=optional, subject=subject)
    require_type(document, "federation/1", subject)
    members: dict[str, Membership] = {}
    for entry in objects(document["members"], subject=subject, field="members"):
        require_members(entry, {"id", "kind", "name"}, optional=frozenset({"suspended", "left_at"}), subject=subject)
        member_id = text_member(entry, "id", subject=subject)
        if MEMBER_ID.match(member_id) is None or member_id in members:
            raise FieldError(subject=subject, field="id", expected="a new upper-case id", found=member_id[:32])
        members[member_id] = _parse_membership(entry, subject)
    auditor = text_member(document, "auditor", subject=subject)
    if auditor not in members or members[auditor].left_at is not None:
        raise FieldError(subject=subject, field="auditor", expected="a member", found=auditor[:32])
    return Federation(
        name=_labels(document["name"], subject=subject),
        members=members,
        auditor=auditor,
        earlier_auditors=_parse_auditors(document, members, subject) if "earlier_auditors" in document else (),
    )


def format_federation(federation: Federation) -> bytes:
    """The bytes of federation.json."""
    document: dict[str, object] = {
        "type": "federation/1",
        "name": dict(federation.name),
        "members": [_format_membership(member_id, one) for member_id, one in federation.members.items()],
        "auditor": federation.auditor,
    }
    if federation.earlier_auditors:
        document["earlier_auditors"] = [
            {"id": one.member, "until": format_instant(one.until)} for one in federation.earlier_auditors
        ]
    return canonical_json(document)


def _parse_auditors(
    document: JsonObject, members: Mapping[str, Membership], subject: str
) -> tuple[EarlierAuditor, ...]:
    found: list[EarlierAuditor] = []
    for entry in objects(document["earlier_auditors"], subject=subject, field="earlier_auditors"):
        require_members(entry, {"id", "until"}, subject=subject)
        member_id = text_member(entry, "id", subject=subject)
        until = parse_instant(entry["until"], subject=subject)
        if member_id not in members or (found and found[-1].until >= until):
            raise FieldError(
                subject=subject, field="earlier_auditors", expected="members, in order of time", found=member_id[:32]
            )
        found.append(EarlierAuditor(member=member_id, until=until))
    return tuple(found)


def _parse_membership(entry: JsonObject, subject: str) -> Membership:
    kind = text_member(entry, "kind", subject=subject)
    if kind not in {"state", "organisation"}:
        raise FieldError(subject=subject, field="kind", expected="state or organisation", found=kind[:32])
    return Membership(
        kind=kind,
        name=_labels(entry["name"], subject=subject),
        suspensions=_parse_suspensions(entry, subject) if "suspended" in entry else (),
        left_at=parse_instant(entry["left_at"], subject=subject) if "left_at" in entry else None,
    )


def _parse_suspensions(entry: JsonObject, subject: str) -> tuple[Suspension, ...]:
    found: list[Suspension] = []
    for period in objects(entry["suspended"], subject=subject, field="suspended"):
        require_members(period, {"since"}, optional=frozenset({"until"}), subject=subject)
        since = parse_instant(period["since"], subject=subject)
        until = parse_instant(period["until"], subject=subject) if "until" in period else None
        in_order = not found or (found[-1].until is not None and found[-1].until < since)
        if not in_order or (until is not None and until <= since):
            raise FieldError(subject=subject, field="suspended", expected="times in order", found="another order")
        found.append(Suspension(since=since, until=until))
    return tuple(found)


def _format_membership(member_id: str, one: Membership) -> dict[str, object]:
    entry: dict[str, object] = {"id": member_id, "kind": one.kind, "name": dict(one.name)}
    if one.suspensions:
        entry["suspended"] = [_format_suspension(suspension) for suspension in one.suspensions]
    if one.left_at is not None:
        entry["left_at"] = format_instant(one.left_at)
    return entry


def _format_suspension(suspension: Suspension) -> dict[str, str]:
    period = {"since": format_instant(suspension.since)}
    return period if suspension.until is None else period | {"until": format_instant(suspension.until)}


def require_type(document: JsonObject, expected: str, subject: str) -> None:
    """Refuse a file of the registry that is of another type."""
    found = text_member(document, "type", subject=subject)
    if found != expected:
        raise FieldError(subject=subject, field="type", expected=expected, found=found[:32])


def objects(value: Json, *, subject: str, field: str) -> list[JsonObject]:
    """A list of objects, not empty."""
    if not isinstance(value, list) or not value:
        raise FieldError(subject=subject, field=field, expected="a list, not empty", found="another type")
    entries = [entry for entry in value if isinstance(entry, dict)]
    if len(entries) != len(value):
        raise FieldError(subject=subject, field=field, expected="objects", found="another type")
    return entries


def _labels(value: Json, *, subject: str) -> Labels:
    if not isinstance(value, dict):
        raise FieldError(subject=subject, field="name", expected="an object", found="another type")
    require_members(value, {"en", "ru"}, subject=subject)
    return MappingProxyType({language: text_member(value, language, subject=subject) for language in value})
