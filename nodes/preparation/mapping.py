"""MAP.toml: which column of a register is which dimension, contributor and code. Strict: an unknown key is refused.

A mapping is written by the data officer, beside the register, and is no part of the contract: it says how this
register spells what the contract names. `docs/PROTOCOL.md` is silent about it, because it never leaves the ministry.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from exchange.errors import ExchangeError
from exchange.errors.preparation import MappingKeyError, MappingSyntaxError, MappingValueError
from exchange.labels import Licence, Source

MAPPING_FORMAT = 1
MAPPING_BYTES_MAX = 1024 * 1024
TITLE_CHARACTERS_MAX = 120

_TOP = (
    "v", "contract", "title", "delimiter", "records", "value", "period", "dimensions", "codes", "contributors",
    "filter", "withhold", "sources", "licences",
)  # fmt: skip


class PeriodFormat(StrEnum):
    """How the register writes the time of a row."""

    MONTH = "month"  # 2026-09
    QUARTER = "quarter"  # 2026-Q3
    YEAR = "year"  # 2026
    DATE = "date"  # 2026-09-17, alone or before a time of day


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodColumn:
    """The column that dates each row."""

    column: str
    format: PeriodFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeExtract:
    """An extract without such a column: it holds exactly this period."""

    period: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionColumn:
    """Where a dimension's code stands.

    Attributes:
        otherwise: The code of every value that the translation table does not name; None: such a value is refused.
        absent: The code of an empty field; None: an empty field is refused.
    """

    column: str
    otherwise: str | None = None
    absent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantDimension:
    """A dimension with one code in the whole register."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributorColumn:
    """Where the pseudonym of a contributor stands.

    Attributes:
        holding: The column of the owner under whom contributors are one: they are counted, and their amounts summed,
            as one contributor. An empty field: the contributor is its own owner, under its own name.
        own_column, own_values: An empty field is allowed where `own_column` holds one of `own_values`; the row is then
            a contributor of its own (a permit of type PATENT has no employer but itself).
    """

    column: str
    holding: str | None = None
    own_column: str | None = None
    own_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EachRow:
    """A register without identifiers: every record is another contributor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Rows out of scope: those whose value is not among `values` (keep), or is (drop)."""

    column: str
    values: tuple[str, ...]
    keep: bool


DimensionSource: TypeAlias = "DimensionColumn | ConstantDimension"
ContributorSource: TypeAlias = "ContributorColumn | EachRow"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterMapping:
    """A parsed MAP.toml.

    Attributes:
        file: The name it was read under, for messages.
        title: Words that the title of every bundle from this register carries, such as SYNTHETIC.
        records: The column that says for how many records one row stands; None: each row is one.
        value: The column of the amount, for contracts that sum amounts; None: records are counted.
        codes: For a dimension, the register's spelling of each code.
        withhold: What must be withheld by law or request: code by dimension, every cell that has all of them.
    """

    file: str
    contract: str
    title: str
    delimiter: str
    records: str | None
    value: str | None
    period: PeriodColumn | WholeExtract
    dimensions: Mapping[str, DimensionSource]
    codes: Mapping[str, Mapping[str, str]] = field(repr=False)
    contributors: Mapping[str, ContributorSource]
    filters: tuple[Filter, ...]
    withhold: tuple[Mapping[str, str], ...] = field(default=(), repr=False)
    sources: tuple[Source, ...]
    licences: tuple[Licence, ...]

    def columns(self) -> tuple[str, ...]:
        """Every column of the register that is read, each once; no other column is."""
        dimensions = [source.column for source in self.dimensions.values() if isinstance(source, DimensionColumn)]
        contributors = [
            name
            for source in self.contributors.values()
            if isinstance(source, ContributorColumn)
            for name in (source.column, source.holding, source.own_column)
        ]
        period = self.period.column if isinstance(self.period, PeriodColumn) else None
        named = [period, *dimensions, *contributors, *(rule.column for rule in self.filters), self.records, self.value]
        return tuple(dict.fromkeys(name for name in named if name is not None))


def parse_mapping(raw: bytes, *, file: str) -> RegisterMapping:
    """Read MAP.toml.

    Raises:
        MappingSyntaxError: Not TOML.
        MappingKeyError: A key that mappings do not have; the error names those allowed there.
        MappingValueError: A value of another kind than its key asks for.
    """
    top = _Section(_toml(raw, file), "", file)
    top.allow(*_TOP)
    if top.integer("v") != MAPPING_FORMAT:
        raise top.refusal("v", f"{MAPPING_FORMAT}", top.integer("v"))
    delimiter = top.text_or("delimiter", ",")
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise top.refusal("delimiter", "one character, no quote and no line end", delimiter)
    title = top.text_or("title", "")
    if len(title) > TITLE_CHARACTERS_MAX or not title.isprintable():
        raise top.refusal("title", f"at most {TITLE_CHARACTERS_MAX} printable characters", title[:40])
    return RegisterMapping(
        file=file,
        contract=top.text("contract"),
        title=title,
        delimiter=delimiter,
        records=top.text_or_none("records"),
        value=top.text_or_none("value"),
        period=_period(top.section("period")),
        dimensions={key: _dimension(section) for key, section in top.section("dimensions").sections()},
        codes={key: section.texts() for key, section in top.section_or_empty("codes").sections()},
        contributors={key: _contributor(section) for key, section in top.section("contributors").sections()},
        filters=tuple(_filter(section) for section in top.sections_of("filter")),
        withhold=tuple(section.texts() for section in top.sections_of("withhold")),
        sources=tuple(_source(section) for section in top.sections_of("sources")),
        licences=tuple(_licence(section) for section in top.sections_of("licences")),
    )


