"""Double entries: a flow from one member to another as both report it, joined from their released tables.

The cell is named by the corridor and by what else both contracts break down (citizenship, sex …), so that departures
under one contract meet arrivals under another. A cell within an oblast, or broken down further than the other side's
contract knows, has no other side.
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from exchange.codes import parse_period
from exchange.contract.levels import PROVIDER_SCOPE
from exchange.contract.model import DataContract, Dimension
from exchange.contract.shape import Shape
from exchange.contract.statistic import COUNTERPART, DIRECTION, CellName, CellNames
from exchange.table import CellKey, Observation, Released

OTHER_ENDS = (COUNTERPART, "PREV_RESIDENCE", "NEXT_RESIDENCE", "DESTINATION", "FROM_COUNTRY", "CITIZENSHIP")
"""The dimensions that can name the other end of a flow; the first that a contract has does. Citizenship stands for it
only where nothing else does: the permits that B gives to citizens of A."""

IN, OUT = "IN", "OUT"
"""The codes of DIRECTION, and in lower case the words of `Concept.direction`."""

DAYS_OF_YEAR = 365.25

ZERO = Observation(value=0, obs_status="A", conf_status="N")

Breakdown: TypeAlias = CellName
"""(dimension, code) of everything both sides break down beside the corridor; empty: all who moved."""


@dataclass(frozen=True, slots=True, order=True)
class Corridor:
    """Where a flow leaves and where it arrives."""

    origin: str
    destination: str


class State(StrEnum):
    """What one side says of a cell."""

    SHOWN = "shown"
    WITHHELD = "withheld"
    MISSING = "missing"  # not released: no bundle, excluded, or status O


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One side's report; `value` is in the contract's unit, None unless shown."""

    state: State
    value: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubleEntry:
    """One cell of the double-entry matrix, for one period.

    Attributes:
        whole: The breakdown of the corridor's total: by what is never summed, such as the measure.
    """

    corridor: Corridor
    breakdown: Breakdown
    whole: Breakdown
    period: str
    by_origin: Figure
    by_destination: Figure

    @property
    def is_whole(self) -> bool:
        """Whether this is the corridor's total, not a part of it."""
        return self.breakdown == self.whole

    @property
    def shown(self) -> tuple[Decimal, Decimal] | None:
        """E and I, if both are shown."""
        departures, arrivals = self.by_origin.value, self.by_destination.value
        return None if departures is None or arrivals is None else (departures, arrivals)


@dataclass(frozen=True, slots=True)
class _Cell:
    corridor: Corridor
    breakdown: Breakdown


