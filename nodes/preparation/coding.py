"""A mapping bound to a contract: for every value a register may hold, the code, and the cell coordinate of each table.

Everything is decided here, before the register is opened: which values are accepted, what each of them means, and to
which code of a table's level it rolls up. What the binding does not know is a bad row, never a guess.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from exchange.contract.levels import PROVIDER_SCOPE
from exchange.contract.model import TOTAL, DataContract, Dimension, Table
from exchange.errors.preparation import (
    MappingCodeError,
    MappingContractError,
    MappingContributorError,
    MappingDimensionError,
    MappingKeyError,
    MappingValueError,
)
from nodes.preparation.mapping import (
    ConstantDimension,
    ContributorColumn,
    ContributorSource,
    DimensionColumn,
    RegisterMapping,
    WholeExtract,
)

CODES_SHOWN_MAX = 8
"""How many allowed codes a message lists before it only counts the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionCoding:
    """What one dimension's column may hold.

    Attributes:
        column: The register's column; None: the dimension is constant.
        accepted: Code by value of the column.
        otherwise: The code of every other value; None: refused.
        absent: The code of an empty field; None: refused.
        constant: The code of every row, where there is no column.
        codes: Every code a row can get, sorted.
        allowed: The same for people.
        asked_of: Which rows need a code here: those that one of these fits, by code of a dimension without a total. A
            row of another measure is in no table that has this dimension, whatever its column says.
    """

    id: str
    column: str | None
    accepted: Mapping[str, str] = field(repr=False)
    otherwise: str | None
    absent: str | None
    constant: str | None
    codes: tuple[str, ...] = field(repr=False)
    allowed: str
    asked_of: tuple[Mapping[str, frozenset[str]], ...] = ({},)

    def code(self, value: str | None) -> str | None:
        """The code of what a row says (None: the field is empty); None: refused."""
        if self.column is None:
            return self.constant
        if value is None:
            return self.absent
        return self.accepted.get(value, self.otherwise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One dimension of one table.

    Attributes:
        codes: The codes of the level, and the one residual.
        rolled: Whether the total stands beside them.
        level_of: The level's code by code of a row; a row of another code is not in this table.
    """

    dimension: str
    codes: tuple[str, ...]
    rolled: bool
    level_of: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableAxes:
    """One table of the contract as axes: the listed dimensions, and those without a total, which are never left out."""

    table: Table
    axes: tuple[Axis, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """A mapping that fits its contract.

    Attributes:
        contributors: One source per contributor unit, in the contract's order.
    """

    mapping: RegisterMapping
    contract: DataContract
    provider: str
    dimensions: tuple[DimensionCoding, ...]
    tables: tuple[TableAxes, ...]
    contributors: tuple[ContributorSource, ...]

    def coding(self, dimension_id: str) -> DimensionCoding:
        """The coding of that dimension (KeyError: no table uses it)."""
        for coding in self.dimensions:
            if coding.id == dimension_id:
                return coding
        raise KeyError(dimension_id)


def bind(mapping: RegisterMapping, contract: DataContract, *, provider: str, period: str) -> Coding:
    """Join a mapping and a contract.

    Raises:
        MappingContractError: The mapping is for another contract.
        MappingKeyError: It names a dimension or contributor unit that the contract has not.
        MappingDimensionError: A dimension of the tables is not mapped.
        MappingContributorError: A contributor unit of the contract is not mapped; the error names it.
        MappingCodeError: A code that fits no table.
        MappingValueError: Amounts are summed where the contract counts, or the other way round; an extract of another
            period.
    """
    if mapping.contract != contract.id:
        raise MappingContractError(file=mapping.file, found=mapping.contract, expected=contract.id)
    ids = tuple(dimension.id for dimension in contract.dimensions)
    _require_known(mapping, "dimensions", mapping.dimensions, ids)
    _require_known(mapping, "contributors", mapping.contributors, contract.disclosure.contributors)
    _require_measure(mapping, contract)
    if isinstance(mapping.period, WholeExtract) and mapping.period.period != period:
        raise MappingValueError(
            file=mapping.file, key="period.whole_extract", expected=period, found=mapping.period.period
        )
    needed = [dimension for dimension in contract.dimensions if _is_used(dimension, contract.tables)]
    reach = {dimension.id: _reach(dimension, contract.tables, provider) for dimension in needed}
    dimensions = tuple(
        replace(_bind_dimension(mapping, contract, d, tuple(reach[d.id])), asked_of=_asked_of(d, contract, reach))
        for d in needed
    )
    _require_known(mapping, "codes", mapping.codes, tuple(mapping.dimensions))
    return Coding(
        mapping=mapping,
        contract=contract,
        provider=provider,
        dimensions=dimensions,
        tables=tuple(_axes(table, needed, reach) for table in contract.tables),
        contributors=tuple(_contributor(mapping, contract, unit) for unit in contract.disclosure.contributors),
    )


def shown(codes: Iterable[str]) -> str:
    """A list of codes for a message: the first few, and how many there are."""
    listed = list(codes)
    if len(listed) <= CODES_SHOWN_MAX:
        return ", ".join(listed)
    return f"{', '.join(listed[:CODES_SHOWN_MAX])} … ({len(listed)} in all)"


def _require_known(mapping: RegisterMapping, where: str, named: Iterable[str], known: tuple[str, ...]) -> None:
    for key in named:
        if key not in known:
            raise MappingKeyError(file=mapping.file, key=f"{where}.{key}", allowed=", ".join(known))


def _require_measure(mapping: RegisterMapping, contract: DataContract) -> None:
    amounts = contract.concept.counting_unit == "amount"
    if amounts and mapping.value is None:
        raise MappingValueError(file=mapping.file, key="value", expected="the column of the amount", found="nothing")
    if not amounts and mapping.value is not None:
        counted = f"no amount: {contract.id} counts {contract.concept.counting_unit}"
        raise MappingValueError(file=mapping.file, key="value", expected=counted, found=mapping.value)


def _contributor(mapping: RegisterMapping, contract: DataContract, unit: str) -> ContributorSource:
    source = mapping.contributors.get(unit)
    if source is None:
        raise MappingContributorError(file=mapping.file, contract=contract.id, unit=unit)
    if isinstance(source, ContributorColumn) and source.own_column == source.column:
        key = f"contributors.{unit}.own_row.column"
        raise MappingValueError(file=mapping.file, key=key, expected="another column", found=source.column)
    return source


def _is_used(dimension: Dimension, tables: tuple[Table, ...]) -> bool:
    listed = any(axis.dimension == dimension.id for table in tables for axis in table.dimensions)
    return listed or not dimension.has_total


def _reach(dimension: Dimension, tables: tuple[Table, ...], provider: str) -> dict[str, dict[str, str]]:
    """By code of a row: the level's code by table id.

    Every table must be able to hold a row, but for dimensions without a total: a table may be one measure's alone.
    """
    levels = {table.id: _Level.of(dimension, table) for table in tables}
    reach: dict[str, dict[str, str]] = {}
    for code in dimension.codelist.codes:
        line = (code.id, *dimension.codelist.ancestors(code.id))
        outside = dimension.codes is not None and not set(line) & set(dimension.codes)
        foreign = dimension.scope == PROVIDER_SCOPE and provider not in line[1:]
        if outside or foreign or (dimension.has_total and code.id == TOTAL):
            continue
        shown_as = {table: level.code(line) for table, level in levels.items()}
        found = {table: shown for table, shown in shown_as.items() if shown is not None}
        if found if not dimension.has_total else len(found) == len(levels):
            reach[code.id] = found
    return reach


@dataclass(frozen=True, slots=True, kw_only=True)
class _Level:
    """What one table shows of one dimension; `codes` is None where it does not list it."""

    codes: frozenset[str] | None
    above: frozenset[str]
    residual: str | None

    @classmethod
    def of(cls, dimension: Dimension, table: Table) -> "_Level":
        axis = next((axis for axis in table.dimensions if axis.dimension == dimension.id), None)
        if axis is None:
            return cls(codes=None, above=frozenset(), residual=None)
        codes = frozenset(code for code in axis.codes if dimension.codes is None or code in dimension.codes)
        above = frozenset(ancestor for code in codes for ancestor in dimension.codelist.ancestors(code))
        return cls(codes=codes, above=above, residual=axis.residual)

    def code(self, line: tuple[str, ...]) -> str | None:
        """What the first code of a line up to the root becomes: itself, its ancestor at the level, or the residual.

        None: the table has no place for it.
        """
        if self.codes is None:
            return line[0]
        at_level = next((code for code in line if code in self.codes), None)
        # A code above the level (a country group where countries are shown) may not hide in the residual.
        return at_level if at_level is not None or line[0] in self.above else self.residual


def _axes(table: Table, needed: list[Dimension], reach: Mapping[str, dict[str, dict[str, str]]]) -> TableAxes:
    listed = {axis.dimension for axis in table.dimensions}
    axes = []
    for dimension in needed:
        if dimension.id in listed or not dimension.has_total:
            level_of = {code: levels[table.id] for code, levels in reach[dimension.id].items() if table.id in levels}
            axes.append(
                Axis(
                    dimension=dimension.id,
                    codes=tuple(sorted(set(level_of.values()))),
                    rolled=dimension.has_total,
                    level_of=level_of,
                )
            )
    return TableAxes(table=table, axes=tuple(axes))


def _asked_of(
    dimension: Dimension, contract: DataContract, reach: Mapping[str, dict[str, dict[str, str]]]
) -> tuple[Mapping[str, frozenset[str]], ...]:
    """The rows whose tables list this dimension; one empty mapping, which fits every row, where that is all of them."""
    if not dimension.has_total:
        return ({},)
    chosen = [other.id for other in contract.dimensions if not other.has_total]
    listing = [table.id for table in contract.tables if dimension.id in {part.dimension for part in table.dimensions}]
    found = [
        {
            other: frozenset(held)
            for other in chosen
            if len(held := [code for code, levels in reach[other].items() if table in levels]) < len(reach[other])
        }
        for table in listing
    ]
    return ({},) if {} in found else tuple(found)


def _bind_dimension(
    mapping: RegisterMapping, contract: DataContract, dimension: Dimension, codes: tuple[str, ...]
) -> DimensionCoding:
    source = mapping.dimensions.get(dimension.id)
    if source is None:
        raise MappingDimensionError(file=mapping.file, dimension=dimension.id, contract=contract.id)
    table = mapping.codes.get(dimension.id)
    accepted = {code: code for code in codes} if table is None else dict(table)
    extra = (source.code,) if isinstance(source, ConstantDimension) else (source.otherwise, source.absent)
    for code in (*accepted.values(), *extra):
        if code is not None and code not in codes:
            raise MappingCodeError(
                file=mapping.file, dimension=dimension.id, found=code, contract=contract.id, allowed=shown(codes)
            )
    column = source if isinstance(source, DimensionColumn) else None
    constant = source.code if isinstance(source, ConstantDimension) else None
    return DimensionCoding(
        id=dimension.id,
        column=column.column if column else None,
        accepted=accepted if column else {},
        otherwise=column.otherwise if column else None,
        absent=column.absent if column else None,
        constant=constant,
        codes=(constant,) if constant else codes,
        allowed=f"{'a value' if table else 'a code'} of {dimension.id}: {shown(accepted)}",
    )
