"""The chart of a bundle's table: one dimension, at the totals of the others or at the codes that are filtered by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exchange.contract.model import TOTAL
from nodes.desk.pages.table import Column, TableView
from nodes.desk.sheet import CellKind, SheetRow
from nodes.web.charts.bars import Bars, bars

ASKED = "chart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A dimension's figures as bars.

    Attributes:
        column: The dimension.
        fixed: Of the other dimensions, those that stand at one code: the dimension's title and the code's name.
    """

    column: Column
    fixed: tuple[tuple[str, str], ...]
    drawn: Bars


def chart_of(rows: Sequence[SheetRow], view: TableView, asked: Mapping[str, str]) -> Chart | None:
    """The chart that an address asks for, else of the first dimension that has one; None where none has."""
    able = [column for column in view.columns if len(column.choices) > 1 and not column.chosen]
    able.sort(key=lambda column: (column.id != asked.get(ASKED, ""), TOTAL not in _codes(column)))
    for column in able:
        found = _of(column, rows, view)
        if found is not None:
            return found
    return None


def _of(column: Column, rows: Sequence[SheetRow], view: TableView) -> Chart | None:
    held = {other.id: _held(other) for other in view.columns if other is not column and other.choices}
    shown = [row for row in rows if _stands(row, column, view, held)]
    if len(shown) < 2:  # noqa: PLR2004  # one bar says nothing
        return None
    place = view.columns.index(column)
    figures = [(view.label(column, row.key[place]), row.now.figure, row.now.kind is CellKind.WITHHELD) for row in shown]
    fixed = tuple(
        (other.title, view.label(other, held[other.id]))
        for other in view.columns
        if other.id in held and held[other.id] != TOTAL
    )
    return Chart(column=column, fixed=fixed, drawn=bars(figures))


def _held(column: Column) -> str:
    """The code at which another dimension stands: the one filtered by, its total, or its first."""
    codes = _codes(column)
    return column.chosen or (TOTAL if TOTAL in codes else codes[0])


def _stands(row: SheetRow, column: Column, view: TableView, held: Mapping[str, str]) -> bool:
    codes = zip(view.columns, row.key, strict=True)
    return all(code != TOTAL if other is column else held.get(other.id, code) == code for other, code in codes)


def _codes(column: Column) -> list[str]:
    return [choice.code for choice in column.choices]
