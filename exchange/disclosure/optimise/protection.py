"""Withholding more and more cells until each has what it needs: one programme for each cell that lacks something.

Source: Kelly, Golden, Assad, Networks 22 (1992); Fischetti and Salazar, Management Science 47 (2001), §3.
"""

import numpy as np

from exchange.disclosure.arrays import Floats, Indices, Mask
from exchange.disclosure.optimise.ground import Attacker, Ground
from exchange.disclosure.optimise.infeasible import UnprotectableError
from exchange.disclosure.optimise.pool import Need, Pool, Witness
from exchange.disclosure.optimise.programmes import Programmes
from exchange.disclosure.optimise.vicinity import cheap_vicinity

_NOTHING = 1e-3
"""What it costs to move a cell that is withheld already, as a share of a typical cell: deviations stay short."""


class Protection:
    """A pattern in the making: withheld cells, what is proved about them, and the programmes that do both."""

    def __init__(self, ground: Ground, programmes: Programmes, withheld: Mask, *, vicinity: int) -> None:
        self.ground = ground
        self.programmes = programmes
        self.pool = Pool(ground, withheld)
        self._vicinity = vicinity
        self._usable: Mask = ground.movable & ((ground.rise > 0) | (ground.drop > 0))
        self._prices: Floats = ground.weights / ground.unit_weight + _NOTHING

    @property
    def withheld(self) -> Mask:
        """The pattern."""
        return self.pool.withheld

    def protect(self, cells: list[int], forbidden: Mask | None = None) -> list[int]:
        """Withhold more until these cells, and those that get withheld for them, lack nothing.

        Returns:
            The cells that got withheld.

        Raises:
            UnprotectableError: Nothing that may be withheld protects this cell.
        """
        allowed = self._usable if forbidden is None else self._usable & ~forbidden
        added: list[int] = []
        waiting = list(cells)
        while waiting:
            later: list[int] = []
            for cell in waiting:
                while (need := self.pool.lacking(cell)) is not None:
                    more = self._meet(need, allowed)
                    if more is None:
                        raise UnprotectableError(cell, self.ground.attacker(need.attacker).name)
                    added += more
                    later += more
            waiting = later
        return added

    def prove(self, cells: list[int]) -> bool:
        """Whether these cells lack nothing within the pattern as it is."""
        for cell in cells:
            while (need := self.pool.lacking(cell)) is not None:
                if self._meet(need, self.pool.withheld) is None:
                    return False
        return True

    def _meet(self, need: Need, allowed: Mask) -> list[int] | None:
        """One deviation that meets the need, kept as a witness; the cells that got withheld for it."""
        costs = np.where(self.pool.withheld, _NOTHING, self._prices)
        attacker = self.ground.attacker(need.attacker)
        size = self._vicinity
        before = 0
        while True:
            cells = cheap_vicinity(
                self.ground, need.cell, np.where(self.pool.withheld, 0.02, self._prices), allowed, size
            )
            if len(cells) == before:
                return None
            before = len(cells)
            found = self._deviation(need, cells, costs, attacker)
            if found is not None:
                return self._keep(found)
            if len(cells) < size:
                return None
            size *= 4

    def _deviation(self, need: Need, cells: Indices, costs: Floats, attacker: Attacker) -> Witness | None:
        """The cheapest one that does what is needed: as it comes, or else in the way that this table asks for."""
        for way in (1, -1) if need.either else (need.way,):
            for careful in (False, True):
                found = self.programmes.cheapest(
                    cells, costs[cells], need.cell, way * need.far, attacker, careful=careful
                )
                if found is None:
                    break
                witness = self.pool.witness(found, cells.tolist())
                if witness is not None and self.pool.meets(witness, need, way):
                    return witness
        return None

    def _keep(self, witness: Witness) -> list[int]:
        new = [cell for cell in witness.moves if not self.pool.withheld[cell]]
        self.pool.withheld[new] = True
        self.pool.add(witness)
        return new
