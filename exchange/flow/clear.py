"""Clearing: the way of a candidate from draft to a decision, and after it (DESIGN.md §6).

    draft ──submit──> submitted ──approve (enough)──> cleared ──log──> logged ──publish──> published
      ^                   │                          │                                         │
      └──redraft── returned <──return────────────────┘                     superseded, withdrawn

Every step is a function from one candidate to the next; a step that is not possible raises and nothing has changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from exchange.clearance import (
    Approval,
    Clearance,
    ClearanceCommon,
    require_approved,
    require_clearing_officer,
    require_counting,
    require_valid_until,
    require_valid_until_within,
)
from exchange.contract.model import DataContract
from exchange.errors.bundle import (
    ApprovalsMissingError,
    ContractMismatchError,
    IllegalTransitionError,
    NotPreparerError,
    ReturnReasonError,
    SameOfficerError,
)
from exchange.flow.candidate import Candidate
from exchange.signing.trust import Trust

REASON_CHARACTERS_MAX = 1000


class CandidateState(StrEnum):
    """Where a candidate stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    CLEARED = "cleared"
    LOGGED = "logged"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class Event(StrEnum):
    """What can happen to a candidate."""

    SUBMIT = "submit"
    APPROVE = "approve"
    RETURN = "return"
    REDRAFT = "redraft"
    LOG = "log"
    PUBLISH = "publish"
    SUPERSEDE = "supersede"
    WITHDRAW = "withdraw"


POSSIBLE: Mapping[Event, frozenset[CandidateState]] = {
    Event.SUBMIT: frozenset({CandidateState.DRAFT}),
    Event.APPROVE: frozenset({CandidateState.SUBMITTED}),
    Event.RETURN: frozenset({CandidateState.SUBMITTED, CandidateState.CLEARED}),
    Event.REDRAFT: frozenset({CandidateState.RETURNED}),
    Event.LOG: frozenset({CandidateState.CLEARED}),
    Event.PUBLISH: frozenset({CandidateState.LOGGED}),
    Event.SUPERSEDE: frozenset({CandidateState.PUBLISHED}),
    Event.WITHDRAW: frozenset({CandidateState.PUBLISHED, CandidateState.SUPERSEDED}),
}
"""The states in which each event is possible; in every other it raises."""

