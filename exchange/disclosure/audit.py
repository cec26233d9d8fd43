"""The audit: what an attacker can compute of every withheld cell, from what is published and nothing else.

The attacker knows every published cell, every sum of the contract, which cells are empty, that no cell is negative
and that all are whole numbers. A cell is safe when *witnesses* show it: complete whole-number tables, each of which
agrees with everything published, that give the cell values far enough apart. Each witness is verified here in exact
integers, so the word "safe" rests on no solver and on nothing that the suppression computed; the solver only proposes.
Where no witness is found, or the search does not end, the cell counts as exposed: the audit fails closed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from exchange.disclosure.arrays import Floats, Integers
from exchange.disclosure.protection import Requirement
from exchange.disclosure.relations import System
from exchange.disclosure.solver import LinearModel, Status
from exchange.table import CellKey

SWEEPS_MAX = 200
"""Programmes that push many open cells of a component at once, before each is looked at alone."""

TARGETED = 0.25
"""Share of the open cells that one of them pushes."""

SWEEP_GAP = 0.05
"""How far from the best such a programme may stay in whole numbers: any table that settles many will do."""

STALLED_MAX = 3
"""Programmes in a row that settle nothing, before each cell is looked at alone."""

FACES_MAX = 2
"""Other corners tried where a programme's own is not in whole numbers, before whole numbers are searched."""

NOTHING_KNOWN: Mapping[CellKey, int] = {}

_TOLERANCE = 1e-6


class Reason(StrEnum):
    """Why a withheld cell is not safe."""

    CONTRADICTION = "the published cells contradict each other"
    REACH = "its upper bound is too close"
    FALL = "its lower bound is too close"
    WIDTH = "its interval is too narrow"
    SUMS = "it follows from the published cells by sums alone"
    UNFINISHED = "its interval could not be computed"


@dataclass(frozen=True, slots=True)
class Finding:
    """A withheld cell that is not safe."""

    key: CellKey
    reason: Reason


@dataclass(frozen=True, slots=True)
class Interval:
    """What the attacker knows of a cell: its least and its largest possible value (None: no bound)."""

    low: int
    high: int | None


def findings(
    system: System,
    published: Mapping[CellKey, int],
    required: Mapping[CellKey, Requirement],
    *,
    least: Mapping[CellKey, int] = NOTHING_KNOWN,
    hints: Iterable[Mapping[CellKey, int]] = (),
    progress: Callable[[float], None],
) -> list[Finding]:
    """Every withheld cell that lacks what it must keep; an empty list is the proof that all are safe.

    Args:
        system: The relations over all cells of the release that are not known zeros.
        published: The cells that the attacker sees.
        required: What each withheld cell must keep.
        least: What the attacker knows a withheld cell to be at least, where that is above zero.
        hints: Tables that may be witnesses; each is verified like one of the audit's own.
        progress: Told the share of the components that are done.
    """
    unknown = system.knowing(published)
    if _contradicted(system, published):
        return [Finding(key, Reason.CONTRADICTION) for key in unknown.keys]
    tables = list(hints)
    found: list[Finding] = []
    parts = unknown.components()
    for done, part in enumerate(parts):
        # All figures of an attacker's tables are counted from what is known: so none is below zero.
        known = np.array([least.get(key, 0) for key in part.keys], dtype=np.int64)
        over = replace(part, right=part.right - part.sums(known))
        needs = zip((required[key] for key in part.keys), known.tolist(), strict=True)
        attacker = Attacker(over, [Requirement(n.reach - low, n.fall - low, n.width) for n, low in needs])
        for table in tables:
            attacker.offer(np.array([table[key] for key in part.keys], dtype=np.int64) - known)
        found += attacker.findings()
        progress((done + 1) / len(parts))
    return found


def intervals(system: System, published: Mapping[CellKey, int]) -> dict[CellKey, Interval]:
    """The exact interval of every withheld cell in whole numbers; empty if the published cells are contradictory."""
    found: dict[CellKey, Interval] = {}
    for part in system.knowing(published).components():
        attacker = Attacker(part, [Requirement(0, 0, 0)] * len(part.keys))
        for cell, key in enumerate(part.keys):
            interval = attacker.interval(cell)
            if interval is None:
                return {}
            found[key] = interval
    return found


