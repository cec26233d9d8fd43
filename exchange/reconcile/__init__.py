"""What all logs say together: a verdict for every exchange, and every rule that somebody broke, with who and the proof.

Pure, and value-blind: it sees metadata, digests and signatures; there is no way from here to a cell. Not detectable,
and said so: an exchange that both sides hide (DESIGN.md §9).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from exchange.encoding import format_instant
from exchange.errors.audit_logs import ClockSetBackError, ClockSkewError
from exchange.log.entry import EntryType
from exchange.reconcile.contents import Contents, gather_contents
from exchange.reconcile.evidence import Signatures
from exchange.reconcile.history import Histories, history_of
from exchange.reconcile.model import (
    SKEW_MAX,
    Exchange,
    Federation,
    Finding,
    LoggedEntry,
    LogView,
    Reconciliation,
    Verdict,
    VerifiedPublication,
)
from exchange.reconcile.pairs import Pair, bundle_of, pair
from exchange.reconcile.patterns import judge_patterns
from exchange.reconcile.publications import DAMAGED, judge_publications
from exchange.reconcile.pulls import judge_sides
from exchange.reconcile.punctuality import judge_punctuality
from exchange.reconcile.receipts import judge_receipt
from exchange.reconcile.registry import judge_registry, judged_here
from exchange.reconcile.revisions import judge_revisions
from exchange.reconcile.rights import judge_rights
from exchange.reconcile.statements import judge_statements
from exchange.reconcile.withdrawals import judge_acknowledgements


def reconcile(federation: Federation) -> Reconciliation:
    """Judge every publication, every pull, every clock and every registry named, of the whole federation.

    Returns:
        One exchange per pull, and per pull that was refused because stored bytes had changed; and all findings,
        those of the exchanges included: clocks and registries first, publications, then pulls, then withdrawals and
        revisions.
    """
    federation = replace(federation, publications=judged_here(federation))
    signatures = Signatures(federation.evidence, federation.trust)
    pairs = pair(federation.logs)
    contents = gather_contents(pairs, signatures, federation.publications)
    histories = {member: history_of(log) for member, log in federation.logs.items()}
    for one in pairs:
        if one.served is not None:
            histories[one.publisher].note_served(one.served)
    exchanges = [_exchange(one, federation, signatures, contents, histories) for one in pairs]
    logs = [(log, histories[member]) for member, log in federation.logs.items()]
    skewed = [found for log, _ in logs for found in _skew(log)]
    elsewhere = [found for log, _ in logs for found in judge_registry(log, federation)]
    published = [found for log, history in logs for found in judge_publications(log, history, federation)]
    tardy = [found for log, history in logs for found in judge_punctuality(log, history, federation)]
    patterned = [found for log, _ in logs for found in judge_patterns(log, federation)]
    unlogged = judge_statements(federation)
    unacknowledged = judge_acknowledgements(pairs, federation, signatures, histories)
    untaken = judge_revisions(pairs, federation, histories)
    exchanged = [found for one in exchanges for found in one.findings]
    refused = [_refused(logged, federation, published) for logged in _damaged(federation)]
    in_order = tuple(sorted([*exchanges, *refused], key=lambda one: one.at))
    return Reconciliation(
        exchanges=in_order,
        findings=(
            *skewed,
            *elsewhere,
            *published,
            *tardy,
            *patterned,
            *exchanged,
            *unlogged,
            *unacknowledged,
            *untaken,
        ),
    )


def _exchange(
    one: Pair, federation: Federation, signatures: Signatures, contents: Contents, histories: Histories
) -> Exchange:
    verdict, findings = judge_sides(one, federation, signatures, contents)
    others = (*judge_rights(one, federation, histories), *judge_receipt(one, federation, signatures))
    if others:
        verdict = Verdict.VIOLATED
    elif verdict is Verdict.CONFIRMED and one.given is None:
        verdict = Verdict.PENDING  # received and not yet acknowledged, within its deadline
    contract_id, period = _what(one.first, federation)
    return Exchange(
        pull=one.pull,
        publisher=one.publisher,
        puller=one.puller,
        bundle=one.bundle,
        contract_id=contract_id,
        period=period,
        at=one.first.entry.at,
        verdict=verdict,
        findings=(*findings, *others),
    )


def _damaged(federation: Federation) -> Iterator[LoggedEntry]:
    for log in federation.logs.values():
        yield from (logged for logged in log.of(EntryType.PULL_REFUSED) if logged.entry.code == DAMAGED)


def _refused(logged: LoggedEntry, federation: Federation, published: list[Finding]) -> Exchange:
    """A pull that came to nothing because its publisher's stored bytes had changed."""
    contract_id, period = _what(logged, federation)
    return Exchange(
        pull=logged.entry.pull,
        publisher=logged.member,
        puller=logged.entry.counterpart or "",
        bundle=bundle_of(logged),
        contract_id=contract_id,
        period=period,
        at=logged.entry.at,
        verdict=Verdict.REFUSED,
        findings=tuple(found for found in published if (logged.member, logged.index) in found.entries),
    )


def _what(logged: LoggedEntry, federation: Federation) -> tuple[str, str]:
    """The contract id and period of the bundle that an entry names; empty if the bundle is not known."""
    bundle = bundle_of(logged)
    found = federation.publications.get(bundle)
    if isinstance(found, VerifiedPublication):
        return found.contract_id, found.period
    return federation.names.get(bundle, ("", ""))


def _skew(log: LogView) -> Iterator[Finding]:
    """An entry's time lies between the cosignatures of the log without it and of the log with it."""
    smaller = iter(log.cosigned)
    following, without = next(smaller, None), None
    starts = sorted({0, *(size for size, _ in log.cosigned if size < log.size)})
    for start, end in zip(starts, [*starts[1:], log.size], strict=True):
        while following is not None and following[0] <= start:
            without = following[1] if without is None else max(without, following[1])
            following = next(smaller, None)
        earliest = None if without is None else int((without - SKEW_MAX).timestamp())
        covered = log.cosigned_at(start)
        latest = None if covered is None else int((covered + SKEW_MAX).timestamp())
        for index, at in enumerate(log.times[start:end], start):
            if without is not None and earliest is not None and at < earliest:
                yield _set_back(log.entry(index), without)
            if latest is not None and at > latest:
                yield _ahead(log.entry(index))


def _ahead(logged: LoggedEntry) -> Finding:
    assert logged.cosigned_at is not None
    error = ClockSkewError(
        party=logged.member,
        index=logged.index,
        stated=format_instant(logged.entry.at),
        cosigned=format_instant(logged.cosigned_at),
    )
    return Finding(party=logged.member, reason=error, entries=((logged.member, logged.index),))


def _set_back(logged: LoggedEntry, cosigned: datetime) -> Finding:
    error = ClockSetBackError(
        party=logged.member,
        index=logged.index,
        stated=format_instant(logged.entry.at),
        cosigned=format_instant(cosigned),
    )
    return Finding(party=logged.member, reason=error, entries=((logged.member, logged.index),))
