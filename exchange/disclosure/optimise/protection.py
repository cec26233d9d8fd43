"""Withholding more and more cells until each has what it needs: one programme for each cell that lacks something.

Source: Kelly, Golden, Assad, Networks 22 (1992); Fischetti and Salazar, Management Science 47 (2001), §3.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from exchange.disclosure.arrays import Floats, Indices, Mask
from exchange.disclosure.optimise.attackers import Insiders
from exchange.disclosure.optimise.effort import Effort
from exchange.disclosure.optimise.ground import Ground
from exchange.disclosure.optimise.infeasible import UnprotectableError
from exchange.disclosure.optimise.pool import Need, Pool, Witness
from exchange.disclosure.optimise.programmes import Programmes
from exchange.disclosure.optimise.vicinity import ball, movable_together

_WIDER = 8
"""How many times as many cells a second programme looks at, before one looks at all."""

_WORTH = 2
"""A table must be so many times larger than a vicinity for looking there first to save anything."""

_TRIES_MAX = 3
"""Programmes for one deviation: as it comes; in whole numbers around that; in whole numbers everywhere."""

NOTHING = 1e-3
"""What it costs to move a cell that is withheld already, as a share of a typical cell: deviations stay short."""


class Protection:
    """A pattern in the making: withheld cells, what is proved about them, and the programmes that do both."""

    def __init__(self, ground: Ground, programmes: Programmes, withheld: Mask, *, effort: Effort) -> None:
        self.ground = ground
        self.programmes = programmes
        self.pool = Pool(ground, withheld)
        self.effort = effort
        self._last: tuple[Mask, Indices] | None = None
        self.usable: Mask = ground.movable & ((ground.rise > 0) | (ground.drop > 0))
        self.prices: Floats = ground.weights / ground.unit_weight + NOTHING

    @property
    def withheld(self) -> Mask:
        """The pattern."""
        return self.pool.withheld

    def copy(self) -> "Protection":
        """One that can be changed without changing this."""
        other = Protection(self.ground, self.programmes, self.withheld, effort=self.effort)
        other.pool = self.pool.copy()
        return other

    def cost(self) -> float:
        """What the pattern costs."""
        return float(self.ground.weights[self.withheld & ~self.ground.primary].sum())

    def try_to_protect(self, cells: list[int], *, forbidden: int, worth: float) -> bool:
        """Protect without one cell, as long as what gets withheld costs no more than this; whether that is possible."""
        allowed = self.usable.copy()
        allowed[forbidden] = False
        waiting = list(cells)
        spent = 0.0
        while waiting:
            cell = waiting.pop(0)
            while self.withheld[cell] and (need := self.pool.lacking(cell)) is not None:
                more = self._meet(need, allowed)
                spent += float(self.ground.weights[more].sum()) if more else 0.0
                if more is None or spent > worth:
                    return False
                waiting += more
        return True

    def protect(self, cells: list[int], *, within: Pool | None = None) -> None:
        """Withhold more until these cells, and those that get withheld for them, lack nothing.

        Args:
            cells: In the order in which they are looked at.
            within: Proofs of a safe pattern that holds these cells: nothing outside it is withheld.

        Raises:
            UnprotectableError: Nothing that may be withheld protects this cell.
        """
        allowed = self.usable if within is None else self.usable & within.withheld
        allowed = allowed.copy()
        waiting = list(cells)
        while waiting:
            later: list[int] = []
            for cell in waiting:
                while self.withheld[cell] and (need := self.pool.lacking(cell)) is not None:
                    more = self._meet(need, allowed)
                    if more is not None:
                        later += more
                    elif within is not None:
                        later += self._adopt(cell, within)
                        break
                    else:
                        later += self._give_up(need, allowed)
                        break
            waiting = later

    def _adopt(self, cell: int, proofs: Pool) -> list[int]:
        """Take over all that proves a cell elsewhere, where the solver does not find it again."""
        return [new for witness in proofs.through(cell) for new in self.keep(witness)]

    def _give_up(self, need: Need, allowed: Mask) -> list[int]:
        """Do without a cell that cannot be protected itself; those that leaned on it."""
        cell = need.cell
        if self.ground.primary[cell] or not allowed[cell]:
            raise UnprotectableError(cell, self.ground.attackers.name(need.insiders))
        allowed[cell] = False
        self.withheld[cell] = False
        leaning = sorted(self.pool.leaning(cell))
        self.pool.drop(cell)
        return leaning

    def prove(self, cells: list[int]) -> bool:
        """Whether these cells lack nothing within the pattern as it is."""
        for cell in cells:
            while (need := self.pool.lacking(cell)) is not None:
                if self._meet(need, self.pool.withheld) is None:
                    return False
        return True

    def _meet(self, need: Need, allowed: Mask) -> list[int] | None:
        """One deviation that meets the need, kept as a witness; the cells that got withheld for it."""
        costs = np.where(self.pool.withheld, NOTHING, self.prices)
        for cells in self._looked_at(need.cell, allowed):
            found = self._deviation(need, cells, costs)
            if found is not None:
                return self.keep(found)
        if len(need.insiders) > 1:
            return self._meet(replace(need, insiders=_half(need.insiders)), allowed)
        return None

    def _looked_at(self, cell: int, allowed: Mask) -> Iterator[Indices]:
        """The cells that a programme looks at: those near by first where that saves something, then all."""
        within = not (allowed & ~self.withheld).any()
        if within or self.ground.size > self.effort.whole_max:
            for size in (self.effort.vicinity, _WIDER * self.effort.vicinity):
                if _WORTH * size < self.ground.size:
                    yield ball(self.ground, cell, allowed, size)
        if within and not self.effort.thorough:
            return
        all_cells = self.entangled(allowed)
        if np.isin(cell, all_cells):
            yield all_cells

    def entangled(self, allowed: Mask) -> Indices:
        """Those of the allowed cells that can deviate at all."""
        if self._last is None or not np.array_equal(self._last[0], allowed):
            self._last = (allowed.copy(), movable_together(self.ground, allowed))
        return self._last[1]

    def _deviation(self, need: Need, cells: Indices, costs: Floats) -> Witness | None:
        """The cheapest one that does what is needed: as it comes, or else in the way that this table asks for."""
        for way in (1, -1) if need.either else (need.way,):
            looked_at, careful = cells, False
            for _ in range(_TRIES_MAX):
                found = self.programmes.cheapest(
                    looked_at, costs[looked_at], need.cell, way * need.length(way), need.insiders, careful=careful
                )
                if found is None and not (careful and len(looked_at) < len(cells)):
                    break
                if found is not None:
                    witness = self.pool.witness(found, looked_at.tolist())
                    if witness is not None and self.pool.meets(witness, need, way):
                        return witness
                looked_at, careful = cells if careful or found is None else self._around(cells, found), True
        return None

    def _around(self, cells: Indices, deviation: Floats) -> Indices:
        """Those of these cells that stand in a relation with a cell that deviates: where whole numbers are sought."""
        if not self.ground.whole:
            return cells
        rows = {row for cell in cells[deviation != 0].tolist() for row in self.ground.rows_of_cell[cell]}
        near = {cell for row in rows for cell in self.ground.cells_of_row[row]}
        return cells[np.isin(cells, sorted(near))]

    def keep(self, witness: Witness) -> list[int]:
        """Withhold all that a witness moves, and keep it; the cells that got withheld."""
        new = [cell for cell in witness.moves if not self.pool.withheld[cell]]
        self.pool.withheld[new] = True
        self.pool.add(witness)
        return new


def _half(insiders: Insiders) -> Insiders:
    """The lower half of them by number."""
    return frozenset(sorted(insiders)[: len(insiders) // 2])
