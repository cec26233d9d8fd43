"""What an instance asks of a suppression: needs of every cell, and the attackers that it must hold against.

Against an outsider there is only what is published. Against insiders there are besides: every sole contributor, who
knows the cell and every margin of which they are still the only contributor; every holding, with all its cells; and
the largest contributor of a cell, who knows a part of it.
"""

from collections import defaultdict
from collections.abc import Iterator
from enum import StrEnum

import numpy as np

from exchange.disclosure.problem import Insider, Needs, Problem
from exchange.disclosure.tabular.model import Instance
from exchange.disclosure.tabular.rows import shown
from exchange.disclosure.tabular.sums import system_of

FLOOR_SHARE = 0.01
"""Without a contract a withheld figure that need not be whole keeps an interval this wide, as a share of itself."""

LEVEL_MIN = 1.0
"""What a primary cell without any level must reach above its figure, in units."""


class AttackerModel(StrEnum):
    """Who tries to look behind the table; `insiders` includes the outsider."""

    OUTSIDER = "outsider"
    INSIDERS = "insiders"


def problem_of(instance: Instance, *, attackers: AttackerModel, floor: bool) -> Problem:
    """The instance as the optimiser takes it.

    Args:
        instance: Parsed and additive.
        attackers: Whom the pattern must hold against.
        floor: Whether every withheld cell keeps an interval of its own, beside the levels of the primary ones.
    """
    cells = instance.cells
    return Problem(
        system=system_of(cells.keys, instance.sums, instance.structure),
        values=cells.values,
        whole=instance.structure.whole,
        primary=cells.primary,
        fixed=np.zeros(instance.size, dtype=np.bool_),
        weights=cells.weights,
        needs=needs_of(instance, floor=floor),
        low=cells.low,
        high=cells.high,
        insiders=insiders_of(instance) if attackers is AttackerModel.INSIDERS else (),
    )


def needs_of(instance: Instance, *, floor: bool) -> Needs:
    """The levels of the primary cells, and the floor of every cell.

    A share of zero protects nothing: a primary cell without any level must at least reach one unit up, and the floor
    is one unit at least.
    """
    cells = instance.cells
    values = cells.values.astype(np.float64)
    bare = (cells.lpl <= 0) & (cells.upl <= 0) & (cells.spl <= 0)
    upl = np.where(bare, LEVEL_MIN, cells.upl)
    least = np.ones(instance.size)
    if not instance.structure.whole:
        least = np.maximum(least, FLOOR_SHARE * values)
    width = np.where(cells.primary, cells.spl, 0.0)
    return Needs(
        reach=np.where(cells.primary & (upl > 0), values + upl, -np.inf),
        fall=np.where(cells.primary & (cells.lpl > 0), values - cells.lpl, np.inf),
        width=np.maximum(width, least) if floor else width,
    )


def insiders_of(instance: Instance) -> tuple[Insider, ...]:
    """Every contributor, or holding, that the instance shows to know more than is published."""
    return (*_sole(instance), *_largest(instance))


def _sole(instance: Instance) -> Iterator[Insider]:
    """Sole contributors and holdings: cells that one of them knows are one attacker's.

    The only contributor of a whole is the only one of the parts that have one, and of no other attacker's.
    """
    cells = instance.cells
    alone = cells.freq == 1
    same = _Classes(instance.size)
    for entry in instance.sums:
        if entry.whole >= 0 and alone[entry.whole]:
            for part in entry.parts:
                if alone[part]:
                    same.join(part, entry.whole)
    first: dict[str, int] = {}
    for cell, holder in enumerate(cells.holders):
        if holder:
            same.join(cell, first.setdefault(holder, cell))
    known: dict[int, list[int]] = defaultdict(list)
    for cell, holder in enumerate(cells.holders):
        if alone[cell] or holder:
            known[same.of(cell)].append(cell)
    for members in known.values():
        names = sorted({cells.holders[cell] for cell in members} - {""})
        name = ", ".join(names) or f"sole contributor of {shown(cells.keys[members[0]])}"
        yield Insider(name, tuple(members))


class _Classes:
    """Cells that are found to be one attacker's (union by path halving)."""

    def __init__(self, size: int) -> None:
        self._root = list(range(size))

    def of(self, cell: int) -> int:
        root = self._root
        while root[cell] != cell:
            root[cell] = root[root[cell]]
            cell = root[cell]
        return cell

    def join(self, cell: int, other: int) -> None:
        self._root[self.of(cell)] = self.of(other)


def _largest(instance: Instance) -> Iterator[Insider]:
    """The largest of several contributors knows that the figure is no less than the own part."""
    cells = instance.cells
    for cell in np.flatnonzero((cells.freq > 1) & (cells.top1 > 0)).tolist():
        if not cells.holders[cell]:
            yield Insider(f"largest contributor of {shown(cells.keys[cell])}", (), ((cell, float(cells.top1[cell])),))
