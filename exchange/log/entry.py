"""Log entries: canonical JSON metadata of one step, by type; never a value, a person's name, or a token.

    {"at":…,"node":…,"registry":{"sha256":…,"version":…},"salt":…,"type":…,"v":1, and what the type requires}

Absent members are absent, never null. The salt keeps anybody without the entry from guessing it from its leaf hash.
"""

import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from itertools import product
from typing import Final, NamedTuple

from exchange.encoding import (
    MEMBER_ID,
    Digest,
    JsonObject,
    base64url_decode,
    base64url_encode,
    format_instant,
    int_member,
    parse_instant,
    require_members,
    text_member,
)
from exchange.errors import ExchangeError
from exchange.errors.log import (
    EntryBytesError,
    EntryJsonError,
    EntryMemberError,
    EntryTypeError,
    EntryVersionError,
)
from exchange.signing.trust import RegistryRef

ENTRY_BYTES_MAX = 1024
ENTRY_VERSION = 1
SALT_BYTES = 16
HEARTBEAT_S_MAX = 3600
"""No log is without a new entry for longer; so one that looks older is stale, or withheld."""
COUNT_MAX = 2**53 - 1
"""The largest integer that RFC 8785 writes exactly."""

_SUBJECT = "log entry"
_REGISTRY = "log entry registry"
_CODE = re.compile(r"[a-z][a-z0-9]*(?:[-.:][a-z0-9]+)*\Z")
_CODE_CHARS_MAX = 64


class EntryType(StrEnum):
    """What happened (DESIGN.md §9)."""

    CONTRACT_SIGNED = "contract.signed"
    CONTRACT_ENDED = "contract.ended"
    CONTRACT_SUSPENDED = "contract.suspended"
    CONTRACT_RESUMED = "contract.resumed"
    CLEARANCE_DECIDED = "clearance.decided"
    BUNDLE_PUBLISHED = "bundle.published"
    BUNDLE_SUPERSEDED = "bundle.superseded"
    BUNDLE_WITHDRAWN = "bundle.withdrawn"
    PULL_SERVED = "pull.served"
    PULL_REFUSED = "pull.refused"
    BUNDLE_RECEIVED = "bundle.received"
    BUNDLE_REJECTED = "bundle.rejected"
    RECEIPT_GIVEN = "receipt.given"
    RECEIPT_GOT = "receipt.got"
    RECEIPT_OVERDUE = "receipt.overdue"
    KEY_CHANGED = "key.changed"
    TRUST_UPDATED = "trust.updated"
    AUDIT_OPENED = "audit.opened"
    HEARTBEAT = "heartbeat"


class _Shape(NamedTuple):
    """Which of the optional members a type must have, and which it may have."""

    required: frozenset[str]
    permitted: frozenset[str]


def _shape(required: str, permitted: str = "") -> _Shape:
    return _Shape(frozenset(required.split()), frozenset(permitted.split()))


# `counterpart` of a contract's entry is the party whose statement it is, where that is not the node itself.
_STATEMENT = _shape("contract evidence", "counterpart")
_PULL = "counterpart contract bundle pull evidence"

SHAPES: Final[Mapping[EntryType, _Shape]] = {
    EntryType.CONTRACT_SIGNED: _STATEMENT,
    EntryType.CONTRACT_ENDED: _STATEMENT,
    EntryType.CONTRACT_SUSPENDED: _STATEMENT,
    EntryType.CONTRACT_RESUMED: _STATEMENT,
    EntryType.CLEARANCE_DECIDED: _shape("contract evidence", "bundle code"),
    EntryType.BUNDLE_PUBLISHED: _shape("contract bundle evidence"),
    EntryType.BUNDLE_SUPERSEDED: _shape("contract bundle", "evidence"),
    EntryType.BUNDLE_WITHDRAWN: _shape("contract bundle evidence"),
    EntryType.PULL_SERVED: _shape(_PULL),
    EntryType.PULL_REFUSED: _shape("counterpart pull evidence code count", "contract bundle"),
    EntryType.BUNDLE_RECEIVED: _shape(_PULL),
    # An `incomplete` delivery leaves no evidence, and perhaps no contract, since no manifest arrived.
    EntryType.BUNDLE_REJECTED: _shape("counterpart bundle pull code", "contract evidence"),
    EntryType.RECEIPT_GIVEN: _shape(_PULL, "code"),
    EntryType.RECEIPT_GOT: _shape(_PULL, "code"),
    EntryType.RECEIPT_OVERDUE: _shape("counterpart contract bundle pull", "evidence"),
    EntryType.KEY_CHANGED: _shape("evidence", "counterpart code"),
    EntryType.TRUST_UPDATED: _shape("evidence"),
    EntryType.AUDIT_OPENED: _shape("", "counterpart contract bundle evidence code"),
    EntryType.HEARTBEAT: _shape(""),
}

