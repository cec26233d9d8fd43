"""How much work a suppression may take: counted in programmes, never in time."""

from dataclasses import dataclass

SMALL_MAX, MEDIUM_MAX, LARGE_MAX = 2_500, 5_000, 20_000
"""Cells of a table that is small, medium, large."""

TOGETHER = 10
"""Cells that one programme protects at once in a large table, or in a larger one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Limits that make the same table give the same pattern on any machine.

    Attributes:
        vicinity: How many cells a programme looks at first, where that saves something; all where that fails.
        whole_max: Up to so many cells a programme that chooses among published cells looks at all of them.
        thorough: Whether what cells near by do not prove is sought in the whole pattern, before a cell is kept for it.
        together: Cells that one programme protects at once; 1 looks at each alone, which costs less in the end.
        thin_out: Programmes to protect once more within the pattern, in another order; where these do not do, it stays
            as it was. 0 does not try.
        clean_up: Programmes to publish cells again that are not needed; 0 leaves every cell that protection took.
        exchange: Programmes to replace dear cells by cheaper ones.
    """

    vicinity: int = 400
    whole_max: int = 15_000
    thorough: bool = True
    together: int = 1
    thin_out: int = 20_000
    clean_up: int = 5_000
    exchange: int = 300

    @classmethod
    def of_size(cls, cells: int, *, insiders: int) -> "Effort":
        """What a table of so many cells is worth, against so many insiders."""
        if cells <= SMALL_MAX:
            return cls()
        if cells <= MEDIUM_MAX:
            return cls(
                thorough=False,
                thin_out=1_500 if insiders else 5_000,
                clean_up=300 if insiders else 1_000,
                exchange=0,
            )
        return cls(
            thorough=False,
            together=TOGETHER,
            thin_out=0 if insiders else 5_000,
            clean_up=500 if cells <= LARGE_MAX else 0,
            exchange=0,
        )
