"""From a solver's floating-point deviation to directions in whole numbers, part by part.

What moves in one solution falls into parts that no row joins. Each is a deviation of its own: where one part's corner
is a fraction, the others stand, and a part of few cells leaves most insiders' own cells alone.
"""

from collections.abc import Iterator

import numpy as np

from exchange.disclosure.arrays import Floats, Integers, Mask
from exchange.disclosure.audit.component import LARGEST, Component, joined, row_numbers

DENOMINATORS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
"""Fractions that corners of tables have; a part with others is left to another programme."""

NEGLIGIBLE = 0.01
"""Below this share of the lattice's step, a cell does not move: less than any fraction that is tried."""


def directions(component: Component, deviation: Floats) -> Iterator[tuple[Integers, Integers]]:
    """The parts of a deviation (in lattice steps, nearly exact), as cells and whole amounts that sum to 0 in every row.

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
        yield from _split(moved, amounts, label, good)
        open_parts &= ~good
        if not open_parts.any():
            return


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


def _split(moved: Integers, amounts: Integers, label: Integers, good: Mask) -> Iterator[tuple[Integers, Integers]]:
    kept = np.flatnonzero(good & (amounts != 0))
    kept = kept[np.argsort(label[kept], kind="stable")]
    if not len(kept):
        return
    heads = np.flatnonzero(np.diff(label[kept])) + 1
    for part in np.split(kept, heads):
        yield moved[part], amounts[part]
