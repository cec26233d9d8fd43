"""The changes a federation can decide on, each as one proposal to be signed: who belongs, which keys, which witnesses.

A proposal is made from the published state by anybody; it is worth nothing until the roles it alters have signed
(`exchange.signing.ceremony`). What follows from a change is in the same proposal: whoever joins or leaves changes the
thresholds and every other member's witness policy.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from exchange.errors.trust import ChangeSubjectError, UnknownMemberError
from exchange.flow.ceremony_keys import added_keys, revoked_keys, with_keys_of
from exchange.flow.ceremony_policy import policies_after
from exchange.signing.admission import Application
from exchange.signing.authoring import (
    DELEGATION_LIFE,
    ROOT_LIFE,
    TARGETS_LIFE,
    Authority,
    write_root,
    write_targets,
)
from exchange.signing.ceremony_form import Proposal
from exchange.signing.delegations import DELEGATION_THRESHOLD_MIN, FEDERATION, keys_file, read_federation
from exchange.signing.keys import KeyPurpose, KeyUse, PublicKey, RegistryRole
from exchange.signing.members import (
    Federation,
    Member,
    Membership,
    Suspension,
    format_federation,
    format_member_keys,
    parse_member_keys,
)
from exchange.signing.registry import SignedRegistry
from exchange.signing.trust import majority

MEMBERS_MIN = 2
TOP = {
    "root": RegistryRole.ROOT,
    "targets": RegistryRole.TARGETS,
    "snapshot": RegistryRole.SNAPSHOT,
    "timestamp": RegistryRole.TIMESTAMP,
}
_NODE_PURPOSES = (KeyPurpose.BUNDLE, KeyPurpose.CONTRACT, KeyPurpose.TRANSPORT, KeyPurpose.LOG, KeyPurpose.WITNESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Founding:
    """Whom to found a federation with: federation.json, and every member's application."""

    federation: Federation
    applications: Mapping[str, Application]
    registrars: tuple[str, ...]  # the auditor among them


@dataclass(slots=True, kw_only=True)
class _Draft:
    """The registry as it will be; what was touched is written, the rest stays as it is."""

    at: datetime
    base: SignedRegistry | None
    federation: Federation
    roles: dict[str, Authority]  # root, targets, snapshot, timestamp
    delegations: dict[str, Authority]
    members: dict[str, Member]  # present and former, by id
    targets: dict[str, bytes]
    touched: dict[str, None] = field(default_factory=dict)  # roles, in order

    def touch(self, *roles: str) -> None:
        self.touched |= dict.fromkeys(roles)

    def proposal(self, kind: str, subject: str) -> Proposal:
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
        return {keys_file(role): format_member_keys(self.members[role.upper()])}

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


def found(founding: Founding, *, at: datetime) -> Proposal:
    """The first state of a registry.

    Raises:
        ChangeSubjectError: An application is missing, or lacks a key that its member needs.
    """
    federation = founding.federation
    names = tuple(federation.members)
    strange = sorted(founding.applications.keys() ^ set(names))
    _require("found", "applications", expected=", ".join(names), found=", ".join(strange), holds=not strange)
    _require("found", "registrars", expected="the auditor among them", found=", ".join(founding.registrars),
             holds=federation.auditor in founding.registrars and set(founding.registrars) <= set(names))  # fmt: skip
    draft = _Draft(at=at, base=None, federation=federation, roles={}, delegations={}, members={}, targets={})
    draft.roles = {role: Authority(keys=(), threshold=1) for role in TOP}
    for member_id, application in founding.applications.items():
        _enter(draft, "found", member_id, application, registrar=member_id in founding.registrars)
    _recount(draft)
    draft.targets |= policies_after(draft.members.values(), federation, {}, at=at)
    draft.touch("root", "targets", *(member_id.lower() for member_id in names))
    return draft.proposal("found", federation.name["en"])


def add_member(
    base: SignedRegistry, member_id: str, one: Membership, application: Application, *, at: datetime
) -> Proposal:
    """A new member: its own delegation, its root and targets key, everybody's thresholds and witnesses."""
    draft = _draft(base, at)
    known = "a member, present or former" if member_id in draft.federation.members else "new"
    _require("add", member_id, expected="new", found=known, holds=known == "new")
    _require("add", member_id, expected=member_id, found=application.member, holds=application.member == member_id)
    draft.federation = _with_member(draft.federation, member_id, one)
    _enter(draft, "add", member_id, application, registrar=False)
    draft.touch(member_id.lower())
    return _who_belongs(draft, "add", member_id)


