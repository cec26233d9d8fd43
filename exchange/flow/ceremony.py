"""The changes a federation can decide on, each as one proposal to be signed: who belongs, which keys, which witnesses.

A proposal is made from the published state by anybody; it is worth nothing until the roles it alters have signed
(`exchange.signing.ceremony`). What follows from a change is in the same proposal: whoever joins or leaves changes the
thresholds and every other member's witness policy.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from exchange.flow.ceremony_draft import (
    TOP,
    Draft,
    draft_of,
    is_suspended,
    member_authority,
    present_member,
    require,
    with_holder,
    with_member,
    without_holder,
)
from exchange.flow.ceremony_keys import added_keys, revoked_keys, with_keys_of, with_next_log
from exchange.flow.ceremony_policy import policies_after
from exchange.log.policy import parse_policy
from exchange.signing.admission import Application
from exchange.signing.authoring import (
    Authority,
)
from exchange.signing.ceremony_form import Proposal
from exchange.signing.delegations import DELEGATION_THRESHOLD_MIN, keys_file
from exchange.signing.earlier_logs import CutAt
from exchange.signing.federation import Federation, Membership, Suspension
from exchange.signing.keys import KeyPurpose, KeyUse, RegistryRole
from exchange.signing.members import format_member_keys
from exchange.signing.registry import SignedRegistry
from exchange.signing.trust import majority, policy_file

MEMBERS_MIN = 2
_NODE_PURPOSES = (KeyPurpose.BUNDLE, KeyPurpose.CONTRACT, KeyPurpose.TRANSPORT, KeyPurpose.LOG, KeyPurpose.WITNESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Founding:
    """Whom to found a federation with: federation.json, and every member's application."""

    federation: Federation
    applications: Mapping[str, Application]
    registrars: tuple[str, ...]  # the auditor among them


def found(founding: Founding, *, at: datetime) -> Proposal:
    """The first state of a registry.

    Raises:
        ChangeSubjectError: An application is missing, or lacks a key that its member needs.
    """
    federation = founding.federation
    names = tuple(federation.members)
    strange = sorted(founding.applications.keys() ^ set(names))
    require("found", "applications", expected=", ".join(names), found=", ".join(strange), holds=not strange)
    require("found", "registrars", expected="the auditor among them", found=", ".join(founding.registrars),
             holds=federation.auditor in founding.registrars and set(founding.registrars) <= set(names))  # fmt: skip
    draft = Draft(at=at, base=None, federation=federation, roles={}, delegations={}, members={}, targets={})
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
    draft = draft_of(base, at)
    known = "a member, present or former" if member_id in draft.federation.members else "new"
    require("add", member_id, expected="new", found=known, holds=known == "new")
    require("add", member_id, expected=member_id, found=application.member, holds=application.member == member_id)
    draft.federation = with_member(draft.federation, member_id, one)
    _enter(draft, "add", member_id, application, registrar=False)
    draft.touch(member_id.lower())
    return _who_belongs(draft, "add", member_id)


def remove_member(base: SignedRegistry, member_id: str, *, at: datetime) -> Proposal:
    """A member leaves or is removed: no key of the registry is its any more; its last keys are pinned by the others."""
    draft = draft_of(base, at)
    one = present_member(draft, member_id)
    require("remove", member_id, expected="not the auditor", found="the auditor",
             holds=draft.federation.auditor != member_id)  # fmt: skip
    count = len(draft.federation.present) - 1
    require("remove", member_id, expected=f"{MEMBERS_MIN} members or more", found=str(count),
             holds=count >= MEMBERS_MIN)  # fmt: skip
    draft.federation = with_member(draft.federation, member_id, replace(one, left_at=draft.at))
    draft.roles = {role: without_holder(authority, member_id) for role, authority in draft.roles.items()}
    del draft.delegations[member_id.lower()]
    draft.targets[keys_file(member_id)] = format_member_keys(draft.listed(member_id))
    return _who_belongs(draft, "remove", member_id)


def suspend_member(base: SignedRegistry, member_id: str, *, at: datetime) -> Proposal:
    """From its publication on, nothing that the member signs counts."""
    draft = draft_of(base, at)
    one = present_member(draft, member_id)
    require("suspend", member_id, expected="not suspended", found="suspended", holds=not is_suspended(one))
    one = replace(one, suspensions=(*one.suspensions, Suspension(since=at)))
    draft.federation = with_member(draft.federation, member_id, one)
    draft.touch("targets")
    return draft.proposal("suspend", member_id)


def resume_member(base: SignedRegistry, member_id: str, *, at: datetime) -> Proposal:
    """The end of a suspension: what the member signs from now on counts again."""
    draft = draft_of(base, at)
    one = present_member(draft, member_id)
    require("resume", member_id, expected="suspended", found="not suspended", holds=is_suspended(one))
    *before, last = one.suspensions
    one = replace(one, suspensions=(*before, replace(last, until=at)))
    draft.federation = with_member(draft.federation, member_id, one)
    draft.touch("targets")
    return draft.proposal("resume", member_id)