class _Side:
    """How the cells of one contract are named beside another contract's."""

    def __init__(self, contract: DataContract, other: DataContract) -> None:
        self._names = CellNames(contract)
        self._direction = contract.concept.direction.upper()
        self._end = _other_end(contract)
        ends = {self._end, _other_end(other), DIRECTION}
        here, there = _comparable(contract), _comparable(other)
        self._common = (here.keys() & there.keys()) - ends
        left = [dimension for name, dimension in here.items() if name not in self._common | ends]
        # MEASURE without a total and with one code: the contract is about that alone, and both sides know it.
        self._fixed = {
            (d.id, d.codes[0]) for d in left if not d.has_total and d.codes is not None and len(d.codes) == 1
        }
        self._never_summed = {dimension.id for dimension in contract.dimensions if not dimension.has_total}

    def whole(self, breakdown: Breakdown) -> Breakdown:
        """The breakdown of the total that a cell is a part of."""
        return frozenset((name, code) for name, code in breakdown if name in self._never_summed)

    def cell(self, key: CellKey, provider: str) -> _Cell | None:
        """The cell's name; None if the other side has no such cell."""
        asked = dict(self._names.name(key))
        end = asked.pop(self._end, None) if self._end is not None else None
        direction = asked.pop(DIRECTION, self._direction)
        breakdown = frozenset(asked.items()) - self._fixed
        if end is None or direction not in {IN, OUT} or any(name not in self._common for name, _ in breakdown):
            return None
        corridor = Corridor(end, provider) if direction == IN else Corridor(provider, end)
        return _Cell(corridor, breakdown)

    def key(self, cell: _Cell, provider: str) -> CellKey | None:
        """The key under which the provider would release the cell; None if its contract has none."""
        arrives = cell.corridor.destination == provider
        direction = IN if arrives else OUT
        if self._end is None or (DIRECTION not in self._never_summed and direction != self._direction):
            return None
        named = {(self._end, cell.corridor.origin if arrives else cell.corridor.destination), *self._fixed}
        if DIRECTION in self._never_summed:
            named.add((DIRECTION, direction))
        return self._names.key(frozenset(named) | cell.breakdown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """What one member released of one side of a mirror.

    Attributes:
        contract: What it reports under in periods of which it released nothing.
        releases: At most one of each period.
    """

    member: str
    contract: DataContract
    releases: tuple[Released, ...]

    def of(self, period: str) -> Released | None:
        """Its release of a period."""
        return next((release for release in self.releases if release.table.period == period), None)

    def periods(self) -> set[str]:
        """Of which it released something."""
        return {release.table.period for release in self.releases}


def double_entries(one: Reports, other: Reports) -> Iterator[DoubleEntry]:
    """Every cell between two members that either released, in order of period, corridor, breakdown.

    Args:
        one: A member's releases of one contract.
        other: Another member's of the contract that mirrors it.
    """
    for period in sorted(one.periods() | other.periods()):
        halves = (_Half.of(one, other, period), _Half.of(other, one, period))
        between = {one.member, other.member}
        cells = {cell for half in halves for cell in half.cells() if {*astuple(cell.corridor)} == between}
        twofold = [cell for cell in cells if all(half.knows(cell) for half in halves)]
        for cell in sorted(twofold, key=lambda found: (found.corridor, sorted(found.breakdown))):
            figures = {half.member: half.figure(cell) for half in halves}
            yield DoubleEntry(
                corridor=cell.corridor,
                breakdown=cell.breakdown,
                whole=halves[0].side.whole(cell.breakdown),
                period=period,
                by_origin=figures[cell.corridor.origin],
                by_destination=figures[cell.corridor.destination],
            )


def year_of(period: str) -> float:
    """The middle of a period, in years."""
    span = parse_period(period)
    middle = span.start.timetuple().tm_yday - 1 + ((span.end - span.start).days + 1) / 2
    return span.start.year + middle / DAYS_OF_YEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class _Half:
    """One member's side of a period."""

    member: str
    release: Released | None
    side: _Side
    shape: Shape

    @classmethod
    def of(cls, reports: Reports, others: Reports, period: str) -> "_Half":
        release, counterpart = reports.of(period), others.of(period)
        contract = reports.contract if release is None else release.contract
        mirror = others.contract if counterpart is None else counterpart.contract
        shape = Shape(contract) if release is None else release.shape
        return cls(member=reports.member, release=release, side=_Side(contract, mirror), shape=shape)

    def cells(self) -> Iterator[_Cell]:
        """What it released of what has another side."""
        rows = () if self.release is None else self.release.table.rows
        return (cell for key in rows if (cell := self.side.cell(key, self.member)) is not None)

    def knows(self, cell: _Cell) -> bool:
        """Whether its contract has this cell at all, released or not."""
        key = self.side.key(cell, self.member)
        return key is not None and self.shape.holds(key)

    def figure(self, cell: _Cell) -> Figure:
        """What it says of a cell; an absent key of a released table is a published zero."""
        key = self.side.key(cell, self.member)
        if self.release is None or key is None or key in self.release.excluded:
            return Figure(state=State.MISSING)
        row = self.release.table.rows.get(key, ZERO)
        if row.withheld:
            return Figure(state=State.WITHHELD)
        if row.value is None:
            return Figure(state=State.MISSING)
        return Figure(state=State.SHOWN, value=Decimal(row.value).scaleb(-self.release.contract.decimals))


def _other_end(contract: DataContract) -> str | None:
    names = {dimension.id for dimension in contract.dimensions}
    return next((name for name in OTHER_ENDS if name in names), None)


def _comparable(contract: DataContract) -> dict[str, Dimension]:
    """The dimensions whose codes mean the same on both sides: not the parts of the provider's own country."""
    return {dimension.id: dimension for dimension in contract.dimensions if dimension.scope != PROVIDER_SCOPE}
