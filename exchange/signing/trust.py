"""Who is a member, and which key speaks for whom at which time: the registry read from its bytes (DESIGN.md §10).

Trust is a value: immutable, made once per registry state, shared by all requests. It refuses as a whole where a rule of
the federation is broken; a node then keeps the state it had until that expires. A member whose own file is wrong is
silenced alone (`exchange.signing.delegations`). A key that was revoked and a member that left stay listed, so that what
they signed before still verifies.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import TypedDict

from exchange.codes import Labels
from exchange.encoding import Digest, format_instant
from exchange.errors import ExchangeError
from exchange.errors.trust import (
    RegistryExpiredError,
    RegistryRollbackError,
    RegistryRuleError,
    RegistrySplitError,
    RegistryVersionError,
    UnknownMemberError,
    UnknownOfficerError,
)
from exchange.signing.authoring import TIMESTAMP_LIFE, Authority
from exchange.signing.delegations import (
    DELEGATION_THRESHOLD_MIN,
    FEDERATION,
    earlier_auditors,
    keys_file,
    memberships,
    read_federation,
    read_members,
)
from exchange.signing.federation import EarlierAuditor, Federation, Membership
from exchange.signing.history import SnapshotArchive, announced, claimed_since, issued_at
from exchange.signing.keys import KeyPurpose, PublicKey
from exchange.signing.members import Member, MemberKey, ProofKind
from exchange.signing.registry import Expired, SignedRegistry, open_registry

__all__ = [
    "DELEGATION_THRESHOLD_MIN",
    "FIRST_ROOT",
    "EarlierPolicy",
    "Expired",
    "Member",
    "MemberKey",
    "RegistryRef",
    "Trust",
    "majority",
    "open_trust",
    "policy_file",
]

FIRST_ROOT = "metadata/1.root.json"
"""Where a trust folder keeps the one file that is taken on faith."""

_UNTIL = "%Y%m%dT%H%M%SZ"
_POLICY = re.compile(r"policy/([a-z][a-z0-9]{1,15})(?:\.until-([0-9]{8}T[0-9]{6}Z))?\.tlog-policy\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRef:
    """A registry state as log entries name it: version and SHA-256 of the snapshot file, which pins the rest."""

    version: int
    sha256: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierPolicy:
    """A witness policy that another took the place of: it judges checkpoints that were cosigned before `until`."""

    until: datetime
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """A verified registry state.

    Attributes:
        members: Who belongs to the federation now, the suspended too.
        former: Who has left, with the last keys, so that what they signed verifies for ever.
        memberships: Suspensions and departures of both.
        earlier_auditors: Who audited before `auditor`, in order of time.
        silenced: Members whose delegation does not hold, and why: they have no keys until they sign a better one.
        policies: C2SP tlog-policy text by the member whose log it judges.
        earlier_policies: Those before, the newest first.
        roles: The keys, holders and threshold of every role of the registry.
        issued: When the snapshot was.
        expires: When nodes must stop unless the registry is refreshed.
        ends: When each role's metadata expires, where it can be read.
        timestamp_version: Grows with every renewal, also of an unchanged snapshot.
        archive: The earlier snapshots, as far as the files hold them.
    """

    ref: RegistryRef
    name: Labels
    members: Mapping[str, Member]
    former: Mapping[str, Member]
    memberships: Mapping[str, Membership]
    silenced: Mapping[str, ExchangeError]
    auditor: str
    earlier_auditors: tuple[EarlierAuditor, ...]
    policies: Mapping[str, bytes]
    earlier_policies: Mapping[str, tuple[EarlierPolicy, ...]]
    roles: Mapping[str, Authority]
    issued: datetime
    expires: datetime
    ends: Mapping[str, datetime]
    timestamp_version: int
    notices: tuple[RegistryExpiredError, ...] = ()
    archive: SnapshotArchive = field(default=SnapshotArchive(files={}, roots=()), repr=False, compare=False)

    def snapshot_sha256(self, version: int) -> Digest | None:
        """The digest of the snapshot of this version: the newest or an archived one; None where it is not held."""
        return self.ref.sha256 if version == self.ref.version else self.archive.sha256(version)

    @property
    def renewed(self) -> datetime:
        """When the newest timestamp was issued: by then there was no snapshot above the newest."""
        return self.ends["timestamp"] - TIMESTAMP_LIFE

    def require_acted_under(self, acted: RegistryRef, *, subject: str) -> bool:
        """Compare the registry state that somebody names with the snapshot of that version; False: it is not held.

        Raises:
            RegistryVersionError: The version is higher than the newest here (DESIGN.md §10: refresh or refuse).
            RegistrySplitError: The snapshot held here has another digest: somebody acted on a fork of the registry.
        """
        if acted.version > self.ref.version:
            raise RegistryVersionError(file=subject, expected=f"{self.ref.version} or lower", found=acted.version)
        held = self.snapshot_sha256(acted.version)
        if held is not None and held != acted.sha256:
            raise RegistrySplitError(
                subject=subject, version=acted.version, expected=str(held), found=str(acted.sha256)
            )
        return held is not None

    def auditor_at(self, at: datetime) -> str:
        """Who was the auditor at this time."""
        return next((one.member for one in self.earlier_auditors if at < one.ends_at), self.auditor)

    def member(self, member_id: str) -> Member:
        """The member with this id.

        Raises:
            UnknownMemberError: There is none, or it has left.
        """
        if member_id not in self.members:
            raise UnknownMemberError(member=member_id[:16])
        return self.members[member_id]

    def known(self, member_id: str) -> Member:
        """The member with this id, present or former.

        Raises:
            UnknownMemberError: There never was one.
        """
        return self.former[member_id] if member_id in self.former else self.member(member_id)

    def keys(self, member_id: str, purpose: KeyPurpose, *, at: datetime | None) -> tuple[PublicKey, ...]:
        """The keys that speak for a member, present or former, for this purpose at this time; None asks for any time.

        Raises:
            UnknownMemberError: There never was one.
        """
        member = self.known(member_id)
        if not self.memberships[member_id].counts_at(at):
            return ()
        return tuple(
            listed.key
            for listed in member.keys
            if listed.purpose is purpose and isinstance(listed.key, PublicKey) and listed.counts_at(at)
        )

    def log_vkeys(self, member_id: str, *, at: datetime) -> tuple[str, ...]:
        """The C2SP verifier keys of a member's log that count at this time: two while one takes the other's place."""
        counting = self.keys(member_id, KeyPurpose.LOG, at=at)
        return tuple(one.vkey for one in self.known(member_id).keys if one.vkey is not None and one.key in counting)

    def officer(self, officer_id: str, *, at: datetime | None, by: ProofKind | None = None) -> tuple[str, MemberKey]:
        """The member an officer belongs to, and the officer's key or passkey at this time.

        Args:
            officer_id: The pseudonym.
            at: When; None asks for any time, and finds the latest.
            by: By which kind of proof; None for whichever was listed last.

        Raises:
            UnknownOfficerError: No such officer, or no valid key of that kind then.
        """
        found = [
            (member.id, listed)
            for member in (*self.members.values(), *self.former.values())
            for listed in member.keys
            if listed.officer == officer_id
            and by in {None, listed.proof_kind}
            and listed.counts_at(at)
            and self.memberships[member.id].counts_at(at)
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
        EncodingError: A target that the majority signed is not in its one legal form.
    """
    signed = open_registry(files, root=root, at=at, expired=expired)
    ref = RegistryRef(version=signed.snapshot.version, sha256=signed.snapshot_sha256)
    _refuse_rollback(ref, newest_seen)
    federation = read_federation(signed.targets)
    _check_majority(signed.authorities, len(federation.present))
    times = announced(signed, files)
    found = read_members(signed, federation, times, partial(claimed_since, signed, files))
    return Trust(
        ref=ref,
        name=federation.name,
        members=MappingProxyType(found.members),
        former=MappingProxyType(found.former),
        memberships=MappingProxyType(memberships(federation, times)),
        silenced=MappingProxyType(found.silenced),
        auditor=federation.auditor,
        earlier_auditors=earlier_auditors(federation, times),
        **_read_policies(signed, federation),
        roles=MappingProxyType(dict(signed.authorities)),
        issued=issued_at(signed.snapshot),
        expires=signed.expires,
        ends=MappingProxyType(_ends(signed)),
        timestamp_version=signed.timestamp.version,
        notices=signed.notices,
        archive=SnapshotArchive(files=MappingProxyType(dict(files)), roots=signed.roots),
    )


