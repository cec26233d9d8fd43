"""The programmes over one component: all that the audit asks a solver, and the work it took."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from exchange.disclosure.arrays import INFINITY, Floats, Integers, Rows
from exchange.disclosure.audit.component import FAR, Component
from exchange.disclosure.audit.solver import Answer, Ending

REWARD = 1e4
"""For each unit that a cell is pushed, against 1 for each unit that any cell moves."""

DEAREST = 5.0
"""And against so much at most for each unit of a cell that has not the room to move as far as is asked: it takes
several of such cells, and the table becomes longer."""

BITS = 30
"""Figures beyond 2**30 units are scaled by a power of two: the solver's tolerances are absolute."""


class Solver(Protocol):
    """A linear programme that is kept between solves."""

    def minimise(self, costs: Floats, lower: Floats, upper: Floats, *, whole: bool = False, work_max: int) -> Answer:
        """Minimise costs · x over lower ≤ x ≤ upper within the rows that it was made with."""


MakeSolver: TypeAlias = Callable[[int, Rows], Solver]
"""From the number of columns and the rows."""


class OutOfWorkError(Exception):
    """The work that was allowed is done."""


@dataclass(slots=True)
class Meter:
    """Work done, and how much may be.

    Attributes:
        work_max: Simplex iterations allowed.
        work: Those done.
        programmes: Programmes solved.
    """

    work_max: int
    work: int = 0
    programmes: int = 0

    def left(self) -> int:
        """What may still be done.

        Raises:
            OutOfWorkError: Nothing.
        """
        if self.work >= self.work_max:
            raise OutOfWorkError
        return self.work_max - self.work

    def add(self, answer: Answer) -> Answer:
        """Count what it took."""
        self.work += max(1, answer.work)
        self.programmes += 1
        return answer


class Programmes:
    """Deviations of a component from a base table, as the solver sees them; results in lattice steps.

    Args:
        component: The unknown cells.
        base: A table, or zeros to look for one.
        meter: Counts the work.
        make: Makes a solver.
    """

    def __init__(self, component: Component, base: Integers, meter: Meter, make: MakeSolver) -> None:
        self._component, self._base, self._meter, self._make = component, base, meter, make
        self._unit = _unit(component)
        self._plain: Solver | None = None
        self._split: Solver | None = None

    def of_part(self, part: Component, base: Integers) -> "Programmes":
        """The same over some of the cells, with the same meter."""
        return Programmes(part, base, self._meter, self._make)

    def farthest(
        self, costs: Floats, low: Integers, high: Integers, *, whole: bool = False
    ) -> tuple[Ending, Floats, float]:
        """The table of least cost between bounds: how it ended, its deviation from the base, and the bound on the cost.

        Args:
            costs: Per lattice step of each cell.
            low: By cell, a table's least value; −FAR for none.
            high: By cell, its largest; FAR for none.
            whole: Whether only whole lattice steps will do.

        Raises:
            OutOfWorkError: No work is left.
        """
        if self._plain is None:
            self._plain = self._make(self._component.size, self._rows())
        lower = np.where(low <= -FAR, -INFINITY, (low - self._base) / self._unit)
        upper = np.where(high >= FAR, INFINITY, (high - self._base) / self._unit)
        answer = self._plain.minimise(costs, lower, upper, whole=whole, work_max=self._meter.left())
        values, bound = self._deviation(self._meter.add(answer)), answer.bound * self._unit
        return answer.ending if len(values) or answer.ending is not Ending.SOLVED else Ending.UNFINISHED, values, bound

    def shortest(self, pushes: dict[int, int], low: Integers, high: Integers) -> Floats:
        """A deviation that moves each of these cells towards what is asked, and all others as little as it can.

        Args:
            pushes: By cell, how many lattice steps up or down; none goes further.
            low: By cell, a table's least value; −FAR for none.
            high: By cell, its largest; FAR for none.

        Returns:
            Empty if there is none.

        Raises:
            OutOfWorkError: No work is left.
        """
        size, unit = self._component.size, self._unit
        if self._split is None:
            self._split = self._make(2 * size, self._split_rows())
        up = np.where(high >= FAR, INFINITY, (high - self._base) / unit)
        down = np.where(low <= -FAR, INFINITY, (self._base - low) / unit)
        reach = min(abs(far) for far in pushes.values()) / unit
        costs = np.clip(reach / np.maximum(np.concatenate((up, down)), reach / DEAREST), 1.0, None)
        for cell, far in pushes.items():
            there, back, column = (up, down, cell) if far > 0 else (down, up, cell + size)
            there[cell], back[cell], costs[column] = min(there[cell], abs(far) / unit), 0.0, -REWARD
        upper = np.concatenate((up, down))
        answer = self._split.minimise(costs, np.zeros(2 * size), upper, work_max=self._meter.left())
        self._meter.add(answer)
        if answer.ending is not Ending.SOLVED or len(answer.values) != 2 * size or not np.isfinite(answer.values).all():
            return np.empty(0)
        return (answer.values[:size] - answer.values[size:]) * unit

    def _deviation(self, answer: Answer) -> Floats:
        sound = answer.ending is Ending.SOLVED and len(answer.values) == self._component.size
        return answer.values * self._unit if sound and np.isfinite(answer.values).all() else np.empty(0)

    def _rows(self) -> Rows:
        component = self._component
        room = (component.right - component.sums(self._base)) / self._unit
        lower = np.where(component.exact, room, -INFINITY)
        return Rows(component.starts, component.columns, component.coefficients.astype(np.float64), lower, room)

    def _split_rows(self) -> Rows:
        """The same rows over deviations up and down, each a column of its own."""
        rows = self._rows()
        columns = np.stack((rows.columns, rows.columns + self._component.size), axis=1).ravel()
        coefficients = np.stack((rows.coefficients, -rows.coefficients), axis=1).ravel()
        return Rows(2 * rows.starts, columns.astype(np.int32), coefficients, rows.lower, rows.upper)


def _unit(component: Component) -> float:
    """What the solver takes as 1, in lattice steps."""
    if component.scale == 1:
        return 1.0
    bits = int(np.abs(component.right).max(initial=1) // component.scale).bit_length()
    return component.scale * 2.0 ** max(0, bits - BITS)