class Attacker:
    """One component of unknown cells, and all whole-number tables of it that agree with what is published."""

    def __init__(self, unknown: System, required: Sequence[Requirement]) -> None:
        self._unknown, self._size = unknown, len(unknown.keys)
        self._reach = np.array([need.reach for need in required], dtype=np.int64)
        self._fall = np.array([need.fall for need in required], dtype=np.int64)
        self._width = np.array([need.width for need in required], dtype=np.int64)
        # Beyond this no requirement and no published sum leads; it keeps an unbounded programme finite.
        self._cap = 4 * int(np.abs(unknown.right).sum() + self._reach.max() + self._width.max() + 1)
        self._model = LinearModel(np.zeros(self._size), np.full(self._size, float(self._cap)), unknown.matrix())
        self._low = np.zeros(self._size, dtype=np.int64)
        self._high = np.zeros(self._size, dtype=np.int64)
        self._last = self._low
        self._witnessed = False

    def offer(self, table: Integers) -> bool:
        """Take a table as witness if it is one, verified in integers; whether it is."""
        if (table < 0).any() or len(self._unknown.broken(table)):
            return False
        self._low = np.minimum(self._low, table) if self._witnessed else table.copy()
        self._high = np.maximum(self._high, table) if self._witnessed else table.copy()
        self._last, self._witnessed = table, True
        return True

    def findings(self) -> list[Finding]:
        """The cells of this component that are not proved safe."""
        if self._model_is_empty():
            return [Finding(key, Reason.CONTRADICTION) for key in self._unknown.keys]
        self._sweep()
        found = []
        for cell in np.flatnonzero(self._open()).tolist():
            reason = self._exposed(cell)
            if reason is not None:
                found.append(Finding(self._unknown.keys[cell], reason))
        return found

    def interval(self, cell: int) -> Interval | None:
        """The exact interval of one cell; None if nothing agrees with what is published.

        Raises:
            RuntimeError: The search did not end.
        """
        low, high = self._extreme(cell, up=False, goal=None), self._extreme(cell, up=True, goal=None)
        if low is None or high is None:
            return None
        return Interval(low, high if high < self._cap else None)

    def _model_is_empty(self) -> bool:
        return not self._witnessed and self._model.minimise().status is Status.INFEASIBLE

    def _open(self) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
        if not self._witnessed:
            return np.ones(self._size, dtype=np.bool_)
        short = self._high - self._low < self._width
        return short | (self._high < self._reach) | (self._low > self._fall)

    def _sweep(self) -> None:
        """Push many open cells outwards at once, each only as far as it must, while that settles some.

        The cells drawn are capped at what they must reach, or one of them would take all there is to move; the others
        are free to give way.
        """
        draw = np.random.default_rng(self._size)
        stalled = 0
        self._solve_whole(np.zeros(self._size))
        for sweep in range(SWEEPS_MAX):
            still = self._open()
            if not still.any() or stalled == STALLED_MAX:
                break
            drawn = still & (draw.random(self._size) < TARGETED)
            rising = drawn & ((self._high < self._reach) | (sweep % 2 == 0))
            goal = np.maximum(self._reach, self._low + self._width)
            # Never below the last witness, so that there is always a table within these bounds.
            self._bound(np.where(rising, np.minimum(np.maximum(goal, self._last), self._cap), self._cap))
            self._solve_whole(np.where(rising, -1.0, np.where(drawn, 1.0, 0.0)))
            stalled = stalled + 1 if self._open().sum() == still.sum() else 0
        self._bound(np.full(self._size, self._cap))

    def _solve_whole(self, costs: Floats) -> None:
        """One programme, and where its corner is not in whole numbers, a search for a good table that is."""
        self._model.set_costs(costs)
        found = self._model.minimise()
        if found.status is Status.OPTIMAL and not self.offer(np.rint(found.values).astype(np.int64)):
            found = self._model.minimise(integers=True, gap=SWEEP_GAP)
            if found.status is Status.OPTIMAL:
                self.offer(np.rint(found.values).astype(np.int64))

    def _bound(self, upper: Integers) -> None:
        columns = np.arange(self._size, dtype=np.int32)
        self._model.set_bounds(columns, np.zeros(self._size), upper.astype(np.float64))

    def _exposed(self, cell: int) -> Reason | None:
        """Look at one cell alone; why it is not safe, if it is not."""
        try:
            self._push_apart(cell)
        except RuntimeError:
            return Reason.UNFINISHED
        if not self._is_open(cell):
            return None
        if self._high[cell] < self._reach[cell]:
            return Reason.REACH
        return Reason.FALL if self._low[cell] > self._fall[cell] else Reason.WIDTH

    def _push_apart(self, cell: int) -> None:
        """Look for tables that give the cell what it must keep: up, down, then to both ends."""
        reach, fall, width = int(self._reach[cell]), int(self._fall[cell]), int(self._width[cell])
        self._extreme(cell, up=True, goal=max(reach, int(self._low[cell]) + width))
        if self._is_open(cell):
            self._extreme(cell, up=False, goal=min(fall, int(self._high[cell]) - width))
        if self._is_open(cell):
            self._extreme(cell, up=True, goal=None)

    def _is_open(self, cell: int) -> bool:
        return bool(self._open()[cell])

    def _extreme(self, cell: int, *, up: bool, goal: int | None) -> int | None:
        """Push one cell to its end, or at least to the goal, in whole numbers; None if no table exists."""
        costs = np.zeros(self._size)
        costs[cell] = -1.0 if up else 1.0
        bound = self._solve(costs)
        if bound is None:
            return None
        end = int(np.floor(-bound + _TOLERANCE)) if up else int(np.ceil(bound - _TOLERANCE))
        if self._reached(cell, end if goal is None else _nearer(end, goal, up=up), up=up):
            return int(self._high[cell] if up else self._low[cell])
        if goal is not None and self._on_face(cell, _nearer(end, goal, up=up), up=up):
            return int(self._high[cell] if up else self._low[cell])
        return self._whole_extreme(cell, costs, up=up)

    def _reached(self, cell: int, end: int, *, up: bool) -> bool:
        return self._witnessed and bool(self._high[cell] >= end if up else self._low[cell] <= end)

    def _on_face(self, cell: int, goal: int, *, up: bool) -> bool:
        """Look for whole-number corners among the tables that have the cell at the goal or beyond."""
        draw = np.random.default_rng(cell)
        self._limit(cell, goal if up else 0, self._cap if up else goal)
        for _ in range(FACES_MAX):
            self._solve(draw.uniform(-1.0, 1.0, self._size) + np.where(np.arange(self._size) == cell, 0, 0.5))
            if self._reached(cell, goal, up=up):
                break
        self._limit(cell, 0, self._cap)
        return self._reached(cell, goal, up=up)

    def _whole_extreme(self, cell: int, costs: Floats, *, up: bool) -> int | None:
        self._model.set_costs(costs)
        found = self._model.minimise(integers=True)
        if found.status is Status.INFEASIBLE:
            return None
        if found.status is not Status.OPTIMAL or not self.offer(np.rint(found.values).astype(np.int64)):
            raise RuntimeError(f"the interval of cell {cell} could not be computed")
        return int(self._high[cell] if up else self._low[cell])

    def _limit(self, cell: int, lower: int, upper: int) -> None:
        self._model.set_bounds(np.array([cell], dtype=np.int32), np.array([float(lower)]), np.array([float(upper)]))

    def _solve(self, costs: Floats) -> float | None:
        """One programme; its corner is offered as a witness. The least cost, or None if there is no table."""
        self._model.set_costs(costs)
        found = self._model.minimise()
        if found.status is not Status.OPTIMAL:
            return None
        self.offer(np.rint(found.values).astype(np.int64))
        return found.bound


def _nearer(end: int, goal: int, *, up: bool) -> int:
    return min(end, goal) if up else max(end, goal)


def _contradicted(system: System, published: Mapping[CellKey, int]) -> bool:
    """Whether a relation among published cells only does not hold."""
    rows = np.ones(len(system.exact), dtype=np.bool_)
    values = np.array([published.get(key, 0) for key in system.keys], dtype=np.int64)
    known = np.array([key in published for key in system.keys], dtype=np.bool_)
    rows[np.unique(system.row_of_entry[~known[system.columns]])] = False
    excess = system.sums(values) - system.right
    return bool(np.any(rows & np.where(system.exact, excess != 0, excess > 0)))
