"""From an extract to its aggregate: open, check every row, and only if all are good, aggregate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from exchange.codes import parse_period
from exchange.contract.model import DataContract, Role
from exchange.errors.preparation import (
    AggregationResourceError,
    BadRowsError,
    NotAProviderError,
    RegisterUnreadableError,
)
from exchange.table import AggregateTable
from nodes.preparation.aggregate import Aggregation, Census
from nodes.preparation.coding import bind
from nodes.preparation.mapping import Progress, RegisterMapping
from nodes.preparation.register import database, open_register
from nodes.preparation.rows import BadCell, locate, write_report
from nodes.settings import PreparationSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What an aggregation may use of the machine.

    Attributes:
        work: The folder for spilled pages, inside the node's.
        bad_rows: Where the list of bad rows is written, if there are any.
        show: Gets the bad rows, to show them to the data officer.
    """

    settings: PreparationSettings
    work: Path
    bad_rows: Path
    show: Callable[[Sequence[BadCell]], None]
    progress: Progress


def aggregate_extract(
    extract: Path, mapping: RegisterMapping, contract: DataContract, *, provider: str, period: str, workshop: Workshop
) -> tuple[AggregateTable, Census]:
    """Check and aggregate one extract.

    Raises:
        PeriodError: The period is not one of the contract's frequency.
        NotAProviderError: The member provides nothing under this contract.
        PreparationError: The mapping, the file or its rows are refused, or memory and disk do not suffice; with bad
            rows the error names their report.
        OSError: The extract cannot be opened, or the work folder not written.
    """
    reporting = parse_period(period, frequency=contract.calendar.frequency)
    providers = contract.members(Role.PROVIDER)
    if provider not in providers:
        raise NotAProviderError(contract=contract.id, member=provider, providers=", ".join(providers))
    coding = bind(mapping, contract, provider=provider, period=period)
    try:
        with database(extract, workshop.settings, work=workshop.work) as connection:
            workshop.progress("read", 0.0)
            register = open_register(connection, extract, mapping)
            aggregation = Aggregation.of(connection, register, coding, reporting)
            census = aggregation.census()
            if census is not None and not census.bad:
                workshop.progress("check", 1.0)
                return aggregation.aggregate(census, progress=workshop.progress), census
            cells = locate(connection, register, coding, cells_max=workshop.settings.bad_rows_max)
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        # Out of memory, or of disk for what is spilled; the message may quote rows and stays here.
        raise AggregationResourceError(
            file=extract.name,
            reason=type(error).__name__,
            memory_mb=workshop.settings.memory_mb,
            folder=str(workshop.work),
        ) from None
    if not cells:
        raise RegisterUnreadableError(
            file=extract.name, format=register.format, reason="the database refuses rows that are correct one by one"
        )
    write_report(cells, workshop.bad_rows)
    workshop.show(cells)
    raise BadRowsError(
        file=extract.name,
        rows=len({cell.line for cell in cells}) if census is None else census.bad,
        total="?" if census is None else census.rows,
        report=str(workshop.bad_rows),
    )
