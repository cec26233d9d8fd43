"""The registry's signatures: a TUF repository verified on bytes, at a time that the caller names.

Follows the client workflow of the TUF specification 1.0.33 §5.3-5.6 step by step, with python-tuf's metadata classes
for format and thresholds. What the registry *says* is read by `exchange.signing.trust`; here is only who signed which
bytes.

Beyond TUF, and why: every meta entry carries length and SHA-256, so a snapshot's digest pins the whole state (log
entries name it); delegations are flat; keys are Ed25519 points that passed admission, each in one role only, so a
threshold counts holders and not names. A delegation's expiry silences its member alone: nobody can halt the others by
not signing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias, TypeVar

from securesystemslib.signer import Key
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
from tuf.api.serialization import DeserializationError

from exchange.encoding import Digest, format_instant, parse_json_object
from exchange.errors.encoding import EncodingError
from exchange.errors.trust import (
    KeyReuseError,
    RegistryExpiredError,
    RegistryFileError,
    RegistryRuleError,
    RegistrySignatureError,
    RegistryTamperedError,
    RegistryVersionError,
)
from exchange.signing.keys import Algorithm, PublicKey

Expired: TypeAlias = Literal["refuse", "notice"]
"""What expiry does: a node refuses, a verifier of old evidence takes notice (DESIGN.md §7)."""

METADATA_BYTES_MAX = 512 * 1024
"""python-tuf's own limit for root; ours takes 10 KiB for seven members."""
ROOT_ROTATIONS_MAX = 1024

