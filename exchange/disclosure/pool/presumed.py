"""Which hidden cells an attacker takes for one number: the same statistic in two releases, unless a sum says otherwise.

Somebody who holds two vintages, or two contracts' tables with a common cell, presumes that what is hidden in one is
what the other shows or hides: most figures do not change. A sum whose shown part did change tells that something hidden
in it changed too, and a presumption that is known to be false misleads: neither is made.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TypeAlias

from exchange.contract.statistic import CellName
from exchange.disclosure.pool.sources import PoolKey, Source, names_in
from exchange.table import CellKey

Place: TypeAlias = tuple[str, CellName]
"""A period and a cell, whatever the release."""

Sum: TypeAlias = tuple[tuple[CellName, int], ...]
"""Cells and factors that come to zero."""


@dataclass(frozen=True, slots=True)
class Same:
    """Cells taken for one number, as a forest: `root` of a cell stands for all that are the same.

    Attributes:
        above: By cell, another one that it is the same as; absent for a root.
        figures: By root, the figure that one of its cells shows.
        shown: By root with a figure, the cell that shows it.
    """

    above: dict[PoolKey, PoolKey] = field(default_factory=dict)
    figures: dict[PoolKey, int] = field(default_factory=dict)
    shown: dict[PoolKey, PoolKey] = field(default_factory=dict)

    def root(self, cell: PoolKey) -> PoolKey:
        """The cell that stands for this one."""
        while (above := self.above.get(cell)) is not None:
            cell = above
        return cell

    def show(self, cell: PoolKey, figure: int) -> None:
        """A release shows this cell."""
        self.figures[cell], self.shown[cell] = figure, cell

    def unite(self, one: PoolKey, other: PoolKey) -> None:
        """Take two cells for one number, unless they show different ones."""
        first, second = self.root(one), self.root(other)
        if first == second:
            return
        if second in self.figures and first not in self.figures:
            first, second = second, first
        if second in self.figures and self.figures[first] != self.figures[second]:
            return
        self.above[second] = first


def presumptions(sources: Sequence[Source], *, dropped: Collection[Place] = ()) -> Same:
    """Unite the hidden cells of all releases of one period with what others show or hide of the same statistic.

    Args:
        sources: The releases of any number of periods.
        dropped: Cells of which nothing is presumed any more: presuming it contradicted the sums.
    """
    same = Same()
    for source in sources:
        for key, figure in source.cells.items():
            if figure is not None:
                same.show(source.pool_key(key), figure)
    for one, other in combinations(sources, 2):
        if one.period == other.period:
            for key, there in _unchanged(one, other, dropped):
                here, elsewhere = one.pool_key(key), other.pool_key(there)
                for cell, figure in ((here, one.figure(key)), (elsewhere, other.figure(there))):
                    if figure is not None and same.root(cell) not in same.figures:
                        same.show(cell, figure)  # a published zero that has no row
                same.unite(here, elsewhere)
    return same


def common_cells(one: Source, other: Source) -> dict[CellName, tuple[CellKey, CellKey]]:
    """The cells that both releases speak of, with their keys in each."""
    pairs = {}
    for name in names_in((one, other)):
        key, there = one.key_of(name), other.key_of(name)
        if key is not None and there is not None:
            pairs[name] = (key, there)
    return pairs


def common_sums(one: Source, other: Source, pairs: Mapping[CellName, tuple[CellKey, CellKey]]) -> list[Sum]:
    """The sums that hold in both releases, term by term; a whole that has lost a part is another sum."""
    found: list[dict[frozenset[tuple[CellName, int]], Sum]] = []
    for source, place in ((one, 0), (other, 1)):
        name_of = {keys[place]: name for name, keys in pairs.items()}
        sums = {}
        for relation in source.sums_over(name_of):
            if relation.exact and all(key in name_of for key, _ in relation.terms):
                terms = tuple((name_of[key], factor) for key, factor in relation.terms)
                sums[frozenset(terms)] = terms
        found.append(sums)
    first, second = found
    return [terms for identity, terms in first.items() if identity in second]


def surely_changed(one: Source, other: Source, pairs: Mapping[CellName, tuple[CellKey, CellKey]]) -> set[CellName]:
    """The cells of the sums whose shown part changed, where nothing else is known that could make up for it."""
    found: set[CellName] = set()
    for terms in common_sums(one, other, pairs):
        changes = [_change(one, other, pairs[name]) for name, _ in terms]
        total = sum(factor * (change or 0) for change, (_, factor) in zip(changes, terms, strict=True))
        if total and None not in changes:
            found |= {name for name, _ in terms}
    return found


def _unchanged(one: Source, other: Source, dropped: Collection[Place]) -> Iterator[tuple[CellKey, CellKey]]:
    pairs = common_cells(one, other)
    changed = surely_changed(one, other, pairs)
    for name, (key, there) in pairs.items():
        hidden = one.figure(key) is None or other.figure(there) is None
        presumed = hidden and name not in changed and (one.period, name) not in dropped
        if presumed and _change(one, other, (key, there)) == 0:
            yield key, there


def _change(one: Source, other: Source, keys: tuple[CellKey, CellKey]) -> int | None:
    """By how much the attacker takes the cell to have changed: not at all, where one is hidden; None: it surely did."""
    key, there = keys
    if one.figure(key) is not None and other.figure(there) is not None:
        return (other.figure(there) or 0) - (one.figure(key) or 0)
    before, after = one.likely(key), other.likely(there)
    return None if before is not None and after is not None and before != after else 0
