"""The cells that a programme for one cell needs to look at: near by the relations."""

import numpy as np

from exchange.disclosure.arrays import Indices, Integers, Mask
from exchange.disclosure.optimise.ground import Ground


def movable_together(ground: Ground, allowed: Mask) -> Indices:
    """Those of the allowed cells that can deviate at all: in no equation is one of them alone; in ascending order."""
    cells = np.flatnonzero(allowed).astype(np.int32)
    while True:
        counts, rows, _ = ground.entries(cells)
        lonely = (np.bincount(rows, minlength=len(ground.exact)) == 1) & ground.exact
        stuck = np.zeros(len(cells), dtype=np.bool_)
        np.logical_or.at(stuck, np.repeat(np.arange(len(cells)), counts), lonely[rows])
        if not stuck.any():
            return cells
        cells = cells[~stuck]


def ball(ground: Ground, cell: int, allowed: Mask, size_max: int) -> Indices:
    """The allowed cells that fewest relations from this cell reach, about so many, in ascending order."""
    left = allowed.copy()
    left[cell] = False
    rows_left = np.ones(len(ground.exact), dtype=np.bool_)
    border = np.array([cell], dtype=np.int32)
    found, count = [border], 1
    while len(border) and count < size_max:
        counts, rows, _ = ground.entries(border)
        firsts = _firsts(rows, rows_left)
        rows_left[rows] = False
        lengths, cells = ground.cells_of(rows[firsts])
        kept = _firsts(cells, left)
        further = cells[kept]
        left[further] = False
        # Of the last step only what the first cells of the border reach, as many of these as it takes.
        reached_by = np.repeat(np.repeat(np.arange(len(border)), counts)[firsts], lengths)[kept]
        reached = np.cumsum(np.bincount(reached_by, minlength=len(border)))
        last = int(np.searchsorted(reached, size_max - count))
        border = further[reached_by <= last]
        found.append(border)
        count += len(border)
    return np.sort(np.concatenate(found))


def _firsts(numbers: Indices, wanted: Mask) -> Integers:
    """Where each of the wanted numbers comes first, in that order."""
    places = np.flatnonzero(wanted[numbers])
    _, first = np.unique(numbers[places], return_index=True)
    found: Integers = places[np.sort(first)]
    return found
