"""CSV with one row a cell: the dimensions' codes and further columns, read strictly from bytes (LF or CRLF)."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from exchange.disclosure.tabular.model import Structure, TabularDimension
from exchange.errors.tabular import CellTwiceError, TableFieldError, UnknownCellCodeError
from exchange.table import CellKey

CELLS = "cells.csv"

CELLS_MAX = 2_000_000
"""Rows of one file."""

_NUMBER = re.compile(r"-?(?:\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})(?:[eE][+-]?\d{1,2})?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class CellRows:
    """The rows of one file whose codes are known, in its order.

    Attributes:
        file: Its name.
        keys: The codes of each row, in the order of the instance's dimensions.
        lines: Where each row ends in the file, the header being line 1.
        columns: The texts of every other column.
        strange: The first row with a code of no hierarchy, and how many there are.
    """

    file: str
    keys: tuple[CellKey, ...]
    lines: tuple[int, ...]
    columns: dict[str, tuple[str, ...]]
    strange: UnknownCellCodeError | None

    def require_known(self) -> None:
        """Refuse rows with a code of no hierarchy.

        Raises:
            UnknownCellCodeError: There is one.
        """
        if self.strange is not None:
            raise self.strange

    def numbers(self, column: str, *, finite: bool = True) -> list[Decimal | None]:
        """The column's numbers from 0; None where it is empty, or "inf" where that is allowed.

        Raises:
            TableFieldError: A text that is no number, or a negative one.
        """
        found: list[Decimal | None] = []
        for text, line in zip(self.columns[column], self.lines, strict=True):
            if not text or (text == "inf" and not finite):
                found.append(None)
                continue
            number = Decimal(text) if _NUMBER.match(text) else None
            if number is None or number < 0:
                kind = "a text that is no number" if number is None else "a negative number"
                raise self.refused(line, column, "a number from 0", kind)
            found.append(number)
        return found

    def refused(self, line: int, column: str, expected: str, found: str) -> TableFieldError:
        """The refusal of one field."""
        return TableFieldError(file=self.file, line=line, column=column, expected=expected, found=found)


def read_rows(
    raw: bytes, structure: Structure, *, file: str, required: Sequence[str], optional: Sequence[str] = ()
) -> CellRows:
    """Read a file of cells; rows whose code is in no hierarchy are set apart.

    Raises:
        TableFieldError: No CSV in UTF-8, a column missing, unknown or there twice, a row of another length.
        CellTwiceError: Two rows of one cell.
    """
    lines, header, rows = _split(raw, file)
    names = [dimension.name for dimension in structure.dims]
    _check_header(header, file, [*names, *required], optional)
    places = [header.index(name) for name in names]
    if not rows:
        raise TableFieldError(file=file, line=1, column="(row)", expected="a row a cell", found="none")
    known = [dimension.codes for dimension in structure.dims]
    keys = [tuple([row[place] for place in places]) for row in rows]
    strange = [
        number
        for number, key in enumerate(keys)
        if not all(code in codes for code, codes in zip(key, known, strict=True))
    ]
    _refuse_twice(keys, lines, file)
    left = set(strange)
    kept = [number for number in range(len(rows)) if number not in left]
    others = [(name, place) for place, name in enumerate(header) if name not in names]
    return CellRows(
        file,
        tuple(keys[number] for number in kept),
        tuple(lines[number] for number in kept),
        {name: tuple(rows[number][place] for number in kept) for name, place in others},
        _unknown(keys[strange[0]], lines[strange[0]], structure.dims, file, len(strange)) if strange else None,
    )


def _split(raw: bytes, file: str) -> tuple[list[int], list[str], list[list[str]]]:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TableFieldError(file=file, line=1, column="(file)", expected="UTF-8", found="other bytes") from error
    if text.startswith("\ufeff"):
        raise TableFieldError(file=file, line=1, column="(file)", expected="UTF-8", found="a byte order mark before it")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[int] = []
    rows: list[list[str]] = []
    try:
        header = next(reader, [])
        for row in reader:
            if len(row) != len(header):
                counts = (f"{len(header)} fields", f"{len(row)} fields")
                raise TableFieldError(
                    file=file, line=reader.line_num, column="(row)", expected=counts[0], found=counts[1]
                )
            if len(rows) == CELLS_MAX:
                expected = f"at most {CELLS_MAX} rows"
                raise TableFieldError(file=file, line=reader.line_num, column="(file)", expected=expected, found="more")
            lines.append(reader.line_num)
            rows.append(row)
    except csv.Error as error:
        raise TableFieldError(
            file=file, line=reader.line_num, column="(row)", expected="fields of a CSV", found=str(error)
        ) from error
    return lines, header, rows


def _check_header(header: list[str], file: str, required: Sequence[str], optional: Sequence[str]) -> None:
    for name in required:
        if name not in header:
            raise TableFieldError(file=file, line=1, column=name, expected="this column", found="none")
    for name in header:
        if name not in required and name not in optional:
            known = "one of " + ", ".join([*required, *optional])
            raise TableFieldError(file=file, line=1, column=name or "(empty)", expected=known, found="another column")
        if header.count(name) > 1:
            raise TableFieldError(file=file, line=1, column=name, expected="each column once", found="two of this name")


def _refuse_twice(keys: Sequence[CellKey], lines: Sequence[int], file: str) -> None:
    if len(set(keys)) == len(keys):
        return
    first: dict[CellKey, int] = {}
    for key, line in zip(keys, lines, strict=True):
        if key in first:
            raise CellTwiceError(file=file, line=line, cell=shown(key), first=first[key])
        first[key] = line


def _unknown(
    key: CellKey, line: int, dims: tuple[TabularDimension, ...], file: str, count: int
) -> UnknownCellCodeError:
    dimension, code = next((d, code) for d, code in zip(dims, key, strict=True) if code not in d.codes)
    return UnknownCellCodeError(file=file, line=line, column=dimension.name, found=code or "(empty)", count=count)


def shown(key: CellKey) -> str:
    """A key as an officer reads it: its codes in parentheses."""
    return f"({', '.join(key)})"
