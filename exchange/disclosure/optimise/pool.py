"""What is proved about a pattern: witnesses, each a deviation of the table through withheld cells only.

A witness stretches both ways as far as its cells allow, so one serves the upper and the lower end of each cell it
moves. It stands while all its cells are withheld, and it stands against an insider who knows none of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from exchange.disclosure.arrays import Floats, Mask
from exchange.disclosure.optimise.ground import Ground

_WHOLE = 1e-5
_ROOM = 1e-9
_ENOUGH = 1 - 1e-8
"""A share of the need that floating point may miss; programmes aim further than that."""

UP, DOWN = 1, -1


@dataclass(frozen=True, slots=True)
class Need:
    """What a withheld cell still lacks: a deviation at least `far` units one way, for one attacker (−1: outsider).

    Where `either` holds, one of at least `back` units the other way does as well.
    """

    cell: int
    way: int
    far: float
    attacker: int
    either: bool
    back: float = 0.0

    def length(self, way: int) -> float:
        """How far it must be this way."""
        return self.far if way == self.way else self.back


@dataclass(frozen=True, slots=True)
class Witness:
    """A deviation and its extents.

    Attributes:
        moves: By cell, the deviation at length 1.
        forth: How often it fits upwards: a + forth × moves is a table.
        back: And the other way: a − back × moves is one too.
        wary: Insiders against whom it does not stand, or stands shortened.
    """

    moves: dict[int, float]
    forth: float
    back: float
    wary: frozenset[int]

    def ends(self, cell: int) -> tuple[float, float]:
        """How far down and up it moves the cell."""
        return _ends(self.moves[cell], self.forth, self.back)


def _ends(move: float, forth: float, back: float) -> tuple[float, float]:
    return (move * back, move * forth) if move > 0 else (-move * forth, -move * back)


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
        other._of_cell = self._of_cell.copy()  # a cell's witnesses are replaced, never changed
        other._count = self._count
        return other

    def witness(self, deviation: Floats, cells: Iterable[int]) -> Witness | None:
        """A deviation, stretched, and simplified where it is a whole multiple; None if there is none of whole units."""
        moves = {cell: move for cell, move in zip(cells, deviation.tolist(), strict=True) if move}
        if not moves:
            return None
        moves = self._simplified(moves)
        if self._ground.whole and any(move != round(move) for move in moves.values()):
            return None
        forth, back = self._lengths(moves, {})
        wary = {number for cell in moves for number in self._ground.insiders_of[cell]}
        return Witness(moves, forth, back, frozenset(wary))

    def meets(self, witness: Witness, need: Need, way: int) -> bool:
        """Whether the witness moves the cell as far as it needs."""
        forth, back = witness.forth, witness.back
        if need.attacker in witness.wary:
            forth, back = self._lengths(witness.moves, self._ground.insiders[need.attacker].drops)
        low, high = _ends(witness.moves[need.cell], forth, back)
        return (high if way == UP else low) >= need.length(way) * _ENOUGH

    def add(self, witness: Witness) -> None:
        """Keep a witness whose cells are all withheld."""
        for cell in witness.moves:
            self._of_cell[cell] = {**self._of_cell[cell], self._count: witness}
        self._count += 1

    def through(self, cell: int) -> list[Witness]:
        """The witnesses that move the cell."""
        return list(self._of_cell[cell].values())

    def leaning(self, cell: int) -> set[int]:
        """The other cells that some witness through this one moves."""
        return {other for witness in self._of_cell[cell].values() for other in witness.moves} - {cell}

    def drop(self, cell: int) -> dict[int, Witness]:
        """Forget every witness that moves the cell; returns them for `restore`."""
        gone = self._of_cell[cell]
        for other in {other for witness in gone.values() for other in witness.moves}:
            left = self._of_cell[other]
            self._of_cell[other] = {number: witness for number, witness in left.items() if number not in gone}
        return gone

    def restore(self, gone: dict[int, Witness]) -> None:
        """Take back what `drop` forgot."""
        for number, witness in gone.items():
            for other in witness.moves:
                self._of_cell[other] = {**self._of_cell[other], number: witness}

    def demands(self, cell: int) -> bool:
        """Whether the cell needs anything, if withheld."""
        return bool(self._demanding[cell])

    def lacking(self, cell: int) -> Need | None:
        """The first thing that the cell still needs, against any attacker; None if it is proved."""
        if not self._demanding[cell]:
            return None
        found = self._of_cell[cell].values()
        low, high = 0.0, 0.0
        for witness in found:
            down, up = witness.ends(cell)
            low, high = max(low, down), max(high, up)
        need = self._short(cell, low, high, -1)
        if need is not None or not self._ground.insiders or not self._ground.guarded[cell]:
            return need
        for number in self._threats(cell, list(found)):
            low, high = self._seen_by(cell, number)
            need = self._short(cell, low, high, number)
            if need is not None:
                return need
        return None

    def witnesses(self) -> list[Witness]:
        """Every witness that stands, oldest first."""
        found = {number: witness for by_number in self._of_cell for number, witness in by_number.items()}
        return [found[number] for number in sorted(found)]

    def _threats(self, cell: int, witnesses: list[Witness]) -> list[int]:
        """The insiders for whom no single witness that is untouched by them gives the cell everything it needs."""
        full = [w for w in witnesses if self._short(cell, *w.ends(cell), -1) is None]
        least = min(full or witnesses, key=lambda w: len(w.wary))
        threats = set(least.wary) if full else {number for w in witnesses for number in w.wary}
        for witness in full:
            threats &= witness.wary
        return sorted(number for number in threats if cell not in self._ground.insiders[number].known)

    def _seen_by(self, cell: int, number: int) -> tuple[float, float]:
        insider = self._ground.insiders[number]
        low, high = 0.0, 0.0
        for witness in self._of_cell[cell].values():
            forth, back = witness.forth, witness.back
            if number in witness.wary:
                if not insider.known.isdisjoint(witness.moves):
                    continue
                forth, back = self._lengths(witness.moves, insider.drops)
            down, up = _ends(witness.moves[cell], forth, back)
            low, high = max(low, down), max(high, up)
        return low, high

    def _short(self, cell: int, low: float, high: float, attacker: int) -> Need | None:
        """What is missing. Nobody hides from an insider that a cell is at least their own part of it."""
        ground = self._ground
        room, rise = ground.room(cell, attacker), float(ground.rise[cell])
        if high < ground.up[cell] * _ENOUGH:
            return Need(cell, UP, float(ground.up[cell]), attacker, either=False)
        down = float(ground.down[cell]) if attacker < 0 else min(float(ground.down[cell]), room)
        if low < down * _ENOUGH:
            return Need(cell, DOWN, down, attacker, either=False)
        width = float(ground.width[cell]) if attacker < 0 else min(float(ground.width[cell]), room + rise)
        missing = width - low - high
        if missing <= width * (1 - _ENOUGH):
            return None
        if high + missing <= rise:
            return Need(cell, UP, high + missing, attacker, either=low + missing <= room, back=low + missing)
        return Need(cell, DOWN, low + missing, attacker, either=False)

    def _lengths(self, moves: dict[int, float], drops: dict[int, float]) -> tuple[float, float]:
        """How often the deviation fits forth and back."""
        ground = self._ground
        forth = back = np.inf
        for cell, move in moves.items():
            drop = min(float(ground.drop[cell]), drops.get(cell, np.inf))
            rise = float(ground.rise[cell])
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
