"""What leaves the country: one object behind the command's text, the console's page and its print.

The table is read as the partner will read it, and held against the last release of the same figures.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from exchange.bundle.difference import Difference, difference
from exchange.contract.model import DataContract
from exchange.flow.candidate import Candidate, CandidateFiles
from exchange.flow.clear import Case
from exchange.report import DisclosureReport, parse_report
from exchange.sdmx.data import read_data
from exchange.table import CellKey, Observation, SafeTable
from nodes.adapters.ledger_file import LedgerRelease, read_ledger, released_file
from nodes.desk.cases import Desk
from nodes.desk.contract_words import Agreed
from nodes.terminal import Output

ROWS_SHOWN_MAX = 40
TABLES_KEPT_MAX = 4
CHANGES = ("newly_unwithheld", "newly_withheld", "changed", "removed", "added")
"""The lists of a difference in the order of reading: un-withheld cells first, since they show what was hidden."""


class CellKind(StrEnum):
    """What a reader of the bundle sees in a cell."""

    FIGURE = "figure"
    WITHHELD = "withheld"
    MISSING = "missing"
    ZERO = "zero"  # an absent key of a listed table is a published zero


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetCell:
    """A cell as the partner gets it.

    Attributes:
        figure: In the contract's unit, with its decimals; None where there is none to show.
        status: OBS_STATUS and CONF_STATUS; empty for an absent key.
    """

    kind: CellKind
    figure: Decimal | None
    status: str

    @classmethod
    def of(cls, row: Observation | None, contract: DataContract) -> "SheetCell":
        """The cell of a row, or of an absent key."""
        if row is None:
            return cls(kind=CellKind.ZERO, figure=Decimal(0), status="")
        status = f"{row.obs_status} {row.conf_status}"
        if row.withheld:
            return cls(kind=CellKind.WITHHELD, figure=None, status=status)
        if row.value is None:
            return cls(kind=CellKind.MISSING, figure=None, status=status)
        return cls(kind=CellKind.FIGURE, figure=Decimal(row.value).scaleb(-contract.decimals), status=status)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One key: what leaves, and what the last release said; `before` is None where there was no release."""

    key: CellKey
    now: SheetCell
    before: SheetCell | None

    @property
    def change(self) -> float | None:
        """The relative change of a figure; None where one of the two is no figure, or was zero."""
        if self.before is None or not self.before.figure or self.now.figure is None:
            return None
        return float(self.now.figure / self.before.figure - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Everything an officer signs for.

    Attributes:
        found: Against the release that this candidate replaces; against nothing for a first release.
    """

    files: CandidateFiles = field(repr=False)
    case: Case
    contract: DataContract = field(repr=False)
    found: Difference = field(repr=False)
    report: DisclosureReport = field(repr=False)

    @property
    def candidate(self) -> Candidate:
        """What it says of itself."""
        return self.files.candidate

    @property
    def first(self) -> bool:
        """Whether nothing was released before in its place."""
        return self.found.before is None

    def rows(self) -> tuple[SheetRow, ...]:
        """Every row of the bundle's table, by key."""
        agreed = Agreed.of(self.contract)
        return _rows(_Same(self.found.after), agreed, _same(self.found.before))

    def changes(self, name: str) -> tuple[SheetRow, ...]:
        """The rows of one list of the difference."""
        return tuple(_changed(self.found, name, self.contract))


def sheet_of(desk: Desk, files: CandidateFiles, case: Case) -> Sheet:
    """The sheet of a candidate at this desk.

    Raises:
        ContractNotInForceError: Its contract does not bind now.
    """
    contract = desk.contract_of(files)
    return Sheet(
        files=files,
        case=case,
        contract=contract,
        found=_compared(_same(last_release(desk, files.candidate)), _Same(read_table(files, contract))),
        report=_report(files.disclosure),
    )


def last_release(desk: Desk, candidate: Candidate) -> SafeTable | None:
    """The table of the release that this candidate would replace; None for a first release."""
    released = (one for one in read_ledger(desk.ledger) if one.bundle == candidate.supersedes)
    return next((_released_table(desk, one) for one in released), None)


def release_before(desk: Desk, candidate: Candidate) -> tuple[str, SafeTable] | None:
    """The period before, as it was released last under the same contract to the same recipients, and its table."""
    earlier = [
        one
        for one in read_ledger(desk.ledger)
        if one.contract.id == candidate.contract.id
        and one.recipients == candidate.recipients
        and one.period < candidate.period
    ]
    newest = max(earlier, key=lambda one: (one.period, one.revision), default=None)
    table = None if newest is None else _released_table(desk, newest)
    return None if newest is None or table is None else (newest.period, table)


def read_table(files: CandidateFiles, contract: DataContract) -> SafeTable:
    """The candidate's table, read as a partner would."""
    candidate = files.candidate
    return _read(files.data, Agreed.of(contract), candidate.provider, candidate.period)


@lru_cache(maxsize=TABLES_KEPT_MAX)
def _read(raw: bytes, agreed: Agreed, provider: str, period: str) -> SafeTable:
    """The same bytes are the same table: reading five thousand rows takes a tenth of a second, and pages ask often."""
    return read_data(raw, agreed.contract, provider=provider, period=period)


@lru_cache(maxsize=TABLES_KEPT_MAX)
def _report(raw: bytes) -> DisclosureReport:
    """The same bytes are the same report."""
    return parse_report(raw)


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """A table as a key: the very one that `_read` keeps."""

    table: SafeTable

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.table is other.table

    def __hash__(self) -> int:
        return id(self.table)


def _same(table: SafeTable | None) -> _Same | None:
    return None if table is None else _Same(table)


@lru_cache(maxsize=TABLES_KEPT_MAX)
def _compared(before: _Same | None, after: _Same) -> Difference:
    """Two tables that were read before, held against each other."""
    return difference(None if before is None else before.table, after.table)


@lru_cache(maxsize=TABLES_KEPT_MAX)
def _rows(table: _Same, agreed: Agreed, before: _Same | None) -> tuple[SheetRow, ...]:
    """The rows of a table that was read before: a page shows two hundred of them, and sorts and filters by all."""
    return tuple(table_rows(table.table, agreed.contract, before=None if before is None else before.table))


def table_rows(table: SafeTable, contract: DataContract, *, before: SafeTable | None = None) -> Iterator[SheetRow]:
    """The rows of a table by key, each beside what an earlier one said."""
    for key, row in sorted(table.rows.items()):
        was = None if before is None else SheetCell.of(before.rows.get(key), contract)
        yield SheetRow(key=key, now=SheetCell.of(row, contract), before=was)


def print_table(output: Output, files: CandidateFiles, contract: DataContract) -> None:
    """Every row that would leave."""
    output.line(files.candidate.title)
    output.table(
        [*_headers(contract), *(("значение", "статус") if output.language == "ru" else ("value", "status"))],
        [
            [*row.key, _shown(row.now, output), row.now.status]
            for row in table_rows(read_table(files, contract), contract)
        ],
    )


def print_difference(output: Output, found: Difference, contract: DataContract, *, whole: bool) -> None:
    """Counts, then the first rows of each kind."""
    was, now = ("было", "стало") if output.language == "ru" else ("before", "now")
    for name in CHANGES:
        english, russian = _SAID[name]
        rows = [
            [*row.key, "-" if row.before is None else _shown(row.before, output), _shown(row.now, output)]
            for row in _changed(found, name, contract)
        ]
        output.say(en=f"{english}: {len(rows)}", ru=f"{russian}: {len(rows)}")
        if rows:
            output.table([*_headers(contract), was, now], rows if whole else rows[:ROWS_SHOWN_MAX])
        if len(rows) > ROWS_SHOWN_MAX and not whole:
            rest = len(rows) - ROWS_SHOWN_MAX
            output.say(en=f"… and {rest} more (--all shows them)", ru=f"… и ещё {rest} (--all покажет все)")


_SAID: Mapping[str, tuple[str, str]] = {
    "newly_unwithheld": ("newly UN-withheld", "впервые ОТКРЫТО"),
    "newly_withheld": ("newly withheld", "впервые скрыто"),
    "changed": ("changed", "изменено"),
    "removed": ("removed", "удалено"),
    "added": ("added", "добавлено"),
}
_WORDS: Mapping[CellKind, tuple[str, str]] = {
    CellKind.WITHHELD: ("withheld", "скрыто"),
    CellKind.MISSING: ("missing", "нет данных"),
}


def _shown(cell: SheetCell, output: Output) -> str:
    """A cell for a person: a figure, a word for what is withheld or missing, 0 for an absent key."""
    if cell.figure is None:
        return _WORDS[cell.kind][1 if output.language == "ru" else 0]
    return f"{cell.figure:f}"


def _changed(found: Difference, name: str, contract: DataContract) -> Iterator[SheetRow]:
    keys: tuple[CellKey, ...] = getattr(found, name)
    for key in keys:
        was = None if found.before is None else SheetCell.of(found.before.rows.get(key), contract)
        yield SheetRow(key=key, now=SheetCell.of(found.after.rows.get(key), contract), before=was)


def _headers(contract: DataContract) -> list[str]:
    return [dimension.id for dimension in contract.dimensions]


def _released_table(desk: Desk, release: LedgerRelease) -> SafeTable | None:
    contract = desk.shelf.find(release.contract)
    if contract is None:
        return None
    raw = released_file(desk.ledger, release.data).read_bytes()
    return _read(raw, Agreed.of(contract), release.provider, release.period)
