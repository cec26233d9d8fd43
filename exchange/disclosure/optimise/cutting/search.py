"""Branch and cut: the cheapest safe pattern of a part, and a bound that holds wherever the search stops.

Source: Fischetti and Salazar, Management Science 47 (2001), §3–4; Achterberg, Koch, Martin, Operations Research Letters
33 (2005), for branching by what was seen to happen (pseudo-costs, made reliable by probing).
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from exchange.disclosure.arrays import INFINITY, Floats, Indices, Mask
from exchange.disclosure.optimise.cutting.cuts import Cut
from exchange.disclosure.optimise.cutting.master import Master, Relaxed
from exchange.disclosure.optimise.cutting.meter import Meter
from exchange.disclosure.optimise.cutting.separation import Separation

PROVED = 1e-6
"""A pattern that may be this share dearer than the cheapest one is proved cheapest."""

ROOT_CUTS, ROOT_DEPTH = 40, 1e-3
NODE_CUTS, NODE_DEPTH, NODE_PROGRAMMES = 10, 1e-2, 40
"""Cuts a round, how deep they must cut, and attackers' programmes spent on finding them, at the root and below."""

STALLED_MAX = 3
STALLED = 1e-3
"""So many rounds in a row that close no more than this share of the gap: branch."""

PROBED_MAX, PROBE_ITERATIONS, RELIABLE = 8, 50, 4
"""Cells probed at a node, with this effort, until each was probed so often."""

ROOT_WINDOW, ROOT_STALLED = 8, 5e-4
"""In fractions, so many rounds that raise the bound by no more than this share of it are the last."""

ROUNDED_EVERY = 400
"""Children made between two points in fractions that are handed out to be rounded."""

DIVES_MAX = 40
"""Nodes in a row that go deeper before the most promising one is taken up again."""

_WHOLE = 1e-6
_LEAST = 1e-6


@dataclass(order=True, frozen=True, slots=True)
class _Node:
    bound: float
    number: int
    lower: Floats = field(compare=False)
    upper: Floats = field(compare=False)


