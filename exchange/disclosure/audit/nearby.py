"""The search for tables near each cell, one cell after another: short ones, which speak to nearly every insider."""

from collections.abc import Collection, Mapping

import numpy as np

from exchange.disclosure.arrays import Integers
from exchange.disclosure.audit.component import FAR
from exchange.disclosure.audit.parts import directions
from exchange.disclosure.audit.programmes import MakeSolver, Meter, Programmes
from exchange.disclosure.audit.proof import OUTSIDER, Proof
from exchange.disclosure.audit.vicinity import Vicinity

LARGE = 20_000
"""Cells of a component beyond which tables are sought near each cell first; up to it many cells at once are quicker."""

ROUNDS_MAX = 6
"""Programmes for one cell, each for the attackers whom those before did not convince."""

PUSHES_MIN = 200
"""Programmes after which the search near cells is given up if few of them prove anything."""

WORTH = 0.2
"""The share that must prove something."""

_UP, _DOWN, _APART = range(3)


class Nearby:
    """Pushes each open cell of one component within its vicinity.

    Args:
        proof: Takes what is found.
        meter: Counts the work.
        make: Makes a solver.
    """

    def __init__(self, proof: Proof, meter: Meter, make: MakeSolver) -> None:
        self._proof, self._meter, self._make = proof, meter, make
        self._vicinity = Vicinity(proof.component, proof.anchor)
        self._draw = np.random.default_rng(proof.component.size)
        self._pushes = self._proving = 0

    def run(self) -> None:
        """Push every open cell each way that is lacking, until pushing it has no effect.

        Raises:
            OutOfWorkError: No work is left.
        """
        waiting = np.flatnonzero(self._proof.open)
        for cell in self._draw.permutation(waiting).tolist():
            self._search(cell)
            if self._pushes >= PUSHES_MIN and self._proving < WORTH * self._pushes:
                return

    def _search(self, cell: int) -> None:
        """One cell, until a push has no effect: where one way is shut, the others mostly are."""
        for way in (_UP, _DOWN, _APART):
            for _ in range(ROUNDS_MAX):
                before = self._proof.lacking(cell)[way]
                if not before:
                    break
                if not self._convinced(cell, way, before):
                    return
                self._proving += 1

    def _convinced(self, cell: int, way: int, bits: int) -> bool:
        """Whether a push changed what is lacking.

        The first keeps to what all contributors know of their own parts; those after the outsider is convinced leave
        alone what the attackers know who are not.
        """
        known, least = ((), None) if bits & OUTSIDER else self._proof.knowledge(bits)
        for far in self._goals(cell, way, bits):
            self._push(cell, far, known, least)
            if self._proof.lacking(cell)[way] != bits:
                return True
        return False

    def _push(self, cell: int, far: int, known: Collection[int], least: Mapping[int, int] | None) -> None:
        """Look for a table nearby that moves a cell so far up or down, or as far as there is one."""
        self._pushes += 1
        cells = self._vicinity.of(cell, abs(far), known)
        part, anchor = self._vicinity.part(cells), self._proof.anchor[cells]
        low = self._proof.floor[cells] if least is None else _raised(part.low, cells, least)
        programmes = Programmes(part, anchor, self._meter, self._make)
        deviation = programmes.shortest({int(np.searchsorted(cells, cell)): far}, low, part.high)
        for moved, amounts, denominator in directions(part, deviation):
            self._proof.offer(cells[moved], amounts, denominator)

    def _goals(self, cell: int, way: int, bits: int) -> list[int]:
        """How far from the anchor the cell must be seen, one way or another."""
        demands, anchor = self._proof.demands, int(self._proof.anchor[cell])
        if way == _UP:
            return [int(demands.reach[cell]) - anchor]
        if way == _DOWN:
            return [max(int(demands.fall[cell]), -FAR) - anchor]
        least, most = self._proof.ends(cell, bits & -bits)
        width = int(demands.width[cell])
        return [least + width, most - width]


def _raised(low: Integers, cells: Integers, least: Mapping[int, int]) -> Integers:
    """The bounds of these cells, raised to what is known of some of them."""
    raised = low.copy()
    for cell, bound in least.items():
        place = int(np.searchsorted(cells, cell))
        if place < len(cells) and cells[place] == cell:
            raised[place] = max(int(raised[place]), bound)
    return raised
