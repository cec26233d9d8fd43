"""How much work a suppression may take: counted in programmes, never in time."""

from dataclasses import dataclass

SMALL_MAX = 2_500
"""Cells of a table that is small enough for everything to be tried."""

LARGE_TOGETHER = 10
"""Cells that one programme protects at once in any larger one."""

LARGE_CLEAN_UP = 500
"""Programmes for publishing cells again in any larger one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Limits that make the same table give the same pattern on any machine.

    Attributes:
        vicinity: How many cells a programme for one cell looks at first in a large table; all where that fails.
        together: Cells that one programme protects at once; 1 looks at each alone, which costs less in the end.
        clean_up: Programmes to publish cells again that are not needed; 0 leaves every cell that protection took.
        exchange: Programmes to replace dear cells by cheaper ones.
    """

    vicinity: int = 400
    together: int = 1
    clean_up: int = 5_000
    exchange: int = 300

    @classmethod
    def of_size(cls, cells: int) -> "Effort":
        """What a table of so many cells is worth."""
        return cls() if cells <= SMALL_MAX else cls(together=LARGE_TOGETHER, clean_up=LARGE_CLEAN_UP, exchange=0)
