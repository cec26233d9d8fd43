"""The withheld cells of the pool: which of them do not keep what they must in anybody's view."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from exchange.disclosure.audit import AuditOutcome, audit
from exchange.disclosure.pool.exposure import Exposure, PoolFinding
from exchange.disclosure.pool.presumed import Place
from exchange.disclosure.pool.system import Candidate, Holdings, PooledView, pooled_view
from exchange.disclosure.pool.told import EXPOSURE, given_away, instead_of, places, told, truth
from exchange.disclosure.relations import System

LOOKS_MAX = 24
"""How many readers with other presumptions are asked, before all that the next one finds counts, so or not."""


@dataclass(frozen=True, slots=True)
class ExposedCells:
    """What the audit says of all withheld cells that somebody holds.

    Attributes:
        outcome: Of who makes every presumption.
        given_up: What each reader who was asked does not presume.
    """

    findings: tuple[PoolFinding, ...]
    outcome: AuditOutcome
    given_up: tuple[frozenset[Place], ...]


def exposed_cells(
    candidate: Candidate, holdings: Holdings, *, work_max: int, progress: Callable[[float], None]
) -> ExposedCells:
    """Every withheld cell of the holdings that is not proved safe against anybody.

    Where a presumption contradicts the sums it is given up, and the audit made again: whoever presumes so learns that
    it is not so, and nothing more. Where what follows from presumptions is not true of a cell of the candidate, whoever
    makes them all is misled; but one of them may be true. So more look: who presumes all but that cell, and who
    presumes nothing but that cell, of each such cell and of all of them. What any of them finds, and is so, counts.
    """
    looks, seen = [frozenset[Place]()], set[frozenset[Place]]()
    found: dict[PoolFinding, None] = {}
    asked: dict[frozenset[Place], AuditOutcome] = {}
    while looks:
        dropped = looks.pop(0)
        seen.add(dropped)
        looked = _look(candidate, holdings, dropped, work_max=work_max, progress=progress)
        asked.setdefault(looked.dropped, looked.outcome)
        more = [one for one in looked.instead if one not in seen]
        if looked.instead and len(seen) + len(looks) + len(more) <= LOOKS_MAX:
            found |= dict.fromkeys(looked.true_findings)
            looks += more
        else:
            found |= dict.fromkeys(looked.findings)
    return ExposedCells(tuple(found), next(iter(asked.values())), tuple(asked))


@dataclass(frozen=True, slots=True)
class _Look:
    """What somebody finds who makes some presumptions.

    Attributes:
        findings: All of them, whether or not they are so.
        true_findings: Those that are not known to be untrue.
        dropped: What is not presumed.
        instead: What those give up who would have to look once more.
    """

    findings: tuple[PoolFinding, ...]
    true_findings: tuple[PoolFinding, ...]
    dropped: frozenset[Place]
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
        outcome = audit(pooled.view, pooled.needs, hints=truth(pooled, holdings), work_max=work_max, progress=progress)
        said = {finding.cell for finding in outcome.findings if EXPOSURE.get(finding.reason) is Exposure.CONTRADICTION}
        around = _with_neighbours(pooled.view.system, _contradicting(pooled) or said)
        more = places(pooled, around) - dropped
        if not more:
            break
        dropped |= more
    found = told(pooled, outcome)
    misleading = [one for one in found if one.misleads(candidate)]
    shown = tuple(given_away(pooled))
    return _Look(
        findings=(*shown, *(one.finding for one in found)),
        true_findings=(*shown, *(one.finding for one in found if one not in misleading)),
        dropped=dropped,
        instead=instead_of(pooled, dropped, misleading),
        outcome=outcome,
    )


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
