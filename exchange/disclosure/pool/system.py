"""One system of relations over everything that somebody who holds a candidate and all that came before can relate."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from exchange.disclosure.arrays import INFINITY
from exchange.disclosure.pool.levels import across_levels
from exchange.disclosure.pool.links import MirrorLink, across_mirrors, over_time
from exchange.disclosure.pool.presumed import Place, Same, presumptions
from exchange.disclosure.pool.released import Pool, mirror_ratios, mirrored, related
from exchange.disclosure.pool.sources import PoolKey, Source
from exchange.disclosure.problem import Insider, Needs, View
from exchange.disclosure.protection import NO_FALL, Requirement, floor
from exchange.disclosure.relations import System
from exchange.pattern import Relation
from exchange.table import CellKey, Released


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A release that is asked for.

    Attributes:
        release: As its readers would have it.
        values: The true figures of its rows: they tell which presumptions about it are false.
        required: What its withheld cells must keep.
        insiders: Its contributors who know more than it shows, with cells numbered as in `order`. Of an earlier release
            they know what is taken to be the same figure; what else they know of it, its register alone could tell.
        order: Its cells.
        guarded: Its withheld cells whose needs hold against insiders as well; None for all. Those of earlier releases
            hold against everybody else: who contributed to them is not on record.
    """

    release: Released
    values: Mapping[CellKey, int] = field(repr=False)
    required: Mapping[CellKey, Requirement] = field(repr=False)
    insiders: Sequence[Insider] = field(default=(), repr=False)
    order: Sequence[CellKey] = field(default=(), repr=False)
    guarded: Collection[CellKey] | None = field(default=None, repr=False)

    def guards(self, key: CellKey) -> bool:
        """Whether what a hidden cell must keep holds against insiders as well."""
        return self.guarded is None or key in self.guarded


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledView:
    """What the pool shows, and what every hidden cell in it must keep.

    Attributes:
        view: Its system's keys are pool keys.
        required: By column that is not known, what the cells behind it must keep.
        members: By column, the hidden cells that are taken for this one number.
        given_away: Hidden cells that another release shows, each with the cell that shows it.
        places: By pool key, its period and name.
    """

    view: View
    required: Mapping[int, Requirement] = field(repr=False)
    members: Mapping[int, tuple[PoolKey, ...]] = field(repr=False)
    given_away: tuple[tuple[PoolKey, PoolKey], ...]
    places: Mapping[PoolKey, Place] = field(repr=False)

    @property
    def needs(self) -> Needs:
        """`required` as arrays; nothing is asked of a known column."""
        size = len(self.view.known)
        needs = Needs(np.full(size, -INFINITY), np.full(size, INFINITY), np.zeros(size))
        for column, need in self.required.items():
            needs.reach[column], needs.width[column] = need.reach, need.width
            needs.fall[column] = INFINITY if need.fall >= NO_FALL else need.fall
        return needs


@dataclass(frozen=True, slots=True)
class Holdings:
    """The tables that one attacker holds, and which of them speak of one flow."""

    own: tuple[Source, ...]
    outside: tuple[Source, ...]
    mirrors: tuple[Source, ...]
    links: tuple[MirrorLink, ...]

    @classmethod
    def of(cls, candidate: Candidate, pool: Pool, *, past_only: bool = False) -> "Holdings":
        """The candidate, with everything that can say something of it.

        With `past_only` without the candidate: what the past alone gives away is not its fault.
        """
        earlier = related(candidate.release, pool.releases)
        periods = {candidate.release.table.period, *(release.table.period for release in earlier)}
        releases = {release.name: (release, Source.of(release, pool.truths)) for release in earlier}
        if not past_only:
            name = candidate.release.name
            truths = {(name, *key): figure for key, figure in candidate.values.items()}
            releases[name] = (candidate.release, Source.of(candidate.release, truths))
        mirrors = [(mirror, Source.of(mirror)) for mirror in pool.mirrors if mirror.table.period in periods]
        links = [
            MirrorLink(own, theirs, mirrored(release, mirror), *mirror_ratios(release.contract))
            for release, own in releases.values()
            for mirror, theirs in mirrors
        ]
        return cls(
            own=tuple(source for _, source in releases.values()),
            outside=tuple(Source.outside(known) for known in pool.outside if known.period in periods),
            mirrors=tuple(theirs for _, theirs in mirrors),
            links=tuple(link for link in links if link.keys),
        )

    def named(self, name: str) -> Source:
        """One of this member's tables."""
        return next(source for source in self.own if source.name == name)

    def silencing(self, name: str) -> "Holdings":
        """The same, but nobody reads anything in this release: only its cells' names are known."""
        silent = self.named(name).silent()
        return replace(
            self,
            own=tuple(silent if source.name == name else source for source in self.own),
            links=tuple(link for link in self.links if link.own.name != name),
        )

    def all(self) -> tuple[Source, ...]:
        """Every table."""
        return (*self.own, *self.outside, *self.mirrors)


