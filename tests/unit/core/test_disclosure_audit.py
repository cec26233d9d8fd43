"""What the audit says an attacker can compute, against enumeration of every table there could be."""

from collections import Counter
from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest

from exchange.bundle.floor import audit_floor
from exchange.contract.model import TOTAL
from exchange.disclosure.audit import Interval, Reason, findings, intervals
from exchange.disclosure.protection import Requirement, floor
from exchange.disclosure.relations import System
from exchange.errors.bundle import IntervalFloorError
from exchange.pattern import relations
from exchange.table import CellKey
from tests.shared import shared
from tests.unit.core.sdc import contract_of, published, table_of

T = TOTAL
GRID = contract_of({"R": "abd", "C": "123"})


@pytest.mark.parametrize(
    ("shape", "largest", "tables"),
    [
        pytest.param({"R": "ab", "C": "12"}, 4, 150, id="2 by 2"),
        pytest.param({"R": "ab", "C": "123"}, 1, 120, id="2 by 3"),
        pytest.param({"R": "ab", "C": "12", "S": "xy"}, 1, 50, id="2 by 2 by 2"),
    ],
)
def test_the_audit_knows_what_every_possible_table_says(shape: dict[str, str], largest: int, tables: int) -> None:
    draw = np.random.default_rng(largest)
    contract = contract_of(shape)
    leaves = list(product(*shape.values()))
    top = (T,) * len(shape)
    for _ in range(tables):
        persons = dict(zip(leaves, draw.integers(0, largest + 1, len(leaves)).tolist(), strict=True))
        values = {key: cell.value for key, cell in table_of(contract, persons).cells.items()}
        # The grand total stands, so that the tables to enumerate are finitely many.
        hidden = [key for key in values if draw.random() < 0.6 and key != top]
        if not hidden:
            continue
        system = System.of(sorted(values), relations(contract, values))
        shown = {key: value for key, value in values.items() if key not in hidden}
        expected = _enumerated(leaves, values, hidden)
        assert intervals(system, shown) == expected
        needs = {key: Requirement(*draw.integers(0, 4, 3).tolist()) for key in hidden}
        short = {key for key, need in needs.items() if not _keeps(expected[key], need)}
        found = findings(system, shown, needs, progress=lambda _: None)
        assert {finding.key for finding in found} == short


def _keeps(interval: Interval, need: Requirement) -> bool:
    assert interval.high is not None
    wide = interval.high - interval.low >= need.width
    return wide and interval.high >= need.reach and interval.low <= need.fall


def _enumerated(leaves: list[CellKey], values: dict[CellKey, int], hidden: list[CellKey]) -> dict[CellKey, Interval]:
    """The least and the largest value of each hidden cell over all non-negative tables that agree with the rest."""
    seen: dict[CellKey, set[int]] = {key: set() for key in hidden}
    inner = [leaf for leaf in leaves if leaf in values]
    masks = [tuple(flags) for flags in product([True, False], repeat=len(leaves[0]))]
    for counts in _compositions(values[(T,) * len(leaves[0])], len(inner)):
        whole: Counter[CellKey] = Counter()
        for leaf, count in zip(inner, counts, strict=True):
            for kept in masks:
                whole[tuple(code if k else T for code, k in zip(leaf, kept, strict=True))] += count
        if all(whole[key] == value for key, value in values.items() if key not in seen):
            for key in hidden:
                seen[key].add(whole[key])
    return {key: Interval(min(found), max(found)) for key, found in seen.items()}


def _compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Every way to write the total as that many counts, in order."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _compositions(total - first, parts - 1):
            yield (first, *rest)


def test_a_cell_withheld_alone_in_its_row_is_exact() -> None:
    assert _findings(["b3"]) == {("b", "3"): Reason.REACH}


def test_a_square_of_four_withheld_cells_hides_each() -> None:
    # 8 22 / 17 12: b1 may rise by 17, as far as d1 can fall (b3 could by 22), and fall by 8, to nothing.
    assert _findings(["b1", "b3", "d1", "d3"]) == {}
    assert _intervals(["b1", "b3", "d1", "d3"])["b", "1"] == Interval(0, 25)


