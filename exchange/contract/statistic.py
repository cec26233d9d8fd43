"""Which cells of different releases are one and the same statistic, decided from contracts and periods alone.

Two contracts of one linkage group may release the same figure in different tables, or a quarter and its months. Whoever
holds both relates them; so the audit of what was ever released does too. Nothing here needs a value.
"""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from exchange.codes import CodeList, Period, parse_period
from exchange.contract.model import TOTAL, DataContract
from exchange.encoding import Digest

CellName: TypeAlias = frozenset[tuple[str, str]]
"""A cell without its contract: (dimension, code) for each dimension that does not stand at its total."""

Subject: TypeAlias = tuple[str, ...]
"""What is counted, how, in which unit: equal for contracts whose equally named cells are the same figure."""

STOCK = "stock"
"""`Concept.flow_or_stock` of what is there at a moment; such figures never sum over time."""

TIME = "TIME_PERIOD"

DIRECTION, COUNTERPART = "DIRECTION", "COUNTERPART"
"""The dimensions by which two members see one flow from both sides."""


def subject(contract: DataContract) -> Subject:
    """What the contract counts; the words of its definition may differ, the concept may not."""
    concept = contract.concept
    return (
        contract.disclosure.linkage_group,
        contract.measure,
        contract.unit,
        str(contract.decimals),
        concept.counting_unit,
        concept.duration_rule,
        concept.source_register,
        concept.direction,
        concept.flow_or_stock,
    )


def related_periods(period: str, others: Iterable[str]) -> frozenset[str]:
    """This period, and those of the others that hang together with it: whole and parts, and their parts and wholes."""
    left, found = set(others) - {period}, {period}
    while True:
        near = {other for other in left if any(within(other, one) or within(one, other) for one in found)}
        if not near:
            return frozenset(found)
        found |= near
        left -= near


class CellNames:
    """How one contract's keys and the names that all contracts share translate."""

    def __init__(self, contract: DataContract) -> None:
        self._dimensions = contract.dimensions
        self._meanings = [_meanings(dimension.codelist) for dimension in contract.dimensions]

    def name(self, key: tuple[str, ...]) -> CellName:
        """The name under which every contract with this subject knows the cell."""
        return frozenset(
            (dimension.id, meanings.get(code, code))
            for dimension, meanings, code in zip(self._dimensions, self._meanings, key, strict=True)
            if code != TOTAL
        )

    def meaning(self, dimension: str, code: str) -> str:
        """How a name spells a code of this dimension."""
        places = (place for place, found in enumerate(self._dimensions) if found.id == dimension)
        return self._meanings[next(places)].get(code, code)

    def key(self, name: CellName) -> tuple[str, ...] | None:
        """The key of a named cell in this contract; None if it has a dimension or a code that the contract lacks."""
        asked = dict(name)
        key = []
        for dimension, meanings in zip(self._dimensions, self._meanings, strict=True):
            meaning = asked.pop(dimension.id, TOTAL)
            code = meaning.partition("/")[0]
            if code == TOTAL and not dimension.has_total:
                return None
            if code != TOTAL and (code not in dimension.codelist or meanings.get(code, code) != meaning):
                return None
            key.append(code)
        return None if asked else tuple(key)


def sums_over_time(contract: DataContract) -> bool:
    """Whether the figures of consecutive periods sum to that of the whole (else they only bound it)."""
    return TIME in contract.disclosure.additive_over and contract.concept.flow_or_stock != STOCK


def cover(whole: str, periods: Iterable[str]) -> list[tuple[str, ...]]:
    """The sets of shorter periods, all of one frequency, that together are exactly the whole."""
    span = parse_period(whole)
    inside: dict[str, list[Period]] = {}
    for text in sorted(set(periods)):
        part = parse_period(text)
        if part.frequency != span.frequency and span.start <= part.start and part.end <= span.end:
            inside.setdefault(part.frequency.value, []).append(part)
    found = []
    for parts in inside.values():
        days = sum((part.end - part.start).days + 1 for part in parts)
        if days == (span.end - span.start).days + 1:
            found.append(tuple(part.text for part in sorted(parts, key=lambda part: part.start)))
    return found


def within(whole: str, part: str) -> bool:
    """Whether one period lies inside another, or is it."""
    outer, inner = parse_period(whole), parse_period(part)
    return outer.start <= inner.start and inner.end <= outer.end


def moved_boundaries(one: DataContract, other: DataContract) -> list[str]:
    """The dimensions whose codes hang together in a way that only the records tell.

    Their lists are not one, and each contract lists a code that the other does not; or, of two versions of one
    contract, one lists a code that the other's list does not have: a part of what another code stood for (as Zhetisu of
    Almaty region until 2022), which kept its name.
    """
    found = []
    for dimension in one.dimensions:
        there = next((d for d in other.dimensions if d.id == dimension.id), None)
        if there is None or _tree(dimension.codelist) == _tree(there.codelist):
            continue
        here, elsewhere = _listed(one, dimension.id), _listed(other, dimension.id)
        unknown = [code for code in here if code not in there.codelist]
        unknown += [code for code in elsewhere if code not in dimension.codelist]
        if (here - elsewhere and elsewhere - here) or (one.id == other.id and unknown):
            found.append(dimension.id)
    return found


def levels_between(upper: DataContract, lower: DataContract) -> dict[str, dict[str, tuple[str, ...]]]:
    """By dimension and code of the upper contract: the codes of the lower that together are exactly it.

    Within one contract its own tables say so; here both are levels of one code list.
    """
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


def _meanings(codelist: CodeList) -> dict[str, str]:
    """A code that stands for others, with what it stands for: a group that gains a member is another group."""
    below: dict[str, list[str]] = {}
    for leaf in codelist.leaves():
        for above in codelist.ancestors(leaf):
            below.setdefault(above, []).append(leaf)
    return {code: f"{code}/{Digest.of(' '.join(sorted(leaves)).encode()).hex[:16]}" for code, leaves in below.items()}


def _covers(codelist: CodeList, whole: str, parts: Sequence[str]) -> bool:
    """Whether the parts are apart and leave nothing of the whole."""
    leaves = [leaf for part in parts for leaf in codelist.leaves_under(part)]
    return sorted(leaves) == sorted(codelist.leaves_under(whole))


def _listed(contract: DataContract, dimension: str) -> set[str]:
    return {code for table in contract.tables for e in table.dimensions if e.dimension == dimension for code in e.codes}


def _tree(codelist: CodeList) -> frozenset[tuple[str, str | None]]:
    return frozenset((code.id, code.parent) for code in codelist.codes)
