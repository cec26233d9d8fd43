"""A table as a grid: by axis the tree of its codes, and the cell at each combination of codes.

Read from the relations themselves, so that it says nothing that they do not. Both the suppression and the audit look
for *boxes* in it: along each axis two codes change places (one rises with all that it is part of and one leaf under it,
the other falls), and the cells at all combinations of what changes rise or fall together. Every sum along an axis
stays; whether every relation does, whoever uses a box must still see.

Source: Giessing and Repsilber, "Tools and strategies to protect multiple tables with the GHQUAR cell suppression
engine" (2002), for boxes (there: hypercubes).
"""

from dataclasses import dataclass
from functools import cache
from itertools import islice, product

import numpy as np

from exchange.disclosure.arrays import Indices, Integers
from exchange.disclosure.relations import System

PLACES_MAX = 20_000_000
"""Combinations of codes of a grid, at most: each takes four bytes."""

SWAPS_MAX = 2_000
"""Ways along one axis that are looked at for a code, at most."""


@dataclass(frozen=True, slots=True)
class Swaps:
    """Ways in which a code rises along its axis and another falls, or all above it rise.

    Attributes:
        codes: One way a row, filled up with the axis' number of codes, where no cell is.
        signs: 1 rises with the code, −1 falls, 0 where nothing is.
    """

    codes: Integers
    signs: Integers


class Grid:
    """Cells by their codes.

    Args:
        system: Its keys are combinations of codes, all of as many axes.

    Attributes:
        size: How many cells.
        codes: By cell and axis, the number of its code.
        strides: By axis; Σ code × stride is a place.
        cells: By place the number of the cell; `size` where a way is only filled up, `size` + 1 where there is none.
    """

    def __init__(self, system: System) -> None:
        self.size = len(system.keys)
        numbers = [{code: number for number, code in enumerate(dict.fromkeys(axis))} for axis in _axes(system)]
        self.codes: Integers = np.array(
            [[of_axis[code] for of_axis, code in zip(numbers, key, strict=True)] for key in system.keys], dtype=np.int64
        )
        sizes = np.array([len(of_axis) + 1 for of_axis in numbers], dtype=np.int64)
        self.strides: Integers = np.append(np.cumprod(sizes[:0:-1])[::-1], 1)
        grid = np.full(sizes, self.size + 1, dtype=np.int32)
        for axis in range(len(sizes)):
            np.moveaxis(grid, axis, 0)[-1] = self.size
        self.cells: Indices = grid.ravel()
        self.cells[self.codes @ self.strides] = np.arange(self.size)
        self._parents = [np.full(len(of_axis), -1, dtype=np.int64) for of_axis in numbers]
        self._read(system)
        self._children = [_children(parents) for parents in self._parents]
        self.swaps = cache(self._swaps)

    @classmethod
    def of(cls, system: System) -> "Grid | None":
        """The grid of a system; None if its keys have none, or one that is too large."""
        if len({len(key) for key in system.keys}) != 1:
            return None
        places = np.prod([len(set(axis)) + 1.0 for axis in _axes(system)])
        return cls(system) if places <= PLACES_MAX else None

    def _read(self, system: System) -> None:
        """By axis, of what each code is a part: the sums that say so differ in this one code."""
        rows, factors = system.row_of_entry, system.coefficients
        count = len(system.exact)
        wholes = np.full(count, -1, dtype=np.int64)
        wholes[rows[factors == -1]] = system.columns[factors == -1]
        plain = np.bincount(rows[factors == -1], minlength=count) == 1
        plain &= np.bincount(rows[np.abs(factors) != 1], minlength=count) == 0
        parts = plain[rows] & (factors == 1)
        part, whole = self.codes[system.columns[parts]], self.codes[wholes[rows[parts]]]
        along = (part != whole).sum(axis=1) == 1
        for axis, parents in enumerate(self._parents):
            of_axis = along & (part[:, axis] != whole[:, axis])
            pairs = np.unique(np.stack((part[of_axis, axis], whole[of_axis, axis]), axis=1), axis=0)
            codes, times = np.unique(pairs[:, 0], return_counts=True)
            once = np.isin(pairs[:, 0], codes[times == 1])
            parents[pairs[once, 0]] = pairs[once, 1]
            parents[_endless(parents)] = -1

    def _swaps(self, axis: int, code: int) -> Swaps:
        """Every way for a code, those that change few codes first."""
        parents, none = self._parents[axis], len(self._parents[axis])
        ways: list[tuple[list[int], list[int]]] = []
        above: list[int] = []
        at = code
        while len(ways) < SWAPS_MAX:
            rising = [(path, above) for path in self._paths(axis, code)]
            parent = int(parents[at])
            if parent < 0:
                ways += [([*path, *more], []) for path, more in rising]
                break
            others = [sibling for sibling in self._children[axis][parent] if sibling != at]
            falling = [path for other in others for path in self._paths(axis, other)]
            pairs = islice(product(rising, falling), SWAPS_MAX - len(ways))
            ways += [([*path, *more], fall) for (path, more), fall in pairs]
            above, at = [*above, parent], parent
        ways = ways[:SWAPS_MAX]
        width = max(len(rise) + len(fall) for rise, fall in ways)
        codes = np.full((len(ways), width), none, dtype=np.int64)
        signs = np.zeros((len(ways), width), dtype=np.int64)
        for number, (rise, fall) in enumerate(ways):
            codes[number, : len(rise) + len(fall)] = rise + fall
            signs[number, : len(rise)] = 1
            signs[number, len(rise) : len(rise) + len(fall)] = -1
        return Swaps(codes, signs)

    def _paths(self, axis: int, code: int) -> list[list[int]]:
        """From a code down to each leaf under it."""
        children = self._children[axis].get(code, [])
        return [[code, *path] for child in children for path in self._paths(axis, child)] or [[code]]


def _axes(system: System) -> list[tuple[str, ...]]:
    """By axis, the code of each cell."""
    return list(zip(*system.keys, strict=True))


def _endless(parents: Integers) -> Integers:
    """The codes above which there is no last one."""
    at = np.arange(len(parents))
    for _ in range(len(parents)):
        at = np.where(at >= 0, parents[at], -1)
        if (at < 0).all():
            break
    return np.flatnonzero(at >= 0)


def _children(parents: Integers) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for code, parent in enumerate(parents.tolist()):
        if parent >= 0:
            found.setdefault(parent, []).append(code)
    return found
