"""The attacker's programme: how far one cell can deviate while the others stay within what is withheld of them."""

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from exchange.disclosure.arrays import Floats
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
    """One programme, kept: it is solved from the basis that it ended with when the same was last asked of the cell."""

    def __init__(self, part: Part, meter: Meter) -> None:
        self._part, self._meter = part, meter
        self._size = len(part.rise)
        self._solver = _LIBRARY.Highs()
        for name, value in (
            ("output_flag", False),
            ("threads", 1),
            ("parallel", "off"),
            ("presolve", "off"),
            ("solver", "simplex"),
            ("random_seed", 0),
        ):
            self._solver.setOptionValue(name, value)
        self._solver.passModel(_model(part))
        self._all = np.arange(self._size, dtype=np.int32)
        self._pushed = 0
        self._bases: dict[tuple[int, int], Any] = {}

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
        solver = self._solver
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
        return Push(
            -float(solver.getInfo().objective_function_value),
            np.array(solution.col_value),
            -np.array(solution.col_dual),
        )


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
