"""The grid of a table: which codes are parts of which, and what a change of places along each axis leaves as it was."""

from itertools import product

import numpy as np
import pytest

from exchange.disclosure.grid import Grid
from exchange.disclosure.relations import System
from exchange.pattern import Relation

TREES = (
    {"T": ("A", "B"), "A": ("a", "b"), "B": ("c", "d")},
    {"T": ("x", "y", "z")},
    {"T": ("M", "N"), "M": ("m", "n", "o"), "N": ("p",)},
)


def _system(trees: tuple[dict[str, tuple[str, ...]], ...]) -> System:
    """Every combination of codes, and every sum along every axis."""
    axes = [list(dict.fromkeys(("T", *(code for parts in tree.values() for code in parts)))) for tree in trees]
    keys = list(product(*axes))
    relations = []
    for axis, tree in enumerate(trees):
        for key in keys:
            parts = [(*key[:axis], part, *key[axis + 1 :]) for part in tree.get(key[axis], ())]
            if parts:
                relations.append(Relation(((key, -1), *((part, 1) for part in parts))))
    return System.of(keys, relations)


def _ways(grid: Grid, names: list[str], axis: int, code: str) -> set[frozenset[tuple[str, int]]]:
    swaps = grid.swaps(axis, names.index(code))
    return {
        frozenset((names[number], sign) for number, sign in zip(codes, signs, strict=True) if sign)
        for codes, signs in zip(swaps.codes.tolist(), swaps.signs.tolist(), strict=True)
    }


@pytest.mark.parametrize(
    ("code", "ways"),
    [
        pytest.param(
            "a",
            {"+a -b", "+a +A -B -c", "+a +A -B -d", "+a +A +T"},
            id="a leaf: with its sibling, with a leaf under another whole, or with all that it is part of",
        ),
        pytest.param(
            "A",
            {"+A +a -B -c", "+A +a -B -d", "+A +b -B -c", "+A +b -B -d", "+A +a +T", "+A +b +T"},
            id="a whole: by any leaf under it",
        ),
        pytest.param("T", {"+T +A +a", "+T +A +b", "+T +B +c", "+T +B +d"}, id="the total: by any leaf"),
    ],
)
def test_a_code_changes_places_along_its_axis(code: str, ways: set[str]) -> None:
    system = _system(TREES)
    names = list(dict.fromkeys(key[0] for key in system.keys))
    expected = {frozenset((word[1:], 1 if word[0] == "+" else -1) for word in way.split()) for way in ways}
    assert _ways(Grid(system), names, 0, code) == expected


def test_what_changes_places_along_every_axis_leaves_every_sum_as_it_was() -> None:
    system = _system(TREES)
    grid = Grid(system)
    draw = np.random.default_rng(1)
    for cell in range(grid.size):
        places, signs = np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64)
        for axis, code in enumerate(grid.codes[cell].tolist()):
            swaps = grid.swaps(axis, code)
            way = draw.integers(len(swaps.codes))
            places = (places[:, None] + swaps.codes[way] * grid.strides[axis]).ravel()
            signs = (signs[:, None] * swaps.signs[way]).ravel()
        cells = grid.cells[places]
        change = np.zeros(grid.size, dtype=np.int64)
        change[cells[signs != 0]] = signs[signs != 0]
        assert (cells[signs == 0] == grid.size).all()
        assert change[cell] == 1
        assert not system.broken(change).size


def test_a_cell_that_is_not_there_has_no_number() -> None:
    system = System.of([("T", "T"), ("a", "T"), ("T", "x")], [Relation(((("T", "T"), -1), (("a", "T"), 1)))])
    grid = Grid(system)
    assert grid.cells[(grid.codes[1] * grid.strides)[0] + (grid.codes[2] * grid.strides)[1]] == grid.size + 1


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param([("a",), ("a", "b")], id="keys of different lengths"),
        pytest.param([(f"{n}",) * 3 for n in range(300)], id="more combinations than fit"),
    ],
)
def test_some_tables_have_no_grid(keys: list[tuple[str, ...]]) -> None:
    assert Grid.of(System.of(keys, [])) is None


def test_codes_that_are_parts_of_each_other_are_parts_of_nothing() -> None:
    keys = [("a",), ("b",)]
    system = System.of(keys, [Relation(((keys[0], -1), (keys[1], 1))), Relation(((keys[1], -1), (keys[0], 1)))])
    assert Grid(system).swaps(0, 0).codes.tolist() == [[0]]
