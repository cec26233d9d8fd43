"""How far both reports of a flow are apart: the asymmetry index, and a flag that a reader can act on.

Countries under one regulation differ by a factor above three in a third of their corridors, year after year. So what
is flagged for attention is not an asymmetry but a *change* of it: one side changed its concept, method or coverage.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import log
from statistics import median

from exchange.contract.model import Mirror
from exchange.mirror.entries import DoubleEntry, State
from exchange.mirror.ratio import FIGURE_MIN

AGREES_MAX = 0.2
"""The greatest asymmetry index that counts as agreement."""
CHANGE_MIN = 0.8
"""A log ratio that moved further than this since the last comparable period has changed: by a factor of 2.2. From one
real year to the next it moves less nineteen times of twenty (docs/MIRROR.md)."""


class Flag(StrEnum):
    """What the comparison of two figures comes to."""

    ONE_SIDE = "M1"  # the other side released nothing of this cell
    WITHHELD = "M2"  # one side withholds it: no index
    CONCEPT = "M3"  # the contract says that the concepts differ: both shown, no index
    IMPOSSIBLE = "IMPOSSIBLE"  # a part that one side reports is more than the whole that the other does
    CHANGED = "CHANGED"  # the ratio is another than it was
    AGREES = "OK"
    STRUCTURAL = "STRUCT"  # apart, and no more than before
    APART = "APART"  # apart, with nothing earlier to say whether it always was


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One double entry judged.

    Attributes:
        index: 2|I - E| / (I + E), from 0 to 2; None where there is nothing to compare.
        signed: 2(I - E) / (I + E): above zero where the destination reports more.
        log_ratio: ln(I/E); None too where one of them is zero.
        previous: The log ratio of the last earlier period in which both were large enough, and its period.
        within_agreed: Whether the figures' ratio is one that the contract expects; None where it names none.
    """

    entry: DoubleEntry
    flag: Flag
    index: float | None = None
    signed: float | None = None
    log_ratio: float | None = None
    previous: tuple[str, float] | None = None
    within_agreed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What a contract says about the two sides.

    Attributes:
        exact: Whether both count the same thing.
        ratio: The least and the greatest ratio of one side's figure to the other's that it expects, if it says.
    """

    exact: bool
    ratio: tuple[Fraction, Fraction] | None = None

    @classmethod
    def of(cls, mirror: Mirror) -> "Agreed":
        """The clause of the contract."""
        if mirror.ratio_min is None or mirror.ratio_max is None:
            return cls(exact=mirror.exact_concept)
        return cls(exact=mirror.exact_concept, ratio=(Fraction(str(mirror.ratio_min)), Fraction(str(mirror.ratio_max))))

    def admits(self, one: Decimal, other: Decimal) -> bool:
        """Whether this is a ratio that the contract expects, whichever side is taken first."""
        least, most = self.ratio or (Fraction(1), Fraction(1))
        a, b = Fraction(one), Fraction(other)
        return least * b <= a <= most * b or least * a <= b <= most * a

    def exceeds(self, part: Decimal, whole: Decimal) -> bool:
        """Whether a part is more than the other side's whole even at the ratio agreed."""
        _, most = self.ratio or (Fraction(1), Fraction(1))
        return Fraction(part) > most * Fraction(whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Comparisons as a whole; of corridors with an index, nothing counted twice.

    Attributes:
        median_index: None if there is none.
        weighted: 2 sum|I - E| / sum(I + E): by volume.
    """

    compared: int
    median_index: float | None
    weighted: float | None


def compare(
    entry: DoubleEntry, agreed: Agreed, *, earlier: Iterable[DoubleEntry] = (), whole: DoubleEntry | None = None
) -> Comparison:
    """Judge one double entry.

    Args:
        entry: What both report.
        agreed: What the contract says about the two sides.
        earlier: The same cell in earlier periods, in any order.
        whole: The corridor's total of the same period, where the entry is a part of it.
    """
    if State.MISSING in {entry.by_origin.state, entry.by_destination.state}:
        return Comparison(entry=entry, flag=Flag.ONE_SIDE)
    shown = entry.shown
    if shown is None:
        return Comparison(entry=entry, flag=Flag.WITHHELD)
    if not agreed.exact:
        return Comparison(entry=entry, flag=Flag.CONCEPT)
    departures, arrivals = shown
    both = departures + arrivals
    signed = float(2 * (arrivals - departures) / both) if both else 0.0
    previous = _last(earlier)
    return Comparison(
        entry=entry,
        flag=_flag(abs(signed), moved=_moved(entry, previous), impossible=_is_impossible(shown, whole, agreed)),
        index=abs(signed),
        signed=signed,
        log_ratio=_log_ratio(entry),
        previous=previous,
        within_agreed=None if agreed.ratio is None else agreed.admits(arrivals, departures),
    )


def overview(comparisons: Iterable[Comparison]) -> Overview:
    """How far apart the corridors are as wholes; what breaks them down is passed over."""
    found = [one for one in comparisons if one.index is not None and one.entry.is_whole]
    volumes = [one.entry.shown for one in found if one.entry.shown is not None]
    apart, both = sum(abs(i - e) for e, i in volumes), sum(i + e for e, i in volumes)
    return Overview(
        compared=len(found),
        median_index=median(one.index or 0.0 for one in found) if found else None,
        weighted=float(2 * apart / both) if both else None,
    )


def _flag(index: float, *, moved: float | None, impossible: bool) -> Flag:
    if impossible:
        return Flag.IMPOSSIBLE
    if moved is not None and moved > CHANGE_MIN:
        return Flag.CHANGED
    if index <= AGREES_MAX:
        return Flag.AGREES
    return Flag.APART if moved is None else Flag.STRUCTURAL


def _moved(entry: DoubleEntry, previous: tuple[str, float] | None) -> float | None:
    """How far the log ratio is from the last one; None where chance alone could have moved it far."""
    ratio = _large_log_ratio(entry)
    return None if ratio is None or previous is None else abs(ratio - previous[1])


def _log_ratio(entry: DoubleEntry) -> float | None:
    shown = entry.shown
    return None if shown is None or not min(shown) else log(shown[1] / shown[0])


def _large_log_ratio(entry: DoubleEntry) -> float | None:
    shown = entry.shown
    return None if shown is None or min(shown) < FIGURE_MIN else _log_ratio(entry)


def _last(earlier: Iterable[DoubleEntry]) -> tuple[str, float] | None:
    for entry in sorted(earlier, key=lambda one: one.period, reverse=True):
        ratio = _large_log_ratio(entry)
        if ratio is not None:
            return entry.period, ratio
    return None


def _is_impossible(shown: tuple[Decimal, Decimal], whole: DoubleEntry | None, agreed: Agreed) -> bool:
    if whole is None or whole.shown is None:
        return False
    departures, arrivals = shown
    all_departures, all_arrivals = whole.shown
    return agreed.exceeds(departures, all_arrivals) or agreed.exceeds(arrivals, all_departures)