def rotate_keys(base: SignedRegistry, application: Application, *, overlap: timedelta, at: datetime) -> Proposal:
    """New keys of a member by purpose; those they replace count on for the overlap, an officer's end at once.

    Log and witness keys stand in witness policies too, so that the majority signs with the member.
    """
    draft = draft_of(base, at)
    member_id = application.member
    present_member(draft, member_id)
    draft.relist(added_keys(draft.listed(member_id), application, at=at, overlap=overlap))
    draft.touch(member_id.lower())
    if any(application.of(purpose) for purpose in (KeyPurpose.LOG, KeyPurpose.WITNESS)):
        draft.new_policies()
    return draft.proposal("rotate", member_id)


def next_log(
    base: SignedRegistry, application: Application, *, cut: bytes | None, overlap: timedelta, at: datetime
) -> Proposal:
    """A new log in place of a member's present one (decision 44); the majority signs its policy with the member.

    Args:
        base: The published state.
        application: For the new log's key.
        cut: The cosigned checkpoint up to which the present log is at hand, where it cannot be closed; else None.
        overlap: How long the present log's keys count on.
        at: When.

    Raises:
        ChangeSubjectError: Not one log key under a new name.
        LogError: The checkpoint is not one of the present log that a quorum cosigned.
    """
    draft = draft_of(base, at)
    member_id = application.member
    present_member(draft, member_id)
    member = draft.listed(member_id)
    where = None
    if cut is not None:
        seen = parse_policy(draft.targets.get(policy_file(member_id), b"")).check(cut)
        require("log", member_id, expected=member.origin, found=seen.origin[:80], holds=seen.origin == member.origin)
        where = CutAt(size=seen.size, root=seen.root)
    draft.relist(with_next_log(member, application, cut=where, at=at, overlap=overlap))
    draft.touch(member_id.lower())
    draft.new_policies({member_id: None})
    return draft.proposal("log", member_id)


def revoke_keys(base: SignedRegistry, member_id: str, kids: Sequence[str], *, at: datetime) -> Proposal:
    """In an emergency: these keys count no more from the publication on; both delegation keys of the member sign."""
    draft = draft_of(base, at)
    present_member(draft, member_id)
    draft.relist(revoked_keys(draft.listed(member_id), kids, at=at))
    draft.touch(member_id.lower())
    return draft.proposal("revoke", member_id)


def renew(base: SignedRegistry, roles: Iterable[str], *, at: datetime) -> Proposal:
    """The same once more for its full life: root, targets, or a member's delegation."""
    draft = draft_of(base, at)
    known = {"root", "targets", *draft.delegations}
    wanted = [role.lower() for role in roles]
    strange = sorted(set(wanted) - known)
    require("renew", ", ".join(strange), expected=", ".join(sorted(known)), found="another", holds=not strange)
    draft.touch(*wanted)
    return draft.proposal("renew", ", ".join(wanted))


def change_policy(base: SignedRegistry, member_id: str, policy: bytes | None, *, at: datetime) -> Proposal:
    """Another witness policy for a member's log; None: that of the exchange, two thirds of all others."""
    draft = draft_of(base, at)
    present_member(draft, member_id)
    draft.new_policies({member_id: policy})
    return draft.proposal("policy", member_id)


def _who_belongs(draft: Draft, kind: str, member_id: str) -> Proposal:
    _recount(draft)
    draft.new_policies()
    draft.touch("root", "targets")
    return draft.proposal(kind, member_id)


def _enter(draft: Draft, kind: str, member_id: str, application: Application, *, registrar: bool) -> None:
    """A member with all the keys that a member needs."""
    uses: list[KeyUse] = [RegistryRole.ROOT, RegistryRole.TARGETS, *_NODE_PURPOSES]
    uses += [RegistryRole.SNAPSHOT, RegistryRole.TIMESTAMP] if registrar else []
    for use in uses:
        require(kind, member_id, expected=f"a {use} key", found="none", holds=bool(application.of(use)))
    pair = application.of(RegistryRole.DELEGATION)
    require(kind, member_id, expected=f"{DELEGATION_THRESHOLD_MIN} delegation keys", found=str(len(pair)),
             holds=len(pair) == DELEGATION_THRESHOLD_MIN)  # fmt: skip
    require(kind, member_id, expected="an issuer", found="none", holds=application.issuer is not None)
    for role, use in TOP.items():
        if application.of(use) and (registrar or role in {"root", "targets"}):
            draft.roles[role] = with_holder(draft.roles[role], application.of(use)[0], member_id)
    draft.delegations[member_id.lower()] = member_authority(pair, member_id)
    one = draft.federation.members[member_id]
    draft.members[member_id] = with_keys_of(application, kind=one.kind, name=one.name, at=draft.at)


def _recount(draft: Draft) -> None:
    needed = majority(len(draft.federation.present))
    for role in ("root", "targets"):
        draft.roles[role] = replace(draft.roles[role], threshold=needed)
