"""The coarser releases that a contract's tables could be replaced by, each as a contract of its own for the trial."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from exchange.contract.model import TOTAL, DataContract, Table, TableDimension
from exchange.disclosure.adviser import Advice, Coarsening, Option, advise
from exchange.disclosure.optimise import Effort, suppress
from exchange.disclosure.primary import primary_suppressions
from exchange.disclosure.problem import Problem
from exchange.disclosure.protection import SecretParameters
from exchange.disclosure.release import Release
from exchange.disclosure.weights import weights_of
from exchange.pattern import Shape
from exchange.table import AggregateTable, CellKey

TRIAL = Effort(clean_up=0, exchange=0)
"""A trial is protected against anybody, and not cleaned up: it tells what to try, and nothing of it leaves."""

ALONE_MAX = 1_200
"""Cells of a table whose trials look at each cell alone."""

LARGE_TRIAL = replace(TRIAL, together=10)
"""In the trials of a larger one a programme protects several: little dearer where most cells are primary."""


def advise_contract(
    table: AggregateTable,
    contract: DataContract,
    parameters: SecretParameters,
    *,
    aggregate: Callable[[DataContract], AggregateTable],
    progress: Callable[[float], None],
) -> Advice:
    """What each breakdown of a release costs: without a table, a table without a dimension, a dimension a level up.

    Args:
        table: Every non-empty cell of the contract's tables.
        contract: As agreed.
        parameters: Those really used; what a change of the contract leaves out of them is not needed.
        aggregate: Aggregates the register for a changed contract, where the cells are not among the table's.
        progress: Told the share of the trials that are done.
    """

    def option(coarsening: Coarsening, subject: str, changed: DataContract) -> Option:
        def problems() -> Sequence[Problem]:
            kept = aggregate(changed) if coarsening is Coarsening.LEVEL else _restricted(table, changed)
            return (_problem(kept, changed, parameters),)

        return Option(coarsening, subject, problems)

    now = option(Coarsening.NOTHING, "", contract)
    options = [option(*change) for change in _distinct(changes(contract), table)]
    # One effort for all trials: what they cost is compared.
    effort = TRIAL if len(table.cells) <= ALONE_MAX else LARGE_TRIAL
    return advise(now, options, protect=lambda problems: suppress(problems[0], effort=effort), progress=progress)


def changes(contract: DataContract) -> Iterator[tuple[Coarsening, str, DataContract]]:
    """Every single change: its kind, what it leaves out, and the contract that it would give."""
    tables = contract.tables
    for table in tables:
        if len(tables) > 1:
            kept = tuple(other for other in tables if other is not table)
            yield Coarsening.TABLE, table.id, replace(contract, tables=kept)
    for table in tables:
        for entry in table.dimensions:
            if contract.dimension(entry.dimension).has_total and len(table.dimensions) > 1:
                less = tuple(other for other in table.dimensions if other is not entry)
                name = f"{entry.dimension} ({table.id})"
                yield Coarsening.DIMENSION, name, _with(contract, table, replace(table, dimensions=less))
    for dimension in contract.dimensions:
        raised = tuple(_raised(contract, table, dimension.id) for table in tables)
        if raised != tables:
            yield Coarsening.LEVEL, dimension.id, replace(contract, tables=raised)


def _distinct(
    found: Iterator[tuple[Coarsening, str, DataContract]], table: AggregateTable
) -> Iterator[tuple[Coarsening, str, DataContract]]:
    """Without the changes that leave the same cells as one before: a table less its last own dimension is no table."""
    seen: set[frozenset[CellKey]] = set()
    for kind, subject, changed in found:
        left = frozenset(_restricted(table, changed).cells)
        if kind is Coarsening.LEVEL or left not in seen:
            yield kind, subject, changed
        seen.add(left)


def _raised(contract: DataContract, table: Table, dimension: str) -> Table:
    """The table with the dimension a level up, if it lists it and its codes have parents below the total."""
    return replace(
        table,
        dimensions=tuple(
            _level_up(contract, entry) if entry.dimension == dimension else entry for entry in table.dimensions
        ),
    )


def _level_up(contract: DataContract, entry: TableDimension) -> TableDimension:
    codelist = contract.dimension(entry.dimension).codelist
    parents: dict[str, None] = {}
    for code in entry.codes:
        above = codelist.code(code).parent if code in codelist else None
        parents[code if above is None or above == TOTAL else above] = None
    return entry if tuple(parents) == entry.codes else replace(entry, level="codes", codes=tuple(parents))


def _with(contract: DataContract, table: Table, changed: Table) -> DataContract:
    return replace(contract, tables=tuple(changed if other is table else other for other in contract.tables))


def _restricted(table: AggregateTable, contract: DataContract) -> AggregateTable:
    shape = Shape(contract)
    return replace(table, cells={key: cell for key, cell in table.cells.items() if shape.holds(key)})


def _problem(table: AggregateTable, contract: DataContract, parameters: SecretParameters) -> Problem:
    sensitive = primary_suppressions(table, contract, parameters)
    weights = weights_of(sensitive.values, parameters.salt)
    release = Release(table=table, contract=contract, sensitive=sensitive, public=frozenset(), weights=weights)
    return replace(release.problem(), insiders=(), guarded=None)
