"""Which cells are sensitive in themselves."""

import hashlib
from dataclasses import replace

import pytest

from exchange.contract.model import TOTAL, DataContract, DominanceRule, Zeros
from exchange.disclosure import SecretParameters
from exchange.disclosure.primary import Sensitive, primary_suppressions
from exchange.disclosure.protection import Requirement
from exchange.errors.disclosure import (
    CellMalformedError,
    CellOutsideContractError,
    ParametersMalformedError,
    ParametersTooLooseError,
    RequestOutsideContractError,
)
from exchange.table import AggregateCell, AggregateTable, CellKey
from tests.unit.core.sdc import SALT, contract_of, table_of

T = TOTAL
RETURNS = contract_of(
    {"C": ["AF", "BR"], "TYPE": ["FORCED", "VOL"]},
    minimum=10,
    floor=10,
    sensitive_dimensions=("TYPE",),
    group_disclosure_k=3,
)


def test_a_cell_of_fewer_contributors_than_the_minimum_is_sensitive_and_one_of_the_minimum_is_not() -> None:
    contract = contract_of({"C": ["AF", "BR"]}, minimum=5)
    found = _primary(contract, table_of(contract, {("AF",): 4, ("BR",): 5}))
    assert found.primary == {("AF",): Requirement(reach=5, fall=3, width=5)}


@pytest.mark.parametrize(
    ("workers", "employers", "sensitive"),
    [
        pytest.param(40, 5, False, id="enough of both"),
        pytest.param(40, 4, True, id="forty workers of four employers"),
        pytest.param(4, 5, True, id="four workers of five employers"),
        pytest.param(40, 0, False, id="nobody of a unit that does not occur is nobody to protect"),
    ],
)
def test_every_contributor_unit_counts(workers: int, employers: int, *, sensitive: bool) -> None:
    contract = contract_of({"C": ["AF"]}, contributors=("worker", "employer"))
    cells = {("AF",): AggregateCell(value=40, contributors=(workers, employers))}
    assert (("AF",) in _primary(contract, _table(contract, cells)).primary) is sensitive


@pytest.mark.parametrize(
    ("value", "largest", "need"),
    [
        # p = 10: the rest must be at least a tenth of the largest. 100 − 70 − 20 = 10 ≥ 7.
        pytest.param(100, (70, 14), None, id="a rest of 16 hides the largest"),
        # 100 − 80 − 15 = 5 < 8, short by 3; (2,85): 95 > 85, 95 / 0.85 = 111.8, short by 12.
        pytest.param(100, (80, 15), Requirement(112, 88, 5), id="two hold 95 of 100"),
        # 50 + 34 = 84 ≤ 85; rest 16 ≥ 5.
        pytest.param(100, (50, 34), None, id="two hold 84 of 100"),
        # one firm is the whole cell: p% asks for 10, (2,85) for 100 / 0.85 − 100 = 17.6.
        pytest.param(100, (100, 0), Requirement(118, 82, 5), id="one is the whole"),
    ],
)
def test_dominance_asks_for_more_than_the_floor(value: int, largest: tuple[int, int], need: Requirement | None) -> None:
    contract = _dominated_contract()
    cells = {("AF",): AggregateCell(value=value, contributors=(9, 9), largest=largest)}
    assert _primary(contract, _table(contract, cells)).primary.get(("AF",)) == need


@pytest.mark.parametrize(
    ("employers", "largest"),
    [pytest.param(9, (80, 15), id="dominated"), pytest.param(2, (50, 30), id="too few employers for the rule")],
)
def test_a_cell_that_the_rule_withholds_keeps_the_rules_share_of_its_value(
    employers: int, largest: tuple[int, int]
) -> None:
    contract = _dominated_contract(width_rel_min=0.4)
    cells = {("AF",): AggregateCell(value=100, contributors=(9, employers), largest=largest)}
    assert _primary(contract, _table(contract, cells)).primary["AF",].width == 40


def test_a_stricter_secret_p_asks_for_more() -> None:
    contract = _dominated_contract()
    cells = {("AF",): AggregateCell(value=100, contributors=(9, 9), largest=(80, 5))}
    # rest 15 ≥ 8 at p = 10; at p = 25 it must be 20, short by 5. (2,85) holds exactly.
    assert _primary(contract, _table(contract, cells)).primary == {}
    assert _primary(contract, _table(contract, cells), p_percent_min=25.0).primary == {("AF",): Requirement(105, 95, 5)}