_COMMON = frozenset({"v", "type", "at", "node", "registry", "salt"})
_PULLS = frozenset({EntryType.PULL_SERVED, EntryType.PULL_REFUSED})
_TYPES = {entry_type.value: entry_type for entry_type in EntryType}
_OPTIONAL = ("counterpart", "contract", "bundle", "evidence", "pull", "code", "count")

_SPELLING = (
    ("at", '"%s"'),
    ("bundle", '"sha256:%s"'),
    ("code", '"%s"'),
    ("contract", '"sha256:%s"'),
    ("count", "%s"),
    ("counterpart", '"%s"'),
    ("evidence", '"sha256:%s"'),
    ("node", '"%s"'),
    ("pull", '"sha256:%s"'),
    ("registry", '{"sha256":"sha256:%s","version":%s}'),
    ("salt", '"%s"'),
)
"""The members but `type` and `v`, in the order and form of RFC 8785 (§3.2.2, §3.2.3): ASCII without anything to escape
and small whole numbers leave each one spelling. A test compares with a library."""


def _pattern(entry_type: EntryType, absent: set[str]) -> str:
    """What an entry without these members is written by; an absent one takes its value and writes nothing."""
    written = (
        "%.0s" if name in absent else f'{"" if name == "at" else ","}"{name}":{value}' for name, value in _SPELLING
    )
    return "{" + "".join(written) + f',"type":"{entry_type.value}","v":{ENTRY_VERSION}}}'


def _patterns(entry_type: EntryType, shape: _Shape) -> dict[tuple[bool, ...], str]:
    """By which of the optional members are there together, as far as a type allows it."""
    return {
        present: _pattern(entry_type, set(_OPTIONAL) - names)
        for present in product((False, True), repeat=len(_OPTIONAL))
        if shape.required
        <= (names := {name for name, there in zip(_OPTIONAL, present, strict=True) if there})
        <= shape.required | shape.permitted
    }


_PATTERNS: Final = {entry_type: _patterns(entry_type, shape) for entry_type, shape in SHAPES.items()}

_DIGEST = '"sha256:([0-9a-f]{64})"'
_CANONICAL = re.compile(
    r'\{"at":"([0-9TZ:-]{20})"'
    rf'(?:,"bundle":{_DIGEST})?(?:,"code":"([a-z0-9.:-]+)")?(?:,"contract":{_DIGEST})?(?:,"count":([1-9][0-9]{{0,15}}))?'
    rf'(?:,"counterpart":"([A-Z0-9]+)")?(?:,"evidence":{_DIGEST})?,"node":"([A-Z0-9]+)"(?:,"pull":{_DIGEST})?'
    rf',"registry":\{{"sha256":{_DIGEST},"version":([1-9][0-9]{{0,15}})\}}'
    rf',"salt":"([A-Za-z0-9_-]{{21}}[AQgw])","type":"([a-z.]+)","v":{ENTRY_VERSION}\}}\Z'
)
"""RFC 8785 leaves an entry one spelling: members in this order, nothing to escape, no other way to write a number."""

