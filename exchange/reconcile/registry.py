"""Whether the registry state that each log entry names is this registry's, and who answers for another.

| the entry names                      | its member shows                  | at fault                               |
|--------------------------------------|-----------------------------------|----------------------------------------|
| the snapshot of that version         | –                                 | nobody                                 |
| another snapshot of that version     | one signed by who signed this one | that registrar: it signed two          |
| another snapshot of that version     | one that another registrar signed | undecided: which of the two split it   |
| another snapshot of that version     | a file that no registrar signed   | the member: it acted under it          |
| another snapshot of that version     | nothing                           | the member: it names what it hides     |
| a version that there was not by then | the same four                     | the same; undecided for the first      |
| a version above the newest, later    | –                                 | nobody: the reader's registry is older |
| an earlier version that is not held  | –                                 | nobody: there is nothing to compare    |

That there was no such version by then: the registry's newest timestamp names a lower one, and was issued after the
witnesses had cosigned the entry (decision 85).
"""

from collections.abc import Iterator
from itertools import islice

from exchange.errors.audit import FindingError
from exchange.errors.audit_logs import RegistryForkedError, RegistryInventedError
from exchange.errors.trust import RegistrySplitError, RegistryVersionError
from exchange.log.entry import EntryType
from exchange.reconcile.model import SKEW_MAX, UNDECIDED, Federation, Finding, LoggedEntry, LogView, Publications
from exchange.reconcile.pairs import bundle_of
from exchange.signing.trust import RegistryRef, Trust

STATES_MAX = 16
"""Foreign registry states of one log that are looked at: who names more says nothing new by them."""


def named_elsewhere(log: LogView, trust: Trust) -> list[LoggedEntry]:
    """The first entry under each of the states that a log names and that are known not to be this registry's."""
    own = {version: trust.snapshot_sha256(version) for version in {ref.version for ref in log.registries}}
    others = (log.entry(index) for ref, index in log.registries.items() if own[ref.version] != ref.sha256)
    return list(islice((logged for logged in others if is_elsewhere(logged, trust)), STATES_MAX))


def is_elsewhere(logged: LoggedEntry, trust: Trust) -> bool:
    """Whether an entry names a state that is known not to be this registry's."""
    ref = logged.entry.registry
    if ref.version > trust.ref.version:
        return logged.cosigned_at is not None and logged.cosigned_at + SKEW_MAX < trust.renewed
    return _differs(ref, trust)


def _differs(ref: RegistryRef, trust: Trust) -> bool:
    return trust.snapshot_sha256(ref.version) not in {None, ref.sha256}


def is_silent_on(ref: RegistryRef, trust: Trust) -> bool:
    """Whether this registry says nothing of who acted under that state: it is older, or on another side of a split."""
    return ref.version > trust.ref.version or _differs(ref, trust)


def judged_here(federation: Federation) -> Publications:
    """The publications, without those that this registry can say nothing of, since their entry names another state.

    Whoever published on one side of a split need not have made it; and a reader's registry can be older than a bundle.
    """
    trust = federation.trust
    beyond = {
        bundle
        for bundle, found in federation.publications.items()
        if isinstance(found, RegistrySplitError | RegistryVersionError)
    }
    published = (one for log in federation.logs.values() if beyond for one in log.of(EntryType.BUNDLE_PUBLISHED))
    named = {bundle_of(one): one.entry.registry for one in published}
    elsewhere = {bundle for bundle in beyond & named.keys() if is_silent_on(named[bundle], trust)}
    return {bundle: found for bundle, found in federation.publications.items() if bundle not in elsewhere}


def judge_registry(log: LogView, federation: Federation) -> Iterator[Finding]:
    """By the table above; a state that its member could not be asked for is left to the next audit."""
    for logged in named_elsewhere(log, federation.trust):
        named = logged.entry.registry.sha256
        shown = federation.evidence.signed.get(named)
        if shown is not None:
            yield from _shown(logged, shown, federation.trust)
        elif (log.member, named) in federation.evidence.withheld:
            yield _finding(logged, log.member, RegistryInventedError, federation.trust)


def _shown(logged: LoggedEntry, snapshot: bytes, trust: Trust) -> Iterator[Finding]:
    version = logged.entry.registry.version
    named, held = trust.archive.registrars(version, snapshot), trust.archive.registrars(version)
    if not named:
        yield _finding(logged, logged.member, RegistryInventedError, trust)
        return
    both = {named[key] for key in named.keys() & held.keys()}
    parties = {holder for holder in both if holder in trust.members or holder in trust.former}
    for party in sorted(holder for holder in parties if holder is not None) or [UNDECIDED]:
        yield _finding(logged, party, RegistryForkedError, trust, member=logged.member)


def _finding(logged: LoggedEntry, party: str, kind: type[FindingError], trust: Trust, **facts: str) -> Finding:
    ref = logged.entry.registry
    error = kind(
        party=party,
        index=logged.index,
        version=ref.version,
        named=str(ref.sha256),
        newest=trust.ref.version,
        held=str(trust.snapshot_sha256(ref.version) or "–"),
        **facts,
    )
    return Finding(party=party, reason=error, evidence=(ref.sha256,), entries=((logged.member, logged.index),))
