"""The attacker's programme: how far one cell can deviate while the others stay within what is withheld of them."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import highspy
import numpy as np

from exchange.disclosure.arrays import Floats, Indices, Integers, Mask
from exchange.disclosure.optimise.cutting.meter import Meter
from exchange.disclosure.optimise.cutting.part import Part

_LIBRARY: Any = highspy  # its interface is untyped


@dataclass(frozen=True, slots=True)
class Push:
    """How far it goes, in shares of what is asked; the deviation that goes so far; by column, what room is worth."""

    reached: float
    deviation: Floats
    prices: Floats


class Attack:
    """The programmes of all attackers on one part: over all of it, or over the vicinity of a cell.

    The one over all is kept: it is solved from the basis that it ended with when the same was last asked of the cell.
    """

    def __init__(self, part: Part, meter: Meter) -> None:
        self._part, self._meter = part, meter
        self._size = len(part.rise)
        self._whole = _solver()
        self._whole.passModel(_model(part))
        self._small = _solver()
        self._all = np.arange(self._size, dtype=np.int32)
        self._pushed = 0
        self._bases: dict[tuple[int, int], Any] = {}
        self._cells = [part.columns[a:b].tolist() for a, b in pairwise(part.starts.tolist())]
        self._columns = _by_column(part)

    def vicinity(self, cell: int, room: Mask, size: int) -> Indices:
        """The columns with room that are fewest relations away from a cell, about so many; the cell is among them."""
        starts, rows, _ = self._columns
        seen, passed = {cell}, set()
        border = [cell]
        while border and len(seen) < size:
            further: list[int] = []
            for near in border:
                for row in rows[starts[near] : starts[near + 1]].tolist():
                    if row not in passed:
                        passed.add(row)
                        further += [other for other in self._cells[row] if room[other] and other not in seen]
                        seen.update(further)
                if len(seen) >= size:
                    break
            border = further
        return np.array(sorted(seen), dtype=np.int32)

    def push_near(self, cell: int, sign: int, lower: Floats, upper: Floats, columns: Indices) -> Push | None:
        """The same as `push` with nothing deviating but these columns; its prices are true of all columns."""
        starts, rows, coefficients = self._columns
        counts = starts[columns + 1] - starts[columns]
        ends = np.cumsum(counts)
        places = np.repeat(starts[columns] - ends + counts, counts) + np.arange(ends[-1])
        kept, inverse = np.unique(rows[places], return_inverse=True)
        costs = np.zeros(len(columns))
        place = int(np.searchsorted(columns, cell))
        costs[place] = -float(sign)
        nothing = np.zeros(len(kept))
        solver = self._small
        solver.passModel(
            len(columns),
            len(kept),
            int(ends[-1]),
            1,
            1,
            0.0,
            costs,
            lower[columns],
            upper[columns],
            nothing,
            nothing,
            np.concatenate(([0], ends)).astype(np.int32),
            inverse.astype(np.int32),
            coefficients[places],
            np.zeros(len(columns), dtype=np.int32),
        )
        solver.run()
        self._meter.charge(solver.getInfo().simplex_iteration_count, len(kept))
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        solution = solver.getSolution()
        deviation = np.zeros(self._size)
        deviation[columns] = solution.col_value
        return Push(float(sign * deviation[cell]), deviation, self._prices(cell, sign, kept, solution.row_dual))

    def push(self, cell: int, sign: int, lower: Floats, upper: Floats) -> Push | None:
        """The largest deviation of a cell upwards (sign 1) or downwards (−1).

        Args:
            cell: Of the part.
            sign: 1 or −1.
            lower: By column, how far it can deviate downwards, as a number below 0, in shares of what is asked.
            upper: By column, how far upwards.

        Returns:
            None if the solver gave up.
        """
        solver = self._whole
        solver.changeColsBounds(self._size, self._all, lower, upper)
        solver.changeColCost(self._pushed, 0.0)
        solver.changeColCost(cell, -float(sign))
        self._pushed = cell
        basis = self._bases.get((cell, sign))
        if basis is not None:
            solver.setBasis(basis)
        solver.run()
        self._meter.charge(solver.getInfo().simplex_iteration_count, self._part.rows)
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            solver.clearSolver()
            solver.run()
            self._meter.charge(solver.getInfo().simplex_iteration_count, self._part.rows)
            if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
                return None
        self._bases[cell, sign] = solver.getBasis()
        solution = solver.getSolution()
        deviation = np.array(solution.col_value)
        return Push(float(sign * deviation[cell]), deviation, -np.array(solution.col_dual))

    def _prices(self, cell: int, sign: int, rows: Integers, duals: Floats) -> Floats:
        """By column, what room is worth: its own gain less what the relations that it is in take."""
        of_row = np.zeros(self._part.rows)
        of_row[rows] = duals
        entries = np.repeat(of_row, np.diff(self._part.starts)) * self._part.coefficients
        found: Floats = np.bincount(self._part.columns, weights=entries, minlength=self._size).astype(np.float64)
        found[cell] += sign
        return found


def _solver() -> Any:  # noqa: ANN401  # the library's own untyped class
    solver = _LIBRARY.Highs()
    for name, value in (
        ("output_flag", False),
        ("threads", 1),
        ("parallel", "off"),
        ("presolve", "off"),
        ("solver", "simplex"),
        ("random_seed", 0),
    ):
        solver.setOptionValue(name, value)
    return solver


def _by_column(part: Part) -> tuple[Integers, Indices, Floats]:
    """The relations by column (CSC)."""
    order = np.argsort(part.columns, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(part.columns, minlength=len(part.rise)))))
    rows = np.repeat(np.arange(part.rows), np.diff(part.starts))
    return starts.astype(np.int64), rows[order].astype(np.int32), part.coefficients[order]


def _model(part: Part) -> Any:  # noqa: ANN401  # the library's own untyped class
    model = highspy.HighsLp()
    size, rows = len(part.rise), part.rows
    model.num_col_, model.num_row_ = size, rows
    model.col_cost_ = model.col_lower_ = model.col_upper_ = np.zeros(size)
    model.row_lower_ = model.row_upper_ = np.zeros(rows)
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = part.starts
    model.a_matrix_.index_ = part.columns
    model.a_matrix_.value_ = part.coefficients
    return model
