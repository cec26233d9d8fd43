"""The withheld cells of the pool: which of them do not keep what they must in somebody's view."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from exchange.disclosure.arrays import Floats, Mask
from exchange.disclosure.audit import AuditOutcome, InsiderView, Reason, audit
from exchange.disclosure.pool.chain import Chain, Sense, chains
from exchange.disclosure.pool.exposure import Exposure, PoolFinding
from exchange.disclosure.pool.presumed import Place
from exchange.disclosure.pool.system import Candidate, Holdings, PooledView, pooled_view
from exchange.disclosure.problem import Insider, View
from exchange.disclosure.relations import System

LOOKS_MAX = 8
"""How many readers with other presumptions are asked, before all that the first finds counts."""

CHAINS_MAX = 20
"""How many findings are explained; the others are named."""

_EXPOSURE = {
    Reason.CONTRADICTION: Exposure.CONTRADICTION,
    Reason.KNOWLEDGE: Exposure.CONTRADICTION,
    Reason.UNFINISHED: Exposure.UNFINISHED,
}


@dataclass(frozen=True, slots=True)
class ExposedCells:
    """What the audit says of all withheld cells that somebody holds."""

    findings: tuple[PoolFinding, ...]
    outcome: AuditOutcome


def exposed_cells(
    candidate: Candidate, holdings: Holdings, *, work_max: int, progress: Callable[[float], None]
) -> ExposedCells:
    """Every withheld cell of the holdings that is not proved safe.

    Where a presumption contradicts the sums it is given up, and the audit made again: whoever presumes so learns that
    it is not so, and nothing more. Where what follows from presumptions is not true of a cell of the candidate, whoever
    makes them all is misled; but one of them may be true. So two more look: who presumes all but that cell, and who
    presumes nothing but that cell. What any of them finds, and is so, counts.
    """
    looks, seen = [frozenset[Place]()], set[frozenset[Place]]()
    found: dict[PoolFinding, None] = {}
    first: AuditOutcome | None = None
    while looks:
        dropped = looks.pop(0)
        seen.add(dropped)
        looked = _look(candidate, holdings, dropped, work_max=work_max, progress=progress)
        first = first or looked.outcome
        more = [one for one in looked.instead if one not in seen]
        if looked.instead and len(seen) + len(looks) + len(more) <= LOOKS_MAX:
            found |= dict.fromkeys(looked.true_findings)
            looks += more
        else:
            found |= dict.fromkeys(looked.findings)
    assert first is not None
    return ExposedCells(tuple(found), first)


@dataclass(frozen=True, slots=True)
class _Look:
    """What somebody finds who makes some presumptions.

    Attributes:
        findings: All of them, whether or not they are so.
        true_findings: Those that are not known to be untrue.
        instead: What those give up who would have to look once more.
    """

    findings: tuple[PoolFinding, ...]
    true_findings: tuple[PoolFinding, ...]
    instead: tuple[frozenset[Place], ...]
    outcome: AuditOutcome


def _look(
    candidate: Candidate,
    holdings: Holdings,
    dropped: frozenset[Place],
    *,
    work_max: int,
    progress: Callable[[float], None],
) -> _Look:
    while True:
        pooled = pooled_view(candidate, holdings, dropped=dropped)
        insiders = _insiders(candidate, pooled)
        outcome = audit(
            pooled.view,
            pooled.needs,
            insiders=insiders,
            guarded=_guarded(candidate, pooled),
            hints=_truth(pooled, holdings),
            work_max=work_max,
            progress=progress,
        )
        said = {finding.cell for finding in outcome.findings if _EXPOSURE.get(finding.reason) is Exposure.CONTRADICTION}
        around = _with_neighbours(pooled.view.system, _contradicting(pooled) or said)
        places = _places(pooled, around) - dropped
        if not places:
            break
        dropped |= places
    told = _told(pooled, outcome, insiders)
    misleading = [found for found in told if found.misleads(candidate)]
    wrong = _places(pooled, {found.column for found in misleading})
    others = frozenset(pooled.places.values()) - wrong
    instead = (dropped | (wrong - dropped or others), dropped | others) if misleading else ()
    given_away = tuple(_given_away(pooled))
    return _Look(
        findings=(*given_away, *(found.finding for found in told)),
        true_findings=(*given_away, *(found.finding for found in told if found not in misleading)),
        instead=tuple(one for one in dict.fromkeys(instead) if one != dropped),
        outcome=outcome,
    )


def _places(pooled: PooledView, columns: Collection[int]) -> frozenset[Place]:
    keys = pooled.view.system.keys
    return frozenset(pooled.places[keys[column]] for column in columns if keys[column] in pooled.places)


@dataclass(frozen=True, slots=True)
class _Told:
    """A finding, and in whose view."""

    finding: PoolFinding
    column: int
    view: View

    def misleads(self, candidate: Candidate) -> bool:
        """Whether a chain says of the candidate's cell what is not true."""
        cells = [cell for cell in self.finding.cells if cell[0] == candidate.release.name]
        if not cells or not self.finding.chains:
            return False
        known = np.flatnonzero(self.view.known).tolist()
        figures = {self.view.system.keys[column]: int(self.view.figures[column]) for column in known}
        return not all(
            chain.allows(candidate.values[cell[1:]], figures) for cell in cells for chain in self.finding.chains
        )