def remove_member(base: SignedRegistry, member_id: str, *, at: datetime) -> Proposal:
    """A member leaves or is removed: no key of the registry is its any more; its last keys are pinned by the others."""
    draft = _draft(base, at)
    one = _present(draft, member_id)
    _require("remove", member_id, expected="not the auditor", found="the auditor",
             holds=draft.federation.auditor != member_id)  # fmt: skip
    count = len(draft.federation.present) - 1
    _require("remove", member_id, expected=f"{MEMBERS_MIN} members or more", found=str(count),
             holds=count >= MEMBERS_MIN)  # fmt: skip
    draft.federation = _with_member(draft.federation, member_id, replace(one, left_at=draft.at))
    draft.roles = {role: _without(authority, member_id) for role, authority in draft.roles.items()}
    del draft.delegations[member_id.lower()]
    draft.targets[keys_file(member_id)] = format_member_keys(draft.members[member_id])
    return _who_belongs(draft, "remove", member_id)


def suspend_member(base: SignedRegistry, member_id: str, *, at: datetime) -> Proposal:
    """From its publication on, nothing that the member signs counts."""
    draft = _draft(base, at)
    one = _present(draft, member_id)
    _require("suspend", member_id, expected="not suspended", found="suspended", holds=not _suspended(one))
    one = replace(one, suspensions=(*one.suspensions, Suspension(since=at)))
    draft.federation = _with_member(draft.federation, member_id, one)
    draft.touch("targets")
    return draft.proposal("suspend", member_id)


def resume_member(base: SignedRegistry, member_id: str, *, at: datetime) -> Proposal:
    """The end of a suspension: what the member signs from now on counts again."""
    draft = _draft(base, at)
    one = _present(draft, member_id)
    _require("resume", member_id, expected="suspended", found="not suspended", holds=_suspended(one))
    *before, last = one.suspensions
    one = replace(one, suspensions=(*before, replace(last, until=at)))
    draft.federation = _with_member(draft.federation, member_id, one)
    draft.touch("targets")
    return draft.proposal("resume", member_id)


def rotate_keys(base: SignedRegistry, application: Application, *, overlap: timedelta, at: datetime) -> Proposal:
    """New keys of a member by purpose; those they replace count on for the overlap, an officer's end at once.

    Log and witness keys stand in witness policies too, so that the majority signs with the member.
    """
    draft = _draft(base, at)
    member_id = application.member
    _present(draft, member_id)
    draft.members[member_id] = added_keys(draft.members[member_id], application, at=at, overlap=overlap)
    draft.touch(member_id.lower())
    if any(application.of(purpose) for purpose in (KeyPurpose.LOG, KeyPurpose.WITNESS)):
        _new_policies(draft)
    return draft.proposal("rotate", member_id)


def revoke_keys(base: SignedRegistry, member_id: str, kids: Sequence[str], *, at: datetime) -> Proposal:
    """In an emergency: these keys count no more from the publication on; both delegation keys of the member sign."""
    draft = _draft(base, at)
    _present(draft, member_id)
    draft.members[member_id] = revoked_keys(draft.members[member_id], kids, at=at)
    draft.touch(member_id.lower())
    return draft.proposal("revoke", member_id)


def replace_holder(base: SignedRegistry, application: Application, *, at: datetime) -> Proposal:
    """New keys of the registry itself for one member: root, targets, snapshot, timestamp, its two delegation keys."""
    draft = _draft(base, at)
    member_id = application.member
    _present(draft, member_id)
    for role, use in TOP.items():
        if application.of(use):
            held = _without(draft.roles[role], member_id)
            draft.roles[role] = _with(held, application.of(use)[0], member_id)
            draft.touch("root")
    pair = application.of(RegistryRole.DELEGATION)
    if pair:
        _require("replace", member_id, expected="both delegation keys", found=f"{len(pair)}",
                 holds=len(pair) == DELEGATION_THRESHOLD_MIN)  # fmt: skip
        draft.delegations[member_id.lower()] = _own(pair, member_id)
        draft.touch("targets", member_id.lower())
    _require("replace", member_id, expected="keys of the registry", found="none", holds=bool(draft.touched))
    return draft.proposal("replace", member_id)


def renew(base: SignedRegistry, roles: Iterable[str], *, at: datetime) -> Proposal:
    """The same once more for its full life: root, targets, or a member's delegation."""
    draft = _draft(base, at)
    known = {"root", "targets", *draft.delegations}
    wanted = [role.lower() for role in roles]
    strange = sorted(set(wanted) - known)
    _require("renew", ", ".join(strange), expected=", ".join(sorted(known)), found="another", holds=not strange)
    draft.touch(*wanted)
    return draft.proposal("renew", ", ".join(wanted))


