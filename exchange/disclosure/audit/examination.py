"""One component, examined against every attacker that it concerns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from exchange.disclosure.arrays import Floats, Mask
from exchange.disclosure.audit.alone import Alone
from exchange.disclosure.audit.anchor import find_anchor
from exchange.disclosure.audit.attackers import Attackers
from exchange.disclosure.audit.boxes import Boxes
from exchange.disclosure.audit.component import Component, lattice
from exchange.disclosure.audit.model import Finding, Reason
from exchange.disclosure.audit.parts import directions
from exchange.disclosure.audit.programmes import MakeSolver, Meter, OutOfWorkError, Programmes
from exchange.disclosure.audit.proof import OUTSIDER, Demands, Proof
from exchange.disclosure.audit.pushing import Pushing
from exchange.disclosure.audit.region import LARGE, Region, everywhere, regions
from exchange.disclosure.audit.search import Sweep
from exchange.disclosure.audit.singly import Singly
from exchange.disclosure.grid import Grid
from exchange.disclosure.problem import Needs

OUTSIDER_ALONE = Attackers(())


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of one component; `fractional` as in the outcome."""

    findings: list[Finding]
    fractional: int


def examine(
    component: Component,
    needs: Needs,
    guarded: Mask,
    everybody: Attackers,
    grid: Grid | None,
    hints: Sequence[Floats],
    meter: Meter,
    make: MakeSolver,
) -> Examined:
    """Every cell of a component that is not proved safe, each once, against the first attacker of whom it holds."""
    demands = demands_on(component, needs, guarded)
    asked = (demands.reach > component.low) | (demands.fall < component.high) | (demands.width > 0)
    if not asked.any():
        return Examined([], 0)
    attackers = (everybody if (asked & demands.guarded).any() else OUTSIDER_ALONE).of(component)
    parts = [hint[component.cells] for hint in hints]
    try:
        anchor = find_anchor(component, attackers, parts, meter, make)
    except OutOfWorkError:
        anchor = Reason.UNFINISHED
    if isinstance(anchor, Reason):
        return Examined([Finding(int(cell), anchor) for cell in component.cells[asked]], 0)
    proof = Proof(component, anchor, demands, attackers)
    for part in parts:
        for direction in directions(component, part * component.scale - anchor):
            proof.offer(*direction)
    programmes = Programmes(component, anchor, meter, make)
    alone = Alone(proof, programmes)
    boxes = None if grid is None else Boxes(proof, grid)
    near = regions(proof, meter, make) if component.size > LARGE else ()
    where = chain(near, (everywhere(component, programmes),))
    found = _searched(proof, boxes, where, alone)
    return Examined([_finding(proof, cell, bit, reason) for cell, bit, reason in found], len(alone.fractional))


def demands_on(component: Component, needs: Needs, guarded: Mask) -> Demands:
    """What each cell must keep, in lattice steps, each rounded to the stricter."""
    cells, scale = component.cells, component.scale
    return Demands(
        lattice(needs.reach[cells], scale, up=True),
        lattice(needs.fall[cells], scale, up=False),
        lattice(needs.width[cells], scale, up=True),
        guarded[cells],
    )


def _searched(
    proof: Proof, boxes: Boxes | None, where: Iterable[Region], alone: Alone
) -> list[tuple[int, int, Reason]]:
    """By boxes; then region by region and everywhere, for many cells at once and for each; then for each attacker.

    In a large component cells are pushed each by itself: what moves ten of them is joined and speaks to few insiders.
    In whole numbers many at once come first even so: where the table that moves one least is in fractions, theirs may
    not be.
    """
    found: list[tuple[int, int, Reason]] = []
    many = proof.component.scale == 1 or proof.component.size <= LARGE
    try:
        if boxes is not None:
            Pushing(proof, boxes).run()
        for region in where:
            if many:
                sweep = Sweep(proof, region)
                sweep.run(OUTSIDER)
                sweep.run((1 << len(proof.attackers)) - 1 & ~OUTSIDER)
            Pushing(proof, Singly(proof, region), among=region.core).run()
        for cell in np.flatnonzero(proof.open).tolist():
            while bits := proof.against(cell):
                bit = bits & -bits
                reason = alone.decide(cell, bit)
                if reason is not None:
                    found.append((cell, bit, reason))
                    break
    except OutOfWorkError:
        done = {cell for cell, _, _ in found}
        left = [cell for cell in np.flatnonzero(proof.open).tolist() if cell not in done]
        found += [(cell, proof.against(cell) & -proof.against(cell), Reason.UNFINISHED) for cell in left]
    return found


def _finding(proof: Proof, cell: int, bit: int, reason: Reason) -> Finding:
    return Finding(int(proof.component.cells[cell]), reason, proof.attacker(bit).number)
