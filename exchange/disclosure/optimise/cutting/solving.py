"""One part of a table, from a safe pattern to a better one and a bound."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from exchange.disclosure.arrays import Floats, Mask
from exchange.disclosure.optimise.cutting.master import Master
from exchange.disclosure.optimise.cutting.meter import Meter
from exchange.disclosure.optimise.cutting.part import Part
from exchange.disclosure.optimise.cutting.search import Search
from exchange.disclosure.optimise.cutting.separation import Separation

Complete: TypeAlias = Callable[[Mask], Mask | None]
"""Makes a choice of cells safe with some cells more, and without what is not needed; None where it cannot."""

ROOT_SHARE, EXPLORING_SHARE = 0.35, 0.6
"""Of the work on a part: until when to cut in fractions, and to explore neighbourhoods of the best pattern."""

THRESHOLDS = (0.99, 0.7)
"""From which fraction on a cell is withheld, when a point in fractions is made a pattern."""

SURE, NODES_MAX, NEIGHBOUR_GAP, REFUSALS_MAX = 0.02, 200, 1e-3, 200
"""A neighbourhood: how near a point in fractions is to a choice that is kept, and how far it is searched."""

EXPLORED_MAX = 3
"""Neighbourhoods explored in a row that lead to nothing cheaper."""

_SCALE = 1000.0
"""What the pattern to start from costs in the master's unit."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the search uses of the rest.

    Attributes:
        complete: Makes a choice of cells of the part safe.
        found: Told what each cheaper pattern of the part costs.
    """

    complete: Complete
    found: Callable[[float], None]


def solve(part: Part, start: Mask, meter: Meter, means: Means, *, share: float, step: float) -> tuple[Mask, float]:
    """The best pattern found for a part, never dearer than the one to start from, and the bound.

    Args:
        part: Of a problem.
        start: A safe pattern of it.
        meter: Counts.
        means: Of the part.
        share: Of all work, after which this part is left.
        step: Costs are multiples of this, or 0.
    """
    cost = float(part.weights[start].sum())
    if cost <= 0:
        return start, 0.0
    return _Solving(part, start, meter, means, cost / _SCALE, step).run(share)


class _Solving:
    def __init__(self, part: Part, start: Mask, meter: Meter, means: Means, unit: float, step: float) -> None:
        self._part, self._meter, self._means, self._unit = part, meter, means, unit
        self._pattern = start
        self._separation = Separation(part, meter)
        limits = part.primary.astype(np.float64), np.ones(part.size)
        self._master = Master(part.weights / unit, *limits, meter)
        self._master.add(self._separation.first_cuts())
        self._search = Search(self._separation, self._master, limits, _SCALE, step / unit)

    def run(self, share: float) -> tuple[Mask, float]:
        meter, search = self._meter, self._search
        begun = meter.work / meter.work_max
        search.relax(meter, share=begun + ROOT_SHARE * (share - begun))
        if search.point is not None:
            for threshold in THRESHOLDS:
                self._round(search.point, threshold)
            if not self._separation.large:
                self._explore(search.point, begun + EXPLORING_SHARE * (share - begun))
            search.branch(meter, found=self._round, share=share)
            if search.pattern is not None:
                self._pattern = search.pattern
                self._means.found(search.best * self._unit)
        return self._pattern, min(search.bound, search.best) * self._unit

    def _explore(self, x: Floats, share: float) -> None:
        """Look for patterns that differ from the best one only where the point in fractions is not sure of it.

        Source: Danna, Rothberg, Le Pape, Mathematical Programming 102 (2005) (relaxation induced neighbourhoods).
        """
        vain = 0
        while vain < EXPLORED_MAX and not self._meter.spent(share):
            vain += 1
            best = self._pattern.astype(np.float64)
            same = np.abs(x - best) < SURE
            lower, upper = np.where(same, best, 0.0), np.where(same, best, 1.0)
            lower[self._part.primary] = 1.0
            self._master.limit(lower, upper)
            chosen = self._master.choose(best, nodes_max=NODES_MAX, gap=NEIGHBOUR_GAP)
            if chosen is None or chosen.cost >= self._search.goal:
                return
            pattern = chosen.x > 1 / 2
            found = self._separation.refusals(pattern, wanted=REFUSALS_MAX)
            self._master.add(found.cuts)
            before = self._search.best
            if found.complete and not found.cuts:
                self._offer(pattern)
            else:
                self._round(chosen.x)
            if self._search.best < before:
                vain = 0

    def _round(self, x: Floats, threshold: float = 1 / 2) -> None:
        """Try whether a point in fractions leads to a cheaper pattern."""
        if not self._meter.spent():
            pattern = self._means.complete(self._part.primary | (x >= threshold))
            if pattern is not None:
                self._offer(pattern)

    def _offer(self, pattern: Mask) -> None:
        cost = float(self._part.weights[pattern].sum()) / self._unit
        if cost < self._search.best:
            self._search.best, self._search.pattern, self._pattern = cost, pattern, pattern
            self._means.found(cost * self._unit)
