"""Since when the registry says something: an archive of snapshots tells when a revocation was first published.

Nobody can take back the past: a revocation, a suspension or a removal counts from the later of two times, the one it
states and the issue of the snapshot that first published it (DESIGN.md §10). Where the archive does not reach back that
far, the stated time stands. Old snapshots are read under any root of the chain; what they name is checked by its hash.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets
from tuf.api.serialization import DeserializationError, SerializationError

from exchange.encoding import Digest, base64url_encode, canonical_json, parse_instant
from exchange.errors.encoding import EncodingError
from exchange.signing.authoring import HOLDER, SNAPSHOT_LIFE
from exchange.signing.registry import SignedRegistry

Event: TypeAlias = tuple[str, str, str, datetime]
"""Whose file says it (a role), what (revoked, suspended, left, replaced), of which key or member, and its time."""

REVOKED, SUSPENDED, LEFT, REPLACED = "revoked", "suspended", "left", "replaced"


def issued_at(snapshot: Snapshot) -> datetime:
    """When a snapshot was issued: a snapshot lives exactly `SNAPSHOT_LIFE`."""
    return snapshot.expires - SNAPSHOT_LIFE


def read_snapshot(raw: bytes, *, version: int, roots: Iterable[Root]) -> Snapshot | None:
    """An archived snapshot of this version, if a registrar listed in any of these roots signed it."""
    snapshot, registrars = _signed_snapshot(raw, version=version, roots=roots)
    return snapshot if registrars else None


def _signed_snapshot(
    raw: bytes, *, version: int, roots: Iterable[Root]
) -> tuple[Snapshot | None, dict[str, str | None]]:
    """A snapshot of this version, and who signed it by any of these roots: holders (None: not named) by key id."""
    try:
        metadata: Metadata[Snapshot] = Metadata.from_bytes(raw)
        content, signatures = metadata.signed_bytes, metadata.signatures
    except (DeserializationError, SerializationError):
        return None, {}
    if not isinstance(metadata.signed, Snapshot) or metadata.signed.version != version:
        return None, {}
    results = [root.get_verification_result("snapshot", content, signatures) for root in roots]
    signed = [key for result in results if result.verified for key in result.signed.values()]
    return metadata.signed, {key.keyid: key.unrecognized_fields.get(HOLDER) for key in signed}


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotArchive:
    """The snapshots that a trust folder holds; one counts only if a registrar of the root chain signed it."""

    files: Mapping[str, bytes] = field(repr=False)
    roots: tuple[Root, ...] = field(repr=False)

    def sha256(self, version: int) -> Digest | None:
        """The digest of the snapshot of this version; None where it is not held, or nobody entitled signed it."""
        raw = self.files.get(f"metadata/{version}.snapshot.json")
        return Digest.of(raw) if raw is not None and self.registrars(version, raw) else None

    def registrars(self, version: int, raw: bytes | None = None) -> Mapping[str, str | None]:
        """Who signed the snapshot of this version that is held, or these bytes as one: holders by key id.

        Empty where it is not held, is none of this version, or nobody entitled signed it; a holder that no root names
        is None.
        """
        raw = self.files.get(f"metadata/{version}.snapshot.json") if raw is None else raw
        return {} if raw is None else _signed_snapshot(raw, version=version, roots=self.roots)[1]

    def contents(self) -> dict[str, Digest]:
        """All that an answer of this archive rests on: its snapshots, and the roots that say who may sign them."""
        kinds = (".snapshot.json", ".root.json")
        return {name: Digest.of(raw) for name, raw in self.files.items() if name.endswith(kinds)}


def announced(signed: SignedRegistry, files: Mapping[str, bytes]) -> dict[Event, datetime]:
    """When each event of the newest state was first published; an event that the archive cannot date is left out.

    Args:
        signed: The newest state, verified.
        files: The registry by path, with whatever earlier versions are there.
    """
    archive = _Archive(files=files, roots=signed.roots)
    snapshot: Snapshot = signed.snapshot
    undated = archive.events(snapshot)
    dated: dict[Event, datetime] = {}
    while undated:
        earlier = archive.snapshot(snapshot.version - 1)
        known = set() if snapshot.version == 1 else undated if earlier is None else archive.events(earlier, undated)
        dated |= dict.fromkeys(undated - known, issued_at(snapshot))
        undated &= known
        if earlier is None:
            break
        snapshot = earlier
    return dated


class ClaimKind(StrEnum):
    """What a member's keys.json claims, and nobody else may."""

    KEY = "key"
    ISSUER = "issuer"
    NAME = "name"


Claim: TypeAlias = tuple[ClaimKind, str]
"""A key id, an address, the name of a log or witness."""


def claimed_since(signed: SignedRegistry, files: Mapping[str, bytes], member_id: str, claim: Claim) -> int:
    """The snapshot version from which on a member's file makes this claim without a break, as far as the archive goes.

    Args:
        signed: The newest state, verified; the member's file in it makes the claim.
        files: The registry by path, with whatever earlier versions are there.
        member_id: Whose file.
        claim: What it claims.
    """
    archive = _Archive(files=files, roots=signed.roots)
    role, version = member_id.lower(), signed.snapshot.version
    while version > 1:
        earlier = archive.snapshot(version - 1)
        meta = None if earlier is None else earlier.meta.get(f"{role}.json")
        content = None if meta is None else archive.content(role, meta)
        if content is None or not _claims(content, claim):
            break
        version -= 1
    return version