def _toml(raw: bytes, file: str) -> dict[str, object]:
    if len(raw) > MAPPING_BYTES_MAX:
        raise MappingSyntaxError(file=file, reason=f"larger than {MAPPING_BYTES_MAX} bytes")
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise MappingSyntaxError(file=file, reason=str(error)) from error


def _period(section: "_Section") -> PeriodColumn | WholeExtract:
    section.allow("column", "format", "whole_extract")
    if section.has("whole_extract"):
        section.allow("whole_extract")
        return WholeExtract(period=section.text("whole_extract"))
    written = section.text("format")
    if written not in set(PeriodFormat):
        raise section.refusal("format", ", ".join(PeriodFormat), written)
    return PeriodColumn(column=section.text("column"), format=PeriodFormat(written))


def _dimension(section: "_Section") -> DimensionSource:
    section.allow("column", "else", "absent", "constant")
    if section.has("constant"):
        section.allow("constant")
        return ConstantDimension(code=section.text("constant"))
    return DimensionColumn(
        column=section.text("column"),
        otherwise=section.text_or_none("else"),
        absent=section.text_or_none("absent"),
    )


def _contributor(section: "_Section") -> ContributorSource:
    section.allow("column", "holding", "each_row", "own_row")
    if section.has("each_row"):
        section.allow("each_row")
        section.true("each_row")
        return EachRow()
    column, holding = section.text("column"), section.text_or_none("holding")
    if not section.has("own_row"):
        return ContributorColumn(column=column, holding=holding)
    own = section.section("own_row")
    own.allow("column", "values")
    return ContributorColumn(
        column=column, holding=holding, own_column=own.text("column"), own_values=own.text_list("values")
    )


def _filter(section: "_Section") -> Filter:
    section.allow("column", "keep", "drop")
    if section.has("keep") == section.has("drop"):
        raise section.refusal("keep", "either keep or drop", "both or none")
    keep = section.has("keep")
    return Filter(column=section.text("column"), values=section.text_list("keep" if keep else "drop"), keep=keep)


def _source(section: "_Section") -> Source:
    section.allow("title", "path")
    return Source(title=section.text("title"), path=section.text_or_none("path"))


def _licence(section: "_Section") -> Licence:
    section.allow("name", "path")
    return Licence(name=section.text("name"), path=section.text_or_none("path"))


class _Section:
    """One table of the document, read key by key; every refusal names the whole key."""

    def __init__(self, values: Mapping[str, object], path: str, file: str) -> None:
        self._values = values
        self._path = path
        self._file = file

    def allow(self, *keys: str) -> None:
        for key in self._values:
            if key not in keys:
                raise MappingKeyError(file=self._file, key=self._name(key), allowed=", ".join(keys))

    def has(self, key: str) -> bool:
        return key in self._values

    def refusal(self, key: str, expected: str, found: object) -> ExchangeError:
        shown = found if isinstance(found, str | int) else type(found).__name__
        return MappingValueError(file=self._file, key=self._name(key), expected=expected, found=shown)

    def text(self, key: str) -> str:
        found = self._get(key, "a text")
        if not isinstance(found, str) or not found:
            raise self.refusal(key, "a text", found)
        return found

    def text_or(self, key: str, default: str) -> str:
        return self.text(key) if key in self._values else default

    def text_or_none(self, key: str) -> str | None:
        return self.text(key) if key in self._values else None

    def integer(self, key: str) -> int:
        found = self._get(key, "a whole number")
        if not isinstance(found, int) or isinstance(found, bool):
            raise self.refusal(key, "a whole number", found)
        return found

    def true(self, key: str) -> None:
        if self._values.get(key) is not True:
            raise self.refusal(key, "true", "another value")

    def text_list(self, key: str) -> tuple[str, ...]:
        found = self._get(key, "a list of texts")
        texts = [item for item in found if isinstance(item, str)] if isinstance(found, list) else []
        if not isinstance(found, list) or not found or len(texts) != len(found):
            raise self.refusal(key, "a list of texts", found)
        return tuple(texts)

    def texts(self) -> dict[str, str]:
        """Every key of this section with its text."""
        return {key: self.text(key) for key in self._values}

    def section(self, key: str) -> "_Section":
        return _Section(self._table(key, self._get(key, "a table")), self._name(key), self._file)

    def section_or_empty(self, key: str) -> "_Section":
        return self.section(key) if key in self._values else _Section({}, self._name(key), self._file)

    def sections(self) -> list[tuple[str, "_Section"]]:
        return [(key, self.section(key)) for key in self._values]

    def sections_of(self, key: str) -> list["_Section"]:
        """The tables of an array `[[key]]`; none if it is absent."""
        found = self._values.get(key, [])
        if not isinstance(found, list):
            raise self.refusal(key, f"tables [[{key}]]", found)
        return [
            _Section(self._table(key, item), f"{self._name(key)}[{number}]", self._file)
            for number, item in enumerate(found, 1)
        ]

    def _get(self, key: str, expected: str) -> object:
        if key not in self._values:
            raise self.refusal(key, expected, "nothing")
        return self._values[key]

    def _table(self, key: str, found: object) -> Mapping[str, object]:
        # TOML's keys are texts; the check keeps the narrowing honest.
        if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
            raise self.refusal(key, "a table", found)
        return found

    def _name(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key


Progress: TypeAlias = Callable[[str, float], None]
"""Called with the stage and the share done, from 0 to 1."""
