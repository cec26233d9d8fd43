"""What an instance asks of a suppression: needs of every cell, and the attackers that it must hold against.

Against an outsider there is only what is published. Against insiders there are besides: every sole contributor, who
knows the cell and every margin of which they are still the only contributor; every holding, with all its cells; and
the largest contributor of a cell, who knows a part of it.
"""

from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from exchange.disclosure.arrays import Floats, Integers
from exchange.disclosure.problem import Insider, Needs, Problem
from exchange.disclosure.tabular.model import Instance, Sum
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
    """What a pattern must satisfy.

    The floor of a cell that is withheld for the sake of others is what every reader is promised, and what keeps the
    primary cells from standing out; an insider who computes such a cell, which is no secret by itself, learns of
    nobody. So against insiders it is the primary cells that keep their levels and their floor.

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
        needs=_needs(instance, floor=floor),
        low=cells.low,
        high=cells.high,
        insiders=insiders_of(instance) if attackers is AttackerModel.INSIDERS else (),
        guarded=cells.primary,
    )


def _needs(instance: Instance, *, floor: bool) -> Needs:
    """The levels of the primary cells, and the floor of all if there is one.

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
    """Every contributor, or holding, that the instance shows to know more than is published; each once.

    The only contributor of a whole is the only one of each of its parts that has one. The largest contributor of a
    whole is that of the one part in which the largest contribution is as large; where several parts have one as large,
    nobody can tell, and they stay apart.
    """
    cells = instance.cells
    amounts = np.where(cells.freq == 1, cells.values, cells.top1)
    held = np.array([bool(holder) for holder in cells.holders], dtype=np.bool_)
    same = _Classes(instance.size)
    for entry in instance.sums:
        if entry.whole >= 0:
            for part in _same_contributor(entry, cells.freq, amounts):
                same.join(part, entry.whole)
    first: dict[str, int] = {}
    for cell in np.flatnonzero(held).tolist():
        same.join(cell, first.setdefault(cells.holders[cell], cell))
    known, least = held | (cells.freq == 1), (cells.freq > 1) & (cells.top1 > 0)
    members: dict[int, list[int]] = defaultdict(list)
    for cell in np.flatnonzero(known | least).tolist():
        members[same.of(cell)].append(cell)
    return tuple(
        Insider(
            _name(instance, found),
            tuple(cell for cell in found if known[cell]),
            tuple((cell, float(cells.top1[cell])) for cell in found if not known[cell]),
        )
        for found in members.values()
    )


def _same_contributor(entry: Sum, freq: Integers, amounts: Floats) -> list[int]:
    """The parts in which the sole or largest contributor of the whole is the sole or largest one."""
    if freq[entry.whole] == 1:
        return [part for part in entry.parts if freq[part] == 1]
    largest = amounts[entry.whole]
    found = [part for part in entry.parts if largest > 0 and amounts[part] == largest]
    return found if len(found) == 1 else []


def _name(instance: Instance, members: Sequence[int]) -> str:
    """The holding, or the first cell that they contribute to."""
    cells = instance.cells
    names = sorted({cells.holders[cell] for cell in members} - {""})
    return ", ".join(names) or f"contributor of {shown(cells.keys[members[0]])}"


class _Classes:
    """Cells that one attacker contributes to (union by path halving)."""

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
