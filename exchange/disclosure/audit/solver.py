"""Linear programmes with HiGHS, for the audit alone; its Python interface has no types.

Nothing that comes from here is believed: a table that the solver proposes counts once it is verified in exact
integers, and what it calls impossible counts against the cell.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import highspy
import numpy as np

from exchange.disclosure.arrays import Floats, Rows

_LIBRARY: Any = highspy

NODES_MAX = 20_000
"""Branch-and-bound nodes of one whole-number programme."""


class Ending(StrEnum):
    """How a programme ended."""

    SOLVED = "solved"
    EMPTY = "no solution"
    UNBOUNDED = "no limit"
    UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the solver says.

    Attributes:
        ending: How it ended.
        values: The solution; empty unless solved.
        bound: What no solution is below, as the solver says; −inf unless solved.
        work: Simplex iterations.
    """

    ending: Ending
    values: Floats
    bound: float
    work: int


class Programme:
    """Minimise costs · x over lower ≤ x ≤ upper within fixed rows.

    Each solve starts anew: the audit's programmes move little, and the last corner is farther away than none.

    One thread, a fixed seed and limits that count work: the same programmes in the same order give the same answers.
    """

    def __init__(self, size: int, rows: Rows) -> None:
        self._size = size
        self._solver = _LIBRARY.Highs()
        for name, value in _OPTIONS:
            self._solver.setOptionValue(name, value)
        self._solver.passModel(_model(size, rows))
        self._all = np.arange(size, dtype=np.int32)
        self._costs, self._lower, self._upper = (np.zeros(size) for _ in range(3))

    def minimise(self, costs: Floats, lower: Floats, upper: Floats, *, whole: bool = False, work_max: int) -> Answer:
        """Solve; with `whole` every x takes whole numbers only."""
        self._solver.clearSolver()
        self._change(costs, lower, upper)
        self._solver.setOptionValue("simplex_iteration_limit", max(1, min(work_max, 2**31 - 1)))
        if whole:
            self._kind(highspy.HighsVarType.kInteger)
        self._solver.run()
        answer = self._answer(whole=whole)
        if whole:
            self._kind(highspy.HighsVarType.kContinuous)
        return answer

    def _change(self, costs: Floats, lower: Floats, upper: Floats) -> None:
        """Hand over what is not as it was in the last programme."""
        priced = self._all[costs != self._costs]
        if len(priced):
            self._solver.changeColsCost(len(priced), priced, costs[priced])
        bounded = self._all[(lower != self._lower) | (upper != self._upper)]
        if len(bounded):
            self._solver.changeColsBounds(len(bounded), bounded, lower[bounded], upper[bounded])
        self._costs, self._lower, self._upper = costs.copy(), lower.copy(), upper.copy()

    def _answer(self, *, whole: bool) -> Answer:
        status, information = self._solver.getModelStatus(), self._solver.getInfo()
        work = max(1, int(information.simplex_iteration_count))
        ending = _ENDINGS.get(status, Ending.UNFINISHED)
        if ending is not Ending.SOLVED:
            return Answer(ending, np.empty(0), -np.inf, work)
        bound = information.mip_dual_bound if whole else information.objective_function_value
        return Answer(ending, np.array(self._solver.getSolution().col_value), float(bound), work)

    def _kind(self, kind: Any) -> None:  # noqa: ANN401  # an enumeration of the untyped library
        self._solver.changeColsIntegrality(self._size, self._all, np.full(self._size, int(kind), dtype=np.uint8))


_OPTIONS = (
    ("output_flag", False),
    ("threads", 1),
    ("parallel", "off"),
    ("random_seed", 0),
    ("presolve", "off"),
    ("solver", "simplex"),
    ("simplex_scale_strategy", 0),
    ("mip_detect_symmetry", False),
    ("mip_rel_gap", 0.0),
    ("mip_abs_gap", 0.5),
    ("mip_max_nodes", NODES_MAX),
)

_ENDINGS = {
    highspy.HighsModelStatus.kOptimal: Ending.SOLVED,
    highspy.HighsModelStatus.kInfeasible: Ending.EMPTY,
    highspy.HighsModelStatus.kUnbounded: Ending.UNBOUNDED,
}


def _model(size: int, rows: Rows) -> Any:  # noqa: ANN401  # the library's own untyped class
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = size, len(rows.lower)
    model.col_cost_ = np.zeros(size)
    model.col_lower_, model.col_upper_ = np.zeros(size), np.zeros(size)
    model.row_lower_, model.row_upper_ = rows.lower, rows.upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = rows.starts
    model.a_matrix_.index_ = rows.columns
    model.a_matrix_.value_ = rows.coefficients
    return model