def earlier_keys_files(signed: SignedRegistry, member_id: str) -> Iterator[bytes]:
    """A member's keys.json files as the archive has them, the newest first, that its present delegation keys signed.

    Each is checked by itself, so that a registrar who publishes alone cannot lay a file under the member's name.
    """
    archive = _Archive(files=signed.files, roots=signed.roots)
    role, seen = member_id.lower(), set[int]()
    for version in range(signed.snapshot.version, 0, -1):
        snapshot = archive.snapshot(version)
        meta = None if snapshot is None else snapshot.meta.get(f"{role}.json")
        if meta is None or meta.version in seen:
            continue
        seen.add(meta.version)
        content = archive.content(role, meta)
        if content is not None and archive.is_signed(role, meta, by=signed.top):
            yield content


def revocations_in(keys_file: bytes) -> dict[str, datetime | None]:
    """Which keys a keys.json says are revoked, by key id, and since when; None where its time cannot be read.

    Also one that is malformed otherwise: it silences its member, and what it revokes was made known all the same.
    """
    found: dict[str, datetime | None] = {}
    for entry in _entries(keys_file):
        with suppress(ValueError, KeyError, TypeError):
            if "revoked_at" in entry:
                kid = _kid(entry["jwk"])
                found[kid] = None
                with suppress(EncodingError):
                    found[kid] = _time(entry["revoked_at"])
    return found


def _entries(keys_file: bytes) -> list[Mapping[str, object]]:
    try:
        listed = json.loads(keys_file)["keys"]
    except (ValueError, KeyError, TypeError):
        return []
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def _claims(keys_file: bytes, claim: Claim) -> bool:
    """Whether a keys.json makes a claim; a malformed one makes none (it was silenced)."""
    kind, text = claim
    try:
        document = json.loads(keys_file)
        if kind is ClaimKind.ISSUER:
            return bool(document["issuer"] == text)
        if kind is ClaimKind.NAME:
            return any(str(entry.get("vkey", "")).partition("+")[0] == text for entry in document["keys"])
        return any(_kid(entry["jwk"]) == text for entry in document["keys"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


@dataclass(slots=True, kw_only=True)
class _Archive:
    files: Mapping[str, bytes]
    roots: tuple[Root, ...]
    _read: dict[tuple[str, int], frozenset[Event] | None] = field(default_factory=dict)

    def snapshot(self, version: int) -> Snapshot | None:
        """An earlier snapshot, if it is there and a registrar of its time signed it."""
        raw = self.files.get(f"metadata/{version}.snapshot.json")
        return None if raw is None else read_snapshot(raw, version=version, roots=self.roots)

    def events(self, snapshot: Snapshot, asked: set[Event] | None = None) -> set[Event]:
        """What stands in this snapshot; of a role whose files are missing, whatever is asked for."""
        found: set[Event] = set()
        for name, meta in snapshot.meta.items():
            role = name.removesuffix(".json")
            events = self._events(role, meta)
            found |= {event for event in asked or () if event[0] == role} if events is None else events
        return found

    def _events(self, role: str, meta: MetaFile) -> frozenset[Event] | None:
        key = (role, meta.version)
        if key not in self._read:
            self._read[key] = self._read_events(role, meta)
        return self._read[key]

    def _read_events(self, role: str, meta: MetaFile) -> frozenset[Event] | None:
        content = self.content(role, meta)
        return None if content is None else _stated(role, content)

    def content(self, role: str, meta: MetaFile) -> bytes | None:
        """federation.json or a member's keys.json, as an archived version of its role pins it; None if not there."""
        raw = self.files.get(f"metadata/{meta.version}.{role}.json")
        try:
            if raw is None:
                return None
            meta.verify_length_and_hashes(raw)
            metadata: Metadata[Targets] = Metadata.from_bytes(raw)
        except (LengthOrHashMismatchError, DeserializationError):
            return None
        path = "federation.json" if role == "targets" else f"members/{role}/keys.json"
        target = metadata.signed.targets.get(path)
        if target is None:
            return None
        folder, slash, name = path.rpartition("/")
        found = self.files.get(f"targets/{folder}{slash}{target.hashes.get('sha256', '')}.{name}")
        try:
            if found is not None:
                target.verify_length_and_hashes(found)
        except LengthOrHashMismatchError:
            return None
        return found

    def is_signed(self, role: str, meta: MetaFile, *, by: Targets) -> bool:
        """Whether an archived version of a delegation has the signatures that these top-level targets ask for."""
        metadata: Metadata[Targets] = Metadata.from_bytes(self.files[f"metadata/{meta.version}.{role}.json"])
        return bool(by.get_verification_result(role, metadata.signed_bytes, metadata.signatures))


def _stated(role: str, content: bytes) -> frozenset[Event]:
    """The events of federation.json or of a keys.json; a malformed one states what can be read of its revocations."""
    if role != "targets":
        return frozenset((role, REVOKED, kid, at) for kid, at in revocations_in(content).items() if at is not None)
    try:
        document = json.loads(content)
        entries, replaced = document["members"], document.get("earlier_auditors", [])
        auditors = {(role, REPLACED, str(entry["id"]), _time(entry["until"])) for entry in replaced}
        return frozenset(auditors.union(*(_of_entry(role, entry) for entry in entries)))
    except (ValueError, KeyError, TypeError, AttributeError, EncodingError):
        return frozenset()


def _of_entry(role: str, entry: Mapping[str, object]) -> list[Event]:
    member, periods = str(entry["id"]), entry.get("suspended")
    found = [
        (role, SUSPENDED, member, _time(period["since"])) for period in (periods if isinstance(periods, list) else [])
    ]
    return [*found, (role, LEFT, member, _time(entry["left_at"]))] if "left_at" in entry else found


def _kid(jwk: object) -> str:
    """RFC 7638, as `PublicKey.kid`."""
    return base64url_encode(hashlib.sha256(canonical_json(jwk)).digest())


def _time(value: object) -> datetime:
    return parse_instant(value, subject="registry archive")
