"""Who holds the offices of a federation: auditor, registrars, and the keys of the registry itself.

A registrar holds a snapshot and a timestamp key; the auditor is one of them, and at least two others are, so that
nobody alone can let the registry expire (DESIGN.md §10).
"""

from dataclasses import replace
from datetime import datetime

from exchange.flow.ceremony_draft import (
    TOP,
    Draft,
    draft_of,
    is_suspended,
    member_authority,
    present_member,
    require,
    with_holder,
    without_holder,
)
from exchange.signing.admission import Application
from exchange.signing.ceremony_form import Proposal
from exchange.signing.delegations import DELEGATION_THRESHOLD_MIN
from exchange.signing.federation import EarlierAuditor
from exchange.signing.keys import RegistryRole
from exchange.signing.registry import SignedRegistry

REGISTRARS_MIN = 3
REGISTRAR = ("snapshot", "timestamp")
"""The roles of the root whose keys make a registrar."""


def change_auditor(base: SignedRegistry, member_id: str, *, at: datetime) -> Proposal:
    """Another registrar audits; who did before is kept, so that its reports verify for ever."""
    draft = draft_of(base, at)
    one = present_member(draft, member_id)
    before = draft.federation.auditor
    require("auditor", member_id, expected="another than now", found="the auditor", holds=member_id != before)
    require("auditor", member_id, expected="not suspended", found="suspended", holds=not is_suspended(one))
    require("auditor", member_id, expected="a registrar", found="none", holds=_is_registrar(draft, member_id))
    earlier = (*draft.federation.earlier_auditors, EarlierAuditor(member=before, until=at))
    draft.federation = replace(draft.federation, auditor=member_id, earlier_auditors=earlier)
    draft.touch("targets")
    return draft.proposal("auditor", member_id)


def add_registrar(base: SignedRegistry, application: Application, *, at: datetime) -> Proposal:
    """One member more that can publish."""
    draft, member_id = draft_of(base, at), application.member
    present_member(draft, member_id)
    require("registrar", member_id, expected="no registrar", found="one already",
            holds=not _is_registrar(draft, member_id))  # fmt: skip
    for role in REGISTRAR:
        found = application.of(TOP[role])
        require("registrar", member_id, expected=f"a {TOP[role]} key", found=str(len(found)), holds=len(found) == 1)
        draft.roles[role] = with_holder(draft.roles[role], found[0], member_id)
    draft.touch("root")
    return draft.proposal("registrar", member_id)


def retire_registrar(base: SignedRegistry, member_id: str, *, at: datetime) -> Proposal:
    """A member publishes no more; never the auditor, and never so that fewer than three are left."""
    draft = draft_of(base, at)
    present_member(draft, member_id)
    require("retire", member_id, expected="a registrar", found="none", holds=_is_registrar(draft, member_id))
    require("retire", member_id, expected="not the auditor", found="the auditor",
            holds=member_id != draft.federation.auditor)  # fmt: skip
    for role in REGISTRAR:
        draft.roles[role] = without_holder(draft.roles[role], member_id)
        left = len(draft.roles[role].keys)
        require("retire", member_id, expected=f"{REGISTRARS_MIN} registrars or more", found=str(left),
                holds=left >= REGISTRARS_MIN)  # fmt: skip
    draft.touch("root")
    return draft.proposal("retire", member_id)


def replace_holder(base: SignedRegistry, application: Application, *, at: datetime) -> Proposal:
    """New keys of the registry itself for one member: root, targets, snapshot, timestamp, its two delegation keys."""
    draft = draft_of(base, at)
    member_id = application.member
    present_member(draft, member_id)
    for role, use in TOP.items():
        if application.of(use):
            held = without_holder(draft.roles[role], member_id)
            require("replace", member_id, expected=f"a holder of a {use} key", found="none",
                    holds=len(held.keys) < len(draft.roles[role].keys))  # fmt: skip
            draft.roles[role] = with_holder(held, application.of(use)[0], member_id)
            draft.touch("root")
    pair = application.of(RegistryRole.DELEGATION)
    if pair:
        require("replace", member_id, expected="both delegation keys", found=f"{len(pair)}",
                 holds=len(pair) == DELEGATION_THRESHOLD_MIN)  # fmt: skip
        draft.delegations[member_id.lower()] = member_authority(pair, member_id)
        draft.touch("targets", member_id.lower())
    require("replace", member_id, expected="keys of the registry", found="none", holds=bool(draft.touched))
    return draft.proposal("replace", member_id)


def _is_registrar(draft: Draft, member_id: str) -> bool:
    return all(member_id in draft.roles[role].holders for role in REGISTRAR)