def test_dominance_cannot_be_judged_without_the_contributions() -> None:
    contract = _dominated_contract()
    with pytest.raises(CellMalformedError) as refusal:
        _primary(contract, _table(contract, {("AF",): AggregateCell(value=100, contributors=(9, 9))}))
    assert refusal.value.facts["member"] == "largest"


def test_when_all_returns_were_forced_the_empty_complement_is_hidden_too() -> None:
    found = _primary(RETURNS, table_of(RETURNS, {("AF", "FORCED"): 30, ("BR", "FORCED"): 20, ("BR", "VOL"): 20}))
    assert set(found.primary) == {("AF", "FORCED"), ("AF", "VOL")}
    assert found.values["AF", "VOL"] == 0
    assert found.primary["AF", "VOL"] == Requirement(reach=10, fall=0, width=10)


@pytest.mark.parametrize(
    ("voluntary", "hidden"),
    [
        pytest.param(2, {("AF", "FORCED"), ("AF", "VOL")}, id="all but two were forced"),
        pytest.param(3, {("AF", "VOL")}, id="all but three: too few to show, but no group is disclosed"),
        pytest.param(10, set(), id="all but ten"),
    ],
)
def test_a_part_that_is_nearly_the_whole_is_a_group_disclosure(voluntary: int, hidden: set[CellKey]) -> None:
    persons = {("AF", "FORCED"): 30, ("AF", "VOL"): voluntary, ("BR", "FORCED"): 20, ("BR", "VOL"): 20}
    assert set(_primary(RETURNS, table_of(RETURNS, persons)).primary) == hidden


def test_an_empty_complement_that_its_own_margin_shows_to_be_zero_opens_the_margin() -> None:
    # Nobody at all returned voluntarily: the margin VOL is empty, and with it every complement.
    found = _primary(RETURNS, table_of(RETURNS, {("AF", "FORCED"): 30, ("BR", "FORCED"): 20}))
    assert {("AF", "VOL"), ("BR", "VOL"), (T, "VOL"), (T, "FORCED")} <= set(found.primary)


def test_a_third_type_that_a_published_zero_rules_out_stays_published() -> None:
    contract = replace(
        contract_of({"C": ["AF", "BR"], "TYPE": ["A", "B", "X"]}, minimum=3, floor=3),
        disclosure=replace(RETURNS.disclosure, contributors_min=3, additive_over=frozenset({"C", "TYPE"})),
    )
    # Of type X there is nobody in either country: X of AF is known to be zero whatever is hidden beside it.
    found = _primary(contract, table_of(contract, {("AF", "A"): 30, ("BR", "A"): 20, ("BR", "B"): 20}))
    assert set(found.primary) == {("AF", "A"), ("AF", "B")}


def test_where_zeros_are_sensitive_every_possible_empty_cell_is_hidden() -> None:
    contract = contract_of({"C": ["AF", "BR"], "TYPE": ["FORCED", "VOL"]}, zeros=Zeros.SENSITIVE)
    found = _primary(contract, table_of(contract, {("AF", "FORCED"): 30, ("AF", "VOL"): 30}))
    assert set(found.primary) == {("BR", "FORCED"), ("BR", "VOL"), ("BR", T)}


@pytest.mark.parametrize(
    ("request_", "hidden"),
    [
        pytest.param({"C": "AF"}, {("AF", "FORCED"), ("AF", "VOL"), ("AF", T)}, id="one country with all its cells"),
        pytest.param({"C": "AF", "TYPE": T}, {("AF", T)}, id="one cell"),
    ],
)
def test_what_must_be_withheld_by_request_is_primary_and_keeps_the_floor(
    request_: dict[str, str], hidden: set[CellKey]
) -> None:
    persons = {(c, kind): 30 for c in ("AF", "BR") for kind in ("FORCED", "VOL")}
    table = table_of(RETURNS, persons)
    parameters = SecretParameters.public_minima(RETURNS, salt=SALT)
    found = primary_suppressions(table, RETURNS, parameters, requests=(request_,))
    assert set(found.primary) == hidden
    assert all(need.width >= 10 and need.reach >= 30 for need in found.primary.values())


