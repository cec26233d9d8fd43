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

_LARGER = 10.0
"""Around a cell, figures of more than so many times what it needs, or than so many typical ones, are not looked at:
they are hardly ever withheld for it, and each would bring neighbours of its own with it."""

_WORTH = 2
"""A table must be so many times larger than a vicinity for looking there first to save anything."""

_WHOLE_NEAR = 150
"""Cells around a target among which, with those of a deviation in fractions, whole numbers are sought first: most are
found there, in a hundredth of the time that the whole table takes."""

_WHOLE_MANY = 1_000
"""More cells than this, all withheld already, are asked for any whole-numbered deviation and not for a short one."""

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
                    more = self._met(need, allowed) if within is None else self._meet(need, allowed)
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

    def _must_stay(self, cell: int, allowed: Mask) -> bool:
        """Whether one cannot do without withholding it."""
        return bool(self.ground.primary[cell]) or not allowed[cell]

    def _give_up(self, need: Need, allowed: Mask) -> list[int]:
        """Do without a cell that cannot be protected itself; those that leaned on it."""
        cell = need.cell
        if self._must_stay(cell, allowed):
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

    def _met(self, need: Need, allowed: Mask) -> list[int] | None:
        """As `_meet`, and once more as far as programmes go, where the cell has to stay or the search was cut off."""
        before = self.programmes.cut_off
        more = self._meet(need, allowed)
        if more is None and (self.programmes.cut_off > before or self._must_stay(need.cell, allowed)):
            with self.programmes.at_last():
                return self._meet(need, allowed)
        return more

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
        near, wider = self.effort.vicinity, _WIDER * self.effort.vicinity
        if not within and self.ground.size > self.effort.whole_max:
            for size in (near, wider, self.effort.whole_max):
                yield self.near(cell, allowed, size)
        elif within:
            for size in (near, wider):
                if _WORTH * size < self.ground.size:
                    yield ball(self.ground, cell, allowed, size)
        if within and not self.effort.thorough and not self.programmes.to_the_end:
            return
        all_cells = self.entangled(allowed)
        if np.isin(cell, all_cells):
            yield all_cells

    def near(self, cell: int, allowed: Mask, size: int) -> Indices:
        """About so many allowed cells around one, without those that are large beside what it needs."""
        ground = self.ground
        need = max(ground.up[cell], ground.down[cell], ground.width[cell])
        like = self.withheld | (ground.drop <= _LARGER * max(need, ground.typical))
        return ball(ground, cell, allowed & like, size)

    def entangled(self, allowed: Mask) -> Indices:
        """Those of the allowed cells that can deviate at all."""
        if self._last is None or not np.array_equal(self._last[0], allowed):
            self._last = (allowed.copy(), movable_together(self.ground, allowed))
        return self._last[1]

    def _deviation(self, need: Need, cells: Indices, costs: Floats) -> Witness | None:
        """The cheapest one that does what is needed: as it comes, or else in the way that this table asks for."""
        for way in (1, -1) if need.either else (need.way,):
            found = self._cheapest(need, way, cells, costs, careful=False)
            if found is None:
                continue
            witness = self._meeting(found, need, way, cells)
            for looked_at in self._around(need.cell, cells, found) if witness is None else ():
                careful = self._cheapest(need, way, looked_at, costs, careful=True)
                witness = None if careful is None else self._meeting(careful, need, way, looked_at)
                if witness is not None:
                    break
            if witness is not None:
                return witness
        return None

    def _cheapest(self, need: Need, way: int, cells: Indices, costs: Floats, *, careful: bool) -> Floats | None:
        far = way * need.length(way)
        asked = costs[cells]
        free = careful and len(cells) > _WHOLE_MANY and bool((asked <= NOTHING).all())
        return self.programmes.cheapest(cells, None if free else asked, need.cell, far, need.insiders, careful=careful)

    def _meeting(self, deviation: Floats, need: Need, way: int, cells: Indices) -> Witness | None:
        """The deviation as a witness, if it is one that does what is needed."""
        witness = self.pool.witness(deviation, cells.tolist())
        return witness if witness is not None and self.pool.meets(witness, need, way) else None

    def _around(self, cell: int, cells: Indices, deviation: Floats) -> Iterator[Indices]:
        """Where a deviation is sought with care: whole numbers first near by, then around the fractions, then all."""
        if self.ground.whole:
            moved, allowed = cells[deviation != 0], np.zeros(self.ground.size, dtype=np.bool_)
            allowed[cells] = True
            yield np.union1d(moved, ball(self.ground, cell, allowed, _WHOLE_NEAR)).astype(np.int32)
            for _ in range(2 if len(cells) > _WHOLE_MANY else 1):
                rows = {row for other in moved.tolist() for row in self.ground.rows_of_cell[other]}
                near = {other for row in rows for other in self.ground.cells_of_row[row]}
                moved = cells[np.isin(cells, sorted(near))]
                if len(moved) < len(cells):
                    yield moved
        yield cells

    def keep(self, witness: Witness) -> list[int]:
        """Withhold all that a witness moves, and keep it; the cells that got withheld."""
        new = [cell for cell in witness.moves if not self.pool.withheld[cell]]
        self.pool.withheld[new] = True
        self.pool.add(witness)
        return new


def _half(insiders: Insiders) -> Insiders:
    """The lower half of them by number."""
    return frozenset(sorted(insiders)[: len(insiders) // 2])
