"""What protection cost: for the data officer alone; no report, log or bundle ever says it."""

from dataclasses import dataclass

from exchange.contract.model import TOTAL, DataContract, Table
from exchange.disclosure.release import Release
from exchange.table import CellKey, SafeTable


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLoss:
    """One table of the contract.

    Attributes:
        cells: Its cells that have a row, margins included.
        withheld: Of these, withheld ones.
        measured: Sum of the figures of its inner cells, in units of 10^-decimals.
        hidden: Of this, what stands in withheld inner cells.
    """

    table: str
    cells: int
    withheld: int
    measured: int
    hidden: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What a release lost to protection, and how near that is to the least possible.

    Attributes:
        cells: Rows.
        primary: Cells that a rule withholds.
        secondary: Cells that are withheld to hide those.
        empty: Withheld cells that are empty.
        tables: By table of the contract.
        cost: The weights of the secondary cells, which the suppression minimised.
        gap: How much dearer than the cheapest safe pattern this may be, as a share; 1 where nothing was proved.
        stage: The last stage of the suppression that was finished.
        attackers: How many the audit examined: the outsider and the insiders.
        repairs: How often the suppression had to try again after an audit.
    """

    cells: int
    primary: int
    secondary: int
    empty: int
    tables: tuple[TableLoss, ...]
    cost: float
    gap: float
    stage: int
    attackers: int
    repairs: int


def table_losses(release: Release, safe: SafeTable) -> tuple[TableLoss, ...]:
    """What each table of the contract lost."""
    return tuple(_table_loss(release, safe, table) for table in release.contract.tables)


def _table_loss(release: Release, safe: SafeTable, table: Table) -> TableLoss:
    listed = {entry.dimension for entry in table.dimensions}
    inside = [key for key in safe.rows if _of(key, listed, release.contract)]
    inner = [key for key in inside if TOTAL not in _codes(key, listed, release.contract)]
    values = release.sensitive.values
    return TableLoss(
        table=table.id,
        cells=len(inside),
        withheld=sum(safe.rows[key].withheld for key in inside),
        measured=sum(values[key] for key in inner),
        hidden=sum(values[key] for key in inner if safe.rows[key].withheld),
    )


def _of(key: CellKey, listed: set[str], contract: DataContract) -> bool:
    """Whether a cell belongs to the table: every dimension that the table leaves out stands at its total."""
    dimensions = zip(contract.dimensions, key, strict=True)
    return all(dimension.id in listed or code == TOTAL or not dimension.has_total for dimension, code in dimensions)


def _codes(key: CellKey, listed: set[str], contract: DataContract) -> list[str]:
    return [code for dimension, code in zip(contract.dimensions, key, strict=True) if dimension.id in listed]
