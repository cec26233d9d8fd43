"""Opening a bundle: every check of its publication, and those that need its table.

A bundle is opened or refused; there is nothing between. The table comes out only when all checks have held.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from exchange.bundle.zipform import require_files
from exchange.contract.model import DataContract
from exchange.encoding import Digest
from exchange.errors.bundle import AdditivityError, CellCountError, DataFormError, WithheldKeysError
from exchange.manifest import DATA, Manifest
from exchange.pattern import Margin
from exchange.publication import (
    BUNDLE_FILES,
    HANDOVER_FILES,
    Checklist,
    CheckName,
    Cleared,
    ContractShelf,
    Publication,
    verify_cleared,
    verify_publication,
)
from exchange.publication.checks import CONTRACT_ABSENT, NOT_ASKED
from exchange.report import DisclosureReport
from exchange.sdmx.data import DataFile, parse_data
from exchange.sdmx.structure import ReleaseStructure
from exchange.signing.trust import Trust
from exchange.table import CellKey, SafeTable

FloorAudit: TypeAlias = Callable[[SafeTable, DataContract, frozenset[CellKey], int], int]
"""Recomputes what a reader can know of every withheld cell, from table, contract, excluded keys and revision alone;
returns how many cells it checked, or raises IntervalFloorError. `exchange.bundle.floor.audit_floor` is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedHandover:
    """A hand-over that holds; `data` is None if the contract was not there to read it by."""

    cleared: Cleared
    data: DataFile | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedBundle:
    """A published bundle that holds; `data` is None if the contract was not there to read it by."""

    publication: Publication
    data: DataFile | None
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def manifest(self) -> Manifest:
        """What it consists of, for whom."""
        return self.publication.manifest

    @property
    def digest(self) -> Digest:
        """Its name everywhere."""
        return self.publication.digest


def open_bundle(
    files: Mapping[str, bytes],
    *,
    trust: Trust,
    contracts: ContractShelf,
    audit: FloorAudit | None = None,
    checklist: Checklist | None = None,
) -> OpenedBundle:
    """Verify a published bundle and read its table.

    Args:
        files: The six files by name.
        trust: The registry.
        contracts: Where to find the contract, and whether it binds.
        audit: How to check that withheld cells keep the contract's floor; None leaves it unchecked.
        checklist: Where to record the checks.

    Raises:
        ExchangeError: The first check that does not hold.
    """
    record = checklist if checklist is not None else Checklist()
    _check_files(files, BUNDLE_FILES, record)
    publication = verify_publication(files, trust=trust, shelf=contracts, checklist=record)
    data = _check_table(files[DATA], publication, audit, record)
    return OpenedBundle(publication=replace(publication, checks=record.checks), data=data, files=dict(files))


def open_handover(
    files: Mapping[str, bytes],
    *,
    trust: Trust,
    contracts: ContractShelf,
    at: datetime,
    audit: FloorAudit | None = None,
    checklist: Checklist | None = None,
) -> OpenedHandover:
    """Verify a hand-over and read its table: what a gateway does before it publishes, believing no desk.

    Args:
        files: The five files by name.
        trust: The registry.
        contracts: Where to find the contract, and whether it binds.
        at: Now.
        audit: As in `open_bundle`.
        checklist: Where to record the checks.

    Raises:
        ExchangeError: The first check that does not hold.
    """
    record = checklist if checklist is not None else Checklist()
    _check_files(files, HANDOVER_FILES, record)
    cleared = verify_cleared(files, trust=trust, shelf=contracts, at=at, checklist=record)
    return OpenedHandover(cleared=cleared, data=_check_table(files[DATA], cleared, audit, record))


def require_withheld(data: DataFile, report: DisclosureReport) -> None:
    """Refuse a report that names other withheld keys than the table has, another count, or an excluded row.

    Raises:
        WithheldKeysError, CellCountError: Where they differ; no figure.
    """
    withheld, named = data.table.withheld_keys(), frozenset(report.withheld)
    shown = frozenset(report.excluded) & (data.table.rows.keys() | data.deleted)
    if withheld != named or shown:
        key = min((withheld ^ named) | shown)
        raise WithheldKeysError(expected=len(named), found=len(withheld), key=".".join(key))
    if len(data.table.rows) != report.cells:
        raise CellCountError(expected=report.cells, found=len(data.table.rows))


def require_additive(table: SafeTable, contract: DataContract, *, excluded: frozenset[CellKey] = frozenset()) -> int:
    """How many sums of the contract's tables are published in full; each must hold.

    Args:
        table: The published table; an absent key is zero.
        contract: Its tables and the dimensions along which they add up.
        excluded: Keys that are absent and not zero.

    Raises:
        AdditivityError: Names the margin, not the figures.
    """
    structure = ReleaseStructure(contract, table.provider)
    checked = 0
    for margin in structure.margins(sorted(table.rows)):
        figures = _figures(margin, table, excluded) if margin.exact else None
        if figures is None:
            continue
        whole, *parts = figures
        if whole != sum(parts):
            dimension = structure.dimensions[margin.position]
            raise AdditivityError(key=".".join(margin.whole), dimension=dimension)
        checked += 1
    return checked


def _check_files(files: Mapping[str, bytes], expected: tuple[str, ...], record: Checklist) -> None:
    with record.check(CheckName.FILES) as facts:
        require_files(list(files), expected)
        facts["found"] = len(files)


def _check_table(raw: bytes, cleared: Cleared, audit: FloorAudit | None, record: Checklist) -> DataFile | None:
    contract, report = cleared.contract, cleared.report
    if contract is None:
        for name in (CheckName.DATA, CheckName.WITHHELD, CheckName.ADDITIVITY, CheckName.FLOOR):
            record.skip(name, CONTRACT_ABSENT)
        return None
    excluded = frozenset(report.excluded)
    with record.check(CheckName.DATA) as facts:
        data = _read(raw, cleared.manifest, contract)
        facts["rows"] = len(data.table.rows) + len(data.deleted)
    with record.check(CheckName.WITHHELD) as facts:
        require_withheld(data, report)
        facts["withheld"] = len(report.withheld)
    with record.check(CheckName.ADDITIVITY) as facts:
        facts["sums"] = require_additive(data.table, contract, excluded=excluded)
    if audit is None:
        record.skip(CheckName.FLOOR, NOT_ASKED)
    else:
        with record.check(CheckName.FLOOR) as facts:
            facts["checked"] = audit(data.table, contract, excluded, cleared.manifest.revision)
    return data


def _read(raw: bytes, manifest: Manifest, contract: DataContract) -> DataFile:
    data = parse_data(raw, contract, provider=manifest.provider, period=manifest.period)
    if data.deleted and manifest.supersedes is None:
        raise DataFormError(reason="a first release deletes nothing")
    return data


def _figures(margin: Margin, table: SafeTable, excluded: frozenset[CellKey]) -> list[int] | None:
    """The whole and its non-zero parts, or None if one of them is not published."""
    figures = [0] if margin.whole not in table.rows else []
    for key in (margin.whole, *(margin.part(code) for code in margin.codes)):
        if key in excluded:
            return None
        row = table.rows.get(key)
        if row is None:
            continue
        if row.value is None:
            return None
        figures.append(row.value)
    return figures
