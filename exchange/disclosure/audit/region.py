"""Where in a component a table is sought: in all of it, or among the cells near some of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from exchange.disclosure.arrays import Integers, Mask
from exchange.disclosure.audit.component import Component
from exchange.disclosure.audit.parts import directions
from exchange.disclosure.audit.programmes import MakeSolver, Meter, Programmes
from exchange.disclosure.audit.proof import Proof
from exchange.disclosure.audit.vicinity import Vicinity

LARGE = 2_000
"""Cells of a component beyond which tables are sought in its regions, before they are sought in all of it."""

NEAR = (60, 150, 300, 600, 1_000, 1_500, 2_000)
"""Cells of a region after one, two, … steps along rows from its first cell, at most; half of them can move, the others
stand alone with what lies outside."""

WIDE = (*NEAR, 4_000, 8_000)
"""The same where the first regions hold no table, in a component for which one programme takes much longer still."""

CORE = 1
"""What the step of this number has met, from 0, is pushed: what lies farther out has its neighbours elsewhere."""


@dataclass(frozen=True, slots=True)
class Region:
    """Some cells of a component that may move while all others stay as they are in the anchor.

    Attributes:
        cells: Their places in the component, in order.
        core: By cell of the component, whether it is pushed here.
        part: The cells as a component of their own.
        programmes: Over this part.
    """

    cells: Integers
    core: Mask
    part: Component
    programmes: Programmes

    def push(self, proof: Proof, pushes: dict[int, int], low: Integers, high: Integers) -> None:
        """Offer the table that moves these cells as far as is asked, or as far as it can, and others least.

        Args:
            proof: Takes what is found.
            pushes: By cell of the component, how far in lattice steps, up or down.
            low: By cell of the component, what it is to be at least.
            high: And at most.

        Raises:
            OutOfWorkError: No work is left.
        """
        places = dict(zip(np.searchsorted(self.cells, list(pushes)).tolist(), pushes.values(), strict=True))
        deviation = self.programmes.shortest(places, low[self.cells], high[self.cells])
        for moved, amounts, denominator in directions(self.part, deviation):
            proof.offer(self.cells[moved], amounts, denominator)


def everywhere(component: Component, programmes: Programmes) -> Region:
    """The whole component."""
    return Region(np.arange(component.size), np.ones(component.size, dtype=np.bool_), component, programmes)


def regions(proof: Proof, meter: Meter, make: MakeSolver) -> Iterator[Region]:
    """Small regions, then for what these leave open wide ones, where the component is larger."""
    yield from _regions(proof, NEAR, meter, make)
    if proof.component.size > WIDE[-1]:
        yield from _regions(proof, WIDE, meter, make)


def _regions(proof: Proof, sizes: Sequence[int], meter: Meter, make: MakeSolver) -> Iterator[Region]:
    """Each open cell in the core of one region; a cell that was proved in the region of another gets none."""
    component = proof.component
    vicinity = Vicinity(component, proof.anchor)
    left = np.ones(component.size, dtype=np.bool_)
    for cell in np.random.default_rng(component.size).permutation(np.flatnonzero(proof.open)).tolist():
        if left[cell] and proof.open[cell]:
            steps = vicinity.steps(cell, sizes)
            cells = vicinity.tied(np.sort(steps[-1]))
            core = np.zeros(component.size, dtype=np.bool_)
            core[steps[CORE]] = left[steps[CORE]]
            left[core] = False
            movable = np.zeros(component.size, dtype=np.bool_)
            movable[cells] = True
            core &= movable
            if core.any():
                part = vicinity.part(cells)
                yield Region(cells, core, part, Programmes(part, proof.anchor[cells], meter, make))
