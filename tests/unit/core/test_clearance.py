import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from exchange.clearance import (
    Approval,
    Clearance,
    ClearanceCommon,
    approve,
    format_clearance,
    parse_clearance,
    require_approved,
    verify_clearance,
)
from exchange.contract.model import ApprovalRules
from exchange.encoding import Digest, canonical_json
from exchange.errors import ExchangeError
from exchange.errors.bundle import (
    ApprovalSignatureError,
    ApprovalsMissingError,
    ApprovalTimeError,
    ClearanceExpiredError,
    ClearanceValidityError,
    ForeignOfficerError,
    OfficerRoleError,
    PreparerApprovesError,
    ProofKindError,
    SameOfficerError,
    UnregisteredOfficerError,
)
from exchange.errors.encoding import FieldError
from tests.world.bundles import CLEARED, COSIGNED, VALID_UNTIL, bundle_world

RULES = ApprovalRules(officers_min=2, roles=("clearing",), proofs=("officer-key", "webauthn"))


def _common(**changes: object) -> ClearanceCommon:
    return replace(bundle_world().case.common, **changes)  # type: ignore[arg-type]  # the test chooses the members


def _approval(
    officer: str, *, common: ClearanceCommon | None = None, role: str = "clearing", at: datetime = CLEARED
) -> Approval:
    signer = bundle_world().federation.officer(officer)
    return approve(common or _common(), officer=officer, role=role, at=at, signer=signer)


def _cleared(*officers: str, common: ClearanceCommon | None = None) -> Clearance:
    return Clearance(
        common=common or _common(),
        approvals=tuple(_approval(officer, common=common) for officer in sorted(officers)),
    )


def _check(clearance: Clearance, *, at: datetime = COSIGNED, clause: ApprovalRules = RULES) -> None:
    require_approved(clearance, trust=bundle_world().trust, at=at, clause=clause)


@pytest.mark.parametrize(
    ("officers", "refusal"),
    [
        pytest.param(("kz-02", "kz-03"), None, id="two clearing officers of the publishing country"),
        pytest.param(("kz-02",), ApprovalsMissingError, id="one officer alone"),
        pytest.param((), ApprovalsMissingError, id="nobody"),
        pytest.param(("kg-02", "kz-02"), ForeignOfficerError, id="an officer of another country"),
        pytest.param(("kz-02", "kz-04"), OfficerRoleError, id="an officer who may not clear"),
    ],
)
def test_a_clearance_takes_four_eyes(officers: tuple[str, ...], refusal: type[ExchangeError] | None) -> None:
    if refusal is None:
        _check(_cleared(*officers))
        return
    with pytest.raises(refusal):
        _check(_cleared(*officers))


def test_the_officer_who_prepared_it_cannot_approve_it() -> None:
    common = _common(prepared_by="kz-02")
    with pytest.raises(PreparerApprovesError):
        _approval("kz-02", common=common)
    # Nor does an approval that was made by other means count.
    slipped = replace(_approval("kz-02"), officer="kz-02")
    with pytest.raises(PreparerApprovesError):
        _check(Clearance(common=common, approvals=(slipped, _approval("kz-03", common=common))))


@pytest.mark.parametrize(
    ("preparer", "refusal"),
    [
        pytest.param("kz-99", UnregisteredOfficerError, id="a name that nobody bears"),
        pytest.param("kg-01", ForeignOfficerError, id="an officer of another country"),
    ],
)
def test_the_preparer_is_a_registered_officer_of_the_provider(preparer: str, refusal: type[ExchangeError]) -> None:
    with pytest.raises(refusal):
        _check(_cleared("kz-02", "kz-03", common=_common(prepared_by=preparer)))


def test_one_officer_is_not_two() -> None:
    once, again = _approval("kz-02"), _approval("kz-02", at=CLEARED + timedelta(minutes=1))
    with pytest.raises(SameOfficerError):
        _check(Clearance(common=_common(), approvals=(once, again)))
    raw = format_clearance(Clearance(common=_common(), approvals=(once, again)))
    with pytest.raises(SameOfficerError):
        parse_clearance(raw)


def test_a_contract_may_ask_for_three_but_never_for_one() -> None:
    three = replace(RULES, officers_min=3)
    with pytest.raises(ApprovalsMissingError):
        _check(_cleared("kz-02", "kz-03"), clause=three)
    with pytest.raises(ApprovalsMissingError):
        _check(_cleared("kz-02"), clause=replace(RULES, officers_min=1))


def test_a_contract_may_forbid_the_kind_of_proof() -> None:
    with pytest.raises(ProofKindError):
        _check(_cleared("kz-02", "kz-03"), clause=replace(RULES, proofs=("webauthn",)))


