"""A linear scale from figures to the height of a chart, with round numbers beside it."""

from dataclasses import dataclass
from math import ceil, log10

STEPS_MAX = 4
_ROUND = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """From zero, which lies at `bottom`, to `greatest`, which lies at `top`.

    Attributes:
        bottom: Where zero lies, in units of the drawing; y grows downwards.
        step: Between two of the numbers beside it.
    """

    greatest: float
    bottom: float
    top: float
    step: float

    @classmethod
    def over(cls, greatest: float, *, bottom: float, top: float) -> "Scale":
        """The least scale with at most four round steps that shows everything up to `greatest`."""
        step = _round_step(greatest)
        return cls(greatest=step * max(1, ceil(greatest / step)), bottom=bottom, top=top, step=step)

    @property
    def ticks(self) -> tuple[float, ...]:
        """Zero, and every step up to the greatest."""
        return tuple(self.step * number for number in range(round(self.greatest / self.step) + 1))

    def height(self, value: float) -> float:
        """Where a figure lies."""
        return round(self.bottom - (self.bottom - self.top) * value / self.greatest, 1)


def _round_step(greatest: float) -> float:
    """1, 2 or 5 times a power of ten, at least one: what is counted is whole."""
    if greatest <= STEPS_MAX:
        return 1.0
    power = 10.0 ** int(log10(greatest / STEPS_MAX))
    return next(power * factor for factor in _ROUND if power * factor * STEPS_MAX >= greatest)
