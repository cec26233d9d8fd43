"""What a pattern of withheld cells gives away by itself: the sums of the contract, without a single value.

Whether a withheld cell follows from the published ones *by linear relations alone* depends on which cells are
withheld and on the hierarchies, never on figures. So an auditor who may see no value can still decide it. What follows
from x ≥ 0 or from integers needs figures: that is `exchange.disclosure.audit`.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import chain, combinations, permutations
from math import prod
from typing import TypeAlias

from exchange.contract.model import DataContract
from exchange.contract.shape import Key, Margin, Shape
from exchange.contract.statistic import (
    CellName,
    CellNames,
    Subject,
    cover,
    levels_between,
    subject,
    sums_over_time,
    within,
)

__all__ = [
    "PRIMES",
    "Determination",
    "Equation",
    "Key",
    "Margin",
    "Pattern",
    "Relation",
    "Shape",
    "determined",
    "determined_columns",
    "equations",
    "follows",
    "pattern_audit",
    "relations",
]

PRIMES = (2**61 - 1, 2**89 - 1)
"""Elimination runs modulo each of these Mersenne primes; a cell that either finds determined counts as determined."""


@dataclass(frozen=True, slots=True)
class Relation:
    """The sum of coefficient × cell over `terms` is zero (`exact`), or at most zero.

    A cell without a term is known to the reader: published, or absent and so zero.
    """

    terms: tuple[tuple[Key, int], ...]
    exact: bool = True


Equation: TypeAlias = Relation


def equations(contract: DataContract, keys: Collection[Key]) -> tuple[Equation, ...]:
    """Every sum that the contract's tables imply over `keys`; all other cells are taken as known.

    Only dimensions along which the measure is additive give sums, never one without a total (DESIGN.md §4).
    """
    return tuple(relation for relation in relations(contract, keys) if relation.exact)


def relations(contract: DataContract, keys: Collection[Key]) -> tuple[Relation, ...]:
    """The same sums, and the bounds of the dimensions that are not additive: each part ≤ whole ≤ sum of parts."""
    present = set(keys)
    found: list[Relation] = []
    for margin in Shape(contract).margins(sorted(present)):
        parts = [key for code in margin.codes if (key := margin.part(code)) in present]
        whole = [(margin.whole, -1)] if margin.whole in present else []
        if margin.exact:
            found.append(Relation((*whole, *((part, 1) for part in parts))))
            continue
        found.extend(Relation((*whole, (part, 1)), exact=False) for part in parts)
        if margin.covers:
            found.append(Relation(tuple([(key, 1) for key, _ in whole] + [(p, -1) for p in parts]), exact=False))
    return tuple(found)


def determined(found: Iterable[Equation], withheld: Collection[Key]) -> frozenset[Key]:
    """The withheld cells that follow exactly from everything else, whatever the figures are."""
    hidden = sorted(withheld)
    number = {key: column for column, key in enumerate(hidden)}
    rows = [
        {number[key]: factor for key, factor in relation.terms if key in number} for relation in found if relation.exact
    ]
    return frozenset(hidden[column] for column in determined_columns(rows, len(hidden)))


def determined_columns(rows: Iterable[Mapping[int, int]], size: int) -> list[int]:
    """The unknowns, numbered below `size`, that are zero in every solution of these homogeneous equations, ascending.

    One solution with pseudo-random free unknowns decides it: a determined unknown is zero there always, another one
    with probability 1/prime, and then it is called determined: the error is on the safe side. Modulo one prime an
    equation can lose a factor that the prime divides; so either prime's word is enough.

    Args:
        rows: By equation, the factor of each unknown in it; what is known has no place.
        size: How many unknowns.
    """
    kept = list(rows)
    try:
        solutions = [_solution(kept, size, prod(PRIMES))]  # both primes at once
    except ValueError:  # one of them divides a pivot
        solutions = [_solution(kept, size, prime) for prime in PRIMES]
    return [
        column for column in range(size) if any(found[column] % prime == 0 for found in solutions for prime in PRIMES)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What an auditor knows of one bundle: which keys are withheld, and no figure.

    Attributes:
        bundle: How it is called.
        excluded: Keys that its recipients must not see.
        recipients: They and the exclusions make the class: the canonical release has none.
    """

    bundle: str
    contract: DataContract
    provider: str
    period: str
    revision: int
    recipients: tuple[str, ...]
    withheld: frozenset[Key]
    excluded: frozenset[Key] = frozenset()

    @property
    def vintage_and_class(self) -> tuple[int, tuple[str, ...]]:
        """Within one of these a cell is one number to all its readers."""
        return self.revision, self.recipients if self.excluded else ()


