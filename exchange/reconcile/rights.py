"""Whether a publisher was allowed to serve: published before, not withdrawn, a recipient, not early, contract in force.

What a publisher could know is what its own log held before it served: statements, publications and withdrawals count
from their entry there, so a statement that was still on its way makes nobody guilty.
"""

from collections.abc import Iterator

from exchange.encoding import format_instant
from exchange.errors.audit import (
    FindingError,
    ServedContractError,
    ServedEarlyError,
    ServedUnpublishedError,
    ServedWithdrawnError,
    WrongRecipientError,
)
from exchange.reconcile.history import Histories, History
from exchange.reconcile.model import Federation, Finding, LoggedEntry, VerifiedPublication
from exchange.reconcile.pairs import Pair, bundle_of
from exchange.reconcile.pulls import finding

IN_FORCE = "in-force"
SUPERSEDED = "superseded"
SUSPENDED = "suspended"


def judge_rights(pair: Pair, federation: Federation, histories: Histories) -> tuple[Finding, ...]:
    """Every rule that the publisher broke by serving this pull."""
    history = histories.get(pair.publisher)
    if pair.served is None or history is None:
        return ()
    return tuple(_judge(pair, pair.served, history, federation))


def _judge(pair: Pair, served: LoggedEntry, history: History, federation: Federation) -> Iterator[Finding]:
    bundle = bundle_of(served)
    if not history.is_published(bundle, before=served.index):
        yield _fault(pair, ServedUnpublishedError, puller=pair.puller)
    if history.is_withdrawn(bundle, before=served.index):
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
    known = history.statements(before=served.index)
    state = federation.force_at(publication.contract, pair.publisher, served.entry.at, known)
    # A suspension stops first pulls only: a party may repeat one of its own (DESIGN.md §4).
    repeats = history.is_served(bundle, pair.puller, before=served.index)
    if state not in {IN_FORCE, SUPERSEDED} and not (repeats and state == SUSPENDED):
        yield _fault(pair, ServedContractError, puller=pair.puller, contract=publication.contract_id, state=state)


def _fault(pair: Pair, kind: type[FindingError], **facts: str) -> Finding:
    error = kind(pull=pair.pull.hex, party=pair.publisher, bundle=pair.bundle.hex, **facts)
    evidence = pair.served.entry.pull if pair.served is not None else None
    return finding(pair, pair.publisher, error, evidence)
