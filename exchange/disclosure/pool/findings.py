"""The audit of a candidate together with everything that was ever released, and why it is refused if it is."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

import numpy as np

from exchange.contract.model import DataContract
from exchange.disclosure import audit
from exchange.disclosure.pool.atoms import atoms_of, small_groups
from exchange.disclosure.pool.chain import Chain, Sense, chains, shown_cell
from exchange.disclosure.pool.change import small_changes
from exchange.disclosure.pool.presumed import Place
from exchange.disclosure.pool.released import Pool
from exchange.disclosure.pool.sources import PoolKey, Source
from exchange.disclosure.pool.system import Candidate, Holdings, PooledView, pooled_view
from exchange.disclosure.protection import Requirement
from exchange.errors.disclosure import (
    PoolChangeError,
    PoolComputesError,
    PoolContradictsError,
    PoolError,
    PoolGroupError,
    PoolShowsError,
    PoolUnfinishedError,
)
from exchange.table import CellKey

CHAINS_MAX = 20
"""How many findings are explained; the others are named."""

NOTHING = Requirement(0, 2**62, 0)
"""Asked of a cell that may be known: one that is missing and not withheld."""


class Exposure(StrEnum):
    """What somebody could do who holds all releases."""

    COMPUTED = "computed"  # a withheld cell, too closely
    SHOWN = "shown"  # a withheld cell, by another release
    CHANGE = "change"  # one of too few contributors
    GROUP = "group"  # one of too few contributors, singled out
    CONTRADICTION = "contradiction"
    UNFINISHED = "unfinished"


REFUSALS: Mapping[Exposure, type[PoolError]] = {
    Exposure.COMPUTED: PoolComputesError,
    Exposure.SHOWN: PoolShowsError,
    Exposure.CHANGE: PoolChangeError,
    Exposure.GROUP: PoolGroupError,
    Exposure.CONTRADICTION: PoolContradictsError,
    Exposure.UNFINISHED: PoolUnfinishedError,
}


@dataclass(frozen=True, slots=True)
class PoolFinding:
    """Something that the pool gives away.

    Attributes:
        cells: The hidden cells, or those of which the group is a part.
        exposure: What can be done.
        chains: How: the released cells to add and subtract. Empty beyond the first findings.
    """

    cells: tuple[PoolKey, ...]
    exposure: Exposure
    chains: tuple[Chain, ...] = ()

    def shown_by(self, release: str) -> frozenset[CellKey]:
        """The cells of this release that a chain uses: without one of them it breaks."""
        return frozenset(cell[1:] for chain in self.chains for cell, _ in chain.terms if cell[0] == release)

    def text(self) -> str:
        """The cells and how they follow, for a person; no figure."""
        cells = " + ".join(shown_cell(cell) for cell in self.cells)
        return "; ".join(f"{cells} {chain.text()}" for chain in self.chains) or cells


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRules:
    """What is asked of the pool beyond what each withheld cell must keep.

    Attributes:
        minimum: Contributors of the smallest change or group that may be known; the strictest one in use.
        changed: By key, how many contributors changed against the newest vintage, where the records tell.
        records: Every record as the cells that count it, in any release, and its contributors; None where the records
            of earlier releases are not at hand: then only the lists of codes relate them.
        least_of: What a reader knows a withheld cell to be at least, by contract.
    """

    minimum: int
    changed: Mapping[CellKey, int] | None = field(default=None, repr=False)
    records: Sequence[tuple[Collection[PoolKey], int]] | None = field(default=None, repr=False)
    least_of: Callable[[DataContract], int] = lambda _: 0


def require_safe_in_pool(
    candidate: Candidate, pool: Pool, rules: PoolRules, *, progress: Callable[[float], None] = lambda _: None
) -> None:
    """Refuse a candidate with which the pool gives away what it did not before.

    Raises:
        PoolError: Its leaf names what can be done, the cell, and the chain that reveals it.
    """
    found = pool_findings(candidate, pool, rules, progress=progress)
    if found:
        release = candidate.release
        raise REFUSALS[found[0].exposure](
            contract=release.contract.id, period=release.table.period, exposed=len(found), chain=found[0].text()
        )


def pool_findings(
    candidate: Candidate,
    pool: Pool,
    rules: PoolRules,
    *,
    hints: Iterable[Mapping[CellKey, int]] = (),
    progress: Callable[[float], None] = lambda _: None,
) -> list[PoolFinding]:
    """What an attacker who holds the candidate and everything related can compute, and could not before.

    An empty list is the proof that the candidate is safe, alone and in the pool. What the past gives away by itself is
    not held against a candidate, except of the candidate's own cells.

    Args:
        candidate: With its true figures and what its withheld cells must keep.
        pool: The ledger, mirrors, outside statistics.
        rules: The minimum, and what is known of records.
        hints: Tables over the candidate's cells that may be witnesses, where it is alone in the pool.
        progress: Told the share of the audit that is done.
    """
    holdings = Holdings.of(candidate, pool)
    alone = len(holdings.all()) == 1
    found = _exposed(candidate, holdings, rules, hints if alone else (), progress)
    if any(cell[0] != candidate.release.name for finding in found for cell in finding.cells):
        past = Holdings.of(candidate, pool, past_only=True)
        before = {cell for f in _exposed(candidate, past, rules, (), lambda _: None) for cell in f.cells}
        found = [finding for finding in found if not before.issuperset(finding.cells)]
    own = holdings.named(candidate.release.name)
    found += _changes(own, holdings.own, rules)
    if rules.records is not None:
        found += _groups(rules.records, holdings, own, rules.minimum)
    return sorted(found, key=lambda finding: (finding.cells, finding.exposure))


def _exposed(
    candidate: Candidate,
    holdings: Holdings,
    rules: PoolRules,
    hints: Iterable[Mapping[CellKey, int]],
    progress: Callable[[float], None],
) -> list[PoolFinding]:
    """The hidden cells that do not keep what they must."""
    dropped = frozenset[Place]()
    name = candidate.release.name
    tables = [{(name, *key): figure for key, figure in hint.items()} for hint in hints]
    while True:
        pooled = pooled_view(candidate, holdings, dropped=dropped, least_of=rules.least_of)
        found = _audited(pooled, tables, progress)
        wrong = _contradicting(pooled) | {column for column, exposure in found if exposure is Exposure.CONTRADICTION}
        places = {pooled.places[key] for key in map(pooled.view.system.keys.__getitem__, wrong) if key in pooled.places}
        if not places - dropped:
            break
        dropped |= places
    shown = [
        PoolFinding((cell,), Exposure.SHOWN, (_same_as(elsewhere),)) for cell, elsewhere in sorted(pooled.given_away)
    ]
    return shown + [
        PoolFinding(
            pooled.members[column],
            exposure,
            chains(pooled.view, column) if place < CHAINS_MAX and exposure is Exposure.COMPUTED else (),
        )
        for place, (column, exposure) in enumerate(found)
    ]


def _audited(
    pooled: PooledView, hints: Iterable[Mapping[PoolKey, int]], progress: Callable[[float], None]
) -> list[tuple[int, Exposure]]:
    view = pooled.view
    keys = view.system.keys
    published = {key: int(view.figures[column]) for column, key in enumerate(keys) if view.known[column]}
    required = {key: pooled.required.get(column, NOTHING) for column, key in enumerate(keys) if not view.known[column]}
    number = {key: column for column, key in enumerate(keys)}
    usable = [hint for hint in hints if required.keys() <= hint.keys()]
    found = audit.findings(view.system, published, required, hints=usable, progress=progress)
    exposures = {
        audit.Reason.CONTRADICTION: Exposure.CONTRADICTION,
        audit.Reason.UNFINISHED: Exposure.UNFINISHED,
    }
    told = ((number[finding.key], exposures.get(finding.reason, Exposure.COMPUTED)) for finding in found)
    return sorted((column, exposure) for column, exposure in told if column in pooled.members)


def _contradicting(pooled: PooledView) -> set[int]:
    """The columns of the sums of known cells that do not hold: something was presumed that is not so."""
    view, system = pooled.view, pooled.view.system
    excess = system.sums(np.where(view.known, view.figures, 0)) - system.right
    open_rows = np.unique(system.row_of_entry[~view.known[system.columns]])
    wrong = np.where(system.exact, excess != 0, excess > 0)
    wrong[open_rows] = False
    return set(system.columns[wrong[system.row_of_entry]].tolist())


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


def _groups(
    records: Sequence[tuple[Collection[PoolKey], int]], holdings: Holdings, own: Source, minimum: int
) -> list[PoolFinding]:
    """The groups that the shown cells single out with the candidate, and did not without."""
    shown = {
        source.pool_key(key) for source in holdings.all() for key, figure in source.cells.items() if figure is not None
    }
    before = {cell for cell in shown if cell[0] != own.name}
    found = []
    known = [
        frozenset(atom.cells for atom in group.atoms)
        for group in small_groups(atoms_of(records, before), minimum=minimum)
    ]
    for group in small_groups(atoms_of(records, shown), minimum=minimum):
        if frozenset(atom.cells & before for atom in group.atoms) in known:
            continue
        cells = tuple(sorted(frozenset().union(*(atom.cells for atom in group.atoms))))
        found.append(PoolFinding(cells, Exposure.GROUP, () if group.chain is None else (group.chain,)))
    return found


def _same_as(cell: PoolKey) -> Chain:
    return Chain(Sense.EQUALS, ((cell, Fraction(1)),))
