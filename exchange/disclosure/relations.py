"""The contract's sums as arrays over the cells of one release: the definition of the statistic, without a rule.

Both the suppression and the audit read a table through this; it decides nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from exchange.disclosure.arrays import INFINITY, Indices, Integers, Mask, Rows
from exchange.pattern import Relation
from exchange.table import CellKey


@dataclass(frozen=True, slots=True)
class System:
    """Relations over `keys`: row i says Σ coefficient × cell = right (exact) or ≤ right.

    Attributes:
        keys: The cells, in the order of the columns.
        starts: Where each row begins in `columns` and `coefficients`, and the end of the last (CSR).
        columns: Cell numbers.
        coefficients: Their integers.
        exact: By row, whether it is an equation.
        right: By row, the known side.
    """

    keys: tuple[CellKey, ...]
    starts: Indices
    columns: Indices
    coefficients: Integers
    exact: Mask
    right: Integers

    @classmethod
    def of(cls, keys: Sequence[CellKey], relations: Iterable[Relation]) -> "System":
        """All relations over all of these cells, with nothing known."""
        number = {key: place for place, key in enumerate(keys)}
        starts, columns, coefficients, exact = [0], [], [], []
        for relation in relations:
            columns += [number[key] for key, _ in relation.terms]
            coefficients += [factor for _, factor in relation.terms]
            starts.append(len(columns))
            exact.append(relation.exact)
        return cls(
            tuple(keys),
            np.array(starts, dtype=np.int32),
            np.array(columns, dtype=np.int32),
            np.array(coefficients, dtype=np.int64),
            np.array(exact, dtype=np.bool_),
            np.zeros(len(exact), dtype=np.int64),
        )

    @property
    def row_of_entry(self) -> Integers:
        """The row number of each entry."""
        return np.repeat(np.arange(len(self.exact)), np.diff(self.starts))

    def sums(self, values: Integers) -> Integers:
        """Σ coefficient × value by row, in integers."""
        found = np.zeros(len(self.exact), dtype=np.int64)
        np.add.at(found, self.row_of_entry, self.coefficients * values[self.columns])
        return found

    def broken(self, values: Integers) -> Integers:
        """The rows that these values do not satisfy."""
        excess = self.sums(values) - self.right
        return np.flatnonzero(np.where(self.exact, excess != 0, excess > 0))

    def knowing(self, values: Mapping[CellKey, int]) -> "System":
        """The same system for a reader who knows these cells: their columns move to the right-hand side."""
        known = np.array([key in values for key in self.keys], dtype=np.bool_)
        figures = np.array([values.get(key, 0) for key in self.keys], dtype=np.int64)
        right = self.right - self.sums(np.where(known, figures, 0))
        return self._select(np.flatnonzero(~known), right)

    def components(self) -> list["System"]:
        """The parts that share no cell, in order of their first cell; rows without a cell are left out."""
        root = _components(len(self.keys), self.starts, self.columns)
        return [self._select(np.flatnonzero(root == first), self.right) for first in np.unique(root)]

    def matrix(self, columns: Indices | None = None) -> Rows:
        """The rows as the solver takes them: equations with both sides, bounds with the upper."""
        return Rows(
            self.starts,
            self.columns if columns is None else columns,
            self.coefficients.astype(np.float64),
            np.where(self.exact, self.right, -INFINITY).astype(np.float64),
            self.right.astype(np.float64),
        )

    def _select(self, cells: Integers, right: Integers) -> "System":
        place = np.full(len(self.keys), -1, dtype=np.int32)
        place[cells] = np.arange(len(cells), dtype=np.int32)
        kept = place[self.columns] >= 0
        counts = np.bincount(self.row_of_entry[kept], minlength=len(self.exact))
        rows = np.flatnonzero(counts)
        starts = np.concatenate(([0], np.cumsum(counts[rows])))
        return System(
            tuple(self.keys[cell] for cell in cells),
            starts.astype(np.int32),
            place[self.columns[kept]],
            self.coefficients[kept],
            self.exact[rows],
            right[rows],
        )


def _components(size: int, starts: Indices, columns: Indices) -> Integers:
    """By cell, the lowest cell number that it is connected to through rows (union by path halving)."""
    root = list(range(size))

    def find(cell: int) -> int:
        while root[cell] != cell:
            root[cell] = root[root[cell]]
            cell = root[cell]
        return cell

    for start, end in pairwise(starts):
        first = find(int(columns[start])) if end > start else 0
        for column in columns[start + 1 : end]:
            other = find(int(column))
            low, high = min(first, other), max(first, other)
            root[high] = first = low
    return np.array([find(cell) for cell in range(size)], dtype=np.int64)
