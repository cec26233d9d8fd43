"""An instance protected and audited: the optimiser proposes, the audit decides, what it refuses is repaired."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from exchange.disclosure.arrays import Floats, Mask
from exchange.disclosure.audit import AuditOutcome, Reason, audit, informed
from exchange.disclosure.optimise import UnprotectableError, suppress
from exchange.disclosure.optimise.exact import Improved, improve
from exchange.disclosure.problem import Problem, Suppressed, View
from exchange.disclosure.tabular.model import Instance
from exchange.disclosure.tabular.publication import Publication
from exchange.disclosure.tabular.rows import shown
from exchange.errors.tabular import NoSafeSuppressionError, SuppressionUnsafeError

ENGINE = ("exchange.disclosure", "2")
"""Name and version of the program that protects and audits."""

IMPROVE_WORK = 400_000.0
"""Work of the exact method, in the unit of its meter."""

IMPROVE_CELLS_MAX = 5_000
"""The exact method is tried on tables of at most so many cells."""

IMPROVED, PROVED = 3, 4
"""Stages beyond the optimiser's own (see `Suppressed`)."""

PUBLISHED = "it is published"


@dataclass(frozen=True, slots=True)
class Exposure:
    """A cell that is not safe.

    Attributes:
        cell: Its number.
        reason: Why.
        exact: Whether its figure is known.
        insider: Whether somebody who knows more than is published is needed for it.
    """

    cell: int
    reason: str
    exact: bool
    insider: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the audit says of one publication, or of several that are pooled.

    Attributes:
        withheld: How many cells are.
        exposed: In order of the cells.
        finished: Whether every cell was decided; what was not is among the exposed.
        attackers: Against how many.
        programmes: Solved by the audit.
    """

    withheld: int
    exposed: tuple[Exposure, ...]
    finished: bool
    attackers: int
    programmes: int

    @property
    def safe(self) -> bool:
        """Whether every primary cell is withheld and every withheld cell keeps what it must."""
        return self.finished and not self.exposed


@dataclass(frozen=True, slots=True)
class ProtectedInstance:
    """A pattern that the audit found safe."""

    publication: Publication
    suppressed: Suppressed
    verdict: Verdict


def judge(
    problem: Problem,
    known: Mask,
    *,
    hints: Sequence[Floats] = (),
    progress: Callable[[float], None],
) -> Verdict:
    """Audit what a reader computes who sees these cells, against every attacker of the problem.

    Args:
        problem: The true figures, the needs and the attackers.
        known: The cells that are published to the reader.
        hints: Tables that may be witnesses; the audit verifies each.
        progress: Told the share that is done.
    """
    view = View(
        system=problem.system,
        known=known,
        figures=np.where(known, problem.values, 0),
        whole=problem.whole,
        low=problem.low,
        high=problem.high,
    )
    truth = problem.values.astype(np.float64)
    outcome = audit(
        view,
        problem.needs,
        insiders=informed(problem.insiders, problem.values),
        hints=(truth, *hints),
        progress=progress,
    )
    return _verdict(outcome, known, problem.primary)


def protect_instance(
    instance: Instance,
    problem: Problem,
    *,
    stop: Callable[[], bool],
    progress: Callable[[str, float], None],
) -> ProtectedInstance:
    """Withhold enough cells of the instance at little cost, and prove it.

    Args:
        instance: For the names of its cells.
        problem: What is asked of it.
        stop: Asked between programmes; once it says yes, the last finished stage counts.
        progress: Told the stage and its share done.

    Raises:
        NoSafeSuppressionError: No pattern protects some cell.
        SuppressionUnsafeError: The audit finds the pattern unsafe.
    """
    try:
        first = suppress(problem, stop=stop, progress=progress)
        best = _improved(problem, first, stop, progress)
        verdict = judge(problem, ~best.withheld, hints=best.witnesses, progress=lambda s: progress("audit", s))
        if not verdict.safe and best is not first:
            best = _repaired(problem, first, best, progress)
            verdict = judge(problem, ~best.withheld, hints=best.witnesses, progress=lambda s: progress("audit", s))
    except UnprotectableError as error:
        cell = shown(instance.cells.keys[error.cell])
        reason = "the outsider" if error.attacker is None else "an insider"
        raise NoSafeSuppressionError(name=instance.structure.name, cell=cell, attacker=reason) from error
    if not verdict.safe:
        cell = shown(instance.cells.keys[verdict.exposed[0].cell])
        raise SuppressionUnsafeError(
            name=instance.structure.name, count=len(verdict.exposed), cell=cell, reason=verdict.exposed[0].reason
        )
    figures = np.where(best.withheld, 0, problem.values)
    return ProtectedInstance(Publication(~best.withheld, figures), best, verdict)


def _improved(
    problem: Problem, first: Suppressed, stop: Callable[[], bool], progress: Callable[[str, float], None]
) -> Suppressed:
    if stop() or problem.size > IMPROVE_CELLS_MAX:
        return first
    found = improve(
        problem, first.withheld, work_max=IMPROVE_WORK, stop=stop, progress=lambda share: progress("improve", share)
    )
    return _as_suppressed(problem, first, found)


def _as_suppressed(problem: Problem, first: Suppressed, found: Improved) -> Suppressed:
    cost = problem.cost(found.withheld)
    proved = cost <= found.bound * (1 + 1e-6)
    return Suppressed(
        withheld=found.withheld,
        stage=PROVED if proved else IMPROVED,
        cost=cost,
        bound=min(found.bound, cost),
        programmes=first.programmes + found.programmes,
        witnesses=first.witnesses,
    )


def _repaired(
    problem: Problem, first: Suppressed, best: Suppressed, progress: Callable[[str, float], None]
) -> Suppressed:
    """A pattern that is safe in fractions only gets more cells; the cheaper of it and the first pattern."""
    found = suppress(problem, start=best.withheld, progress=progress)
    chosen = min(found, first, key=lambda pattern: pattern.cost)
    return Suppressed(
        withheld=chosen.withheld,
        stage=IMPROVED,
        cost=chosen.cost,
        bound=best.bound,
        programmes=best.programmes + found.programmes,
        witnesses=chosen.witnesses,
    )


def _verdict(outcome: AuditOutcome, known: Mask, primary: Mask) -> Verdict:
    exposed = [
        Exposure(cell, PUBLISHED, exact=True, insider=False) for cell in np.flatnonzero(known & primary).tolist()
    ]
    for finding in outcome.findings:
        exact = finding.reason in {Reason.EXACT, Reason.SUMS}
        exposed.append(Exposure(finding.cell, finding.reason.value, exact, finding.attacker is not None))
    return Verdict(
        withheld=int((~known).sum()),
        exposed=tuple(sorted(exposed, key=lambda found: found.cell)),
        finished=outcome.finished,
        attackers=outcome.attackers,
        programmes=outcome.programmes,
    )
