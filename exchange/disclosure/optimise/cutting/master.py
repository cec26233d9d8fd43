"""The master: which cells to withhold, as cheaply as the cuts so far allow, in fractions or in whole cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from exchange.disclosure.arrays import INFINITY, Floats
from exchange.disclosure.optimise.cutting.cuts import Cut
from exchange.disclosure.optimise.cutting.meter import Meter

_LIBRARY: Any = highspy  # its interface is untyped
_ITERATIONS_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Relaxed:
    """The best point in fractions: its cost, and what each cell would change it by."""

    cost: float
    x: Floats
    reduced: Floats


@dataclass(frozen=True, slots=True)
class Chosen:
    """The best choice found in whole cells, and its cost."""

    cost: float
    x: Floats


class Master:
    """Minimises Σ weight × x over the cuts added so far; kept, so that each solve starts from the last basis."""

    def __init__(self, weights: Floats, lower: Floats, upper: Floats, meter: Meter) -> None:
        self._size, self._meter = len(weights), meter
        self._solver = _LIBRARY.Highs()
        for name, value in (
            ("output_flag", False),
            ("threads", 1),
            ("parallel", "off"),
            ("random_seed", 0),
            ("mip_heuristic_effort", 0.0),
            ("mip_heuristic_run_rins", False),
            ("mip_heuristic_run_rens", False),
            ("mip_heuristic_run_root_reduced_cost", False),
            ("mip_allow_restart", False),
            ("mip_detect_symmetry", False),
        ):
            self._solver.setOptionValue(name, value)
        self._solver.addVars(self._size, lower, upper)
        self._all = np.arange(self._size, dtype=np.int32)
        self._solver.changeColsCost(self._size, self._all, weights)

    @property
    def rows(self) -> int:
        """How many cuts it holds."""
        return int(self._solver.getNumRow())

    def add(self, cuts: Sequence[Cut]) -> None:
        """Cut."""
        if not cuts:
            return
        starts = np.cumsum([0, *(len(cut.columns) for cut in cuts[:-1])]).astype(np.int32)
        columns = np.concatenate([cut.columns for cut in cuts]).astype(np.int32)
        coefficients = np.concatenate([cut.coefficients for cut in cuts])
        right = np.array([cut.right for cut in cuts])
        self._solver.addRows(
            len(cuts), right, np.full(len(cuts), INFINITY), len(columns), starts, columns, coefficients
        )

    def limit(self, lower: Floats, upper: Floats) -> None:
        """Within which limits each cell is chosen."""
        self._solver.changeColsBounds(self._size, self._all, lower, upper)

    def relax(self) -> Relaxed | None:
        """The best point in fractions; None if there is none."""
        self._solver.run()
        information = self._solver.getInfo()
        self._meter.charge(information.simplex_iteration_count, self.rows)
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        solution = self._solver.getSolution()
        x = np.clip(np.array(solution.col_value), 0.0, 1.0)
        return Relaxed(float(information.objective_function_value), x, np.array(solution.col_dual))

    def probe(self, cell: int, limits: tuple[Floats, Floats], iterations_max: int) -> tuple[float, float]:
        """What the cost is at least with the cell published, and with it withheld; the basis is as before."""
        basis = self._solver.getBasis()
        self._solver.setOptionValue("simplex_iteration_limit", iterations_max)
        found = []
        for value in (0.0, 1.0):
            self._solver.changeColBounds(cell, value, value)
            self._solver.setBasis(basis)
            self._solver.run()
            information = self._solver.getInfo()
            self._meter.charge(information.simplex_iteration_count, self.rows)
            infeasible = self._solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible
            found.append(INFINITY if infeasible else float(information.objective_function_value))
        lower, upper = limits
        self._solver.changeColBounds(cell, float(lower[cell]), float(upper[cell]))
        self._solver.setOptionValue("simplex_iteration_limit", _ITERATIONS_MAX)
        self._solver.setBasis(basis)
        return found[0], found[1]

    def choose(self, start: Floats, *, nodes_max: int, gap: float) -> Chosen | None:
        """The best choice of whole cells to within this share of the optimum, or the best after so many nodes.

        Args:
            start: A choice from which to begin; it may miss some cut.
            nodes_max: Of the solver's own tree.
            gap: 0 … 1.

        Returns:
            None if nothing was found.
        """
        solver = self._solver
        solver.changeColsIntegrality(self._size, self._all, np.ones(self._size, dtype=np.uint8))
        solver.setOptionValue("mip_rel_gap", gap)
        solver.setOptionValue("mip_max_nodes", nodes_max)
        solver.setSolution(self._size, self._all, start)
        solver.run()
        information = solver.getInfo()
        self._meter.charge(information.simplex_iteration_count, self.rows)
        x = np.array(solver.getSolution().col_value)
        solver.changeColsIntegrality(self._size, self._all, np.zeros(self._size, dtype=np.uint8))
        if information.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        return Chosen(float(information.objective_function_value), np.round(np.clip(x, 0.0, 1.0)))
