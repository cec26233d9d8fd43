"""Tables that boxes give: of few cells each, found without a programme; the nearest neighbours of most cells have them.

A box is looked for among the withheld cells of a component alone, and offered like any other table: what it proves is
seen there.
"""

from collections.abc import Collection, Mapping

import numpy as np

from exchange.disclosure.arrays import Indices, Integers, Mask
from exchange.disclosure.audit.component import FAR
from exchange.disclosure.audit.proof import Proof
from exchange.disclosure.grid import Grid

WAYS = 10
"""Ways along each axis that are put together: those that change fewest cells, where the cells on the line allow it."""


class Boxes:
    """Finds boxes for the cells of one component.

    Args:
        proof: Takes what is found.
        grid: Of the whole table.
    """

    def __init__(self, proof: Proof, grid: Grid) -> None:
        component = proof.component
        self._proof, self._grid = proof, grid
        # Beyond the component's cells: one that is published or not there; one where a way is only filled up.
        self._place = np.full(grid.size + 2, component.size, dtype=np.int32)
        self._place[component.cells] = np.arange(component.size)
        self._place[grid.size] = component.size + 1
        self._place = self._place[grid.cells]
        self._up = np.append(np.minimum(component.high - proof.anchor, FAR), (-1, FAR))

    def push(self, cell: int, far: int, known: Collection[int], least: Mapping[int, int] | None) -> None:
        """Offer the box that moves a cell so far and, of these, touches most cells that are open.

        Args:
            cell: Of the component.
            far: In lattice steps, up or down.
            known: Cells that are to stay as they are.
            least: What cells are to be at least; None: what any attacker knows of them.
        """
        usable = np.ones(len(self._up), dtype=np.bool_)
        usable[list(known)] = False
        found = self._box(cell, far, self._down(least), usable)
        if found is not None:
            self._proof.offer(*found)

    def _down(self, least: Mapping[int, int] | None) -> Integers:
        proof = self._proof
        low = proof.floor if least is None else proof.component.low.copy()
        for cell, bound in (least or {}).items():
            low[cell] = max(int(low[cell]), bound)
        return np.append(np.minimum(proof.anchor - low, FAR), (-1, FAR))

    def _box(self, cell: int, far: int, down: Integers, usable: Mask) -> tuple[Integers, Integers] | None:
        grid, size, way = self._grid, abs(far), 1 if far > 0 else -1
        codes = grid.codes[self._proof.component.cells[cell]]
        own = codes * grid.strides
        places, signs = np.zeros((1, 1), dtype=np.int64), np.full((1, 1), way)
        for axis, code in enumerate(codes.tolist()):
            swaps = grid.swaps(axis, code)
            along = swaps.codes * grid.strides[axis]
            line = self._place[along + (own.sum() - own[axis])]
            fits = np.flatnonzero(self._fits(line, swaps.signs * way, size, down, usable))[:WAYS]
            if not len(fits):
                return None
            count = len(places) * len(fits)
            places = (places[:, None, :, None] + along[fits][None, :, None, :]).reshape(count, -1)
            signs = (signs[:, None, :, None] * swaps.signs[fits][None, :, None, :]).reshape(count, -1)
        cells = self._place[places]
        fits = np.flatnonzero(self._fits(cells, signs, size, down, usable))
        if not len(fits):
            return None
        best = fits[np.append(self._proof.open, (False, False))[cells[fits]].sum(axis=1).argmax()]
        moved = signs[best] != 0
        order = np.argsort(cells[best][moved])
        return cells[best][moved][order], size * signs[best][moved][order]

    def _fits(self, cells: Indices, signs: Integers, size: int, down: Integers, usable: Mask) -> Mask:
        room = np.where(signs > 0, self._up[cells], down[cells])
        found: Mask = ((room >= size) & usable[cells] | (signs == 0)).all(axis=1)
        return found
