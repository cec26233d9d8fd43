"""A bound mapping as SQL: for each row, whether it is in scope, in the period, bad, and the coordinates of its cells.

Accepted values become ENUM types, so that a value is looked up once and stored in one or two bytes; a value that no
type knows becomes NULL, and NULL is a bad row. `rows` checks the same values in Python when there is one to show.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import duckdb

from exchange.codes import Period
from nodes.preparation.coding import Axis, Coding, DimensionCoding
from nodes.preparation.mapping import ContributorColumn, Filter, PeriodColumn, PeriodFormat
from nodes.preparation.register import Register, literal

YEARS = range(1900, 2200)
RECORDS = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}[0-9:.+Z-]*)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterSql:
    """SQL over one register.

    Attributes:
        coded: A query with the register's columns and the number of each dimension's code, d0….
        selected: What is asked of it: in_scope, in_period, bad, a0…, u0…, records and v, each by an expression.
        axes: For each column a0…: its dimension and the codes that its numbers mean.
        columns: For each axis of each table, by (table id, dimension): which column.
    """

    coded: str
    selected: Mapping[str, str] = field(repr=False)
    axes: tuple[Axis, ...]
    columns: Mapping[tuple[str, str], int] = field(repr=False)
    units: int

    @property
    def rows(self) -> str:
        """A query with the selected columns, one row per row."""
        return f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in self.selected.items())} FROM ({self.coded})"


def accepted_periods(kind: PeriodFormat) -> list[str]:
    """Every spelling of a month, quarter or year."""
    if kind is PeriodFormat.MONTH:
        return [f"{year}-{month:02d}" for year in YEARS for month in range(1, 13)]
    if kind is PeriodFormat.QUARTER:
        return [f"{year}-Q{quarter}" for year in YEARS for quarter in range(1, 5)]
    return [str(year) for year in YEARS]


def amount_pattern(decimals: int) -> re.Pattern[str]:
    """An amount that is not negative, with at most so many decimals and no exponent."""
    fraction = rf"(\.[0-9]{{1,{decimals}}})?" if decimals else ""
    return re.compile(rf"[0-9]{{1,12}}{fraction}", re.ASCII)


def register_sql(
    connection: duckdb.DuckDBPyConnection, register: Register, coding: Coding, period: Period, *, types: str = "e"
) -> RegisterSql:
    """Create the ENUM types in `connection`, named from `types` on, and write the query over the register."""
    axes: list[Axis] = []
    columns: dict[tuple[str, str], int] = {}
    for table in coding.tables:
        for axis in table.axes:
            if axis not in axes:
                axes.append(axis)
            columns[table.table.id, axis.dimension] = axes.index(axis)
    place = {dimension.id: n for n, dimension in enumerate(coding.dimensions)}
    found = [_value(connection, register, dimension, f"{types}{n}") for n, dimension in enumerate(coding.dimensions)]
    values = [_where_asked(value, coding, place, found, n) for n, value in enumerate(found)]
    selected = {
        f"a{n}": _axis(axis, coding.dimensions[place[axis.dimension]], place[axis.dimension])
        for n, axis in enumerate(axes)
    }
    selected |= {f"u{n}": _contributor(register, source) for n, source in enumerate(coding.contributors)}
    selected |= {
        "records": _records(register, coding),
        "v": _amount(register, coding),
        "in_scope": _scope(register, coding.mapping.filters),
        "in_period": _in_period(connection, register, coding, period, f"{types}_period"),
        "bad": _bad(register, coding, values, f"{types}_period"),
    }
    inner = ", ".join(["*", *(f"{value} AS d{n}" for n, value in enumerate(values))])
    return RegisterSql(
        coded=f"SELECT {inner} FROM {register.relation}",
        selected=selected,
        axes=tuple(axes),
        columns=columns,
        units=len(coding.contributors),
    )


def _value(connection: duckdb.DuckDBPyConnection, register: Register, dimension: DimensionCoding, kind: str) -> str:
    """SQL for the number of the row's code in `dimension.codes`, NULL where it is refused."""
    if dimension.column is None:
        return "0::USMALLINT"
    number = {code: index for index, code in enumerate(dimension.codes)}
    text = register.text_of(dimension.column)
    _enum(connection, kind, dimension.accepted)
    found = _lookup(f"try_cast({text} AS {kind})", [number[code] for code in dimension.accepted.values()])
    if dimension.otherwise is not None:
        found = f"coalesce({found}, {number[dimension.otherwise]})"
    if dimension.otherwise is not None or dimension.absent is not None:
        absent = "NULL" if dimension.absent is None else str(number[dimension.absent])
        found = f"CASE WHEN {text} IS NULL THEN {absent} ELSE {found} END"
    return f"({found})::USMALLINT"


def _where_asked(value: str, coding: Coding, place: Mapping[str, int], values: list[str], n: int) -> str:
    """The value where the row's tables list the dimension; elsewhere nobody looks at it, and any number does."""
    asked_of = coding.dimensions[n].asked_of
    if {} in asked_of:
        return value
    fitting = [
        " AND ".join(
            f"{values[place[other]]} IN ({', '.join(_numbers(coding.dimensions[place[other]], codes)) or 'NULL'})"
            for other, codes in sorted(wanted.items())
        )
        for wanted in asked_of
    ]
    return f"CASE WHEN ({') OR ('.join(fitting)}) THEN {value} ELSE 0::USMALLINT END"


