"""What an auditor sees who may see no figure: the hierarchies, which cells there are, and which are withheld."""

from collections.abc import Sequence
from dataclasses import dataclass

from exchange.disclosure.tabular.model import Structure, Sum
from exchange.disclosure.tabular.publication import PUBLISHED, WITHHELD
from exchange.disclosure.tabular.rows import read_rows, shown
from exchange.disclosure.tabular.structure import parse_structure
from exchange.disclosure.tabular.sums import require_inside_tables, require_rows, sums_of
from exchange.errors.tabular import CellMissingError
from exchange.pattern import determined_columns
from exchange.table import CellKey


@dataclass(frozen=True, slots=True)
class BlindPattern:
    """A publication without its figures.

    Attributes:
        file: Where it came from.
        structure: Of the instance.
        keys: Every cell that is not empty, in the order of the file; further equations count rows in it.
        withheld: Those withheld.
    """

    file: str
    structure: Structure
    keys: tuple[CellKey, ...]
    withheld: frozenset[CellKey]

    def pooled(self, others: Sequence["BlindPattern"]) -> "BlindPattern":
        """What readers of several publications of the instance do not see together.

        Raises:
            CellMissingError: One of them has other cells.
        """
        withheld = self.withheld
        for other in others:
            different = set(self.keys) ^ set(other.keys)
            if different:
                raise CellMissingError(
                    file=other.file,
                    cell=shown(min(different)),
                    reason="which only one of two publications has",
                    count=len(different),
                )
            withheld &= other.withheld
        return BlindPattern(self.file, self.structure, self.keys, withheld)


def parse_pattern(structure_raw: bytes, publication_raw: bytes, *, file: str) -> BlindPattern:
    """Read the pattern of a publication: no text of a figure is looked at but whether it is empty or `x`.

    Raises:
        TabularError: `instance.json` or the publication is refused.
    """
    structure = parse_structure(structure_raw)
    rows = read_rows(publication_raw, structure, file=file, required=(PUBLISHED,))
    rows.require_known()
    require_inside_tables(structure, rows.keys, rows.lines, file=file)
    require_rows(structure, len(rows.keys))
    texts = rows.columns[PUBLISHED]
    withheld = frozenset(key for key, text in zip(rows.keys, texts, strict=True) if text in WITHHELD)
    return BlindPattern(file, structure, rows.keys, withheld)


def determined_cells(pattern: BlindPattern) -> list[CellKey]:
    """The withheld cells that follow from the published ones by sums alone, whatever the figures are."""
    hidden = [place for place, key in enumerate(pattern.keys) if key in pattern.withheld]
    column = {place: number for number, place in enumerate(hidden)}
    rows = [_row(entry, column) for entry in sums_of(pattern.structure, pattern.keys)]
    rows += [
        {column[cell]: factor for factor, cell in terms if cell in column} for terms in pattern.structure.equations
    ]
    found = determined_columns([row for row in rows if row], len(hidden))
    return [pattern.keys[hidden[number]] for number in found]


def _row(entry: Sum, column: dict[int, int]) -> dict[int, int]:
    row = {column[part]: 1 for part in entry.parts if part in column}
    if entry.whole in column:
        row[column[entry.whole]] = -1
    return row
