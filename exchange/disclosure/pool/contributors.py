"""The candidate's primary cells against its own contributors, who hold everything that was released before.

A contributor who knows their own cells of the candidate takes them, like anybody else, for the same figures in earlier
releases, and subtracts them there too. Contributors presume different things to be so and are misled apart, so those of
whom something is not so look again alone. What the earlier releases tell a contributor without the candidate is not
its fault, and withholding more of it would not mend it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from exchange.disclosure.arrays import INFINITY, Mask
from exchange.disclosure.audit import AuditOutcome, InsiderView, Reason, audit
from exchange.disclosure.pool.exposure import PoolFinding
from exchange.disclosure.pool.presumed import Place
from exchange.disclosure.pool.system import Candidate, Holdings, PooledView, pooled_view
from exchange.disclosure.pool.told import Told, instead_of, places, told, truth
from exchange.disclosure.problem import Insider, Needs

LOOKS_MAX = 200
"""How many times contributors look, before all that they find counts."""


def exposed_to_contributors(
    candidate: Candidate, holdings: Holdings, given_up: Sequence[frozenset[Place]], *, work_max: int
) -> tuple[PoolFinding, ...]:
    """The guarded cells of the candidate that one of its insiders computes too closely with its help.

    Args:
        candidate: With its insiders; nothing is found without.
        holdings: With the candidate.
        given_up: What readers who know nothing besides do not presume, each in turn.
        work_max: Simplex iterations of each look.
    """
    if not candidate.insiders or not any(map(candidate.guards, candidate.required)):
        return ()
    return _Asking(candidate, holdings, work_max, tuple(given_up)).found()


@dataclass(frozen=True)
class _Group:
    """Contributors who give up the same presumptions."""

    dropped: frozenset[Place]
    insiders: tuple[Insider, ...]


@dataclass
class _Asking:
    candidate: Candidate
    holdings: Holdings
    work_max: int
    given_up: tuple[frozenset[Place], ...]
    _waiting: list[_Group] = field(default_factory=list, init=False)
    _seen: set[_Group] = field(default_factory=set, init=False)

    def found(self) -> tuple[PoolFinding, ...]:
        """What any contributor finds."""
        findings: dict[PoolFinding, None] = {}
        for dropped in self.given_up:
            self._ask(dropped, tuple(self.candidate.insiders))
        while self._waiting:
            findings |= dict.fromkeys(self._look(self._waiting.pop(0)))
        return tuple(findings)

    def _ask(self, dropped: frozenset[Place], insiders: tuple[Insider, ...]) -> None:
        group = _Group(dropped, insiders)
        if insiders and group not in self._seen:
            self._seen.add(group)
            self._waiting.append(group)

    def _look(self, group: _Group) -> list[PoolFinding]:
        """What all of a group find; who is misled, or needs no candidate for it, is asked again alone."""
        pooled = pooled_view(self.candidate, self.holdings, dropped=group.dropped)
        views = {one: view for one in group.insiders if (view := _informed(self.candidate, pooled, one)) is not None}
        if not views:
            return []
        insiders, seen = tuple(views), tuple(views.values())
        outcome = self._audit(pooled, seen, _guarded(self.candidate, pooled), self.holdings)
        found = told(pooled, outcome, seen)
        if len(self._seen) >= LOOKS_MAX:
            return [one.finding for one in found]
        if _at_odds(outcome):
            return [] if self._apart(group, pooled, insiders, seen) else [one.finding for one in found]
        if group.dropped in self.given_up:
            found = [one for one in found if one.attacker is not None or not one.finding.chains]
        misled = [one for one in found if one.misleads(self.candidate)]
        excused = [one for one in found if one not in misled and self._without_candidate(group, one, insiders)]
        again = {one.attacker for one in (*misled, *excused) if one.attacker is not None}
        if len(insiders) == 1:
            for dropped in instead_of(pooled, group.dropped, misled):
                self._ask(dropped, insiders)
        elif again:
            for place in sorted(again):
                self._ask(group.dropped, insiders[place : place + 1])
            self._ask(group.dropped, tuple(one for place, one in enumerate(insiders) if place not in again))
        return [one.finding for one in found if one not in misled and one not in excused]

    def _apart(
        self, group: _Group, pooled: PooledView, insiders: tuple[Insider, ...], views: Sequence[InsiderView]
    ) -> bool:
        """Ask the halves of a group whose knowledge does not agree with what is presumed; one gives presumptions up.

        Returns:
            Whether there was anything left to give up.
        """
        half = len(insiders) // 2
        if half:
            self._ask(group.dropped, insiders[:half])
            self._ask(group.dropped, insiders[half:])
            return True
        own = places(pooled, {cell for view in views for cell in view.insider.known})
        more = own if not own <= group.dropped else frozenset(pooled.places.values())
        self._ask(group.dropped | more, insiders)
        return not more <= group.dropped

    def _without_candidate(self, group: _Group, one: Told, insiders: Sequence[Insider]) -> bool:
        """Whether this contributor computes the cell from the earlier releases alone, as truly."""
        if one.attacker is None:
            return False
        silent = self.holdings.silencing(self.candidate.release.name)
        pooled = pooled_view(self.candidate, silent, dropped=group.dropped)
        view = _informed(self.candidate, pooled, insiders[one.attacker])
        if view is None:
            return False
        asked = np.zeros(len(pooled.view.known), dtype=np.bool_)
        asked[[column for column, cells in pooled.members.items() if set(cells) & set(one.finding.cells)]] = True
        outcome = self._audit(pooled, (view,), asked & _guarded(self.candidate, pooled), silent)
        found = [] if _at_odds(outcome) else told(pooled, outcome, (view,))
        return any(again.finding.chains and not again.misleads(self.candidate) for again in found)

    def _audit(
        self, pooled: PooledView, insiders: Sequence[InsiderView], guarded: Mask, holdings: Holdings
    ) -> AuditOutcome:
        needs = pooled.needs
        return audit(
            pooled.view,
            Needs(
                np.where(guarded, needs.reach, -INFINITY),
                np.where(guarded, needs.fall, INFINITY),
                np.where(guarded, needs.width, 0.0),
            ),
            insiders=insiders,
            guarded=guarded,
            hints=truth(pooled, holdings),
            work_max=self.work_max,
        )


def _at_odds(outcome: AuditOutcome) -> bool:
    """Whether what insiders know and what is presumed cannot all be so."""
    return any(finding.reason in {Reason.KNOWLEDGE, Reason.CONTRADICTION} for finding in outcome.findings)


def _informed(candidate: Candidate, pooled: PooledView, insider: Insider) -> InsiderView | None:
    """What an insider of the candidate knows, by columns of the pool; None where it is nothing that others do not."""
    keys, name = candidate.order, candidate.release.name
    column_of = {cell: column for column, cells in pooled.members.items() for cell in cells if cell[0] == name}
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
    if not known and not least:
        return None
    return InsiderView(replace(insider, known=tuple(known), least=least), tuple(known.values()))


def _guarded(candidate: Candidate, pooled: PooledView) -> Mask:
    """The columns that stand for a cell which the candidate's insiders must not learn either."""
    guarded, name = np.zeros(len(pooled.view.known), dtype=np.bool_), candidate.release.name
    for column, cells in pooled.members.items():
        guarded[column] = any(cell[0] == name and candidate.guards(cell[1:]) for cell in cells)
    return guarded
