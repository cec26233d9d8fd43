"""What recovered entries did besides, put back from the files at hand: statements, publications, registry states.

Each file is found by the digest that its entry names, so nothing is believed of it; a bundle that was published is
verified whole. What no file holds is counted: deliveries and receipts lie with partners, withdrawals with the desk.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from exchange.bundle.zipform import unpack_handover, unpack_zip
from exchange.clearance.form import parse_clearance
from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.exchange_ import NotOurBundleError
from exchange.flow.publish import PublicationState
from exchange.flow.release import HANDOVER_SUFFIX
from exchange.log.entry import EntryType, LogEntry
from exchange.manifest import CLEARANCE, MANIFEST, parse_manifest
from exchange.publication import SIGNATURES, verify_publication
from exchange.signing.trust import Trust
from exchange.statement import open_statement
from nodes.adapters.contract_folder import ContractShelf
from nodes.adapters.contract_store import KeptStatement, has_evidence, keep_evidence, keep_statement, statement_index
from nodes.adapters.publication_store import KeptPublication, keep_publication, mark_published, mark_superseded
from nodes.adapters.withdrawal_store import keep_entry_alone
from nodes.gateway.housekeeping import SNAPSHOT_MEDIA_TYPE
from nodes.gateway.library import Library
from nodes.gateway.publishing import CLEARANCE_MEDIA_TYPE, SIGNATURES_MEDIA_TYPE
from nodes.settings import NodeFolder

STATEMENTS = frozenset(
    {
        EntryType.CONTRACT_SIGNED,
        EntryType.CONTRACT_ENDED,
        EntryType.CONTRACT_SUSPENDED,
        EntryType.CONTRACT_RESUMED,
    }
)
_NOTHING_BESIDES = frozenset({EntryType.HEARTBEAT, EntryType.AUDIT_OPENED, EntryType.KEY_CHANGED})
"""What these entries say is all that they did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """By type of entry: of how many the effect is there again, and of how many it is lost here."""

    again: Mapping[str, int]
    lost: Mapping[str, int]


