"""The anchor of a component: one table that agrees with what is published and with what every insider knows."""

from collections.abc import Sequence

import numpy as np

from exchange.disclosure.arrays import Floats, Integers
from exchange.disclosure.audit.component import LARGEST, Component
from exchange.disclosure.audit.model import Reason
from exchange.disclosure.audit.programmes import MakeSolver, Meter, Programmes
from exchange.disclosure.audit.proof import Attacker
from exchange.disclosure.audit.solver import Ending

CORNERS_MAX = 4
"""Corners tried for one in lattice steps, before whole numbers are searched."""


def find_anchor(
    component: Component, attackers: Sequence[Attacker], hints: Sequence[Floats], meter: Meter, make: MakeSolver
) -> Integers | Reason:
    """An anchor, or why there is none.

    Args:
        component: The unknown cells.
        attackers: The outsider first.
        hints: Tables of the component that may do, in the table's unit.
        meter: Counts the work.
        make: Makes a solver.

    Raises:
        OutOfWorkError: No work is left.
    """
    low, high = _agreed(component, attackers)
    for hint in hints:
        table = in_lattice(hint * component.scale)
        if _is_anchor(component, table, low, high):
            return table
    programmes = Programmes(component, np.zeros(component.size, dtype=np.int64), meter, make)
    ending, found = _searched(component, programmes, low, high)
    if found is not None:
        return found
    if ending is not Ending.EMPTY:
        return Reason.UNFINISHED
    if len(attackers) > 1:
        ending, _ = _searched(component, programmes, component.low, component.high)
    return Reason.CONTRADICTION if ending is Ending.EMPTY else Reason.KNOWLEDGE


def in_lattice(values: Floats) -> Integers:
    """The nearest whole lattice steps; what is no number becomes one that no table has."""
    return np.rint(np.nan_to_num(np.clip(values, -2.0 * LARGEST, 2.0 * LARGEST), nan=2.0 * LARGEST)).astype(np.int64)


def _searched(
    component: Component, programmes: Programmes, low: Integers, high: Integers
) -> tuple[Ending, Integers | None]:
    draw = np.random.default_rng(component.size)
    for _ in range(CORNERS_MAX):
        ending, values, _ = programmes.farthest(draw.uniform(0.0, 1.0, component.size), low, high)
        if ending is Ending.UNBOUNDED:
            break
        if ending is not Ending.SOLVED:
            return ending, None
        table = in_lattice(values)
        if _is_anchor(component, table, low, high):
            return ending, table
    whole = component.scale == 1 and ending is not Ending.UNBOUNDED
    ending, values, _ = programmes.farthest(np.zeros(component.size), low, high, whole=whole)
    table = in_lattice(values)
    return ending, table if ending is Ending.SOLVED and _is_anchor(component, table, low, high) else None


def _agreed(component: Component, attackers: Sequence[Attacker]) -> tuple[Integers, Integers]:
    """The bounds that hold for every attacker at once."""
    low, high = component.low.copy(), component.high.copy()
    for attacker in attackers:
        for cell, bound in (*attacker.least.items(), *attacker.known.items()):
            low[cell] = max(int(low[cell]), bound)
        for cell, bound in attacker.known.items():
            high[cell] = min(int(high[cell]), bound)
    return low, high


def _is_anchor(component: Component, table: Integers, low: Integers, high: Integers) -> bool:
    return component.holds(table) and not ((table < low).any() or (table > high).any())