_AFTER = {
    Event.LOG: CandidateState.LOGGED,
    Event.PUBLISH: CandidateState.PUBLISHED,
    Event.SUPERSEDE: CandidateState.SUPERSEDED,
    Event.WITHDRAW: CandidateState.WITHDRAWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """Why a clearing officer sent a candidate back."""

    officer: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A candidate before the officers, and what they have said of it.

    Attributes:
        candidate: What would leave.
        valid_until: Set when it is submitted.
        approvals: Those that count, in the order they came.
        returned: The last return, kept for the preparer to read after a new draft too.
    """

    candidate: Candidate
    state: CandidateState = CandidateState.DRAFT
    valid_until: datetime | None = None
    approvals: tuple[Approval, ...] = ()
    returned: Returned | None = None

    @property
    def common(self) -> ClearanceCommon:
        """What officers approve.

        Raises:
            IllegalTransitionError: It is not submitted, so it has no last day.
        """
        if self.valid_until is None:
            raise _impossible(self, Event.APPROVE)
        candidate = self.candidate
        return ClearanceCommon(
            provider=candidate.provider,
            contract=candidate.contract.digest,
            period=candidate.period,
            revision=candidate.revision,
            supersedes=candidate.supersedes,
            not_before=candidate.not_before,
            recipients=candidate.recipients,
            data=candidate.data,
            disclosure=candidate.disclosure,
            pooled=candidate.pooled,
            labels=candidate.labels,
            prepared_by=candidate.prepared_by,
            valid_until=self.valid_until,
        )

    @property
    def clearance(self) -> Clearance:
        """The decision, as it goes into the bundle.

        Raises:
            IllegalTransitionError: It is not cleared yet.
        """
        if self.state in {CandidateState.DRAFT, CandidateState.SUBMITTED, CandidateState.RETURNED}:
            raise _impossible(self, Event.LOG)
        return Clearance(
            common=self.common, approvals=tuple(sorted(self.approvals, key=lambda approval: approval.officer))
        )


def submit(case: Case, *, by: str, at: datetime, valid_until: datetime) -> Case:
    """The preparer puts a draft before the clearing officers.

    Raises:
        IllegalTransitionError: It is no draft.
        NotPreparerError: Somebody else submits it.
        ClearanceExpiredError, ClearanceValidityError: `valid_until` is past, or over 30 days ahead.
    """
    require_possible(case, Event.SUBMIT)
    if by != case.candidate.prepared_by:
        raise NotPreparerError(candidate=case.candidate.name, expected=case.candidate.prepared_by, found=by)
    require_valid_until(valid_until, at=at)
    require_valid_until_within(valid_until, at=at)
    return replace(case, state=CandidateState.SUBMITTED, valid_until=valid_until, approvals=())


def record_approval(case: Case, approval: Approval, *, trust: Trust, contract: DataContract, at: datetime) -> Case:
    """Take an officer's approval; with enough of them the candidate is cleared.

    Args:
        case: Submitted.
        approval: As `exchange.clearance.approve` made it over `case.common`.
        trust: The registry.
        contract: The contract in force; the caller has asked `exchange.flow.agree`.
        at: Now.

    Raises:
        IllegalTransitionError: It is not submitted.
        ContractMismatchError: Another contract.
        SameOfficerError: The officer has approved already.
        ClearanceError: The approval does not count, or the time has run out.
    """
    require_possible(case, Event.APPROVE)
    common = case.common
    if contract.digest != common.contract:
        raise ContractMismatchError(field="digest", expected=str(contract.digest), found=str(common.contract))
    require_valid_until(common.valid_until, at=at)
    if any(approval.officer == earlier.officer for earlier in case.approvals):
        raise SameOfficerError(officer=approval.officer)
    require_counting(common, approval, trust=trust, at=at, clause=contract.approvals)
    approvals = (*case.approvals, approval)
    try:
        require_approved(Clearance(common=common, approvals=approvals), trust=trust, at=at, clause=contract.approvals)
    except ApprovalsMissingError:
        return replace(case, approvals=approvals)
    return replace(case, approvals=approvals, state=CandidateState.CLEARED)


def send_back(case: Case, *, officer: str, reason: str, trust: Trust, at: datetime) -> Case:
    """A clearing officer returns a candidate to its preparer; approvals are gone.

    Raises:
        IllegalTransitionError: It is neither submitted nor cleared.
        ClearanceError: Not a clearing officer of the provider, or the preparer.
        ReturnReasonError: No reason, or too long a one.
    """
    require_possible(case, Event.RETURN)
    require_clearing_officer(case.common, officer, trust=trust, at=at)
    if not 0 < len(reason.strip()) <= REASON_CHARACTERS_MAX:
        raise ReturnReasonError(candidate=case.candidate.name, characters_max=REASON_CHARACTERS_MAX)
    return replace(
        case,
        state=CandidateState.RETURNED,
        approvals=(),
        valid_until=None,
        returned=Returned(officer=officer, at=at, reason=reason.strip()),
    )


def redraft(case: Case, candidate: Candidate) -> Case:
    """The preparer answers a return with a new candidate of the same identity.

    Raises:
        IllegalTransitionError: It was not returned.
        ContractMismatchError: A candidate of another identity.
        NotPreparerError: Prepared by somebody else.
    """
    require_possible(case, Event.REDRAFT)
    old = case.candidate
    if (old.name, old.recipients) != (candidate.name, candidate.recipients):
        raise ContractMismatchError(field="identity", expected=old.name, found=candidate.name)
    if candidate.prepared_by != old.prepared_by:
        raise NotPreparerError(candidate=old.name, expected=old.prepared_by, found=candidate.prepared_by)
    return Case(candidate=candidate, returned=case.returned)


def advance(case: Case, event: Event) -> Case:
    """What the gateway's log says of a cleared candidate: logged, published, superseded, withdrawn.

    Raises:
        IllegalTransitionError: Not possible now, or a decision that only officers make.
    """
    require_possible(case, event)
    if event not in _AFTER:
        raise _impossible(case, event)
    return replace(case, state=_AFTER[event])


def require_possible(case: Case, event: Event) -> None:
    """Refuse what does not belong to the state of a case.

    Raises:
        IllegalTransitionError: The candidate, its state, and what was asked for.
    """
    if case.state not in POSSIBLE[event]:
        raise _impossible(case, event)


def _impossible(case: Case, event: Event) -> IllegalTransitionError:
    return IllegalTransitionError(candidate=case.candidate.name, state=case.state.value, event=event.value)
