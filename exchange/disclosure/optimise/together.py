"""Protecting many cells at once: one programme pushes several of them, and falls into a witness for each.

In a large table the programme for one cell is hardly shorter than that for ten, and what ten share is found together.
"""

import numpy as np

from exchange.disclosure.arrays import Floats, Indices, Mask
from exchange.disclosure.optimise.attackers import OUTSIDER
from exchange.disclosure.optimise.pool import Need, Pool, Witness
from exchange.disclosure.optimise.protection import NOTHING, Protection

PIECES = (1 / 10, 1 / 4, 1, 1)
"""In a table that is too large for one programme it looks at so much of what it can around the first cell; then, for
what is left, at more. What the last of these leaves is looked at cell by cell."""

TRIES_MAX = 2
"""Programmes that push a cell in vain, before it is looked at alone."""


def protect_all(protection: Protection, cells: list[int], *, within: Pool | None = None) -> None:
    """As `Protection.protect`: in a large table many cells at once, then each that is left alone.

    Args:
        protection: The pattern in the making.
        cells: In the order in which they are looked at.
        within: As there.

    Raises:
        UnprotectableError: Nothing that may be withheld protects some cell.
    """
    if protection.effort.together > 1:
        allowed = protection.usable if within is None else protection.usable & within.withheld
        order = cells
        if protection.ground.size > protection.effort.whole_max:
            # Piece by piece, who needs little finds it near by, and leaves a dense pattern for those that need much.
            order = cells[::-1]
            for share in PIECES:
                order = _together(protection, order, allowed, int(share * protection.effort.whole_max))
            cells = order
        else:
            cells = _together(protection, order, allowed, protection.ground.size)
    protection.protect(cells, within=within)


def _together(protection: Protection, cells: list[int], allowed: Mask, size: int) -> list[int]:
    """Withhold more for these cells and those that get withheld for them; the cells that were pushed in vain."""
    queue = _Queue(cells)
    tries: dict[int, int] = {}
    alone: list[int] = []
    while (cell := queue.first()) is not None:
        looked_at = _looked_at(protection, cell, allowed, size)
        needs = _batch(protection, queue, looked_at)
        if not needs:
            continue
        met, added = _pushed(protection, needs, looked_at)
        for need in needs:
            tries[need.cell] = 0 if need.cell in met else tries.get(need.cell, 0) + 1
            if tries[need.cell] == TRIES_MAX:
                queue.leave(need.cell)
                alone.append(need.cell)
        queue.join(added)
    return alone


class _Queue:
    """The cells that wait, in the order in which they came."""

    def __init__(self, cells: list[int]) -> None:
        self._order = list(cells)
        self._rank = {cell: rank for rank, cell in enumerate(cells)}
        self._next = 0

    def first(self) -> int | None:
        """The one that has waited longest."""
        while self._next < len(self._order):
            if self._order[self._next] in self._rank:
                return self._order[self._next]
            self._next += 1
        return None

    def among(self, cells: Indices) -> list[int]:
        """Those of these cells that wait, in their order."""
        return sorted((cell for cell in cells.tolist() if cell in self._rank), key=lambda cell: self._rank[cell])

    def leave(self, cell: int) -> None:
        """It waits no longer."""
        self._rank.pop(cell, None)

    def join(self, cells: list[int]) -> None:
        """At the end."""
        for cell in cells:
            if cell not in self._rank:
                self._rank[cell] = len(self._order)
                self._order.append(cell)


def _looked_at(protection: Protection, cell: int, allowed: Mask, size: int) -> Indices:
    cells = protection.entangled(allowed)
    return cells if len(cells) <= size else protection.near(cell, allowed, size)


def _batch(protection: Protection, queue: _Queue, cells: Indices) -> list[Need]:
    """What the first few of these cells lack that can be pushed at once; who lacks nothing leaves the queue."""
    attackers = protection.ground.attackers
    needs: list[Need] = []
    targets: set[int] = set()
    fixed: set[int] = set()
    first = queue.first()
    for cell in [first, *queue.among(cells)] if first is not None else []:
        need = protection.pool.lacking(cell) if protection.withheld[cell] and cell not in targets else None
        if need is None:
            if cell not in targets:
                queue.leave(cell)
            continue
        known = attackers.known(need.insiders)
        if cell in fixed or not known.isdisjoint(targets):
            continue
        needs.append(need)
        targets.add(cell)
        fixed |= known
        if len(needs) == protection.effort.together:
            break
    return needs


def _pushed(protection: Protection, needs: list[Need], cells: Indices) -> tuple[set[int], list[int]]:
    """The cells that a new witness gives what they lacked, and the cells that got withheld for it."""
    pool = protection.pool
    costs = np.where(pool.withheld[cells], NOTHING, protection.prices[cells])
    found = protection.programmes.cheapest_together(
        cells,
        costs,
        {need.cell: need.way * need.length(need.way) for need in needs},
        OUTSIDER.union(*(need.insiders for need in needs)),
    )
    met: set[int] = set()
    added: list[int] = []
    if found is None:
        return met, added
    for witness in _witnesses(protection, found, cells):
        served = {need.cell for need in needs if pool.meets(witness, need, need.way)}
        if served:
            met |= served
            added += protection.keep(witness)
    return met, added


def _witnesses(protection: Protection, deviation: Floats, cells: Indices) -> list[Witness]:
    """The parts of a deviation that no relation joins."""
    moved = np.flatnonzero(deviation)
    place_of = {int(cells[place]): int(place) for place in moved}
    left = set(place_of)
    found: list[Witness] = []
    for first in place_of:
        if first not in left:
            continue
        left.remove(first)
        part, border = [first], [first]
        while border:
            rows = {row for cell in border for row in protection.ground.rows_of_cell[cell]}
            border = sorted({cell for row in rows for cell in protection.ground.cells_of_row[row]} & left)
            left.difference_update(border)
            part += border
        part.sort()
        witness = protection.pool.witness(deviation[[place_of[cell] for cell in part]], part)
        if witness is not None:
            found.append(witness)
    return found
