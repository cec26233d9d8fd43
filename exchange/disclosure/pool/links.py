"""What relates releases beyond a common cell: a whole period and its parts, one flow seen from both sides."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from exchange.contract.statistic import STOCK, cover, sums_over_time
from exchange.disclosure.pool.presumed import Place, Same
from exchange.disclosure.pool.sources import PoolKey, Source, names_in
from exchange.pattern import Relation
from exchange.table import CellKey


@dataclass(frozen=True, slots=True)
class MirrorLink:
    """Our release and the counterpart's of the same flow.

    Attributes:
        keys: By key of ours, theirs.
        least: Ours is at least this many times theirs.
        most: And at most this many times.
    """

    own: Source
    other: Source
    keys: Mapping[CellKey, CellKey] = field(repr=False)
    least: Fraction
    most: Fraction


def over_time(sources: Sequence[Source], same: Same, dropped: Collection[Place]) -> Iterator[Relation]:
    """The sums of a whole period's figures and its parts' in their newest vintages: quarter and months.

    Where the measure is not additive over time each part is at most the whole, and the whole at most their sum; stocks
    are not related at all. A sum that does not hold among shown figures is of another vintage, and is left out.
    """
    newest: dict[tuple[str, str], Source] = {}
    for source in sources:
        kept = newest.get((source.contract.id, source.period))
        if source.complete and (kept is None or kept.revision < source.revision):
            newest[source.contract.id, source.period] = source
    flows = [source for source in newest.values() if source.contract.concept.flow_or_stock != STOCK]
    for whole in flows:
        by_contract: dict[str, list[Source]] = {}
        for source in flows:
            by_contract.setdefault(source.contract.id, []).append(source)
        for held in by_contract.values():
            for periods in cover(whole.period, [source.period for source in held]):
                parts = [source for source in held if source.period in periods]
                yield from _whole_and_parts(whole, parts, same, dropped)


def across_mirrors(links: Sequence[MirrorLink], same: Same, dropped: Collection[Place]) -> Iterator[Relation]:
    """How near the counterpart's figure is to ours, where somebody does not know one of them."""
    for link in links:
        for key, there in link.keys.items():
            if (link.own.period, link.own.names[key]) in dropped:
                continue
            ours, theirs = link.own.likely(key), link.other.figure(there)
            shown = link.own.figure(key) is not None and theirs is not None
            false = ours is not None and theirs is not None and not link.least * theirs <= ours <= link.most * theirs
            if shown or false:
                continue
            here = same.root(link.own.pool_key(key))
            if there in link.other.cells:
                yield from _near(here, same.root(link.other.pool_key(there)), link)
            else:
                yield Relation(((here, 1),))


def _near(here: PoolKey, elsewhere: PoolKey, link: MirrorLink) -> Iterator[Relation]:
    least, most = link.least, link.most
    if least == most == 1:
        yield Relation(((here, 1), (elsewhere, -1)))
        return
    yield Relation(((here, most.denominator), (elsewhere, -most.numerator)), exact=False)
    yield Relation(((here, -least.denominator), (elsewhere, least.numerator)), exact=False)


def _whole_and_parts(
    whole: Source, parts: Sequence[Source], same: Same, dropped: Collection[Place]
) -> Iterator[Relation]:
    exact = sums_over_time(whole.contract) and all(sums_over_time(part.contract) for part in parts)
    for name in names_in((whole, *parts)):
        if any((source.period, name) in dropped for source in (whole, *parts)):
            continue
        key, keys = whole.key_of(name), [part.key_of(name) for part in parts]
        if key is None or any(k is None for k in keys):
            continue
        held = [(part, k) for part, k in zip(parts, keys, strict=True) if k is not None]
        if _holds(whole, key, held, exact=exact):
            terms = [term for part, k in held for term in _terms(part, k, same, 1)]
            yield from _sum(_terms(whole, key, same, -1), terms, exact=exact)


def _holds(whole: Source, key: CellKey, parts: Sequence[tuple[Source, CellKey]], *, exact: bool) -> bool:
    """Whether the relation says something, and nothing that is known to be false."""
    figures = [source.likely(k) for source, k in parts]
    total, summed = whole.likely(key), sum(figure or 0 for figure in figures)
    if total is None or None in figures:
        return True
    shown = whole.figure(key) is not None and all(source.figure(k) is not None for source, k in parts)
    largest = max(figure or 0 for figure in figures)
    return not shown and (total == summed if exact else largest <= total <= summed)


def _sum(whole: list[tuple[PoolKey, int]], parts: list[tuple[PoolKey, int]], *, exact: bool) -> Iterator[Relation]:
    if exact:
        yield Relation((*whole, *parts))
        return
    yield from (Relation((*whole, part), exact=False) for part in parts)
    yield Relation(tuple((cell, -factor) for cell, factor in (*whole, *parts)), exact=False)


def _terms(source: Source, key: CellKey, same: Same, factor: int) -> list[tuple[PoolKey, int]]:
    """The cell as a term; a published zero without a row is none."""
    return [(same.root(source.pool_key(key)), factor)] if key in source.cells else []
