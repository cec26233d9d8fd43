"""Linear programmes with HiGHS, kept between solves: for rounding, and for chains of subtractions.

The suppression and the audit call the solver by themselves, each in its own way, so that they share no code. Nothing
here decides what is safe.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import highspy
import numpy as np

from exchange.disclosure.arrays import INFINITY, Floats, Indices, Rows

_LIBRARY: Any = highspy  # its interface is untyped


class Status(StrEnum):
    """How a solve ended; anything but these three is an unfinished one."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class Solution:
    """The outcome; `bound` is what no solution can pass, `values` are empty unless there is one."""

    status: Status
    values: Floats
    bound: float


class LinearModel:
    """A model that is kept between solves, so that each starts from the last basis.

    One thread, a fixed seed, and limits that count work and not time: the same input gives the same solution.
    """

    def __init__(self, lower: Floats, upper: Floats, rows: Rows) -> None:
        self.size = len(lower)
        self.solves = 0
        self._solver = _LIBRARY.Highs()
        for name, value in (
            ("output_flag", False),
            ("threads", 1),
            ("parallel", "off"),
            ("random_seed", 0),
            ("mip_rel_gap", 0.0),
            ("mip_abs_gap", 0.5),
            ("mip_feasibility_tolerance", 1e-7),
            ("mip_max_nodes", 20_000),
        ):
            self._solver.setOptionValue(name, value)
        self._solver.passModel(_model(lower, upper, rows))
        self._all = np.arange(self.size, dtype=np.int32)

    def set_costs(self, costs: Floats) -> None:
        """Replace the whole objective."""
        self._solver.changeColsCost(self.size, self._all, costs)

    def set_bounds(self, columns: Indices, lower: Floats, upper: Floats) -> None:
        """Replace the bounds of some columns."""
        self._solver.changeColsBounds(len(columns), columns, lower, upper)

    def minimise(self, *, integers: bool = False, gap: float = 0.0) -> Solution:
        """Solve; with `integers` every column takes whole numbers only, to within this share of the optimum."""
        self.solves += 1
        if integers:
            self._solver.setOptionValue("mip_rel_gap", gap)
            self._integrality(highspy.HighsVarType.kInteger)
        self._solver.run()
        found = self._solution(integers=integers)
        if integers:
            self._integrality(highspy.HighsVarType.kContinuous)
        return found

    def _solution(self, *, integers: bool) -> Solution:
        status = self._solver.getModelStatus()
        nothing = np.empty(0)
        if status in {highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible}:
            return Solution(Status.INFEASIBLE, nothing, INFINITY)
        information = self._solver.getInfo()
        bound = float(information.mip_dual_bound if integers else information.objective_function_value)
        if status != highspy.HighsModelStatus.kOptimal:
            return Solution(Status.UNFINISHED, nothing, -INFINITY)
        return Solution(Status.OPTIMAL, np.array(self._solver.getSolution().col_value), bound)

    def _integrality(self, kind: Any) -> None:  # noqa: ANN401  # an enumeration of the untyped library
        self._solver.changeColsIntegrality(self.size, self._all, np.full(self.size, int(kind), dtype=np.uint8))


def solver_name() -> str:
    """Name and version of the solver, as the report states it."""
    return f"HiGHS {_LIBRARY.Highs().version()}"


def _model(lower: Floats, upper: Floats, rows: Rows) -> Any:  # noqa: ANN401  # the library's own untyped class
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(lower), len(rows.lower)
    model.col_cost_ = np.zeros(len(lower))
    model.col_lower_, model.col_upper_ = lower, upper
    model.row_lower_, model.row_upper_ = rows.lower, rows.upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = rows.starts
    model.a_matrix_.index_ = rows.columns
    model.a_matrix_.value_ = rows.coefficients
    return model
