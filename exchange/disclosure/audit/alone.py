"""One cell against one attacker: pushed to its ends, in fractions first, then in whole numbers where those count."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from exchange.disclosure.arrays import Floats, Integers
from exchange.disclosure.audit.component import FAR
from exchange.disclosure.audit.model import Reason
from exchange.disclosure.audit.parts import directions
from exchange.disclosure.audit.programmes import Programmes
from exchange.disclosure.audit.proof import Proof
from exchange.disclosure.audit.solver import Ending
from exchange.disclosure.audit.vicinity import Vicinity

WHOLE_MAX = 20_000
"""Cells of a component in which whole numbers are searched to the end; in larger ones only near the cell."""

WHOLE_NEAR = (60, 150, 300, 600, 1_500, 4_000)
"""Cells after one, two, … steps along rows, at most; from the fourth step on, whole numbers are searched among them."""

_STEPS_BEFORE = 3

_NEARLY = 1e-6
"""Lattice steps by which the solver may miss an end and still have meant it."""

_SAME = 1e-9
"""The same as a share of how far it is."""


@dataclass(frozen=True, slots=True)
class _Task:
    """A cell to be pushed from the anchor, to a goal or as far as it goes, between what the attacker knows of each."""

    cell: int
    bit: int
    sign: int
    goal: int | None
    low: Integers
    high: Integers


class Alone:
    """Decides cells one by one.

    Args:
        proof: Takes what is found.
        programmes: Asks the solver.
    """

    def __init__(self, proof: Proof, programmes: Programmes) -> None:
        self._proof, self._programmes, self._component = proof, programmes, proof.component
        self._vicinity: Vicinity | None = None
        self.fractional: set[int] = set()

    def decide(self, cell: int, bit: int) -> Reason | None:
        """Why a cell is not safe against an attacker, if it is not.

        Raises:
            OutOfWorkError: No work is left.
        """
        reason = self._lacks(cell, bit)
        if reason in {None, Reason.UNFINISHED} or not self._proof.still(cell, bit):
            return reason
        ends = [self._farthest(self._task(cell, bit, sign, None)) for sign in (1, -1)]
        return Reason.EXACT if all(end is not None and end < self._least_step() for end in ends) else reason

    def end(self, cell: int, bit: int, *, upwards: bool) -> tuple[Fraction | None, bool]:
        """The end of a cell's interval in lattice steps (None: none), and whether it is computed exactly.

        Raises:
            OutOfWorkError: No work is left.
        """
        task = self._task(cell, bit, 1 if upwards else -1, None)
        far = self._farthest(task)
        known = int(task.high[cell] if upwards else task.low[cell])
        if far is None:
            return (None if abs(known) >= FAR else Fraction(known)), False
        if np.isinf(far):
            return None, True
        least, most = self._proof.ends(cell, bit)
        seen = most if upwards else -least
        taken = abs(seen - far) <= _NEARLY + _SAME * far
        return int(self._proof.anchor[cell]) + task.sign * Fraction(seen if taken else far), taken

    def _lacks(self, cell: int, bit: int) -> Reason | None:
        """Push the cell to what it lacks; the first thing that it does not reach."""
        proof, anchor = self._proof, int(self._proof.anchor[cell])
        if proof.lacking(cell)[0] & bit:
            goal = int(proof.demands.reach[cell]) - anchor
            undecided = self._undecided(cell, bit, goal)
            if proof.lacking(cell)[0] & bit:
                return Reason.UNFINISHED if undecided else Reason.REACH
        if proof.lacking(cell)[1] & bit:
            goal = max(int(proof.demands.fall[cell]), proof.own_part(cell, bit)) - anchor
            undecided = self._undecided(cell, bit, goal)
            if proof.lacking(cell)[1] & bit:
                return Reason.UNFINISHED if undecided else Reason.FALL
        return self._lacks_width(cell, bit)

    def _lacks_width(self, cell: int, bit: int) -> Reason | None:
        """Push up as far as the least known value asks; where that fails it is the end: then down from there."""
        proof, undecided = self._proof, False
        width = int(proof.demands.width[cell])
        for upwards in (True, False):
            if not proof.lacking(cell)[2] & bit:
                return None
            least, most = proof.ends(cell, bit)
            undecided |= self._undecided(cell, bit, least + width if upwards else most - width)
        if not proof.lacking(cell)[2] & bit:
            return None
        return Reason.UNFINISHED if undecided else Reason.WIDTH

    def _undecided(self, cell: int, bit: int, goal: int) -> bool:
        """Push a cell to the goal; whether it may be reached though no table was found that reaches it."""
        far = self._farthest(self._task(cell, bit, 1 if goal > 0 else -1, goal))
        return far is None or (far >= abs(goal) - _NEARLY and not self._proof.reaches(cell, goal, bit))

    def _task(self, cell: int, bit: int, sign: int, goal: int | None) -> _Task:
        low, high = self._component.low.copy(), self._component.high.copy()
        attacker = self._proof.attacker(bit)
        for place, part in attacker.least.items():
            low[place] = max(int(low[place]), part)
        for place, figure in attacker.known.items():
            low[place] = high[place] = figure
        return _Task(cell, bit, sign, goal, low, high)

    def _farthest(self, task: _Task) -> float | None:
        """How far the cell can go by the solver's word, at least if short of its goal; None if it does not know."""
        low, high = task.low.copy(), task.high.copy()
        if task.goal is not None:
            side, nearer = (high, min) if task.sign > 0 else (low, max)
            side[task.cell] = nearer(int(side[task.cell]), int(self._proof.anchor[task.cell]) + task.goal)
        if task.goal is None:
            ending, deviation, far = self._solve(task, low, high)
        else:
            ending, deviation, far = self._pushed(task, low, high)
        if ending is Ending.UNBOUNDED:
            return np.inf
        if ending is not Ending.SOLVED:
            return None
        if self._component.scale > 1:
            return far
        far = float(np.floor(far + _NEARLY))
        short = task.goal is not None and far < abs(task.goal)
        if short or self._proof.reaches(task.cell, task.sign * int(far), task.bit):
            return far
        return self._farthest_whole(task, deviation, far)

    def _farthest_whole(self, task: _Task, near: Floats, far: float) -> float | None:
        """The same in whole numbers: among the cells around the fractions, among those near the cell, among all."""
        low, high = task.low.copy(), task.high.copy()
        if task.goal is not None:
            # At the goal or beyond: whole numbers may step over it.
            side = low if task.sign > 0 else high
            side[task.cell] = int(self._proof.anchor[task.cell]) + task.goal
        around, anchor = self._component.neighbours(np.abs(near) > _NEARLY), self._proof.anchor
        self._solve(task, np.where(around, low, anchor), np.where(around, high, anchor), whole=True)
        if self._proof.reaches(task.cell, task.sign * int(far), task.bit) or self._whole_nearby(task, far, low, high):
            return far
        if self._component.size > WHOLE_MAX:
            self.fractional.add(task.cell)
            return None
        ending, _, farthest = self._solve(task, low, high, whole=True)
        if ending is Ending.EMPTY:
            return 0.0
        return float(np.floor(farthest + _NEARLY)) if ending is Ending.SOLVED else None

    def _whole_nearby(self, task: _Task, far: float, low: Integers, high: Integers) -> bool:
        """Whether a table in whole numbers reaches it while all cells but those near it stay as in the anchor."""
        self._vicinity = self._vicinity or Vicinity(self._component, self._proof.anchor)
        for near in self._vicinity.steps(task.cell, WHOLE_NEAR)[_STEPS_BEFORE:]:
            cells = self._vicinity.tied(np.sort(near))
            if task.cell not in cells:
                continue
            part = self._vicinity.part(cells)
            costs = self._costs(task, whole=True)[cells]
            programmes = self._programmes.of_part(part, self._proof.anchor[cells])
            _, deviation, _ = programmes.farthest(costs, low[cells], high[cells], whole=True)
            for moved, amounts, denominator in directions(part, deviation):
                self._proof.offer(cells[moved], amounts, denominator)
            if self._proof.reaches(task.cell, task.sign * int(far), task.bit):
                return True
        return False

    def _pushed(self, task: _Task, low: Integers, high: Integers) -> tuple[Ending, Floats, float]:
        """The same as `_solve` towards a goal, by a deviation of few cells: it is found sooner, and speaks to more."""
        goal = 0 if task.goal is None else task.goal
        deviation = self._programmes.shortest({task.cell: goal}, low, high)
        if not len(deviation):
            return Ending.UNFINISHED, deviation, 0.0
        for direction in directions(self._component, deviation):
            self._proof.offer(*direction)
        return Ending.SOLVED, deviation, abs(float(deviation[task.cell]))

    def _solve(
        self, task: _Task, low: Integers, high: Integers, *, whole: bool = False
    ) -> tuple[Ending, Floats, float]:
        """One programme; the table that it finds is offered. How it ended, the deviation, and how far it goes."""
        ending, deviation, bound = self._programmes.farthest(self._costs(task, whole=whole), low, high, whole=whole)
        for direction in directions(self._component, deviation):
            self._proof.offer(*direction)
        return ending, deviation, abs(bound)

    def _costs(self, task: _Task, *, whole: bool) -> Floats:
        """As far as it goes; in whole numbers that may step over a goal, as little beyond it as they can."""
        costs = np.zeros(self._component.size)
        costs[task.cell] = task.sign if whole and task.goal is not None else -task.sign
        return costs

    def _least_step(self) -> float:
        """What cannot be told from not moving: less than a whole number, or than the solver can tell."""
        return 1 - _NEARLY if self._component.scale == 1 else _NEARLY
