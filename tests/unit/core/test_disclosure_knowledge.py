"""What every reader knows of a withheld cell before any figure, by the rules alone (decision 11)."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.bundle.floor import audit_floor
from exchange.contract.model import TOTAL, Zeros
from exchange.disclosure.knowledge import empty_complements, least_possible
from exchange.errors.bundle import IntervalFloorError
from exchange.table import AggregateCell, CellKey
from tests.unit.core.sdc import contract_of, protected, published, table_of

T = TOTAL
GRID = contract_of({"R": "abd", "C": "123"})


def test_a_withheld_inner_cell_may_be_empty_and_a_withheld_margin_is_not() -> None:
    keys = [*product("ab", "12"), ("a", T), ("b", T), (T, "1"), (T, "2"), (T, T)]
    # The whole has two parts in each direction, each of which holds somebody.
    assert least_possible(GRID, keys, revision=0) == {("a", T): 1, ("b", T): 1, (T, "1"): 1, (T, "2"): 1, (T, T): 2}


def test_the_only_part_with_a_row_is_as_full_as_its_margin() -> None:
    keys = [("a", "1"), ("a", "2"), ("b", "2"), ("a", T), ("b", T), (T, "1"), (T, "2"), (T, T)]
    found = least_possible(GRID, keys, revision=0)
    # Column 1 has a alone, row b has 2 alone: both hold somebody, and the total two.
    assert {key: found.get(key, 0) for key in keys} == {
        ("a", "1"): 1, ("a", "2"): 0, ("b", "2"): 1, ("a", T): 1, ("b", T): 1, (T, "1"): 1, (T, "2"): 1, (T, T): 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "revision"),
    [
        pytest.param({"sensitive_dimensions": ("C",), "group_disclosure_k": 3}, 0, id="group disclosure"),
        pytest.param({"zeros": Zeros.SENSITIVE}, 0, id="sensitive zeros"),
        pytest.param({}, 1, id="a revision keeps withheld what is empty by now"),
    ],
)
def test_a_margin_may_be_empty_where_a_rule_can_withhold_an_empty_one(rules: dict[str, object], revision: int) -> None:
    contract = contract_of({"R": "abd", "C": "123"}, **rules)
    assert least_possible(contract, [("a", "1"), ("a", T), (T, "1"), (T, T)], revision=revision) == {}


def test_an_amount_of_nothing_may_have_a_row() -> None:
    contract = replace(GRID, concept=replace(GRID.concept, counting_unit="amount"))
    assert least_possible(contract, [("a", "1"), ("a", T), (T, "1"), (T, T)], revision=0) == {}


def test_an_empty_inner_cell_may_hide_others_if_its_margins_are_not_empty() -> None:
    present = table_of(GRID, {("a", "1"): 3, ("b", "2"): 4}).cells.keys()
    # Of d, and of 3, there is nobody: those zeros are implied. Margins are never complements.
    assert empty_complements(GRID, "KZ", present) == [("a", "2"), ("b", "1")]


def test_where_zeros_are_sensitive_they_are_withheld_by_the_rule_and_are_no_complements() -> None:
    contract = contract_of({"R": "abd", "C": "123"}, zeros=Zeros.SENSITIVE)
    assert empty_complements(contract, "KZ", table_of(contract, {("a", "1"): 3, ("b", "2"): 4}).cells.keys()) == []


def test_empty_cells_are_withheld_where_they_hide_another_at_the_least_cost() -> None:
    persons = {("a", "1"): 3, ("a", "2"): 20, ("b", "1"): 20, ("d", "1"): 20, ("d", "3"): 20}
    safe = protected(GRID, table_of(GRID, persons | {("d", "2"): 900, ("b", "3"): 900})).safe
    # Both 0 in truth: with (b, 2) the three may be more, with (a, 3) fewer; without them both 900s would go.
    assert {("a", "3"), ("b", "2")} <= safe.withheld_keys()
    assert ("d", "2") not in safe.withheld_keys()


def test_a_puller_counts_on_margins_that_are_not_empty() -> None:
    # With 6 in the total each of the two lies in [0, 6] if it may be empty, and in [1, 5] if it is a margin.
    inner = contract_of({"R": "ab"}, floor=5)
    assert audit_floor(published(inner, {("a",): 3, ("b",): 3, (T,): 6}, [("a",), ("b",)]), inner) == 2
    finer = contract_of({"R": "ab", "C": "12"}, floor=5)
    parts = {("a", "1"): 1, ("a", "2"): 2, ("b", "1"): 1, ("b", "2"): 2}
    margins = {("a", T): 3, ("b", T): 3, (T, "1"): 2, (T, "2"): 4, (T, T): 6}
    shown = published(finer, parts | margins, [key for key in (*parts, *margins) if key != (T, T)])
    with pytest.raises(IntervalFloorError):
        audit_floor(shown, finer)


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from(list(product("abd", "123"))), st.integers(1, 30), min_size=1))
def test_what_is_known_is_true_of_every_release(persons: Mapping[CellKey, int]) -> None:
    table = table_of(GRID, persons)
    safe = protected(GRID, table).safe
    known = least_possible(GRID, safe.rows.keys(), revision=0)
    assert all(_figure(table.cells, key) >= least for key, least in known.items())
    assert audit_floor(safe, GRID) == len(safe.withheld_keys())


def _figure(cells: Mapping[CellKey, AggregateCell], key: CellKey) -> int:
    return cells[key].value if key in cells else 0