@dataclass(frozen=True, slots=True)
class Determination:
    """Withheld cells that follow from some bundles by sums alone.

    Attributes:
        bundles: Those that it takes.
        cells: By bundle and key.
        certain: Within one vintage and class it is a verdict; across them it is possible, for the provider to answer:
            figures may have changed, and a contract may bar the readers of one class from those of another.
    """

    bundles: tuple[str, ...]
    cells: tuple[tuple[str, Key], ...]
    certain: bool


def pattern_audit(patterns: Sequence[Pattern], *, follow: "Follow | None" = None) -> list[Determination]:
    """What follows from each bundle, from each pair, and from all together; each cell where the fewest show it.

    Args:
        patterns: Of any number of bundles.
        follow: What follows from some of them: `follows`, or one that remembers what it found; None: `follows`.
    """
    follow = follows if follow is None else follow
    found: list[Determination] = []
    done: set[tuple[str, Key]] = set()
    for group in [*([one] for one in patterns), *_pairs(patterns), *_pools(patterns)]:
        fresh = sorted(set(follow(group)) - done)
        if fresh:
            done.update(fresh)
            certain = len({pattern.vintage_and_class for pattern in group}) == 1
            found.append(Determination(tuple(pattern.bundle for pattern in group), tuple(fresh), certain))
    return found


Follow: TypeAlias = Callable[[Sequence[Pattern]], Collection[tuple[str, Key]]]
"""The withheld cells, by bundle and key, that follow from some patterns."""


def _pairs(patterns: Sequence[Pattern]) -> Iterator[list[Pattern]]:
    for pool in _pools(patterns):
        for one, other in combinations(pool, 2):
            if within(one.period, other.period) or within(other.period, one.period):
                yield [one, other]


def _pools(patterns: Sequence[Pattern]) -> list[list[Pattern]]:
    """The bundles of each provider that count the same thing."""
    pools: dict[tuple[str, Subject], list[Pattern]] = defaultdict(list)
    for pattern in patterns:
        pools[pattern.provider, subject(pattern.contract)].append(pattern)
    return [pool for pool in pools.values() if len(pool) > 1]


def follows(patterns: Sequence[Pattern]) -> set[tuple[str, Key]]:
    """The withheld cells that somebody who holds all of these can compute, if no figure changed between them."""
    readings = [_Reading(pattern) for pattern in patterns]
    unknown = sorted({cell for reading in readings for cell in reading.unknown}, key=_ordered)
    open_cells = [cell for cell in unknown if not any(reading.shows(cell) for reading in readings)]
    number = {cell: column for column, cell in enumerate(open_cells)}
    rows = [
        {number[cell]: factor for cell, factor in terms if cell in number}
        for terms in chain(*(reading.sums() for reading in readings), _over_time(readings), _across_levels(readings))
    ]
    left = set(open_cells) - {open_cells[column] for column in determined_columns(rows, len(open_cells))}
    return {
        (reading.pattern.bundle, key)
        for reading in readings
        for cell, key in reading.unknown.items()
        if cell not in left and key in reading.pattern.withheld
    }


def _over_time(readings: Sequence["_Reading"]) -> Iterator[tuple[tuple["_Cell", int], ...]]:
    """A whole period is the sum of its parts, where the measure is additive over time."""
    by_contract: dict[str, dict[str, _Reading]] = defaultdict(dict)
    for reading in sorted(readings, key=lambda reading: reading.pattern.revision):
        if sums_over_time(reading.pattern.contract):
            by_contract[reading.pattern.contract.id][reading.pattern.period] = reading
    for whole in [reading for held in by_contract.values() for reading in held.values()]:
        for held in by_contract.values():
            for periods in cover(whole.pattern.period, held):
                parts = [held[period] for period in periods]
                for name in sorted({name for reading in (whole, *parts) for _, name in reading.unknown}, key=sorted):
                    if all(reading.speaks_of(name) for reading in (whole, *parts)):
                        yield (
                            ((whole.pattern.period, name), -1),
                            *(((part.pattern.period, name), 1) for part in parts),
                        )


