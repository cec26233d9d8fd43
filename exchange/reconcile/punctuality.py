"""Whether each provider published what its contracts made due, and when: late, overdue, delinquent by the contract.

Owed is what the contract's own calendar says, while the contract was in force for the provider by the statements in
the provider's own log. A publication counts from its cosigned time.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time

from exchange.contract.calendar import Due, due_dates, lateness
from exchange.contract.model import DataContract, Role
from exchange.encoding import Digest, format_instant
from exchange.errors.audit import PublicationMissingError, PublishedLateError
from exchange.reconcile.history import History
from exchange.reconcile.model import Federation, Finding, LoggedEntry, LogView, VerifiedPublication
from exchange.reconcile.pairs import bundle_of
from exchange.reconcile.rights import IN_FORCE


def judge_punctuality(log: LogView, history: History, federation: Federation) -> tuple[Finding, ...]:
    """Every publication that this member owed and made late, or has not made and should have."""
    return tuple(
        found
        for digest, contract in federation.contracts.items()
        if log.member in contract.members(Role.PROVIDER)
        for due in _owed(digest, contract, log, history, federation)
        for found in _judge(due, digest, history, federation)
    )


def _owed(
    digest: Digest, contract: DataContract, log: LogView, history: History, federation: Federation
) -> Iterator[Due]:
    """What was due until now, on days on which the contract was in force for this provider."""
    signed = history.signed.get(digest)
    if not signed:
        return
    last = max(one.cosigned_at or one.entry.at for one in signed)
    today = federation.at.astimezone(UTC).date()
    since = max(contract.effective, last.astimezone(UTC).date())
    for due in due_dates(contract, since=since, due_from=since, due_to=today):
        end_of_day = datetime.combine(due.due, time.max, tzinfo=UTC)
        if due.provider != log.member:
            continue
        if federation.force_at(digest, log.member, end_of_day, history.statements()) == IN_FORCE:
            yield due


def _judge(due: Due, digest: Digest, history: History, federation: Federation) -> Iterator[Finding]:
    """One period of one contract for one set of recipients."""
    published = [one for one in history.published if _is(one, due, federation)]
    unseen = [one for one in history.published if _could_be(one, digest, federation)]
    if published:
        # One that could not be looked at may be the first release; of its time only its entry speaks.
        at = min([*(_took_effect(one, federation) for one in published), *(one.entry.at for one in unseen)])
    elif unseen:
        return  # a publication that could not be looked at may be this one
    else:
        at = federation.at
    rung = lateness(due, at)
    if not rung.breach:
        return
    kind = PublishedLateError if published else PublicationMissingError
    entries = published or history.signed[digest]
    error = kind(
        party=due.provider,
        contract=due.contract_id,
        period=due.period,
        due=due.due.isoformat(),
        at=format_instant(at),
        lateness=rung.value,
    )
    yield Finding(
        party=due.provider,
        reason=error,
        evidence=tuple(one.entry.evidence for one in entries if one.entry.evidence is not None),
        entries=tuple((one.member, one.index) for one in entries),
    )


def _took_effect(logged: LoggedEntry, federation: Federation) -> datetime:
    """The earliest cosigned time known: the bundle's own proof gives one, so no checkpoint left out makes it later."""
    found = federation.publications.get(bundle_of(logged))
    proven = [found.cosigned_at] if isinstance(found, VerifiedPublication) else []
    seen = [logged.cosigned_at] if logged.cosigned_at is not None else []
    return min([*proven, *seen], default=logged.entry.at)


def _is(logged: LoggedEntry, due: Due, federation: Federation) -> bool:
    """Whether an entry publishes what was due; a bundle that does not verify was published all the same."""
    bundle = bundle_of(logged)
    found = federation.publications.get(bundle)
    if isinstance(found, VerifiedPublication):
        return (found.contract_id, found.period, found.recipients) == (due.contract_id, due.period, due.recipients)
    return federation.names.get(bundle) == (due.contract_id, due.period)


def _could_be(logged: LoggedEntry, contract: Digest, federation: Federation) -> bool:
    """Whether an entry publishes a bundle that could not be looked at, under this contract or another version of it."""
    bundle = bundle_of(logged)
    if bundle in federation.names or isinstance(federation.publications.get(bundle), VerifiedPublication):
        return False
    owed, named = federation.contracts[contract], federation.contracts.get(logged.entry.contract or contract)
    return named is None or named.id == owed.id
