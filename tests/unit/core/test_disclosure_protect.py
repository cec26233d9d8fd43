"""From an aggregate to a safe table: hand-made tables, random ones, and revisions."""

from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from exchange.bundle.floor import audit_floor
from exchange.contract.model import TOTAL, DataContract, IntervalFloor
from exchange.disclosure.audit import intervals
from exchange.disclosure.problem import View
from exchange.disclosure.relations import System
from exchange.errors.disclosure import (
    MethodUnsupportedError,
    NoSafePatternError,
    NotAdditiveError,
    ParametersTooLooseError,
)
from exchange.pattern import relations
from exchange.table import AggregateCell, CellKey, Observation, SafeTable
from tests.unit.core.sdc import contract_of, pool_of, protected, published, table_of

T = TOTAL
GRID = contract_of({"R": "abd", "C": "123"})
PERSONS = {
    (row, column): counts[place]
    for row, counts in {"a": (20, 50, 10), "b": (8, 19, 3), "d": (17, 32, 12)}.items()
    for place, column in enumerate("123")
}


def test_one_small_cell_takes_three_others_with_it() -> None:
    safe = protected(GRID, table_of(GRID, PERSONS)).safe
    hidden = safe.withheld_keys()
    assert ("b", "3") in hidden
    # A square is the least that hides an inner cell of a table whose margins stand.
    assert len(hidden) == 4
    assert all(T not in key for key in hidden)


def test_nothing_is_hidden_where_nothing_is_sensitive() -> None:
    persons = {key: count + 5 for key, count in PERSONS.items()}
    protection = protected(GRID, table_of(GRID, persons))
    assert protection.safe.withheld_keys() == frozenset()
    assert (protection.summary.verdict, protection.summary.cells, protection.summary.withheld) == ("safe", 16, 0)


def test_rows_carry_the_statuses_of_the_exchange() -> None:
    safe = protected(GRID, table_of(GRID, PERSONS)).safe
    assert safe.rows["b", "3"] == Observation(value=None, obs_status="Q", conf_status="C")
    assert safe.rows[T, T] == Observation(value=171, obs_status="A", conf_status="N")


def test_where_publication_is_allowed_the_figures_are_free() -> None:
    contract = replace(GRID, publication_allowed=True)
    safe = protected(contract, table_of(contract, PERSONS)).safe
    assert {row.conf_status for row in safe.rows.values()} == {"F", "C"}


def test_tables_that_share_a_margin_are_protected_together() -> None:
    contract = contract_of({"C": ["u", "v", "w"], "S": "MF", "A": "yo"}, [("C", "S"), ("C", "A")])
    persons = dict.fromkeys(product(["u", "v", "w"], "MF", "yo"), 20) | {("u", "M", "y"): 0, ("u", "M", "o"): 3}
    safe = protected(contract, table_of(contract, persons)).safe
    assert ("u", "M", T) in safe.withheld_keys()
    # Whatever stands in one table for a shared key stands in the other: there is one row for it.
    assert audit_floor(safe, contract) == len(safe.withheld_keys())


def test_all_returns_forced_cannot_be_read_off() -> None:
    contract = contract_of(
        {"C": ["AF", "BR", "CN"], "TYPE": ["FORCED", "VOL"]},
        minimum=10,
        floor=10,
        sensitive_dimensions=("TYPE",),
        group_disclosure_k=3,
    )
    persons = {("AF", "FORCED"): 30, ("BR", "FORCED"): 20, ("BR", "VOL"): 25, ("CN", "VOL"): 40, ("CN", "FORCED"): 50}
    safe = protected(contract, table_of(contract, persons)).safe
    known = _intervals(contract, safe)
    assert safe.rows["AF", "VOL"].withheld
    assert known["AF", "VOL"][0] == 0
    assert known["AF", "VOL"][1] >= 10


def test_the_same_table_gives_the_same_pattern_whatever_the_order_of_its_cells() -> None:
    table = table_of(GRID, PERSONS)
    turned = replace(table, cells=dict(reversed(list(table.cells.items()))))
    assert protected(GRID, table).safe == protected(GRID, turned).safe


def test_a_wider_floor_relative_to_the_value_is_kept() -> None:
    contract = contract_of({"R": "abd", "C": "123"}, interval=IntervalFloor(width_abs=1, must_reach=5, width_rel=0.5))
    table = table_of(contract, {key: 10 * count for key, count in PERSONS.items()} | {("b", "3"): 3})
    safe = protected(contract, table).safe
    for key, (low, high) in _intervals(contract, safe).items():
        assert high is None or high - low >= 0.5 * table.cells[key].value


def test_random_tables_leave_with_every_cell_at_its_floor_or_not_at_all() -> None:
    draw = np.random.default_rng(11)
    for _ in range(25):
        dims = {"R": [f"r{i}" for i in range(draw.integers(2, 6))], "C": ["F", "V"], "S": "mf"}
        rules = {"sensitive_dimensions": ("C",), "group_disclosure_k": 3}
        contract = contract_of(dims, [("R", "C"), ("R", "S")], minimum=5, floor=5, **rules)
        counts = draw.negative_binomial(0.5, 0.1, (len(dims["R"]), 2, 2))
        persons = dict(zip(product(*dims.values()), counts.ravel().tolist(), strict=True))
        table = table_of(contract, persons)
        safe = protected(contract, table).safe
        assert all(
            0 in cell.contributors or cell.value >= 5 or safe.rows[k].withheld for k, cell in table.cells.items()
        )
        for low, high in _intervals(contract, safe).values():
            assert high is None or (high >= 5 and high - low >= 5)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param({"method": "rounding"}, MethodUnsupportedError, id="a method of another engine"),
        pytest.param({"contributors_min": 6}, ParametersTooLooseError, id="parameters of a looser contract"),
    ],
)
def test_a_contract_that_asks_for_more_than_is_done_is_refused(
    change: dict[str, object], error: type[Exception]
) -> None:
    contract = replace(GRID, disclosure=replace(GRID.disclosure, **change))
    with pytest.raises(error):
        protected(contract, table_of(GRID, PERSONS), contributors_min=(5,))


