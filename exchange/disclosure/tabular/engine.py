"""An instance protected and audited: the optimiser proposes, the audit decides, what it refuses is repaired."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from exchange.disclosure.arrays import Floats, Mask
from exchange.disclosure.audit import AuditOutcome, Reason, audit, informed
from exchange.disclosure.optimise import Effort, UnprotectableError, suppress
from exchange.disclosure.optimise.exact import improve
from exchange.disclosure.problem import Problem, Suppressed, View
from exchange.disclosure.tabular.model import Instance
from exchange.disclosure.tabular.publication import Publication
from exchange.disclosure.tabular.rows import shown
from exchange.errors.tabular import NoSafeSuppressionError, SuppressionUnsafeError

IMPROVE_WORK = {1_600: 400_000.0, 5_000: 20_000.0}
"""Work of the exact method, in the unit of its meter, by the most cells that a table may have for it."""

IMPROVE_WORK_INSIDERS = 100_000.0
"""At most this much where insiders look: they are many, and proofs against all of them are out of reach."""

IMPROVED, PROVED = 3, 4
"""Stages beyond the optimiser's own (see `Suppressed`)."""

PROOF = 1e-6
"""A cost within this share of the bound is proved least."""

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
    """Audit what a reader computes who sees these cells, against every attacker and for every need.

    Args:
        problem: The true figures, the needs and the attackers.
        known: The cells that are published to the reader.
        hints: Tables that may be witnesses; the audit verifies each.
        progress: Told the share that is done.
    """
    outcome = audit(
        View(
            system=problem.system,
            known=known,
            figures=np.where(known, problem.values, 0),
            whole=problem.whole,
            low=problem.low,
            high=problem.high,
        ),
        problem.needs,
        insiders=informed(problem.insiders, problem.values),
        guarded=problem.guarded,
        hints=(problem.values.astype(np.float64), *hints),
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
    name, keys = instance.structure.name, instance.cells.keys
    try:
        found = withhold(problem, stop=stop, progress=progress)
    except UnprotectableError as error:
        attacker = "the outsider" if error.attacker is None else "an insider"
        raise NoSafeSuppressionError(name=name, cell=shown(keys[error.cell]), attacker=attacker) from error
    known = ~found.withheld
    verdict = judge(problem, known, hints=found.witnesses, progress=lambda share: progress("audit", share))
    if not verdict.safe:
        first = verdict.exposed[0]
        raise SuppressionUnsafeError(
            name=name, count=len(verdict.exposed), cell=shown(keys[first.cell]), reason=first.reason
        )
    return ProtectedInstance(Publication(known, np.where(known, instance.cells.values, 0)), found, verdict)


def withhold(
    problem: Problem,
    *,
    effort: Effort | None = None,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[str, float], None] = lambda _stage, _share: None,
) -> Suppressed:
    """A safe pattern; without an effort given, as cheap as a table of its size is worth, and with a proven bound.

    Raises:
        UnprotectableError: No pattern protects some cell.
    """
    first = suppress(problem, effort=effort, stop=stop, progress=progress)
    found = _improved(problem, first, stop, progress) if effort is None else first
    return replace(found, stage=PROVED if found.cost <= found.bound * (1 + PROOF) else found.stage)


def _improved(
    problem: Problem, first: Suppressed, stop: Callable[[], bool], progress: Callable[[str, float], None]
) -> Suppressed:
    """The exact method's pattern, if the audit's whole numbers do not need more cells than its fractions."""
    work = next((work for cells, work in IMPROVE_WORK.items() if problem.size <= cells), 0.0)
    if problem.insiders:
        work = min(work, IMPROVE_WORK_INSIDERS)
    if stop() or not work:
        return first
    found = improve(
        problem, first.withheld, work_max=work, stop=stop, progress=lambda share: progress("improve", share)
    )
    cost = problem.cost(found.withheld)
    best = replace(
        first,
        withheld=found.withheld,
        stage=IMPROVED,
        cost=cost,
        bound=min(found.bound, cost),
        programmes=first.programmes + found.programmes,
    )
    if judge(problem, ~best.withheld, hints=best.witnesses, progress=lambda share: progress("audit", share)).safe:
        return best
    repaired = suppress(problem, start=best.withheld, progress=progress)
    chosen = min(repaired, first, key=lambda pattern: pattern.cost)
    return replace(chosen, stage=IMPROVED, bound=best.bound, programmes=best.programmes + repaired.programmes)


def _verdict(outcome: AuditOutcome, known: Mask, primary: Mask) -> Verdict:
    """Each cell once: as exposed to the outsider where it is."""
    exposed = {
        cell: Exposure(cell, PUBLISHED, exact=True, insider=False) for cell in np.flatnonzero(known & primary).tolist()
    }
    for finding in sorted(outcome.findings, key=lambda finding: finding.attacker is not None):
        exact = finding.reason in {Reason.EXACT, Reason.SUMS}
        insider = finding.attacker is not None
        exposed.setdefault(finding.cell, Exposure(finding.cell, finding.reason.value, exact, insider))
    return Verdict(
        withheld=int((~known).sum()),
        exposed=tuple(exposed[cell] for cell in sorted(exposed)),
        finished=outcome.finished,
        attackers=outcome.attackers,
        programmes=outcome.programmes,
    )
