"""What a reader does not know: the withheld cells of a view, in parts that no relation joins, in exact integers."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np

from exchange.disclosure.arrays import Floats, Indices, Integers, Mask
from exchange.disclosure.problem import View

FAR = 2**60
"""Stands for "no bound" among integers; beyond every figure."""

LARGEST = 2**52
"""Figures and deviations stay below: they are the same as integers and as floating-point numbers."""

FRACTIONS = (2520, 60, 1)
"""Where figures need not be whole, tables are searched in such parts of the unit, the finest that figures are small
enough for: halves, thirds, … tenths are exact in the first."""


@dataclass(frozen=True, slots=True)
class Component:
    """Unknown cells that relations join, directly or not; all numbers in 1/`scale` of the table's unit.

    Attributes:
        cells: Their numbers in the view's system.
        starts: Where each row begins in `columns`, and the end of the last (CSR).
        columns: Places in `cells`.
        coefficients: One per entry.
        exact: By row, whether Σ coefficient × cell = right, or only ≤.
        right: By row.
        low: By cell; −FAR for no bound.
        high: By cell; FAR for no bound.
        scale: 1 where figures are whole numbers.
    """

    cells: Integers
    starts: Indices
    columns: Indices
    coefficients: Integers
    exact: Mask
    right: Integers
    low: Integers
    high: Integers
    scale: int

    @property
    def size(self) -> int:
        """How many cells."""
        return len(self.cells)

    def sums(self, values: Integers) -> Integers:
        """Σ coefficient × value by row."""
        return row_sums(self.starts, self.coefficients * values[self.columns])

    def holds(self, values: Integers) -> bool:
        """Whether this is a table that the reader must hold possible: every row and every bound, in exact integers."""
        if len(values) != self.size or (values < self.low).any() or (values > self.high).any():
            return False
        if int(np.abs(values).max(initial=0)) * self.heaviest() > LARGEST**2 // 4:
            return False
        excess = self.sums(values) - self.right
        return not np.where(self.exact, excess != 0, excess > 0).any()

    def heaviest(self) -> int:
        """The largest sum of a row's coefficients, whatever their signs."""
        return int(row_sums(self.starts, np.abs(self.coefficients)).max(initial=1))

    def neighbours(self, cells: Mask) -> Mask:
        """These cells, and all that share a row with one of them."""
        touched = np.zeros(len(self.exact), dtype=np.bool_)
        rows = row_numbers(self.starts)
        touched[rows[cells[self.columns]]] = True
        found = cells.copy()
        found[self.columns[touched[rows]]] = True
        return found


def row_sums(starts: Indices, terms: Integers) -> Integers:
    """The sum of the terms of each row."""
    ends = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(terms)))
    return ends[starts[1:]] - ends[starts[:-1]]


def row_numbers(starts: Indices) -> Integers:
    """The row of each entry."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def components(view: View) -> Iterator[Component]:
    """The withheld cells of a view, part by part, in order of their first cell."""
    system, scale = view.system, _scale(view)
    unknown = ~view.known
    right = (
        system.right
        - row_sums(system.starts, system.coefficients * np.where(view.known, view.figures, 0)[system.columns])
    ) * scale
    low, high = lattice(view.low, scale, up=True), lattice(view.high, scale, up=False)
    rows = row_numbers(system.starts)
    kept = unknown[system.columns]
    entry_rows, entry_cells, factors = rows[kept], system.columns[kept].astype(np.int64), system.coefficients[kept]
    label = joined(len(unknown), entry_rows, entry_cells)
    order = np.argsort(label[entry_cells], kind="stable")
    entry_rows, entry_cells, factors = entry_rows[order], entry_cells[order], factors[order]
    cells = np.flatnonzero(unknown)
    cells = cells[np.argsort(label[cells], kind="stable")]
    heads, first = np.unique(label[cells], return_index=True)
    last = np.append(first[1:], len(cells))
    begins = np.searchsorted(label[entry_cells], heads)
    ends = np.searchsorted(label[entry_cells], heads, side="right")
    place = np.empty(len(unknown), dtype=np.int64)
    for number in range(len(heads)):
        own = cells[first[number] : last[number]]
        place[own] = np.arange(len(own))
        part = slice(begins[number], ends[number])
        numbers, lengths = np.unique(entry_rows[part], return_counts=True)
        yield Component(
            cells=own,
            starts=np.concatenate(([0], np.cumsum(lengths))).astype(np.int32),
            columns=place[entry_cells[part]].astype(np.int32),
            coefficients=factors[part],
            exact=system.exact[numbers],
            right=right[numbers],
            low=low[own],
            high=high[own],
            scale=scale,
        )


def _scale(view: View) -> int:
    largest = int(np.abs(np.where(view.known, view.figures, 0)).max(initial=0))
    return 1 if view.whole else next((scale for scale in FRACTIONS if scale * largest <= LARGEST // 4), 1)


def joined(size: int, rows: Integers, columns: Integers) -> Integers:
    """By column, the least column that rows join it to; entries in order of their rows."""
    label = np.arange(size)
    if not len(rows):
        return label
    begins = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1])))
    lengths = np.diff(np.append(begins, len(rows)))
    while True:
        least = np.repeat(np.minimum.reduceat(label[columns], begins), lengths)
        before = label.copy()
        np.minimum.at(label, columns, least)
        np.minimum.at(label, before[columns], least)
        label = label[label]
        if np.array_equal(label, before):
            return label


def lattice(bounds: Floats, scale: int, *, up: bool) -> Integers:
    """Bounds in 1/scale, rounded to what still holds for whole multiples of it (exactly: no floating-point product)."""
    rounded = ceil if up else floor
    found = np.where(bounds > 0, FAR, -FAR)
    exact = (np.abs(bounds) <= LARGEST // scale) & (bounds == np.rint(bounds))
    found[exact] = bounds[exact].astype(np.int64) * scale
    for place in np.flatnonzero(np.isfinite(bounds) & ~exact).tolist():
        found[place] = max(-FAR, min(FAR, rounded(Fraction(float(bounds[place])) * scale)))
    return found
