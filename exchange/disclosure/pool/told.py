"""What an audit of the pool found, told: which hidden cells, by which chain, and whether the chain says what is so."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from exchange.disclosure.arrays import Floats
from exchange.disclosure.audit import AuditOutcome, InsiderView, Reason
from exchange.disclosure.pool.chain import Chain, Sense, chains
from exchange.disclosure.pool.exposure import Exposure, PoolFinding
from exchange.disclosure.pool.presumed import Place
from exchange.disclosure.pool.system import Candidate, Holdings, PooledView
from exchange.disclosure.problem import View

CHAINS_MAX = 20
"""How many findings are explained; the others are named."""

EXPOSURE = {
    Reason.CONTRADICTION: Exposure.CONTRADICTION,
    Reason.KNOWLEDGE: Exposure.CONTRADICTION,
    Reason.UNFINISHED: Exposure.UNFINISHED,
}
"""What the audit's reasons mean here; all others mean that a cell is computed."""


@dataclass(frozen=True, slots=True)
class Told:
    """A finding, and in whose view.

    Attributes:
        column: The number that the cells are taken for.
        attacker: The insider's place in the list that the audit was given; None for anybody.
    """

    finding: PoolFinding
    column: int
    attacker: int | None
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


def given_away(pooled: PooledView) -> Iterator[PoolFinding]:
    """The hidden cells that another release shows."""
    for cell, elsewhere in sorted(pooled.given_away):
        yield PoolFinding((cell,), Exposure.SHOWN, (Chain(Sense.EQUALS, ((elsewhere, Fraction(1)),)),))


def told(pooled: PooledView, outcome: AuditOutcome, insiders: Sequence[InsiderView] = ()) -> list[Told]:
    """The findings of an audit of this view, the first of them with their chains."""
    found = []
    for place, finding in enumerate(outcome.findings):
        if finding.cell not in pooled.members:
            continue
        by_whom = Exposure.COMPUTED if finding.attacker is None else Exposure.CONTRIBUTOR
        exposure = EXPOSURE.get(finding.reason, by_whom)
        how: tuple[Chain, ...] = ()
        view = pooled.view if finding.attacker is None else _seen_by(pooled.view, insiders[finding.attacker])
        if place < CHAINS_MAX and exposure is by_whom:
            how = chains(view, finding.cell)
        said = PoolFinding(pooled.members[finding.cell], exposure, how)
        found.append(Told(said, finding.cell, finding.attacker, view))
    return found


def instead_of(
    pooled: PooledView, dropped: frozenset[Place], misleading: Collection[Told]
) -> tuple[frozenset[Place], ...]:
    """What those give up who are misled about these cells, where one of their presumptions may yet be true.

    Somebody who presumes all but those cells, and somebody who presumes nothing but those cells; and the same of each
    of them that is presumed to be one number in several releases: one may have stood still where others did not.
    """
    if not misleading:
        return ()
    everything = frozenset(pooled.places.values())
    wrong = places(pooled, {found.column for found in misleading})
    presumed = places(pooled, {found.column for found in misleading if len(found.finding.cells) > 1}) - dropped
    found = [dropped | (wrong - dropped or everything - wrong), dropped | (everything - wrong)]
    for place in sorted(presumed, key=_in_order):
        found += [dropped | {place}, dropped | (everything - {place})]
    return tuple(one for one in dict.fromkeys(found) if one != dropped)


def _in_order(place: Place) -> tuple[str, list[tuple[str, str]]]:
    period, name = place
    return period, sorted(name)


def places(pooled: PooledView, columns: Collection[int]) -> frozenset[Place]:
    """The period and name of the cells that these columns stand for."""
    keys = pooled.view.system.keys
    return frozenset(pooled.places[keys[column]] for column in columns if keys[column] in pooled.places)


def truth(pooled: PooledView, holdings: Holdings) -> list[Floats]:
    """The true table, where every hidden figure is known here: the best hint there is."""
    truths = {source.pool_key(key): figure for source in holdings.all() for key, figure in source.truth.items()}
    table = pooled.view.figures.astype(np.float64)
    for column in np.flatnonzero(~pooled.view.known).tolist():
        trues = {truths.get(cell) for cell in pooled.members.get(column, (pooled.view.system.keys[column],))} - {None}
        if len(trues) != 1:
            return []
        table[column] = float(trues.pop() or 0)
    return [table]


def _seen_by(view: View, insider: InsiderView) -> View:
    """The view with what the insider knows beside it."""
    known, figures, low = view.known.copy(), view.figures.copy(), view.low.copy()
    for cell, figure in zip(insider.insider.known, insider.figures, strict=True):
        known[cell], figures[cell] = True, figure
    for cell, part in insider.insider.least:
        low[cell] = max(low[cell], part)
    return replace(view, known=known, figures=figures, low=low)
