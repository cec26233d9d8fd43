"""Replacing a dear cell by cheaper ones: publish it, protect anew what leaned on it, publish what that made idle."""

from collections.abc import Callable

import numpy as np

from exchange.disclosure.optimise.cleanup import clean_up, secondary
from exchange.disclosure.optimise.programmes import StoppedError
from exchange.disclosure.optimise.protection import Protection

IDLE_MAX = 12
"""So many of the dearest cells near by are tried for publication after an exchange."""

WORTH_TRYING = 1.5
"""An exchange is followed up if what it withholds costs at most this times what it publishes."""


def exchanged(
    protection: Protection,
    *,
    solved_max: int,
    progress: Callable[[float], None],
    found: Callable[[float], None],
) -> Protection:
    """The pattern after trying each secondary cell once, the dearest first, in so many programmes at most."""
    best, first = protection, protection.programmes.solved
    for cell in secondary(protection):
        solved = best.programmes.solved
        if solved >= solved_max:
            break
        progress((solved - first) / max(solved_max - first, 1))
        try:
            better = _without(best, cell) if best.withheld[cell] else None
        except StoppedError:
            break
        if better is not None:
            best = better
            found(best.cost())
    return best


def _without(best: Protection, cell: int) -> Protection | None:
    """A cheaper safe pattern in which this cell is published, if one is found."""
    trial = best.copy()
    leaning = sorted(trial.pool.leaning(cell))
    trial.pool.drop(cell)
    trial.withheld[cell] = False
    before = trial.withheld.copy()
    if not trial.try_to_protect(leaning, forbidden=cell, worth=WORTH_TRYING * float(best.ground.weights[cell])):
        return None
    added = np.flatnonzero(trial.withheld & ~before).tolist()
    near = {other for new in added for other in trial.pool.leaning(new)} - set(added)
    idle = [other for other in secondary(trial) if other in near][:IDLE_MAX]
    clean_up(trial, idle, solved_max=trial.programmes.solved + 4 * IDLE_MAX)
    return trial if trial.cost() < best.cost() else None