def test_a_table_that_is_not_additive_is_refused() -> None:
    table = table_of(GRID, PERSONS)
    wrong = dict(table.cells) | {(T, "3"): AggregateCell(value=977, contributors=(977,))}
    with pytest.raises(NotAdditiveError) as refusal:
        protected(GRID, replace(table, cells=wrong))
    assert refusal.value.facts["count"] == 2  # the column's own sum, and the row of totals
    assert "977" not in refusal.value.sentence()


class TestRevision:
    """A second vintage of a release."""

    def test_what_was_withheld_stays_withheld(self) -> None:
        first = protected(GRID, table_of(GRID, PERSONS)).safe
        grown = {key: count + 20 for key, count in PERSONS.items()}
        second = protected(GRID, table_of(GRID, grown), (first,)).safe
        assert first.withheld_keys() <= second.withheld_keys()

    def test_a_difference_of_a_few_persons_is_withheld(self) -> None:
        persons = {key: count + 20 for key, count in PERSONS.items()}
        first = protected(GRID, table_of(GRID, persons)).safe
        assert first.withheld_keys() == frozenset()
        later = table_of(GRID, persons | {("a", "1"): persons["a", "1"] + 3})
        second = protected(GRID, later, (first,)).safe
        # The cell, both its margins and the grand total would each give the three away; nothing else changed, and what
        # is known from before can hide nothing.
        assert second.withheld_keys() == {("a", "1"), ("a", T), (T, "1"), (T, T)}

    def test_persons_that_only_changed_cells_are_hidden_in_the_cells_between_which_they_moved(self) -> None:
        persons = {key: count + 20 for key, count in PERSONS.items()}
        first = protected(GRID, table_of(GRID, persons)).safe
        moved = {("a", "1"): persons["a", "1"] + 3, ("a", "2"): persons["a", "2"] - 3}
        moved |= {("b", "1"): persons["b", "1"] - 3, ("b", "2"): persons["b", "2"] + 3}
        second = protected(GRID, table_of(GRID, persons | moved), (first,)).safe
        assert second.withheld_keys() == {("a", "1"), ("a", "2"), ("b", "1"), ("b", "2")}

    def test_a_cell_that_everything_around_it_showed_before_cannot_be_hidden_and_is_refused(self) -> None:
        table = table_of(GRID, PERSONS)
        shown = published(GRID, {key: cell.value for key, cell in table.cells.items()}, [])
        with pytest.raises(NoSafePatternError) as refusal:
            protected(GRID, table, (shown,))
        assert refusal.value.facts["cell"] == "b.3"

    def test_an_unchanged_table_leaves_again_with_the_same_pattern(self) -> None:
        table = table_of(GRID, PERSONS)
        first = protected(GRID, table).safe
        assert protected(GRID, table, (first, first)).safe == first

    def test_a_large_change_leaves(self) -> None:
        first = protected(GRID, table_of(GRID, PERSONS)).safe
        later = table_of(GRID, PERSONS | {("a", "2"): 90})
        second = protected(GRID, later, (first,)).safe
        assert second.rows["a", "2"].value == 90

    def test_a_release_of_another_period_is_no_vintage(self) -> None:
        table = table_of(GRID, PERSONS)
        first = protected(GRID, table).safe
        other = replace(first, period="2026-08")
        assert protected(GRID, table, (other,)).safe == first

    def test_what_a_sibling_contract_withheld_is_not_shown_here(self) -> None:
        sibling = replace(contract_of({"R": "abd"}), id="CT-02-TEST")
        totals = {("a",): 80, ("b",): 30, ("d",): 61, (T,): 171}
        theirs = replace(published(sibling, totals, [("b",), ("d",)]), contract_id="CT-02-TEST")
        table = table_of(GRID, PERSONS)
        alone = protected(GRID, table).safe
        assert {("b", T), ("d", T)}.isdisjoint(alone.withheld_keys())
        together = protected(GRID, table, pool=pool_of(sibling, (theirs,))).safe
        assert {("b", T), ("d", T)} <= together.withheld_keys()


def _intervals(contract: DataContract, safe: SafeTable) -> dict[CellKey, tuple[Fraction | None, Fraction | None]]:
    system = System.of(sorted(safe.rows), relations(contract, safe.rows))
    rows = [safe.rows[key] for key in system.keys]
    view = View(
        system=system,
        known=np.array([row.value is not None for row in rows]),
        figures=np.array([row.value or 0 for row in rows], dtype=np.int64),
        whole=True,
        low=np.zeros(len(rows)),
        high=np.full(len(rows), np.inf),
    )
    return {system.keys[cell]: (found.low, found.high) for cell, found in intervals(view).items()}
