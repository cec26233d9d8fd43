"""Whether a publisher was allowed to serve: published before, not withdrawn, a recipient, not early, contract in force.

What a publisher could know is what its own log held before it served: statements, publications and withdrawals count
from their entry there, so a statement that was still on its way makes nobody guilty.
"""

from collections.abc import Iterator

from exchange.encoding import Digest, format_instant
from exchange.errors.audit import (
    FindingError,
    ServedContractError,
    ServedEarlyError,
    ServedUnpublishedError,
    ServedWithdrawnError,
    WrongRecipientError,
)
from exchange.log.entry import EntryType
from exchange.reconcile.model import Federation, Finding, LoggedEntry, LogView, VerifiedPublication
from exchange.reconcile.pairs import Pair, bundle_of
from exchange.reconcile.pulls import finding

STATEMENTS = frozenset(
    {
        EntryType.CONTRACT_SIGNED,
        EntryType.CONTRACT_ENDED,
        EntryType.CONTRACT_SUSPENDED,
        EntryType.CONTRACT_RESUMED,
    }
)
IN_FORCE = "in-force"
SUPERSEDED = "superseded"
SUSPENDED = "suspended"


def judge_rights(pair: Pair, federation: Federation) -> tuple[Finding, ...]:
    """Every rule that the publisher broke by serving this pull."""
    log = federation.logs.get(pair.publisher)
    if pair.served is None or log is None:
        return ()
    return tuple(_judge(pair, pair.served, log, federation))


def statements_known(log: LogView, *, before: int) -> frozenset[Digest]:
    """The contract statements whose entries stand in this log below an index."""
    return frozenset(
        logged.entry.evidence
        for logged in log.entries[:before]
        if logged.entry.type in STATEMENTS and logged.entry.evidence is not None
    )


def _judge(pair: Pair, served: LoggedEntry, log: LogView, federation: Federation) -> Iterator[Finding]:
    bundle = bundle_of(served)
    if _stands(log, EntryType.BUNDLE_PUBLISHED, bundle, before=served.index) is None:
        yield _fault(pair, ServedUnpublishedError, puller=pair.puller)
    withdrawn = _stands(log, EntryType.BUNDLE_WITHDRAWN, bundle, before=served.index)
    if withdrawn is not None:
        yield _fault(pair, ServedWithdrawnError, puller=pair.puller)
    publication = federation.publications.get(bundle)
    if not isinstance(publication, VerifiedPublication):
        return
    if pair.puller not in publication.recipients:
        recipients = ", ".join(publication.recipients)
        yield _fault(pair, WrongRecipientError, puller=pair.puller, recipients=recipients)
    if served.entry.at < publication.not_before:
        at, not_before = format_instant(served.entry.at), format_instant(publication.not_before)
        yield _fault(pair, ServedEarlyError, at=at, not_before=not_before)
    known = statements_known(log, before=served.index)
    state = federation.force_at(publication.contract, pair.publisher, served.entry.at, known)
    allowed = {IN_FORCE, SUPERSEDED} | ({SUSPENDED} if _repeats(pair, served, log) else set())
    if state not in allowed:
        yield _fault(pair, ServedContractError, puller=pair.puller, contract=publication.contract_id, state=state)


def _stands(log: LogView, kind: EntryType, bundle: Digest, *, before: int) -> LoggedEntry | None:
    found = (one for one in log.entries[:before] if one.entry.type is kind and one.entry.bundle == bundle)
    return next(found, None)


def _repeats(pair: Pair, served: LoggedEntry, log: LogView) -> bool:
    """Whether this party had pulled this bundle before: a suspension stops first pulls only (DESIGN.md §4)."""
    return any(
        one.entry.type is EntryType.PULL_SERVED
        and one.entry.bundle == served.entry.bundle
        and one.entry.counterpart == pair.puller
        for one in log.entries[: served.index]
    )


def _fault(pair: Pair, kind: type[FindingError], **facts: str) -> Finding:
    error = kind(pull=pair.pull.hex, party=pair.publisher, bundle=pair.bundle.hex, **facts)
    evidence = pair.served.entry.pull if pair.served is not None else None
    return finding(pair, pair.publisher, error, evidence)
