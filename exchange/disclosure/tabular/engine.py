"""An instance protected and audited: the optimiser proposes, the audit decides, what it refuses is repaired."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from exchange.disclosure.arrays import Floats, Mask
from exchange.disclosure.audit import AuditOutcome, Reason, audit, informed
from exchange.disclosure.led import suppress_led
from exchange.disclosure.optimise import Effort, UnprotectableError, suppress
from exchange.disclosure.optimise.exact import improve
from exchange.disclosure.problem import Problem, Suppressed, View
from exchange.disclosure.tabular.model import Instance
from exchange.disclosure.tabular.publication import Publication
from exchange.disclosure.tabular.rows import shown
from exchange.errors.tabular import NoSafeSuppressionError, SuppressionUnsafeError

IMPROVE_WORK = {1_250: 400_000.0, 1_600: 200_000.0, 5_000: 300_000.0}
"""Work of the exact method, in the unit of its meter, by the most cells that a table may have for it."""

IMPROVE_WORK_INSIDERS = {1_250: 100_000.0, 1_600: 50_000.0}
"""The same where insiders look: they are many, and proofs against all of them are out of reach."""

RELAX_WORK = 20_000.0
"""Work on the relaxation that leads the suppression of a table too large for the exact method to begin with; its bound
is what the report has where that method does not follow."""

LED_MIN, LED_MAX = 1_600, 20_000
"""Cells beyond which the relaxation leads, and up to which."""

REPAIRS_MAX = 3
"""How often more is asked for what the audit refuses."""

IMPROVED, PROVED = 3, 4
"""Stages beyond the optimiser's own (see `Suppressed`)."""

PROOF = 1e-6
"""A cost within this share of the bound is proved least."""

REPAIR = Effort(thorough=False, clean_up=0, exchange=0)

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
    cheaper: Callable[[float], None] = lambda _cost: None,
) -> ProtectedInstance:
    """Withhold enough cells of the instance at little cost, and prove it.

    Args:
        instance: For the names of its cells.
        problem: What is asked of it.
        stop: Asked between programmes; once it says yes, the last finished stage counts.
        progress: Told the stage and its share done.
        cheaper: Told what each pattern costs that is cheaper than all before it.

    Raises:
        NoSafeSuppressionError: No pattern protects some cell.
        SuppressionUnsafeError: The audit finds the pattern unsafe.
    """
    name, keys = instance.structure.name, instance.cells.keys
    try:
        found = withhold(problem, stop=stop, progress=progress, cheaper=cheaper)
        found, verdict = audited(problem, found, lambda share: progress("audit", share))
    except UnprotectableError as error:
        attacker = "the outsider" if error.attacker is None else "an insider"
        raise NoSafeSuppressionError(name=name, cell=shown(keys[error.cell]), attacker=attacker) from error
    known = ~found.withheld
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
    cheaper: Callable[[float], None] = lambda _cost: None,
) -> Suppressed:
    """A safe pattern; without an effort given, as cheap as a table of its size is worth, and with a proven bound.

    Raises:
        UnprotectableError: No pattern protects some cell.
    """
    if effort is not None:
        found = suppress(problem, effort=effort, stop=stop, progress=progress, found=cheaper)
    elif LED_MIN < problem.size <= LED_MAX:
        first = suppress_led(problem, work_max=RELAX_WORK, stop=stop, progress=progress)
        cheaper(first.cost)
        found = _improved(problem, first, stop, progress, cheaper)
    else:
        first = suppress(problem, stop=stop, progress=progress, found=cheaper)
        found = _improved(problem, first, stop, progress, cheaper)
    return replace(found, stage=PROVED if found.cost <= found.bound * (1 + PROOF) else found.stage)


def audited(problem: Problem, found: Suppressed, progress: Callable[[float], None]) -> tuple[Suppressed, Verdict]:
    """The pattern, with more cells where the audit refuses it: what it finds short is asked for more, a few times."""
    verdict = judge(problem, ~found.withheld, hints=found.witnesses, progress=progress)
    for more in range(1, REPAIRS_MAX + 1):
        if verdict.safe or any(exposure.reason == PUBLISHED for exposure in verdict.exposed):
            break
        short = [exposure.cell for exposure in verdict.exposed]
        try:
            repaired = suppress(_asking_more(problem, short, more), start=found.withheld, effort=REPAIR)
        except UnprotectableError:
            break
        withheld = repaired.withheld | found.withheld
        found = replace(
            found,
            withheld=withheld,
            cost=problem.cost(withheld),
            programmes=found.programmes + repaired.programmes,
            witnesses=(*found.witnesses, *repaired.witnesses),
        )
        verdict = judge(problem, ~withheld, hints=found.witnesses, progress=progress)
    return found, verdict


def _asking_more(problem: Problem, cells: Sequence[int], more: int) -> Problem:
    """What is short must go further, and whatever gets withheld for it too: whole numbers reach less than fractions."""
    needs = problem.needs
    reach, width = needs.reach.copy(), needs.width.copy()
    reach[cells] += more
    width[cells] += more
    return replace(problem, needs=replace(needs, reach=reach, width=width))


def _improved(
    problem: Problem,
    first: Suppressed,
    stop: Callable[[], bool],
    progress: Callable[[str, float], None],
    cheaper: Callable[[float], None],
) -> Suppressed:
    """The exact method's pattern, if the audit's whole numbers do not need more cells than its fractions."""
    limits = IMPROVE_WORK_INSIDERS if problem.insiders else IMPROVE_WORK
    work = next((work for cells, work in limits.items() if problem.size <= cells), 0.0)
    if not work or stop():
        return first
    found = improve(
        problem,
        first.withheld,
        work_max=work,
        stop=stop,
        progress=lambda share: progress("improve", share),
        found=cheaper,
    )
    cost = problem.cost(found.withheld)
    best = replace(
        first,
        withheld=found.withheld,
        stage=IMPROVED,
        cost=cost,
        bound=min(max(found.bound, first.bound), cost),
        programmes=first.programmes + found.programmes,
    )
    if judge(problem, ~best.withheld, hints=best.witnesses, progress=lambda share: progress("audit", share)).safe:
        return best
    repaired = suppress(problem, start=best.withheld, stop=stop, progress=progress)
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
