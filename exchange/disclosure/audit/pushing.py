"""Open cells pushed one after another, each in every way that it lacks, until pushing it has no effect."""

from collections.abc import Collection, Iterator, Mapping
from typing import Protocol

import numpy as np

from exchange.disclosure.arrays import Mask
from exchange.disclosure.audit.component import FAR
from exchange.disclosure.audit.proof import OUTSIDER, Proof

ROUNDS_MAX = 6
"""Tables for one cell and way, each for attackers whom those before did not convince."""

SEARCHES_MIN = 200
"""Searches after which all of them are given up if few prove anything."""

WORTH = 0.2
"""The share that must prove something."""

_UP, _DOWN, _APART = range(3)


class Pusher(Protocol):
    """Looks for a table that moves one cell."""

    def push(self, cell: int, far: int, known: Collection[int], least: Mapping[int, int] | None) -> None:
        """Offer tables that move a cell of the component so far up or down.

        Args:
            cell: Its place.
            far: In lattice steps.
            known: Cells that are to stay as they are.
            least: What cells are to be at least; None: what any attacker knows of them.
        """


class Pushing:
    """Has the open cells of one component pushed.

    Args:
        proof: Knows what is open.
        pusher: Pushes.
    """

    def __init__(self, proof: Proof, pusher: Pusher, among: Mask | None = None) -> None:
        self._proof, self._pusher, self._among = proof, pusher, among
        self._draw = np.random.default_rng(proof.component.size)
        self._searches = self._proving = 0
        self._parts_known = not np.array_equal(proof.floor, proof.component.low)

    def run(self) -> None:
        """Push every open cell each way that is lacking, until pushing it has no effect.

        Raises:
            OutOfWorkError: No work is left.
        """
        waiting = np.flatnonzero(self._proof.open if self._among is None else self._proof.open & self._among)
        for cell in self._draw.permutation(waiting).tolist():
            self._search(cell)
            if self._searches >= SEARCHES_MIN and self._proving < WORTH * self._searches:
                return

    def _search(self, cell: int) -> None:
        """One cell, until a push has no effect: where one way is shut, the others mostly are."""
        for way in (_UP, _DOWN, _APART):
            for _ in range(ROUNDS_MAX):
                before = self._proof.lacking(cell)[way]
                if not before:
                    break
                self._searches += 1
                if not self._convinced(cell, way, before):
                    return
                self._proving += 1

    def _convinced(self, cell: int, way: int, bits: int) -> bool:
        """Whether some push changed what is lacking."""
        for among, known, least in self._known(bits):
            for far in self._goals(cell, way, among):
                self._pusher.push(cell, far, known, least)
                if self._proof.lacking(cell)[way] != bits:
                    return True
        return False

    def _known(self, bits: int) -> Iterator[tuple[int, Collection[int], Mapping[int, int] | None]]:
        """To whom a table is to speak, the cells that stay as they are in it, and what cells are to be at least.

        For the outsider, it keeps to what all contributors know of their own parts if it can. Once the outsider is
        convinced, it leaves alone what all know who are not; or half of them, or fewer, down to one.
        """
        if bits & OUTSIDER:
            yield OUTSIDER, (), None
            if self._parts_known:
                yield OUTSIDER, (), {}
            return
        while True:
            yield bits, *self._proof.knowledge(bits)
            if not bits & (bits - 1):
                return
            bits = _half(bits)

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


def _half(bits: int) -> int:
    """The lower half of these bits."""
    half = bits
    for _ in range((bits.bit_count() + 1) // 2):
        half &= half - 1
    return bits ^ half