@dataclass(slots=True, kw_only=True)
class Rebuilder:
    """Puts back, inside the caller's transaction, what entries of the own log did."""

    connection: Connection
    node: NodeFolder
    trust: Trust
    shelf: ContractShelf

    def rebuild(self, entries: Iterable[tuple[int, LogEntry]]) -> Rebuilt:
        """Put back the effect of each entry, in order; all of these lie under a quorum's checkpoint."""
        again: Counter[str] = Counter()
        lost: Counter[str] = Counter()
        # The clearance lies in the bundle: whether it is there again shows when the bundles have been looked at.
        for index, entry in sorted(entries, key=lambda one: one[1].type is EntryType.CLEARANCE_DECIDED):
            if entry.type not in _NOTHING_BESIDES:
                found = self.rebuild_one(index, entry)
                (again if found else lost)[entry.type.value] += 1
        return Rebuilt(again=dict(sorted(again.items())), lost=dict(sorted(lost.items())))

    def rebuild_one(self, index: int, entry: LogEntry) -> bool:
        """Whether what this entry did is there again."""
        if entry.type in STATEMENTS:
            return self._statement(index, entry)
        if entry.type is EntryType.BUNDLE_PUBLISHED:
            return self._publication(index, entry)
        if entry.type is EntryType.TRUST_UPDATED:
            return self._evidence(entry, self.node.keys.glob("metadata/*.snapshot.json"), SNAPSHOT_MEDIA_TYPE)
        if entry.type is EntryType.BUNDLE_SUPERSEDED and entry.bundle is not None:
            mark_superseded(self.connection, entry.bundle)
        if entry.type is EntryType.BUNDLE_WITHDRAWN and entry.bundle is not None:
            # It is served no more, also if its files come back later; what says why is lost.
            keep_entry_alone(self.connection, entry.bundle, index=index)
        if entry.type is EntryType.CLEARANCE_DECIDED:
            return has_evidence(self.connection, entry.evidence)
        return entry.type is EntryType.BUNDLE_SUPERSEDED

    def _statement(self, index: int, entry: LogEntry) -> bool:
        """A statement lies beside its contract under the digest of its bytes; it has effect, being cosigned."""
        assert entry.evidence is not None  # of this type, always
        if statement_index(self.connection, entry.evidence) is not None:
            return True
        for file in self.node.contracts.glob(f"*/*/statements/{entry.evidence.hex}.jws"):
            raw = file.read_bytes()
            if Digest.of(raw) == entry.evidence:
                said = open_statement(raw, trust=self.trust, at=None)
                kept = KeptStatement(
                    digest=said.digest, contract=said.contract, party=said.party, raw=raw, index=index, effective=True
                )
                keep_statement(self.connection, kept)
                return True
        return False

    def _publication(self, index: int, entry: LogEntry) -> bool:
        """The published ZIP, or the hand-over that waits for its quorum again, as they lie in their places."""
        assert entry.bundle is not None  # of this type, always
        library = Library(self.node.member, self.node.bundles)
        zipped = _read(library.zip_file(entry.bundle))
        outbox = self.node.outbox / f"{entry.bundle.hex}{HANDOVER_SUFFIX}"
        waiting = _read(library.waiting_file(entry.bundle)) or _read(outbox)
        return self.publication(index, entry, zipped) if zipped else self.waiting(index, entry, waiting)

    def publication(self, index: int, entry: LogEntry, zipped: bytes) -> bool:
        """Whether this ZIP is what the entry published; then it is listed again."""
        try:
            files = unpack_zip(zipped)
            verify_publication(files, trust=self.trust, shelf=self.shelf)
            kept = self._kept(index, entry, files)
        except ExchangeError:
            return False
        library = Library(self.node.member, self.node.bundles)
        if _read(library.zip_file(kept.bundle)) != zipped:
            self.node.bundles.mkdir(parents=True, exist_ok=True)
            library.keep_zip(kept.bundle, zipped)
        keep_publication(self.connection, kept)
        mark_published(self.connection, kept.bundle, zip_sha256=Digest.of(zipped), zip_bytes=len(zipped))
        return True

    def waiting(self, index: int, entry: LogEntry, handover: bytes | None) -> bool:
        """Whether this hand-over is what the entry published; then its proof is made again and it is listed."""
        try:
            kept = self._kept(index, entry, unpack_handover(handover or b""))
        except ExchangeError:
            return False
        Library(self.node.member, self.node.bundles).keep_waiting(kept.bundle, handover or b"")
        keep_publication(self.connection, kept)
        return True

    def _kept(self, index: int, entry: LogEntry, files: Mapping[str, bytes]) -> KeptPublication:
        manifest, clearance = parse_manifest(files[MANIFEST]), parse_clearance(files[CLEARANCE])
        contract = self.shelf.find(manifest.contract)
        named = {MANIFEST: entry.bundle, SIGNATURES: entry.evidence}
        named |= {one.path: one.digest for one in manifest.resources}
        if contract is None or any(Digest.of(files[name]) != digest for name, digest in named.items()):
            raise NotOurBundleError(bundle=str(entry.bundle), expected=str(manifest.contract.digest), found="another")
        for name, media_type in ((SIGNATURES, SIGNATURES_MEDIA_TYPE), (CLEARANCE, CLEARANCE_MEDIA_TYPE)):
            keep_evidence(self.connection, Digest.of(files[name]), media_type, files[name])
        return KeptPublication(
            bundle=Digest.of(files[MANIFEST]),
            contract=manifest.contract.digest,
            contract_id=manifest.contract.id,
            contract_version=manifest.contract.version,
            linkage_group=contract.disclosure.linkage_group,
            period=manifest.period,
            recipients=manifest.recipients,
            revision=manifest.revision,
            supersedes=manifest.supersedes,
            not_before=manifest.not_before,
            valid_until=clearance.common.valid_until,
            state=PublicationState.LOGGED,
            index=index,
            at=entry.at,
        )

    def _evidence(self, entry: LogEntry, files: Iterable[Path], media_type: str) -> bool:
        """Signed bytes that an entry names, if one of these files holds them."""
        for raw in (file.read_bytes() for file in files):
            if Digest.of(raw) == entry.evidence:
                keep_evidence(self.connection, entry.evidence, media_type, raw)
                return True
        return False


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
