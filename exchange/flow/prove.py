"""The smallest evidence file that proves a finding: cut out of all that the auditor keeps, and tried before it leaves.

What is left out of a file could speak for the accused, so each cut is decided again as a third party would, and only a
cut that convicts by itself is handed over.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.audit_logs import (
    LogContinuedError,
    LogCutError,
    LogRolledBackError,
    LogStaleError,
    LogTruncatedError,
    LogUnreachableError,
    LogUnwitnessedError,
)
from exchange.errors.evidence import EvidenceUnprovenError, EvidenceWordError
from exchange.flow.audit import Proven, decide_again
from exchange.log.entry import LogEntry, parse_entry
from exchange.reconcile.dossier import Charge, Dossier, LogCopy
from exchange.reconcile.history import STATEMENTS
from exchange.reconcile.model import SeenCheckpoint
from exchange.signing.trust import Trust

WORD_ALONE = frozenset(
    error.code for error in (LogUnreachableError, LogUnwitnessedError, LogStaleError, LogTruncatedError)
)
"""Findings that say what a member did not show: there is nothing signed to hand over."""
_BY_LONGER_CHECKPOINTS = frozenset(error.code for error in (LogRolledBackError, LogContinuedError, LogCutError))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLog:
    """A log as it was shown to the auditor, with every checkpoint of it ever seen."""

    seen: Sequence[SeenCheckpoint] = field(repr=False)
    entries: Sequence[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """All that an audit was decided from, unverified; `signed`, `publications` and `contracts` by digest."""

    at: datetime
    logs: Mapping[str, KeptLog]
    signed: Mapping[Digest, bytes] = field(repr=False)
    unanswered: frozenset[tuple[str, Digest]]
    publications: Mapping[Digest, Mapping[str, bytes]] = field(repr=False)
    contracts: Mapping[Digest, bytes] = field(repr=False)


def smallest_proof(
    kept: Kept, charge: Charge, *, trust: Trust, codelists: Mapping[Digest, bytes]
) -> tuple[Dossier, Proven]:
    """An evidence file for a finding, and what a third party will say of it.

    Raises:
        EvidenceWordError: The finding says what somebody did not show; nothing signed proves it.
        ExchangeError: Not even everything that is kept proves it; the reason is that of the widest cut.
    """
    if charge.code in WORD_ALONE:
        raise EvidenceWordError(code=charge.code, party=charge.party)
    refusal: ExchangeError = EvidenceUnprovenError(code=charge.code, party=charge.party)
    for dossier in _cuts(kept, charge):
        try:
            return dossier, decide_again(dossier, trust=trust, codelists=codelists)
        except ExchangeError as error:
            refusal = error
    raise refusal


def _cuts(kept: Kept, charge: Charge) -> Iterator[Dossier]:
    """The members and the bundles in question, and who was shown what by them; all their bundles; then everything."""
    members = {charge.party, *(member for member, _ in charge.entries)} & kept.logs.keys()
    entries = {member: list(_entries(log.entries)) for member, log in kept.logs.items()}
    named = (kept.logs[member].entries[index] for member, index in charge.entries)
    bundles = frozenset(entry.bundle for entry in _entries(named) if entry.bundle is not None)
    every = frozenset(kept.publications) | {one.bundle for log in entries.values() for one in log if one.bundle}
    yield _cut(kept, charge, {member: entries[member] for member in sorted(members)}, bundles)
    for partner in sorted(entries.keys() - members if not charge.entries else ()):
        pulled = frozenset(one.bundle for one in entries[partner] if one.counterpart == charge.party and one.bundle)
        yield _cut(kept, charge, {member: entries[member] for member in sorted({*members, partner})}, pulled)
    yield _cut(kept, charge, {member: entries[member] for member in sorted(members)}, every)
    yield _cut(kept, charge, dict(sorted(entries.items())), every)


def _cut(kept: Kept, charge: Charge, logs: Mapping[str, list[LogEntry]], bundles: frozenset[Digest]) -> Dossier:
    within = [entry for log in logs.values() for entry in log if entry.type in STATEMENTS or entry.bundle in bundles]
    named = {digest for entry in within for digest in (entry.evidence, entry.pull) if digest is not None}
    named |= {parse_entry(kept.logs[member].entries[index]).registry.sha256 for member, index in charge.entries}
    contracts = {entry.contract for log in logs.values() for entry in log if entry.contract is not None}
    return Dossier(
        at=kept.at,
        charge=charge,
        logs=tuple(_copy(member, kept.logs[member], charge) for member in logs),
        signed={digest: raw for digest, raw in kept.signed.items() if digest in named},
        unanswered=frozenset(one for one in kept.unanswered if one[0] in logs and one[1] in named),
        publications={bundle: files for bundle, files in sorted(kept.publications.items()) if bundle in bundles},
        contracts=tuple(raw for digest, raw in sorted(kept.contracts.items()) if digest in contracts),
    )


def _copy(member: str, log: KeptLog, charge: Charge) -> LogCopy:
    """The log with its checkpoints; longer ones, of a time when it showed more, only where they are the charge."""
    convicting = charge.party == member and charge.code in _BY_LONGER_CHECKPOINTS
    notes = (one.note for one in log.seen if convicting or one.checkpoint.size <= len(log.entries))
    return LogCopy(member=member, checkpoints=tuple(notes), entries=tuple(log.entries))


def _entries(raws: Sequence[bytes] | Iterator[bytes]) -> Iterator[LogEntry]:
    """Those that can be read; others are what a log is charged with."""
    for raw in raws:
        with suppress(ExchangeError):
            yield parse_entry(raw)
