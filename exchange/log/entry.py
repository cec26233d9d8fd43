"""Log entries: canonical JSON metadata of one step, by type; never a value, a person's name, or a token.

    {"at":…,"node":…,"registry":{"sha256":…,"version":…},"salt":…,"type":…,"v":1, and what the type requires}

Absent members are absent, never null. The salt keeps anybody without the entry from guessing it from its leaf hash.
"""

import binascii
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

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
from exchange.errors.log import (
    EntryBytesError,
    EntryJsonError,
    EntryMemberError,
    EntryTypeError,
    EntryVersionError,
)
from exchange.log.entry_form import (
    CODE_CHARS_MAX,
    ENTRY_VERSION,
    OPTIONAL,
    PATTERNS,
    PULLS,
    SHAPES,
    EntryType,
    match_entry,
)
from exchange.signing.trust import RegistryRef

__all__ = [
    "COUNT_MAX",
    "ENTRY_BYTES_MAX",
    "ENTRY_VERSION",
    "HEARTBEAT_S_MAX",
    "SALT_BYTES",
    "SHAPES",
    "EntryHead",
    "EntryType",
    "LogEntry",
    "format_entry",
    "parse_entry",
    "scan_entry",
]

ENTRY_BYTES_MAX = 1024
SALT_BYTES = 16
HEARTBEAT_S_MAX = 3600
"""No log is without a new entry for longer; so one that looks older is stale, or withheld."""
COUNT_MAX = 2**53 - 1
"""The largest integer that RFC 8785 writes exactly."""

_SUBJECT = "log entry"
_REGISTRY = "log entry registry"
_CODE = re.compile(r"[a-z][a-z0-9]*(?:[-.:][a-z0-9]+)*\Z")
_COMMON = frozenset({"v", "type", "at", "node", "registry", "salt"})
_TYPES = {entry_type.value: entry_type for entry_type in EntryType}
_REFERENCES_KEPT = 4096
"""Contracts, bundles and registry states that many entries name, each held once."""


class EntryHead(NamedTuple):
    """What a reader of a whole log asks of every entry; `at` in seconds since 1970."""

    type: EntryType
    node: str
    at: int
    registry: RegistryRef


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
        if self.present not in PATTERNS[self.type]:
            self._refuse_shape()
        if MEMBER_ID.match(self.node) is None:
            self._refuse("node", "<MEMBER ID>", self.node[:CODE_CHARS_MAX])
        if self.counterpart is not None and MEMBER_ID.match(self.counterpart) is None:
            self._refuse("counterpart", "<MEMBER ID>", self.counterpart[:CODE_CHARS_MAX])
        if self.code is not None and (len(self.code) > CODE_CHARS_MAX or _CODE.match(self.code) is None):
            self._refuse("code", "<kebab-case code>", self.code[:CODE_CHARS_MAX])
        if self.count is not None and not 1 <= self.count <= COUNT_MAX:
            self._refuse("count", f"1 to {COUNT_MAX}", str(self.count)[:20])
        if not 1 <= self.registry.version <= COUNT_MAX:
            self._refuse("registry.version", f"1 to {COUNT_MAX}", str(self.registry.version)[:20])
        if len(self.salt) != SALT_BYTES:
            self._refuse("salt", f"{SALT_BYTES} bytes", str(len(self.salt)))
        if self.at.tzinfo is not UTC or self.at.microsecond:
            self._refuse("at", "<whole seconds of UTC>", self.at.isoformat())
        if self.type in PULLS and self.evidence != self.pull:
            self._refuse("evidence", str(self.pull), str(self.evidence))

    @property
    def present(self) -> tuple[bool, ...]:
        """Which of the optional members are there, in the order of `OPTIONAL`."""
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
        names = {member for member, there in zip(OPTIONAL, self.present, strict=True) if there}
        for member in sorted(shape.required - names):
            self._refuse(member, "<present>", "<absent>")
        for member in sorted(names - shape.required - shape.permitted):
            self._refuse(member, "<absent>", "<present>")

    def _refuse(self, member: str, expected: str, found: str) -> None:
        raise EntryMemberError(type=self.type, member=member, expected=expected, found=found)


def format_entry(entry: LogEntry) -> bytes:
    """RFC 8785 bytes of the entry."""
    pattern = PATTERNS[entry.type][entry.present]
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
    matched = match_entry(raw)
    entry = None if matched is None else _matched_entry(*matched)
    return _judged_entry(raw) if entry is None else entry


def scan_entry(raw: bytes) -> EntryHead:
    """Refuse whatever `parse_entry` refuses, and read only the head: several times as fast over a whole log.

    Raises:
        LogError, EncodingError: As `parse_entry`.
    """
    matched = match_entry(raw)
    if matched is not None:
        entry_type, members = matched
        try:
            at = datetime.fromisoformat(members["at"])
        except ValueError:
            pass  # a date that does not exist; the slower reader says so
        else:
            registry = _registry(members["version"], members["registry"])
            return EntryHead(entry_type, members["node"], int(at.timestamp()), registry)
    entry = _judged_entry(raw)
    return EntryHead(entry.type, entry.node, int(entry.at.timestamp()), entry.registry)


def _matched_entry(entry_type: EntryType, matched: re.Match[str]) -> LogEntry | None:
    """The entry of bytes that are its one spelling; None for a date that does not exist."""
    at, bundle, code, contract, count, counterpart, evidence, node, pull, registry, version, salt = matched.groups()
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return LogEntry(
        type=entry_type,
        at=moment,
        node=node,
        registry=_registry(version, registry),
        salt=binascii.a2b_base64(salt.replace("-", "+").replace("_", "/") + "=="),
        counterpart=counterpart,
        contract=_shared(contract),
        bundle=_shared(bundle),
        evidence=None if evidence is None else Digest(evidence),
        pull=None if pull is None else Digest(pull),
        code=code,
        count=None if count is None else int(count),
    )


@lru_cache(maxsize=_REFERENCES_KEPT)
def _shared(digest: str | None) -> Digest | None:
    return None if digest is None else Digest(digest)


@lru_cache(maxsize=_REFERENCES_KEPT)
def _instant_text(at: datetime) -> str:
    return format_instant(at)


@lru_cache(maxsize=_REFERENCES_KEPT)
def _registry(version: str, sha256: str) -> RegistryRef:
    return RegistryRef(version=int(version), sha256=Digest(sha256))


def _judged_entry(raw: bytes) -> LogEntry:
    """The entry by way of a JSON parser: many times slower, and it says what is wrong."""
    if len(raw) > ENTRY_BYTES_MAX:
        raise EntryBytesError(bytes_max=ENTRY_BYTES_MAX, found=len(raw))
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
