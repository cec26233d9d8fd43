"""The registry's signatures: a TUF repository verified on bytes, at a time that the caller names.

Follows the client workflow of the TUF specification 1.0.33 §5.3-5.6 step by step, with python-tuf's metadata classes
for format and thresholds. What the registry *says* is read by `exchange.signing.trust`; here is only who signed which
bytes.

Beyond TUF, and why: every meta entry carries length and SHA-256, so a snapshot's digest pins the whole state (log
entries name it); delegations are flat; who holds which key is `exchange.signing.authority`. A delegation that the
snapshot names rightly and that does not hold (expired, too few signatures, malformed) silences its member alone: nobody
can halt the others by signing badly or not at all. A file that is not the one the snapshot names is refused as a whole:
whoever handed it over lies, and another source has the right one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias, TypeVar

from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import (
    DelegatedRole,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization import DeserializationError, SerializationError

from exchange.encoding import Digest, format_instant, parse_json_object
from exchange.errors import ExchangeError
from exchange.errors.encoding import EncodingError
from exchange.errors.trust import (
    RegistryExpiredError,
    RegistryFileError,
    RegistryRuleError,
    RegistrySignatureError,
    RegistryTamperedError,
    RegistryVersionError,
)
from exchange.signing.authoring import Authority
from exchange.signing.authority import authorities, flat_delegations, root_authorities

Expired: TypeAlias = Literal["refuse", "notice"]
"""What expiry does: a node refuses, a verifier of old evidence takes notice (DESIGN.md §7)."""

METADATA_BYTES_MAX = 512 * 1024
"""python-tuf's own limit for root; ours takes 10 KiB for seven members."""
ROOT_ROTATIONS_MAX = 1024

