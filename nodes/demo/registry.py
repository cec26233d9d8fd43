"""A federation founded with throw-away keys: the registry in one folder, each private key where its holder has it.

Who signs what (DESIGN.md §10): root and top-level targets by more than half of the members; a flat delegation per
member with two keys of its own; snapshot and timestamp by one key each of the auditor and two other members. In
earnest each member makes its keys itself and only public parts meet (keys/README.md); here one process plays all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from exchange.codes import Labels
from exchange.errors.trust import RegistryFileError
from exchange.log.note import SignatureKind, parse_vkey
from exchange.log.policy import WITNESSES_MIN, format_policy, quorum_policy
from exchange.signing.authoring import (
    Authority,
    target_file,
    write_root,
    write_snapshot,
    write_targets,
    write_timestamp,
)
from exchange.signing.keys import (
    HYBRID,
    Algorithm,
    KeyPurpose,
    PublicKey,
    Random,
    SoftwareSigner,
    note_vkey,
)
from exchange.signing.members import (
    NOTE_TYPES,
    Federation,
    Member,
    MemberKey,
    Membership,
    format_federation,
    format_member_keys,
)
from exchange.signing.trust import DELEGATION_THRESHOLD_MIN, FIRST_ROOT, Trust
from nodes.adapters.clock import Clock
from nodes.adapters.key_files import key_path, read_private_key, write_private_key
from nodes.adapters.trust_folder import TIMESTAMP, load_trust, write_trust_files

ROOT_DAYS = TARGETS_DAYS = 365
DELEGATION_DAYS = 90
SNAPSHOT_DAYS = 30
TIMESTAMP_DAYS = 7
SINGLE_PURPOSES = (KeyPurpose.TRANSPORT, KeyPurpose.LOG, KeyPurpose.WITNESS)
HYBRID_PURPOSES = (KeyPurpose.BUNDLE, KeyPurpose.CONTRACT)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficerSpec:
    """An officer by pseudonym, and what the officer may do."""

    id: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSpec:
    """A member to be: who it is, where its gateway answers, who its officers are."""

    id: str
    kind: str  # state | organisation
    name: Labels
    issuer: str
    officers: tuple[OfficerSpec, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FederationSpec:
    """The federation to be founded."""

    name: Labels
    members: tuple[MemberSpec, ...]
    auditor: str

    @property
    def majority(self) -> int:
        """More than half of the members, at least two."""
        return max(2, len(self.members) // 2 + 1)

    @property
    def registrars(self) -> tuple[str, ...]:
        """Who holds snapshot and timestamp keys: the auditor and two more, so that no single one can freeze all."""
        others = sorted(member.id for member in self.members if member.id != self.auditor)
        return (self.auditor, *others[:2])


def standard_officers(member_id: str) -> tuple[OfficerSpec, ...]:
    """One data officer, two clearing officers, one contract officer: the fewest with which four eyes can clear."""
    folder = member_id.lower()
    roles = ("data", "clearing", "clearing", "contract")
    return tuple(OfficerSpec(id=f"{folder}-{number:02d}", roles=(role,)) for number, role in enumerate(roles, start=1))


def found_federation(
    registry: Path,
    federation: FederationSpec,
    *,
    nodes: Mapping[str, Path],
    custody: Path,
    clock: Clock,
    random: Random,
) -> Trust:
    """Write the first state of a registry and every private key, and read it back as any node would.

    Args:
        registry: Where `metadata/` and `targets/` go; must not hold a registry yet.
        federation: Whom to found it with.
        nodes: Each member's node folder; its keys go to `private/` in it.
        custody: Outside all nodes: the registry's own keys, which no node may hold.
        clock: For validity and expiry.
        random: For every seed; `secrets.token_bytes` outside tests.

    Raises:
        RegistryFileError: There is a registry already.
        PrivateKeyFileError: A key file is there already.
    """
    if (registry / "metadata").exists():
        raise RegistryFileError(file=str(registry), reason="holds a registry already")
    founded_at = clock.now().replace(microsecond=0)
    members = [
        _make_member_keys(member, nodes[member.id] / "private", founded_at, random) for member in federation.members
    ]
    holders = _make_registry_keys(federation, custody, random)
    targets = {"federation.json": _federation_file(federation)} | {
        f"policy/{member.id.lower()}.tlog-policy": _policy(member, members)
        for member in members
        if len(members) > WITNESSES_MIN
    }
    keys = {f"members/{member.id.lower()}/keys.json": format_member_keys(member) for member in members}
    files = {target_file(path, content): content for path, content in (targets | keys).items()}
    write_trust_files(registry, files | _metadata(federation, holders, targets, keys, founded_at))
    return load_trust(registry, at=clock.now())


def renew_timestamp(registry: Path, *, custody: Path, member: str, clock: Clock) -> None:
    """Sign the present snapshot's timestamp again for its full life, as one registrar does before it runs out."""
    trust = load_trust(registry, at=clock.now(), expired="notice")
    snapshot = (registry / "metadata" / f"{trust.ref.version}.snapshot.json").read_bytes()
    signer = read_private_key(
        _custody_path(custody, member, "timestamp"), purpose="registry-timestamp", passphrase=None, demo=True
    )
    raw = write_timestamp(
        version=trust.timestamp_version + 1,
        expires=clock.now().replace(microsecond=0) + timedelta(days=TIMESTAMP_DAYS),
        snapshot=(trust.ref.version, snapshot),
        signers=[signer],
    )
    write_trust_files(registry, {TIMESTAMP: raw})


