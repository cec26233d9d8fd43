"""Contracts that release one statistic in different codes: levels of one list, or boundaries that moved."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import permutations

from exchange.codes import CodeList
from exchange.contract.model import DataContract
from exchange.contract.statistic import CellName
from exchange.disclosure.pool.presumed import Place, Same
from exchange.disclosure.pool.sources import PoolKey, Source
from exchange.pattern import Relation


def across_levels(sources: Sequence[Source], same: Same, dropped: Collection[Place]) -> Iterator[Relation]:
    """The sums of one contract's codes that are one code of another's: a group's countries, a region's districts.

    Within one contract its own tables say so; here the two codes stand in different contracts, under one code list.
    Where the measure is not additive, each part is at most the whole, and the whole at most their sum.
    """
    held = [source for source in sources if source.complete]
    for upper, lower in permutations(held, 2):
        if upper.period != lower.period or upper.contract.digest == lower.contract.digest:
            continue
        for dimension, parts_of in _levels(upper.contract, lower.contract).items():
            exact = all(dimension in source.contract.disclosure.additive_over for source in (upper, lower))
            for whole, parts in _sums(upper, lower, dimension, parts_of):
                if not any((upper.period, name) in dropped for name in (whole, *parts)):
                    yield from _related(upper, whole, lower, parts, same, exact=exact)


def moved_boundaries(one: DataContract, other: DataContract) -> list[str]:
    """The dimensions in which each contract lists a code that the other does not know, and the lists are not one.

    Figures in such codes hang together in a way that only the records tell.
    """
    found = []
    for dimension in one.dimensions:
        there = next((d for d in other.dimensions if d.id == dimension.id), None)
        if there is None or _tree(dimension.codelist) == _tree(there.codelist):
            continue
        here, elsewhere = _listed(one, dimension.id), _listed(other, dimension.id)
        if here - elsewhere and elsewhere - here:
            found.append(dimension.id)
    return found


def _levels(upper: DataContract, lower: DataContract) -> dict[str, dict[str, tuple[str, ...]]]:
    """By dimension and code of the upper contract: the codes of the lower that together are exactly it."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for dimension in upper.dimensions:
        below = next((d for d in lower.dimensions if d.id == dimension.id), None)
        if below is None or _tree(dimension.codelist) != _tree(below.codelist):
            continue
        parts = {}
        for table in lower.tables:
            codes = [code for entry in table.dimensions if entry.dimension == dimension.id for code in entry.codes]
            for whole in _listed(upper, dimension.id):
                inside = tuple(code for code in codes if whole in dimension.codelist.ancestors(code))
                if inside and _covers(dimension.codelist, whole, inside):
                    parts[whole] = inside
        if parts:
            found[dimension.id] = parts
    return found


def _sums(
    upper: Source, lower: Source, dimension: str, parts_of: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[CellName, tuple[CellName, ...]]]:
    """Each whole that either release has a row about, with its parts, where both speak of all of them."""
    for code, codes in parts_of.items():
        whole = (dimension, upper.meaning(dimension, code))
        parts = [(dimension, lower.meaning(dimension, part)) for part in codes]
        rests = {name - {whole} for name in upper.names.values() if whole in name}
        rests |= {name - {part} for name in lower.names.values() for part in parts if part in name}
        for rest in sorted(rests, key=sorted):
            names = tuple(rest | {part} for part in parts)
            if upper.key_of(rest | {whole}) is not None and all(lower.key_of(name) is not None for name in names):
                yield rest | {whole}, names


def _related(
    upper: Source, whole: CellName, lower: Source, parts: Sequence[CellName], same: Same, *, exact: bool
) -> Iterator[Relation]:
    figures = [*_figures(lower, parts), *_figures(upper, [whole])]
    if None not in figures:
        return
    total = _terms(upper, [whole], same, -1)
    terms = _terms(lower, parts, same, 1)
    if exact:
        yield Relation((*total, *terms))
        return
    yield from (Relation((*total, term), exact=False) for term in terms)
    yield Relation(tuple((cell, -factor) for cell, factor in (*total, *terms)), exact=False)


def _figures(source: Source, names: Sequence[CellName]) -> Iterator[int | None]:
    for name in names:
        key = source.key_of(name)
        yield None if key is None else source.figure(key)


def _terms(source: Source, names: Sequence[CellName], same: Same, factor: int) -> list[tuple[PoolKey, int]]:
    """The cells as terms; a published zero without a row is none."""
    keys = [source.key_of(name) for name in names]
    return [(same.root(source.pool_key(key)), factor) for key in keys if key is not None and key in source.cells]


def _covers(codelist: CodeList, whole: str, parts: Sequence[str]) -> bool:
    """Whether the parts are apart and leave nothing of the whole."""
    leaves = [leaf for part in parts for leaf in codelist.leaves_under(part)]
    return sorted(leaves) == sorted(codelist.leaves_under(whole))


def _listed(contract: DataContract, dimension: str) -> set[str]:
    return {code for table in contract.tables for e in table.dimensions if e.dimension == dimension for code in e.codes}


def _tree(codelist: CodeList) -> frozenset[tuple[str, str | None]]:
    return frozenset((code.id, code.parent) for code in codelist.codes)