def _given_away(pooled: PooledView) -> Iterator[PoolFinding]:
    for cell, elsewhere in sorted(pooled.given_away):
        yield PoolFinding((cell,), Exposure.SHOWN, (Chain(Sense.EQUALS, ((elsewhere, Fraction(1)),)),))


def _told(pooled: PooledView, outcome: AuditOutcome, insiders: list[InsiderView]) -> list[_Told]:
    found = []
    for place, finding in enumerate(outcome.findings):
        if finding.cell not in pooled.members:
            continue
        exposure = _EXPOSURE.get(finding.reason, Exposure.COMPUTED)
        told: tuple[Chain, ...] = ()
        view = _seen_by(pooled.view, None if finding.attacker is None else insiders[finding.attacker])
        if place < CHAINS_MAX and exposure is Exposure.COMPUTED:
            told = chains(view, finding.cell)
        found.append(_Told(PoolFinding(pooled.members[finding.cell], exposure, told), finding.cell, view))
    return found


def _insiders(candidate: Candidate, pooled: PooledView) -> list[InsiderView]:
    """The candidate's insiders, by the columns of the pool; of cells that everybody knows there is nothing to say."""
    column_of = {cell: column for column, cells in pooled.members.items() for cell in cells}
    keys = candidate.order
    name = candidate.release.name
    found = []
    for insider in candidate.insiders:
        known = {
            column: candidate.values[keys[cell]]
            for cell in insider.known
            if (column := column_of.get((name, *keys[cell]))) is not None
        }
        least = tuple(
            (column, part)
            for cell, part in insider.least
            if (column := column_of.get((name, *keys[cell]))) is not None and column not in known
        )
        if known or least:
            found.append(InsiderView(Insider(insider.name, tuple(known), least), tuple(known.values())))
    return found


def _guarded(candidate: Candidate, pooled: PooledView) -> Mask:
    """The columns that stand for a cell which its release's insiders must not learn either."""
    guarded = np.zeros(len(pooled.view.known), dtype=np.bool_)
    for column, cells in pooled.members.items():
        guarded[column] = any(candidate.guards(cell) for cell in cells)
    return guarded


def _seen_by(view: View, insider: InsiderView | None) -> View:
    """The view with what the insider knows beside it."""
    if insider is None:
        return view
    known, figures, low = view.known.copy(), view.figures.copy(), view.low.copy()
    for cell, figure in zip(insider.insider.known, insider.figures, strict=True):
        known[cell], figures[cell] = True, figure
    for cell, part in insider.insider.least:
        low[cell] = max(low[cell], part)
    return replace(view, known=known, figures=figures, low=low)


def _truth(pooled: PooledView, holdings: Holdings) -> list[Floats]:
    """The true table, where every hidden figure is known here: the best hint there is."""
    truths = {source.pool_key(key): figure for source in holdings.all() for key, figure in source.truth.items()}
    table = pooled.view.figures.astype(np.float64)
    for column in np.flatnonzero(~pooled.view.known).tolist():
        trues = {truths.get(cell) for cell in pooled.members.get(column, (pooled.view.system.keys[column],))} - {None}
        if len(trues) != 1:
            return []
        table[column] = float(trues.pop() or 0)
    return [table]


def _contradicting(pooled: PooledView) -> set[int]:
    """The columns of the sums of known cells that do not hold: something was presumed that is not so."""
    view, system = pooled.view, pooled.view.system
    excess = system.sums(np.where(view.known, view.figures, 0)) - system.right
    open_rows = np.unique(system.row_of_entry[~view.known[system.columns]])
    wrong = np.where(system.exact, excess != 0, excess > 0)
    wrong[open_rows] = False
    return set(system.columns[wrong[system.row_of_entry]].tolist())


def _with_neighbours(system: System, columns: Collection[int]) -> set[int]:
    """These columns, and all that stand in a sum with one of them."""
    touched = np.isin(system.columns, list(columns))
    rows = np.zeros(len(system.exact), dtype=np.bool_)
    rows[system.row_of_entry[touched]] = True
    return set(columns) | set(system.columns[rows[system.row_of_entry]].tolist())
