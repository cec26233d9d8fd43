"""What an audit of the pool can find, and how it is told."""

from dataclasses import dataclass
from enum import StrEnum

from exchange.disclosure.pool.chain import Chain, shown_cell
from exchange.disclosure.pool.sources import PoolKey
from exchange.table import CellKey


class Exposure(StrEnum):
    """What somebody could do who holds all releases."""

    COMPUTED = "computed"  # a withheld cell, too closely
    CONTRIBUTOR = "contributor"  # the same, by one of the candidate's own contributors
    SHOWN = "shown"  # a withheld cell, by another release
    CHANGE = "change"  # one of too few contributors
    GROUP = "group"  # one of too few contributors, singled out
    CONTRADICTION = "contradiction"
    UNFINISHED = "unfinished"
    UNRELATED = "unrelated"  # boundaries moved, and no records tell how


_WHAT = {Exposure.CHANGE: "Δ ", Exposure.GROUP: "⊂ "}
"""What of the cells a chain tells: the change in them, or a group that is a part of them; else the cell itself."""


@dataclass(frozen=True, slots=True)
class PoolFinding:
    """Something that the pool gives away.

    Attributes:
        cells: The hidden cells, or those of which the group is a part.
        exposure: What can be done.
        chains: How: the released cells to add and subtract. Empty beyond the first findings.
    """

    cells: tuple[PoolKey, ...]
    exposure: Exposure
    chains: tuple[Chain, ...] = ()

    def shown_by(self, release: str) -> frozenset[CellKey]:
        """The cells of this release that a chain uses: without one of them it breaks."""
        return frozenset(cell[1:] for chain in self.chains for cell, _ in chain.terms if cell[0] == release)

    def text(self) -> str:
        """The cells and how they follow, for a person; no figure."""
        cells = _WHAT.get(self.exposure, "") + " + ".join(shown_cell(cell) for cell in self.cells)
        return "; ".join(f"{cells} {chain.text()}" for chain in self.chains) or cells
