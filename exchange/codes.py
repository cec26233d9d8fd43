"""Codes and periods: code lists read from pinned CSV bytes, and the SDMX time periods the exchange releases."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeAlias

from exchange.encoding import Digest
from exchange.errors.contract import CodeListError, PeriodError

Labels: TypeAlias = Mapping[str, str]
"""A name or title by language: `en`, `ru`, …"""

CODELIST_BYTES_MAX = 4 * 1024 * 1024
"""A code list larger than this is refused before it is read."""

_CODE = re.compile(r"[A-Z0-9_](?:[A-Z0-9_-]{0,30}[A-Z0-9_])?\Z", re.ASCII)
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,30}\Z", re.ASCII)
_LABEL = "name_"
_SPACES = re.compile(r"\A\s|\s\Z|[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code with its labels by language and its parent in the tree.

    Attributes:
        valid_from: The first day on which the code has this meaning; None: always had.
        valid_to: The first day on which it no longer has it; None: still has.
    """

    id: str
    labels: Labels
    parent: str | None
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeList:
    """A code list: a strict tree, pinned by the SHA-256 of its file's bytes."""

    id: str
    digest: Digest
    codes: tuple[Code, ...] = field(repr=False)
    _by_id: dict[str, Code] = field(init=False, repr=False, compare=False)
    _parents: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {code.id: code for code in self.codes})
        object.__setattr__(self, "_parents", frozenset(code.parent for code in self.codes if code.parent))

    def __contains__(self, code_id: object) -> bool:
        return code_id in self._by_id

    def code(self, code_id: str) -> Code:
        """The code of that id (KeyError: none)."""
        return self._by_id[code_id]

    def leaves(self) -> tuple[str, ...]:
        """The ids of all codes without children, in the list's order."""
        return tuple(code.id for code in self.codes if code.id not in self._parents)

    def ancestors(self, code_id: str) -> Iterator[str]:
        """The parent of a code, its parent, and so on to the root."""
        parent = self._by_id[code_id].parent
        while parent is not None:
            yield parent
            parent = self._by_id[parent].parent

    def leaves_under(self, code_id: str) -> tuple[str, ...]:
        """The leaves below a code, in the list's order; a leaf is below itself."""
        return tuple(leaf for leaf in self.leaves() if leaf == code_id or code_id in self.ancestors(leaf))


def parse_codelist(raw: bytes, *, list_id: str) -> CodeList:
    """Read a code list: UTF-8 CSV with a header, `code` and `name_en` first among equals, `parent` optional.

    Every cell is text: `NO` is Norway and `NA` is Namibia. `valid_from` and `valid_to` are days. Columns other than
    these, `code`, `name_<language>` and `parent` are notes for people and are not read. The codes form a strict tree:
    each parent is a code of the list.

    Raises:
        CodeListError: With the line and what was found there.

    Source: RFC 4180 (the CSV); SDMX 3.0 section 2, Codelist (the tree).
    """
    rows = read_rows(raw, list_id)
    header_line, header = rows[0]
    _check_header(header, list_id, header_line)
    codes: dict[str, Code] = {}
    lines: dict[str, int] = {}
    for line, row in rows[1:]:
        code = _code(dict(zip(header, row, strict=True)), list_id, line)
        if code.id in codes:
            raise CodeListError(list=list_id, line=line, expected="each code once", found=f"{code.id} again")
        codes[code.id], lines[code.id] = code, line
    _check_tree(codes, lines, list_id)
    return CodeList(id=list_id, digest=Digest.of(raw), codes=tuple(codes.values()))


