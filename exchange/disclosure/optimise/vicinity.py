"""The cells that a programme for one cell needs to look at: near by the relations."""

import numpy as np

from exchange.disclosure.arrays import Indices, Mask
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
    seen = {cell}
    rows_done: set[int] = set()
    border = [cell]
    while border and len(seen) < size_max:
        further: list[int] = []
        for near in border:
            for row in ground.rows_of_cell[near]:
                if row not in rows_done:
                    rows_done.add(row)
                    new = [other for other in ground.cells_of_row[row] if allowed[other] and other not in seen]
                    seen.update(new)
                    further += new
            if len(seen) >= size_max:
                break
        border = further
    return np.array(sorted(seen), dtype=np.int32)
