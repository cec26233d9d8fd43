"""What is proved of one component, against every attacker at once, by tables that were verified in exact integers.

All tables are written as the *deviation* of a few cells from one common table, the anchor, which agrees with what is
published and with what every insider knows. A deviation speaks to each attacker whose own cells it leaves alone: so one
table of few cells proves a cell safe against almost all of them. Attackers are bits of an integer, the outsider bit 0.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from exchange.disclosure.arrays import Integers, Mask
from exchange.disclosure.audit.component import FAR, LARGEST, Component, row_sums

OUTSIDER = 1
"""The bit of the outsider."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What each cell of a component must keep, in its lattice: hi ≥ reach, lo ≤ fall, hi − lo ≥ width.

    Attributes:
        reach: −FAR asks nothing.
        fall: FAR asks nothing.
        width: 0 asks nothing.
        guarded: Cells that keep this against insiders too; the others against the outsider alone.
    """

    reach: Integers
    fall: Integers
    width: Integers
    guarded: Mask


@dataclass(frozen=True, slots=True)
class Attacker:
    """Somebody who looks at a component.

    Attributes:
        number: The place of the insider in the list that the audit was given; None for the outsider.
        known: Cells of the component and their figure.
        least: Cells of the component and the part of it that is their own.
    """

    number: int | None
    known: dict[int, int]
    least: dict[int, int]


@dataclass(slots=True)
class _Open:
    """Against whom one cell still lacks a table: upwards, downwards, and to a width."""

    up: int
    down: int
    apart: int
    still: int
    highest: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])
    lowest: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])

    @property
    def against(self) -> int:
        return self.up | self.down | self.apart

    def see(self, amount: int, blocked: int) -> bool:
        """Keep how far a table takes the cell, unless another takes it as far for all to whom this one speaks."""
        seen, far = self.highest if amount > 0 else self.lowest, abs(amount)
        against = self.against
        speaks, deaf = against & ~blocked, against & blocked
        if any(abs(old) >= far and not shut & speaks for old, shut in seen):
            return False
        seen[:] = [(old, shut) for old, shut in seen if abs(old) > far or (deaf and deaf & ~shut)]
        seen.append((amount, blocked))
        return True

    def settle_width(self, amount: int, blocked: int, width: int) -> None:
        """Put the table beside those that take the cell the other way: do they lie far enough apart?"""
        for other, shut in self.lowest if amount > 0 else self.highest:
            if abs(amount - other) >= width:
                self.apart &= blocked | shut


class Proof:
    """What tables were found for the cells of one component, and what is still open.

    Args:
        component: The unknown cells.
        anchor: A table that every attacker must hold possible.
        demands: What each cell must keep.
        attackers: The outsider first.
    """

    def __init__(self, component: Component, anchor: Integers, demands: Demands, attackers: Sequence[Attacker]) -> None:
        self.component, self.anchor, self.demands, self.attackers = component, anchor, demands, attackers
        self._columns = _by_cell(component)
        self._room = component.right - component.sums(anchor)
        self._heaviest = int(row_sums(component.starts, np.abs(component.coefficients)).max(initial=1))
        self._everyone = (1 << len(attackers)) - 1
        self._knowing: dict[int, int] = defaultdict(int)
        self._least: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for number, attacker in enumerate(attackers):
            bit = 1 << number
            for cell in attacker.known:
                self._knowing[cell] |= bit
            for cell, part in attacker.least.items():
                self._least[cell].append((part, bit))
        self.floor = component.low.copy()
        for cell, parts in self._least.items():
            self.floor[cell] = max(self.floor[cell], *(part for part, _ in parts))
        self._open = {cell: found for cell in range(component.size) if (found := self._at_first(cell)).against}
        self.open = np.zeros(component.size, dtype=np.bool_)
        self.open[list(self._open)] = True
        self._known_cells = np.zeros(component.size, dtype=np.bool_)
        self._known_cells[list(self._knowing)] = True

    def attacker(self, bit: int) -> Attacker:
        """The attacker of this bit."""
        return self.attackers[bit.bit_length() - 1]

    def against(self, cell: int) -> int:
        """The attackers against whom this cell is not proved safe."""
        found = self._open.get(cell)
        return 0 if found is None else found.against

    def lacking(self, cell: int) -> tuple[int, int, int]:
        """The same by what is lacking: upwards, downwards, apart."""
        found = self._open.get(cell)
        if found is None:
            return 0, 0, 0
        return found.up, found.down, found.apart

    def ends(self, cell: int, bit: int) -> tuple[int, int]:
        """The least and the largest deviation of a cell that is proved against an attacker to whom it is open."""
        found = self._open[cell]
        return (
            min(amount for amount, blocked in found.lowest if not blocked & bit),
            max(amount for amount, blocked in found.highest if not blocked & bit),
        )

    def reaches(self, cell: int, far: int, bit: int) -> bool:
        """Whether the cell is proved to deviate so far, against this attacker; or nothing is open against them."""
        if not self.against(cell) & bit:
            return True
        least, most = self.ends(cell, bit)
        return most >= far if far > 0 else least <= far

    def still(self, cell: int, bit: int) -> bool:
        """Whether no table shows this attacker another value of this open cell than the anchor's."""
        return bool(self._open[cell].still & bit)

    def knowledge(self, bits: int) -> tuple[set[int], dict[int, int]]:
        """The cells that these attackers know, and what they know others to be at least; together."""
        known: set[int] = set()
        least: dict[int, int] = {}
        while bits:
            attacker = self.attacker(bits & -bits)
            known.update(attacker.known)
            for cell, part in attacker.least.items():
                least[cell] = max(part, least.get(cell, part))
            bits &= bits - 1
        return known, least

    def own_part(self, cell: int, bit: int) -> int:
        """The part of the cell that is this attacker's own, as a bound; −FAR for none."""
        return max((part for part, owner in self._least.get(cell, ()) if owner == bit), default=-FAR)

    def offer(self, cells: Integers, amounts: Integers, denominator: int = 1) -> bool:
        """Take a direction that leaves every row as it is: both its ends are tables, and count for what they show.

        Args:
            cells: The cells that move, in order.
            amounts: How far, times the denominator; none is 0.
            denominator: Parts of a lattice step that the deviation comes in; where figures are whole numbers only the
                direction counts.

        Returns:
            Whether any table came of it.
        """
        if int(np.abs(amounts).max()) > LARGEST // self._heaviest:
            return False
        fineness = 1 if self.component.scale == 1 else denominator
        step = amounts // np.gcd.reduce(np.abs(amounts))
        slack = self._row_slack(cells, step)
        if slack is None:
            return False
        widest, common = (self._range(cells, step, low, slack, fineness) for low in (self.component.low, self.floor))
        asked = int(amounts[0] // step[0])
        ends = {*widest, *common, *([asked] if asked <= widest[1] else ())} - {0}
        for times in ends:
            self._take(cells, step * times, fineness)
        return bool(ends)

    def _take(self, cells: Integers, amounts: Integers, fineness: int) -> None:
        """A table, in parts of the lattice step; what its cells move beyond whole steps is not counted."""
        blocked, whole = self._blocked(cells, amounts // fineness), np.abs(amounts) // fineness
        for place in np.flatnonzero(self.open[cells] & (whole > 0)).tolist():
            self._record(int(cells[place]), int(whole[place] if amounts[place] > 0 else -whole[place]), blocked)

    def _record(self, cell: int, amount: int, blocked: int) -> None:
        """One cell of a table: what it settles for those to whom the table speaks."""
        found, value = self._open[cell], int(self.anchor[cell]) + amount
        if not found.against & ~blocked:
            return
        found.still &= blocked
        if amount > 0 and value >= self.demands.reach[cell]:
            found.up &= blocked
        if amount < 0:
            found.down &= blocked if value <= self.demands.fall[cell] else self._still_above(cell, value, blocked)
        if found.see(amount, blocked):
            found.settle_width(amount, blocked, int(self.demands.width[cell]))
        if not found.against:
            del self._open[cell]
            self.open[cell] = False

    def _still_above(self, cell: int, value: int, blocked: int) -> int:
        """All bits but those to whom the table speaks and who know by themselves that the cell is not below this."""
        settled = 0
        for part, bit in self._least.get(cell, ()):
            if value <= part:
                settled |= bit & ~blocked
        return ~settled

    def _at_first(self, cell: int) -> _Open:
        """What the anchor alone does not show; what attackers know themselves is not held against the table."""
        all_of_them = self._everyone if self.demands.guarded[cell] else OUTSIDER
        everyone = all_of_them & ~self._knowing[cell] if cell in self._knowing else all_of_them
        value = int(self.anchor[cell])
        up = everyone if value < self.demands.reach[cell] else 0
        down = everyone if value > self.demands.fall[cell] else 0
        for part, bit in self._least.get(cell, ()):
            if value <= part:
                down &= ~bit
        return _Open(up, down, everyone if self.demands.width[cell] > 0 else 0, everyone)

    def _blocked(self, cells: Integers, amounts: Integers) -> int:
        """To whom a table does not speak; its amounts are rounded down, which leaves the same cells below a bound."""
        blocked = 0
        for cell in cells[self._known_cells[cells]].tolist():
            blocked |= self._knowing[cell]
        low = self.anchor[cells] + amounts < self.floor[cells]
        for place in np.flatnonzero(low).tolist():
            value = int(self.anchor[cells[place]] + amounts[place])
            for part, bit in self._least[int(cells[place])]:
                if value < part:
                    blocked |= bit
        return blocked

    def _row_slack(self, cells: Integers, step: Integers) -> tuple[Integers, Integers] | None:
        """By row that the step changes: by how much, and how far the row may rise; None if an equation would break."""
        starts, rows, factors = self._columns
        lengths = starts[cells + 1] - starts[cells]
        entries = np.repeat(starts[cells] - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths) + np.arange(
            lengths.sum()
        )
        terms = factors[entries] * np.repeat(step, lengths)
        touched, place = np.unique(rows[entries], return_inverse=True)
        change = np.zeros(len(touched), dtype=np.int64)
        np.add.at(change, place, terms)
        moved = np.flatnonzero(change)
        touched, change = touched[moved], change[moved]
        if self.component.exact[touched].any():
            return None
        return change, self._room[touched] if len(touched) else touched

    def _range(
        self, cells: Integers, step: Integers, floor: Integers, rows: tuple[Integers, Integers], fineness: int
    ) -> tuple[int, int]:
        """How many parts of a step back and forth stay within all bounds."""
        anchor, furthest = self.anchor[cells], 2 * FAR // fineness
        up = fineness * np.minimum(self.component.high[cells] - anchor, furthest)
        down = fineness * np.minimum(anchor - floor[cells], furthest)
        size = np.abs(step)
        forth = np.where(step > 0, up, down) // size
        back = np.where(step > 0, down, up) // size
        change, room = rows[0], fineness * np.minimum(rows[1], furthest)
        furthest = LARGEST // int(size.max())
        ahead = min(furthest, int(forth.min()), *(room[change > 0] // change[change > 0]).tolist())
        behind = min(furthest, int(back.min()), *(room[change < 0] // -change[change < 0]).tolist())
        return -behind, ahead


def _by_cell(component: Component) -> tuple[Integers, Integers, Integers]:
    """The entries by column (CSC): where each cell's begin, their rows, their coefficients."""
    order = np.argsort(component.columns, kind="stable")
    rows = np.repeat(np.arange(len(component.exact)), np.diff(component.starts))[order]
    counts = np.bincount(component.columns, minlength=component.size)
    return np.concatenate(([0], np.cumsum(counts))), rows, component.coefficients[order]
