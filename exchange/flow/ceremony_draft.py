"""The registry as a proposal would make it: what was touched is written anew, the rest stays as it is."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from exchange.errors.encoding import EncodingError
from exchange.errors.trust import ChangeSubjectError, TrustError, UnknownMemberError
from exchange.flow.ceremony_policy import policies_after
from exchange.signing.authoring import (
    DELEGATION_LIFE,
    ROOT_LIFE,
    TARGETS_LIFE,
    Authority,
    write_root,
    write_targets,
)
from exchange.signing.ceremony_form import Proposal
from exchange.signing.delegations import (
    DELEGATION_THRESHOLD_MIN,
    FEDERATION,
    keys_file,
    last_that_held,
    read_federation,
    read_members,
)
from exchange.signing.federation import Federation, Membership, format_federation
from exchange.signing.history import claimed_since
from exchange.signing.keys import PublicKey, RegistryRole
from exchange.signing.members import Member, format_member_keys, parse_member_keys
from exchange.signing.registry import SignedRegistry

TOP = {
    "root": RegistryRole.ROOT,
    "targets": RegistryRole.TARGETS,
    "snapshot": RegistryRole.SNAPSHOT,
    "timestamp": RegistryRole.TIMESTAMP,
}
"""The roles of the root, and the key that each takes."""


@dataclass(slots=True, kw_only=True)
class Draft:
    """The registry as it will be; what was touched is written, the rest stays as it is."""

    at: datetime
    base: SignedRegistry | None
    federation: Federation
    roles: dict[str, Authority]  # root, targets, snapshot, timestamp
    delegations: dict[str, Authority]
    members: dict[str, Member]  # present and former, by id; without whose file cannot be read
    targets: dict[str, bytes]
    held: dict[str, Member | None] = field(default_factory=dict)  # who is silenced, by its last file that held
    touched: dict[str, None] = field(default_factory=dict)  # roles, in order

    def touch(self, *roles: str) -> None:
        """Have these roles written anew."""
        self.touched |= dict.fromkeys(roles)

    def new_policies(self, wanted: Mapping[str, bytes | None] | None = None) -> None:
        """Write the witness policies that follow; those of `wanted` alone, where it is given."""
        self.targets |= policies_after(self.members.values(), self.federation, self.targets, at=self.at, wanted=wanted)
        self.touch("targets")

    def listed(self, member_id: str) -> Member:
        """A member with its keys, as its file lists them; of one that is silenced, its last file that held.

        Raises:
            ChangeSubjectError: The member is silenced, and no earlier file of it is at hand.
        """
        found = self.held[member_id] if member_id in self.held else self.members.get(member_id)
        if found is None:
            raise ChangeSubjectError(
                kind="change", subject=member_id, expected=f"{keys_file(member_id)} that holds", found="none"
            )
        return found

    def relist(self, member: Member) -> None:
        """Give a member another list of keys; with it, it is silenced no more."""
        self.held.pop(member.id, None)
        self.members[member.id] = member

    def proposal(self, kind: str, subject: str) -> Proposal:
        """What is to be signed.

        Raises:
            ChangeSubjectError: It touches the file of a member that is silenced by it.
        """
        files: dict[str, bytes] = {}
        metadata: dict[str, bytes] = {}
        order = {"root": 0, "targets": 1}
        for role in sorted(self.touched, key=lambda role: (order.get(role, 2), role)):
            own = self._own_targets(role)
            metadata[role] = self._root() if role == "root" else self._targets_role(role, own)
            files |= own
        return Proposal(
            kind=kind,
            subject=subject,
            at=self.at,
            base=None if self.base is None else self.base.snapshot_sha256,
            metadata=metadata,
            targets=files,
        )

    def _own_targets(self, role: str) -> dict[str, bytes]:
        if role == "root":
            return {}
        if role == "targets":
            return self.targets | {FEDERATION: format_federation(self.federation)}
        return {keys_file(role): format_member_keys(self.listed(role.upper()))}

    def _root(self) -> bytes:
        version = 1 if self.base is None else self.base.root.version + 1
        return write_root(version=version, expires=self.at + ROOT_LIFE, roles=self.roles, signers=[])

    def _targets_role(self, role: str, own: Mapping[str, bytes]) -> bytes:
        top = role == "targets"
        return write_targets(
            version=self._version(role) + 1,
            expires=self.at + (TARGETS_LIFE if top else DELEGATION_LIFE),
            targets=own,
            signers=[],
            members=self.delegations if top else None,
        )

    def _version(self, role: str) -> int:
        if self.base is None:
            return 0
        if role == "targets":
            return self.base.top.version
        meta = self.base.snapshot.meta.get(f"{role}.json")  # a former member's too: TUF counts on
        return 0 if meta is None else meta.version


def draft_of(base: SignedRegistry, at: datetime) -> Draft:
    """The published state, to be changed.

    Raises:
        KeyReuseError, RegistryRuleError: It is no state of a registry: two members claim the same, and none was first.
    """
    federation = read_federation(base.targets)
    members: dict[str, Member] = {}
    own = {delegation.role: delegation.targets for delegation in base.delegations}
    for member_id, one in federation.members.items():
        file = keys_file(member_id)
        raw = base.targets.get(file) or own.get(member_id.lower(), {}).get(file)
        # A member that signs a bad file silences itself; it must not halt what the others decide.
        with suppress(EncodingError, TrustError):
            if raw is not None:
                members[member_id] = parse_member_keys(raw, member_id=member_id, kind=one.kind, name=one.name)
    everybody = read_members(base, federation, {}, partial(claimed_since, base, base.files))
    held = last_that_held(base, federation, everybody)
    return Draft(
        at=at,
        base=base,
        federation=federation,
        roles={role: base.authorities[role] for role in TOP},
        delegations={role: one for role, one in base.authorities.items() if role not in TOP},
        members=members,
        targets={path: raw for path, raw in base.targets.items() if path != FEDERATION},
        held={member_id: held.get(member_id) for member_id in everybody.silenced},
    )


def with_member(federation: Federation, member_id: str, one: Membership) -> Federation:
    """With this said of a member, new or known."""
    return replace(federation, members={**federation.members, member_id: one})


def with_holder(authority: Authority, key: PublicKey, holder: str) -> Authority:
    """With one more key."""
    return replace(authority, keys=(*authority.keys, key), holders=(*authority.holders, holder))


def without_holder(authority: Authority, holder: str) -> Authority:
    """Without a member's keys."""
    kept = [(key, name) for key, name in authority.held() if name != holder]
    return replace(
        authority, keys=tuple(key for key, _ in kept), holders=tuple(name for _, name in kept if name is not None)
    )


def member_authority(pair: Sequence[PublicKey], member_id: str) -> Authority:
    """Who signs a member's delegation."""
    return Authority(keys=tuple(pair), threshold=DELEGATION_THRESHOLD_MIN, holders=(member_id,) * len(pair))


def is_suspended(one: Membership) -> bool:
    """Whether a suspension has no end yet."""
    return bool(one.suspensions) and one.suspensions[-1].until is None


def present_member(draft: Draft, member_id: str) -> Membership:
    """What is said of a member that has not left.

    Raises:
        UnknownMemberError: There is none.
    """
    if member_id not in draft.federation.present:
        raise UnknownMemberError(member=member_id[:16])
    return draft.federation.members[member_id]


def require(kind: str, subject: str, *, expected: str, found: str, holds: bool) -> None:
    """Refuse a change that does not fit.

    Raises:
        ChangeSubjectError: Expected and found.
    """
    if not holds:
        raise ChangeSubjectError(kind=kind, subject=subject, expected=expected, found=found)
