"""What must hold against whom, and what the deviations found so far prove of it.

A set of attackers is a whole number with a bit for each: bit 0 is the outsider, bit k the k-th insider of the part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from exchange.disclosure.arrays import Floats, Indices
from exchange.disclosure.optimise.cutting.part import Part

ENOUGH = 1 - 1e-6
"""This share of what a demand asks for counts as all of it."""

_OUTSIDER = 1
_EXTREMES_MAX = 12
"""Deviations kept for a demand on the distance between two of them."""


class Kind(IntEnum):
    """Which way a cell must be able to deviate."""

    UP = 1
    DOWN = -1
    APART = 0


@dataclass(frozen=True, slots=True)
class Demand:
    """A cell that must be able to deviate this far, if it is withheld.

    Attributes:
        cell: Of the part.
        kind: Upwards, downwards, or between two deviations.
        need: In units, above 0.
        against: In every one of these attackers' eyes.
    """

    cell: int
    kind: Kind
    need: float
    against: int


def demands(part: Part) -> tuple[list[Demand], list[Demand]]:
    """What must hold for the primary cells, and what for any other that gets withheld.

    Nobody hides from an attacker a cell that they know, nor that a cell is at least their own part of it.
    """
    everybody = (1 << (len(part.attackers) + 1)) - 1
    knowing, owning = knowledge(part), ownership(part)
    first: list[Demand] = []
    others: list[Demand] = []
    for cell in range(part.size):
        against = everybody & ~knowing[cell] if part.guarded[cell] else _OUTSIDER
        into = first if part.primary[cell] else others
        up, down, width = float(part.up[cell]), float(part.down[cell]), float(part.width[cell])
        if up > 0:
            into.append(Demand(cell, Kind.UP, up, against))
        if down > 0:
            into.append(Demand(cell, Kind.DOWN, down, against & ~_short(owning.get(cell, ()), down)))
        if width > up + down:
            room = max(width - float(part.rise[cell]), 0.0)
            into.append(Demand(cell, Kind.APART, width, against & ~_short(owning.get(cell, ()), room)))
    return first, others


def knowledge(part: Part) -> list[int]:
    """By cell, the attackers who know it."""
    found = [0] * len(part.rise)
    for number, attacker in enumerate(part.attackers):
        for cell in attacker.known.tolist():
            found[cell] |= 1 << (number + 1)
    return found


def ownership(part: Part) -> dict[int, list[tuple[float, int]]]:
    """By cell, how far it can fall for the attackers who know a part of it, each with their bit."""
    found: dict[int, list[tuple[float, int]]] = {}
    for number, attacker in enumerate(part.attackers):
        for cell, drop in attacker.drops.items():
            found.setdefault(cell, []).append((drop, 1 << (number + 1)))
    return found


def _short(owners: Sequence[tuple[float, int]], need: float) -> int:
    """The attackers whose own part of a cell leaves it less room to fall than this."""
    return sum({bit for drop, bit in owners if drop < need})


@dataclass(frozen=True, slots=True)
class Witness:
    """A deviation: the cells it moves, how far, and the attackers in whose eyes it is impossible."""

    cells: Indices
    amounts: Floats
    blocked: int


class Board:
    """What is still open at one choice of withheld cells.

    Args:
        asked: The demands.
        shares: By demand, which share of it is asked: 1, or the fraction in which its cell is withheld.
    """

    def __init__(self, asked: list[Demand], by_cell: list[list[int]], shares: Floats) -> None:
        self._asked, self._by_cell = asked, by_cell
        self._goals = (shares * np.array([demand.need for demand in asked]) * ENOUGH).tolist()
        self.open = [demand.against if share > 0 else 0 for demand, share in zip(asked, shares.tolist(), strict=True)]
        self._extremes: dict[int, list[tuple[float, int]]] = {}

    def see(self, witness: Witness) -> None:
        """Take a deviation as proof for every demand that it meets."""
        possible = ~witness.blocked
        for cell, amount in zip(witness.cells.tolist(), witness.amounts.tolist(), strict=True):
            for number in self._by_cell[cell]:
                if self.open[number] & possible:
                    self._apply(number, amount, possible)

    def _apply(self, number: int, amount: float, possible: int) -> None:
        kind, goal = self._asked[number].kind, self._goals[number]
        if kind is Kind.APART:
            ends = self._extremes.setdefault(number, [(0.0, -1)])
            for other, both in ends:
                if abs(amount - other) >= goal:
                    self.open[number] &= ~(possible & both)
            if len(ends) < _EXTREMES_MAX:
                ends.append((amount, possible))
        elif amount * kind >= goal:
            self.open[number] &= ~possible


class Blocking:
    """Which attackers know that a deviation is impossible."""

    def __init__(self, part: Part) -> None:
        self._knowing = knowledge(part)
        self._drops = ownership(part)

    def of(self, cells: Indices, amounts: Floats) -> int:
        """The set of them."""
        found = 0
        for cell, amount in zip(cells.tolist(), amounts.tolist(), strict=True):
            found |= self._knowing[cell]
            if amount < 0 and cell in self._drops:
                for drop, bit in self._drops[cell]:
                    if -amount > drop * (1 + 1e-9) + 1e-9:
                        found |= bit
        return found
