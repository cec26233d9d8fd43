"""What is proved about a pattern: witnesses, each a deviation of the table through withheld cells only.

A witness stretches both ways as far as its cells allow, so one serves the upper and the lower end of each cell it
moves. It stands while all its cells are withheld. Each of its ends is a table, and speaks to every insider who knows
none of the cells that it moves, and has no part of any that it falls below.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from exchange.disclosure.arrays import Floats, Mask
from exchange.disclosure.optimise.attackers import OUTSIDER, Insiders
from exchange.disclosure.optimise.ground import Ground

_WHOLE = 1e-5
_ROOM = 1e-9
_ENOUGH = 1 - 1e-8
"""A share of the need that floating point may miss; programmes aim further than that."""

_TRUTH = (0.0, OUTSIDER)

UP, DOWN = 1, -1


@dataclass(frozen=True, slots=True)
class Need:
    """What a withheld cell still lacks: a deviation at least `far` units one way, in the eyes of each of these.

    Where `either` holds, one of at least `back` units the other way does as well.
    """

    cell: int
    way: int
    far: float
    insiders: Insiders
    either: bool
    back: float = 0.0

    def length(self, way: int) -> float:
        """How far it must be this way."""
        return self.far if way == self.way else self.back


@dataclass(frozen=True, slots=True)
class Witness:
    """A deviation and its ends.

    Attributes:
        moves: By cell, the deviation at length 1.
        ends: Lengths at which a + length × moves is a table, each with the insiders in whose eyes it is none.
        asked: The length that was asked for, or the nearest to it at which it is a table.
    """

    moves: dict[int, float]
    ends: tuple[tuple[float, Insiders], ...]
    asked: float


class Pool:
    """Withheld cells and the witnesses among them."""

    def __init__(self, ground: Ground, withheld: Mask) -> None:
        self._ground = ground
        self.withheld: Mask = withheld.copy()
        self._of_cell: list[dict[int, Witness]] = [{} for _ in range(ground.size)]
        self._count = 0
        self._demanding = ground.demanding()

    def copy(self) -> "Pool":
        """One that can be changed without changing this; the witnesses are shared."""
        other = Pool(self._ground, self.withheld)
        other._of_cell = [found.copy() for found in self._of_cell]
        other._count = self._count
        return other

    def witness(self, deviation: Floats, cells: Iterable[int]) -> Witness | None:
        """A deviation, stretched, and simplified where it is a whole multiple; None if there is none of whole units."""
        moves = {cell: move for cell, move in zip(cells, deviation.tolist(), strict=True) if move}
        if not moves:
            return None
        asked = next(iter(moves))
        length = moves[asked]
        moves = self._simplified(moves)
        if self._ground.whole and any(move != round(move) for move in moves.values()):
            return None
        forth, back = self._lengths(moves, in_everybody_s_eyes=False)
        times = length / moves[asked]
        times = min(max(float(np.rint(times)) if self._ground.whole else times, -back), forth)
        return Witness(moves, tuple(self._ends(moves, forth, back, times)), times)

    def meets(self, witness: Witness, need: Need, way: int) -> bool:
        """Whether the witness moves the cell as far as it needs."""
        move, least = witness.moves.get(need.cell, 0.0) * way, need.length(way) * _ENOUGH
        return any(move * times >= least and need.insiders.isdisjoint(blocked) for times, blocked in witness.ends)

    def add(self, witness: Witness) -> None:
        """Keep a witness whose cells are all withheld."""
        for cell in witness.moves:
            self._of_cell[cell][self._count] = witness
        self._count += 1

    def through(self, cell: int) -> list[Witness]:
        """The witnesses that move the cell."""
        return list(self._of_cell[cell].values())

    def leaning(self, cell: int) -> set[int]:
        """The other cells that some witness through this one moves."""
        return {other for witness in self._of_cell[cell].values() for other in witness.moves} - {cell}

    def drop(self, cell: int) -> dict[int, Witness]:
        """Forget every witness that moves the cell; returns them for `restore`."""
        gone = self._of_cell[cell].copy()
        for number, witness in gone.items():
            for other in witness.moves:
                del self._of_cell[other][number]
        return gone

    def restore(self, gone: dict[int, Witness]) -> None:
        """Take back what `drop` forgot."""
        for number, witness in gone.items():
            for other in witness.moves:
                self._of_cell[other][number] = witness

    def demands(self, cell: int) -> bool:
        """Whether the cell needs anything, if withheld."""
        return bool(self._demanding[cell])

    def witnesses(self) -> list[Witness]:
        """Every witness that stands, oldest first."""
        found = {number: witness for by_number in self._of_cell for number, witness in by_number.items()}
        return [found[number] for number in sorted(found)]

    def lacking(self, cell: int) -> Need | None:
        """The first thing that the cell still needs, in anybody's eyes; None if it is proved."""
        if not self._demanding[cell]:
            return None
        ends = [
            (witness.moves[cell] * times, blocked)
            for witness in self._of_cell[cell].values()
            for times, blocked in witness.ends
        ]
        ends.sort(key=_amount, reverse=True)
        found = self._short(cell, ends, OUTSIDER)
        if found is None and self._ground.guarded[cell]:
            found = next(self._short_of_insiders(cell, ends), None)
        return found

    def _short(self, cell: int, ends: list[tuple[float, Insiders]], insiders: Insiders) -> Need | None:
        """What is missing for the outsider, or for one insider; of ends that fall.

        Nobody hides from an insider that a cell is at least their own part of it.
        """
        ground = self._ground
        # Falling, the first that speaks to them is the farthest: where a margin has thousands, most look at a few.
        high = next((amount for amount, blocked in ends if insiders.isdisjoint(blocked)), 0.0)
        low = -next((amount for amount, blocked in reversed(ends) if insiders.isdisjoint(blocked)), 0.0)
        high, low = max(high, 0.0), max(low, 0.0)
        room, rise = float(ground.drop[cell]), float(ground.rise[cell])
        for number in insiders:
            room = ground.attackers.rooms(cell).get(number, room)
        if high < ground.up[cell] * _ENOUGH:
            return Need(cell, UP, float(ground.up[cell]), insiders, either=False)
        down, width = float(ground.down[cell]), float(ground.width[cell])
        if insiders:
            down, width = min(down, room), min(width, room + rise)
        if low < down * _ENOUGH:
            return Need(cell, DOWN, down, insiders, either=False)
        missing = width - low - high
        if missing <= width * (1 - _ENOUGH):
            return None
        if high + missing <= rise:
            return Need(cell, UP, high + missing, insiders, either=low + missing <= room, back=low + missing)
        return Need(cell, DOWN, low + missing, insiders, either=False)

    def _short_of_insiders(self, cell: int, ends: list[tuple[float, Insiders]]) -> Iterator[Need]:
        """What is missing for insiders, for as many of them at once as lack the same."""
        found: dict[tuple[int, float, bool, float], set[int]] = {}
        for number in sorted(self._threats(cell, ends)):
            need = self._short(cell, ends, frozenset({number}))
            if need is not None:
                found.setdefault((need.way, need.far, need.either, need.back), set()).add(number)
        for (way, far, either, back), numbers in found.items():
            yield Need(cell, way, far, frozenset(numbers), either, back)

    def _threats(self, cell: int, ends: list[tuple[float, Insiders]]) -> Insiders:
        """The insiders for whom no table that speaks to them gives the cell all that it needs; and some more."""
        ground = self._ground
        up, down, width = float(ground.up[cell]), float(ground.down[cell]), float(ground.width[cell])
        rise = float(ground.rise[cell])
        threats = {
            number for number, room in ground.attackers.rooms(cell).items() if room < down or room + rise < width
        }
        for need, way in ((up, UP), (down, DOWN)):
            if need > 0:
                threats |= frozenset.intersection(*(shut for far, shut in ends if far * way >= need * _ENOUGH))
        if width > 0:
            highest, lowest = (ends[0], ends[-1]) if ends else (_TRUTH, _TRUTH)
            apart = (highest[1] if highest[0] > 0 else OUTSIDER) | (lowest[1] if lowest[0] < 0 else OUTSIDER)
            threats |= apart.intersection(*(shut for far, shut in ends if abs(far) >= width * _ENOUGH))
        return frozenset(threats) - ground.attackers.knowing(cell)

    def _ends(
        self, moves: dict[int, float], forth: float, back: float, asked: float
    ) -> Iterator[tuple[float, Insiders]]:
        """How often the deviation fits each way: at most, in everybody's eyes, and as often as was asked."""
        lengths = {forth, -back}
        if self._ground.attackers.blocked(moves, forth) or self._ground.attackers.blocked(moves, -back):
            common = self._lengths(moves, in_everybody_s_eyes=True)
            lengths |= {common[0], -common[1], asked}
        for times in sorted(lengths - {0.0}):
            yield times, self._ground.attackers.blocked(moves, times)

    def _lengths(self, moves: dict[int, float], *, in_everybody_s_eyes: bool) -> tuple[float, float]:
        """How often the deviation fits forth and back."""
        ground = self._ground
        forth = back = np.inf
        for cell, move in moves.items():
            drop, rise = float(ground.drop[cell]), float(ground.rise[cell])
            if in_everybody_s_eyes:
                drop = min(drop, ground.attackers.least_drop(cell))
            if move > 0:
                forth, back = min(forth, rise / move), min(back, drop / move)
            else:
                forth, back = min(forth, drop / -move), min(back, rise / -move)
        forth, back = self._within_slack(moves, forth, back)
        if ground.whole:
            return (float(np.floor(forth + _ROOM)), float(np.floor(back + _ROOM)))
        return forth, back

    def _within_slack(self, moves: dict[int, float], forth: float, back: float) -> tuple[float, float]:
        ground = self._ground
        if ground.all_exact:
            return forth, back
        sums: dict[int, float] = {}
        for cell, move in moves.items():
            for row, factor in ground.bounds_of_cell[cell]:
                sums[row] = sums.get(row, 0.0) + factor * move
        for row, total in sums.items():
            slack = float(ground.slack[row])
            if total > _ROOM:
                forth = min(forth, slack / total)
            elif total < -_ROOM:
                back = min(back, slack / -total)
        return forth, back

    def _simplified(self, moves: dict[int, float]) -> dict[int, float]:
        """In whole numbers without a common factor, if the moves are small multiples of one length."""
        least = min(abs(move) for move in moves.values())
        for denominator in (1, 2, 3):
            scaled = {cell: move * denominator / least for cell, move in moves.items()}
            whole = {cell: float(round(move)) for cell, move in scaled.items()}
            if all(abs(whole[cell] - move) < _WHOLE for cell, move in scaled.items()):
                return whole
        return moves


def _amount(end: tuple[float, Insiders]) -> float:
    return end[0]
