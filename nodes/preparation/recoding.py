"""One extract under the codes of two contracts: what relates their releases where a boundary moved within a period."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import duckdb

from exchange.codes import parse_period
from exchange.contract.model import TOTAL, DataContract
from exchange.disclosure.pool import Recoded, RecordGroup
from exchange.errors.preparation import RecodedContributorsError
from exchange.table import CellKey
from nodes.preparation.coding import Coding, bind
from nodes.preparation.extract import Workshop, aggregate_extract
from nodes.preparation.mapping import RegisterMapping
from nodes.preparation.register import database, open_register
from nodes.preparation.sql import RegisterSql, register_sql

_THEN = "then_"
"""What the names of the earlier coding's columns begin with."""


def recode_extract(
    extract: Path,
    now: tuple[RegisterMapping, DataContract],
    then: tuple[RegisterMapping, DataContract],
    *,
    provider: str,
    period: str,
    workshop: Workshop,
) -> Recoded:
    """Aggregate an extract under an earlier contract, and group its rows by the cells of both that count them.

    Args:
        extract: That of the build; checked under its own mapping before.
        now: The build's mapping and contract.
        then: The mapping of the same columns to the earlier contract's codes, and that contract.
        provider: The member.
        period: Of the build.
        workshop: What may be used of the machine.

    Raises:
        PreparationError: As for an aggregate of the earlier contract.
        RecodedContributorsError: A contributor stands in several groups.
    """
    table, _ = aggregate_extract(extract, *then, provider=provider, period=period, workshop=workshop)
    reporting = parse_period(period, frequency=now[1].calendar.frequency)
    codings = [bind(mapping, contract, provider=provider, period=period) for mapping, contract in (then, now)]
    with database(extract, workshop.settings, work=workshop.work) as connection:
        register = open_register(connection, extract, now[0])
        before = register_sql(connection, register, codings[0], reporting, types="was")
        beside = replace(register, relation=f"({_with_its_columns(before, codings[0])})")
        after = register_sql(connection, beside, codings[1], reporting)
        groups = tuple(_groups(connection, (before, after), codings))
    return Recoded(contract=then[1], table=table, groups=groups)


def _with_its_columns(before: RegisterSql, coding: Coding) -> str:
    """The register's own columns, and what the earlier coding selects under names of its own."""
    numbers = ", ".join(f"d{n}" for n in range(len(coding.dimensions)))
    selected = ", ".join(f"{sql} AS {_THEN}{name}" for name, sql in before.selected.items())
    return f"SELECT * EXCLUDE ({numbers}), {selected} FROM ({before.coded})"


def _groups(
    connection: duckdb.DuckDBPyConnection, queries: tuple[RegisterSql, RegisterSql], codings: list[Coding]
) -> Iterator[RecordGroup]:
    before, after = queries
    then = [f"CASE WHEN {_THEN}in_scope AND {_THEN}in_period THEN {_THEN}a{n} END" for n in range(len(before.axes))]
    here = f"({after.selected['in_scope']}) AND ({after.selected['in_period']})"
    now = [f"CASE WHEN {here} THEN {after.selected[f'a{n}']} END" for n in range(len(after.axes))]
    cells = [*(f"{sql} AS b{n}" for n, sql in enumerate(then)), *(f"{sql} AS c{n}" for n, sql in enumerate(now))]
    names = [*(f"b{n}" for n in range(len(then))), *(f"c{n}" for n in range(len(now)))]
    units = [after.selected[f"u{n}"] for n in range(after.units)]
    columns = [*cells, *(f"{sql} AS w{n}" for n, sql in enumerate(units)), f"{after.selected['records']} AS many"]
    connection.execute(
        f"CREATE TEMP TABLE twice AS SELECT * FROM (SELECT {', '.join(columns)} FROM ({after.coded})) "
        f"WHERE coalesce({', '.join(names)}) IS NOT NULL"
    )
    for n, unit in enumerate(codings[1].contract.disclosure.contributors):
        _require_in_one_group(connection, n, names, codings[1].contract, unit)
    counts = [
        f"(count(DISTINCT w{n}) + coalesce(sum(many) FILTER (w{n} IS NULL), 0))::BIGINT" for n in range(len(units))
    ]
    found = connection.execute(
        f"SELECT {', '.join(names)}, least({', '.join(counts)}) FROM twice GROUP BY {', '.join(names)} ORDER BY ALL"
    ).fetchall()
    for *numbers, contributors in found:
        yield RecordGroup(
            now=_cells(numbers[len(then) :], after, codings[1]),
            then=_cells(numbers[: len(then)], before, codings[0]),
            contributors=int(contributors),
        )


def _require_in_one_group(
    connection: duckdb.DuckDBPyConnection, n: int, names: list[str], contract: DataContract, unit: str
) -> None:
    """Contributors of groups are added, so each must be in one only."""
    spread = connection.execute(
        f"SELECT 1 FROM (SELECT DISTINCT w{n}, {', '.join(names)} FROM twice WHERE w{n} IS NOT NULL) "
        f"GROUP BY w{n} HAVING count(*) > 1 LIMIT 1"
    ).fetchone()
    if spread is not None:
        raise RecodedContributorsError(contract=contract.id, unit=unit)


def _cells(numbers: list[int | None], query: RegisterSql, coding: Coding) -> frozenset[CellKey]:
    """The cells of all tables, margins included, that count rows of these axes' numbers."""
    found: set[CellKey] = set()
    for table in coding.tables:
        choices = {dimension.id: [TOTAL] for dimension in coding.contract.dimensions}
        for axis in table.axes:
            number = numbers[query.columns[table.table.id, axis.dimension]]
            listed = number is not None and number < len(axis.codes)
            choices[axis.dimension] = ([axis.codes[number]] if listed and number is not None else []) + (
                [TOTAL] if axis.rolled and listed else []
            )
        found.update(product(*choices.values()))
    return frozenset(found)
