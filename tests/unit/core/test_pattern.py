"""What the pattern of withheld cells gives away, decided without a single value."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from exchange.contract.model import TOTAL, TableDimension
from exchange.pattern import Key, Relation, determined, equations, relations
from tests.shared import shared
from tests.unit.core.sdc import code_list, contract_of

T = TOTAL
GRID = contract_of({"R": "abd", "C": "123"})


@pytest.mark.parametrize(
    ("withheld", "exposed"),
    [
        pytest.param(["b3"], ["b3"], id="alone in its row and column"),
        pytest.param(["b1", "b3"], ["b1", "b3"], id="two in a row, each alone in its column"),
        pytest.param(["b1", "b3", "d1", "d3"], [], id="a square hides itself"),
        pytest.param(["a1", "b2", "b3", "d2", "d3"], ["a1"], id="a square and a lone cell"),
        pytest.param(["b1", "bT", "T1", "TT"], [], id="a cell with all its margins"),
        pytest.param(["b1", "bT", "T1"], ["b1", "bT", "T1"], id="a cell with its margins but not the grand total"),
    ],
)
def test_a_cell_is_determined_when_it_follows_by_sums_alone(withheld: list[str], exposed: list[str]) -> None:
    hidden = _keys(withheld)
    assert determined(equations(GRID, hidden), hidden) == set(_keys(exposed))


def test_the_published_samples_are_told_apart() -> None:
    found = {name: _exposed(_hidden_in(name)) for name in ("pub0", "pub1", "pub2")}
    assert found == {"pub0": {("b", "3")}, "pub1": set(), "pub2": set()}
    pooled = [key for key in _hidden_in("pub1") if key in _hidden_in("pub2")]
    assert _exposed(pooled) == {("b", "1"), ("b", "3")}


def test_elimination_agrees_with_the_rank_of_the_whole_matrix() -> None:
    draw = np.random.default_rng(7)
    contract = contract_of({"R": "ab", "C": "123", "S": "xy"}, [("R", "C"), ("R", "S"), ("C", "S")])
    keys = [key for key in product("abT", "123T", "xyT") if "T" in key]
    keys = [tuple(T if code == "T" else code for code in key) for key in keys]
    for share in np.linspace(0.1, 0.95, 120):
        hidden = [key for key in keys if draw.random() < share]
        found = equations(contract, hidden)
        assert determined(found, hidden) == _in_row_space(found, hidden)


def _in_row_space(found: tuple[Relation, ...], hidden: list[Key]) -> set[Key]:
    """The cells whose unit vector adds nothing to the rank of the relations."""
    matrix = np.zeros((len(found) + 1, len(hidden)))
    for row, relation in enumerate(found):
        for key, factor in relation.terms:
            matrix[row, hidden.index(key)] = factor
    rank = np.linalg.matrix_rank(matrix) if hidden else 0
    exposed = set()
    for column, key in enumerate(hidden):
        matrix[-1] = 0
        matrix[-1, column] = 1
        if np.linalg.matrix_rank(matrix) == rank:
            exposed.add(key)
    return exposed


def test_tables_share_the_margins_of_their_common_dimensions_once() -> None:
    contract = contract_of({"R": "ab", "C": "12", "S": "xy"}, [("R", "C"), ("R", "S")])
    keys = [("a", T, T), ("b", T, T), (T, T, T)]
    sums = [dict(relation.terms) for relation in equations(contract, keys) if len(relation.terms) > 1]
    assert sums == [{(T, T, T): -1, ("a", T, T): 1, ("b", T, T): 1}]


def test_a_dimension_without_a_total_is_never_summed() -> None:
    contract = contract_of({"MEASURE": "uv", "C": "12"})
    without = replace(contract.dimensions[0], has_total=False)
    contract = replace(contract, dimensions=(without, contract.dimensions[1]))
    keys = [("u", "1"), ("u", T), ("v", "1"), ("v", T)]
    sums = {frozenset(dict(relation.terms).items()) for relation in equations(contract, keys)}
    assert sums == {frozenset({(("u", T), -1), (("u", "1"), 1)}), frozenset({(("v", T), -1), (("v", "1"), 1)})}


def test_parts_that_are_not_additive_only_bound_the_whole() -> None:
    contract = contract_of({"C": "12"}, additive_over=frozenset())
    keys = [("1",), ("2",), (T,)]
    assert equations(contract, keys) == ()
    assert [dict(relation.terms) for relation in relations(contract, keys)] == [
        {(T,): -1, ("1",): 1},
        {(T,): -1, ("2",): 1},
        {(T,): 1, ("1",): -1, ("2",): -1},
    ]


@pytest.mark.parametrize(
    ("codes", "exact"),
    [
        pytest.param(("1a", "1b", "2a"), True, id="the level covers its parent"),
        pytest.param(("1a", "2a"), False, id="a code of the parent is missing, so its parts only bound it"),
    ],
)
def test_a_level_sums_to_the_level_above_it_where_it_covers_it(codes: tuple[str, ...], *, exact: bool) -> None:
    contract = contract_of({"C": ["1", "2"]}, [["C"], ["C"]])
    tree = code_list("C", ["1", "2"], {"1a": "1", "1b": "1", "2a": "2"})
    fine = replace(contract.tables[1], dimensions=(TableDimension(dimension="C", level="fine", codes=codes),))
    dimension = replace(contract.dimensions[0], codelist=tree)
    contract = replace(contract, tables=(contract.tables[0], fine), dimensions=(dimension,))
    keys = [("1",), *((code,) for code in codes), (T,)]
    upper = [r for r in relations(contract, keys) if (("1",), -1) in r.terms]
    parts = {key for relation in upper for key, factor in relation.terms if factor == 1}
    assert parts == {(code,) for code in codes if code.startswith("1")}
    assert all(relation.exact is exact for relation in upper)


def _keys(names: list[str]) -> list[Key]:
    return [tuple(T if code == "T" else code for code in name) for name in names]


def _exposed(hidden: list[Key]) -> set[Key]:
    return set(determined(equations(GRID, hidden), hidden))


def _hidden_in(publication: str) -> list[Key]:
    lines = shared(f"sdc/t1/{publication}.csv").read_text().splitlines()[1:]
    return _keys(["".join(line.split(",")[:2]) for line in lines if line.endswith(",x")])