class Search:
    """One part: a master, its attackers, and the cheapest safe pattern known.

    Args:
        separation: Of the part.
        master: Holds valid cuts only.
        limits: By cell, the least and the largest x.
        best: The cost of a safe pattern that is known; only cheaper ones are looked for.
        step: Costs are multiples of this, or 0.
    """

    def __init__(
        self, separation: Separation, master: Master, limits: tuple[Floats, Floats], best: float, step: float
    ) -> None:
        self._separation, self._master = separation, master
        self._lower, self._upper = limits
        self._step = step
        self.best = best
        self.bound = -INFINITY
        self.point: Floats | None = None
        self.pattern: Mask | None = None
        size = len(self._lower)
        self._sums, self._counts = np.zeros((2, size)), np.zeros((2, size))

    @property
    def goal(self) -> float:
        """What costs this much or more is of no interest."""
        return min(self.best * (1 - PROVED), self.best - self._step * (1 - 1e-6))

    def relax(self, meter: Meter, *, share: float = 1.0) -> None:
        """Cut at the root, in fractions, until no attacker objects or the work is done; sets `bound` and `point`."""
        self._master.limit(self._lower, self._upper)
        bounds: list[float] = []
        while True:
            found = self._master.relax()
            if found is None:
                self.bound = INFINITY
                return
            bounds.append(found.cost)
            self.bound, self.point = max(self.bound, found.cost), found.x
            if found.cost >= self.goal or meter.spent(share) or _stalled(bounds):
                break
            cuts = self._separation.objections(
                found.x, wanted=ROOT_CUTS, programmes_max=10**9, depth_min=ROOT_DEPTH
            ).cuts
            if not cuts:
                break
            self._master.add(cuts)
        self._fix(found)

    def branch(self, meter: Meter, *, found: Callable[[Floats], None] = lambda _: None, share: float = 1.0) -> None:
        """Search until nothing cheaper is left, or the work is done; sets `bound`, `best`, `pattern`.

        Args:
            meter: Counts.
            found: Told the point in fractions of a node now and then: somebody may round it.
            share: Of all work.
        """
        heap = [_Node(self.bound, 0, self._lower, self._upper)]
        made, deep = 0, 0
        current: _Node | None = None
        while (heap or current is not None) and not meter.spent(share):
            if current is None or deep == DIVES_MAX:
                if current is not None:
                    heapq.heappush(heap, current)
                current, deep = heapq.heappop(heap), 0
            node, current = current, None
            if node.bound >= self.goal:
                continue
            relaxed, lower, upper = self._cut(node, meter)
            if relaxed is None:
                continue
            if not _fractional(relaxed.x).size:
                if meter.spent(share):
                    heapq.heappush(heap, node)
                    break
                self._take(relaxed)
                continue
            if made % ROUNDED_EVERY == 0:
                found(relaxed.x)
            cell = self._pick(relaxed, lower, upper)
            children = [_child(relaxed.cost, made + value + 1, lower, upper, cell, value) for value in (0, 1)]
            made += 2
            # Deeper where the point leans to: patterns are found there.
            first = 1 if relaxed.x[cell] > 1 / 2 else 0
            current, deep = children[first], deep + 1
            heapq.heappush(heap, children[1 - first])
        rest = min([self.best, *(node.bound for node in heap), *([current.bound] if current is not None else [])])
        self.bound = self.best if rest >= self.goal else max(self.bound, rest)

    def _cut(self, node: _Node, meter: Meter) -> tuple[Relaxed | None, Floats, Floats]:
        """Cut at a node; None if nothing cheaper can lie below it."""
        lower, upper = np.maximum(node.lower, self._lower), np.minimum(node.upper, self._upper)
        if (lower > upper).any():
            return None, lower, upper
        self._master.limit(lower, upper)
        last, stalled = node.bound, 0
        while True:
            found = self._master.relax()
            if found is None or found.cost >= self.goal:
                return None, lower, upper
            cuts = self._objections(found.x)
            if not cuts or meter.spent():
                break
            self._master.add(cuts)
            stalled = stalled + 1 if found.cost - last < STALLED * (self.best - found.cost) else 0
            last = found.cost
            if stalled >= STALLED_MAX and _fractional(found.x).size:
                break
        gone, forced = _decided(found, self.goal)
        return found, np.where(forced, 1.0, lower), np.where(gone, 0.0, upper)

    def _objections(self, x: Floats) -> list[Cut]:
        if _fractional(x).size:
            return self._separation.objections(
                x, wanted=NODE_CUTS, programmes_max=NODE_PROGRAMMES, depth_min=NODE_DEPTH
            ).cuts
        return self._separation.refusals(x > 1 / 2, wanted=ROOT_CUTS).cuts

    def _take(self, relaxed: Relaxed) -> None:
        self.best, self.pattern = relaxed.cost, relaxed.x > 1 / 2

    def _fix(self, relaxed: Relaxed) -> None:
        """Decide cells whose other choice alone would cost too much."""
        gone, forced = _decided(relaxed, self.goal)
        self._upper = np.where(gone, 0.0, self._upper)
        self._lower = np.where(forced, 1.0, self._lower)

    def _pick(self, relaxed: Relaxed, lower: Floats, upper: Floats) -> int:
        """The cell whose choice, either way, is seen or known to raise the cost most."""
        x = relaxed.x
        cells = _fractional(x)
        probed, best, chosen = 0, -1.0, int(cells[0])
        for cell in self._by_promise(cells, x):
            if self._counts[:, cell].min() < RELIABLE:
                if probed == PROBED_MAX:
                    continue
                probed += 1
                self._probe(cell, relaxed, lower, upper)
            score = float(self._scores(np.array([cell]), x)[0])
            if score > best:
                best, chosen = score, cell
        return chosen

    def _by_promise(self, cells: Indices, x: Floats) -> Iterator[int]:
        if not self._counts.sum():
            yield from cells[np.argsort(-np.minimum(x[cells], 1 - x[cells]), kind="stable")].tolist()
        else:
            yield from cells[np.argsort(-self._scores(cells, x), kind="stable")].tolist()

    def _scores(self, cells: Indices, x: Floats) -> Floats:
        seen = self._counts[:, cells] > 0
        mean = self._sums.sum(axis=1) / np.maximum(self._counts.sum(axis=1), 1)
        rate = np.where(seen, self._sums[:, cells] / np.maximum(self._counts[:, cells], 1), mean[:, None])
        found: Floats = np.maximum(rate[0] * x[cells], _LEAST) * np.maximum(rate[1] * (1 - x[cells]), _LEAST)
        return found

    def _probe(self, cell: int, relaxed: Relaxed, lower: Floats, upper: Floats) -> None:
        gap = self.best - relaxed.cost
        costs = self._master.probe(cell, (lower, upper), PROBE_ITERATIONS)
        for value, cost in enumerate(costs):
            way = float(relaxed.x[cell]) if value == 0 else 1 - float(relaxed.x[cell])
            self._sums[value, cell] += min(max(cost - relaxed.cost, 0.0), gap) / way
            self._counts[value, cell] += 1


def _stalled(bounds: list[float]) -> bool:
    if len(bounds) <= ROOT_WINDOW:
        return False
    return bounds[-1] - bounds[-1 - ROOT_WINDOW] <= ROOT_STALLED * abs(bounds[-1])


def _fractional(x: Floats) -> Indices:
    return np.flatnonzero((x > _WHOLE) & (x < 1 - _WHOLE)).astype(np.int32)


def _decided(relaxed: Relaxed, goal: float) -> tuple[Mask, Mask]:
    gap = goal - relaxed.cost
    return (relaxed.x < _WHOLE) & (relaxed.reduced > gap), (relaxed.x > 1 - _WHOLE) & (-relaxed.reduced > gap)


def _child(bound: float, number: int, lower: Floats, upper: Floats, cell: int, value: int) -> _Node:
    lower, upper = lower.copy(), upper.copy()
    lower[cell] = upper[cell] = value
    return _Node(bound, number, lower, upper)