def read_rows(raw: bytes, list_id: str) -> list[tuple[int, list[str]]]:
    """All rows of a CSV, header first, with the line each ends on; all as wide as the header.

    Raises:
        CodeListError: Too large, not UTF-8, a byte-order mark, not CSV, a row of another width, no row but the header.
    """
    if len(raw) > CODELIST_BYTES_MAX:
        raise CodeListError(
            list=list_id, line=1, expected=f"at most {CODELIST_BYTES_MAX} bytes", found=f"{len(raw)} bytes"
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise CodeListError(list=list_id, line=line, expected="UTF-8", found="other bytes") from error
    if text.startswith("\ufeff"):
        raise CodeListError(list=list_id, line=1, expected="UTF-8 without a byte-order mark", found="one")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            rows.append((reader.line_num, row))
            if len(row) != len(rows[0][1]):
                expected, found = f"{len(rows[0][1])} cells as in the header", f"{len(row)} cells"
                raise CodeListError(list=list_id, line=reader.line_num, expected=expected, found=found)
    except csv.Error as error:
        raise CodeListError(list=list_id, line=reader.line_num, expected="CSV", found=str(error)) from error
    if len(rows) < 2:  # noqa: PLR2004  # a header and at least one row
        raise CodeListError(list=list_id, line=1, expected="a header and at least one row", found="less")
    return rows


def _check_header(header: list[str], list_id: str, line: int) -> None:
    for name in header:
        if _COLUMN.match(name) is None or header.count(name) > 1:
            expected = "column names in lower case, each once"
            raise CodeListError(list=list_id, line=line, expected=expected, found=name or "an empty name")
    for name in ("code", "name_en"):
        if name not in header:
            raise CodeListError(list=list_id, line=line, expected=f"a column {name}", found=", ".join(header))


def _code(row: dict[str, str], list_id: str, line: int) -> Code:
    if _CODE.match(row["code"]) is None:
        expected = "a code of capitals, digits, _ and -, at most 32"
        raise CodeListError(list=list_id, line=line, expected=expected, found=row["code"][:40] or "nothing")
    labels = {name.removeprefix(_LABEL): text for name, text in row.items() if name.startswith(_LABEL) and text}
    if "en" not in labels:
        raise CodeListError(list=list_id, line=line, expected="a name_en", found="nothing")
    for language, text in labels.items():
        if _SPACES.search(text):
            expected = f"name_{language} without outer spaces and control characters"
            raise CodeListError(list=list_id, line=line, expected=expected, found="some")
    first, last = (_day(row, name, list_id, line) for name in ("valid_from", "valid_to"))
    if first is not None and last is not None and last <= first:
        raise CodeListError(list=list_id, line=line, expected=f"a valid_to after {first}", found=str(last))
    return Code(id=row["code"], labels=labels, parent=row.get("parent") or None, valid_from=first, valid_to=last)


def _day(row: dict[str, str], name: str, list_id: str, line: int) -> date | None:
    text = row.get(name, "")
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text:
        expected = f"a day as 2022-06-08, or nothing, in {name}"
        raise CodeListError(list=list_id, line=line, expected=expected, found=text[:40])
    return found


def _check_tree(codes: dict[str, Code], lines: dict[str, int], list_id: str) -> None:
    for code in codes.values():
        if code.parent is not None and code.parent not in codes:
            line = lines[code.id]
            raise CodeListError(
                list=list_id, line=line, expected="a parent that is a code of the list", found=code.parent[:40]
            )
    for code in codes.values():
        seen, parent = {code.id}, code.parent
        while parent is not None:
            if parent in seen:
                raise CodeListError(
                    list=list_id, line=lines[code.id], expected="a tree", found=f"{code.id} above itself"
                )
            seen.add(parent)
            parent = codes[parent].parent


class Frequency(StrEnum):
    """How long a period is; the words of the contract."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Period:
    """A reporting period: its SDMX text, and its first and last day."""

    start: date
    end: date  # the last day, itself within the period
    text: str
    frequency: Frequency

    def __str__(self) -> str:
        return self.text


_PERIODS = {
    Frequency.MONTH: (re.compile(r"([12]\d{3})-(0[1-9]|1[0-2])\Z", re.ASCII), 1),
    Frequency.QUARTER: (re.compile(r"([12]\d{3})-Q([1-4])\Z", re.ASCII), 3),
    Frequency.YEAR: (re.compile(r"([12]\d{3})()\Z", re.ASCII), 12),
}
_SPELLINGS = {
    Frequency.MONTH: "a month, as 2026-09",
    Frequency.QUARTER: "a quarter, as 2018-Q4",
    Frequency.YEAR: "a year, as 2024",
}


def parse_period(text: str, *, frequency: str | None = None) -> Period:
    """Read `2026-09`, `2018-Q4` or `2024`; with `frequency`, only that kind.

    Raises:
        PeriodError: Any other spelling, or a period of another frequency.

    Source: SDMX 3.0 section 6, 4.2 time formats (Gregorian month and year, reporting quarter).
    """
    kinds = [Frequency(frequency)] if frequency is not None else list(Frequency)
    for kind in kinds:
        pattern, months = _PERIODS[kind]
        if (match := pattern.match(text)) is not None:
            year, ordinal = int(match[1]), int(match[2] or 1)
            start = date(year, (ordinal - 1) * months + 1, 1)
            end = _first_of_month(year, ordinal * months + 1) - timedelta(days=1)
            return Period(text=text, frequency=kind, start=start, end=end)
    raise PeriodError(found=text[:40], expected=" or ".join(_SPELLINGS[kind] for kind in kinds))


def _first_of_month(year: int, month: int) -> date:
    """The first day of a month counted from January; 13 is January of the next year."""
    return date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)
