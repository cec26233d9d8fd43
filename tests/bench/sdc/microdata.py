"""Micro-data that never existed, and the tables over them: hierarchies, contributors, largest contributions.

A contributor has one code in each dimension (drawn with unequal chances, so that margins are dense and corners are
not), a lognormal amount, and a holding. Everything follows from the seed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
UNEVEN = 0.7
"""Spread of the chances of sibling codes (σ of their lognormal weights)."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A dimension of a regular hierarchy: `branching` (4, 8) is a total, 4 codes under it, 8 under each of these."""

    name: str
    branching: tuple[int, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many codes each level has, from the total down."""
        return tuple(int(np.prod(self.branching[:depth])) for depth in range(len(self.branching) + 1))

    def code(self, depth: int, number: int) -> str:
        """The code of a place at a level."""
        if depth == 0:
            return "T"
        above = number // self.branching[depth - 1]
        own = str(number % self.branching[depth - 1])
        return f"{self.name}{own}" if depth == 1 else f"{self.code(depth - 1, above)}.{own}"

    def children(self) -> dict[str, list[str]]:
        """By code the codes that it is the sum of."""
        return {
            self.code(depth, number): [self.code(depth + 1, number * below + child) for child in range(below)]
            for depth, below in enumerate(self.branching)
            for number in range(self.sizes[depth])
        }

    def draw(self, count: int, random: np.random.Generator) -> Codes:
        """A leaf for each contributor."""
        chance = np.ones(1)
        for below in self.branching:
            weights = random.lognormal(0, UNEVEN, (len(chance), below))
            chance = (chance[:, None] * weights / weights.sum(axis=1, keepdims=True)).ravel()
        return random.choice(len(chance), size=count, p=chance)


@dataclass(frozen=True, slots=True)
class Microdata:
    """The contributors: a leaf in each dimension, an amount, a holding."""

    trees: tuple[Tree, ...]
    leaves: tuple[Codes, ...]
    amounts: Codes
    holdings: Codes


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table; `holder` is −1 unless all contributors belong to one holding."""

    key: tuple[str, ...]
    value: int
    freq: int
    top1: int
    top2: int
    holder: int


def draw(trees: Sequence[Tree], contributors: int, *, seed: int, units_per_holding: float = 1.0) -> Microdata:
    """Contributors with their codes and amounts; several of them may belong to one holding."""
    random = np.random.default_rng(seed)
    leaves = tuple(tree.draw(contributors, random) for tree in trees)
    amounts = np.maximum(np.rint(random.lognormal(3.0, 1.4, contributors)), 1).astype(np.int64)
    holdings = random.integers(0, max(1, round(contributors / units_per_holding)), contributors)
    return Microdata(tuple(trees), leaves, amounts, holdings)


def tabulate(data: Microdata, table: Sequence[int]) -> Iterator[Cell]:
    """Every cell of a table over these dimensions that has a contributor; other dimensions stand at their total."""
    levels = [range(len(tree.branching) + 1) if place in table else range(1) for place, tree in enumerate(data.trees)]
    for depths in product(*levels):
        shape = [tree.sizes[depth] for tree, depth in zip(data.trees, depths, strict=True)]
        places = [
            leaf // int(np.prod(tree.branching[depth:]))
            for tree, leaf, depth in zip(data.trees, data.leaves, depths, strict=True)
        ]
        yield from _cells(data, np.ravel_multi_index(places, shape), shape, depths)


def every_key(trees: Sequence[Tree], table: Sequence[int]) -> Iterator[tuple[str, ...]]:
    """Every combination of the table, empty ones too."""
    codes = [
        [tree.code(depth, n) for depth in range(len(tree.branching) + 1) for n in range(tree.sizes[depth])]
        if place in table
        else ["T"]
        for place, tree in enumerate(trees)
    ]
    yield from product(*codes)


def _cells(data: Microdata, place: Codes, shape: Sequence[int], depths: Sequence[int]) -> Iterator[Cell]:
    order = np.lexsort((-data.amounts, place))
    cells, first, freq = np.unique(place[order], return_index=True, return_counts=True)
    amounts, holdings = data.amounts[order], data.holdings[order]
    values = np.add.reduceat(amounts, first)
    seconds = np.where(freq > 1, amounts[np.minimum(first + 1, len(amounts) - 1)], 0)
    same = np.minimum.reduceat(holdings, first) == np.maximum.reduceat(holdings, first)
    coordinates = np.unravel_index(cells, shape)
    for number in range(len(cells)):
        key = tuple(
            tree.code(depth, int(axis[number]))
            for tree, depth, axis in zip(data.trees, depths, coordinates, strict=True)
        )
        yield Cell(
            key,
            int(values[number]),
            int(freq[number]),
            int(amounts[first[number]]),
            int(seconds[number]),
            int(holdings[first[number]]) if same[number] else -1,
        )