@pytest.mark.parametrize("request_", [{}, {"C": "ZZ"}, {"AGE": "Y"}], ids=["nothing", "no code", "no dimension"])
def test_a_request_for_what_is_not_released_is_refused(request_: dict[str, str]) -> None:
    parameters = SecretParameters.public_minima(RETURNS, salt=SALT)
    with pytest.raises(RequestOutsideContractError):
        primary_suppressions(table_of(RETURNS, {("AF", "VOL"): 30}), RETURNS, parameters, requests=(request_,))


def test_a_cell_that_is_not_of_the_contract_is_refused() -> None:
    with pytest.raises(CellOutsideContractError):
        _primary(RETURNS, _table(RETURNS, {("ZZ", "VOL"): AggregateCell(value=1, contributors=(1,))}))


@pytest.mark.parametrize(
    ("cell", "member"),
    [
        pytest.param(AggregateCell(value=-1, contributors=(1,)), "value", id="a negative value"),
        pytest.param(AggregateCell(value=1, contributors=()), "contributors", id="no count of contributors"),
        pytest.param(AggregateCell(value=1, contributors=(0,)), "contributors", id="a value of nobody"),
        pytest.param(AggregateCell(value=9, contributors=(3,), largest=(2, 3)), "largest", id="the larger second"),
    ],
)
def test_an_impossible_cell_is_refused(cell: AggregateCell, member: str) -> None:
    with pytest.raises(CellMalformedError) as refusal:
        _primary(RETURNS, _table(RETURNS, {("AF", "VOL"): cell}))
    assert refusal.value.facts["member"] == member


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        pytest.param({"contributors_min": (5, 4)}, "contributors_min", id="a lower minimum for one unit"),
        pytest.param({"k_percent_max": 90.0}, "k_percent_max", id="a higher k"),
        pytest.param({"k_percent_max": None}, "k_percent_max", id="no k"),
        pytest.param({"p_percent_min": 9.9}, "p_percent_min", id="a lower p"),
    ],
)
def test_parameters_looser_than_the_contract_are_refused_by_name(change: dict[str, object], parameter: str) -> None:
    contract = _dominated_contract()
    with pytest.raises(ParametersTooLooseError) as refusal:
        replace(SecretParameters.public_minima(contract, salt=SALT), **change).require_strict(contract)
    assert refusal.value.facts == {"contract": contract.id, "parameter": parameter}


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        pytest.param({"salt": bytes(16)}, "salt", id="a short salt"),
        pytest.param({"contributors_min": (9,)}, "contributors_min", id="one minimum for two units"),
    ],
)
def test_parameters_that_are_incomplete_are_refused(change: dict[str, object], parameter: str) -> None:
    contract = _dominated_contract()
    with pytest.raises(ParametersMalformedError) as refusal:
        replace(SecretParameters.public_minima(contract, salt=SALT), **change).require_strict(contract)
    assert refusal.value.facts["parameter"] == parameter


def test_the_commitment_is_the_digest_of_salt_and_canonical_parameters() -> None:
    parameters = SecretParameters(contributors_min=(5, 5), k_percent_max=85.0, p_percent_min=12.5, salt=bytes(32))

    text = b'{"contributors_min":[5,5],"k_percent_max":85,"p_percent_min":12.5}'

    assert parameters.commitment().hex == hashlib.sha256(bytes(32) + text).hexdigest()


def test_parameters_do_not_show_their_salt() -> None:
    assert "salt" not in repr(SecretParameters(contributors_min=(5,), salt=SALT))


def _dominated_contract(*, width_rel_min: float = 0.0) -> DataContract:
    contract = contract_of({"C": ["AF", "BR"]}, contributors=("worker", "employer"))
    rule = DominanceRule(
        contributor="employer",
        n=2,
        k_percent_max=85.0,
        p_percent_min=10.0,
        contributors_min=3,
        width_rel_min=width_rel_min,
    )
    return replace(contract, tables=(replace(contract.tables[0], dominance=rule),))


def _primary(contract: DataContract, table: AggregateTable, **stricter: object) -> Sensitive:
    parameters = replace(SecretParameters.public_minima(contract, salt=SALT), **stricter)
    return primary_suppressions(table, contract, parameters)


def _table(contract: DataContract, cells: dict[CellKey, AggregateCell]) -> AggregateTable:
    return AggregateTable(provider="KZ", contract_id=contract.id, period="2026-09", cells=cells)
