"""Suppress, audit alone, audit in the pool, and ask for more where an audit finds something, until none does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from exchange.disclosure.audit import AuditOutcome, Finding, audit, informed
from exchange.disclosure.formulation import needs_of, view_of
from exchange.disclosure.led import suppress_led
from exchange.disclosure.optimise import Effort, UnprotectableError
from exchange.disclosure.pool import Candidate, Pool, PoolFinding, PoolRules, audit_pool
from exchange.disclosure.pool.findings import REFUSALS
from exchange.disclosure.primary import shown
from exchange.disclosure.problem import Suppressed
from exchange.disclosure.protection import Requirement
from exchange.disclosure.release import Release
from exchange.errors.disclosure import DisclosureError, NoSafePatternError, UnsafeTableError
from exchange.table import CellKey, Released, SafeTable

REPAIRS_MAX = 5
"""How often the suppression may try again with what an audit found, before the table is refused."""

CLEANED_MAX = 1_200
"""Cells of a release in which cells are published again that turned out not to be needed."""

CLEANED, PROTECTED = Effort(clean_up=100, exchange=0), Effort(clean_up=0, exchange=0)
"""What a release is worth: a clean-up of so many programmes, none where each is dear; no exchanges."""

_TO_ANYBODY = "even with everything else withheld, anybody can compute it too closely"
_TO_AN_INSIDER = "even with everything else withheld, one of its own contributors can compute the others too closely"
_AN_INSIDER = "{reason} (to one of the table's own contributors)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A pattern that both audits let pass, and what they looked at."""

    safe: SafeTable
    suppressed: Suppressed
    attackers: int
    repairs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """One release on its way.

    Attributes:
        asked: The release as the pool knows releases, still without rows.
        pool: Everything that was released before.
        rules: What is asked of the pool.
        progress: Told the stage and its share done.
    """

    asked: Released
    pool: Pool
    rules: PoolRules
    progress: Callable[[str, float], None]

    def settle(self, release: Release) -> Settled:
        """The safe pattern.

        Raises:
            NoSafePatternError: Nothing that could be withheld protects a cell.
            UnsafeTableError: The audit could not prove every withheld cell safe.
            PoolError: With what was released before, something follows that must not.
        """
        repairs = 0
        while True:
            suppressed = self._suppress(release)
            safe = release.table_of(suppressed.withheld)
            outcome = self._audit(release, safe, suppressed)
            if outcome.safe:
                found = self._pooled(release, safe)
                if not found:
                    return Settled(safe=safe, suppressed=suppressed, attackers=outcome.attackers, repairs=repairs)
                release = self._breaking(release, found, safe, last=repairs == REPAIRS_MAX)
            elif repairs == REPAIRS_MAX:
                raise _refusal(outcome, safe)
            else:
                release = _asking_more(release, outcome, safe, repairs + 1)
            repairs += 1

    def _suppress(self, release: Release) -> Suppressed:
        try:
            return suppress_led(
                release.problem(),
                effort=CLEANED if len(release.keys) <= CLEANED_MAX else PROTECTED,
                progress=lambda _stage, share: self.progress("secondary", share),
            )
        except UnprotectableError as error:
            raise NoSafePatternError(
                contract=release.contract.id,
                period=release.table.period,
                cell=shown(release.keys[error.cell]),
                reason=_TO_ANYBODY if error.attacker is None else _TO_AN_INSIDER,
            ) from error

    def _audit(self, release: Release, safe: SafeTable, suppressed: Suppressed) -> AuditOutcome:
        """The audit of the release alone, from what it shows, with relations built anew from its rows."""
        view = view_of(safe, release.contract, revision=self.asked.revision)
        keys = view.system.keys
        values = release.figures(keys)
        return audit(
            view,
            needs_of(keys, release.required(sorted(safe.withheld_keys()))),
            insiders=informed(release.insiders_over(keys), values),
            guarded=release.guarded(keys),
            hints=(values.astype(float), *release.over(keys, suppressed.witnesses)),
            progress=partial(self.progress, "audit"),
        )

    def _pooled(self, release: Release, safe: SafeTable) -> tuple[PoolFinding, ...]:
        """The audit with everything that was released before, where any of it can say something of this release."""
        if not self.pool.speaks_of(self.asked):
            return ()
        candidate = Candidate(
            release=replace(self.asked, table=safe),
            values=release.sensitive.values,
            required=release.required(sorted(safe.withheld_keys())),
            insiders=release.insiders_over(release.keys),
            order=release.keys,
            guarded=release.sensitive.primary.keys(),
        )
        return audit_pool(candidate, self.pool, self.rules, progress=partial(self.progress, "pool")).findings

    def _breaking(self, release: Release, found: Sequence[PoolFinding], safe: SafeTable, *, last: bool) -> Release:
        """Withhold one more cell of each chain of subtractions: the smallest that is not public already."""
        values, broken = release.sensitive.values, set[CellKey]()
        can_be = safe.rows.keys() - safe.withheld_keys() - release.public
        for finding in found:
            usable = finding.shown_by(self.asked.name) & can_be
            if last or (finding.chains and not usable):
                raise self._chain_refusal(finding, len(found))
            if not usable & broken:
                broken.update(sorted(usable, key=lambda key: (values[key], key))[:1])
        if not broken:
            raise self._chain_refusal(found[0], len(found))
        return release.holding(broken)

    def _chain_refusal(self, finding: PoolFinding, exposed: int) -> DisclosureError:
        return REFUSALS[finding.exposure](
            contract=self.asked.contract.id,
            period=self.asked.table.period,
            exposed=exposed,
            chain=finding.text(),
        )


def _asking_more(release: Release, outcome: AuditOutcome, safe: SafeTable, more: int) -> Release:
    """Ask more of the suppression for what the audit found short: whole numbers may not reach what fractions do."""
    keys = sorted(safe.rows)
    required = release.required(sorted({keys[finding.cell] for finding in outcome.findings} & safe.withheld_keys()))
    return release.asking(
        {key: Requirement(need.reach + more, need.fall, need.width + more) for key, need in required.items()}
    )


def _refusal(outcome: AuditOutcome, safe: SafeTable) -> UnsafeTableError:
    keys = sorted(safe.rows)
    first: Finding = outcome.findings[0]
    reason = first.reason.value
    return UnsafeTableError(
        contract=safe.contract_id,
        period=safe.period,
        exposed=len({finding.cell for finding in outcome.findings}),
        withheld=len(safe.withheld_keys()),
        cell=shown(keys[first.cell]),
        reason=reason if first.attacker is None else _AN_INSIDER.format(reason=reason),
    )
