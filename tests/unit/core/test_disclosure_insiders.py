"""Contributors who look at the table: what they know, and that it does not help them to the figures of others."""

from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from exchange.contract.model import TOTAL, DataContract, DominanceRule
from exchange.disclosure import SecretParameters
from exchange.disclosure.insiders import insiders_of
from exchange.disclosure.primary import primary_suppressions
from exchange.disclosure.release import Release
from exchange.disclosure.weights import SPREAD, Weigh, weights_of
from exchange.table import AggregateCell, AggregateTable, CellKey
from tests.unit.core.sdc import SALT, contract_of, protected, table_of

T = TOTAL
GRID = contract_of({"R": "abd", "C": "123"}, minimum=3, floor=3)


def test_the_only_one_of_a_cell_knows_it_and_every_margin_that_is_theirs_alone() -> None:
    table = _named({("a", "1"): ["p"], ("b", "1"): ["q", "r"], ("b", "2"): ["p", "q", "q"]})
    keys = sorted(table.cells)
    found = {tuple(keys[cell] for cell in insider.known) for insider in insiders_of(table, GRID, keys)}
    # p is alone in a: in a.1 and in the margin of a. Of b.2, and of column 2, p and q are two.
    assert found == {(("a", "1"), ("a", T))}


def test_who_is_alone_in_a_margin_knows_its_empty_parts_too() -> None:
    table = _named({("a", "1"): ["p"], ("b", "1"): ["q", "r"], ("b", "2"): ["q", "r"]})
    keys = sorted([*table.cells, ("a", "2")])  # empty, and withheld to hide others
    (insider,) = insiders_of(table, GRID, keys)
    assert {keys[cell] for cell in insider.known} == {("a", "1"), ("a", "2"), ("a", T)}


def test_one_contributor_in_several_cells_is_one_attacker() -> None:
    table = _named({("a", "1"): ["p"], ("b", "2"): ["p"], ("d", "3"): ["q"]})
    known = [len(insider.known) for insider in insiders_of(table, GRID, sorted(table.cells))]
    assert sorted(known) == [3, 6]  # q: d.3 and two margins; p: two cells, each with its two margins


def test_the_largest_knows_a_part_where_the_table_has_a_dominance_rule() -> None:
    rule = DominanceRule(contributor="person", n=2, k_percent_max=85.0, p_percent_min=10.0, contributors_min=3)
    ruled = replace(GRID, tables=(replace(GRID.tables[0], dominance=rule),))
    cells = {
        ("a", "1"): AggregateCell(value=90, contributors=(4,), largest=(50, 20), sole=(None,), largest_by=7),
        ("b", "1"): AggregateCell(value=60, contributors=(4,), largest=(20, 20), sole=(None,), largest_by=None),
        ("d", "1"): AggregateCell(value=80, contributors=(5,), largest=(60, 10), sole=(None,), largest_by=7),
    }
    table = AggregateTable(provider="KZ", contract_id=GRID.id, period="2026-09", cells=cells)
    found = insiders_of(table, ruled, sorted(cells))
    assert [insider.least for insider in found] == [((0, 50.0), (2, 60.0)), ((1, 20.0),)]
    assert insiders_of(table, GRID, sorted(cells)) == ()


@pytest.mark.parametrize("column", ["1", "2"])
def test_two_single_persons_of_a_row_do_not_learn_of_each_other(column: str) -> None:
    persons = {key: [f"{key}{n}" for n in range(30)] for key in product("abd", "123")}
    persons |= {("a", "1"): ["p"], ("a", "2"): ["q"]}
    safe = protected(GRID, _named(persons)).safe
    row = {("a", code) for code in ("1", "2", "3", T)}
    # Two withheld cells would be enough for anybody else; each of the two would then compute the other.
    assert len(row & safe.withheld_keys()) >= 3
    assert len({(code, column) for code in ("a", "b", "d", T)} & safe.withheld_keys()) >= 2


def test_a_cell_that_only_hides_others_keeps_the_floor_against_anybody_alone() -> None:
    persons = {key: [f"{key}{n}" for n in range(9)] for key in product("abd", "123")} | {("a", "1"): ["p"]}
    table = _named(persons)
    found = primary_suppressions(table, GRID, SecretParameters.public_minima(GRID, salt=SALT))
    weights = weights_of(found.values, SALT)
    problem = Release(table=table, contract=GRID, sensitive=found, public=frozenset(), weights=weights).problem()
    assert problem.guarded is not None
    guarded = {key for key, kept in zip(problem.system.keys, problem.guarded.tolist(), strict=True) if kept}
    assert guarded == {("a", "1")}  # one person; every other cell counts at least three
    assert all(np.isfinite(problem.needs.reach))


def test_weights_follow_the_figure_up_to_a_part_that_the_salt_draws() -> None:
    values = {("a",): 0, ("b",): 99}
    found = weights_of(values, bytes(32))
    assert all(abs(found[key] / (1 + value) - 1) <= SPREAD for key, value in values.items())
    assert found == weights_of(values, bytes(32))
    assert found != weights_of(values, bytes(31) + b"1")
    assert all(abs(weight - 1) <= SPREAD for weight in weights_of(values, bytes(32), Weigh.COUNT).values())


def _named(persons: dict[CellKey, list[str]], contract: DataContract = GRID) -> AggregateTable:
    """A table of these persons, each named as often as they are counted."""
    counted = table_of(contract, {key: len(names) for key, names in persons.items()})
    inside: dict[CellKey, Counter[str]] = {key: Counter() for key in counted.cells}
    for (row, code), names in persons.items():
        for key in product((row, T), (code, T)):
            inside[key].update(names)
    number = {name: place for place, name in enumerate(sorted({n for names in persons.values() for n in names}))}
    cells = {
        key: AggregateCell(
            value=cell.value,
            contributors=(len(inside[key]),),
            sole=(number[min(inside[key])] if len(inside[key]) == 1 else None,),
        )
        for key, cell in counted.cells.items()
    }
    return replace(counted, cells=cells)
