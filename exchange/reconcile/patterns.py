"""What several bundles of one publisher show together, judged without a figure: each pair, and all of one statistic.

Within one vintage and class of readers a cell is one number, so what follows there follows; across them it is
`possible`, for the publisher to answer. What one bundle shows alone is judged with its publication.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from exchange.contract.shape import Key
from exchange.encoding import Digest
from exchange.errors.audit import FindingError, PatternDisclosesError, PatternTogetherError
from exchange.log.entry import EntryType
from exchange.pattern import Determination, Pattern, follows, pattern_audit
from exchange.reconcile.memory import Memory
from exchange.reconcile.model import Federation, Finding, LoggedEntry, LogView, VerifiedPublication
from exchange.reconcile.pairs import bundle_of


def judge_patterns(log: LogView, federation: Federation) -> tuple[Finding, ...]:
    """Every set of bundles of this log from which withheld cells follow, or may follow, by addition alone."""
    published = {bundle_of(one): one for one in log.of(EntryType.BUNDLE_PUBLISHED)}
    patterns = [pattern for bundle in published for pattern in _pattern(bundle, federation)]
    if len(patterns) < 2:  # noqa: PLR2004  # alone it was judged with its publication
        return ()
    follow = follows if federation.memory is None else partial(_follow, memory=federation.memory)
    together = [found for found in pattern_audit(patterns, follow=follow) if len(found.bundles) > 1]
    return tuple(finding for found in together for finding in _findings(found, published))


def _follow(patterns: Sequence[Pattern], *, memory: Memory) -> set[tuple[str, Key]]:
    """The same, computed once for the same patterns as long as nothing follows."""
    digest = memory.patterns(patterns)
    found = set() if memory.is_silent(digest) else follows(patterns)
    if not found:
        memory.note_silent(digest)
    return found


def _pattern(bundle: Digest, federation: Federation) -> Iterator[Pattern]:
    found = federation.publications.get(bundle)
    if not isinstance(found, VerifiedPublication):
        return
    contract = federation.contracts.get(found.contract)
    if contract is not None:
        yield Pattern(
            bundle=str(bundle),
            contract=contract,
            provider=found.provider,
            period=found.period,
            revision=found.revision,
            recipients=found.recipients,
            withheld=found.withheld,
            excluded=found.excluded,
        )


def _findings(found: Determination, published: dict[Digest, LoggedEntry]) -> Iterator[Finding]:
    logged = [published[Digest.parse(bundle, subject="pattern")] for bundle in found.bundles]
    newest = max(logged, key=lambda one: one.index)
    others = ", ".join(bundle_of(one).hex for one in logged if one is not newest)
    bundle, cells = bundle_of(newest).hex, len(found.cells)
    error: FindingError = (
        PatternDisclosesError(party=newest.member, bundle=bundle, cells=cells)
        if found.certain
        else PatternTogetherError(party=newest.member, bundle=bundle, cells=cells, others=others)
    )
    evidence = tuple(one.entry.evidence for one in logged if one.entry.evidence is not None)
    entries = tuple((one.member, one.index) for one in logged)
    yield Finding(party=newest.member, reason=error, evidence=evidence, entries=entries)
