"""A table of cells as a page shows it: named columns, filters in the address, pages of two hundred rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from exchange.contract.model import TOTAL, DataContract
from nodes.desk.pages.names import DIMENSIONS, TOTAL_LABELS
from nodes.desk.sheet import CellKind, SheetRow
from nodes.web.pages.locale import Reader
from nodes.web.pages.paging import ROWS_PER_PAGE, Paged, paged

WHOLE_ROWS_MAX = 5000
_ONLY = "only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One code that a reader may filter by."""

    code: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A dimension as a column, and as a filter where it has several codes.

    Attributes:
        title: A sentence of the catalogue, or the dimension's id.
        chosen: The code filtered by; empty for all.
    """

    id: str
    title: str
    choices: tuple[Choice, ...]
    chosen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableView:
    """One page of a table.

    Attributes:
        cut: What the filters leave, of `total` rows.
        only: `withheld` where only withheld cells are asked for.
        statuses: Each status on this page (OBS_STATUS and CONF_STATUS), and what the contract's lists call it.
    """

    columns: tuple[Column, ...]
    cut: Paged[SheetRow]
    labels: Mapping[tuple[str, str], str] = field(repr=False)
    total: int
    only: str
    statuses: tuple[tuple[str, str], ...]

    @property
    def rows(self) -> Sequence[SheetRow]:
        """Those of this page."""
        return self.cut.rows

    def label(self, column: Column, code: str) -> str:
        """The name of a code of this column."""
        return self.labels[column.id, code]

    def named(self, row: SheetRow) -> list[tuple[str, bool]]:
        """The name of each code of a row, and whether it is the total."""
        return [
            (self.labels[column.id, code], code == TOTAL) for column, code in zip(self.columns, row.key, strict=True)
        ]

    def is_total(self, row: SheetRow) -> bool:
        """Whether a row is the total over every dimension that has one."""
        return all(code == TOTAL for column, code in zip(self.columns, row.key, strict=True) if column.choices)


def table_view(
    rows: Sequence[SheetRow],
    contract: DataContract,
    reader: Reader,
    asked: Mapping[str, str],
    *,
    whole: bool = False,
) -> TableView:
    """The page of a table that an address asks for; a code that the address names and no row has leaves no row.

    Args:
        rows: The whole table, sorted.
        contract: Whose dimensions the keys have.
        reader: Of the page.
        asked: A dimension's id to a code; `only`; `page` from 1.
        whole: On one page, up to 5,000 rows: for print.
    """
    there = [{row.key[place] for row in rows} for place in range(len(contract.dimensions))]
    labels = _labels(there, contract, reader)
    columns = tuple(_columns(there, contract, labels, asked))
    only = CellKind.WITHHELD.value if asked.get(_ONLY) == CellKind.WITHHELD else ""
    kept = _kept(rows, columns, only)
    query = {column.id: column.chosen for column in columns if column.chosen} | ({_ONLY: only} if only else {})
    size = WHOLE_ROWS_MAX if whole else ROWS_PER_PAGE
    cut = paged(kept, asked, address="", query=query, anchor="cells", size=size)
    return TableView(
        columns=columns,
        cut=cut,
        labels=labels,
        total=len(rows),
        only=only,
        statuses=tuple(_statuses(cut.rows, contract, reader)),
    )


def _statuses(rows: Iterable[SheetRow], contract: DataContract, reader: Reader) -> Iterable[tuple[str, str]]:
    lists = [contract.attributes[name] for name in ("OBS_STATUS", "CONF_STATUS")]
    for status in sorted({row.now.status for row in rows if row.now.status}):
        codes = zip(lists, status.split(), strict=True)
        yield status, "; ".join(reader.label(codelist.code(code).labels) for codelist, code in codes)


def _labels(there: Sequence[set[str]], contract: DataContract, reader: Reader) -> Mapping[tuple[str, str], str]:
    """The names of all codes that occur, by dimension and code."""
    found: dict[tuple[str, str], str] = {}
    for codes, dimension in zip(there, contract.dimensions, strict=True):
        for code in codes:
            known = code in dimension.codelist
            found[dimension.id, code] = reader.label(dimension.codelist.code(code).labels if known else TOTAL_LABELS)
    return found


def _columns(
    there: Sequence[set[str]],
    contract: DataContract,
    labels: Mapping[tuple[str, str], str],
    asked: Mapping[str, str],
) -> Iterable[Column]:
    for codes, dimension in zip(there, contract.dimensions, strict=True):
        listed = [code.id for code in dimension.codelist.codes if code.id in codes]
        order = [*sorted(codes - set(listed)), *listed]
        choices = tuple(Choice(code=code, label=labels[dimension.id, code]) for code in order)
        chosen = asked.get(dimension.id, "")
        yield Column(
            id=dimension.id,
            title=DIMENSIONS.get(dimension.id, dimension.id),
            choices=with_unknown(choices, chosen) if len(choices) > 1 else (),
            chosen=chosen if len(choices) > 1 or chosen in codes else "",
        )


def with_unknown(choices: tuple[Choice, ...], chosen: str) -> tuple[Choice, ...]:
    """The choices of a filter with what is chosen among them: an address may name a code that nothing has."""
    known = not chosen or chosen in {choice.code for choice in choices}
    return choices if known else (*choices, Choice(code=chosen, label=chosen))


def _kept(rows: Sequence[SheetRow], columns: Sequence[Column], only: str) -> Sequence[SheetRow]:
    if only:
        rows = [row for row in rows if row.now.kind is CellKind.WITHHELD]
    for place, column in enumerate(columns):
        if column.chosen:
            rows = [row for row in rows if row.key[place] == column.chosen]
    return rows
