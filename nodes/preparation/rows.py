"""Every row is checked before anything is built; a bad row is shown with line, column, allowed and found.

DuckDB counts the bad rows in one pass over the whole file. Only if there are any, the file is read again row by row,
with the same accepted values, to say where they stand. What a row holds is shown to the data officer, whose register
it is: it goes to the terminal and to a file in the node's folder, never into an error's facts or a log.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb

from nodes.preparation.coding import Coding, DimensionCoding
from nodes.preparation.mapping import ContributorColumn, Filter, PeriodColumn, PeriodFormat
from nodes.preparation.register import Register, RegisterFormat, csv_text
from nodes.preparation.sql import DATE, RECORDS, accepted_periods, amount_pattern

FETCH_ROWS = 10_000
FOUND_CHARACTERS_MAX = 80
REPORT_COLUMNS = ("line", "column", "allowed", "found")

Row = dict[str, str | None]
"""The mapped columns of one row; None: the field is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadCell:
    """One field that stops the build.

    Attributes:
        line: Of a CSV the physical line on which the row begins (the header is line 1); of Parquet the row's number.
    """

    line: int
    column: str
    allowed: str
    found: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """One column's check: `refuses` gives whether a row's field is bad."""

    column: str
    allowed: str
    refuses: Callable[[Row], bool]


def locate(
    connection: duckdb.DuckDBPyConnection, register: Register, coding: Coding, *, cells_max: int
) -> list[BadCell]:
    """Find the bad fields, in the order of the file, up to `cells_max` of them."""
    found: list[BadCell] = []
    for cell in _bad_cells(connection, register, coding):
        found.append(cell)
        if len(found) >= cells_max:
            break
    return found


def write_report(cells: Iterable[BadCell], file: Path) -> None:
    """Write the bad fields as CSV, for the spreadsheet of whoever keeps the register."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(REPORT_COLUMNS)
        writer.writerows((cell.line, cell.column, cell.allowed, cell.found) for cell in cells)


def _bad_cells(connection: duckdb.DuckDBPyConnection, register: Register, coding: Coding) -> Iterator[BadCell]:
    rules = _rules(coding)
    columns = coding.mapping.columns()
    rows = (
        _parquet_rows(connection, register, columns)
        if register.format is RegisterFormat.PARQUET
        else _csv_rows(register, columns)
    )
    for line, row in rows:
        if isinstance(row, BadCell):
            yield row
            continue
        if any(_out_of_scope(rule, row) for rule in coding.mapping.filters):
            continue
        for rule in rules:
            if rule.refuses(row):
                yield BadCell(line=line, column=rule.column, allowed=rule.allowed, found=_shown(row[rule.column]))


def _csv_rows(register: Register, columns: tuple[str, ...]) -> Iterator[tuple[int, Row | BadCell]]:
    places = [(name, register.header.index(name)) for name in columns]
    width = len(register.header)
    with csv_text(register.path, register.format) as text:
        reader = csv.reader(text, delimiter=register.delimiter, strict=True)
        begins = 1
        try:
            for number, fields in enumerate(reader):
                line, begins = begins, reader.line_num + 1
                if number == 0 or not fields:
                    continue
                if len(fields) != width:
                    yield line, _shape(line, f"{width} fields as in the header", f"{len(fields)} fields")
                elif any("\udc80" <= character <= "\udcff" for part in fields for character in part):
                    yield line, _shape(line, "text in UTF-8", "other bytes")
                else:
                    yield line, {name: fields[place] or None for name, place in places}
        except csv.Error:
            yield begins, _shape(begins, "a row of CSV (RFC 4180)", "an open or stray quotation mark")


def _shape(line: int, allowed: str, found: str) -> BadCell:
    return BadCell(line=line, column="(row)", allowed=allowed, found=found)


def _parquet_rows(
    connection: duckdb.DuckDBPyConnection, register: Register, columns: tuple[str, ...]
) -> Iterator[tuple[int, Row]]:
    selected = ", ".join(register.text_of(name) for name in columns)
    cursor = connection.execute(f"SELECT file_row_number + 1, {selected} FROM {register.relation} ORDER BY 1")
    while batch := cursor.fetchmany(FETCH_ROWS):
        for line, *fields in batch:
            yield line, dict(zip(columns, fields, strict=True))


def _rules(coding: Coding) -> list[_Rule]:
    mapping = coding.mapping
    rules: list[_Rule] = []
    if isinstance(mapping.period, PeriodColumn):
        rules.append(_period_rule(mapping.period))
    rules.extend(_dimension_rule(dimension, coding) for dimension in coding.dimensions if dimension.column is not None)
    for unit, source in zip(coding.contract.disclosure.contributors, coding.contributors, strict=True):
        if isinstance(source, ContributorColumn):
            rules.append(_contributor_rule(unit, source))
    if mapping.records is not None:
        rules.append(_pattern_rule(mapping.records, "a whole number from 1", RECORDS))
    if mapping.value is not None:
        decimals = coding.contract.decimals
        rules.append(
            _pattern_rule(mapping.value, f"an amount with at most {decimals} decimals", amount_pattern(decimals))
        )
    return rules


def _period_rule(period: PeriodColumn) -> _Rule:
    name = period.column
    if period.format is PeriodFormat.DATE:
        return _Rule(column=name, allowed="a date YYYY-MM-DD", refuses=lambda row: not _is_date(row[name]))
    accepted = frozenset(accepted_periods(period.format))
    spelled = {
        PeriodFormat.MONTH: "a month YYYY-MM",
        PeriodFormat.QUARTER: "a quarter YYYY-Qn",
        PeriodFormat.YEAR: "a year YYYY",
    }[period.format]
    return _Rule(column=name, allowed=spelled, refuses=lambda row: row[name] not in accepted)


def _dimension_rule(dimension: DimensionCoding, coding: Coding) -> _Rule:
    name = dimension.column
    assert name is not None

    def refuses(row: Row) -> bool:
        return dimension.code(row[name]) is None and any(fits(row, wanted) for wanted in dimension.asked_of)

    def fits(row: Row, wanted: Mapping[str, frozenset[str]]) -> bool:
        chosen = [(coding.coding(other), codes) for other, codes in wanted.items()]
        return all(other.code(row[other.column] if other.column else None) in codes for other, codes in chosen)

    return _Rule(column=name, allowed=dimension.allowed, refuses=refuses)


def _contributor_rule(unit: str, source: ContributorColumn) -> _Rule:
    own = frozenset(source.own_values)

    def refuses(row: Row) -> bool:
        empty = not (row[source.column] or "").strip(" ")
        return empty and (source.own_column is None or row[source.own_column] not in own)

    allowed = f"the pseudonym of one {unit}"
    if source.own_column is not None:
        allowed += f" (empty only where {source.own_column} is {' or '.join(source.own_values)})"
    return _Rule(column=source.column, allowed=allowed, refuses=refuses)


def _pattern_rule(column: str, allowed: str, pattern: re.Pattern[str]) -> _Rule:
    return _Rule(column=column, allowed=allowed, refuses=lambda row: pattern.fullmatch(row[column] or "") is None)


def _is_date(text: str | None) -> bool:
    if text is None or DATE.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def _out_of_scope(rule: Filter, row: Row) -> bool:
    return (row[rule.column] in rule.values) != rule.keep


def _shown(found: str | None) -> str:
    return "(empty)" if found is None else found[:FOUND_CHARACTERS_MAX]
