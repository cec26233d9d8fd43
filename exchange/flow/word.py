"""What an evidence file cannot prove by signatures alone: there the auditor's word stands, and the file says so."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.audit import (
    PublicationContractError,
    PublicationRefusedError,
    PublishedLateError,
    RevokedKeyError,
)
from exchange.errors.audit_logs import LogRolledBackError
from exchange.log.entry import EntryType
from exchange.log.proof import parse_proof
from exchange.manifest import DATA, MANIFEST, bundle_digest, parse_manifest
from exchange.publication import PROOF, SIGNATURES, Checklist, CheckName, verify_publication
from exchange.publication.logged import require_witnessed
from exchange.reconcile.dossier import Charge, Dossier
from exchange.reconcile.history import history_of
from exchange.reconcile.logs import STALE_MAX, shown_backwards
from exchange.reconcile.model import SKEW_MAX, Federation, LoggedEntry, SeenCheckpoint
from exchange.signing.trust import Trust

AT_SLACK = timedelta(hours=1)
"""How much later than the newest cosignature an audit may have decided without resting on the auditor's clock."""

_BY_COSIGNED_TIME = frozenset(
    error.code for error in (PublicationContractError, PublicationRefusedError, PublishedLateError, RevokedKeyError)
)
"""Findings that an earlier cosignature of the publication may undo: keys, approvals and deadlines count at its time."""
_PROOF_CHECKS = frozenset({CheckName.LOG_ENTRY, CheckName.COSIGNATURES, CheckName.INCLUSION})


class Word(StrEnum):
    """What an evidence file cannot prove by signatures alone."""

    ORDER = "order"  # that a log of this size was shown after a longer one
    UNANSWERED = "unanswered"  # that a member did not show what its log names
    CLOCK = "clock"  # that it was so late when the audit decided
    FILES = "files"  # that a member served these files of a bundle
    NEWEST = "newest"  # that a log showed no more than this when the audit decided
    EARLIEST = "earliest"  # that no witness cosigned a publication before the time in this file


def word_of(
    dossier: Dossier, seen: Mapping[str, Sequence[SeenCheckpoint]], federation: Federation | None, *, trust: Trust
) -> frozenset[Word]:
    """Where a finding that follows from an evidence file rests on the auditor's word besides.

    Args:
        dossier: The file.
        seen: Its checkpoints, read, by member.
        federation: What the finding was decided from; None where a log's own checkpoints convict it.
        trust: The registry.
    """
    longest = [max(notes, key=lambda one: one.checkpoint.size) for notes in seen.values()]
    cosigned = [one.cosigned_at for one in longest if one.cosigned_at is not None]
    rests = {
        Word.UNANSWERED: bool(dossier.unanswered),
        Word.CLOCK: not cosigned or dossier.at > max(cosigned) + AT_SLACK,
        Word.FILES: federation is not None and any(_unpinned(dossier, federation, trust)),
        # What is *not* in a log may stand in what it held when the audit decided, and this copy leaves out.
        Word.NEWEST: federation is not None and any(_is_older(one, dossier.at) for one in longest),
        Word.ORDER: any(
            dossier.charge == Charge(code=LogRolledBackError.code, party=log.member, entries=())
            and not shown_backwards(seen[log.member], size=len(log.entries))
            for log in dossier.logs
        ),
        Word.EARLIEST: federation is not None and any(_cosigned_late(dossier, federation, trust)),
    }
    return frozenset(word for word, rested in rests.items() if rested)


def _is_older(seen: SeenCheckpoint, at: datetime) -> bool:
    """Whether a log must have had entries at this time that this checkpoint of it does not cover: its heartbeats."""
    return seen.cosigned_at is None or at > seen.cosigned_at + STALE_MAX


def _cosigned_late(dossier: Dossier, federation: Federation, trust: Trust) -> Iterator[LoggedEntry]:
    """The publications charged that stood in the log a while before the cosignature by which they are judged.

    A log is cosigned within minutes, and who cuts a file can leave its first checkpoint out and renew a proof. So a
    gap says that an earlier one may exist; without a gap none can, since its time lies after the entry's own.
    """
    if dossier.charge.code not in _BY_COSIGNED_TIME:
        return
    for member, index in dossier.charge.entries:
        logged = federation.logs[member].entry(index)
        if logged.entry.type is not EntryType.BUNDLE_PUBLISHED or logged.entry.bundle is None:
            continue
        proven = _proven_at(dossier.publications.get(logged.entry.bundle, {}), member, trust)
        late = dossier.charge.code == PublishedLateError.code  # counts from the earliest known, all others from theirs
        known = [at for at in (proven, logged.cosigned_at if late or proven is None else None) if at is not None]
        if not known or min(known) > logged.entry.at + SKEW_MAX:
            yield logged


def _proven_at(files: Mapping[str, bytes], member: str, trust: Trust) -> datetime | None:
    """When the witnesses cosigned what a bundle's own proof stands on; None where it has none."""
    with suppress(ExchangeError, KeyError):
        note = parse_proof(files[PROOF]).checkpoint_note
        return require_witnessed(note, provider=member, trust=trust)[1].cosigned_at
    return None


def _unpinned(dossier: Dossier, federation: Federation, trust: Trust) -> Iterator[Digest]:
    """The bundles that do not verify and whose files, as given, no log entry pins."""
    signatures = {
        one.entry.bundle: one.entry.evidence for log in federation.logs.values() for one in history_of(log).published
    }
    for bundle, files in dossier.publications.items():
        refused = isinstance(federation.publications[bundle], ExchangeError)
        if refused and not _pinned(bundle, files, signatures.get(bundle), trust):
            yield bundle


def _pinned(bundle: Digest, files: Mapping[str, bytes], signatures: Digest | None, trust: Trust) -> bool:
    """Whether these are the very files: the entry names manifest and signatures, the manifest all others.

    The proof alone is named by nothing; where it is what does not hold, another may.
    """
    if bundle_digest(files.get(MANIFEST, b"")) != bundle or Digest.of(files.get(SIGNATURES, b"")) != signatures:
        return False
    checklist = Checklist()
    with suppress(ExchangeError):
        verify_publication(files, trust=trust, checklist=checklist)
    if checklist.failed is not None and checklist.failed.name in _PROOF_CHECKS:
        return False
    try:
        resources = parse_manifest(files[MANIFEST]).resources
    except ExchangeError:
        return True
    return all(Digest.of(files.get(one.path, b"")) == one.digest for one in resources if one.path != DATA)
