"""The cheapest safe pattern, or the best that counted work allows, and a proven bound on every other.

A master chooses which cells to withhold; attackers, one linear programme each, say where the choice lets them see too
much; what they say becomes a cut that every safe pattern satisfies, and the master chooses again. Where nobody objects
to the cheapest choice, it is the cheapest safe pattern. Insiders are attackers like the outsider, with less room.

All is in fractions of units: a bound holds for whole numbers too, a pattern may need more, which the audit finds.

Source: Fischetti and Salazar, "Solving the cell suppression problem on tabular data with linear constraints",
Management Science 47 (2001); Salazar, "Extending cell suppression to protect tabular data against several attackers".
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from exchange.disclosure.arrays import Floats, Mask
from exchange.disclosure.optimise.cutting.completion import Completion
from exchange.disclosure.optimise.cutting.meter import Meter
from exchange.disclosure.optimise.cutting.part import Part, parts
from exchange.disclosure.optimise.cutting.solving import Means, solve
from exchange.disclosure.problem import Problem


@dataclass(frozen=True, slots=True)
class Improved:
    """A pattern no dearer than the one it started from.

    Attributes:
        withheld: The cells that are withheld, primary ones included.
        bound: No safe pattern costs less; equal to the cost where the pattern is proved cheapest, to one in a million.
        programmes: Solved on the way.
    """

    withheld: Mask
    bound: float
    programmes: int


def improve(
    problem: Problem,
    start: Mask,
    *,
    work_max: float,
    stop: Callable[[], bool],
    progress: Callable[[float], None],
    found: Callable[[float], None] = lambda _cost: None,
) -> Improved:
    """Look for a cheaper safe pattern, and prove how much cheaper one could be.

    A demand that fails even with everything withheld is left out: nobody can meet it.

    Args:
        problem: The table, its needs, its attackers.
        start: A safe pattern.
        work_max: After this much work it ends with what it has; in the unit of `cutting.meter`.
        stop: Asked between programmes: whether to end now.
        progress: Told the share of the work that is done.
        found: Told what each pattern costs that is cheaper than all before it.
    """
    meter = Meter(work_max, stop, progress)
    withheld = problem.primary.copy()
    bound, done, pieces = 0.0, 0, parts(problem)
    total = sum(part.size for part in pieces)
    completion = Completion(problem, meter)
    cost = problem.cost(start)
    for part in pieces:
        done += part.size
        before = float(part.weights[start[part.numbers]].sum())
        pattern, least = solve(
            part,
            start[part.numbers],
            meter,
            Means(completion.of(part), partial(_together, found, cost - before)),
            share=done / total,
            step=_step(part),
        )
        cost += float(part.weights[pattern].sum()) - before
        withheld[part.numbers] |= pattern
        bound += least
    progress(1.0)
    return Improved(withheld, bound, meter.programmes)


def _together(found: Callable[[float], None], others: float, of_part: float) -> None:
    found(others + of_part)


def _step(part: Part) -> float:
    """The largest number of which all weights are multiples, if they are whole; else 0."""
    weights: Floats = part.weights[part.weights > 0]
    if not len(weights) or (weights != np.rint(weights)).any() or weights.max() > 2**53:
        return 0.0
    return float(np.gcd.reduce(weights.astype(np.int64)))