def _policy(operator: Member, members: Iterable[Member]) -> bytes:
    """The witness policy of a member's log: all others, by member."""
    witnesses = {
        member.id.lower(): parse_vkey(listed.vkey, kind=SignatureKind.COSIGNATURE)
        for member in sorted(members, key=lambda member: member.id)
        for listed in member.keys
        if member.id != operator.id and listed.purpose is KeyPurpose.WITNESS and listed.vkey is not None
    }
    return format_policy(quorum_policy(parse_vkey(operator.log_vkey, kind=SignatureKind.LOG), witnesses))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holders:
    """The registry's own keys while the founding lasts, by role: one signer a member."""

    root: dict[str, SoftwareSigner]
    targets: dict[str, SoftwareSigner]
    snapshot: dict[str, SoftwareSigner]
    timestamp: dict[str, SoftwareSigner]
    delegations: dict[str, list[SoftwareSigner]]


def _make_member_keys(spec: MemberSpec, private: Path, at: datetime, random: Random) -> Member:
    folder = spec.id.lower()
    listed = []
    for purpose in (*HYBRID_PURPOSES, *SINGLE_PURPOSES):
        for algorithm in HYBRID if purpose in HYBRID_PURPOSES else (Algorithm.ED25519,):
            public = _make_key(key_path(private, purpose, algorithm), purpose, random, algorithm)
            type_byte = NOTE_TYPES.get(purpose)
            vkey = None if type_byte is None else note_vkey(f"{folder}.exchange.example/{purpose}", public, type_byte)
            listed.append(MemberKey(purpose=purpose, key=public, valid_from=at, vkey=vkey))
    for officer in spec.officers:
        path = key_path(private, KeyPurpose.OFFICER, Algorithm.ED25519, officer=officer.id)
        public = _make_key(path, KeyPurpose.OFFICER, random)
        listed.append(
            MemberKey(
                purpose=KeyPurpose.OFFICER,
                key=public,
                valid_from=at,
                officer=officer.id,
                roles=tuple(sorted(officer.roles)),
            )
        )
    log_vkey = next(key.vkey for key in listed if key.purpose is KeyPurpose.LOG)
    return Member(
        id=spec.id,
        kind=spec.kind,
        name=spec.name,
        issuer=spec.issuer,
        log_vkey=log_vkey or "",
        keys=tuple(listed),
    )


