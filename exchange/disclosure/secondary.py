"""Secondary suppression: enough other cells withheld that no withheld cell can be recomputed too closely.

A withheld cell is protected by *witnesses*: other tables with the same published cells. Each linear programme looks
for a deviation of the table, cheap in newly withheld cells, that moves many cells to what they need at once (batch),
and where that stalls for one cell alone; the support of the deviation is withheld. Cells withheld so need the floor
themselves, so this repeats until nothing is short; then the dearest are published again where all still holds.
Work is counted in programmes, never in time: the same table gives the same pattern.

The result is a proposal. Whether it is safe, `exchange.disclosure.audit` decides.

Source: Kelly, Golden, Assad, Networks 22 (1992); Fischetti and Salazar, Management Science 47 (2001), §3.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from exchange.disclosure.protection import Requirement
from exchange.disclosure.relations import Integers, Mask, System
from exchange.disclosure.solver import INFINITY, Floats, LinearModel, Rows, Status

DEBUG=0
SHARE=.25
STALLED_MAX=2
BATCHES_MAX = 60
"""Rounds of programmes for many cells at once before each is looked at alone."""

CLEAN_UP_SOLVES_MAX = 150
"""Programmes spent on publishing cells again."""

_NEGLIGIBLE = 1e-6
_FREE = 1e-4
"""Cost of moving a cell that is withheld already: almost nothing, so that deviations stay short."""

_REWARD = 1e3
"""For each unit towards what a cell needs; above any cost of a deviation that is worth it."""


class UnprotectableError(Exception):
    """No deviation of the table can give this cell what it needs, even if everything else were withheld."""

    def __init__(self, cell: int) -> None:
        super().__init__(cell)
        self.cell = cell


@dataclass(slots=True)
class _Seen:
    """By cell, the least and the largest value that some witness gives it."""

    low: Floats
    high: Floats


class Suppression:
    """A growing set of withheld cells of one table.

    Args:
        system: The relations over all cells.
        values: The true figures, one per cell.
        primary: By cell number, what it needs.
        secondary: By cell number, what it would need if withheld.
        fixed: Cells that can hide nothing: they are known to the attacker.
    """

    def __init__(
        self,
        system: System,
        values: Integers,
        primary: Mapping[int, Requirement],
        secondary: Callable[[int], Requirement],
        fixed: Mask,
    ) -> None:
        self._system, self._values, self._secondary = system, values, secondary
        self._size = len(values)
        self._fixed = fixed
        self._primary = np.zeros(self._size, dtype=np.bool_)
        self.withheld = np.zeros(self._size, dtype=np.bool_)
        self._needs: dict[int, Requirement] = {}
        for cell, need in primary.items():
            self._primary[cell] = True
            self._withhold(cell, need)
        self._weights = _weights(values)
        self._model = LinearModel(*_bounds(values, fixed), _deviations(system, values))
        self._witnesses: list[Floats] = []
        self._seen = _Seen(values.astype(np.float64), values.astype(np.float64))

    def protect(self, progress: Callable[[float], None]) -> None:
        """Withhold until every withheld cell has what it needs.

        Raises:
            UnprotectableError: Names the cell that cannot be protected.
        """
        self._batch(allowed=self.withheld)
        while short := self._short():
            progress(1 - len(short) / len(self._needs))
            self._try_one(short[0])
            self._batch(allowed=self.withheld)

    def _batch(self, *, allowed: Mask, upto: int = BATCHES_MAX) -> None:
        """Move many cells at once through cells that are withheld already, while that settles some."""
        stalled = 0
        for batch in range(upto):
            short = self._short()
            if not short or stalled == STALLED_MAX:
                return
            if DEBUG: print('batch',batch,len(short),len(self._needs))
            draw = np.random.default_rng((batch, len(short)))
            chosen = [cell for cell, drawn in zip(short, draw.random(len(short)), strict=True) if drawn < SHARE]
            self._try_many(chosen or short[:1], upwards=batch % 2 == 0, allowed=allowed)
            stalled = 0 if len(self._short()) < len(short) else stalled + 1

    def demand(self, cell: int, need: Requirement) -> None:
        """Ask more for a withheld cell: the audit found that whole numbers do not reach what fractions do."""
        self._needs[cell] = self._needs[cell].union(need)

    def clean_up(self) -> None:
        """Publish secondary cells again, dearest first, where every requirement still holds without them."""
        limit = self._model.solves + CLEAN_UP_SOLVES_MAX
        candidates = np.flatnonzero(self.withheld & ~self._primary)
        for cell in sorted(candidates.tolist(), key=lambda cell: (-self._weights[cell], cell)):
            if self._model.solves >= limit:
                return
            self._try_publish(cell)

    def witnesses(self) -> list[Integers]:
        """The whole-number tables found on the way; each is a hint, to be verified by whoever uses it."""
        found = [np.rint(witness).astype(np.int64) for witness in self._witnesses]
        return [whole for whole, w in zip(found, self._witnesses, strict=True) if np.all(abs(whole - w) < _NEGLIGIBLE)]

    def _withhold(self, cell: int, need: Requirement) -> None:
        self.withheld[cell] = True
        self._needs[cell] = need

    def _short(self) -> list[int]:
        """The withheld cells that lack something, those that lack most first."""
        low, high = self._seen.low, self._seen.high
        lacking = {
            cell: max(need.reach - high[cell], low[cell] - need.fall, need.width - (high[cell] - low[cell]))
            for cell, need in self._needs.items()
        }
        short = [cell for cell, lack in lacking.items() if lack > _NEGLIGIBLE]
        return sorted(short, key=lambda cell: (-lacking[cell], cell))

    def _move(self, cell: int, *, upwards: bool) -> tuple[int, bool]:
        """How far, and whether up, the cell must move from its true value next."""
        need, value = self._needs[cell], int(self._values[cell])
        low, high = int(np.floor(self._seen.low[cell])), int(np.ceil(self._seen.high[cell]))
        up = max(need.reach - value, 0)
        down = max(value - need.fall, 0)
        if self._seen.high[cell] < value + up - _NEGLIGIBLE:
            return up, True
        if self._seen.low[cell] > value - down + _NEGLIGIBLE:
            return down, False
        rise, drop = low + need.width - value, value - (high - need.width)
        return (rise, True) if upwards or drop > value else (drop, False)

    def _try_many(self, short: list[int], *, upwards: bool, allowed: Mask) -> bool:
        """One programme for all that are short; whether it brought anything."""
        size = self._size
        lower, upper = np.zeros(3 * size), _upper(self._values, ~allowed)
        costs = self._costs()
        for cell in short:
            far, up = self._move(cell, upwards=upwards)
            if up:
                upper[cell], upper[2 * size + cell] = far, 0
                costs[cell] = -_REWARD
            else:
                upper[cell] = upper[size + cell] = 0
                upper[2 * size + cell] = min(far, self._values[cell])
                costs[2 * size + cell] = -_REWARD
        return self._solve(lower, upper, costs)

    def _try_one(self, cell: int) -> None:
        size = self._size
        lower, upper = np.zeros(3 * size), _upper(self._values, self._fixed)
        far, up = self._move(cell, upwards=True)
        if up:
            lower[cell] = far
            upper[2 * size + cell] = 0
        else:
            lower[2 * size + cell] = far
            upper[cell] = upper[size + cell] = 0
        if not self._solve(lower, upper, self._costs()):
            raise UnprotectableError(cell)

    def _solve(self, lower: Floats, upper: Floats, costs: Floats) -> bool:
        self._model.set_bounds(np.arange(3 * self._size, dtype=np.int32), lower, upper)
        self._model.set_costs(costs)
        found = self._model.minimise()
        if found.status is not Status.OPTIMAL:
            return False
        up, more, down = np.split(found.values, 3)
        deviation = up + more - down
        moved = np.abs(deviation) > _NEGLIGIBLE
        if not moved.any():
            return False
        for cell in np.flatnonzero(moved & ~self.withheld).tolist():
            self._withhold(cell, self._secondary(cell))
        self._keep(self._values.astype(np.float64) + np.where(moved, deviation, 0.0))
        return True

    def _keep(self, witness: Floats) -> None:
        self._witnesses.append(witness)
        np.minimum(self._seen.low, witness, out=self._seen.low)
        np.maximum(self._seen.high, witness, out=self._seen.high)

    def _costs(self) -> Floats:
        cost = np.where(self.withheld, _FREE, self._weights)
        return np.concatenate((cost, cost, cost))

    def _try_publish(self, cell: int) -> None:
        before = (self._witnesses, self._seen, self._needs[cell])
        self._witnesses = [w for w in self._witnesses if abs(w[cell] - self._values[cell]) < _NEGLIGIBLE]
        true = self._values.astype(np.float64)
        stack = np.stack([true, *self._witnesses])
        self._seen = _Seen(stack.min(axis=0), stack.max(axis=0))
        del self._needs[cell]
        self.withheld[cell] = False
        for attempt in range(4):
            short = self._short()
            if not short:
                return
            if not self._try_many(short, upwards=attempt % 2 == 0, allowed=self.withheld):
                break
        if self._short():
            self._witnesses, self._seen, need = before
            self._withhold(cell, need)


def _weights(values: Integers) -> Floats:
    """What withholding a cell costs per unit moved, from 0.1 to 10.

    The root of its value, so that neither a few large margins nor very many small cells are withheld.
    """
    roots = np.sqrt(np.maximum(values, 1).astype(np.float64))
    return np.clip(10 * roots / max(float(roots.max(initial=1.0)), 1.0), 0.1, None)


def _bounds(values: Integers, fixed: Mask) -> tuple[Floats, Floats]:
    return np.zeros(3 * len(values)), _upper(values, fixed)


def _upper(values: Integers, fixed: Mask) -> Floats:
    """Up, further up, down: as far as x ≥ 0 allows; nothing for cells that may not move."""
    up = np.where(fixed, 0.0, INFINITY)
    return np.concatenate((up, up, np.where(fixed, 0.0, values)))


def _deviations(system: System, values: Integers) -> Rows:
    """The relations over deviations: each cell is up + further up − down."""
    sums = system.sums(values)
    size, entries = len(values), len(system.columns)
    counts = np.diff(system.starts)
    starts = np.concatenate(([0], np.cumsum(3 * counts))).astype(np.int32)
    order = np.argsort(np.tile(system.row_of_entry, 3), kind="stable")
    columns = np.concatenate([system.columns + part * size for part in range(3)])[order]
    coefficients = np.concatenate((system.coefficients, system.coefficients, -system.coefficients))[order]
    assert len(columns) == 3 * entries
    return Rows(
        starts,
        columns.astype(np.int32),
        coefficients.astype(np.float64),
        np.where(system.exact, 0.0, -INFINITY),
        np.where(system.exact, 0, system.right - sums).astype(np.float64),
    )