def change_policy(base: SignedRegistry, member_id: str, policy: bytes | None, *, at: datetime) -> Proposal:
    """Another witness policy for a member's log; None: that of the exchange, two thirds of all others."""
    draft = _draft(base, at)
    _present(draft, member_id)
    _new_policies(draft, {member_id: policy})
    return draft.proposal("policy", member_id)


def _draft(base: SignedRegistry, at: datetime) -> _Draft:
    federation = read_federation(base.targets)
    members: dict[str, Member] = {}
    own = {delegation.role: delegation.targets for delegation in base.delegations}
    for member_id, one in federation.members.items():
        file = keys_file(member_id)
        raw = base.targets.get(file) or own.get(member_id.lower(), {}).get(file)
        if raw is not None:
            members[member_id] = parse_member_keys(raw, member_id=member_id, kind=one.kind, name=one.name)
    return _Draft(
        at=at,
        base=base,
        federation=federation,
        roles={role: base.authorities[role] for role in TOP},
        delegations={role: one for role, one in base.authorities.items() if role not in TOP},
        members=members,
        targets={path: raw for path, raw in base.targets.items() if path != FEDERATION},
    )


def _who_belongs(draft: _Draft, kind: str, member_id: str) -> Proposal:
    _recount(draft)
    _new_policies(draft)
    draft.touch("root", "targets")
    return draft.proposal(kind, member_id)


def _new_policies(draft: _Draft, wanted: Mapping[str, bytes | None] | None = None) -> None:
    draft.targets |= policies_after(draft.members.values(), draft.federation, draft.targets, at=draft.at, wanted=wanted)
    draft.touch("targets")


def _enter(draft: _Draft, kind: str, member_id: str, application: Application, *, registrar: bool) -> None:
    """A member with all the keys that a member needs."""
    uses: list[KeyUse] = [RegistryRole.ROOT, RegistryRole.TARGETS, *_NODE_PURPOSES]
    uses += [RegistryRole.SNAPSHOT, RegistryRole.TIMESTAMP] if registrar else []
    for use in uses:
        _require(kind, member_id, expected=f"a {use} key", found="none", holds=bool(application.of(use)))
    pair = application.of(RegistryRole.DELEGATION)
    _require(kind, member_id, expected=f"{DELEGATION_THRESHOLD_MIN} delegation keys", found=str(len(pair)),
             holds=len(pair) == DELEGATION_THRESHOLD_MIN)  # fmt: skip
    _require(kind, member_id, expected="an issuer", found="none", holds=application.issuer is not None)
    for role, use in TOP.items():
        if application.of(use) and (registrar or role in {"root", "targets"}):
            draft.roles[role] = _with(draft.roles[role], application.of(use)[0], member_id)
    draft.delegations[member_id.lower()] = _own(pair, member_id)
    one = draft.federation.members[member_id]
    draft.members[member_id] = with_keys_of(application, kind=one.kind, name=one.name, at=draft.at)


def _recount(draft: _Draft) -> None:
    needed = majority(len(draft.federation.present))
    for role in ("root", "targets"):
        draft.roles[role] = replace(draft.roles[role], threshold=needed)


def _with_member(federation: Federation, member_id: str, one: Membership) -> Federation:
    return replace(federation, members={**federation.members, member_id: one})


def _with(authority: Authority, key: PublicKey, holder: str) -> Authority:
    return replace(authority, keys=(*authority.keys, key), holders=(*authority.holders, holder))


def _without(authority: Authority, holder: str) -> Authority:
    kept = [(key, name) for key, name in authority.held() if name != holder]
    return replace(
        authority, keys=tuple(key for key, _ in kept), holders=tuple(name for _, name in kept if name is not None)
    )


def _own(pair: Sequence[PublicKey], member_id: str) -> Authority:
    return Authority(keys=tuple(pair), threshold=DELEGATION_THRESHOLD_MIN, holders=(member_id,) * len(pair))


def _suspended(one: Membership) -> bool:
    return bool(one.suspensions) and one.suspensions[-1].until is None


def _present(draft: _Draft, member_id: str) -> Membership:
    if member_id not in draft.federation.present:
        raise UnknownMemberError(member=member_id[:16])
    return draft.federation.members[member_id]


def _require(kind: str, subject: str, *, expected: str, found: str, holds: bool) -> None:
    if not holds:
        raise ChangeSubjectError(kind=kind, subject=subject, expected=expected, found=found)
