"""The audit of one view: what of it is proved safe, and what is not."""

from collections.abc import Callable, Sequence

import numpy as np

from exchange.disclosure.arrays import Floats, Mask
from exchange.disclosure.audit.attackers import Attackers
from exchange.disclosure.audit.component import components, row_sums
from exchange.disclosure.audit.examination import examine
from exchange.disclosure.audit.model import AuditOutcome, Finding, InsiderView, Reason
from exchange.disclosure.audit.programmes import MakeSolver, Meter
from exchange.disclosure.audit.solver import Programme
from exchange.disclosure.grid import Grid
from exchange.disclosure.problem import Needs, View

WORK_MAX = 50_000_000
"""Simplex iterations of one audit, unless asked otherwise."""


GRID_MIN = 1_000
"""Withheld cells from which on boxes are looked for first."""


def _silent(_share: float) -> None:
    """Nobody waits for a share of the work."""


def audit(
    view: View,
    needs: Needs,
    *,
    insiders: Sequence[InsiderView] = (),
    guarded: Mask | None = None,
    hints: Sequence[Floats] = (),
    work_max: int = WORK_MAX,
    progress: Callable[[float], None] = _silent,
    make: MakeSolver = Programme,
) -> AuditOutcome:
    """Whether every withheld cell keeps what it must in the view of every attacker.

    The outsider knows the view. An insider knows the figures of `known` besides, and that cells of `least` are no less
    than the part given. What is theirs is not held against the table: `known` cells carry no need against them; of a
    `least` cell they must not learn more than their own part tells them (lo ≤ max(fall, part)), and must stay unsure
    of the rest (reach and width stand): it belongs to others.

    Args:
        view: What the attackers see.
        needs: By cell of the view; only withheld cells are looked at.
        insiders: Attackers who know more, with the figures they know.
        guarded: Cells that keep their needs against insiders as well (None: all); others against the outsider only.
        hints: Tables over all cells, in the table's unit, that may be witnesses; each is verified. The true table,
            where it is at hand, should be the first: it saves the search for a table that all insiders agree with.
        work_max: Simplex iterations; what is not decided by then is not safe.
        progress: Told the share of the withheld cells that are done.
        make: Makes the solver.
    """
    meter, everybody = Meter(work_max), Attackers(insiders)
    everywhere = np.ones(len(view.known), dtype=np.bool_) if guarded is None else guarded
    unknown = ~view.known
    fractional = done = 0
    if not (found := contradictions(view, insiders)):
        grid = Grid.of(view.system) if unknown.sum() > GRID_MIN else None
        for component in components(view):
            examined = examine(component, needs, everywhere, everybody, grid, hints, meter, make)
            found += examined.findings
            fractional += examined.fractional
            done += component.size
            progress(done / int(unknown.sum()))
    return AuditOutcome(
        findings=tuple(sorted(found, key=lambda finding: finding.cell)),
        finished=all(finding.reason is not Reason.UNFINISHED for finding in found),
        cells=int((unknown & asked(needs)).sum()),
        attackers=1 + len(insiders),
        programmes=meter.programmes,
        work=meter.work,
        fractional=fractional,
    )


def asked(needs: Needs) -> Mask:
    """The cells that must keep something, if withheld."""
    return (needs.reach > -np.inf) | (needs.fall < np.inf) | (needs.width > 0)


def contradictions(view: View, insiders: Sequence[InsiderView]) -> list[Finding]:
    """What cannot all be true: then no table exists, and nothing withheld is proved safe."""
    figures, system = np.where(view.known, view.figures, 0), view.system
    outside = view.known & ((figures < view.low) | (figures > view.high)) | (view.low > view.high)
    excess = row_sums(system.starts, system.coefficients * figures[system.columns]) - system.right
    withheld = row_sums(system.starts, (~view.known[system.columns]).astype(np.int64))
    broken = (withheld == 0) & np.where(system.exact, excess != 0, excess > 0)
    outside[system.columns[np.repeat(broken, np.diff(system.starts))]] = True
    found = [Finding(cell, Reason.CONTRADICTION) for cell in np.flatnonzero(outside).tolist()]
    for number, insider in enumerate(insiders):
        pairs = zip(insider.insider.known, insider.figures, strict=True)
        wrong = [cell for cell, figure in pairs if view.known[cell] and view.figures[cell] != figure]
        wrong += [cell for cell, part in insider.insider.least if view.known[cell] and view.figures[cell] < part]
        found += [Finding(cell, Reason.KNOWLEDGE, number) for cell in wrong]
    if found:
        done = {finding.cell for finding in found}
        found += [
            Finding(cell, Reason.CONTRADICTION) for cell in np.flatnonzero(~view.known).tolist() if cell not in done
        ]
    return found
