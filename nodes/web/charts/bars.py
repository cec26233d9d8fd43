"""A bar for each figure of one dimension, the longest first; what is withheld has a hatched strip, never a length."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

LENGTH = 100
"""Of the longest bar, in units of the drawing."""
BARS_MAX = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One figure: its name, and how long its bar is; no length where the figure is withheld or missing."""

    label: str
    figure: Decimal | None
    withheld: bool
    length: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """The bars that are drawn, and how many more there are."""

    bars: tuple[Bar, ...] = field(repr=False)
    left_out: int


def bars(figures: Sequence[tuple[str, Decimal | None, bool]]) -> Bars:
    """Bars of these figures: the greatest first, then what has no figure, each by name.

    Args:
        figures: Label, figure or None, and whether it is withheld. None is below zero: counts and amounts are not.
    """
    greatest = max((figure for _, figure, _ in figures if figure is not None), default=Decimal(0))
    order = sorted(figures, key=lambda one: (one[1] is None, -(one[1] or 0), one[0]))
    drawn = tuple(
        Bar(label=label, figure=figure, withheld=withheld, length=_length(figure, greatest))
        for label, figure, withheld in order[:BARS_MAX]
    )
    return Bars(bars=drawn, left_out=len(order) - len(drawn))


def _length(figure: Decimal | None, greatest: Decimal) -> float | None:
    if figure is None:
        return None
    return round(float(LENGTH * figure / greatest), 1) if greatest > 0 else 0.0
