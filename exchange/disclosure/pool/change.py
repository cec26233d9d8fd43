"""What changed between two vintages: a table that nobody released, and that everybody who holds both can compute.

A revision is what was released before plus a delta, so the delta must itself be safe: no change of fewer contributors
than the minimum may follow, neither of a cell that both show, nor of one or of several together that some sum leaves.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from exchange.disclosure.arrays import INFINITY
from exchange.disclosure.pool.chain import Chain, Sense, equality
from exchange.disclosure.pool.presumed import common_cells, common_sums
from exchange.disclosure.pool.sources import PoolKey, Source
from exchange.disclosure.problem import View
from exchange.disclosure.relations import System
from exchange.pattern import Relation, determined
from exchange.table import CellKey


@dataclass(frozen=True, slots=True)
class SmallChange:
    """A change of few contributors that can be computed.

    Attributes:
        cells: Keys of the later release in which, taken together, so few changed.
        chain: How it is computed.
    """

    cells: tuple[CellKey, ...]
    chain: Chain


def small_changes(
    before: Source, after: Source, *, minimum: int, changed: Mapping[CellKey, int] | None = None
) -> list[SmallChange]:
    """Every change of at least one and fewer than `minimum` contributors that follows from both releases by sums.

    Args:
        before: An earlier release of the same period that shares cells.
        after: The later one.
        minimum: Contributors.
        changed: By key of the later release, how many contributors were added, removed or changed, where that is
            known. Elsewhere the difference of the figures counts: it is no more than that where each contributor
            counts once; persons who were added and removed at once may be more.
    """
    delta = _Delta.between(before, after)
    if not any(delta.shown.values()):
        return []
    found = {change.cells: change for change in _determined(delta)}
    found |= {change.cells: change for change in _left_by_a_sum(delta)}
    found |= {(key,): SmallChange((key,), delta.chain({key: Fraction(1)})) for key in delta.shown}
    small = []
    for cells, change in sorted(found.items()):
        size = abs(change.chain.value(delta.figures))
        count = (changed or {}).get(cells[0], size) if len(cells) == 1 else size
        if size and count < minimum:
            small.append(change)
    return small


@dataclass(frozen=True)
class _Delta:
    """The difference of two releases over the cells that both speak of, by key of the later."""

    before: Source
    after: Source
    there: Mapping[CellKey, CellKey] = field(repr=False)
    shown: Mapping[CellKey, int] = field(repr=False)
    equations: tuple[Relation, ...] = field(repr=False)
    figures: Mapping[PoolKey, int] = field(repr=False)

    @classmethod
    def between(cls, before: Source, after: Source) -> "_Delta":
        pairs = common_cells(before, after)
        there = {key: earlier for earlier, key in pairs.values()}
        shown, figures = {}, {}
        for key, earlier in there.items():
            new, old = after.figure(key), before.figure(earlier)
            if new is not None and old is not None:
                shown[key] = new - old
                figures[after.pool_key(key)], figures[before.pool_key(earlier)] = new, old
        equations = tuple(
            Relation(tuple((pairs[name][1], factor) for name, factor in terms))
            for terms in common_sums(before, after, pairs)
        )
        return cls(before, after, there, shown, equations, figures)

    def chain(self, factors: Mapping[CellKey, Fraction]) -> Chain:
        """A combination of differences, as one of released cells."""
        terms = []
        for key, factor in factors.items():
            terms += [
                (self.after.pool_key(key), factor),
                (self.before.pool_key(self.there[key]), -factor),
            ]
        return Chain(Sense.EQUALS, tuple(sorted(term for term in terms if self.figures[term[0]])))


def _determined(delta: _Delta) -> Iterator[SmallChange]:
    """The changes of cells that are hidden in one of the two, where the sums of all that both show leave no choice."""
    hidden = delta.there.keys() - delta.shown.keys()
    following = determined(delta.equations, hidden)
    if not following:
        return
    system = System.of(sorted(delta.there), delta.equations)
    size = len(system.keys)
    view = View(
        system=system,
        known=np.array([key in delta.shown for key in system.keys], dtype=np.bool_),
        figures=np.array([delta.shown.get(key, 0) for key in system.keys], dtype=np.int64),
        whole=True,
        low=np.full(size, -INFINITY),
        high=np.full(size, INFINITY),
    )
    number = {key: column for column, key in enumerate(system.keys)}
    for key in sorted(following):
        chain = equality(view, number[key])
        if chain is not None:
            yield SmallChange((key,), delta.chain(dict(chain.terms)))


def _left_by_a_sum(delta: _Delta) -> Iterator[SmallChange]:
    """The parts of a whole that are hidden in one of the two: what changed in them together is what the sum leaves."""
    for relation in delta.equations:
        left = [(key, factor) for key, factor in relation.terms if key not in delta.shown]
        if left and len({factor for _, factor in left}) == 1:
            factors = {key: Fraction(-factor, left[0][1]) for key, factor in relation.terms if key in delta.shown}
            yield SmallChange(tuple(sorted(key for key, _ in left)), delta.chain(factors))
