"""From rows to the contract's tables: every cell with all its margins, its distinct contributors, and the two largest.

Distinct contributors are counted exactly and without a set per cell: a contributor whose rows all lie in one cell of
the finest table is one in every margin of that cell, so those are summed; only contributors seen in several cells are
counted margin by margin. Contributors under one holding count as one, if the mapping names its column.

An only contributor, and the largest, get a number: the same in all cells, drawn from a hash or a row's place, and good
for nothing but to see that two cells have the same one. It stays in this process.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

import duckdb

from exchange.codes import Period
from exchange.contract.model import TOTAL
from exchange.errors.preparation import PeriodRowsError, RegisterChangedError
from exchange.table import AggregateCell, AggregateTable, CellKey
from nodes.preparation.coding import Axis, Coding, TableAxes
from nodes.preparation.mapping import ContributorColumn, Progress
from nodes.preparation.register import Register
from nodes.preparation.sql import RegisterSql, register_sql

Margin: TypeAlias = tuple[int | None, ...]
"""One number per axis of a table, None for the total: what GROUPING SETS gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """How many rows the register holds.

    Attributes:
        rows: All of them.
        in_scope: Those that no filter of the mapping leaves out.
        bad: Those in scope that the contract or the mapping refuses.
        in_period: Those in scope of the period.
    """

    rows: int
    in_scope: int
    bad: int
    in_period: int


@dataclass(frozen=True, slots=True)
class Aggregation:
    """One register in one database: check it, then aggregate it."""

    connection: duckdb.DuckDBPyConnection
    register: Register
    coding: Coding
    period: Period
    sql: RegisterSql

    @classmethod
    def of(
        cls, connection: duckdb.DuckDBPyConnection, register: Register, coding: Coding, period: Period
    ) -> "Aggregation":
        """Prepare the queries."""
        return cls(connection, register, coding, period, register_sql(connection, register, coding, period))

    def census(self) -> Census | None:
        """Check every row of the register, of all periods; None: the file cannot be read to its end as what it is."""
        try:
            found = self.connection.execute(
                "SELECT count(*), count(*) FILTER (in_scope), count(*) FILTER (in_scope AND bad), "
                f"count(*) FILTER (in_scope AND in_period) FROM ({self.sql.rows})"
            ).fetchone()
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error:
            # A row that is no CSV, or a file that ends early. DuckDB's message quotes the row, so it stays here;
            # `rows.locate` says where it is.
            return None
        assert found is not None
        return Census(rows=found[0], in_scope=found[1], bad=found[2], in_period=found[3])

    def aggregate(self, census: Census, *, progress: Progress) -> AggregateTable:
        """All non-empty cells of the contract's tables.

        Raises:
            PeriodRowsError: No row belongs to the period.
            RegisterChangedError: The file is not the one that `census` checked.
        """
        if not census.in_period:
            raise PeriodRowsError(file=self.register.path.name, total=census.in_scope, period=str(self.period))
        self._stage(census)
        cells: dict[CellKey, AggregateCell] = {}
        for number, table in enumerate(self.coding.tables):
            progress("aggregate", (number + 1) / (len(self.coding.tables) + 1))
            for key, cell in _Cube(self, table).cells():
                known = cells.get(key)
                if known is None or known.largest is None:
                    cells[key] = cell
        progress("aggregate", 1.0)
        return AggregateTable(
            provider=self.coding.provider,
            contract_id=self.coding.contract.id,
            period=str(self.period),
            cells=cells,
        )

    def _stage(self, census: Census) -> None:
        """Keep the period's rows as small numbers; the register's texts are not needed again."""
        names = [f"a{n}" for n in range(len(self.sql.axes))]
        kept = ", ".join([*names, *(f"u{n}" for n in range(self.sql.units)), "records", "v"])
        self.connection.execute(
            f"CREATE TEMP TABLE staged AS SELECT {kept} FROM ({self.sql.rows}) WHERE in_scope AND in_period"
        )
        holes = " OR ".join(f"{name} IS NULL" for name in [*names, "records", "v"])
        found = self.connection.execute(f"SELECT count(*), count(*) FILTER ({holes}) FROM staged").fetchone()
        if found != (census.in_period, 0):
            read = found[0] if found else 0
            raise RegisterChangedError(file=self.register.path.name, checked=census.in_period, read=read)


