"""Files that come back after a recovery: what entries of the own log did is put back, by the digests in the log alone.

    folder ─ digest of each file, of a bundle its manifest's ─ named by an entry whose effect is lost ─> put back

Nothing is believed of a file for its name or place: an entry under a quorum's checkpoint named its digest before the
disk was lost. Signed evidence of pulls and receipts, which partners and the auditor hold, counts as any other file;
what is not made again is in decision 54.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from exchange.bundle.zipform import ZIP_BYTES_MAX, unpack_handover, unpack_zip
from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.settings import FileRefusedError
from exchange.flow.publish import PublicationState
from exchange.log.entry import EntryType, LogEntry, parse_entry
from exchange.manifest import MANIFEST
from exchange.publication.withdrawal import WITHDRAWAL, WITHDRAWAL_SIGNATURES, verify_signed
from exchange.statement import open_statement
from nodes.adapters import pull_store, pulled_store
from nodes.adapters.clock import Clock
from nodes.adapters.contract_folder import keep_statement, read_contracts
from nodes.adapters.contract_store import has_evidence, keep_evidence, statement_index
from nodes.adapters.own_log import each_entry
from nodes.adapters.plain_files import read_plain
from nodes.adapters.publication_store import KeptPublication, mark_superseded, publications
from nodes.adapters.store import Store
from nodes.adapters.trust_folder import load_trust
from nodes.adapters.withdrawal_store import fill_entry_alone, mark_publication_withdrawn, withdrawals
from nodes.gateway.housekeeping import SNAPSHOT_MEDIA_TYPE
from nodes.gateway.library import Library
from nodes.gateway.publishing import CLEARANCE_MEDIA_TYPE
from nodes.gateway.rebuilding import STATEMENTS, Rebuilder, Rebuilt
from nodes.gateway.withdrawing import SIGNATURES_MEDIA_TYPE
from nodes.settings import NodeFolder

FILES_MAX = 100_000
_ZIP = b"PK"
_MEDIA_TYPES = {
    EntryType.CLEARANCE_DECIDED: CLEARANCE_MEDIA_TYPE,
    EntryType.TRUST_UPDATED: SNAPSHOT_MEDIA_TYPE,
    EntryType.PULL_SERVED: pull_store.PROOF_MEDIA_TYPE,
    EntryType.PULL_REFUSED: pull_store.PROOF_MEDIA_TYPE,
    EntryType.RECEIPT_GOT: pull_store.RECEIPT_MEDIA_TYPE,
    EntryType.RECEIPT_GIVEN: pulled_store.MEDIA_TYPE,
    EntryType.BUNDLE_RECEIVED: pulled_store.MEDIA_TYPE,
    EntryType.BUNDLE_REJECTED: pulled_store.MEDIA_TYPE,
}
"""Of the entries whose signed evidence is all that is put back."""

_IN_ORDER = (
    STATEMENTS,
    {EntryType.BUNDLE_PUBLISHED},
    {EntryType.BUNDLE_WITHDRAWN, *_MEDIA_TYPES},
)
"""A bundle is verified by what was said of its contract; a clearance lies in a bundle, a withdrawal is of one."""


@dataclass(slots=True)
class FoundFiles:
    """What lies in a folder: files by the digest of their bytes, ZIPs and hand-overs by their bundle."""

    by_digest: dict[Digest, Path] = field(default_factory=dict)
    zips: dict[Digest, list[Path]] = field(default_factory=dict)
    handovers: dict[Digest, list[Path]] = field(default_factory=dict)

    def raw(self, digest: Digest | None) -> bytes | None:
        """The bytes with this digest; a file that changed since it was looked at is none."""
        path = None if digest is None else self.by_digest.get(digest)
        raw = None if path is None else read_plain(path, bytes_max=ZIP_BYTES_MAX)
        return raw if raw is not None and Digest.of(raw) == digest else None


def find_files(folder: Path) -> FoundFiles:
    """Look at every file below a folder.

    Raises:
        FileRefusedError: It is none, or holds more than `FILES_MAX` files.
    """
    found = FoundFiles()
    if not folder.is_dir():
        raise FileRefusedError(path=str(folder), reason="not a folder")
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size <= ZIP_BYTES_MAX]
    if len(paths) > FILES_MAX:
        raise FileRefusedError(path=str(folder), reason=f"more than {FILES_MAX} files")
    for path in paths:
        raw = read_plain(path, bytes_max=ZIP_BYTES_MAX)
        found.by_digest.setdefault(Digest.of(raw), path)
        if raw.startswith(_ZIP):
            for unpack, kept in ((unpack_zip, found.zips), (unpack_handover, found.handovers)):
                try:
                    kept.setdefault(Digest.of(unpack(raw)[MANIFEST]), []).append(path)
                except ExchangeError:
                    continue
    return found


def refill(node: NodeFolder, folder: Path, *, clock: Clock) -> Rebuilt:
    """Put back, from the files in a folder, what the own log's entries did and this node lost; the folder is locked.

    Raises:
        FileRefusedError: The folder cannot be looked at.
        EntryError: An entry that this program cannot read.
        TrustError, ContractError: The registry or a contract of this node does not hold.
    """
    found, trust = find_files(folder), load_trust(node.keys, at=clock.now())
    store = Store(node.state_db)
    try:
        with store.open_writer() as connection, connection.begin():
            shelf = read_contracts(node.contracts, trust=trust)
            rebuilder = Rebuilder(connection=connection, node=node, trust=trust, shelf=shelf)
            return _Refiller(connection, rebuilder, found).refill()
    finally:
        store.close()


class _Refiller:
    """One folder's files for one node, inside the caller's transaction."""

    def __init__(self, connection: Connection, rebuilder: Rebuilder, found: FoundFiles) -> None:
        self._connection = connection
        self._rebuilder = rebuilder
        self._node = rebuilder.node
        self._found = found
        self._library = Library(self._node.member, self._node.bundles)
        self._kept = {one.bundle: one for one in publications(connection)}
        self._alone = {one.bundle: one.index for one in withdrawals(connection) if one.is_entry_alone}

    def refill(self) -> Rebuilt:
        again: Counter[str] = Counter()
        lost: Counter[str] = Counter()
        entries = [(index, parse_entry(raw)) for index, raw in each_entry(self._connection)]
        missing = [(index, entry) for index, entry in entries if self._is_lost(index, entry)]
        for types in _IN_ORDER:
            for index, entry in missing:
                if entry.type in types:
                    (again if self._put_back(index, entry) else lost)[entry.type.value] += 1
            self._rebuilder.shelf = read_contracts(self._node.contracts, trust=self._rebuilder.trust)
        self._settle(entry for _, entry in entries)
        return Rebuilt(again=dict(sorted(again.items())), lost=dict(sorted(lost.items())))

    def _is_lost(self, index: int, entry: LogEntry) -> bool:
        if entry.type in STATEMENTS:
            assert entry.evidence is not None  # of this type, always
            return statement_index(self._connection, entry.evidence) is None
        if entry.type is EntryType.BUNDLE_PUBLISHED:
            kept = None if entry.bundle is None else self._kept.get(entry.bundle)
            return kept is None or not self._lies_there(kept)
        if entry.type is EntryType.BUNDLE_WITHDRAWN:
            return entry.bundle is not None and self._alone.get(entry.bundle) == index
        return (
            entry.type in _MEDIA_TYPES
            and entry.evidence is not None
            and not has_evidence(self._connection, entry.evidence)
        )

    def _put_back(self, index: int, entry: LogEntry) -> bool:
        if entry.type in STATEMENTS:
            return self._statement(index, entry)
        if entry.type is EntryType.BUNDLE_PUBLISHED:
            return self._publication(index, entry)
        if entry.type is EntryType.BUNDLE_WITHDRAWN:
            return self._withdrawal(entry)
        return self._evidence(entry, _MEDIA_TYPES[entry.type])

    def _statement(self, index: int, entry: LogEntry) -> bool:
        raw = self._found.raw(entry.evidence)
        contract = None if entry.contract is None else self._rebuilder.shelf.kept.get(entry.contract)
        if raw is None or contract is None:
            return False
        said = open_statement(raw, trust=self._rebuilder.trust, at=None)
        keep_statement(self._node.contracts, contract.contract, said)
        return self._rebuilder.rebuild_one(index, entry)

    def _publication(self, index: int, entry: LogEntry) -> bool:
        assert entry.bundle is not None  # of this type, always
        kept = self._kept.get(entry.bundle)
        if kept is not None:
            raw = self._found.raw(kept.zip_sha256)
            if raw is not None:
                self._library.keep_zip(kept.bundle, raw)
            return raw is not None
        zips = (read_plain(path, bytes_max=ZIP_BYTES_MAX) for path in self._found.zips.get(entry.bundle, ()))
        handovers = (read_plain(path, bytes_max=ZIP_BYTES_MAX) for path in self._found.handovers.get(entry.bundle, ()))
        return any(self._rebuilder.publication(index, entry, raw) for raw in zips) or any(
            self._rebuilder.waiting(index, entry, raw) for raw in handovers
        )

    def _withdrawal(self, entry: LogEntry) -> bool:
        """Both files, found beside each other; the proof is made again at the start, where the bundle is known."""
        assert entry.bundle is not None  # of this type, always
        signatures = self._found.raw(entry.evidence)
        path = None if entry.evidence is None else self._found.by_digest.get(entry.evidence)
        document = None if path is None else path.with_name(WITHDRAWAL)
        known = {one.bundle for one in publications(self._connection)}
        if signatures is None or document is None or not document.is_file() or entry.bundle not in known:
            return False
        files = {WITHDRAWAL: document.read_bytes(), WITHDRAWAL_SIGNATURES: signatures}
        try:
            verify_signed(
                files,
                bundle=entry.bundle,
                provider=self._node.member,
                trust=self._rebuilder.trust,
                at=entry.at,
                clause=None,
            )
        except ExchangeError:
            return False
        fill_entry_alone(self._connection, entry.bundle, document=files[WITHDRAWAL], signatures=signatures)
        return self._evidence(entry, SIGNATURES_MEDIA_TYPE)

    def _settle(self, entries: Iterable[LogEntry]) -> None:
        """A bundle that is there again is superseded or withdrawn if the log says so."""
        for entry in entries:
            if entry.bundle is not None and entry.type is EntryType.BUNDLE_SUPERSEDED:
                mark_superseded(self._connection, entry.bundle)
            if entry.bundle is not None and entry.type is EntryType.BUNDLE_WITHDRAWN:
                mark_publication_withdrawn(self._connection, entry.bundle)

    def _evidence(self, entry: LogEntry, media_type: str) -> bool:
        if entry.evidence is not None and not has_evidence(self._connection, entry.evidence):
            raw = self._found.raw(entry.evidence)
            if raw is None:
                return False
            keep_evidence(self._connection, entry.evidence, media_type, raw)
        return True

    def _lies_there(self, kept: KeptPublication) -> bool:
        """Whether a listed bundle's file is there with its bytes; one that waits or was withdrawn needs none."""
        if kept.state not in {PublicationState.PUBLISHED, PublicationState.SUPERSEDED}:
            return True
        file = self._library.zip_file(kept.bundle)
        return file.is_file() and Digest.of(file.read_bytes()) == kept.zip_sha256
