"""Whether members that hold figures took their revision: an observation, which says nothing against who published it.

A revision is not owed as a receipt is: a gateway pulls by itself what was revised of what it pulled (decision 42), and
whoever does not goes on working with figures that are known to be wrong. What logs show is that no pull stands in
either of them; not whether the publisher could be reached. The contract's ladder, counted from the day on which the
revision was on offer, says when that is worth saying (decision 53).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from exchange.contract.calendar import lateness_since
from exchange.contract.model import DataContract
from exchange.encoding import Digest, format_instant
from exchange.errors.audit_holders import RevisionNotTakenError
from exchange.log.entry import EntryType
from exchange.reconcile.history import Histories, History
from exchange.reconcile.model import Federation, Finding, LoggedEntry, LogView, VerifiedPublication
from exchange.reconcile.pairs import Pair, bundle_of
from exchange.reconcile.rights import IN_FORCE, SUPERSEDED

_PULLABLE = frozenset({IN_FORCE, SUPERSEDED})


@dataclass(slots=True)
class _Holdings:
    """What one member pulled from one publisher, by bundle: the first pair of each, and the entry where it accepted."""

    asked: dict[Digest, Pair] = field(default_factory=dict)
    received: dict[Digest, LoggedEntry] = field(default_factory=dict)

    def note(self, pair: Pair) -> None:
        self.asked.setdefault(pair.bundle, pair)
        if pair.taken is not None and pair.taken.entry.type is EntryType.BUNDLE_RECEIVED:
            self.received.setdefault(bundle_of(pair.taken), pair.taken)


def judge_revisions(pairs: Iterable[Pair], federation: Federation, histories: Histories) -> tuple[Finding, ...]:
    """One observation for each member and statistic of which it holds a revision that was replaced long ago."""
    held: dict[tuple[str, str], _Holdings] = defaultdict(_Holdings)
    for pair in pairs:
        held[(pair.publisher, pair.puller)].note(pair)
    return tuple(
        found
        for publisher, log in federation.logs.items()
        for chain in _chains(histories[publisher], federation)
        for member in chain[0][1].recipients
        if (publisher, member) in held and member in federation.logs
        for found in _judge(member, held[(publisher, member)], chain, log, histories[publisher], federation)
    )


def _chains(history: History, federation: Federation) -> Iterator[list[tuple[LoggedEntry, VerifiedPublication]]]:
    """The publications of each identity that has a revision, in order; withdrawn ones are not on offer."""
    found: dict[tuple[str, str, tuple[str, ...]], dict[int, tuple[LoggedEntry, VerifiedPublication]]] = {}
    for logged in history.published:
        one = federation.publications.get(bundle_of(logged))
        if isinstance(one, VerifiedPublication) and one.provider == logged.member:
            identity = (one.contract_id, one.period, one.recipients)
            found.setdefault(identity, {}).setdefault(one.revision, (logged, one))
    yield from (
        [revisions[number] for number in sorted(revisions)] for revisions in found.values() if len(revisions) > 1
    )


def _judge(
    member: str,
    holds: _Holdings,
    chain: list[tuple[LoggedEntry, VerifiedPublication]],
    log: LogView,
    history: History,
    federation: Federation,
) -> Iterator[Finding]:
    """What one member has not taken of one statistic."""
    held = [one for _, one in chain if one.bundle in holds.received]
    if not held:
        return
    later = [(logged, one) for logged, one in chain if one.revision > held[-1].revision]
    offered = [(logged, one) for logged, one in later if one.bundle not in history.withdrawn]
    if not offered or _tried(member, holds, {one.bundle for _, one in later}, log):
        return
    first, newest = offered[0], offered[-1][1]
    contract = federation.contracts.get(newest.contract)
    if contract is None or _may_be_another(holds, contract, held[-1].period, federation):
        return
    since = max(first[0].cosigned_at or first[1].cosigned_at, first[1].not_before)
    rung = lateness_since(contract, since.astimezone(UTC).date(), federation.at)
    if not rung.breach or not _pullable(member, newest, contract, since, history, federation):
        return
    received = holds.received[held[-1].bundle]
    error = RevisionNotTakenError(
        party=member,
        publisher=newest.provider,
        contract=newest.contract_id,
        period=newest.period,
        held=held[-1].revision,
        revision=newest.revision,
        since=format_instant(since),
        lateness=rung.value,
    )
    shown = (first[0], received)
    yield Finding(
        party=member,
        reason=error,
        evidence=tuple(one.entry.evidence for one in shown if one.entry.evidence is not None),
        entries=tuple((one.member, one.index) for one in shown),
    )


def _tried(member: str, holds: _Holdings, later: set[Digest], log: LogView) -> bool:
    """Whether a pull of a later revision was begun or refused: what became of it is judged as a pull."""
    if not later.isdisjoint(holds.asked):
        return True
    refused = (logged.entry for logged in log.of(EntryType.PULL_REFUSED))
    return any(entry.counterpart == member and entry.bundle in later for entry in refused)


def _may_be_another(holds: _Holdings, contract: DataContract, period: str, federation: Federation) -> bool:
    """Whether a bundle that was pulled and that could not be looked at may be a revision of the same."""
    statistic = (contract.id, period)

    def could_be(pair: Pair) -> bool:
        named = federation.contracts.get(pair.first.entry.contract) if pair.first.entry.contract is not None else None
        if named is not None and named.id != contract.id:
            return False
        seen = isinstance(federation.publications.get(pair.bundle), VerifiedPublication)
        return not seen and federation.names.get(pair.bundle, statistic) == statistic

    return any(map(could_be, holds.asked.values()))


def _pullable(
    member: str,
    newest: VerifiedPublication,
    contract: DataContract,
    since: datetime,
    history: History,
    federation: Federation,
) -> bool:
    """Whether the contract and both memberships let it be pulled: when it was on offer, when it got late, and now."""
    late = since + timedelta(days=contract.calendar.late_days)
    known, members = history.statements(), federation.trust.memberships
    return all(
        federation.force_at(newest.contract, newest.provider, at, known) in _PULLABLE
        and all(members[one].counts_at(at) for one in (member, newest.provider))
        for at in (since, late, federation.at)
    )