_REFERENCES_KEPT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One step of one member.

    Args:
        type: What happened; it decides which of the members below are there.
        at: By the node's clock, UTC, whole seconds.
        node: The member whose log this is.
        registry: The trust snapshot acted under.
        salt: 16 random bytes.
        counterpart: The other member.
        contract: SHA-256 of the contract's canonical JSON.
        bundle: SHA-256 of `datapackage.json`.
        evidence: SHA-256 of the signed evidence of this step.
        pull: SHA-256 of the request's DPoP proof; of `pull.*`, this is the evidence too.
        code: A stable code in kebab-case, such as why a pull was refused.
        count: How often within the hour, from 1.

    Raises:
        EntryMemberError: A member that the type requires is absent, one that it does not permit is there, or one is
            malformed; so an entry that exists can be written.
    """

    type: EntryType
    at: datetime
    node: str
    registry: RegistryRef
    salt: bytes
    counterpart: str | None = None
    contract: Digest | None = None
    bundle: Digest | None = None
    evidence: Digest | None = None
    pull: Digest | None = None
    code: str | None = None
    count: int | None = None

    def __post_init__(self) -> None:
        if self.present not in _PATTERNS[self.type]:
            self._refuse_shape()
        if MEMBER_ID.match(self.node) is None:
            self._refuse("node", "<MEMBER ID>", self.node[:_CODE_CHARS_MAX])
        if self.counterpart is not None and MEMBER_ID.match(self.counterpart) is None:
            self._refuse("counterpart", "<MEMBER ID>", self.counterpart[:_CODE_CHARS_MAX])
        if self.code is not None and (len(self.code) > _CODE_CHARS_MAX or _CODE.match(self.code) is None):
            self._refuse("code", "<kebab-case code>", self.code[:_CODE_CHARS_MAX])
        if self.count is not None and not 1 <= self.count <= COUNT_MAX:
            self._refuse("count", f"1 to {COUNT_MAX}", str(self.count)[:20])
        if not 1 <= self.registry.version <= COUNT_MAX:
            self._refuse("registry.version", f"1 to {COUNT_MAX}", str(self.registry.version)[:20])
        if len(self.salt) != SALT_BYTES:
            self._refuse("salt", f"{SALT_BYTES} bytes", str(len(self.salt)))
        if self.at.tzinfo is not UTC or self.at.microsecond:
            self._refuse("at", "<whole seconds of UTC>", self.at.isoformat())
        if self.type in _PULLS and self.evidence != self.pull:
            self._refuse("evidence", str(self.pull), str(self.evidence))

    @property
    def present(self) -> tuple[bool, ...]:
        """Which of the optional members are there, in the order of `_OPTIONAL`."""
        return (
            self.counterpart is not None,
            self.contract is not None,
            self.bundle is not None,
            self.evidence is not None,
            self.pull is not None,
            self.code is not None,
            self.count is not None,
        )

    def _refuse_shape(self) -> None:
        shape = SHAPES[self.type]
        names = {member for member, there in zip(_OPTIONAL, self.present, strict=True) if there}
        for member in sorted(shape.required - names):
            self._refuse(member, "<present>", "<absent>")
        for member in sorted(names - shape.required - shape.permitted):
            self._refuse(member, "<absent>", "<present>")

    def _refuse(self, member: str, expected: str, found: str) -> None:
        raise EntryMemberError(type=self.type, member=member, expected=expected, found=found)


def format_entry(entry: LogEntry) -> bytes:
    """RFC 8785 bytes of the entry."""
    pattern = _PATTERNS[entry.type][entry.present]
    return (
        pattern
        % (
            _instant_text(entry.at),
            entry.bundle and entry.bundle.hex,
            entry.code,
            entry.contract and entry.contract.hex,
            entry.count,
            entry.counterpart,
            entry.evidence and entry.evidence.hex,
            entry.node,
            entry.pull and entry.pull.hex,
            entry.registry.sha256.hex,
            entry.registry.version,
            base64url_encode(entry.salt),
        )
    ).encode("ascii")


def parse_entry(raw: bytes) -> LogEntry:
    """Read an entry, refusing every other spelling and every unknown type or member.

    Raises:
        EntryBytesError: More than 1 KiB.
        EntryJsonError: Not a canonical JSON object.
        EntryVersionError: Written by a newer program.
        EntryTypeError: A type that no version 1 entry has.
        FieldError, DigestError, InstantError, Base64Error, EntryMemberError: A member too many, too few, or malformed.
    """
    if len(raw) > ENTRY_BYTES_MAX:
        raise EntryBytesError(bytes_max=ENTRY_BYTES_MAX, found=len(raw))
    entry = _canonical_entry(raw)
    return _judged_entry(raw) if entry is None else entry


def _canonical_entry(raw: bytes) -> LogEntry | None:
    """The entry, if the bytes are its one spelling; None where something is wrong, which `_judged_entry` then names."""
    try:
        matched = _CANONICAL.match(raw.decode("ascii"))
        if matched is None:
            return None
        at, bundle, code, contract, count, counterpart, evidence, node, pull, sha256, version, salt, type_ = (
            matched.groups()
        )
        return LogEntry(
            type=_TYPES[type_],
            at=_instant(at),
            node=node,
            registry=_registry(version, sha256),
            salt=binascii.a2b_base64(salt.replace("-", "+").replace("_", "/") + "=="),
            counterpart=counterpart,
            contract=None if contract is None else Digest(contract),
            bundle=None if bundle is None else Digest(bundle),
            evidence=None if evidence is None else Digest(evidence),
            pull=None if pull is None else Digest(pull),
            code=code,
            count=None if count is None else int(count),
        )
    except (UnicodeDecodeError, KeyError, ExchangeError):
        return None


@lru_cache(maxsize=_REFERENCES_KEPT)
def _instant_text(at: datetime) -> str:
    return format_instant(at)


@lru_cache(maxsize=_REFERENCES_KEPT)
def _instant(text: str) -> datetime:
    return parse_instant(text, subject=_SUBJECT)


@lru_cache(maxsize=_REFERENCES_KEPT)
def _registry(version: str, sha256: str) -> RegistryRef:
    return RegistryRef(version=int(version), sha256=Digest(sha256))


def _judged_entry(raw: bytes) -> LogEntry:
    """The entry by way of a JSON parser: many times slower, and it says what is wrong."""
    if b"\\" in raw:
        raise EntryJsonError  # nothing in an entry needs an escape
    try:
        # Duplicate members, NaN and white space need no hook: what is read is written again and compared below.
        members = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise EntryJsonError from error
    if not isinstance(members, dict):
        raise EntryJsonError
    entry = _entry_of(members)
    if format_entry(entry) != raw:
        raise EntryJsonError
    return entry


def _entry_of(members: JsonObject) -> LogEntry:
    version, found_type = members.get("v"), members.get("type")
    if version is True or version != ENTRY_VERSION:
        raise EntryVersionError(known=ENTRY_VERSION, found=str(version)[:20])
    if not isinstance(found_type, str) or found_type not in _TYPES:
        raise EntryTypeError(found=str(found_type)[:40])
    entry_type = _TYPES[found_type]
    shape = SHAPES[entry_type]
    require_members(
        members, set(_COMMON | shape.required), optional=shape.permitted, subject=f"{_SUBJECT} {found_type}"
    )
    return LogEntry(
        type=entry_type,
        at=parse_instant(members["at"], subject=_SUBJECT),
        node=text_member(members, "node", subject=_SUBJECT),
        registry=_registry_of(members["registry"]),
        salt=base64url_decode(members["salt"], subject=_SUBJECT),
        counterpart=_text(members, "counterpart"),
        contract=_digest(members, "contract"),
        bundle=_digest(members, "bundle"),
        evidence=_digest(members, "evidence"),
        pull=_digest(members, "pull"),
        code=_text(members, "code"),
        count=int_member(members, "count", subject=_SUBJECT) if "count" in members else None,
    )


def _registry_of(value: object) -> RegistryRef:
    if not isinstance(value, dict):
        raise EntryJsonError
    require_members(value, {"version", "sha256"}, subject=_REGISTRY)
    return RegistryRef(
        version=int_member(value, "version", subject=_REGISTRY),
        sha256=Digest.parse(value["sha256"], subject=_REGISTRY),
    )


def _text(members: JsonObject, name: str) -> str | None:
    return text_member(members, name, subject=_SUBJECT) if name in members else None


def _digest(members: JsonObject, name: str) -> Digest | None:
    return Digest.parse(members[name], subject=f"{_SUBJECT} {name}") if name in members else None
