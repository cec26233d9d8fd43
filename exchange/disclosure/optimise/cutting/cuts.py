"""Cuts: what every safe pattern satisfies, as inequalities over which cells are withheld (1) and published (0).

Source: Fischetti and Salazar, Management Science 47 (2001), §3 (capacity, bridgeless and cover inequalities, and the
strengthening of capacities to what is asked); Nemhauser and Wolsey, §II.1 (rounding).
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from exchange.disclosure.arrays import Floats, Indices
from exchange.disclosure.optimise.cutting.demands import Demand, Kind
from exchange.disclosure.optimise.cutting.part import Part

NEGLIGIBLE = 1e-9
ROUNDINGS = (1, 2, 3, 4, 5)
"""Whole numbers to which the capacities of one cut are rounded up, to see which cuts deepest."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Σ coefficients × x over these cells ≥ right."""

    columns: Indices
    coefficients: Floats
    right: float


class Unmeetable(Exception):  # noqa: N818  # a verdict about a demand, never shown to anybody
    """Even with everything withheld the demand cannot be met."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """Σ shares × x ≥ 1, or ≥ x of a cell: what is needed, in shares of what primary cells leave open."""

    columns: Indices
    shares: Floats
    conditional: int | None

    def cut(self, shares: Floats, columns: Indices | None = None) -> Cut:
        """The inequality with these shares in place of its own."""
        columns = self.columns if columns is None else columns
        if self.conditional is None:
            return Cut(columns, shares, 1.0)
        return Cut(np.append(columns, np.int32(self.conditional)), np.append(shares, -1.0), 0.0)


def capacity(part: Part, demand: Demand, contributions: Floats) -> Capacity | None:
    """The capacity inequality of a demand, from what each column can contribute to it, in units.

    Returns:
        None if primary cells alone can contribute enough, so that nothing is cut off.

    Raises:
        Unmeetable: If no cell can contribute what is missing.
    """
    contributions = contributions.copy()
    contributions[demand.cell] = 0.0
    missing = demand.need - float(contributions[part.always].sum())
    if missing <= NEGLIGIBLE * demand.need:
        return None
    columns = np.flatnonzero((contributions > NEGLIGIBLE * demand.need) & ~part.always).astype(np.int32)
    conditional = None if part.primary[demand.cell] else demand.cell
    shares = np.minimum(contributions[columns] / missing, 1.0)
    if float(shares.sum()) >= 1 - NEGLIGIBLE:
        return Capacity(columns, shares, conditional)
    if conditional is None:
        raise Unmeetable
    return Capacity(columns[:0], shares[:0], conditional)  # it cannot be withheld at all


def deepest(inequality: Capacity, x: Floats) -> tuple[Cut, float]:
    """Of an inequality and what follows from it in whole numbers, what cuts a point off most, and by how much."""
    weights, goal = x[inequality.columns], 1.0 if inequality.conditional is None else float(x[inequality.conditional])
    candidates = [inequality.shares, *_rounded(inequality.shares), _cover(inequality.shares, weights)]
    depth = [goal - float(shares @ weights) for shares in candidates]
    best = int(np.argmax(depth))
    shares = candidates[best]
    kept = shares > 0
    return inequality.cut(shares[kept], inequality.columns[kept]), depth[best]


def _rounded(shares: Floats) -> Iterator[Floats]:
    """Multiply by a little more than k − 1 and round up: k − 1 such shares and a trifle are k."""
    for number in ROUNDINGS:
        yield np.minimum((np.floor((number - 1) * shares + 1e-7) + 1) / number, 1.0)


def _cover(shares: Floats, weights: Floats) -> Floats:
    """Leave out cells that together are not enough: one of the others is needed."""
    left = np.zeros(len(shares), dtype=np.bool_)
    total = 0.0
    for place in np.argsort(-weights / shares, kind="stable").tolist():
        if weights[place] <= 0:
            break
        if total + shares[place] < 1 - 1e-7:
            total += float(shares[place])
            left[place] = True
    return np.where(left, 0.0, 1.0)


def relation_cuts(part: Part, asked: Sequence[Demand]) -> Iterator[Capacity]:
    """What each relation by itself asks for each demand of a primary cell: the others in it must make up for it.

    Against the outsider and, if it is guarded, against every attacker who knows others of its cells.
    """
    by_cell: dict[int, list[Demand]] = {}
    for demand in asked:
        by_cell.setdefault(demand.cell, []).append(demand)
    knowing: dict[int, list[int]] = {}
    for number, attacker in enumerate(part.attackers):
        for cell in attacker.known.tolist():
            knowing.setdefault(cell, []).append(number)
    for start, end in pairwise(part.starts.tolist()):
        columns, coefficients = part.columns[start:end], part.coefficients[start:end]
        insiders = sorted({number for cell in columns.tolist() for number in knowing.get(cell, ())})
        known = [np.isin(columns, part.attackers[number].known) for number in insiders]
        eyes = [np.ones(len(columns)), *(np.where(mask, 0.0, 1.0) for mask in known)]
        for place, cell in enumerate(columns.tolist()):
            for demand in by_cell.get(cell, ()):
                for free in eyes if part.guarded[cell] else eyes[:1]:
                    if free[place]:
                        room = _within_relation(part, demand, columns, coefficients, place)
                        yield from _if_any(part, demand, columns, room * free)


def _if_any(part: Part, demand: Demand, columns: Indices, room: Floats) -> Iterator[Capacity]:
    contributions = np.zeros(len(part.rise))
    contributions[columns] = room
    with suppress(Unmeetable):
        found = capacity(part, demand, contributions)
        if found is not None:
            yield found


def _within_relation(part: Part, demand: Demand, columns: Indices, coefficients: Floats, place: int) -> Floats:
    """By cell of the relation, how far it can make one of them deviate, at most as far as is asked."""
    ratio = -coefficients / coefficients[place]
    rise, drop = part.rise[columns] * np.abs(ratio), part.drop[columns] * np.abs(ratio)
    room = rise + drop if demand.kind is Kind.APART else np.where(ratio * demand.kind > 0, rise, drop)
    found: Floats = np.minimum(room, demand.need)
    return found


def bridgeless(part: Part, x: Floats, depth_min: float) -> list[Cut]:
    """A cell withheld alone in a relation helps nobody: x of a cell is at most the sum over the others.

    Where withheld cells have no floor of their own this holds for some cheapest pattern, not for every safe one.
    """
    known = np.append(x, np.ones(len(part.rise) - part.size))
    begins, lengths = part.starts[:-1], np.diff(part.starts)
    values = known[part.columns]
    sums = np.add.reduceat(values, begins)
    largest = np.maximum.reduceat(values, begins)
    always = np.maximum.reduceat(part.always[part.columns], begins)
    found = []
    for row in np.flatnonzero(~always & (2 * largest - sums > depth_min)).tolist():
        columns = part.columns[begins[row] : begins[row] + lengths[row]]
        factors = np.ones(len(columns))
        factors[int(np.argmax(x[columns]))] = -1.0
        found.append(Cut(columns, factors, 0.0))
    return found