Signed: TypeAlias = Root | Timestamp | Snapshot | Targets
S = TypeVar("S", Root, Timestamp, Snapshot, Targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """One flat delegation: who may sign for which paths, and what was signed; `targets` is empty once expired."""

    role: str
    paths: tuple[str, ...]
    threshold: int
    targets: Mapping[str, bytes]
    expired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRegistry:
    """What the registry's keys signed; nothing in it is interpreted yet."""

    snapshot_version: int
    snapshot_sha256: Digest
    timestamp_version: int
    root_threshold: int
    targets_threshold: int
    targets: Mapping[str, bytes]
    delegations: tuple[Delegation, ...]
    keys: Mapping[str, PublicKey]  # by a name of the role and key, for the federation's one-key-one-purpose rule
    expires: datetime  # the earliest of root, timestamp, snapshot and top-level targets
    notices: tuple[RegistryExpiredError, ...]


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
    trusted_root = _update_root(reader, root)
    timestamp = _signed_by(trusted_root, reader.raw("metadata/timestamp.json"), Timestamp, "timestamp")
    reader.check_expiry(timestamp, "metadata/timestamp.json")
    snapshot, snapshot_raw = _pinned(reader, trusted_root, Snapshot, "snapshot", timestamp.snapshot_meta)
    reader.check_expiry(snapshot, "snapshot.json")
    targets, _ = _pinned(reader, trusted_root, Targets, "targets", _meta(snapshot, "targets"))
    reader.check_expiry(targets, "targets.json")
    keys = _admit_keys(trusted_root, targets)
    delegations = tuple(_delegation(reader, role, targets, snapshot) for role in _flat_delegations(targets).values())
    return SignedRegistry(
        snapshot_version=snapshot.version,
        snapshot_sha256=Digest.of(snapshot_raw),
        timestamp_version=timestamp.version,
        root_threshold=trusted_root.roles["root"].threshold,
        targets_threshold=trusted_root.roles["targets"].threshold,
        targets={path: _target(reader, target) for path, target in targets.targets.items()},
        delegations=delegations,
        keys=keys,
        expires=min(signed.expires for signed in (trusted_root, timestamp, snapshot, targets)),
        notices=tuple(reader.notices),
    )


def _update_root(reader: _Reader, anchor: bytes) -> Root:
    """§5.3: from the trusted root to the newest, each signed by its predecessor's threshold and by its own."""
    metadata = _parse(anchor, Root, "root.json")
    _verify(metadata.signed, metadata, "root", "root.json")
    for _ in range(ROOT_ROTATIONS_MAX):
        file = f"metadata/{metadata.signed.version + 1}.root.json"
        if file not in reader.files:
            break
        following = _parse(reader.files[file], Root, file)
        _verify(metadata.signed, following, "root", file)  # 5.3.4, by the keys trusted so far
        _verify(following.signed, following, "root", file)  # 5.3.4, by its own keys
        if following.signed.version != metadata.signed.version + 1:  # 5.3.5
            raise RegistryVersionError(file=file, expected=metadata.signed.version + 1, found=following.signed.version)
        metadata = following
    root = metadata.signed
    reader.check_expiry(root, f"metadata/{root.version}.root.json")  # 5.3.10, of the last root only
    if not root.consistent_snapshot:
        raise RegistryRuleError(subject="root", rule="consistent_snapshot", expected="true", found="false")
    return root


def _pinned(reader: _Reader, delegator: Root | Targets, kind: type[S], role: str, meta: MetaFile) -> tuple[S, bytes]:
    """§5.5.1-5.5.5, §5.6.1-5.6.4: the version that was named, with its length and hash, signed by the role."""
    file = f"metadata/{meta.version}.{role}.json"
    raw = reader.raw(file)
    _check_bytes(meta, raw, file)
    signed = _signed_by(delegator, raw, kind, role, file)
    if signed.version != meta.version:
        raise RegistryVersionError(file=file, expected=meta.version, found=signed.version)
    return signed, raw


def _delegation(reader: _Reader, role: DelegatedRole, targets: Targets, snapshot: Snapshot) -> Delegation:
    """§5.6.7 for a flat delegation; a path outside it is not this role's to say and is passed over, as TUF does."""
    signed, _ = _pinned(reader, targets, Targets, role.name, _meta(snapshot, role.name))
    if signed.delegations is not None:
        raise RegistryRuleError(subject=role.name, rule="delegations", expected="none", found="nested")
    notice = reader.expiry(signed, f"metadata/{signed.version}.{role.name}.json")
    if notice is not None:
        reader.notices.append(notice)
    silenced = notice is not None and reader.expired == "refuse"
    own = {path: target for path, target in signed.targets.items() if role.is_delegated_path(path)}
    return Delegation(
        role=role.name,
        paths=tuple(role.paths or ()),
        threshold=role.threshold,
        targets={} if silenced else {path: _target(reader, target) for path, target in own.items()},
        expired=silenced,
    )


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
    _check_bytes(target, raw, file)
    return raw


def _check_bytes(pinned: MetaFile | TargetFile, raw: bytes, file: str) -> None:
    if pinned.length is None or "sha256" not in (pinned.hashes or {}):
        raise RegistryRuleError(subject=file, rule="pinned by", expected="length and sha256", found="less")
    if len(raw) != pinned.length:
        raise RegistryTamperedError(file=file, expected=f"{pinned.length} bytes", found=f"{len(raw)} bytes")
    try:
        pinned.verify_length_and_hashes(raw)
    except LengthOrHashMismatchError as error:
        expected = f"sha256:{(pinned.hashes or {})['sha256']}"
        raise RegistryTamperedError(file=file, expected=expected, found=str(Digest.of(raw))) from error


def _flat_delegations(targets: Targets) -> Mapping[str, DelegatedRole]:
    if targets.delegations is None or targets.delegations.roles is None:
        raise RegistryRuleError(subject="targets", rule="delegations", expected="one per member", found="none")
    return targets.delegations.roles


def _admit_keys(root: Root, targets: Targets) -> dict[str, PublicKey]:
    """Every registry key, admitted, each in one role and under one id only."""
    assert targets.delegations is not None  # _flat_delegations is asked first
    holders = [(name, role.keyids, root.keys) for name, role in root.roles.items()]
    holders += [(role.name, role.keyids, targets.delegations.keys) for role in _flat_delegations(targets).values()]
    admitted: dict[str, PublicKey] = {}
    seen: dict[str, str] = {}
    for role_name, keyids, keys in holders:
        for keyid in keyids:
            public = _admit(keys[keyid], role_name)
            place = f"registry role {role_name}, key {keyid[:8]}"
            if public.kid in seen:
                raise KeyReuseError(kid=public.kid, first=seen[public.kid], second=place)
            seen[public.kid] = place
            admitted[place] = public
    return admitted


def _admit(key: Key, role: str) -> PublicKey:
    if (key.keytype, key.scheme) != ("ed25519", "ed25519"):
        raise RegistryRuleError(
            subject=f"role {role}", rule="key type", expected="ed25519", found=f"{key.keytype}/{key.scheme}"
        )
    try:
        raw = bytes.fromhex(str(key.keyval.get("public")))
    except ValueError as error:
        raise RegistryRuleError(subject=f"role {role}", rule="key", expected="hex", found="other") from error
    return PublicKey(Algorithm.ED25519, raw)