def test_two_releases_that_are_safe_alone_are_exact_together() -> None:
    first, second = _hidden_in("pub1"), _hidden_in("pub2")
    assert _findings(first) == _findings(second) == {}
    assert set(_findings(sorted(set(first) & set(second)))) == {("b", "1"), ("b", "3")}


def test_the_unprotected_release_is_exact() -> None:
    assert set(_findings(_hidden_in("pub0"))) == {("b", "3")}


def test_an_empty_margin_fixes_all_its_parts() -> None:
    contract = contract_of({"R": "ab", "C": "12"})
    values = {(T, T): 20, ("a", T): 20, (T, "1"): 10, (T, "2"): 10, ("a", "1"): 10, ("a", "2"): 10}
    hidden = {("b", "1"): 0, ("b", "2"): 0, ("a", "1"): 10, ("a", "2"): 10}
    system = System.of(sorted(values | hidden), relations(contract, values | hidden))
    shown = {key: value for key, value in values.items() if key not in hidden}
    assert intervals(system, shown)["b", "1"] == Interval(0, 0)


def test_whole_numbers_are_not_fractions() -> None:
    # 2 × x + … : a withheld pair that must be equal and sum to an odd number leaves no table at all in integers.
    system = System(
        (("x",), ("y",)),
        np.array([0, 2, 4], dtype=np.int32),
        np.array([0, 1, 0, 1], dtype=np.int32),
        np.array([1, 1, 1, -1], dtype=np.int64),
        np.array([True, True]),
        np.array([5, 0], dtype=np.int64),
    )
    found = findings(system, {}, {("x",): Requirement(0, 9, 0), ("y",): Requirement(0, 9, 0)}, progress=lambda _: None)
    assert {finding.key for finding in found} == {("x",), ("y",)}


def test_published_cells_that_contradict_each_other_prove_nothing_safe() -> None:
    values = dict(_values()) | {("a", "1"): 21}
    assert set(_findings(["b1", "b3", "d1", "d3"], values).values()) == {Reason.CONTRADICTION}


def test_a_false_hint_is_no_witness() -> None:
    values = _values()
    system = System.of(sorted(values), relations(GRID, values))
    shown = {key: value for key, value in values.items() if key != ("b", "3")}
    lies = [dict.fromkeys(values, 1000), dict.fromkeys(values, 0)]
    found = findings(system, shown, {("b", "3"): floor(GRID)}, hints=lies, progress=lambda _: None)
    assert [finding.key for finding in found] == [("b", "3")]


def test_a_reader_checks_the_floor_from_the_release_alone() -> None:
    assert audit_floor(published(GRID, _values(), _keys(["b1", "b3", "d1", "d3"])), GRID) == 4
    with pytest.raises(IntervalFloorError) as refusal:
        audit_floor(published(GRID, _values(), _keys(["b3"])), GRID)
    assert refusal.value.facts == {"found": 1, "checked": 1}


def _values() -> dict[CellKey, int]:
    """The 3×3 of ../shared/sdc/t1, with its margins."""
    inner = {"a": (20, 50, 10), "b": (8, 19, 22), "d": (17, 32, 12)}
    persons = {(row, column): counts[place] for row, counts in inner.items() for place, column in enumerate("123")}
    return {key: cell.value for key, cell in table_of(GRID, persons).cells.items()}


def _keys(names: list[str]) -> list[CellKey]:
    return [(name[0], name[1]) for name in names]


def _hidden_in(publication: str) -> list[str]:
    lines = shared(f"sdc/t1/{publication}.csv").read_text().splitlines()[1:]
    return ["".join(line.split(",")[:2]) for line in lines if line.endswith(",x")]


def _intervals(names: list[str]) -> dict[CellKey, Interval]:
    values = _values()
    system = System.of(sorted(values), relations(GRID, values))
    return intervals(system, {key: value for key, value in values.items() if key not in _keys(names)})


def _findings(names: list[str], values: dict[CellKey, int] | None = None) -> dict[CellKey, Reason]:
    """The audit of this pattern, each withheld cell needing ±5."""
    values = values or _values()
    hidden = _keys(names)
    system = System.of(sorted(values), relations(GRID, values))
    shown = {key: value for key, value in values.items() if key not in hidden}
    needs = {key: Requirement(values[key] + 5, values[key] - 5, 10) for key in hidden}
    return {finding.key: finding.reason for finding in findings(system, shown, needs, progress=lambda _: None)}
