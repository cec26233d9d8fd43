"""The search for tables near each cell, one cell after another: short ones, which speak to nearly every insider."""

from collections.abc import Collection, Mapping

import numpy as np

from exchange.disclosure.arrays import Integers
from exchange.disclosure.audit.parts import directions
from exchange.disclosure.audit.programmes import MakeSolver, Meter, Programmes
from exchange.disclosure.audit.proof import Proof
from exchange.disclosure.audit.vicinity import Vicinity

LARGE = 10_000
"""Cells of a component beyond which tables are sought near each cell before they are sought in all of it."""


class Nearby:
    """Pushes cells of one component within their vicinities.

    Args:
        proof: Takes what is found.
        meter: Counts the work.
        make: Makes a solver.
    """

    def __init__(self, proof: Proof, meter: Meter, make: MakeSolver) -> None:
        self._proof, self._meter, self._make = proof, meter, make
        self._vicinity = Vicinity(proof.component, proof.anchor)

    def push(self, cell: int, far: int, known: Collection[int], least: Mapping[int, int] | None) -> None:
        """Offer the table that moves a cell so far up or down, or as far as there is one, by moving least.

        Args:
            cell: Of the component.
            far: In lattice steps.
            known: Cells that are to stay as they are.
            least: What cells are to be at least; None: what any attacker knows of them.

        Raises:
            OutOfWorkError: No work is left.
        """
        cells = self._vicinity.of(cell, abs(far), known)
        part, anchor = self._vicinity.part(cells), self._proof.anchor[cells]
        low = self._proof.floor[cells] if least is None else _raised(part.low, cells, least)
        programmes = Programmes(part, anchor, self._meter, self._make)
        deviation = programmes.shortest({int(np.searchsorted(cells, cell)): far}, low, part.high)
        for moved, amounts, denominator in directions(part, deviation):
            self._proof.offer(cells[moved], amounts, denominator)


def _raised(low: Integers, cells: Integers, least: Mapping[int, int]) -> Integers:
    """The bounds of these cells, raised to what is known of some of them."""
    raised = low.copy()
    for cell, bound in least.items():
        place = int(np.searchsorted(cells, cell))
        if place < len(cells) and cells[place] == cell:
            raised[place] = max(int(raised[place]), bound)
    return raised