def pooled_view(
    candidate: Candidate,
    holdings: Holdings,
    *,
    dropped: Collection[Place] = (),
) -> PooledView:
    """Relate everything that the attacker holds, at once.

    Args:
        candidate: For what its cells must keep.
        holdings: All the tables.
        dropped: Cells of which nothing is presumed any more: presuming it contradicted the sums.
    """
    same = presumptions((*holdings.own, *holdings.outside), dropped=dropped)
    for source in holdings.mirrors:
        for key, figure in source.cells.items():
            if figure is not None:
                same.show(source.pool_key(key), figure)
    relations = [
        *(_renamed(relation, source, same) for source in holdings.all() for relation in source.sums_over()),
        *across_levels(holdings.own, same, dropped),
        *over_time(holdings.own, same, dropped),
        *across_mirrors(holdings.links, same, dropped),
    ]
    return _View(candidate, holdings, same).over(relations)


class _View:
    def __init__(self, candidate: Candidate, holdings: Holdings, same: Same) -> None:
        self._candidate, self._holdings, self._same = candidate, holdings, same

    def over(self, relations: list[Relation]) -> PooledView:
        hidden = list(self._hidden())
        keys = {key for relation in relations for key, _ in relation.terms}
        keys |= {root for root, _, _, _ in hidden if root not in self._same.figures}
        system = System.of(sorted(keys), relations)
        number = {key: column for column, key in enumerate(system.keys)}
        low = np.zeros(len(number))
        required: dict[int, Requirement] = {}
        members: dict[int, list[PoolKey]] = {}
        given_away = []
        for root, cell, need, least in hidden:
            if root in self._same.figures:
                given_away.append((cell, self._same.shown[root]))
                continue
            column = number[root]
            required[column] = required[column].union(need) if column in required else need
            members.setdefault(column, []).append(cell)
            low[column] = max(low[column], least)
        figures = self._same.figures
        return PooledView(
            view=View(
                system=system,
                known=np.array([key in figures for key in system.keys], dtype=np.bool_),
                figures=np.array([figures.get(key, 0) for key in system.keys], dtype=np.int64),
                whole=True,
                low=low,
                high=np.full(len(number), INFINITY),
            ),
            required=required,
            members={column: tuple(cells) for column, cells in members.items()},
            given_away=tuple(given_away),
            places={
                source.pool_key(key): (source.period, name)
                for source in self._holdings.all()
                for key, name in source.names.items()
            },
        )

    def _hidden(self) -> Iterator[tuple[PoolKey, PoolKey, Requirement, int]]:
        """Every cell that must stay unknown: the number it is, itself, what it must keep, what it is at least."""
        asked = self._candidate.release
        for source in self._holdings.all():
            promised = floor(source.contract)
            required = self._candidate.required if source.name == asked.name else {}
            for key in sorted(source.hidden):
                cell = source.pool_key(key)
                yield self._same.root(cell), cell, required.get(key, promised), source.least.get(key, 0)


def _renamed(relation: Relation, source: Source, same: Same) -> Relation:
    return Relation(tuple((same.root(source.pool_key(key)), factor) for key, factor in relation.terms), relation.exact)
