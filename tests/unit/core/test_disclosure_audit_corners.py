"""Intervals that the audit works out, against every corner of small systems in exact fractions."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product

import numpy as np

from exchange.disclosure.arrays import Floats, Integers, Mask
from exchange.disclosure.audit import Interval, intervals
from exchange.disclosure.problem import View
from exchange.disclosure.relations import System


def test_a_cell_that_is_no_additive_sum_is_bounded_by_its_parts() -> None:
    # Persons who may be in several groups: each group ≤ all ≤ sum of the groups; 7 and 5 are published.
    rows = [[(1, 1), (0, -1)], [(2, 1), (0, -1)], [(0, 1), (1, -1), (2, -1)]]
    system = system_of(rows, 3, exact=False)
    known, figures = np.array([False, True, True]), np.array([0, 7, 5])
    view = seen_of(system, known, figures)
    assert intervals(view) == {0: Interval(Fraction(7), Fraction(12))}


def test_intervals_in_fractions_are_those_of_all_corners() -> None:
    draw = np.random.default_rng(8)
    seen = 0
    for _ in range(150):
        size = int(draw.integers(3, 6))
        rows = [
            [(cell, int(draw.choice([-2, -1, 1, 2]))) for cell in range(size) if draw.random() < 0.7]
            for _ in range(draw.integers(1, 3))
        ]
        rows = [row for row in rows if row]
        truth = draw.integers(0, 6, size)
        right = [sum(factor * int(truth[cell]) for cell, factor in row) for row in rows]
        low, high = zeros(size), truth + draw.integers(0, 5, size).astype(np.float64)
        nothing = np.zeros(size, dtype=np.int64)
        view = replace(
            seen_of(system_of(rows, size, right=right), nothing > 0, nothing), whole=False, low=low, high=high
        )
        corners = _corners(rows, right, low, high)
        found = intervals(view)
        seen += any(value.denominator > 1 for corner in corners for value in corner)
        for cell in range(size):
            column = [corner[cell] for corner in corners]
            assert (found[cell].low, found[cell].high) == (min(column), max(column))
            assert found[cell].exact
    assert seen > 20


def _corners(
    rows: list[list[tuple[int, int]]], right: list[int], low: Floats, high: Floats
) -> list[tuple[Fraction, ...]]:
    """Every corner of a bounded system of equations, in exact fractions: all but a few cells at a bound."""
    size, found = len(low), []
    for inner in (cells for count in range(len(rows) + 1) for cells in combinations(range(size), count)):
        outer = [cell for cell in range(size) if cell not in inner]
        for bounds in product(*((int(low[cell]), int(high[cell])) for cell in outer)):
            fixed = dict(zip(outer, map(Fraction, bounds), strict=True))
            solved = _solved(rows, right, fixed, inner)
            if solved is not None and all(low[c] <= solved[c] <= high[c] for c in range(size)):
                found.append(tuple(solved[c] for c in range(size)))
    return found


def _solved(
    rows: list[list[tuple[int, int]]], right: list[int], fixed: dict[int, Fraction], inner: Sequence[int]
) -> dict[int, Fraction] | None:
    """The only solution with these cells fixed, by Gaussian elimination; None if there is none or more than one."""
    left = []
    for row, known in zip(rows, right, strict=True):
        factors = dict(row)
        rest = Fraction(known) - sum(factors.get(cell, 0) * value for cell, value in fixed.items())
        left.append([*(Fraction(factors.get(cell, 0)) for cell in inner), rest])
    for place in range(len(inner)):
        pivot = next((row for row in left[place:] if row[place]), None)
        if pivot is None:
            return None
        left.remove(pivot)
        pivot = [value / pivot[place] for value in pivot]
        left = [[v - row[place] * p for v, p in zip(row, pivot, strict=True)] for row in left]
        left.insert(place, pivot)
    if any(row[-1] for row in left[len(inner) :]):
        return None
    return fixed | {cell: left[place][-1] for place, cell in enumerate(inner)}


def system_of(
    rows: Sequence[Sequence[tuple[int, int]]], size: int, *, right: Sequence[int] = (), exact: bool = True
) -> System:
    return System(
        tuple((str(cell),) for cell in range(size)),
        np.cumsum([0, *map(len, rows)], dtype=np.int32),
        np.array([cell for row in rows for cell, _ in row], dtype=np.int32),
        np.array([factor for row in rows for _, factor in row], dtype=np.int64),
        np.full(len(rows), exact),
        np.array(right or [0] * len(rows), dtype=np.int64),
    )


def seen_of(system: System, known: Mask, figures: Integers) -> View:
    """A view in whole numbers from 0 on."""
    size = len(known)
    return View(system=system, known=known, figures=figures, whole=True, low=zeros(size), high=ends(size))


def zeros(size: int) -> Floats:
    return np.zeros(size)


def ends(size: int) -> Floats:
    return np.full(size, np.inf)
