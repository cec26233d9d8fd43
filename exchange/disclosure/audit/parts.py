"""From a solver's floating-point deviation to directions in whole numbers, part by part.

What moves in one solution falls into parts that no row joins. Each is a deviation of its own: where one part's corner
is a fraction, the others stand, and a part of few cells leaves most insiders' own cells alone.
"""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

from exchange.disclosure.arrays import Floats, Integers, Mask
from exchange.disclosure.audit.component import LARGEST, Component, joined, row_numbers

DENOMINATORS = (1, 2, 3, 4, 5, 6)
"""Fractions that most corners of tables have; tried of all parts at once."""

DENOMINATOR_MAX = 10_000
"""Corners with finer fractions than these are left to another programme."""

_WHOLE = 1e-4
"""Lattice steps by which the solver may miss a whole number and still have meant it."""

NEGLIGIBLE = 0.01
"""Below this share of the lattice's step, a cell does not move: less than any fraction that is tried."""


Direction: TypeAlias = tuple[Integers, Integers, int]
"""Cells in order; how far they move, times a denominator, in whole numbers; that denominator."""


def directions(component: Component, deviation: Floats) -> Iterator[Direction]:
    """The parts of a deviation (in lattice steps, nearly exact), as whole amounts that sum to 0 in every row.

    A sum that is only ≤ joins its cells as an equation does, but may change.
    """
    moved = np.flatnonzero(np.abs(deviation) > NEGLIGIBLE)
    if not len(moved):
        return
    rows, columns, factors = _entries(component, moved)
    label = joined(len(moved), rows, columns)
    open_parts = np.ones(len(moved), dtype=np.bool_)
    for denominator in DENOMINATORS:
        scaled = deviation[moved] * denominator
        amounts = np.rint(np.clip(scaled, -float(LARGEST), float(LARGEST))).astype(np.int64)
        bad = _broken(component, rows, factors * amounts[columns])
        broken = np.zeros(len(moved), dtype=np.bool_)
        broken[label[columns[bad]]] = True
        good = open_parts & ~broken[label]
        for part in _split(label, good & (amounts != 0)):
            yield moved[part], amounts[part], denominator
        open_parts &= ~good
        if not open_parts.any():
            return
    for part in _split(label, open_parts):
        amounts, denominator = _in_fractions(deviation[moved[part]])
        if len(amounts):
            yield moved[part], amounts, denominator


def _entries(component: Component, moved: Integers) -> tuple[Integers, Integers, Integers]:
    """The entries of the cells that move: row, place among them, coefficient."""
    place = np.full(component.size, -1, dtype=np.int64)
    place[moved] = np.arange(len(moved))
    found = place[component.columns]
    kept = found >= 0
    return row_numbers(component.starts)[kept], found[kept], component.coefficients[kept]


def _broken(component: Component, rows: Integers, terms: Integers) -> Mask:
    """The entries whose row is an equation that these terms do not leave as it is."""
    if not len(rows):
        return np.zeros(0, dtype=np.bool_)
    begins = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1])))
    changed = (np.add.reduceat(terms, begins) != 0) & component.exact[rows[begins]]
    return np.repeat(changed, np.diff(np.append(begins, len(rows))))


def _split(label: Integers, wanted: Mask) -> Iterator[Integers]:
    """These places, part by part."""
    kept = np.flatnonzero(wanted)
    kept = kept[np.argsort(label[kept], kind="stable")]
    if len(kept):
        yield from np.split(kept, np.flatnonzero(np.diff(label[kept])) + 1)


def _in_fractions(deviation: Floats) -> tuple[Integers, int]:
    """The amounts times their common denominator, and this; nothing if it is too large."""
    common, furthest, none = 1, float(np.abs(deviation).max()), (np.empty(0, dtype=np.int64), 1)
    if not furthest <= LARGEST:
        return none
    for amount in deviation.tolist():
        scaled = amount * common * _MULTIPLES
        meant = np.flatnonzero(np.abs(scaled - np.rint(scaled)) < _WHOLE)
        common *= int(meant[0]) + 1 if len(meant) else DENOMINATOR_MAX + 1
        if common > DENOMINATOR_MAX or furthest * common > LARGEST:
            return none
    return np.rint(deviation * common).astype(np.int64), common


_MULTIPLES = np.arange(1, 301, dtype=np.float64)
