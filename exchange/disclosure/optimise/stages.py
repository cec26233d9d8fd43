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
from exchange.disclosure.optimise.programmes import Programmes, StoppedError
from exchange.disclosure.optimise.protection import Protection
from exchange.disclosure.optimise.together import protect_all
from exchange.disclosure.problem import Problem, Suppressed

HEURISTIC, CLEANED, IMPROVED = 1, 2, 3

FIGURES_MAX = 60_000_000
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
    found: Callable[[float], None] = lambda _cost: None,
) -> Suppressed:
    """Withhold enough cells that each withheld one keeps what it needs, against every attacker.

    Args:
        problem: The table, its needs and its attackers.
        effort: How much work it is worth; by default what fits a table of its size.
        start: Cells to withhold from the beginning, beside the primary ones: an earlier pattern to be repaired or
            improved. Any of them may be published again.
        stop: Asked between programmes; the last finished safe pattern is returned once it says yes.
        progress: Told the stage (`protect`, `clean-up`, `improve`) and its share done, 0 to 1.
        found: Told what each pattern costs that is cheaper than all before it.

    Raises:
        UnprotectableError: Names a cell that nothing protects, and against whom.
    """
    inner, order = canonical(problem)
    effort = effort or Effort.of_size(problem.size, insiders=len(problem.insiders))
    stages = _Stages(inner, effort, stop, progress, found)
    try:
        suppressed = stages.run(None if start is None else start[order])
    except UnprotectableError as error:
        raise UnprotectableError(int(order[error.cell]), error.attacker) from None
    place = np.argsort(order)
    tables = tuple(table[place] for table in suppressed.witnesses)
    return replace(suppressed, withheld=suppressed.withheld[place], witnesses=tables)


class _Stages:
    def __init__(
        self,
        problem: Problem,
        effort: Effort,
        stop: Callable[[], bool],
        progress: Callable[[str, float], None],
        found: Callable[[float], None],
    ) -> None:
        self._problem, self._effort = problem, effort
        self._stop, self._progress, self._found = stop, progress, found
        self._ground = Ground(problem)
        self._programmes = Programmes(self._ground)

    def run(self, start: Mask | None) -> Suppressed:
        primary, movable = self._problem.primary, self._ground.movable
        withheld = primary if start is None else primary | (start & movable)
        protection = Protection(self._ground, self._programmes, withheld, effort=self._effort)
        self._progress("protect", 0.0)
        protect_all(protection, self._ground.hardest_first(withheld))
        self._found(protection.cost())
        stage = HEURISTIC
        # Until here there is nothing to stop with.
        self._programmes.stop = self._stop
        if self._effort.clean_up and not self._stop():
            protection, finished = self._cleaned_up(protection)
            stage = CLEANED if finished else HEURISTIC
        if stage == CLEANED and self._effort.exchange and not self._stop():
            protection = exchanged(
                protection,
                solved_max=self._programmes.solved + self._effort.exchange,
                progress=lambda share: self._progress("improve", share),
                found=self._found,
            )
            stage = IMPROVED
        return Suppressed(
            withheld=protection.withheld.copy(),
            stage=stage,
            cost=self._problem.cost(protection.withheld),
            bound=-np.inf,
            programmes=self._programmes.solved,
            witnesses=_tables(self._ground, self._problem.values.astype(np.float64), protection.pool),
        )

    def _cleaned_up(self, protection: Protection) -> tuple[Protection, bool]:
        """The pattern with cells published again, and whether all that may be tried was."""
        self._progress("clean-up", 0.0)
        try:
            protection = self._thinned(protection) if self._effort.thin_out else protection
            self._progress("clean-up", 0.5)
            solved_max = self._programmes.solved + self._effort.clean_up
            clean_up(protection, secondary(protection), solved_max=solved_max)
        except StoppedError:
            return protection, False
        self._found(protection.cost())
        return protection, True

    def _thinned(self, protection: Protection) -> Protection:
        """Protected anew within its pattern, if that takes no more programmes than it may."""
        solved_max = self._programmes.solved + self._effort.thin_out
        self._programmes.stop = lambda: self._stop() or self._programmes.solved >= solved_max
        try:
            protection = thinned(protection, self._ground.hardest_first(self._problem.primary)[::-1])
            self._found(protection.cost())
        except StoppedError:
            if self._stop():
                raise
        finally:
            self._programmes.stop = self._stop
        return protection


def _tables(ground: Ground, values: Floats, pool: Pool) -> tuple[Floats, ...]:
    """The witnesses as tables, in each as many as share no relation: whoever reads them can tell them apart."""
    found: list[Floats] = []
    touched: list[set[int]] = []
    for witness in pool.witnesses():
        rows = {row for cell in witness.moves for row in ground.rows_of_cell[cell]}
        first = max(len(found) - _OPEN, 0)
        place = next((place for place in range(first, len(found)) if rows.isdisjoint(touched[place])), len(found))
        if place == len(found):
            if len(found) * ground.size >= FIGURES_MAX:
                break
            found.append(values.copy())
            touched.append(set())
        touched[place] |= rows
        found[place][list(witness.moves)] += witness.asked * np.array(list(witness.moves.values()))
    return tuple(found)
