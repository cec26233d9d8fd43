"""Secondary suppression: enough other cells withheld that no withheld cell can be recomputed too closely.

A withheld cell is protected by *witnesses*: other tables with the same published cells. Each linear programme looks
for a deviation of the table that moves many cells to what they need at once, first through cells that are withheld
already, then, where that stalls, through others as cheaply as possible: those it moves are withheld too. They need the
floor themselves, so this repeats until nothing is short; then the dearest are published again where all still holds.
Work is counted in programmes, never in time: the same table gives the same pattern.

The result is a proposal. Whether it is safe, `exchange.disclosure.audit` decides.

Source: Kelly, Golden, Assad, Networks 22 (1992); Fischetti and Salazar, Management Science 47 (2001), §3.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from exchange.disclosure.arrays import INFINITY, Floats, Integers, Mask, Rows
from exchange.disclosure.problem import Problem, Suppressed
from exchange.disclosure.protection import NO_FALL, Requirement
from exchange.disclosure.relations import System
from exchange.disclosure.solver import LinearModel, Status

INSIDE, OUTSIDE = 0.5, 0.15
"""Share of the cells in need that one programme moves, through withheld cells and beyond; the others give way."""

STALLED_MAX = 2
"""Programmes in a row that settle nothing, before other cells are withheld."""

FEW = 4
"""So few cells in need are looked at one by one."""

CLEAN_UP_SOLVES_MAX = 30
"""Programmes spent on publishing cells again."""

PUBLISH_SOLVES_MAX = 4
"""Of these, for one cell."""

LEANING_MAX = 10
"""A cell is published again only if no more cells than this lose a witness by it."""

_NEGLIGIBLE = 1e-6
_FREE = 1e-4
"""Cost of moving a cell that is withheld already: almost nothing, so that deviations stay short."""

_REWARD = 1e3
"""For each unit towards what a cell needs; above any cost of a deviation that is worth it."""


class UnprotectableError(Exception):
    """No deviation of the table can give this cell what it needs, even if everything else were withheld."""

    def __init__(self, cell: int) -> None:
        super().__init__(cell)
        self.cell, self.attacker = cell, None


def suppress(problem: Problem, *, progress: Callable[[float], None]) -> Suppressed:
    """A pattern that is safe against an outsider.

    Raises:
        UnprotectableError: Names the cell that cannot be protected.
    """
    # Counted from what is known of each cell, so that nothing is below zero.
    low = problem.low.astype(np.int64)
    system, needs = problem.system, problem.needs

    def need_of(cell: int) -> Requirement:
        fall = int(min(needs.fall[cell], float(NO_FALL)))
        return Requirement(int(max(needs.reach[cell], 0) - low[cell]), fall - int(low[cell]), int(needs.width[cell]))

    suppression = Suppression(
        replace(system, right=system.right - system.sums(low)),
        problem.values - low,
        {cell: need_of(cell) for cell in np.flatnonzero(problem.primary).tolist()},
        need_of,
        problem.fixed,
    )
    suppression.protect(progress)
    suppression.clean_up()
    return Suppressed(
        withheld=suppression.withheld,
        stage=2,
        cost=problem.cost(suppression.withheld),
        bound=-INFINITY,
        programmes=0,
        witnesses=tuple((table + low).astype(np.float64) for table in suppression.witnesses()),
    )


@dataclass(slots=True)
class _Seen:
    """By cell, the least and the largest value that some witness gives it."""

    low: Floats
    high: Floats

    @classmethod
    def of(cls, true: Floats, witnesses: list[Floats]) -> "_Seen":
        stack = np.stack([true, *witnesses])
        return cls(stack.min(axis=0), stack.max(axis=0))


@dataclass(frozen=True, slots=True)
class _Target:
    """A cell, and how far one programme is asked to move it."""

    cell: int
    far: int
    upwards: bool


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
        self._size, self._values, self._secondary = len(values), values, secondary
        self._true = values.astype(np.float64)
        self._free = ~fixed
        self._primary = np.zeros(self._size, dtype=np.bool_)
        self._primary[list(primary)] = True
        self.withheld = np.zeros(self._size, dtype=np.bool_)
        self._reach, self._fall, self._width = (np.zeros(self._size, dtype=np.int64) for _ in range(3))
        for cell, need in primary.items():
            self._withhold(cell, need)
        self._weights = _weights(values)
        self._columns = np.arange(2 * self._size, dtype=np.int32)
        self._model = LinearModel(*_bounds(values, self._free), _deviations(system, values))
        self._within = LinearModel(self._true, self._true, system.matrix())
        self._witnesses: list[Floats] = []
        self._seen = _Seen(self._true, self._true)

    def protect(self, progress: Callable[[float], None]) -> None:
        """Withhold until every withheld cell has what it needs.

        Raises:
            UnprotectableError: Names the cell that cannot be protected.
        """
        rounds = 0
        while True:
            self._use_withheld()
            short = self._short()
            if not short:
                return
            progress(1 - len(short) / int(self.withheld.sum()))
            rounds += 1
            before = len(short)
            if before > FEW:
                self._try_many(self._drawn(short, rounds, OUTSIDE))
                short = self._short()  # settled some, and may have withheld others that now need something
            if short and (before <= FEW or len(short) >= before):
                self._must_move(short[0])

    def demand(self, cell: int, need: Requirement) -> None:
        """Ask more for a withheld cell: the audit found that whole numbers do not reach what fractions do."""
        self._withhold(cell, need)

    def clean_up(self) -> None:
        """Publish secondary cells again, dearest first, where every requirement still holds without them.

        Only those on which few others lean: for them the rest of the witnesses leave little to prove again.
        """
        limit = self._within.solves + CLEAN_UP_SOLVES_MAX
        candidates = np.flatnonzero(self.withheld & ~self._primary)
        for cell in sorted(candidates.tolist(), key=lambda cell: (-self._values[cell], cell)):
            if self._within.solves >= limit:
                return
            self._try_publish(cell)

    def witnesses(self) -> list[Integers]:
        """The whole-number tables found on the way; each is a hint, to be verified by whoever uses it."""
        found = [(witness, np.rint(witness)) for witness in self._witnesses]
        return [whole.astype(np.int64) for witness, whole in found if np.abs(whole - witness).max() < _NEGLIGIBLE]

    def _use_withheld(self, solves_max: int = 60) -> None:
        """Move cells in need through cells that are withheld already, while that settles some."""
        stalled = 0
        for attempt in range(solves_max):
            short = self._short()
            if not short or stalled == STALLED_MAX:
                return
            self._move_within(self._drawn(short, attempt, INSIDE))
            stalled = 0 if len(self._short()) < len(short) else stalled + 1

    def _drawn(self, short: list[int], attempt: int, share: float) -> list[_Target]:
        """A share of the cells in need, with what each lacks; drawn anew each time, but always alike."""
        draw = np.random.default_rng((attempt, len(short))).random(len(short))
        chosen = [cell for cell, drawn in zip(short, draw, strict=True) if drawn < share] or short[:1]
        return [self._target(cell, upwards=attempt % 2 == 0) for cell in chosen]

    def _withhold(self, cell: int, need: Requirement) -> None:
        self.withheld[cell] = True
        self._reach[cell], self._fall[cell], self._width[cell] = need.reach, need.fall, need.width

    def _lacking(self) -> Floats:
        low, high = self._seen.low, self._seen.high
        lacking = np.maximum(np.maximum(self._reach - high, low - self._fall), self._width - (high - low))
        return np.where(self.withheld, lacking, 0.0)

    def _short(self) -> list[int]:
        """The withheld cells that lack something, those that lack most first."""
        lacking = self._lacking()
        short = np.flatnonzero(lacking > _NEGLIGIBLE)
        found: list[int] = short[np.argsort(-lacking[short], kind="stable")].tolist()
        return found

    def _target(self, cell: int, *, upwards: bool) -> _Target:
        """How far, and which way, the cell must move from its true value next."""
        value = int(self._values[cell])
        # A fraction counts as the whole number short of it, so that each step settles something.
        low, high = int(np.ceil(self._seen.low[cell] - _NEGLIGIBLE)), int(np.floor(self._seen.high[cell] + _NEGLIGIBLE))
        if high < self._reach[cell]:
            return _Target(cell, int(self._reach[cell]) - value, upwards=True)
        if low > self._fall[cell]:
            return _Target(cell, value - int(self._fall[cell]), upwards=False)
        width = int(self._width[cell])
        rise, drop = low + width - value, value - (high - width)
        return _Target(cell, rise, upwards=True) if upwards or drop > value else _Target(cell, drop, upwards=False)

    def _move_within(self, targets: list[_Target]) -> None:
        """One programme over the withheld cells alone: each target as far as it needs, the others free to give way."""
        lower = np.where(self.withheld, 0.0, self._true)
        upper = np.where(self.withheld, INFINITY, self._true)
        costs = np.zeros(self._size)
        for target in targets:
            costs[target.cell] = -1.0 if target.upwards else 1.0
            if target.upwards:
                upper[target.cell] = self._true[target.cell] + target.far
            else:
                lower[target.cell] = self._true[target.cell] - target.far
        self._within.set_bounds(self._columns[: self._size], lower, upper)
        self._within.set_costs(costs)
        found = self._within.minimise()
        if found.status is Status.OPTIMAL:
            self._witness(found.values - self._true)

    def _try_many(self, targets: list[_Target]) -> None:
        """One programme for all of them: as far as each needs, if the deviation is worth it."""
        upper, costs = _bounds(self._values, self._free)[1], self._costs()
        for target in targets:
            there, back = self._sides(target)
            upper[there], upper[back] = target.far, 0
            costs[there] = -_REWARD
        self._solve(np.zeros(2 * self._size), upper, costs)

    def _must_move(self, cell: int) -> None:
        """One programme for one cell, whatever it costs."""
        lower, upper = _bounds(self._values, self._free)
        target = self._target(cell, upwards=True)
        there, back = self._sides(target)
        lower[there], upper[back] = target.far, 0
        if not self._solve(lower, upper, self._costs()):
            raise UnprotectableError(cell)

    def _sides(self, target: _Target) -> tuple[int, int]:
        up, down = target.cell, self._size + target.cell
        return (up, down) if target.upwards else (down, up)

    def _solve(self, lower: Floats, upper: Floats, costs: Floats) -> bool:
        """Solve, and withhold what the deviation moves; whether there is one."""
        self._model.set_bounds(self._columns, lower, upper)
        self._model.set_costs(costs)
        found = self._model.minimise()
        if found.status is not Status.OPTIMAL:
            return False
        up, down = np.split(found.values, 2)
        return self._witness(up - down)

    def _witness(self, deviation: Floats) -> bool:
        moved = np.abs(deviation) > _NEGLIGIBLE
        for cell in np.flatnonzero(moved & ~self.withheld).tolist():
            self._withhold(cell, self._secondary(cell))
        if moved.any():
            self._witnesses.append(self._true + np.where(moved, deviation, 0.0))
            self._seen = _Seen.of(self._witnesses[-1], [self._seen.low, self._seen.high])
        return bool(moved.any())

    def _costs(self) -> Floats:
        cost = np.where(self.withheld, _FREE, self._weights)
        return np.concatenate((cost, cost))

    def _try_publish(self, cell: int) -> None:
        witnesses, seen = self._witnesses, self._seen
        self._witnesses = [w for w in witnesses if abs(w[cell] - self._true[cell]) < _NEGLIGIBLE]
        self._seen = _Seen.of(self._true, self._witnesses)
        self.withheld[cell] = False
        if len(self._short()) <= LEANING_MAX:
            self._use_withheld(solves_max=PUBLISH_SOLVES_MAX)
        if self._short():
            self.withheld[cell] = True
            self._witnesses, self._seen = witnesses, seen


def _weights(values: Integers) -> Floats:
    """What withholding a cell costs per unit moved, from 0.02 to 100.

    Its value to the power 1.5: a grand total is dearer than all the parts that could hide in its place, and very small
    cells still cost something. On the UK's returns of 2018-Q4 the root of the value withheld the grand total.
    """
    largest = float(np.maximum(values, 1).max(initial=1))
    return np.clip(100 * (values.astype(np.float64) / largest) ** 1.5, 0.02, None)


def _bounds(values: Integers, allowed: Mask) -> tuple[Floats, Floats]:
    """Up without limit, down as far as x ≥ 0 allows; nothing for cells that may not move."""
    up, down = np.where(allowed, INFINITY, 0.0), np.where(allowed, values, 0)
    return np.zeros(2 * len(values)), np.concatenate((up, down.astype(np.float64)))


def _deviations(system: System, values: Integers) -> Rows:
    """The relations over deviations: each cell is up − down."""
    starts = np.concatenate(([0], np.cumsum(2 * np.diff(system.starts))))
    order = np.argsort(np.tile(system.row_of_entry, 2), kind="stable")
    columns = np.concatenate((system.columns, system.columns + len(values)))[order]
    coefficients = np.concatenate((system.coefficients, -system.coefficients))[order]
    return Rows(
        starts.astype(np.int32),
        columns.astype(np.int32),
        coefficients.astype(np.float64),
        np.where(system.exact, 0.0, -INFINITY),
        np.where(system.exact, 0, system.right - system.sums(values)).astype(np.float64),
    )
