"""The cells near one cell: where a table of few cells that moves it most likely lies.

A programme over a few hundred cells takes a thousandth of a second however large the component. What it finds there is
a table of the whole: all other cells stay as they are. What it does not find may still be found elsewhere.
"""

from collections.abc import Sequence

import numpy as np

from exchange.disclosure.arrays import Integers
from exchange.disclosure.audit.component import Component, row_numbers


class Vicinity:
    """Finds the cells near a cell of one component.

    Args:
        component: The unknown cells.
        anchor: The table from which they move.
    """

    def __init__(self, component: Component, anchor: Integers) -> None:
        self._component, self._anchor = component, anchor
        self._starts, self._columns = component.starts.astype(np.int64), component.columns.astype(np.int64)
        self._cell_starts, self._rows = cell_starts(component), cell_rows(component)
        self._room = component.right - component.sums(anchor)
        self._seen = np.zeros(component.size, dtype=np.bool_)

    def steps(self, cell: int, sizes: Sequence[int]) -> list[Integers]:
        """The cell and those near it, after one, two, … steps along rows; each with all before it.

        Of the cells that a step along the rows meets, those come first that lie in most of its rows, since they close
        the way back; then those with most room to fall.

        Args:
            cell: Where to begin.
            sizes: How many cells there are at most after each step.
        """
        component = self._component
        found = np.array([cell], dtype=np.int64)
        self._seen[cell] = True
        steps: list[Integers] = []
        for size in sizes:
            rows = np.unique(gather(self._cell_starts, self._rows, found))
            met, times = np.unique(gather(self._starts, self._columns, rows), return_counts=True)
            new = ~self._seen[met]
            met, times = met[new], times[new]
            room = self._anchor[met] - component.low[met]
            nearest = met[np.lexsort((-room, -times))[: max(0, size - len(found))]]
            self._seen[nearest] = True
            found = np.concatenate((found, nearest))
            steps.append(found)
        self._seen[found] = False
        return steps

    def tied(self, cells: Integers) -> Integers:
        """Those of these cells, in order, that can move at all while every other cell stays: in no equation alone."""
        rows = np.unique(gather(self._cell_starts, self._rows, cells))
        columns = gather(self._starts, self._columns, rows)
        row = np.repeat(np.arange(len(rows)), self._starts[rows + 1] - self._starts[rows])
        moving = np.zeros(self._component.size, dtype=np.bool_)
        moving[cells] = True
        while True:
            kept = moving[columns]
            row, columns = row[kept], columns[kept]
            lonely = (np.bincount(row, minlength=len(rows)) == 1) & self._component.exact[rows]
            stuck = columns[lonely[row]]
            if not len(stuck):
                return cells[moving[cells]]
            moving[stuck] = False

    def part(self, cells: Integers) -> Component:
        """These cells as a component of their own, in whose tables all others stand as in the anchor."""
        component = self._component
        rows = np.unique(gather(self._cell_starts, self._rows, cells))
        columns, factors = (gather(self._starts, of, rows) for of in (self._columns, component.coefficients))
        place = np.minimum(np.searchsorted(cells, columns), len(cells) - 1)
        inside = cells[place] == columns
        row = np.repeat(np.arange(len(rows)), self._starts[rows + 1] - self._starts[rows])[inside]
        starts = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=len(rows)))))
        terms = factors[inside] * self._anchor[columns[inside]]
        sums = np.zeros(len(rows), dtype=np.int64)
        np.add.at(sums, row, terms)
        return Component(
            cells=component.cells[cells],
            starts=starts.astype(np.int32),
            columns=place[inside].astype(np.int32),
            coefficients=factors[inside],
            exact=component.exact[rows],
            right=sums + self._room[rows],
            low=component.low[cells],
            high=component.high[cells],
            scale=component.scale,
        )


def cell_starts(component: Component) -> Integers:
    """Where the rows of each cell begin in `cell_rows`, and the end of the last."""
    return np.concatenate(([0], np.cumsum(np.bincount(component.columns, minlength=component.size))))


def cell_rows(component: Component) -> Integers:
    """The rows of each cell, cell by cell."""
    return row_numbers(component.starts)[np.argsort(component.columns, kind="stable")]


def gather(starts: Integers, items: Integers, numbers: Integers) -> Integers:
    """The items of these lists, one list after another."""
    lengths = starts[numbers + 1] - starts[numbers]
    firsts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    found: Integers = items[np.repeat(starts[numbers] - firsts, lengths) + np.arange(lengths.sum())]
    return found