def _numbers(dimension: DimensionCoding, codes: frozenset[str]) -> list[str]:
    return [str(number) for number, code in enumerate(dimension.codes) if code in codes]


def _axis(axis: Axis, dimension: DimensionCoding, n: int) -> str:
    """SQL for the number of the row's level code in `axis.codes`; one more than the last: not in this table."""
    places = {code: number for number, code in enumerate(axis.codes)}
    levels = [places.get(axis.level_of.get(code, ""), len(places)) for code in dimension.codes]
    if levels == list(range(len(levels))):
        return f"d{n}"
    numbers = ", ".join(map(str, levels))
    return f"(list_extract([{numbers}]::USMALLINT[], d{n} + 1))::USMALLINT"


def _contributor(register: Register, source: object) -> str:
    """SQL for the pseudonym of the contributor, or of its holding; NULL where the row is a contributor of its own."""
    if not isinstance(source, ContributorColumn):
        return "NULL::VARCHAR"
    text = register.text_of(source.column)
    named = f"CASE WHEN trim({text}) = '' THEN NULL ELSE {text} END"
    if source.holding is None:
        return named
    owner = register.text_of(source.holding)
    # Without a contributor there is nobody to own: the row stays one of its own.
    return f"CASE WHEN {named} IS NOT NULL AND trim({owner}) <> '' THEN {owner} ELSE {named} END"


def _records(register: Register, coding: Coding) -> str:
    column = coding.mapping.records
    if column is None:
        return "1::BIGINT"
    text = register.text_of(column)
    return f"CASE WHEN regexp_full_match({text}, {literal(RECORDS.pattern)}) THEN try_cast({text} AS BIGINT) END"


def _amount(register: Register, coding: Coding) -> str:
    column, decimals = coding.mapping.value, coding.contract.decimals
    if column is None:
        return _records(register, coding)
    text = register.text_of(column)
    pattern = literal(amount_pattern(decimals).pattern)
    amount = f"(try_cast({text} AS DECIMAL(18, {decimals})) * {10**decimals})::BIGINT"
    return f"CASE WHEN regexp_full_match({text}, {pattern}) THEN {amount} END"


def _scope(register: Register, filters: Iterable[Filter]) -> str:
    rules = []
    for rule in filters:
        listed = ", ".join(map(literal, rule.values))
        named = f"coalesce({register.text_of(rule.column)} IN ({listed}), false)"
        rules.append(named if rule.keep else f"NOT {named}")
    return " AND ".join(rules) or "true"


def _in_period(
    connection: duckdb.DuckDBPyConnection, register: Register, coding: Coding, period: Period, kind: str
) -> str:
    source = coding.mapping.period
    if not isinstance(source, PeriodColumn):
        return "true"
    text = register.text_of(source.column)
    if source.format is PeriodFormat.DATE:
        return f"substr({text}, 1, 10) BETWEEN '{period.start}' AND '{period.end}'"
    accepted = accepted_periods(source.format)
    _enum(connection, kind, accepted)
    within = [spelling for spelling in accepted if _within(spelling, source.format, period)]
    return f"coalesce(try_cast({text} AS {kind}) IN ({', '.join(map(literal, within))}), false)"


def _within(spelling: str, kind: PeriodFormat, period: Period) -> bool:
    year, within_year = int(spelling[:4]), spelling[5:].lstrip("Q")
    months = {PeriodFormat.MONTH: 1, PeriodFormat.QUARTER: 3}.get(kind, 12)
    last = int(within_year or 1) * months
    first = last - months + 1
    return date(year, first, 1) >= period.start and (year, last) <= (period.end.year, period.end.month)


def _bad(register: Register, coding: Coding, values: list[str], kind: str) -> str:
    mapping = coding.mapping
    tests = [f"d{n} IS NULL" for n, _ in enumerate(values)]
    if isinstance(mapping.period, PeriodColumn):
        text = register.text_of(mapping.period.column)
        tests.append(
            f"NOT coalesce(regexp_full_match({text}, {literal(DATE.pattern)}), false) "
            f"OR try_cast(substr({text}, 1, 10) AS DATE) IS NULL"
            if mapping.period.format is PeriodFormat.DATE
            else f"try_cast({text} AS {kind}) IS NULL"
        )
    named = [source for source in coding.contributors if isinstance(source, ContributorColumn)]
    tests.extend(_missing(register, source) for source in named)
    if mapping.records is not None:
        tests.append(f"({_records(register, coding)}) IS NULL")
    if mapping.value is not None:
        tests.append(f"({_amount(register, coding)}) IS NULL")
    return "(" + " OR ".join(tests) + ")"


def _missing(register: Register, source: ContributorColumn) -> str:
    empty = f"coalesce(trim({register.text_of(source.column)}), '') = ''"
    if source.own_column is None:
        return empty
    own = ", ".join(map(literal, source.own_values))
    return f"({empty} AND NOT coalesce({register.text_of(source.own_column)} IN ({own}), false))"


def _lookup(enum: str, numbers: list[int]) -> str:
    if numbers == list(range(len(numbers))):
        return f"enum_code({enum})"
    return f"list_extract([{', '.join(map(str, numbers))}]::USMALLINT[], enum_code({enum})::INTEGER + 1)"


def _enum(connection: duckdb.DuckDBPyConnection, name: str, values: Iterable[str]) -> None:
    connection.execute(f"CREATE TYPE {name} AS ENUM ({', '.join(map(literal, values))})")
