"""The relaxation: what a safe pattern costs at least, and which cells the cheapest mixtures of patterns withhold."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from exchange.disclosure.arrays import INFINITY, Floats
from exchange.disclosure.optimise.cutting.master import Master
from exchange.disclosure.optimise.cutting.meter import Meter
from exchange.disclosure.optimise.cutting.part import parts
from exchange.disclosure.optimise.cutting.search import Search
from exchange.disclosure.optimise.cutting.separation import Separation
from exchange.disclosure.problem import Problem


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A point in fractions that no cut found so far cuts off, and what it costs.

    Attributes:
        x: By cell, from 0 (published) to 1 (withheld; primary cells are).
        bound: No safe pattern costs less; inf if none is safe.
        programmes: Solved on the way.
    """

    x: Floats
    bound: float
    programmes: int


def relax(
    problem: Problem, *, work_max: float, stop: Callable[[], bool], progress: Callable[[float], None]
) -> Relaxation:
    """Cut until no attacker objects, or the work is done: a start for rounding, and a bound for any pattern.

    Args:
        problem: The table, its needs, its attackers.
        work_max: In the unit of `cutting.meter`.
        stop: Asked between programmes: whether to end now.
        progress: Told the share of the work that is done.
    """
    meter = Meter(work_max, stop, progress)
    x = problem.primary.astype(np.float64)
    bound, done, pieces = 0.0, 0, parts(problem)
    total = sum(part.size for part in pieces)
    for part in pieces:
        done += part.size
        positive = part.weights[part.weights > 0]
        if not len(positive):
            continue
        unit = float(np.median(positive))
        separation = Separation(part, meter)
        limits = part.primary.astype(np.float64), np.ones(part.size)
        master = Master(part.weights / unit, *limits, meter)
        master.add(separation.first_cuts())
        search = Search(separation, master, limits, INFINITY, 0.0)
        search.relax(meter, share=done / total)
        if search.point is not None:
            x[part.numbers] = search.point
        bound += search.bound * unit
    return Relaxation(x, bound, meter.programmes)
