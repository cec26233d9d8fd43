"""Rounding of counts, by two methods that promise different things.

*Small-count rounding*: inner counts from 1 to below the base become 0 or the base; every margin is the sum of the
rounded inner counts, so the table stays additive and large figures stay nearly true.
*Controlled rounding*: every figure becomes one of the two multiples of the base around it, and the table stays
additive. That may be impossible in three dimensions; then it is refused, never widened.

Sources: Langsrud and Heldal, "An algorithm for small count rounding of tabular data" (PSD 2018); Salazar, "Controlled
rounding and cell perturbation", Mathematical Programming 105 (2006).
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from exchange.disclosure.arrays import Floats, Integers, Mask
from exchange.disclosure.problem import View
from exchange.disclosure.relations import System
from exchange.disclosure.solver import LinearModel, Status
from exchange.errors.tabular import RoundingInfeasibleError, RoundingTablesError, RoundingUnfinishedError

ROUNDS_MAX = 5
"""Passes of improvement of small-count rounding: each looks at every small count once."""

WHOLE_CELLS_MAX = 1_000
"""Up to this many figures that are no multiples, the least total change is looked for at once."""

PIECE_CELLS = 800
"""Figures chosen anew at a time, beyond that."""

PIECES = 60
"""How often."""

GAP = 0.05
"""How far from the least change of a piece the choice may stay."""


class RoundingMethod(StrEnum):
    """What is promised."""

    SMALL_COUNT = "small-count"
    CONTROLLED = "controlled"


@dataclass(frozen=True, slots=True)
class Rounded:
    """A rounded table.

    Attributes:
        figures: One per cell.
        changed_max: The largest change of a figure.
        changed_mean: The mean change over all figures, regardless of sign.
    """

    figures: Integers
    changed_max: int
    changed_mean: float

    @classmethod
    def of(cls, values: Integers, figures: Integers) -> "Rounded":
        """The rounded table beside the true one."""
        change = np.abs(figures - values)
        return cls(figures, int(change.max(initial=0)), float(change.mean()) if len(change) else 0.0)


def round_small_counts(system: System, values: Integers, *, base: int, name: str) -> Rounded:
    """Round inner counts below the base to 0 or the base, greedily so that margins stay close.

    Raises:
        RoundingTablesError: The cells are not all sums of one set of inner cells, as linked tables are not.
    """
    expansion = _Expansion.of(system)
    small = np.flatnonzero(expansion.inner & (values > 0) & (values < base))
    figures = values.copy()
    figures[small] = 0
    change = _Change(expansion, small, values, base)
    change.raise_greedily()
    change.improve()
    figures[small] = np.where(change.raised, base, 0)
    figures = expansion.sums(figures)
    if len(system.broken(figures)) or len(system.broken(expansion.sums(values))):
        raise RoundingTablesError(name=name)
    return Rounded.of(values, figures)


def round_controlled(system: System, values: Integers, *, base: int, name: str) -> Rounded:
    """Round every figure to a multiple of the base less than the base away, with little total change.

    Raises:
        RoundingInfeasibleError: No additive table of such multiples exists.
        RoundingUnfinishedError: The search did not end within its work.
    """
    floor = values // base
    rest = values - base * floor
    free = np.flatnonzero(rest)
    place = np.full(len(values), -1, dtype=np.int32)
    place[free] = np.arange(len(free), dtype=np.int32)
    needed = -system.sums(floor)
    kept = place[system.columns] >= 0
    counts = np.bincount(system.row_of_entry[kept], minlength=len(system.exact))
    reduced = System(
        tuple(system.keys[cell] for cell in free.tolist()),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        place[system.columns[kept]],
        system.coefficients[kept],
        system.exact,
        needed,
    )
    up = _Choice(reduced, (base - 2 * rest[free]).astype(np.float64)).make(base=base, name=name)
    figures = base * floor
    figures[free] += base * up
    if len(system.broken(figures)):
        raise RoundingUnfinishedError(name=name, base=base)
    return Rounded.of(values, figures)


def view_of_rounded(system: System, figures: Integers, *, method: RoundingMethod, base: int) -> View:
    """What a reader of a rounded table knows: for every figure the originals that can give it, and no figure itself."""
    low, high = np.zeros(len(figures)), np.full(len(figures), np.inf)
    if method is RoundingMethod.CONTROLLED:
        low, high = np.maximum(0, figures - base + 1).astype(np.float64), (figures + base - 1).astype(np.float64)
    else:
        inner = _Expansion.of(system).inner
        _bound(low, high, inner & (figures == 0), (0, base - 1))
        _bound(low, high, inner & (figures == base), (1, base))
        exact = inner & (figures > base)
        low[exact] = high[exact] = figures[exact]
    return View(
        system=system, known=np.zeros(len(figures), dtype=np.bool_), figures=figures * 0, whole=True, low=low, high=high
    )


def _bound(low: Floats, high: Floats, cells: Mask, ends: tuple[int, int]) -> None:
    low[cells], high[cells] = ends


class _Choice:
    """Which figures go up to the multiple above them: 0 or 1 each, so that every sum holds."""

    def __init__(self, system: System, costs: Floats) -> None:
        self._system, self._costs, self._size = system, costs, len(system.keys)
        self._columns = np.arange(self._size, dtype=np.int32)
        self._model = LinearModel(np.zeros(self._size), np.ones(self._size), system.matrix())

    def make(self, *, base: int, name: str) -> Integers:
        """The least change in a small table; in a larger one any choice, improved piece by piece."""
        if not self._size:
            if np.any(self._system.right):
                raise RoundingInfeasibleError(name=name, base=base)
            return np.zeros(0, dtype=np.int64)
        if self._size <= WHOLE_CELLS_MAX and (least := self._least()) is not None:
            return least
        self._model.set_costs(np.zeros(self._size))
        found = self._model.minimise(integers=True)
        if found.status is Status.INFEASIBLE:
            raise RoundingInfeasibleError(name=name, base=base)
        if found.status is not Status.OPTIMAL:
            raise RoundingUnfinishedError(name=name, base=base)
        return self._improved(np.rint(found.values).astype(np.int64))

    def _least(self) -> Integers | None:
        self._model.set_costs(self._costs)
        found = self._model.minimise()
        up = np.rint(found.values).astype(np.int64)
        if found.status is Status.OPTIMAL and len(self._system.broken(up)):
            found = self._model.minimise(integers=True, gap=GAP)
            up = np.rint(found.values).astype(np.int64)
        return up if found.status is Status.OPTIMAL else None

    def _improved(self, up: Integers) -> Integers:
        """Choose anew within a few codes of one dimension after another, everything else held."""
        self._model.set_costs(self._costs)
        draw = np.random.default_rng(self._size)
        ranks = [np.unique(list(codes), return_inverse=True)[1] for codes in zip(*self._system.keys, strict=True)]
        for number in range(PIECES):
            held = ~_piece(ranks[number % len(ranks)], draw)
            self._model.set_bounds(self._columns, np.where(held, up, 0.0), np.where(held, up, 1.0))
            found = self._model.minimise(integers=True, gap=GAP)
            if found.status is Status.OPTIMAL:
                up = np.rint(found.values).astype(np.int64)
        return up


def _piece(rank: Integers, draw: np.random.Generator) -> Mask:
    """The cells of at least two codes, and of as many more as make a small programme."""
    order = draw.permutation(int(rank.max()) + 1)[rank]
    sizes = np.cumsum(np.bincount(order))
    return np.asarray(order < max(2, int(np.searchsorted(sizes, PIECE_CELLS))), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class _Expansion:
    """Every cell as a sum of inner cells, those that are no whole; CSR by inner cell and by cell.

    Attributes:
        inner: Which cells are inner.
        cells: By entry the cell.
        parts: By entry the inner cell it contains; sorted by inner cell.
    """

    inner: Mask
    cells: Integers
    parts: Integers

    @classmethod
    def of(cls, system: System) -> "_Expansion":
        """By the first sum of each whole; a table with several consistent sums gives the same by any."""
        size = len(system.keys)
        parts_of: dict[int, Integers] = {}
        for row in range(len(system.exact)):
            entries = slice(int(system.starts[row]), int(system.starts[row + 1]))
            columns, factors = system.columns[entries], system.coefficients[entries]
            wholes = columns[factors == -1]
            if len(wholes) == 1 and len(columns) > 1 and int(wholes[0]) not in parts_of:
                parts_of[int(wholes[0])] = columns[factors == 1].astype(np.int64)
        inner = np.ones(size, dtype=np.bool_)
        inner[list(parts_of)] = False
        found: list[Integers | None] = [None] * size
        for cell in range(size):
            _expand(cell, parts_of, found)
        listed = [leaves for leaves in found if leaves is not None]
        cells = np.repeat(np.arange(size), [len(leaves) for leaves in listed])
        parts = np.concatenate(listed) if listed else np.zeros(0, dtype=np.int64)
        order = np.argsort(parts, kind="stable")
        return cls(inner, cells[order], parts[order])

    def sums(self, values: Integers) -> Integers:
        """Every cell as the sum of its inner cells."""
        return np.bincount(self.cells, weights=values[self.parts], minlength=len(self.inner)).astype(np.int64)


def _expand(cell: int, parts_of: dict[int, Integers], found: "list[Integers | None]") -> None:
    stack = [cell]
    while stack:
        top = stack[-1]
        if found[top] is not None:
            stack.pop()
            continue
        parts = parts_of.get(top)
        waiting = [] if parts is None else [part for part in parts.tolist() if found[part] is None]
        if waiting:
            stack += waiting
            continue
        below = [] if parts is None else [leaves for part in parts.tolist() if (leaves := found[part]) is not None]
        found[top] = np.array([top], dtype=np.int64) if parts is None else np.concatenate(below)
        stack.pop()


class _Change:
    """Which small counts are raised to the base, and by how much every cell is off."""

    def __init__(self, expansion: _Expansion, small: Integers, values: Integers, base: int) -> None:
        self._base = base
        place = np.full(len(values), -1, dtype=np.int64)
        place[small] = np.arange(len(small))
        kept = place[expansion.parts] >= 0
        cells, owners = expansion.cells[kept], place[expansion.parts[kept]]
        self._spread = np.bincount(owners, minlength=len(small))
        self._cells_of = np.split(cells, np.cumsum(self._spread)[:-1])
        by_cell = np.argsort(cells, kind="stable")
        counts = np.bincount(cells, minlength=len(values))
        self._owners_of = np.split(owners[by_cell], np.cumsum(counts)[:-1])
        off = -np.bincount(cells, weights=values[small][owners], minlength=len(values))
        self._along = np.bincount(owners, weights=off[cells], minlength=len(small))
        self.raised = np.zeros(len(small), dtype=np.bool_)

    def raise_greedily(self) -> None:
        """Raise the count that brings all cells closest in squares, while one does."""
        while len(self.raised) and (gains := self._gains()).min() < 0:
            self._flip(int(gains.argmin()))

    def improve(self) -> None:
        """Exchange a raised count for one that is not, while that brings the cells closer; the total stays."""
        for _ in range(ROUNDS_MAX):
            exchanged = [self._exchange(place) for place in np.flatnonzero(self.raised).tolist()]
            if not any(exchanged):
                return

    def _exchange(self, place: int) -> bool:
        lost = float(self._gains()[place])
        self._flip(place)
        gains = np.where(self.raised, np.inf, self._gains())
        gains[place] = np.inf
        best = int(gains.argmin())
        better = bool(lost + gains[best] < 0)
        self._flip(best if better else place)
        return better

    def _gains(self) -> Floats:
        """By small count, how flipping it changes the sum of squares over all cells."""
        step = np.where(self.raised, -self._base, self._base)
        return np.asarray(2 * step * self._along + self._base**2 * self._spread, dtype=np.float64)

    def _flip(self, place: int) -> None:
        step = -self._base if self.raised[place] else self._base
        for cell in self._cells_of[place].tolist():
            self._along[self._owners_of[cell]] += step
        self.raised[place] = not self.raised[place]
