"""One panel of small multiples: what two sides report of one flow, period after period, and the band expected.

All panels have one form, so that eyes compare them; each has its own scale, written beside it. What is withheld is a
hatched strip over the whole height, since it may be anywhere, and what was not released is a gap: neither is ever drawn
as zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from nodes.web.charts.scale import Scale

WIDTH, HEIGHT = 320, 190
LEFT, RIGHT, TOP, BOTTOM = 56, 8, 14, 26
"""Margins: for the numbers of the scale, and for the names of the first and the last period."""
_SHARE_OF_BAR = 0.6
_ASIDE_MAX = 9.0  # how far a side's strip lies from the middle of its period, so that both are seen
_BAR_MAX = 28.0
_STRIP_MAX = 8.0


class Said(StrEnum):
    """What a side says of one period."""

    SHOWN = "shown"
    WITHHELD = "withheld"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One side's report of one period; `value` is None unless shown."""

    said: Said
    value: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One period of a panel.

    Attributes:
        expected: Between what, given the origin's figure, the destination's was expected.
    """

    period: str
    by_origin: Point
    by_destination: Point
    expected: tuple[Decimal, Decimal] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A figure at its place, or the top of the strip that stands for a withheld one."""

    x: float
    y: float
    point: Point
    period: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One side: lines through neighbouring figures, never across a gap."""

    marks: tuple[Mark, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The band expected of one period."""

    x: float
    y: float
    width: float
    height: float
    expected: tuple[Decimal, Decimal]
    period: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Where everything lies.

    Attributes:
        strip_width: Of what stands for a withheld figure, from the scale's top to its bottom.
    """

    scale: Scale
    strip_width: float
    by_origin: Curve
    by_destination: Curve
    bars: tuple[Bar, ...] = field(repr=False)

    @property
    def ticks(self) -> tuple[tuple[float, Decimal], ...]:
        """The heights of the scale's numbers."""
        return tuple((self.scale.height(tick), Decimal(round(tick))) for tick in self.scale.ticks)


def panel(moments: Sequence[Moment]) -> Panel:
    """Draw at least one period; they stand in order, evenly apart."""
    greatest = max((float(value) for moment in moments for value in _values(moment)), default=0.0)
    scale = Scale.over(greatest, bottom=HEIGHT - BOTTOM, top=TOP)
    slot = (WIDTH - LEFT - RIGHT) / len(moments)
    aside = min(slot / 4, _ASIDE_MAX)
    middles = [round(LEFT + slot * (index + 0.5), 1) for index in range(len(moments))]
    return Panel(
        scale=scale,
        strip_width=round(min(slot / 2 - 1, _STRIP_MAX), 1),
        by_origin=_curve([moment.by_origin for moment in moments], moments, middles, scale, -aside),
        by_destination=_curve([moment.by_destination for moment in moments], moments, middles, scale, aside),
        bars=tuple(
            _bar(moment, moment.expected, middle, scale, min(slot * _SHARE_OF_BAR, _BAR_MAX))
            for moment, middle in zip(moments, middles, strict=True)
            if moment.expected is not None
        ),
    )


def _values(moment: Moment) -> list[Decimal]:
    found = [moment.by_origin.value, moment.by_destination.value, *(moment.expected or ())]
    return [value for value in found if value is not None]


def _curve(
    points: Sequence[Point], moments: Sequence[Moment], middles: Sequence[float], scale: Scale, aside: float
) -> Curve:
    marks: list[Mark] = []
    runs: list[list[str]] = [[]]
    for point, moment, middle in zip(points, moments, middles, strict=True):
        if point.value is not None:
            y = scale.height(float(point.value))
            marks.append(Mark(x=middle, y=y, point=point, period=moment.period))
            runs[-1].append(f"{middle},{y}")
            continue
        runs.append([])
        if point.said is Said.WITHHELD:
            marks.append(Mark(x=round(middle + aside, 1), y=scale.top, point=point, period=moment.period))
    return Curve(marks=tuple(marks), lines=tuple(" ".join(run) for run in runs if len(run) > 1))


def _bar(moment: Moment, expected: tuple[Decimal, Decimal], middle: float, scale: Scale, width: float) -> Bar:
    low, high = (scale.height(float(one)) for one in expected)
    return Bar(
        x=round(middle - width / 2, 1),
        y=high,
        width=round(width, 1),
        height=round(max(low - high, 1.0), 1),
        expected=expected,
        period=moment.period,
    )
