"""Contracts that release one statistic at different levels of one code list."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import permutations

from exchange.contract.statistic import CellName, levels_between
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
        for dimension, parts_of in levels_between(upper.contract, lower.contract).items():
            exact = all(dimension in source.contract.disclosure.additive_over for source in (upper, lower))
            for whole, parts in _sums(upper, lower, dimension, parts_of):
                if not any((upper.period, name) in dropped for name in (whole, *parts)):
                    yield from _related(upper, whole, lower, parts, same, exact=exact)


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