def test_an_unregistered_officer_does_not_count() -> None:
    stranger = replace(_approval("kz-02"), officer="kz-77")
    with pytest.raises(UnregisteredOfficerError):
        _check(Clearance(common=_common(), approvals=(stranger, _approval("kz-03"))))


def test_an_approval_under_another_officers_name_does_not_count() -> None:
    forged = replace(_approval("kz-02"), officer="kz-03")
    with pytest.raises(ApprovalSignatureError):
        _check(Clearance(common=_common(), approvals=(_approval("kz-02"), forged)))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"data": Digest.of(b"other")}, id="one byte of the table"),
        pytest.param({"disclosure": Digest.of(b"other")}, id="one byte of the report"),
        pytest.param({"recipients": ("KG", "TJ", "TM")}, id="a recipient less"),
        pytest.param({"revision": 1, "supersedes": Digest.of(b"r0")}, id="the revision"),
        pytest.param({"not_before": CLEARED}, id="the day from which it may be read"),
        pytest.param({"valid_until": VALID_UNTIL + timedelta(days=1)}, id="a day longer"),
        pytest.param({"pooled": Digest.of(b"other")}, id="the ledger"),
        pytest.param({"prepared_by": "kz-04"}, id="who prepared it"),
    ],
)
def test_what_changes_after_approval_voids_every_approval(change: dict[str, Any]) -> None:
    approved = _cleared("kz-02", "kz-03")
    with pytest.raises(ApprovalSignatureError):
        _check(replace(approved, common=replace(approved.common, **change)))


@pytest.mark.parametrize(
    ("at", "refusal"),
    [
        pytest.param(VALID_UNTIL, None, id="on the last second"),
        pytest.param(VALID_UNTIL + timedelta(seconds=1), ClearanceExpiredError, id="a second later"),
        pytest.param(CLEARED - timedelta(seconds=300), None, id="the desk's clock five minutes ahead"),
        pytest.param(CLEARED - timedelta(seconds=301), ApprovalTimeError, id="approved after it took effect"),
    ],
)
def test_a_clearance_holds_for_its_time_only(at: datetime, refusal: type[ExchangeError] | None) -> None:
    if refusal is None:
        _check(_cleared("kz-02", "kz-03"), at=at)
        return
    with pytest.raises(refusal):
        _check(_cleared("kz-02", "kz-03"), at=at)


def test_a_clearance_holds_for_thirty_days_at_most() -> None:
    _approval("kz-02", common=_common(valid_until=CLEARED + timedelta(days=30)))
    beyond = _common(valid_until=CLEARED + timedelta(days=30, seconds=1))
    with pytest.raises(ClearanceValidityError):
        _approval("kz-02", common=beyond)
    # Approved within the limit first, by an officer whose colleague approved too early: it does not hold either.
    late = CLEARED + timedelta(days=2)
    early = replace(_approval("kz-02", common=beyond, at=late), at=CLEARED)
    with pytest.raises(ClearanceValidityError):
        _check(Clearance(common=beyond, approvals=(early,)), at=late)


def test_a_clearance_reads_back_as_it_was_written() -> None:
    clearance = _cleared("kz-02", "kz-03")
    raw = format_clearance(clearance)
    assert parse_clearance(raw) == clearance
    assert verify_clearance(raw, trust=bundle_world().trust, at=COSIGNED, contract=None) == clearance


def _with(change: Callable[[dict[str, Any]], object]) -> bytes:
    document: dict[str, Any] = json.loads(format_clearance(_cleared("kz-02", "kz-03")))
    change(document)
    return canonical_json(document)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda d: d["approvals"].reverse(), id="approvals out of order"),
        pytest.param(lambda d: d["approvals"][0].update(note="ok"), id="an unknown member of an approval"),
        pytest.param(lambda d: d["approvals"][0].update(decision="returned"), id="another decision"),
        pytest.param(lambda d: d["approvals"][0]["proof"]["signatures"].append({}), id="a second signature"),
        pytest.param(lambda d: d["approvals"][0]["proof"].update(signatures={}), id="signatures that are no list"),
        pytest.param(lambda d: d.update(approvals=None), id="no approvals"),
        pytest.param(lambda d: d.update(approvals=d["approvals"] * 20), id="more approvals than the limit"),
        pytest.param(lambda d: d["common"].update(type="clearance/2"), id="a newer format"),
        pytest.param(lambda d: d["common"].update(cells=54), id="an unknown member of the common part"),
        pytest.param(lambda d: d["common"].pop("labels"), id="no word on the labels"),
        pytest.param(lambda d: d["common"].update(prepared_by="Aidar B."), id="a person's name"),
        pytest.param(lambda d: d.update(common=[]), id="a common part that is no object"),
    ],
)
def test_a_clearance_that_says_anything_else_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(FieldError):
        parse_clearance(_with(change))