def _across_levels(readings: Sequence["_Reading"]) -> Iterator[tuple[tuple["_Cell", int], ...]]:
    """A code of one contract is the sum of those of another, where both are levels of one list."""
    for upper, lower in permutations(readings, 2):
        contracts = (upper.pattern.contract, lower.pattern.contract)
        period = upper.pattern.period
        if period != lower.pattern.period or contracts[0].digest == contracts[1].digest:
            continue
        for dimension, parts_of in levels_between(*contracts).items():
            if any(dimension not in contract.disclosure.additive_over for contract in contracts):
                continue
            for code, codes in parts_of.items():
                whole = (dimension, upper.meaning(dimension, code))
                parts = [(dimension, lower.meaning(dimension, part)) for part in codes]
                rests = {name - {whole} for _, name in upper.unknown if whole in name}
                rests |= {name - {part} for _, name in lower.unknown for part in parts if part in name}
                for rest in sorted(rests, key=sorted):
                    if upper.speaks_of(rest | {whole}) and all(lower.speaks_of(rest | {part}) for part in parts):
                        yield (((period, rest | {whole}), -1), *(((period, rest | {part}), 1) for part in parts))


_Cell: TypeAlias = tuple[str, CellName]
"""A period and a cell of the statistic."""


def _ordered(cell: _Cell) -> tuple[str, list[tuple[str, str]]]:
    return cell[0], sorted(cell[1])


class _Reading:
    """A pattern with its keys under the names that all contracts share."""

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern
        self._names, self._shape = CellNames(pattern.contract), Shape(pattern.contract)
        self.unknown = {self._cell(key): key for key in pattern.withheld | pattern.excluded}

    def meaning(self, dimension: str, code: str) -> str:
        """How names spell a code."""
        return self._names.meaning(dimension, code)

    def speaks_of(self, name: CellName) -> bool:
        """Whether a table of the bundle has this cell, shown or not."""
        key = self._names.key(name)
        return key is not None and self._shape.holds(key)

    def shows(self, cell: _Cell) -> bool:
        """Whether its readers have the figure."""
        return cell[0] == self.pattern.period and cell not in self.unknown and self.speaks_of(cell[1])

    def sums(self) -> Iterator[tuple[tuple[_Cell, int], ...]]:
        """The equations over what its readers do not know."""
        for relation in equations(self.pattern.contract, self.unknown.values()):
            yield tuple((self._cell(key), factor) for key, factor in relation.terms)

    def _cell(self, key: Key) -> _Cell:
        return self.pattern.period, self._names.name(key)


def _solution(rows: Sequence[Mapping[int, int]], size: int, modulus: int) -> list[int]:
    """One solution in which every unknown that is free has a pseudo-random residue.

    Raises:
        ValueError: A pivot has no inverse.
    """
    reduced = [{column: left for column, factor in row.items() if (left := factor % modulus)} for row in rows]
    pivots = _eliminate(reduced, size, modulus)
    value = _residues(size, modulus)
    for pivot, row in reversed(pivots):
        rest = sum([factor * value[column] for column, factor in row.items() if column != pivot])
        value[pivot] = -rest * pow(row[pivot], -1, modulus) % modulus
    return value


def _eliminate(rows: list[dict[int, int]], size: int, modulus: int) -> list[tuple[int, dict[int, int]]]:
    """Sparse Gaussian elimination, shortest row first, its rarest unknown as pivot (Markowitz): little fill."""
    holding: list[set[int]] = [set() for _ in range(size)]
    for number, row in enumerate(rows):
        for column in row:
            holding[column].add(number)
    queue = [(len(row), number) for number, row in enumerate(rows)]
    heapify(queue)
    pivots: list[tuple[int, dict[int, int]]] = []
    while queue:
        length, number = heappop(queue)
        row = rows[number]
        if length != len(row) or not row:
            continue
        pivot = min(row, key=lambda column: (len(holding[column]), column))
        pivots.append((pivot, row))
        for column in row:
            holding[column].discard(number)
        inverse = pow(row[pivot], -1, modulus)
        for other in sorted(holding[pivot]):
            _subtract(rows[other], row, rows[other][pivot] * inverse % modulus, modulus, (holding, other))
            heappush(queue, (len(rows[other]), other))
        rows[number] = {}
    return pivots


def _subtract(
    target: dict[int, int],
    row: Mapping[int, int],
    factor: int,
    modulus: int,
    where: tuple[list[set[int]], int],
) -> None:
    holding, number = where
    for column, value in row.items():
        before = target.get(column)
        if before is None:
            target[column] = -factor * value % modulus
            holding[column].add(number)
        elif left := (before - factor * value) % modulus:
            target[column] = left
        else:
            del target[column]
            holding[column].discard(number)


def _residues(size: int, modulus: int) -> list[int]:
    """A fixed pseudo-random residue, never zero, for each unknown."""
    width = 32
    stream = hashlib.shake_256(f"{size} {modulus}".encode()).digest(width * size)
    return [
        int.from_bytes(stream[start : start + width], "big") % (modulus - 1) + 1
        for start in range(0, width * size, width)
    ]
