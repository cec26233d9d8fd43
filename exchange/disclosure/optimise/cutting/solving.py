"""One part of a table, from a safe pattern to a better one and a bound."""

import numpy as np

from exchange.disclosure.arrays import Floats, Mask
from exchange.disclosure.optimise.cutting.master import Master
from exchange.disclosure.optimise.cutting.meter import Meter
from exchange.disclosure.optimise.cutting.part import Part
from exchange.disclosure.optimise.cutting.repair import Proof, Repair
from exchange.disclosure.optimise.cutting.search import Search
from exchange.disclosure.optimise.cutting.separation import Separation

ROOT_SHARE = 0.4
"""Of the work on a part: cutting in fractions."""

ROUNDING_PROGRAMMES = 60
"""Attackers' programmes on one point in fractions that is made a pattern."""

_SCALE = 1000.0
"""What the pattern to start from costs in the master's unit."""


def solve(part: Part, start: Mask, meter: Meter, *, share: float, step: float) -> tuple[Mask, float]:
    """The best pattern found for a part, never dearer than the one to start from, and the bound.

    Args:
        part: Of a problem.
        start: A safe pattern of it.
        meter: Counts.
        share: Of all work, after which this part is left.
        step: Costs are multiples of this, or 0.
    """
    cost = float(part.weights[start].sum())
    if cost <= 0:
        return start, 0.0
    return _Solving(part, start, cost, meter, share, step).run()


class _Solving:
    def __init__(self, part: Part, start: Mask, cost: float, meter: Meter, share: float, step: float) -> None:
        self._part, self._meter, self._share = part, meter, share
        self._unit = cost / _SCALE
        self._pattern = start
        self._separation = Separation(part, meter)
        self._repair = Repair(self._separation, meter)
        limits = part.primary.astype(np.float64), np.ones(part.size)
        master = Master(part.weights / self._unit, *limits, meter)
        master.add(self._separation.first_cuts())
        self._search = Search(self._separation, master, limits, _SCALE, step / self._unit)
        self._proof: Proof | None = None

    def run(self) -> tuple[Mask, float]:
        meter, search = self._meter, self._search
        begun = meter.work / meter.work_max
        search.relax(meter, share=begun + ROOT_SHARE * (self._share - begun))
        if search.bound < search.goal and search.point is not None:
            self._proof = self._repair.prove(self._pattern)
            self._round(search.point)
            search.branch(meter, found=self._round, share=self._share)
            if search.pattern is not None:
                self._pattern = search.pattern
        else:
            search.bound = search.best
        return self._pattern, min(search.bound, search.best) * self._unit

    def _round(self, x: Floats) -> None:
        """Try whether a point in fractions leads to a cheaper pattern."""
        if self._proof is None:
            return
        found = self._repair.rounded(x, self._proof, programmes_max=ROUNDING_PROGRAMMES)
        if found is None:
            return
        if self._cost(found.pattern) < self._search.best * 1.03:
            found = self._repair.lean(found, self._share)
        if self._cost(found.pattern) < self._search.best:
            self._proof, self._pattern = found, found.pattern
            self._search.best, self._search.pattern = self._cost(found.pattern), found.pattern

    def _cost(self, pattern: Mask) -> float:
        return float(self._part.weights[pattern].sum()) / self._unit