class _Cube:
    """One table of the contract over the staged rows."""

    def __init__(self, aggregation: Aggregation, table: TableAxes) -> None:
        self._connection = aggregation.connection
        self._coding = aggregation.coding
        self._table = table
        columns = [aggregation.sql.columns[table.table.id, axis.dimension] for axis in table.axes]
        self._names = [f"a{n}" for n in columns]
        self._sizes = [len(axis.codes) for axis in table.axes]
        self._sets = self._grouping_sets()
        self._staged = self._rows_of_the_table()

    def cells(self) -> Iterator[tuple[CellKey, AggregateCell]]:
        """Every non-empty cell with its margins."""
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE base AS "
            f"SELECT {self._cell()} AS cell, sum(records)::BIGINT AS records, sum(v)::BIGINT AS v, min(rowid) AS place "
            f"FROM {self._staged} GROUP BY 1"
        )
        values = self._rolled("base", "sum(v)::BIGINT, sum(records)::BIGINT, min(place)")
        contributors = [self._contributors(n, values) for n in range(len(self._coding.contributors))]
        largest = self._largest()
        for margin, (value, _, _) in values.items():
            seen = [counts.get(margin, _NOBODY) for counts in contributors]
            top = None if largest is None else largest.get(margin, _NO_TOP)
            yield (
                self._key(margin),
                AggregateCell(
                    value=value,
                    contributors=tuple(number for number, _ in seen),
                    largest=None if top is None else top.values,
                    sole=tuple(who if number == 1 else None for number, who in seen),
                    largest_by=None if top is None or top.shared else top.by,
                ),
            )

    def _contributors(self, unit: int, values: Mapping[Margin, tuple[int, ...]]) -> dict[Margin, tuple[int, int]]:
        """Distinct contributors of one unit by margin, and the number of one of them."""
        if not isinstance(self._coding.contributors[unit], ContributorColumn):
            return {margin: (records, place) for margin, (_, records, place) in values.items()}
        run = self._connection.execute
        run(
            "CREATE OR REPLACE TEMP TABLE spread AS "
            f"SELECT u{unit} AS u, min({self._cell()}) AS lo, max({self._cell()}) AS hi "
            f"FROM {self._staged} WHERE u{unit} IS NOT NULL GROUP BY 1"
        )
        run(
            "CREATE OR REPLACE TEMP TABLE once AS "
            "SELECT cell, sum(n)::BIGINT AS n, min(who) AS who FROM ("
            "SELECT lo AS cell, count(*) AS n, min(hash(u)) AS who FROM spread WHERE lo = hi GROUP BY 1 UNION ALL "
            f"SELECT {self._cell()}, sum(records), min({_ROW}) FROM {self._staged} "
            f"WHERE u{unit} IS NULL GROUP BY 1) GROUP BY 1"
        )
        run(
            "CREATE OR REPLACE TEMP TABLE often AS "
            f"SELECT DISTINCT {self._cell()} AS cell, id, who FROM {self._staged} JOIN "
            "(SELECT u, (row_number() OVER ())::INTEGER AS id, hash(u) AS who FROM spread WHERE lo <> hi) many "
            f"ON staged.u{unit} = many.u"
        )
        counts = {margin: (n, who) for margin, (n, who) in self._rolled("once", "sum(n)::BIGINT, min(who)").items()}
        # One margin at a time: all at once would hold a set of contributors for each of them in memory.
        for kept in self._kept():
            for margin, n, who in self._distinct("often", kept):
                before, first = counts.get(margin, _NOBODY)
                counts[margin] = (before + n, first if before else who)
        return counts

    def _largest(self) -> "dict[Margin, _Top] | None":
        """The two largest contributions by margin and whose the largest is, where the table's rule asks for them."""
        rule = self._table.table.dominance
        if rule is None:
            return None
        unit = self._coding.contract.disclosure.contributors.index(rule.contributor)
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE contributed AS "
            f"SELECT {self._cell()} AS cell, u{unit} AS u, sum(v)::BIGINT AS v "
            f"FROM {self._staged} WHERE u{unit} IS NOT NULL GROUP BY 1, 2"
        )
        named = self._connection.execute(
            f"SELECT {', '.join(self._names)}, max(v, 2), max_by(hash(u), v) FROM "
            f"(SELECT {self._margins()}, u, sum(v)::BIGINT AS v "
            f"FROM ({self._unfolded('contributed', 'u, v')}) GROUP BY GROUPING SETS ({self._sets_with('u')})) "
            "GROUP BY ALL"
        ).fetchall()
        # A record without a contributor is one of its own; repeated records contribute 1 each.
        own = "list_resize([1, 1], least(2, sum(records))::INTEGER)" if self._coding.mapping.records else "max(v, 2)"
        alone = self._connection.execute(
            f"SELECT {', '.join(self._names)}, {own}, max_by({_ROW}, v) FROM {self._staged} WHERE u{unit} IS NULL "
            f"GROUP BY GROUPING SETS ({self._sets})"
        ).fetchall()
        tops: dict[Margin, _Top] = {}
        for *margin, values, by in (*named, *alone):
            found = tuple(margin)
            tops[found] = tops.get(found, _NO_TOP).joined(values or [], by)
        return tops

    def _rolled(self, table: str, measures: str) -> dict[Margin, tuple[int, ...]]:
        """The measures by margin over a table of (cell, …)."""
        rows = self._connection.execute(
            f"SELECT {self._margins()}, {measures} FROM ({self._unfolded(table, '* EXCLUDE (cell)')}) "
            f"GROUP BY GROUPING SETS ({self._sets})"
        ).fetchall()
        width = len(self._names)
        # An empty table still has its grand total, with NULL sums.
        return {tuple(row[:width]): tuple(n or 0 for n in row[width:]) for row in rows}

    def _distinct(self, table: str, kept: list[str]) -> list[tuple[Margin, int, int]]:
        """How many distinct ids a table of (cell, id, who) has in each cell of one margin, and one of them."""
        grouped = f"GROUP BY {', '.join(kept)}" if kept else ""
        counted = ", ".join([*kept, "count(DISTINCT id)", "min(who)"])
        rows = self._connection.execute(
            f"SELECT {counted} FROM ({self._unfolded(table, 'id, who')}) {grouped}"
        ).fetchall()
        places = [kept.index(name) if name in kept else None for name in self._names]
        return [(tuple(None if at is None else row[at] for at in places), row[-2], row[-1]) for row in rows]

    def _cell(self) -> str:
        """One number for the finest cell, mixed radix over the axes; a few billions at most."""
        terms = [f"{name}::BIGINT * {prod(self._sizes[n + 1 :])}" for n, name in enumerate(self._names)]
        return f"({' + '.join(terms)})"

    def _unfolded(self, table: str, others: str) -> str:
        axes = [
            f"(cell // {prod(self._sizes[n + 1 :])}) % {size} AS {name}"
            for n, (name, size) in enumerate(zip(self._names, self._sizes, strict=True))
        ]
        return f"SELECT {', '.join(axes)}, {others} FROM {table}"

    def _rows_of_the_table(self) -> str:
        """The staged rows, or those whose measure the table has."""
        partial = [f"{name} < {size}" for name, size in zip(self._names, self._sizes, strict=True)]
        whole = all(axis.rolled or axis.level_of.keys() >= self._all_codes(axis) for axis in self._table.axes)
        return "staged" if whole else f"(SELECT rowid, * FROM staged WHERE {' AND '.join(partial)}) AS staged"

    def _all_codes(self, axis: Axis) -> set[str]:
        return set(self._coding.coding(axis.dimension).codes)

    def _margins(self) -> str:
        return ", ".join(self._names)

    def _grouping_sets(self) -> str:
        return ", ".join(f"({', '.join(kept)})" for kept in self._kept())

    def _sets_with(self, extra: str) -> str:
        return ", ".join(f"({', '.join([*kept, extra])})" for kept in self._kept())

    def _kept(self) -> list[list[str]]:
        """For each margin the axes it keeps; an axis without a total is always kept."""
        sets: list[list[str]] = [[]]
        for name, axis in zip(self._names, self._table.axes, strict=True):
            sets = [[*kept, name] for kept in sets] + ([list(kept) for kept in sets] if axis.rolled else [])
        return sets

    def _key(self, margin: Margin) -> CellKey:
        code = dict.fromkeys((dimension.id for dimension in self._coding.contract.dimensions), TOTAL)
        for axis, number in zip(self._table.axes, margin, strict=True):
            if number is not None:
                code[axis.dimension] = axis.codes[number]
        return tuple(code.values())


@dataclass(frozen=True, slots=True)
class _Top:
    """The two largest contributions to a margin, and the number of who made the largest."""

    values: tuple[int, int]
    by: int | None

    @property
    def shared(self) -> bool:
        """Whether two have the largest: then it is nobody's alone."""
        return self.values[0] == self.values[1]

    def joined(self, values: list[int], by: int | None) -> "_Top":
        """With further contributions, those of `by` the largest of them."""
        first, second = sorted([*self.values, *values], reverse=True)[:2]
        return _Top((first, second), by if values and values[0] > self.values[0] else self.by)


_NO_TOP = _Top((0, 0), None)
_NOBODY = (0, 0)

_ROW = "hash(-1 - rowid)"
"""The number of a row that is a contributor of its own."""
