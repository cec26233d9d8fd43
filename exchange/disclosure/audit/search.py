"""The search for tables that prove many cells at once.

A programme looks for the shortest deviation from the anchor that pushes a batch of cells as far as each still lacks.
Short deviations touch few cells, so they speak to nearly every insider; where they do not, the cells that those
insiders know are held fast in the next programme.
"""

import numpy as np

from exchange.disclosure.arrays import Integers
from exchange.disclosure.audit.proof import OUTSIDER, Proof
from exchange.disclosure.audit.region import Region

SPREAD = 100
"""One programme pushes one of so many cells: apart enough that each gets a deviation of its own."""

FEWEST = 3
"""But at least so many."""

MOST = 10
"""And no more: in a component of 50,000 cells a programme that pushed 30 of them took 5 s and proved few."""

TRIES_MAX = 2
"""Programmes that push a cell without effect, before it is looked at alone."""


class Sweep:
    """Pushes the open cells of one component in batches.

    Args:
        proof: Takes what is found.
        region: Where to look.
    """

    def __init__(self, proof: Proof, region: Region) -> None:
        self._proof, self._region = proof, region
        self._draw = np.random.default_rng(proof.component.size)

    def run(self, among: int) -> None:
        """Push open cells, each until pushing it has no effect.

        Args:
            among: The attackers for whom; bits. For insiders, cells that are open to the outsider are left aside: they
                are looked at alone, and most likely are not safe.

        Raises:
            OutOfWorkError: No work is left.
        """
        tries = np.zeros(self._proof.component.size, dtype=np.int64)
        while waiting := self._waiting(tries, among):
            pushes, fixed = self._batch(waiting, among)
            before = {cell: self._proof.against(cell) for cell in pushes}
            self._push(pushes, fixed)
            for cell, bits in before.items():
                tries[cell] = tries[cell] + 1 if self._proof.against(cell) == bits else 0

    def _waiting(self, tries: Integers, among: int) -> list[int]:
        cells: list[int] = np.flatnonzero(self._proof.open & self._region.core & (tries < TRIES_MAX)).tolist()
        aside = OUTSIDER & ~among
        found = [(cell, self._proof.against(cell)) for cell in cells]
        return [cell for cell, bits in found if bits & among and not bits & aside]

    def _batch(self, waiting: list[int], among: int) -> tuple[dict[int, int], Integers]:
        """Some of the cells, how far to push each, and the cells that the attackers still to be convinced know."""
        pushes: dict[int, int] = {}
        fixed: set[int] = set()
        enough = min(max(FEWEST, len(self._region.cells) // SPREAD), MOST)
        for place in self._draw.permutation(len(waiting)).tolist():
            cell = waiting[place]
            known = self._known_to(self._proof.against(cell) & among)
            if cell in fixed or not known.isdisjoint(pushes):
                continue
            pushes[cell] = self._lacking(cell, among)
            fixed |= known
            if len(pushes) == enough:
                break
        return pushes, np.array(sorted(fixed), dtype=np.int64)

    def _known_to(self, bits: int) -> set[int]:
        found: set[int] = set()
        while bits:
            bit = bits & -bits
            found.update(self._proof.attacker(bit).known)
            bits ^= bit
        return found

    def _lacking(self, cell: int, among: int) -> int:
        """How far from the anchor, and which way, the cell must be seen next."""
        up, down, apart = self._proof.lacking(cell)
        demands, anchor = self._proof.demands, int(self._proof.anchor[cell])
        if up & among:
            return int(demands.reach[cell]) - anchor
        if down & among:
            return int(demands.fall[cell]) - anchor
        least, most = self._proof.ends(cell, apart & among & -(apart & among))
        width = int(demands.width[cell])
        return least + width if self._draw.integers(2) else most - width

    def _push(self, pushes: dict[int, int], fixed: Integers) -> None:
        low, high = self._proof.floor.copy(), self._proof.component.high.copy()
        low[fixed] = high[fixed] = self._proof.anchor[fixed]
        self._region.push(self._proof, pushes, low, high)
