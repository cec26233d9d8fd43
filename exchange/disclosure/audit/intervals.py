"""The exact feasibility interval of withheld cells: for the officer's eyes, never for a report."""

from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from exchange.disclosure.audit.alone import Alone
from exchange.disclosure.audit.anchor import find_anchor
from exchange.disclosure.audit.attackers import Attackers
from exchange.disclosure.audit.component import FAR, Component, components
from exchange.disclosure.audit.model import InsiderView, Interval, Reason
from exchange.disclosure.audit.programmes import MakeSolver, Meter, Programmes
from exchange.disclosure.audit.proof import Demands, Proof
from exchange.disclosure.audit.solver import Programme
from exchange.disclosure.audit.verdict import WORK_MAX, contradictions
from exchange.disclosure.problem import View


def intervals(
    view: View,
    cells: Iterable[int] | None = None,
    insider: InsiderView | None = None,
    *,
    work_max: int = WORK_MAX,
    make: MakeSolver = Programme,
) -> dict[int, Interval]:
    """By withheld cell, what an attacker can compute of it.

    In whole numbers where the view is, and in fractions otherwise. The ends rest on the solver's word that there is
    nothing beyond them; that a table takes them is verified, or the interval is not `exact`.

    Args:
        view: What the attacker sees.
        cells: Those wanted; all withheld ones if None.
        insider: What the attacker knows besides; the outsider if None.
        work_max: Simplex iterations; what is not computed by then has the bounds known beforehand.
        make: Makes the solver.

    Returns:
        Empty if what is known is contradictory: then no table exists.
    """
    known = () if insider is None else (insider,)
    if contradictions(view, known):
        return {}
    meter, everybody, found = Meter(work_max), Attackers(known), dict[int, Interval]()
    wanted = None if cells is None else set(cells)
    for component in components(view):
        places = [place for place, cell in enumerate(component.cells.tolist()) if wanted is None or cell in wanted]
        if not places:
            continue
        attackers = everybody.of(component)
        anchor = find_anchor(component, attackers, (), meter, make)
        if anchor is Reason.UNFINISHED:
            found |= {int(component.cells[place]): _beforehand(component, place) for place in places}
            continue
        if isinstance(anchor, Reason):
            return {}
        # No table is wide enough for this, so that every end that is found is kept.
        endless = np.full(component.size, 2 * FAR)
        proof = Proof(component, anchor, Demands(-endless, endless, endless, endless > 0), attackers)
        alone = Alone(proof, Programmes(component, anchor, meter, make))
        bit = 1 << len(attackers) - 1
        for place in places:
            found[int(component.cells[place])] = _interval(component, alone, place, bit)
    return dict(sorted(found.items()))


def _beforehand(component: Component, place: int) -> Interval:
    low, high = int(component.low[place]), int(component.high[place])
    return Interval(
        None if low <= -FAR else Fraction(low, component.scale),
        None if high >= FAR else Fraction(high, component.scale),
        exact=False,
    )


def _interval(component: Component, alone: Alone, place: int, bit: int) -> Interval:
    low, low_taken = alone.end(place, bit, upwards=False)
    high, high_taken = alone.end(place, bit, upwards=True)
    scale = component.scale
    return Interval(
        None if low is None else Fraction(low) / scale,
        None if high is None else Fraction(high) / scale,
        low_taken and high_taken,
    )
