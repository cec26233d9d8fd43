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
from exchange.disclosure.problem import Problem, Suppressed

HEURISTIC, CLEANED, IMPROVED = 1, 2, 3
WITNESSES_MAX = 2000
"""As many tables are handed over as hints for the audit."""


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
    protection = Protection(ground, programmes, withheld, vicinity=effort.vicinity)
    progress("protect", 0.0)
    protection.protect(ground.hardest_first(withheld))
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
        witnesses=_tables(problem, protection.pool),
    )


def _tables(problem: Problem, pool: Pool) -> tuple[Floats, ...]:
    """The ends of the witnesses, as tables."""
    found: list[Floats] = []
    for witness in pool.witnesses()[:WITNESSES_MAX]:
        cells, moves = list(witness.moves), np.array(list(witness.moves.values()))
        for length in (witness.forth, -witness.back):
            if length and np.isfinite(length):
                table = problem.values.astype(np.float64)
                table[cells] += length * moves
                found.append(table)
    return tuple(found)
