"""How much work a suppression may take: counted in programmes, never in time."""

from dataclasses import dataclass

SMALL_MAX = 2_500
"""Cells of a table that is small enough for everything to be tried."""

SMALL_CLEAN_UP, LARGE_CLEAN_UP = 5_000, 800


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Limits that make the same table give the same pattern on any machine.

    Attributes:
        vicinity: How many cells a programme for one cell looks at first in a large table; all where that fails.
        clean_up: Programmes to publish cells again that are not needed.
    """

    vicinity: int
    clean_up: int

    @classmethod
    def of_size(cls, cells: int) -> "Effort":
        """What a table of so many cells is worth."""
        return cls(vicinity=400, clean_up=SMALL_CLEAN_UP if cells <= SMALL_MAX else LARGE_CLEAN_UP)
