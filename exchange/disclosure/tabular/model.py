"""A table instance as statisticians exchange it: hierarchies, cells and what is known of each cell.

Source of the format: `exchange sdc` (docs/DISCLOSURE.md). Figures are whole multiples of the instance's unit,
10**-decimals of what the file says, so that sums are exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exchange.disclosure.arrays import Floats, Integers, Mask
from exchange.table import CellKey


@dataclass(frozen=True, slots=True)
class TabularDimension:
    """A dimension: its total, and by code the codes that it is the sum of."""

    name: str
    total: str
    children: Mapping[str, tuple[str, ...]]

    @property
    def codes(self) -> frozenset[str]:
        """The total and every code named in the hierarchy."""
        return frozenset({self.total, *self.children, *(code for codes in self.children.values() for code in codes)})


@dataclass(frozen=True, slots=True)
class Structure:
    """What `instance.json` says.

    Attributes:
        name: Of the instance.
        whole: Whether every figure is a whole number and the attacker knows it.
        dims: In the order of the file; a key has one code for each.
        tables: By table the places of its dimensions; a dimension left out stands at its total.
        equations: Further sums that are zero: coefficient and row of cells.csv, the first row being 0.
    """

    name: str
    whole: bool
    dims: tuple[TabularDimension, ...]
    tables: tuple[tuple[int, ...], ...]
    equations: tuple[tuple[tuple[int, int], ...], ...]


@dataclass(frozen=True, slots=True)
class Cells:
    """What `cells.csv` says, one place per cell in the order of the file; in the instance's unit unless said.

    Attributes:
        keys: One code per dimension.
        values: The figures.
        primary: Cells that must be withheld.
        freq: Contributors; −1 where not given.
        lpl: The attacker's interval must reach down by this much.
        upl: And up by this much.
        spl: And be this wide.
        weights: What withholding costs, in the file's unit; by default the figure.
        low: What the attacker knows beforehand: no less than this.
        high: And no more.
        top1: The largest contribution; −1 where not given.
        top2: The second largest; −1 where not given.
        holders: Who holds the cell; empty where not given.
    """

    keys: tuple[CellKey, ...]
    values: Integers
    primary: Mask
    freq: Integers
    lpl: Floats
    upl: Floats
    spl: Floats
    weights: Floats
    low: Floats
    high: Floats
    top1: Floats
    top2: Floats
    holders: Sequence[str]


@dataclass(frozen=True, slots=True)
class Sum:
    """One whole and its parts along one dimension.

    Attributes:
        key: Of the whole.
        whole: Its cell number; −1 where it is empty and has no row.
        dimension: The place of the dimension.
        parts: Cell numbers of the parts that have a row.
    """

    key: CellKey
    whole: int
    dimension: int
    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Instance:
    """A table that is additive, with what must be protected in it.

    Attributes:
        structure: Its dimensions and tables.
        decimals: The unit is 10**-decimals.
        cells: Its cells.
        sums: Every whole that has a row or a part with one.
    """

    structure: Structure
    decimals: int
    cells: Cells
    sums: tuple[Sum, ...]

    @property
    def size(self) -> int:
        """How many cells have a row."""
        return len(self.cells.keys)

    @property
    def scale(self) -> int:
        """Units in 1."""
        return int(10**self.decimals)
