"""Protecting many cells at once: one programme pushes several of them, and falls into a witness for each.

In a large table the programme for one cell is hardly shorter than that for ten, and what ten share is found together.
"""

import numpy as np

from exchange.disclosure.arrays import Floats, Indices, Mask
from exchange.disclosure.optimise.attackers import OUTSIDER
from exchange.disclosure.optimise.pool import Need, Pool, Witness
from exchange.disclosure.optimise.protection import NOTHING, Protection
from exchange.disclosure.optimise.vicinity import ball

CELLS_MAX = 15_000
"""Cells of one programme; in a larger table it looks at so many around the first cell."""

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
        cells = _together(protection, cells, allowed)
    protection.protect(cells, within=within)


def _together(protection: Protection, cells: list[int], allowed: Mask) -> list[int]:
    """Withhold more for these cells and those that get withheld for them; the cells that are to be looked at alone."""
    waiting = list(cells)
    tries: dict[int, int] = {}
    alone: list[int] = []
    while waiting:
        cells_of_programme = _looked_at(protection, waiting[0], allowed)
        needs, waiting = _batch(protection, waiting, cells_of_programme)
        if not needs:
            break
        kept, added = _pushed(protection, needs, cells_of_programme)
        again: list[int] = []
        for need in needs:
            cell = need.cell
            tries[cell] = 0 if cell in kept else tries.get(cell, 0) + 1
            (alone if tries[cell] == TRIES_MAX else again).append(cell)
        waiting = [*again, *waiting, *added]
    return alone


def _looked_at(protection: Protection, cell: int, allowed: Mask) -> Indices:
    cells = protection.entangled(allowed)
    return cells if len(cells) <= CELLS_MAX else ball(protection.ground, cell, allowed, CELLS_MAX)


def _batch(protection: Protection, waiting: list[int], cells: Indices) -> tuple[list[Need], list[int]]:
    """What the first few cells lack that can be pushed at once; and the cells that still wait."""
    attackers, looked_at = protection.ground.attackers, set(cells.tolist())
    needs: list[Need] = []
    targets: set[int] = set()
    fixed: set[int] = set()
    left: list[int] = []
    for place, cell in enumerate(waiting):
        if len(needs) == protection.effort.together:
            left += waiting[place:]
            break
        if cell in targets or not protection.withheld[cell] or (need := protection.pool.lacking(cell)) is None:
            continue
        known = attackers.known(need.insiders)
        if needs and (cell not in looked_at or cell in fixed or not known.isdisjoint(targets)):
            left.append(cell)
            continue
        needs.append(need)
        targets.add(cell)
        fixed |= known
    return needs, left


def _pushed(protection: Protection, needs: list[Need], cells: Indices) -> tuple[set[int], list[int]]:
    """The cells that a new witness gives what they lacked, and the cells that got withheld for it."""
    pool = protection.pool
    costs = np.where(pool.withheld, NOTHING, protection.prices)[cells]
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
