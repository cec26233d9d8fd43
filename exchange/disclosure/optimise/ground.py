"""The table as the optimiser works on it: deviations from the truth, and how far each cell may and must deviate.

A deviation y keeps every relation, moves no published cell, and leaves a + y a table the attacker must reckon with.
Needs are rounded up to whole units, so that what suffices here suffices in whole numbers too.
"""

from itertools import pairwise

import numpy as np

from exchange.disclosure.arrays import Floats, Indices, Integers, Mask
from exchange.disclosure.optimise.attackers import Attackers
from exchange.disclosure.problem import Problem

_ROUNDING = 1e-9
"""A need of 2.0000000001 out of floating point is a need of 2."""


class Ground:
    """What does not change while a pattern is sought.

    Attributes:
        size: How many cells.
        rise: How far each cell can deviate upwards, at most.
        drop: How far downwards.
        typical: How far a typical cell that can deviate downwards does so, at most.
        up: How far each cell, if withheld, must deviate upwards in some table; 0 asks nothing.
        down: How far downwards.
        width: How far apart its ends must be.
        movable: Cells that can be withheld, or must be.
        guarded: Cells whose needs hold against insiders as well.
        primary: Cells that must be withheld.
        weights: What withholding a cell costs.
        slack: By relation, how far the sum may rise; 0 for an equation.
        attackers: Who knows more than the outsider.
    """

    def __init__(self, problem: Problem) -> None:
        values = problem.values.astype(np.float64)
        needs = problem.needs
        self.size = problem.size
        self.whole = problem.whole
        self.primary: Mask = problem.primary
        self.movable: Mask = ~problem.fixed | problem.primary
        self.guarded: Mask = np.ones(problem.size, dtype=np.bool_) if problem.guarded is None else problem.guarded
        self.weights: Floats = problem.weights
        self.rise: Floats = np.where(self.movable, np.maximum(problem.high - values, 0.0), 0.0)
        self.drop: Floats = np.where(self.movable, np.maximum(values - problem.low, 0.0), 0.0)
        if problem.whole:
            self.rise, self.drop = np.floor(self.rise), np.floor(self.drop)
        self.typical = float(np.median(self.drop[self.drop > 0])) if (self.drop > 0).any() else 1.0
        self.up: Floats = _units(needs.reach - values)
        self.down: Floats = _units(values - needs.fall)
        self.width: Floats = _units(needs.width)
        system = problem.system
        self.exact: Mask = system.exact
        self.slack: Floats = np.where(system.exact, 0, system.right - system.sums(problem.values)).astype(np.float64)
        self.all_exact = bool(system.exact.all())
        self.starts, self.rows, self.factors = _columns(problem)
        self._row_starts, self._row_cells = system.starts.astype(np.int64), system.columns
        self.cells_of_row = [system.columns[a:b].tolist() for a, b in pairwise(system.starts.tolist())]
        self.rows_of_cell = [self.rows[a:b].tolist() for a, b in pairwise(self.starts.tolist())]
        self.bounds_of_cell = [
            [(row, factor) for row, factor in zip(rows, factors, strict=True) if not self.exact[row]]
            for rows, factors in (
                (self.rows[a:b].tolist(), self.factors[a:b].tolist()) for a, b in pairwise(self.starts.tolist())
            )
        ]
        self.attackers = Attackers(problem, self.drop, self._wholes(problem))
        positive = self.weights[self.weights > 0]
        self.unit_weight = float(np.median(positive)) if len(positive) else 1.0

    def entries(self, cells: Indices) -> tuple[Indices, Indices, Floats]:
        """The columns of these cells: entries per cell, and their rows and coefficients, cell after cell."""
        counts = self.starts[cells + 1] - self.starts[cells]
        ends = np.cumsum(counts)
        places = np.repeat(self.starts[cells] - ends + counts, counts) + np.arange(ends[-1] if len(ends) else 0)
        return counts.astype(np.int32), self.rows[places], self.factors[places]

    def cells_of(self, rows: Indices) -> tuple[Indices, Indices]:
        """How many cells each of these relations has, and these, relation after relation."""
        counts = self._row_starts[rows + 1] - self._row_starts[rows]
        ends = np.cumsum(counts)
        places = np.repeat(self._row_starts[rows] - ends + counts, counts) + np.arange(ends[-1] if len(ends) else 0)
        return counts.astype(np.int32), self._row_cells[places]

    def equations_of(self, cell: int) -> list[int]:
        """The equations that the cell stands in."""
        return [row for row in self.rows_of_cell[cell] if self.exact[row]]

    def hardest_first(self, withheld: Mask) -> list[int]:
        """These cells, those that need most first."""
        cells = np.flatnonzero(withheld)
        needs = np.maximum(np.maximum(self.up, self.down), self.width)[cells]
        found: list[int] = cells[np.lexsort((cells, -needs))].tolist()
        return found

    def _wholes(self, problem: Problem) -> list[list[tuple[int, int]]]:
        """By cell, each relation in which it is part of a sum, and the sum; where no figure can be negative."""
        found: list[list[tuple[int, int]]] = [[] for _ in range(self.size)]
        if not problem.insiders:
            return found
        system = problem.system
        for row, (start, end) in enumerate(pairwise(system.starts.tolist())):
            cells, factors = system.columns[start:end], system.coefficients[start:end]
            whole = cells[factors == -1]
            sums = self.exact[row] and len(whole) == 1 and (factors[cells != whole[0]] == 1).all()
            if sums and (problem.low[cells] >= 0).all():
                for cell in cells[cells != whole[0]].tolist():
                    found[cell].append((row, int(whole[0])))
        return found

    def demanding(self) -> Mask:
        """The cells that need something, if withheld."""
        found: Mask = (self.up > 0) | (self.down > 0) | (self.width > 0)
        return found


def _units(needs: Floats) -> Floats:
    """Whole units, rounded up; what is not above zero asks nothing."""
    found = np.maximum(np.nan_to_num(needs, neginf=0.0), 0.0)
    return np.maximum(np.ceil(found * (1 - _ROUNDING) - _ROUNDING), 0.0)


def _columns(problem: Problem) -> tuple[Integers, Indices, Floats]:
    system = problem.system
    order = np.argsort(system.columns, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(system.columns, minlength=problem.size))))
    return (
        starts.astype(np.int64),
        system.row_of_entry[order].astype(np.int32),
        system.coefficients[order].astype(np.float64),
    )
