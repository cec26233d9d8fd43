"""A table of cells as a page shows it: named columns, filters in the address, pages of two hundred rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from exchange.contract.model import TOTAL, DataContract
from nodes.desk.pages.names import DIMENSIONS, TOTAL_LABELS
from nodes.desk.sheet import CellKind, SheetRow
from nodes.web.pages.locale import Reader

ROWS_PER_PAGE = 200
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
        rows: Those of this page.
        found: How many rows the filters leave, of `total`.
        only: `withheld` where only withheld cells are asked for.
    """

    columns: tuple[Column, ...]
    rows: Sequence[SheetRow] = field(repr=False)
    labels: Mapping[tuple[str, str], str] = field(repr=False)
    found: int
    total: int
    page: int
    pages: int
    only: str
    query: Mapping[str, str]

    def label(self, column: Column, code: str) -> str:
        """The name of a code of this column."""
        return self.labels[column.id, code]

    def address(self, page: int) -> str:
        """Another page of the same filters."""
        return "?" + urlencode({**self.query, "page": page})

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
    """The page of a table that an address asks for; what the address does not name validly is not filtered.

    Args:
        rows: The whole table, sorted.
        contract: Whose dimensions the keys have.
        reader: Of the page.
        asked: A dimension's id to a code; `only`; `page` from 1.
        whole: On one page, up to 5,000 rows: for print.
    """
    there = [set(codes) for codes in zip(*(row.key for row in rows), strict=True)]
    there = there or [set() for _ in contract.dimensions]
    labels = _labels(there, contract, reader)
    columns = tuple(_columns(there, contract, labels, asked))
    only = CellKind.WITHHELD.value if asked.get(_ONLY) == CellKind.WITHHELD else ""
    filtered = bool(only) or any(column.chosen for column in columns)
    kept = [row for row in rows if _fits(row, columns, only)] if filtered else rows
    size = WHOLE_ROWS_MAX if whole else ROWS_PER_PAGE
    pages = max(1, -(-len(kept) // size))
    page = min(max(1, _number(asked.get("page", ""))), pages)
    query = {column.id: column.chosen for column in columns if column.chosen} | ({_ONLY: only} if only else {})
    return TableView(
        columns=columns,
        rows=kept[(page - 1) * size : page * size],
        labels=labels,
        found=len(kept),
        total=len(rows),
        page=page,
        pages=pages,
        only=only,
        query=query,
    )


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
            choices=choices if len(choices) > 1 else (),
            chosen=chosen if chosen in codes else "",
        )


def _fits(row: SheetRow, columns: Sequence[Column], only: str) -> bool:
    if only and row.now.kind is not CellKind.WITHHELD:
        return False
    return all(column.chosen in {"", code} for column, code in zip(columns, row.key, strict=True))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1  # noqa: PLR2004  # digits of a page
