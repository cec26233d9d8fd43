"""Who is a member, and which key speaks for whom at which time: the registry read from its bytes (DESIGN.md §10).

Trust is a value: immutable, made once per registry state, shared by all requests. It refuses as a whole where a rule of
the federation is broken; a node then keeps the state it had until that expires. A key that was revoked stays listed, so
that what it signed before still verifies.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from exchange.codes import Labels
from exchange.encoding import Digest, format_instant
from exchange.errors.trust import (
    KeyReuseError,
    RegistryExpiredError,
    RegistryRollbackError,
    RegistryRuleError,
    UnknownMemberError,
    UnknownOfficerError,
)
from exchange.signing.keys import KeyPurpose, PublicKey
from exchange.signing.members import (
    Federation,
    Member,
    MemberKey,
    parse_federation,
    parse_member_keys,
)
from exchange.signing.registry import Delegation, Expired, SignedRegistry, open_registry

__all__ = ["FIRST_ROOT", "Expired", "Member", "MemberKey", "RegistryRef", "Trust", "open_trust"]

FIRST_ROOT = "metadata/1.root.json"
"""Where a trust folder keeps the one file that is taken on faith."""

DELEGATION_THRESHOLD_MIN = 2
"""Two keys of a member sign its keys, so that no single one of its people can change them."""

_POLICY = re.compile(r"policy/([a-z][a-z0-9]{1,15})\.tlog-policy\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRef:
    """A registry state as log entries name it: version and SHA-256 of the snapshot file, which pins the rest."""

    version: int
    sha256: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """A verified registry state."""

    ref: RegistryRef
    name: Labels
    members: Mapping[str, Member]
    auditor: str
    policies: Mapping[str, bytes]  # C2SP tlog-policy text by the member whose log it judges
    expires: datetime  # when nodes must stop unless the registry is refreshed
    timestamp_version: int  # grows with every renewal, also of an unchanged snapshot
    notices: tuple[RegistryExpiredError, ...] = ()

    def member(self, member_id: str) -> Member:
        """The member with this id.

        Raises:
            UnknownMemberError: There is none.
        """
        if member_id not in self.members:
            raise UnknownMemberError(member=member_id[:16])
        return self.members[member_id]

    def keys(self, member_id: str, purpose: KeyPurpose, *, at: datetime | None) -> tuple[PublicKey, ...]:
        """The keys that speak for a member for this purpose at this time; None asks for any time."""
        return tuple(
            listed.key for listed in self.member(member_id).keys if listed.purpose is purpose and listed.counts_at(at)
        )

    def officer(self, officer_id: str, *, at: datetime | None) -> tuple[str, MemberKey]:
        """The member an officer belongs to, and the officer's key at this time (None: the latest).

        Raises:
            UnknownOfficerError: No such officer, or no valid key then.
        """
        found = [
            (member.id, listed)
            for member in self.members.values()
            for listed in member.keys
            if listed.officer == officer_id and listed.counts_at(at)
        ]
        if not found:
            raise UnknownOfficerError(officer=officer_id[:32], at=format_instant(at) if at is not None else "any time")
        return max(found, key=lambda pair: pair[1].valid_from)


def open_trust(
    files: Mapping[str, bytes],
    *,
    root: bytes,
    at: datetime,
    expired: Expired,
    newest_seen: RegistryRef | None = None,
) -> Trust:
    """Verify a registry and read who its members are and which keys they have.

    Args:
        files: The registry by path, `metadata/…` and `targets/…`; other files beside them are not looked at.
        root: The trusted root metadata, normally `metadata/1.root.json` as handed over at the founding.
        at: The time of judgement; UTC.
        expired: "refuse" for a node, "notice" for a verifier of old evidence (see `Trust.notices`).
        newest_seen: A state already met, in a log entry or before; an older or a rival one is refused.

    Raises:
        TrustError: A signature, version, hash, expiry or rule of the federation fails; the class says which.
        EncodingError: A signed target is not in its one legal form.
    """
    signed = open_registry(files, root=root, at=at, expired=expired)
    ref = RegistryRef(version=signed.snapshot_version, sha256=signed.snapshot_sha256)
    _refuse_rollback(ref, newest_seen)
    federation = _read_federation(signed)
    _check_majority(signed, len(federation.members))
    members = _read_members(signed, federation)
    _check_one_key_one_purpose(signed, members.values())
    return Trust(
        ref=ref,
        name=federation.name,
        members=MappingProxyType(members),
        auditor=federation.auditor,
        policies=MappingProxyType(_read_policies(signed, members)),
        expires=signed.expires,
        timestamp_version=signed.timestamp_version,
        notices=signed.notices,
    )


def _refuse_rollback(offered: RegistryRef, seen: RegistryRef | None) -> None:
    if seen is None:
        return
    if offered.version < seen.version or (offered.version == seen.version and offered != seen):
        raise RegistryRollbackError(
            seen=f"{seen.version} ({seen.sha256})", offered=f"{offered.version} ({offered.sha256})"
        )


def _read_federation(signed: SignedRegistry) -> Federation:
    if "federation.json" not in signed.targets:
        raise RegistryRuleError(subject="targets", rule="federation.json", expected="present", found="absent")
    return parse_federation(signed.targets["federation.json"])


def _check_majority(signed: SignedRegistry, members: int) -> None:
    needed = max(2, members // 2 + 1)
    for role, found in (("root", signed.root_threshold), ("targets", signed.targets_threshold)):
        if found < needed:
            raise RegistryRuleError(
                subject=f"role {role}",
                rule=f"threshold with {members} members",
                expected=f"{needed} or more",
                found=found,
            )


def _read_members(signed: SignedRegistry, federation: Federation) -> dict[str, Member]:
    delegations = {delegation.role: delegation for delegation in signed.delegations}
    for role in sorted(delegations.keys() ^ {member_id.lower() for member_id in federation.members}):
        raise RegistryRuleError(
            subject="delegations", rule="one per member", expected="members only, all of them", found=role
        )
    return {
        member_id: _read_member(member_id, kind, name, delegations[member_id.lower()])
        for member_id, (kind, name) in federation.members.items()
    }


def _read_member(member_id: str, kind: str, name: Labels, delegation: Delegation) -> Member:
    folder = member_id.lower()
    subject = f"members/{folder}/keys.json"
    if delegation.paths != (f"members/{folder}/*",):
        raise RegistryRuleError(
            subject=f"delegation {folder}",
            rule="paths",
            expected=f"members/{folder}/*",
            found=", ".join(delegation.paths),
        )
    if delegation.threshold < DELEGATION_THRESHOLD_MIN:
        raise RegistryRuleError(
            subject=f"delegation {folder}",
            rule="threshold",
            expected=f"{DELEGATION_THRESHOLD_MIN} or more",
            found=delegation.threshold,
        )
    if delegation.expired:
        return Member(id=member_id, kind=kind, name=name, issuer="", log_vkey="", keys=())
    if subject not in delegation.targets:
        raise RegistryRuleError(subject=f"delegation {folder}", rule=subject, expected="present", found="absent")
    return parse_member_keys(delegation.targets[subject], member_id=member_id, kind=kind, name=name)


def _check_one_key_one_purpose(signed: SignedRegistry, members: Iterable[Member]) -> None:
    """No key stands twice anywhere; an officer, an issuer and a log or witness name belong to one member."""
    keys = {public.kid: place for place, public in signed.keys.items()}
    names: dict[str, str] = {}
    for member in members:
        if member.issuer:
            _claim(names, member.issuer, member.id)
        for listed in member.keys:
            place = f"{member.id}/{listed.purpose}" + (f"/{listed.officer}" if listed.officer else "")
            if listed.key.kid in keys:
                raise KeyReuseError(kid=listed.key.kid, first=keys[listed.key.kid], second=place)
            keys[listed.key.kid] = place
            if listed.vkey is not None:
                _claim(names, listed.vkey.partition("+")[0], f"{member.id}/{listed.purpose}")
        _check_officers_have_one_key_at_a_time(member)


def _claim(names: dict[str, str], name: str, owner: str) -> None:
    if names.setdefault(name, owner) != owner:
        raise RegistryRuleError(subject=owner, rule="name", expected="used by nobody else", found=name[:80])


def _check_officers_have_one_key_at_a_time(member: Member) -> None:
    latest: dict[str, MemberKey] = {}
    for listed in sorted(member.keys, key=lambda listed: listed.valid_from):
        if listed.officer is None:
            continue
        before = latest.get(listed.officer)
        if before is not None and before.counts_at(listed.valid_from):
            raise RegistryRuleError(subject=f"officer {listed.officer}", rule="keys at one time", expected=1, found=2)
        latest[listed.officer] = listed


def _read_policies(signed: SignedRegistry, members: Mapping[str, Member]) -> dict[str, bytes]:
    policies = {}
    for path, content in signed.targets.items():
        if path == "federation.json":
            continue
        match = _POLICY.match(path)
        member_id = match[1].upper() if match is not None else ""
        if member_id not in members:
            raise RegistryRuleError(
                subject="targets", rule="file", expected="federation.json and members' policies", found=path[:80]
            )
        policies[member_id] = content
    return policies
