"""The last audit as the pages read it: its result, the logs and files it was decided from, and the contracts."""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from exchange.contract.calendar import Due, Lateness, due_dates, lateness
from exchange.contract.model import DataContract
from exchange.encoding import Digest, parse_instant
from exchange.errors import ExchangeError
from exchange.flow.agree import term
from exchange.flow.prove import KeptLog
from exchange.log.entry import EntryType
from exchange.manifest import DISCLOSURE, MANIFEST, Manifest, parse_manifest
from exchange.reconcile.logs import view_of
from exchange.reconcile.model import LoggedEntry
from exchange.report import DisclosureReport, parse_report
from exchange.signing.trust import Trust
from nodes.adapters.clock import Clock
from nodes.adapters.contract_folder import ContractShelf, read_contracts
from nodes.adapters.trust_folder import load_trust
from nodes.auditor.commands import last_run, open_store
from nodes.auditor.filing import logs_of
from nodes.auditor.pages.proofs import Prover
from nodes.auditor.store import AuditStore
from nodes.settings import NodeFolder
from nodes.web.sessions import Officer


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A bundle that a log says was published, with the files that are kept of it.

    Attributes:
        at: The cosigned time of its entry, else the entry's own.
        withheld: How many cells are withheld, where its disclosure report was seen.
    """

    bundle: Digest
    manifest: Manifest
    report: DisclosureReport | None
    at: datetime
    index: int
    withdrawn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One release: made, or still missing although a contract asks for it.

    Attributes:
        lateness: None for one that nobody owed, such as of a period before all had signed.
    """

    due: Due | None
    lateness: Lateness | None
    published: Published | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A contract's part of the board: a row for each provider and set of recipients, a column for each period."""

    contract: DataContract
    periods: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...], Mapping[str, Occurrence]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAudit:
    """What the pages show, of one run.

    Attributes:
        unread: Bundles that a member's log says were published, and whose files it never showed.
    """

    run: Mapping[str, Any]
    logs: Mapping[str, KeptLog] = field(repr=False)
    published: Sequence[Published] = field(repr=False)
    unread: Sequence[tuple[str, Digest]] = field(repr=False)
    shelf: ContractShelf = field(repr=False)
    prover: Prover = field(repr=False)
    trust: Trust = field(repr=False)
    _opened: dict[str, Mapping[Digest, int]] = field(default_factory=dict, repr=False)

    @property
    def at(self) -> datetime:
        """When the run decided."""
        return parse_instant(self.run["at"], subject="audit run")

    def audits_opened(self, auditor: str) -> Mapping[Digest, int]:
        """Where the auditor's own log holds what, by the digest of the evidence; the log is read once for a run."""
        if auditor not in self._opened:
            log = self.logs.get(auditor)
            found = [] if log is None else list(view_of(auditor, log.entries, log.seen).of(EntryType.AUDIT_OPENED))
            self._opened[auditor] = {
                logged.entry.evidence: logged.index for logged in reversed(found) if logged.entry.evidence is not None
            }
        return self._opened[auditor]

    def boards(self) -> tuple[Board, ...]:
        """The board, contract by contract, of the last thirteen months."""
        found = (self._board(kept.contract) for kept in self.shelf.kept.values())
        return tuple(sorted((one for one in found if one is not None), key=lambda one: one.contract.id))

    def _board(self, contract: DataContract) -> Board | None:
        agreed = term(contract, self.shelf.kept[contract.digest].statements)
        if agreed is None:
            return None
        today = self.at.astimezone(UTC).date()
        dues = due_dates(
            contract,
            since=agreed.since,
            until=agreed.until,
            due_from=today.replace(year=today.year - 1, day=1),
            due_to=today.replace(year=today.year + 1, day=1),
        )
        known = {_identity(one.manifest): one for one in self._of(contract)}
        rows: dict[tuple[str, tuple[str, ...]], dict[str, Occurrence]] = {}
        for due in dues:
            made = known.pop((due.provider, due.period, due.recipients), None)
            if made is not None or due.earliest <= today:
                rung = lateness(due, self.at if made is None else made.at)
                row = rows.setdefault((due.provider, due.recipients), {})
                row[due.period] = Occurrence(due=due, lateness=rung, published=made)
        for (provider, period, recipients), made in known.items():
            row = rows.setdefault((provider, recipients), {})
            row[period] = Occurrence(due=None, lateness=None, published=made)
        periods = tuple(sorted({period for row in rows.values() for period in row}))
        lines = tuple((provider, recipients, row) for (provider, recipients), row in sorted(rows.items()))
        return Board(contract=contract, periods=periods, rows=lines) if lines else None

    def _of(self, contract: DataContract) -> Iterator[Published]:
        """The first release of each identity, since punctuality is judged by that."""
        return (
            one
            for one in self.published
            if one.manifest.contract.digest == contract.digest and one.manifest.revision == 0
        )