def _make_registry_keys(federation: FederationSpec, custody: Path, random: Random) -> _Holders:
    def make(member_id: str, role: str) -> SoftwareSigner:
        signer = SoftwareSigner.generate(Algorithm.ED25519, random=random)
        path = _custody_path(custody, member_id, role)
        write_private_key(path, signer, purpose=f"registry-{role}", passphrase=None, random=random)
        return signer

    ids = [member.id for member in federation.members]
    return _Holders(
        root={member_id: make(member_id, "root") for member_id in ids},
        targets={member_id: make(member_id, "targets") for member_id in ids},
        snapshot={member_id: make(member_id, "snapshot") for member_id in federation.registrars},
        timestamp={member_id: make(member_id, "timestamp") for member_id in federation.registrars},
        delegations={
            member_id: [make(member_id, "delegation-1"), make(member_id, "delegation-2")] for member_id in ids
        },
    )


def _metadata(
    federation: FederationSpec,
    holders: _Holders,
    targets: Mapping[str, bytes],
    keys: Mapping[str, bytes],
    at: datetime,
) -> dict[str, bytes]:
    """Everything at version 1; root and targets signed by all members, snapshot and timestamp by the auditor."""
    signed = _sign_targets(holders, targets, keys, at)
    snapshot = write_snapshot(
        version=1,
        expires=at + timedelta(days=SNAPSHOT_DAYS),
        metadata={role: (1, raw) for role, raw in signed.items()},
        signers=[holders.snapshot[federation.auditor]],
    )
    timestamp = write_timestamp(
        version=1,
        expires=at + timedelta(days=TIMESTAMP_DAYS),
        snapshot=(1, snapshot),
        signers=[holders.timestamp[federation.auditor]],
    )
    return {
        FIRST_ROOT: _sign_root(holders, federation.majority, at),
        **{f"metadata/1.{role}.json": raw for role, raw in signed.items()},
        "metadata/1.snapshot.json": snapshot,
        TIMESTAMP: timestamp,
    }


def _sign_root(holders: _Holders, majority: int, at: datetime) -> bytes:
    return write_root(
        version=1,
        expires=at + timedelta(days=ROOT_DAYS),
        roles={
            "root": _authority(holders.root.values(), majority),
            "targets": _authority(holders.targets.values(), majority),
            "snapshot": _authority(holders.snapshot.values(), 1),
            "timestamp": _authority(holders.timestamp.values(), 1),
        },
        signers=list(holders.root.values()),
    )


def _sign_targets(
    holders: _Holders,
    targets: Mapping[str, bytes],
    keys: Mapping[str, bytes],
    at: datetime,
) -> dict[str, bytes]:
    """Top-level targets and every member's own role, by role name."""
    pairs = {member_id.lower(): pair for member_id, pair in holders.delegations.items()}
    signed = {
        name: write_targets(
            version=1,
            expires=at + timedelta(days=DELEGATION_DAYS),
            targets={path: raw for path, raw in keys.items() if path.startswith(f"members/{name}/")},
            signers=pair,
        )
        for name, pair in pairs.items()
    }
    signed["targets"] = write_targets(
        version=1,
        expires=at + timedelta(days=TARGETS_DAYS),
        targets=targets,
        signers=list(holders.targets.values()),
        members={name: _authority(pair, DELEGATION_THRESHOLD_MIN) for name, pair in pairs.items()},
    )
    return signed


def _federation_file(federation: FederationSpec) -> bytes:
    return format_federation(
        Federation(
            name=federation.name,
            members={member.id: Membership(kind=member.kind, name=member.name) for member in federation.members},
            auditor=federation.auditor,
        )
    )


def _authority(signers: Iterable[SoftwareSigner], threshold: int) -> Authority:
    return Authority(keys=tuple(signer.public for signer in signers), threshold=threshold)


def _make_key(path: Path, purpose: KeyPurpose, random: Random, algorithm: Algorithm = Algorithm.ED25519) -> PublicKey:
    signer = SoftwareSigner.generate(algorithm, random=random)
    write_private_key(path, signer, purpose=purpose, passphrase=None, random=random)
    return signer.public


def _custody_path(custody: Path, member_id: str, role: str) -> Path:
    return custody / member_id.lower() / f"{role}.key"
