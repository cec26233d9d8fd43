"""Publishing cells again that turned out not to be needed, the dearest first."""

import numpy as np

from exchange.disclosure.optimise.protection import Protection
from exchange.disclosure.optimise.together import protect_all


def thinned(protection: Protection, order: list[int]) -> Protection:
    """The same protected anew within its pattern, in another order: what the first order withheld early may be idle."""
    fresh = Protection(protection.ground, protection.programmes, protection.ground.primary, effort=protection.effort)
    protect_all(fresh, order, within=protection.pool)
    return fresh


def clean_up(protection: Protection, candidates: list[int], *, solved_max: int) -> list[int]:
    """Publish each of these cells that nothing needs; the dearest first.

    Returns:
        The cells that are published again.

    Raises:
        StoppedError: The pattern is safe; what was published is.
    """
    published: list[int] = []
    for cell in candidates:
        if protection.programmes.solved >= solved_max:
            break
        if protection.withheld[cell] and _publish(protection, cell):
            published.append(cell)
    return published


def secondary(protection: Protection) -> list[int]:
    """The cells that are withheld for others, dearest first."""
    cells = np.flatnonzero(protection.withheld & ~protection.ground.primary)
    order = np.lexsort((cells, -protection.ground.weights[cells]))
    found: list[int] = cells[order].tolist()
    return found


def _publish(protection: Protection, cell: int) -> bool:
    pool = protection.pool
    if any(_left_alone(protection, row, cell) for row in protection.ground.equations_of(cell)):
        return False
    near = {other for row in protection.ground.rows_of_cell[cell] for other in protection.ground.cells_of_row[row]}
    leaning = sorted(pool.leaning(cell), key=lambda other: (other not in near, other))
    gone = pool.drop(cell)
    pool.withheld[cell] = False
    proved = False
    try:
        proved = protection.prove(leaning)
    finally:
        if not proved:
            pool.withheld[cell] = True
            pool.restore(gone)
    return proved


def _left_alone(protection: Protection, row: int, cell: int) -> bool:
    """Whether publishing this cell would leave the row a single withheld one that needs something."""
    cells = protection.ground.cells_of_row[row]
    hidden = [other for other in cells if other != cell and protection.withheld[other]]
    return len(hidden) == 1 and protection.pool.demands(hidden[0])
