from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.strategies import sampled_from

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.bundle import (
    ClearanceExpiredError,
    ClearanceValidityError,
    ContractMismatchError,
    ForeignOfficerError,
    IllegalTransitionError,
    NotPreparerError,
    PreparerApprovesError,
    ReturnReasonError,
    SameOfficerError,
)
from exchange.flow.clear import (
    POSSIBLE,
    CandidateState,
    Case,
    Event,
    advance,
    record_approval,
    redraft,
    send_back,
    submit,
)
from tests.world.bundles import CLEARED, VALID_UNTIL, bundle_world

WORLD = bundle_world()
CANDIDATE = WORLD.candidate.candidate


def _submitted() -> Case:
    return submit(Case(candidate=CANDIDATE), by="kz-01", at=CLEARED, valid_until=VALID_UNTIL)


def _approve(case: Case, officer: str) -> Case:
    approval = WORLD.approval(officer, case=case)
    return record_approval(case, approval, trust=WORLD.trust, contract=WORLD.contract, at=CLEARED)


def test_two_approvals_clear_a_candidate_and_one_does_not() -> None:
    once = _approve(_submitted(), "kz-03")
    assert once.state is CandidateState.SUBMITTED
    cleared = _approve(once, "kz-02")
    assert cleared.state is CandidateState.CLEARED
    assert [approval.officer for approval in cleared.clearance.approvals] == ["kz-02", "kz-03"]


def test_only_the_preparer_submits() -> None:
    with pytest.raises(NotPreparerError):
        submit(Case(candidate=CANDIDATE), by="kz-02", at=CLEARED, valid_until=VALID_UNTIL)


@pytest.mark.parametrize(
    ("days", "refusal"),
    [
        pytest.param(-1, ClearanceExpiredError, id="until yesterday"),
        pytest.param(31, ClearanceValidityError, id="for 31 days"),
    ],
)
def test_a_candidate_is_submitted_for_thirty_days_at_most(days: int, refusal: type[ExchangeError]) -> None:
    with pytest.raises(refusal):
        submit(Case(candidate=CANDIDATE), by="kz-01", at=CLEARED, valid_until=CLEARED + timedelta(days=days))


def test_the_same_officer_does_not_approve_twice() -> None:
    once = _approve(_submitted(), "kz-02")
    with pytest.raises(SameOfficerError):
        _approve(once, "kz-02")


def test_an_approval_after_the_last_day_does_not_count() -> None:
    case = _submitted()
    approval = WORLD.approval("kz-02", case=case)
    late = VALID_UNTIL + timedelta(seconds=1)
    with pytest.raises(ClearanceExpiredError):
        record_approval(case, approval, trust=WORLD.trust, contract=WORLD.contract, at=late)


def test_an_approval_under_another_contract_does_not_count() -> None:
    case = _submitted()
    other = replace(WORLD.contract, digest=Digest.of(b"other"))
    with pytest.raises(ContractMismatchError):
        record_approval(case, WORLD.approval("kz-02", case=case), trust=WORLD.trust, contract=other, at=CLEARED)


@pytest.mark.parametrize(
    ("officer", "reason", "refusal"),
    [
        pytest.param("kz-01", "wrong", PreparerApprovesError, id="by the preparer"),
        pytest.param("kg-02", "wrong", ForeignOfficerError, id="by another country's officer"),
        pytest.param("kz-02", "  ", ReturnReasonError, id="without a reason"),
    ],
)
def test_a_return_names_a_reason_and_comes_from_a_clearing_officer(
    officer: str, reason: str, refusal: type[ExchangeError]
) -> None:
    with pytest.raises(refusal):
        send_back(_submitted(), officer=officer, reason=reason, trust=WORLD.trust, at=CLEARED)


def test_a_returned_candidate_starts_again_without_approvals() -> None:
    once = _approve(_submitted(), "kz-02")
    returned = send_back(once, officer="kz-03", reason="row 7", trust=WORLD.trust, at=CLEARED)
    assert (returned.state, returned.approvals, returned.valid_until) == (CandidateState.RETURNED, (), None)
    again = redraft(returned, replace(CANDIDATE, data=Digest.of(b"new")))
    assert again.state is CandidateState.DRAFT
    assert again.returned is not None
    assert again.returned.reason == "row 7"
    with pytest.raises(ContractMismatchError):
        redraft(returned, replace(CANDIDATE, period="2026-08"))


def test_a_log_cannot_say_what_only_officers_decide() -> None:
    with pytest.raises(IllegalTransitionError):
        advance(_submitted(), Event.APPROVE)


class Clearing(RuleBasedStateMachine):
    """Whatever officers and the log do in whatever order: a refusal changes nothing, and nothing skips four eyes."""

    def __init__(self) -> None:
        super().__init__()
        self.case = Case(candidate=CANDIDATE)

    def _try(self, event: Event, step: Callable[[Case], Case]) -> None:
        before = self.case
        try:
            self.case = step(before)
        except IllegalTransitionError:
            assert before.state not in POSSIBLE[event]
            assert self.case is before
        except ExchangeError:
            assert self.case is before
        else:
            assert before.state in POSSIBLE[event]

    @rule(by=sampled_from(["kz-01", "kz-02"]))
    def submit(self, by: str) -> None:
        self._try(Event.SUBMIT, lambda case: submit(case, by=by, at=CLEARED, valid_until=VALID_UNTIL))

    @rule(officer=sampled_from(["kz-01", "kz-02", "kz-03", "kz-04", "kg-02"]))
    def approve(self, officer: str) -> None:
        self._try(Event.APPROVE, lambda case: _approve(case, officer))

    @rule(officer=sampled_from(["kz-01", "kz-02", "kg-02"]))
    def send_back(self, officer: str) -> None:
        self._try(
            Event.RETURN,
            lambda case: send_back(case, officer=officer, reason="look again", trust=WORLD.trust, at=CLEARED),
        )

    @rule()
    def redraft(self) -> None:
        self._try(Event.REDRAFT, lambda case: redraft(case, CANDIDATE))

    @rule(event=sampled_from([Event.LOG, Event.PUBLISH, Event.SUPERSEDE, Event.WITHDRAW]))
    def advance(self, event: Event) -> None:
        self._try(event, lambda case: advance(case, event))

    @invariant()
    def nothing_goes_on_without_two_officers(self) -> None:
        decided = self.case.state not in {CandidateState.DRAFT, CandidateState.SUBMITTED, CandidateState.RETURNED}
        officers = {approval.officer for approval in self.case.approvals}
        assert officers <= {"kz-02", "kz-03"}
        assert decided == (len(officers) == 2)


TestClearing = Clearing.TestCase
TestClearing.settings = settings(max_examples=40, stateful_step_count=15)
