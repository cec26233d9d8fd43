"""The stages of a suppression, in the order in which they happen: protect, thin out, clean up, exchange."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from exchange.disclosure.arrays import Floats, Mask
from exchange.disclosure.optimise.canonical import canonical
from exchange.disclosure.optimise.cleanup import clean_up, secondary, thinned
from exchange.disclosure.optimise.effort import Effort
from exchange.disclosure.optimise.exchange import exchanged
from exchange.disclosure.optimise.ground import Ground
from exchange.disclosure.optimise.infeasible import UnprotectableError
from exchange.disclosure.optimise.pool import Pool
from exchange.disclosure.optimise.programmes import Programmes
from exchange.disclosure.optimise.protection import Protection
from exchange.disclosure.optimise.together import protect_all
from exchange.disclosure.problem import Problem, Suppressed

HEURISTIC, CLEANED, IMPROVED = 1, 2, 3

FIGURES_MAX = 20_000_000
"""As many figures are handed over, in tables that are hints for the audit."""

_OPEN = 40
"""Tables that are looked through for room for one more witness."""


def suppress(
    problem: Problem,
    *,
    effort: Effort | None = None,
    start: Mask | None = None,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[str, float], None] = lambda _stage, _share: None,
) -> Suppressed:
    """Withhold enough cells that each withheld one keeps what it needs, against every attacker.

    Args:
        problem: The table, its needs and its attackers.
        effort: How much work it is worth; by default what fits a table of its size.
        start: Cells to withhold from the beginning, beside the primary ones: an earlier pattern to be repaired or
            improved. Any of them may be published again.
        stop: Asked between programmes; the last finished safe pattern is returned once it says yes.
        progress: Told the stage (`protect`, `clean-up`, `improve`) and its share done, 0 to 1.

    Raises:
        UnprotectableError: Names a cell that nothing protects, and against whom.
    """
    inner, order = canonical(problem)
    try:
        found = _suppressed(
            inner, effort or Effort.of_size(problem.size), None if start is None else start[order], stop, progress
        )
    except UnprotectableError as error:
        raise UnprotectableError(int(order[error.cell]), error.attacker) from None
    place = np.argsort(order)
    return replace(found, withheld=found.withheld[place], witnesses=tuple(table[place] for table in found.witnesses))


def _suppressed(
    problem: Problem,
    effort: Effort,
    start: Mask | None,
    stop: Callable[[], bool],
    progress: Callable[[str, float], None],
) -> Suppressed:
    ground = Ground(problem)
    programmes = Programmes(ground)
    withheld = problem.primary if start is None else problem.primary | (start & ground.movable)
    protection = Protection(ground, programmes, withheld, effort=effort)
    progress("protect", 0.0)
    protect_all(protection, ground.hardest_first(withheld))
    stage = HEURISTIC
    if effort.clean_up and not stop():
        progress("clean-up", 0.0)
        protection = thinned(protection, ground.hardest_first(problem.primary)[::-1])
        progress("clean-up", 0.5)
        clean_up(protection, secondary(protection), solved_max=programmes.solved + effort.clean_up, stop=stop)
        stage = CLEANED
    if stage == CLEANED and effort.exchange and not stop():
        protection = exchanged(
            protection,
            solved_max=programmes.solved + effort.exchange,
            stop=stop,
            progress=lambda share: progress("improve", share),
        )
        stage = IMPROVED
    return Suppressed(
        withheld=protection.withheld.copy(),
        stage=stage,
        cost=problem.cost(protection.withheld),
        bound=-np.inf,
        programmes=programmes.solved,
        witnesses=_tables(ground, problem.values.astype(np.float64), protection.pool),
    )


def _tables(ground: Ground, values: Floats, pool: Pool) -> tuple[Floats, ...]:
    """The witnesses as tables, in each as many as share no relation: whoever reads them can tell them apart."""
    found: list[Floats] = []
    touched: list[set[int]] = []
    for witness in pool.witnesses():
        rows = {row for cell in witness.moves for row in ground.rows_of_cell[cell]}
        length = next((times for times, _ in witness.ends if np.isfinite(times)), 1.0)
        first = max(len(found) - _OPEN, 0)
        place = next((place for place in range(first, len(found)) if rows.isdisjoint(touched[place])), len(found))
        if place == len(found):
            if len(found) * ground.size >= FIGURES_MAX:
                break
            found.append(values.copy())
            touched.append(set())
        touched[place] |= rows
        found[place][list(witness.moves)] += length * np.array(list(witness.moves.values()))
    return tuple(found)
