"""Overlapping populations: groups of contributors told apart by which released cells count them.

Where a boundary moves, or one table counts from age 15 and another from 18, no list of codes says how two releases hang
together; the records do. Contributors that exactly the same shown cells count form an *atom*. A shown figure is the sum
of its atoms, so whoever holds several figures knows every combination of them. A combination in which only few
contributors remain is a disclosure about those few, whichever cells it takes.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from exchange.disclosure.arrays import INFINITY, Integers
from exchange.disclosure.pool.chain import Chain, Demand, Entries, Sense, combination
from exchange.disclosure.pool.sources import PoolKey

PRIME = 2**31 - 1
"""Elimination runs modulo this prime; a group that is small only there is refused too."""

STEPS_MAX = 20_000
"""Branches of one search; an unfinished search counts as a group found."""


@dataclass(frozen=True, slots=True)
class Atom:
    """Contributors that the same shown cells count."""

    cells: frozenset[PoolKey]
    contributors: int


@dataclass(frozen=True, slots=True)
class Group:
    """Few contributors about whom a combination of released figures says something.

    Attributes:
        atoms: All that remain in the combination; together fewer contributors than the minimum.
        chain: The combination; None where the search ended without one.
    """

    atoms: frozenset[Atom]
    chain: Chain | None


def atoms_of(records: Iterable[tuple[Collection[PoolKey], int]], shown: Collection[PoolKey]) -> tuple[Atom, ...]:
    """Group records by the shown cells that count them.

    Args:
        records: Of each: all cells, of any release, that count it; and how many contributors it stands for.
        shown: The cells whose figure somebody can read.
    """
    seen = frozenset(shown)
    counts: Counter[frozenset[PoolKey]] = Counter()
    for cells, contributors in records:
        counts[seen.intersection(cells)] += contributors
    return tuple(Atom(cells, counts[cells]) for cells in sorted(counts, key=sorted) if cells and counts[cells])


def small_groups(atoms: Sequence[Atom], *, minimum: int) -> list[Group]:
    """Groups of fewer than `minimum` contributors that some combination of the shown cells singles out.

    At least one is found for every part of the atoms in which there is any. Which combinations of cells leave nothing
    of the large atoms is linear algebra; among those, the one with the fewest contributors is searched for, and an
    unfinished search counts as found.
    """
    cells = sorted(frozenset().union(*(atom.cells for atom in atoms)))
    number = {cell: row for row, cell in enumerate(cells)}
    matrix = np.zeros((len(cells), len(atoms)), dtype=np.int64)
    for column, atom in enumerate(atoms):
        matrix[[number[cell] for cell in atom.cells], column] = 1
    weights = np.array([atom.contributors for atom in atoms], dtype=np.int64)
    large = np.flatnonzero(weights >= minimum)
    left = _reduced(matrix, large)
    left = left[~left[:, large].any(axis=1)]
    small = np.flatnonzero(weights < minimum)
    basis = _basis(left[:, small])
    found = []
    for rows in _parts(basis):
        support = _Search(weights[small], minimum - 1).run(basis[rows])
        if support is not None:
            columns = small[sorted(support)]
            group = frozenset(atoms[column] for column in columns)
            found.append(Group(group, _chain(matrix, cells, columns)))
    return found


@dataclass(slots=True)
class _Search:
    """Looks for the vector of a space whose support weighs at most the budget; by columns of the space's basis."""

    weights: Integers
    budget: int
    steps: int = field(default=0, init=False)

    def run(self, basis: Integers) -> set[int] | None:
        """The support found; of an unfinished search the whole; None if there is none."""
        found = self._within(basis, self.weights, self.budget)
        if found is None and self.steps > STEPS_MAX:
            return set(np.flatnonzero(basis.any(axis=0)).tolist())
        return found

    def _within(self, basis: Integers, weights: Integers, budget: int) -> set[int] | None:
        self.steps += 1
        if not len(basis) or self.steps > STEPS_MAX:
            return None
        heavy = np.where(basis != 0, weights, 0).sum(axis=1)
        if heavy.min() <= budget:
            return set(np.flatnonzero(basis[heavy.argmin()]).tolist())
        if len(basis) == 1:
            return None
        column = int(np.where(basis.any(axis=0), weights, 0).argmax())
        found = self._within(_without(basis, column), weights, budget)
        if found is None and weights[column] <= budget:
            paid = weights.copy()
            paid[column] = 0
            found = self._within(basis, paid, budget - int(weights[column]))
        return found


def _without(basis: Integers, column: int) -> Integers:
    """The vectors of the space that are zero in this column."""
    reduced = _reduced(basis, np.array([column]))
    rest: Integers = reduced[reduced[:, column] == 0]
    return rest


def _reduced(matrix: Integers, columns: Integers) -> Integers:
    """Gauss-Jordan elimination modulo the prime, with pivots in these columns only."""
    found: Integers = matrix % PRIME
    pivots = 0
    for column in columns.tolist():
        rows = np.flatnonzero(found[pivots:, column])
        if not len(rows):
            continue
        row = pivots + int(rows[0])
        found[[pivots, row]] = found[[row, pivots]]
        found[pivots] = found[pivots] * pow(int(found[pivots, column]), -1, PRIME) % PRIME
        others = np.flatnonzero(found[:, column])
        others = others[others != pivots]
        found[others] = (found[others] - found[others, column][:, None] * found[pivots]) % PRIME
        pivots += 1
    return found


def _basis(matrix: Integers) -> Integers:
    reduced = _reduced(matrix, np.arange(matrix.shape[1]))
    rest: Integers = reduced[reduced.any(axis=1)]
    return rest


def _parts(basis: Integers) -> list[Integers]:
    """The rows of the basis, apart where they share no column."""
    left, found = set(range(len(basis))), []
    while left:
        part, grown = {min(left)}, True
        while grown:
            columns = basis[sorted(part)].any(axis=0)
            more = {row for row in left - part if basis[row][columns].any()}
            part |= more
            grown = bool(more)
        left -= part
        found.append(np.array(sorted(part)))
    return found


def _chain(matrix: Integers, cells: Sequence[PoolKey], support: Integers) -> Chain | None:
    """The shortest combination of cells that leaves nothing outside the support, and one of something inside."""
    rows, columns = np.nonzero(matrix)
    size = matrix.shape[1]
    for one in support.tolist():
        least, most = np.zeros(size), np.zeros(size)
        least[support], most[support] = -INFINITY, INFINITY
        least[one] = most[one] = 1.0
        every = np.ones(len(cells), dtype=np.bool_)
        demand = Demand(least=least, most=most, costs=np.zeros(len(cells)), up=every, down=every)
        factors = combination(Entries(rows, columns, matrix[rows, columns]), demand)
        if factors is not None:
            terms = [(cell, factor) for cell, factor in zip(cells, factors, strict=True) if factor != Fraction(0)]
            return Chain(Sense.EQUALS, tuple(terms))
    return None
