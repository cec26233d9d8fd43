"""The suppression of a release, led by its relaxation: cells that hide many others together are seen to be cheap.

Cell by cell, each is hidden by what is cheapest for it alone; what would serve many at once looks dear to each. The
relaxation, which chooses for all together but in fractions, knows better, so its choice is followed where it is clear:
a cell's price falls with the part of it that the relaxation withholds. It also bounds what any safe pattern costs.

Source: Fischetti and Salazar, Management Science 47 (2001), for the relaxation; prices led by it are usual in
branch and cut.
"""

from collections.abc import Callable
from dataclasses import replace

from exchange.disclosure.optimise import Effort, suppress
from exchange.disclosure.optimise.bound import Relaxation, relax
from exchange.disclosure.problem import Problem, Suppressed

WORK_PER_PRIMARY = 20.0
"""Work of the relaxation for each primary cell, in the unit of its meter (a twentieth of a millisecond)."""

LEAST_PRICE = 0.3
"""What is left of the price of a cell that the relaxation withholds whole; near nothing, many ways look alike."""


def suppress_led(
    problem: Problem,
    *,
    progress: Callable[[str, float], None],
    effort: Effort | None = None,
    work_max: float | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Suppressed:
    """A safe pattern, sought along the relaxation against anybody, and the bound that this proves.

    Args:
        problem: The table, its needs, its attackers.
        progress: Told the stage (`relax`, then as `suppress`) and its share done.
        effort: Of the suppression, as there.
        work_max: Of the relaxation, in the unit of its meter; by default `WORK_PER_PRIMARY` times the primary cells.
        stop: Asked between programmes, as there; a pattern is found nevertheless.

    Raises:
        UnprotectableError: Names a cell that nothing protects, and against whom.
    """
    progress("relax", 0.0)
    relaxed = relax(
        replace(problem, insiders=(), guarded=None),
        work_max=WORK_PER_PRIMARY * int(problem.primary.sum()) if work_max is None else work_max,
        stop=stop,
        progress=lambda share: progress("relax", share),
    )
    found = suppress(led(problem, relaxed), effort=effort, stop=stop, progress=progress)
    cost = problem.cost(found.withheld)
    return replace(found, cost=cost, bound=min(relaxed.bound, cost), programmes=found.programmes + relaxed.programmes)


def led(problem: Problem, relaxed: Relaxation) -> Problem:
    """The same problem at prices that fall with what the relaxation withholds of a cell."""
    return replace(problem, weights=problem.weights * (1 - (1 - LEAST_PRICE) * relaxed.x))
