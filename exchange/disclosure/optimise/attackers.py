"""Who looks at the table beside the outsider, by number: what each insider knows, and who knows what of a cell."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np

from exchange.disclosure.arrays import Floats
from exchange.disclosure.problem import Insider, Problem

Insiders: TypeAlias = frozenset[int]
"""Numbers of insiders; none: the outsider."""

OUTSIDER: Insiders = frozenset()

_CLOSE = 1e-9
"""A cell that falls this much further than an insider's own part lets it, as a share, has not passed it."""


class Attackers:
    """What each insider knows.

    Args:
        problem: The table and its insiders.
        drop: By cell, how far it can fall in the outsider's eyes.
        wholes: By cell, each relation that makes it part of a sum, and the cell of the sum.
    """

    def __init__(self, problem: Problem, drop: Floats, wholes: list[list[tuple[int, int]]]) -> None:
        self._insiders = problem.insiders
        self._known = [frozenset(insider.known) for insider in problem.insiders]
        self._drops: list[dict[int, float]] = []
        self._rooms: dict[int, dict[int, float]] = defaultdict(dict)
        knowing: dict[int, set[int]] = defaultdict(set)
        owners: dict[int, list[tuple[float, int]]] = defaultdict(list)
        for number, insider in enumerate(problem.insiders):
            known = self._known[number]
            for cell in known:
                knowing[cell].add(number)
            parts = {cell: part for cell, part in insider.least if cell not in known}
            drops = {cell: max(float(problem.values[cell]) - part, 0.0) for cell, part in parts.items()}
            self._drops.append(drops)
            for cell, room in drops.items():
                owners[cell].append((room, number))
            for cell, least in _least(insider, problem, wholes).items():
                room = max(float(problem.values[cell]) - least, 0.0)
                room = float(np.floor(room)) if problem.whole else room
                if cell not in known and room < drop[cell]:
                    self._rooms[cell][number] = room
        self._knowing = {cell: frozenset(found) for cell, found in knowing.items()}
        self._owners = {cell: _ascending(found) for cell, found in owners.items()}

    def knowing(self, cell: int) -> Insiders:
        """Who knows the cell."""
        return self._knowing.get(cell, OUTSIDER)

    def rooms(self, cell: int) -> Mapping[int, float]:
        """By insider who knows more of the cell than the outsider, how far it can fall at most."""
        return self._rooms.get(cell, {})

    def least_drop(self, cell: int) -> float:
        """How far the cell can fall in the eyes of whoever has the largest part of it; inf where nobody has any."""
        owners = self._owners.get(cell)
        return owners[0][0] if owners else float("inf")

    def blocked(self, moves: Mapping[int, float], times: float) -> Insiders:
        """In whose eyes a deviation cannot be: they know a cell of it, or have a part that it falls below."""
        found: set[int] = set()
        for cell, move in moves.items():
            if cell in self._knowing:
                found |= self._knowing[cell]
            amount = -move * times
            if amount > 0 and cell in self._owners:
                drops, numbers = self._owners[cell]
                found.update(numbers[: bisect_left(drops, amount * (1 - _CLOSE) - _CLOSE)])
        return frozenset(found)

    def known(self, insiders: Insiders) -> set[int]:
        """The cells that some of these know."""
        return {cell for number in insiders for cell in self._known[number]}

    def drops(self, insiders: Insiders) -> dict[int, float]:
        """By cell, how far it can fall in the eyes of all of these, where that is less than for the outsider."""
        found: dict[int, float] = {}
        for number in insiders:
            for cell, room in self._drops[number].items():
                found[cell] = min(room, found.get(cell, room))
        return found

    def name(self, insiders: Insiders) -> str | None:
        """Of the first of these; None for the outsider."""
        return self._insiders[min(insiders)].name if insiders else None


def _ascending(found: Iterable[tuple[float, int]]) -> tuple[list[float], list[int]]:
    ordered = sorted(found)
    return [room for room, _ in ordered], [number for _, number in ordered]


def _least(insider: Insider, problem: Problem, wholes: list[list[tuple[int, int]]]) -> dict[int, float]:
    """What the insider knows each cell to be at least: a sum is no less than what they know of its parts."""
    least = dict(insider.least) | {cell: float(problem.values[cell]) for cell in insider.known}
    of_row: dict[int, float] = defaultdict(float)
    waiting = sorted(least.items())
    while waiting:
        cell, more = waiting.pop()
        for row, whole in wholes[cell]:
            of_row[row] += more
            before = least.get(whole, 0.0)
            if of_row[row] > before:
                least[whole] = of_row[row]
                waiting.append((whole, of_row[row] - before))
    return least
