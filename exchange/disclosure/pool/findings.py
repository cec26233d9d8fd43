"""The audit of a candidate together with everything that was ever released, and why it is refused if it is."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from exchange.contract.statistic import moved_boundaries
from exchange.disclosure.audit import WORK_MAX, AuditOutcome
from exchange.disclosure.pool.atoms import Group, atoms_of, small_groups
from exchange.disclosure.pool.cells import exposed_cells
from exchange.disclosure.pool.change import small_changes
from exchange.disclosure.pool.contributors import exposed_to_contributors
from exchange.disclosure.pool.exposure import Exposure, PoolFinding
from exchange.disclosure.pool.released import Pool
from exchange.disclosure.pool.sources import PoolKey, Source
from exchange.disclosure.pool.system import Candidate, Holdings
from exchange.errors.disclosure import (
    PoolChangeError,
    PoolComputesError,
    PoolContradictsError,
    PoolContributorError,
    PoolError,
    PoolGroupError,
    PoolShowsError,
    PoolUnfinishedError,
    PoolUnrelatedError,
)
from exchange.table import CellKey

REFUSALS: Mapping[Exposure, type[PoolError]] = {
    Exposure.COMPUTED: PoolComputesError,
    Exposure.CONTRIBUTOR: PoolContributorError,
    Exposure.SHOWN: PoolShowsError,
    Exposure.CHANGE: PoolChangeError,
    Exposure.GROUP: PoolGroupError,
    Exposure.CONTRADICTION: PoolContradictsError,
    Exposure.UNFINISHED: PoolUnfinishedError,
    Exposure.UNRELATED: PoolUnrelatedError,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRules:
    """What is asked of the pool beyond what each withheld cell must keep.

    Attributes:
        minimum: Contributors of the smallest change or group that may be known; the strictest one in use.
        changed: By key, how many contributors changed against the newest vintage, where the records tell.
        records: Every record as the cells that count it, in any release, and its contributors. Releases of which none
            of them says what it counts hang together with others by the lists of codes alone.
        work_max: Simplex iterations of the audit.
    """

    minimum: int
    changed: Mapping[CellKey, int] | None = field(default=None, repr=False)
    records: Sequence[tuple[Collection[PoolKey], int]] = field(default=(), repr=False)
    work_max: int = WORK_MAX


@dataclass(frozen=True, slots=True)
class PoolOutcome:
    """What the audit of the pool found; no figure.

    Attributes:
        findings: In order of the cells; none is the proof that the candidate is safe, alone and in the pool.
        outcome: Of the audit of all withheld cells.
        releases: Names of the releases that the candidate was audited with.
    """

    findings: tuple[PoolFinding, ...]
    outcome: AuditOutcome
    releases: tuple[str, ...]


def audit_pool(
    candidate: Candidate, pool: Pool, rules: PoolRules, *, progress: Callable[[float], None] = lambda _: None
) -> PoolOutcome:
    """What an attacker who holds the candidate and everything related can compute, and could not before.

    What the past gives away by itself is not held against a candidate, except of the candidate's own cells.

    Args:
        candidate: With its true figures, what its withheld cells must keep, and who knows more than it shows.
        pool: The ledger, mirrors, outside statistics.
        rules: The minimum, and what is known of records.
        progress: Told the share of the audit that is done.
    """
    holdings = Holdings.of(candidate, pool)
    exposed = exposed_cells(candidate, holdings, work_max=rules.work_max, progress=progress)
    contributors = exposed_to_contributors(candidate, holdings, exposed.given_up, work_max=rules.work_max)
    found = list(dict.fromkeys((*exposed.findings, *contributors)))
    if any(cell[0] != candidate.release.name for finding in found for cell in finding.cells):
        past = Holdings.of(candidate, pool, past_only=True)
        before = exposed_cells(candidate, past, work_max=rules.work_max, progress=lambda _: None)
        known = {cell for finding in before.findings for cell in finding.cells}
        found = [finding for finding in found if not known.issuperset(finding.cells)]
    own = holdings.named(candidate.release.name)
    found += _changes(own, holdings.own, rules)
    counted = {cell[0] for cells, _ in rules.records for cell in cells}
    found += _unrelated(own, [source for source in holdings.own if source.name not in counted])
    if rules.records:
        found += _groups(rules.records, holdings, own, rules.minimum)
    return PoolOutcome(
        findings=tuple(sorted(found, key=lambda finding: (finding.cells, finding.exposure))),
        outcome=exposed.outcome,
        releases=tuple(source.name for source in holdings.all() if source is not own),
    )


def _changes(own: Source, sources: Iterable[Source], rules: PoolRules) -> list[PoolFinding]:
    found = []
    earlier = [source for source in sources if source is not own and source.period == own.period]
    vintages = [source for source in earlier if source.contract.id == own.contract.id]
    newest = max(vintages, key=lambda source: source.revision, default=None)
    for before in earlier:
        changed = rules.changed if before is newest else None
        for change in small_changes(before, own, minimum=rules.minimum, changed=changed):
            cells = tuple(own.pool_key(key) for key in change.cells)
            found.append(PoolFinding(cells, Exposure.CHANGE, (change.chain,)))
    return found


def _unrelated(own: Source, sources: Iterable[Source]) -> list[PoolFinding]:
    """The releases of the same period whose boundaries are others."""
    return [
        PoolFinding(((source.name, dimension), (own.name, dimension)), Exposure.UNRELATED)
        for source in sources
        if source.period == own.period
        for dimension in moved_boundaries(own.contract, source.contract)
    ]


def _groups(
    records: Sequence[tuple[Collection[PoolKey], int]], holdings: Holdings, own: Source, minimum: int
) -> list[PoolFinding]:
    """The groups that the shown cells single out with the candidate, and did not without."""
    shown = {
        source.pool_key(key) for source in holdings.all() for key, figure in source.cells.items() if figure is not None
    }
    before = {cell for cell in shown if cell[0] != own.name}
    known = {
        frozenset(atom.cells for atom in group.atoms)
        for group in small_groups(atoms_of(records, before), minimum=minimum)
    }
    found = []
    for group in small_groups(atoms_of(records, shown), minimum=minimum):
        if frozenset(atom.cells & before for atom in group.atoms) not in known:
            chains = () if group.chain is None else (group.chain,)
            found.append(PoolFinding(_members(group, records, shown), Exposure.GROUP, chains))
    return found


def _members(
    group: Group, records: Sequence[tuple[Collection[PoolKey], int]], shown: Collection[PoolKey]
) -> tuple[PoolKey, ...]:
    """Where the group is: of each of its atoms the shown cell that counts the fewest."""
    near = frozenset().union(*(atom.cells for atom in group.atoms)).intersection(shown)
    sizes = dict.fromkeys(near, 0)
    for cells, contributors in records:
        for cell in near.intersection(cells):
            sizes[cell] += contributors
    return tuple(sorted({min(atom.cells, key=lambda cell: (sizes[cell], cell)) for atom in group.atoms}))