class LastAudit:
    """The last audit of a node, read again when there is a newer one.

    Args:
        node: IOM's.
        clock: The time.
    """

    def __init__(self, node: NodeFolder, clock: Clock) -> None:
        self.node = node
        self._clock = clock
        self._kept: KeptAudit | None = None
        self._reading = threading.Lock()

    def read(self) -> KeptAudit:
        """What the pages show.

        Raises:
            NoAuditYetError: There was no audit.
        """
        with self._reading, open_store(self.node) as store:
            run = last_run(self.node, store)
            if self._kept is None or self._kept.run["at"] != run["at"]:
                logs = logs_of(run, store)
                trust = self.trust()
                published, unread = _published(logs, store)
                self._kept = KeptAudit(
                    run=run,
                    logs=logs,
                    published=published,
                    unread=unread,
                    shelf=read_contracts(self.node.contracts, trust=trust),
                    prover=Prover(logs, trust),
                    trust=trust,
                )
            return self._kept

    def now(self) -> datetime:
        """When something is checked while a page is made."""
        return self._clock.now()

    def trust(self) -> Trust:
        """The registry here; expired metadata stops no reader."""
        return load_trust(self.node.keys, at=self._clock.now(), expired="notice")


def shared(officer: Officer, kept: KeptAudit) -> dict[str, Any]:
    """What every page of the auditor shows."""
    return {"officer": officer, "run": kept.run, "at": kept.at}


def numbered(kept: KeptAudit) -> list[tuple[int, Mapping[str, Any]]]:
    """The findings with their numbers, as `audit evidence` takes them."""
    return list(enumerate(kept.run["findings"], 1))


def _identity(manifest: Manifest) -> tuple[str, str, tuple[str, ...]]:
    return manifest.provider, manifest.period, manifest.recipients


def _published(
    logs: Mapping[str, KeptLog], store: AuditStore
) -> tuple[tuple[Published, ...], tuple[tuple[str, Digest], ...]]:
    """What all logs say was published: bundles whose files are kept, and bundles of which there is no file."""
    read: list[Published] = []
    unread: list[tuple[str, Digest]] = []
    for member, log in sorted(logs.items()):
        with suppress(ExchangeError):  # a log that cannot be read is a finding of its own
            view = view_of(member, log.entries, log.seen)
            gone = {logged.entry.bundle for logged in view.of(EntryType.BUNDLE_WITHDRAWN)}
            for logged in view.of(EntryType.BUNDLE_PUBLISHED):
                found = _read(logged, store, gone)
                if found is not None:
                    read.append(found)
                elif logged.entry.bundle is not None:
                    unread.append((member, logged.entry.bundle))
    return tuple(read), tuple(unread)


def _read(logged: LoggedEntry, store: AuditStore, gone: Collection[Digest | None]) -> Published | None:
    bundle = logged.entry.bundle
    files = {} if bundle is None else store.files(bundle)
    if bundle is None or MANIFEST not in files:
        return None
    try:
        return Published(
            bundle=bundle,
            manifest=parse_manifest(files[MANIFEST]),
            report=parse_report(files[DISCLOSURE]) if DISCLOSURE in files else None,
            at=logged.cosigned_at or logged.entry.at,
            index=logged.index,
            withdrawn=bundle in gone,
        )
    except ExchangeError:
        return None
