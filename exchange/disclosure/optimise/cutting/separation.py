"""Separation: which demands a choice of withheld cells fails, and the cuts that say so."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from exchange.disclosure.arrays import Floats, Mask
from exchange.disclosure.optimise.cutting.attack import Attack, Push
from exchange.disclosure.optimise.cutting.cuts import (
    Cut,
    Unmeetable,
    bridgeless,
    capacity,
    deepest,
    relation_cuts,
)
from exchange.disclosure.optimise.cutting.demands import (
    ENOUGH,
    Blocking,
    Board,
    Demand,
    Kind,
    Witness,
    demands,
)
from exchange.disclosure.optimise.cutting.meter import Meter
from exchange.disclosure.optimise.cutting.part import Part


@dataclass(frozen=True, slots=True)
class Scope:
    """Within which limits an attacker is let try.

    Attributes:
        columns_max: About so many columns around the cell may deviate; None: all.
        cap: And none further than this multiple of what is asked. Cuts come out best where none need go further.
    """

    columns_max: int | None
    cap: float


NEAR = (Scope(120, 1.0), Scope(500, 1.0))
FAR = (Scope(None, 1.0), Scope(None, 32.0))
LARGE = 6000
"""From so many columns on, a point in fractions is not looked at as a whole: that takes seconds for each demand."""

FURTHEST = Scope(None, 1e4)

SMALLEST = 2
"""A part is not looked at piecemeal unless it has so many times the columns of the piece."""

COOLING = 0.8
WITNESSES_MAX = 4
"""Deviations remembered for a demand."""

_WITHHELD = 1e-6
_FAINT = 1e-9
_OUTSIDER, _ANYBODY = 1, -1


@dataclass(frozen=True, slots=True)
class Objections:
    """Cuts that a point misses; and whether all demands were looked at, so that no cut means that it is safe."""

    cuts: list[Cut]
    complete: bool


class Separation:
    """Everything that is known about the demands of a part; it learns which of them are hard."""

    def __init__(self, part: Part, meter: Meter) -> None:
        self.part, self._meter = part, meter
        first, others = demands(part)
        self.asked = [*first, *others]
        self._primary = len(first)
        self._by_cell: list[list[int]] = [[] for _ in part.rise]
        for number, demand in enumerate(self.asked):
            self._by_cell[demand.cell].append(number)
        self._attack = Attack(part, meter)
        self._blocking = Blocking(part)
        self._heat = np.concatenate((np.ones(len(first)), np.zeros(len(others))))
        self._cells = np.array([demand.cell for demand in self.asked], dtype=np.int64)
        self._always = part.always
        self._witnesses: list[deque[Witness]] = [deque(maxlen=WITNESSES_MAX) for _ in self.asked]

    def first_cuts(self) -> list[Cut]:
        """What single relations ask, against the outsider and against whoever knows a cell of the relation."""
        everything = np.ones(self.part.size)
        return [deepest(found, everything)[0] for found in relation_cuts(self.part, self.asked[: self._primary])]

    def objections(self, x: Floats, *, wanted: int, programmes_max: int, depth_min: float) -> Objections:
        """Cuts that a point in fractions misses.

        Args:
            x: By cell, from 0 to 1; 1 for primary cells.
            wanted: So many cuts are enough.
            programmes_max: After so many attackers' programmes, what was found is enough.
            depth_min: A cut must cut off at least this much.
        """
        found = bridgeless(self.part, x, depth_min)
        if len(found) >= wanted:
            return Objections(found, complete=False)
        board = self._board(x)
        limit = self._meter.programmes + programmes_max
        for attackers, first in ((_OUTSIDER, True), (_ANYBODY, True), (_OUTSIDER, False), (_ANYBODY, False)):
            for number in self._order(board):
                if first and number >= self._primary:
                    continue
                while board.open[number] & attackers:
                    if len(found) >= wanted or self._meter.programmes >= limit or self._meter.spent():
                        return Objections(found, complete=False)
                    cut = self._object(board, number, x, depth_min)
                    self._heat[number] *= COOLING
                    if cut is not None:
                        found.append(cut[0])
                        self._heat[number] += cut[1]
                        break
            if found:
                return Objections(found, complete=False)
        return Objections(found, complete=True)

    def refusals(self, pattern: Mask, *, wanted: int) -> Objections:
        """Cuts that a choice of whole cells misses; what was proved of others is used again."""
        x = pattern.astype(np.float64)
        board = self.board(pattern)
        found: list[Cut] = []
        for number in self._order(board):
            while board.open[number] and len(found) < wanted:
                if self._meter.spent():
                    return Objections(found, complete=False)
                cut = self._object(board, number, x, _WITHHELD, pattern)
                if cut is not None:
                    found.append(cut[0])
                    self._heat[number] += cut[1]
                    break
        return Objections(found, complete=len(found) < wanted)

    def board(self, pattern: Mask) -> Board:
        """What remembered deviations prove of a choice of whole cells."""
        board = self._board(pattern.astype(np.float64))
        withheld = np.concatenate((pattern, np.ones(len(self.part.rise) - self.part.size, dtype=np.bool_)))
        for number, remembered in enumerate(self._witnesses):
            if not board.open[number]:
                continue
            for witness in remembered:
                if withheld[witness.cells].all():
                    board.see(witness)
        return board

    def _board(self, x: Floats) -> Board:
        shares = x[self._cells]
        return Board(self.asked, self._by_cell, np.where(shares > _WITHHELD, shares, 0.0))

    def _order(self, board: Board) -> list[int]:
        """Demands that are open, those of primary cells and the hard ones first."""
        order: list[int] = np.argsort(-self._heat, kind="stable").tolist()
        return [number for number in order if board.open[number]]

    def _object(
        self, board: Board, number: int, x: Floats, depth_min: float, pattern: Mask | None = None
    ) -> tuple[Cut, float] | None:
        """Let the first attacker against whom a demand is open try; a cut if they succeed.

        With nothing cut off, the demand counts as met in this attacker's eyes.
        """
        demand = self.asked[number]
        bit = board.open[number] & -board.open[number]
        for scope in self._scopes(whole=pattern is not None):
            contributions = self._attempt(board, number, bit, x, scope)
            if contributions is None:
                return None
            try:
                inequality = capacity(self.part, demand, contributions)
            except Unmeetable:
                self._waive(number, bit)
                board.open[number] &= ~bit
                return None
            if inequality is not None:
                cut, depth = deepest(inequality, x)
                if depth > depth_min:
                    return cut, depth
        if pattern is not None:
            return _more_than(self.part, demand, pattern), 1.0
        board.open[number] &= ~bit
        return None

    @property
    def large(self) -> bool:
        """Whether looking at the part as a whole takes seconds."""
        return len(self.part.rise) >= LARGE

    def _scopes(self, *, whole: bool) -> list[Scope]:
        """From the narrowest on; those that are hardly narrower than the part itself are left out."""
        size = len(self.part.rise)
        near = [scope for scope in NEAR if scope.columns_max and SMALLEST * scope.columns_max < size]
        if whole:
            return [*near, *FAR, FURTHEST]
        return near if self.large else [*near, *FAR]

    def _waive(self, number: int, bit: int) -> None:
        """Even with everything withheld this attacker learns too much: nothing can be asked here."""
        demand = self.asked[number]
        self.asked[number] = Demand(demand.cell, demand.kind, demand.need, demand.against & ~bit)

    def _attempt(self, board: Board, number: int, bit: int, x: Floats, scope: Scope) -> Floats | None:
        """Push the cell of a demand in one attacker's eyes.

        Returns:
            None if the demand is met by it; else what each column can contribute to it, in units.
        """
        demand = self.asked[number]
        rise, drop = self._of_attacker(bit.bit_length() - 1)
        share = float(x[demand.cell])
        known = np.append(x, np.ones(len(rise) - len(x)))
        known[demand.cell] = 1.0
        lower = -np.minimum(drop / demand.need, scope.cap) * known
        upper = np.minimum(rise / demand.need, scope.cap) * known
        near = None
        if scope.columns_max is not None:
            near = self._attack.vicinity(demand.cell, known > _WITHHELD, scope.columns_max)
        total, contributions = 0.0, np.zeros(len(rise))
        for sign in (1, -1) if demand.kind is Kind.APART else (int(demand.kind),):
            if near is None:
                push = self._attack.push(demand.cell, sign, lower, upper)
            else:
                push = self._attack.push_near(demand.cell, sign, lower, upper, near)
            if push is None:
                return np.full(len(rise), demand.need)  # nothing is learnt where the solver gave up
            total += push.reached
            self._see(board, number, push, share)
            if total >= share * ENOUGH:
                board.open[number] &= ~bit
                return None
            contributions += _worth(push.prices, rise, drop, demand)
        return np.minimum(contributions, demand.need)

    def _see(self, board: Board, number: int, push: Push, share: float) -> None:
        need = self.asked[number].need
        cells = np.flatnonzero(np.abs(push.deviation) > _FAINT).astype(np.int32)
        amounts = push.deviation[cells] * need
        witness = Witness(cells, amounts, self._blocking.of(cells, amounts))
        self._witnesses[number].appendleft(witness)
        board.see(Witness(cells, amounts * share, witness.blocked) if share < 1 else witness)

    def _of_attacker(self, number: int) -> tuple[Floats, Floats]:
        """By column, how far it can deviate upwards and downwards in an attacker's eyes."""
        if number == 0:
            return self.part.rise, self.part.drop
        attacker = self.part.attackers[number - 1]
        rise, drop = self.part.rise.copy(), self.part.drop.copy()
        rise[attacker.known] = drop[attacker.known] = 0.0
        for cell, room in attacker.drops.items():
            drop[cell] = min(drop[cell], room)
        return rise, drop


def _worth(prices: Floats, rise: Floats, drop: Floats, demand: Demand) -> Floats:
    """By column, price × room, at most what is asked."""
    found = np.zeros(len(prices))
    up, down = prices > _FAINT, prices < -_FAINT
    found[up] = np.minimum(prices[up] * rise[up], demand.need)
    found[down] = np.minimum(-prices[down] * drop[down], demand.need)
    return found


def _more_than(part: Part, demand: Demand, pattern: Mask) -> Cut:
    """The weakest cut there is: some cell more must be withheld."""
    columns = np.flatnonzero(~pattern).astype(np.int32)
    if part.primary[demand.cell]:
        return Cut(columns, np.ones(len(columns)), 1.0)
    return Cut(np.append(columns, np.int32(demand.cell)).astype(np.int32), np.append(np.ones(len(columns)), -1.0), 0.0)
