"""Whether each publication in a member's log was allowed to be there: verified, cleared, in order, and closed.

Judged as of the cosigned time of the publication, by what the publisher's own log held before it.
"""

from collections.abc import Iterable, Iterator, Mapping

from exchange.contract.model import DataContract
from exchange.encoding import Digest, format_instant
from exchange.errors import ExchangeError
from exchange.errors.audit import (
    BundleAlteredError,
    FindingError,
    OneOfficerTwiceError,
    PatternDisclosesError,
    PooledDiffersError,
    PublicationContractError,
    PublicationForeignError,
    PublicationRefusedError,
    PublishedUnclearedError,
    RevisionBrokenError,
    RevokedKeyError,
)
from exchange.errors.bundle import SameOfficerError
from exchange.errors.trust import UnknownKeyError
from exchange.log.entry import EntryType
from exchange.publication import SIGNATURES
from exchange.reconcile.history import History
from exchange.reconcile.model import Federation, Finding, LoggedEntry, LogView, VerifiedPublication
from exchange.reconcile.pairs import bundle_of
from exchange.reconcile.rights import IN_FORCE
from exchange.report import pooled_digest

DAMAGED = "bundle-damaged"
"""The code of a `pull.refused` where the publisher found that its own stored bytes had changed."""


def judge_publications(log: LogView, history: History, federation: Federation) -> tuple[Finding, ...]:
    """Every publication of this log that does not hold, and every bundle that its keeper found altered."""
    chains: dict[tuple[str, str, tuple[str, ...]], tuple[int, Digest | None]] = {}
    findings: list[Finding] = []
    for logged in log.of(EntryType.BUNDLE_PUBLISHED, EntryType.PULL_REFUSED):
        if logged.entry.type is EntryType.BUNDLE_PUBLISHED:
            findings += _publication(logged, history, federation, chains)
        elif logged.entry.code == DAMAGED:
            findings.append(_altered(logged))
    return tuple(findings)


def _publication(
    logged: LoggedEntry,
    history: History,
    federation: Federation,
    chains: dict[tuple[str, str, tuple[str, ...]], tuple[int, Digest | None]],
) -> Iterator[Finding]:
    found = federation.publications.get(bundle_of(logged))
    if found is None:
        return  # its publisher could not be asked; the collector says so
    if isinstance(found, ExchangeError):
        yield _refused(logged, found)
        return
    if found.provider != logged.member:
        yield _fault(logged, PublicationForeignError, provider=found.provider)
        return
    if not _unseen_before(logged, found, history, federation):
        yield from _order(logged, found, chains)
    if not history.is_cleared(found.clearance, before=logged.index):
        yield _fault(logged, PublishedUnclearedError, clearance=str(found.clearance))
    known = history.statements(before=logged.index)
    state = federation.force_at(found.contract, logged.member, found.cosigned_at, known)
    if state != IN_FORCE:
        yield _fault(logged, PublicationContractError, contract=found.contract_id, state=state)
    yield from _disclosure(logged, found, history, federation.contracts)


def _refused(logged: LoggedEntry, error: ExchangeError) -> Finding:
    """Why a bundle does not verify, where the rule has a name of its own."""
    if isinstance(error, SameOfficerError):
        return _fault(logged, OneOfficerTwiceError, officer=str(error.facts["officer"]))
    # The file is named where the signature itself held under a key that was or will be the publisher's.
    if isinstance(error, UnknownKeyError) and error.facts["subject"] == SIGNATURES:
        at = format_instant(logged.cosigned_at or logged.entry.at)
        return _fault(logged, RevokedKeyError, kid=str(error.facts["kid"]), at=at)
    return _fault(logged, PublicationRefusedError, reason=f"{error.code}: {error.sentence()}")


def _unseen_before(logged: LoggedEntry, found: VerifiedPublication, history: History, federation: Federation) -> bool:
    """Whether an earlier publication that could not be looked at may be a revision of the same."""
    statistic = (found.contract_id, found.period)
    return any(
        federation.publications.get(bundle) is None and federation.names.get(bundle, statistic) == statistic
        for bundle in map(bundle_of, history.publications(before=logged.index))
    )


def _order(
    logged: LoggedEntry,
    found: VerifiedPublication,
    chains: dict[tuple[str, str, tuple[str, ...]], tuple[int, Digest | None]],
) -> Iterator[Finding]:
    """Revisions of one statistic run 0, 1, 2…, each naming the one before it."""
    identity = (found.contract_id, found.period, found.recipients)
    revision, newest = chains.get(identity, (-1, None))
    if (found.revision, found.supersedes) != (revision + 1, newest):
        yield _fault(
            logged,
            RevisionBrokenError,
            contract=found.contract_id,
            period=found.period,
            expected=f"{revision + 1} after {newest}" if newest is not None else str(revision + 1),
            found=f"{found.revision} after {found.supersedes}" if found.supersedes is not None else str(found.revision),
        )
    chains[identity] = (found.revision, found.bundle)


def _disclosure(
    logged: LoggedEntry, found: VerifiedPublication, history: History, contracts: Mapping[Digest, DataContract]
) -> Iterator[Finding]:
    """The value-blind part of disclosure control: the ledger the release was audited against, and its pattern."""
    contract = contracts.get(found.contract)
    before = history.publications(before=logged.index)
    if contract is not None and all(one.entry.contract in contracts for one in before):
        computed = pooled_digest(_pooled(before, contract, contracts))
        if computed != found.pooled:
            yield _fault(logged, PooledDiffersError, stated=str(found.pooled), computed=str(computed))
    if found.determined:
        yield _fault(logged, PatternDisclosesError, cells=found.determined)


def _pooled(
    before: Iterable[LoggedEntry], contract: DataContract, contracts: Mapping[Digest, DataContract]
) -> Iterator[Digest]:
    """The bundles of the same linkage group among those published before."""
    for one in before:
        assert one.entry.contract is not None  # the entry's schema requires it
        if contracts[one.entry.contract].disclosure.linkage_group == contract.disclosure.linkage_group:
            yield bundle_of(one)


def _altered(logged: LoggedEntry) -> Finding:
    at = format_instant(logged.entry.at)
    return _fault(logged, BundleAlteredError, index=logged.index, at=at)


def _fault(logged: LoggedEntry, kind: type[FindingError], **facts: str | int) -> Finding:
    error = kind(party=logged.member, bundle=bundle_of(logged).hex, **facts)
    evidence = tuple(digest for digest in (logged.entry.evidence,) if digest is not None)
    return Finding(party=logged.member, reason=error, evidence=evidence, entries=((logged.member, logged.index),))