Signed: TypeAlias = Root | Timestamp | Snapshot | Targets
S = TypeVar("S", Root, Timestamp, Snapshot, Targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """One flat delegation: who may sign for which paths, and what was signed; nothing if there is a `problem`."""

    role: str
    paths: tuple[str, ...]
    threshold: int
    version: int
    targets: Mapping[str, bytes] = field(default_factory=dict)
    expires: datetime | None = None
    problem: ExchangeError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRegistry:
    """What the registry's keys signed; nothing in it is interpreted yet.

    Attributes:
        files: All that it was read from, earlier versions among them, **unverified**.
    """

    snapshot_sha256: Digest
    roots: tuple[Root, ...]  # the chain, the newest last
    timestamp: Timestamp
    snapshot: Snapshot
    top: Targets
    authorities: Mapping[str, Authority]  # by role: root, targets, snapshot, timestamp, and each delegation
    targets: Mapping[str, bytes]
    delegations: tuple[Delegation, ...]
    notices: tuple[RegistryExpiredError, ...]
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def root(self) -> Root:
        """The newest root."""
        return self.roots[-1]

    @property
    def expires(self) -> datetime:
        """The earliest end of root, timestamp, snapshot and top-level targets: a node stops then."""
        return min(signed.expires for signed in (self.root, self.timestamp, self.snapshot, self.top))


@dataclass(slots=True, kw_only=True)
class _Reader:
    """The files, the time of judgement, and what has expired so far."""

    files: Mapping[str, bytes]
    at: datetime
    expired: Expired
    notices: list[RegistryExpiredError] = field(default_factory=list)

    def raw(self, file: str) -> bytes:
        if file not in self.files:
            raise RegistryFileError(file=file, reason="absent")
        return self.files[file]

    def check_expiry(self, signed: Signed, file: str) -> None:
        notice = self.expiry(signed, file)
        if notice is not None:
            if self.expired == "refuse":
                raise notice
            self.notices.append(notice)

    def expiry(self, signed: Signed, file: str) -> RegistryExpiredError | None:
        if not signed.is_expired(self.at):
            return None
        return RegistryExpiredError(file=file, expires=format_instant(signed.expires), at=format_instant(self.at))


def open_registry(files: Mapping[str, bytes], *, root: bytes, at: datetime, expired: Expired) -> SignedRegistry:
    """Verify a TUF repository held in memory.

    Args:
        files: By path: `metadata/1.root.json`, …, `metadata/timestamp.json`, `targets/…`. Older versions may be there.
        root: The root metadata that the caller trusts already, any version of the chain.
        at: The time at which expiry is judged.
        expired: Whether expired metadata raises or is noticed.

    Raises:
        RegistryFileError, RegistrySignatureError, RegistryVersionError, RegistryTamperedError, RegistryExpiredError,
        RegistryRuleError, KeyReuseError, WeakKeyError: At the first step that fails.

    Source: TUF specification §5.3 (root), §5.4 (timestamp), §5.5 (snapshot), §5.6 (targets).
    """
    reader = _Reader(files=files, at=at, expired=expired)
    roots = _update_root(reader, root)
    trusted_root = roots[-1]
    timestamp = _signed_by(trusted_root, reader.raw("metadata/timestamp.json"), Timestamp, "timestamp")
    reader.check_expiry(timestamp, "metadata/timestamp.json")
    snapshot, snapshot_raw = _pinned(reader, trusted_root, Snapshot, "snapshot", timestamp.snapshot_meta)
    reader.check_expiry(snapshot, "snapshot.json")
    targets, _ = _pinned(reader, trusted_root, Targets, "targets", _meta(snapshot, "targets"))
    reader.check_expiry(targets, "targets.json")
    admitted = authorities(trusted_root, targets)
    return SignedRegistry(
        snapshot_sha256=Digest.of(snapshot_raw),
        roots=roots,
        timestamp=timestamp,
        snapshot=snapshot,
        top=targets,
        authorities=admitted,
        targets={path: _target(reader, target) for path, target in targets.targets.items()},
        delegations=tuple(_delegation(reader, role, targets, snapshot) for role in flat_delegations(targets).values()),
        notices=tuple(reader.notices),
        files=files,
    )


def _update_root(reader: _Reader, anchor: bytes) -> tuple[Root, ...]:
    """§5.3: from the trusted root to the newest, each signed by its predecessor's threshold and by its own."""
    metadata = _parse(anchor, Root, "root.json")
    root_authorities(metadata.signed)
    _verify(metadata.signed, metadata, "root", "root.json")
    chain = [metadata.signed]
    for _ in range(ROOT_ROTATIONS_MAX):
        file = f"metadata/{metadata.signed.version + 1}.root.json"
        if file not in reader.files:
            break
        following = _parse(reader.files[file], Root, file)
        _verify(metadata.signed, following, "root", file)  # 5.3.4, by the keys trusted so far
        # Of every root, not the newest alone: a weak key in an earlier one could sign its way to the next.
        root_authorities(following.signed)
        _verify(following.signed, following, "root", file)  # 5.3.4, by its own keys
        if following.signed.version != metadata.signed.version + 1:  # 5.3.5
            raise RegistryVersionError(file=file, expected=metadata.signed.version + 1, found=following.signed.version)
        metadata = following
        chain.append(metadata.signed)
    root = metadata.signed
    reader.check_expiry(root, f"metadata/{root.version}.root.json")  # 5.3.10, of the last root only
    if not root.consistent_snapshot:
        raise RegistryRuleError(subject="root", rule="consistent_snapshot", expected="true", found="false")
    return tuple(chain)


def _pinned(reader: _Reader, delegator: Root | Targets, kind: type[S], role: str, meta: MetaFile) -> tuple[S, bytes]:
    """§5.5.1-5.5.5, §5.6.1-5.6.4: the version that was named, with its length and hash, signed by the role."""
    file, raw = _named(reader, role, meta)
    signed = _signed_by(delegator, raw, kind, role, file)
    if signed.version != meta.version:
        raise RegistryVersionError(file=file, expected=meta.version, found=signed.version)
    return signed, raw


def _named(reader: _Reader, role: str, meta: MetaFile) -> tuple[str, bytes]:
    file = f"metadata/{meta.version}.{role}.json"
    raw = reader.raw(file)
    check_bytes(meta, raw, file)
    return file, raw


def _delegation(reader: _Reader, role: DelegatedRole, targets: Targets, snapshot: Snapshot) -> Delegation:
    """§5.6.7 for a flat delegation; a path outside it is not this role's to say and is passed over, as TUF does."""
    meta = _meta(snapshot, role.name)
    _named(reader, role.name, meta)  # not the bytes that the snapshot names: the whole offer is refused
    signed: Targets | None = None
    own: dict[str, TargetFile] = {}
    problem: ExchangeError | None = None
    try:
        signed, _ = _pinned(reader, targets, Targets, role.name, meta)
        own = {path: target for path, target in signed.targets.items() if role.is_delegated_path(path)}
        _require_flat(role.name, signed)
        problem = _expiry_of(reader, signed, role.name)
    except (RegistryFileError, RegistrySignatureError, RegistryVersionError, RegistryRuleError) as error:
        problem = error
    return Delegation(
        role=role.name,
        paths=tuple(role.paths or ()),
        threshold=role.threshold,
        version=meta.version,
        targets={} if problem is not None else {path: _target(reader, target) for path, target in own.items()},
        expires=None if signed is None else signed.expires,
        problem=problem,
    )


def _require_flat(role: str, signed: Targets) -> None:
    if signed.delegations is not None:
        raise RegistryRuleError(subject=role, rule="delegations", expected="none", found="nested")
    for target in signed.targets.values():
        if "sha256" not in target.hashes:
            raise RegistryRuleError(subject=target.path, rule="hashes", expected="sha256", found="absent")


def _expiry_of(reader: _Reader, signed: Targets, role: str) -> RegistryExpiredError | None:
    """Noted always; a reason to be silent only for a node."""
    notice = reader.expiry(signed, f"metadata/{signed.version}.{role}.json")
    if notice is not None:
        reader.notices.append(notice)
    return notice if reader.expired == "refuse" else None


def _signed_by(delegator: Root | Targets, raw: bytes, kind: type[S], role: str, file: str | None = None) -> S:
    name = file or f"metadata/{role}.json"
    metadata = _parse(raw, kind, name)
    _verify(delegator, metadata, role, name)
    return metadata.signed


def _parse(raw: bytes, kind: type[S], file: str) -> Metadata[S]:
    try:
        parse_json_object(raw, subject=file, bytes_max=METADATA_BYTES_MAX)  # no duplicate members, bounded depth
        metadata: Metadata[S] = Metadata.from_bytes(raw)
    except (EncodingError, DeserializationError) as error:
        raise RegistryFileError(file=file, reason="not TUF metadata in strict JSON") from error
    if not isinstance(metadata.signed, kind):
        raise RegistryFileError(file=file, reason=f"holds {metadata.signed.type}, not {kind.type}")
    return metadata


def _verify(delegator: Root | Targets, metadata: Metadata[S], role: str, file: str) -> None:
    try:
        result = delegator.get_verification_result(role, metadata.signed_bytes, metadata.signatures)
    except ValueError as error:
        raise RegistrySignatureError(file=file, role=role, needed="its", found="no such role") from error
    except SerializationError as error:  # members that TUF does not know are signed too, whatever they hold
        raise RegistryFileError(file=file, reason="holds a value that TUF's canonical JSON does not write") from error
    if not result.verified:
        raise RegistrySignatureError(file=file, role=role, needed=result.threshold, found=len(result.signed))


def _meta(snapshot: Snapshot, role: str) -> MetaFile:
    meta = snapshot.meta.get(f"{role}.json")
    if meta is None:
        raise RegistryFileError(file=f"metadata/{snapshot.version}.snapshot.json", reason=f"lacks {role}.json")
    return meta


def _target(reader: _Reader, target: TargetFile) -> bytes:
    """§5.7 with consistent snapshots: the file lies under its SHA-256."""
    if "sha256" not in target.hashes:
        raise RegistryRuleError(subject=target.path, rule="hashes", expected="sha256", found="absent")
    folder, slash, name = target.path.rpartition("/")
    file = f"targets/{folder}{slash}{target.hashes['sha256']}.{name}"
    raw = reader.raw(file)
    check_bytes(target, raw, file)
    return raw


def check_bytes(pinned: MetaFile | TargetFile, raw: bytes, file: str) -> None:
    """Refuse bytes that are not the ones that were named.

    Raises:
        RegistryTamperedError: Another length or SHA-256.
        RegistryRuleError: They were named by less than both.
    """
    if pinned.length is None or "sha256" not in (pinned.hashes or {}):
        raise RegistryRuleError(subject=file, rule="pinned by", expected="length and sha256", found="less")
    if len(raw) != pinned.length:
        raise RegistryTamperedError(file=file, expected=f"{pinned.length} bytes", found=f"{len(raw)} bytes")
    try:
        pinned.verify_length_and_hashes(raw)
    except LengthOrHashMismatchError as error:
        expected = f"sha256:{(pinned.hashes or {})['sha256']}"
        raise RegistryTamperedError(file=file, expected=expected, found=str(Digest.of(raw))) from error
