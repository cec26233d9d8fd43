"""A choice of cells made safe by the heuristic, as the cutting-plane method uses it to get patterns on the way."""

from collections.abc import Callable

import numpy as np

from exchange.disclosure.arrays import Mask
from exchange.disclosure.optimise.cleanup import clean_up, secondary
from exchange.disclosure.optimise.cutting.meter import Meter
from exchange.disclosure.optimise.cutting.part import Part
from exchange.disclosure.optimise.effort import Effort
from exchange.disclosure.optimise.ground import Ground
from exchange.disclosure.optimise.infeasible import UnprotectableError
from exchange.disclosure.optimise.programmes import Programmes, StoppedError
from exchange.disclosure.optimise.protection import Protection
from exchange.disclosure.problem import Problem

ITERATIONS, ROWS_MAX = 100, 1000
"""What one of the heuristic's programmes costs, as this many iterations on the part's rows, at most on this many."""


class Completion:
    """The heuristic's means on one problem."""

    def __init__(self, problem: Problem, meter: Meter) -> None:
        self._ground = Ground(problem)
        self._programmes = Programmes(self._ground, meter.spent)
        self._meter = meter

    def of(self, part: Part) -> Callable[[Mask], Mask | None]:
        """Makes a choice of cells of a part safe."""

        def complete(choice: Mask) -> Mask | None:
            withheld = np.zeros(self._ground.size, dtype=np.bool_)
            withheld[part.numbers[choice]] = True
            protection = Protection(self._ground, self._programmes, withheld, effort=Effort())
            before = self._programmes.solved
            try:
                protection.protect(self._ground.hardest_first(withheld))
                clean_up(protection, secondary(protection), solved_max=before + Effort().clean_up)
            except (UnprotectableError, StoppedError):
                return None
            finally:
                solved = self._programmes.solved - before
                self._meter.charge(solved * ITERATIONS, min(part.rows, ROWS_MAX), solved)
            found: Mask = protection.withheld[part.numbers]
            return found

        return complete