def majority(members: int) -> int:
    """More than half of the members, at least two."""
    return max(2, members // 2 + 1)


def policy_file(member_id: str, *, until: datetime | None = None) -> str:
    """Where the top-level targets have the policy of a member's log; `until` names one that was replaced."""
    ended = "" if until is None else f".until-{until.astimezone(UTC):{_UNTIL}}"
    return f"policy/{member_id.lower()}{ended}.tlog-policy"


def _refuse_rollback(offered: RegistryRef, seen: RegistryRef | None) -> None:
    if seen is None:
        return
    if offered.version < seen.version or (offered.version == seen.version and offered != seen):
        raise RegistryRollbackError(
            seen=f"{seen.version} ({seen.sha256})", offered=f"{offered.version} ({offered.sha256})"
        )


def _check_majority(roles: Mapping[str, Authority], members: int) -> None:
    needed = majority(members)
    for role in ("root", "targets"):
        found = roles[role].threshold
        if found < needed:
            raise RegistryRuleError(
                subject=f"role {role}",
                rule=f"threshold with {members} members",
                expected=f"{needed} or more",
                found=found,
            )


def _ends(signed: SignedRegistry) -> dict[str, datetime]:
    own = {delegation.role: delegation.expires for delegation in signed.delegations if delegation.expires is not None}
    return own | {
        "root": signed.root.expires,
        "targets": signed.top.expires,
        "snapshot": signed.snapshot.expires,
        "timestamp": signed.timestamp.expires,
    }


class _Policies(TypedDict):
    policies: Mapping[str, bytes]
    earlier_policies: Mapping[str, tuple[EarlierPolicy, ...]]


def _read_policies(signed: SignedRegistry, federation: Federation) -> _Policies:
    policies: dict[str, bytes] = {}
    earlier: dict[str, list[EarlierPolicy]] = {}
    for path, content in signed.targets.items():
        if path in {FEDERATION, *(keys_file(member_id) for member_id in federation.former)}:
            continue
        match = _POLICY.match(path)
        member_id = match[1].upper() if match is not None else ""
        if match is None or member_id not in federation.members:
            raise RegistryRuleError(
                subject="targets", rule="file", expected="federation.json and members' policies", found=path[:80]
            )
        if match[2] is None:
            policies[member_id] = content
        else:
            until = datetime.strptime(match[2], _UNTIL).replace(tzinfo=UTC)
            earlier.setdefault(member_id, []).append(EarlierPolicy(until=until, raw=content))
    return {
        "policies": MappingProxyType(policies),
        "earlier_policies": MappingProxyType(
            {
                member_id: tuple(sorted(found, key=lambda one: one.until, reverse=True))
                for member_id, found in earlier.items()
            }
        ),
    }
