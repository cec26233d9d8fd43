"""A part of the table that no relation joins to the rest, as the cutting-plane method works on it.

An inequality among the relations becomes an equation by a column of its own, its slack, which nobody ever publishes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from exchange.disclosure.arrays import Floats, Indices, Integers, Mask
from exchange.disclosure.problem import Problem

_ROUNDING = 1e-9
"""A need of 2.0000000001 out of floating point is a need of 2."""


@dataclass(frozen=True, slots=True)
class Attacker:
    """Somebody who knows more than the outsider: cells that cannot deviate, and cells that can fall by so much only."""

    known: Indices
    drops: dict[int, float]


@dataclass(frozen=True, slots=True)
class Part:
    """Cells 0 … size − 1, then one column for each slack.

    Attributes:
        numbers: By cell, its number in the problem.
        starts: Where each relation begins in `columns` and `coefficients`, and the end of the last (CSR).
        columns: Cells and slacks.
        coefficients: Of an equation whose right-hand side is 0 for deviations.
        rise: By column, how far it can deviate upwards, in units.
        drop: By column, how far downwards.
        up: By cell, how far it must deviate upwards in some table if it is withheld; 0 asks nothing.
        down: How far downwards.
        width: How far apart its ends must be.
        primary: By cell, whether it must be withheld.
        guarded: By cell, whether what it needs holds against insiders as well.
        weights: By cell, what withholding it costs; 0 for primary cells.
        attackers: Insiders who know a cell of this part.
    """

    numbers: Integers
    starts: Indices
    columns: Indices
    coefficients: Floats
    rise: Floats
    drop: Floats
    up: Floats
    down: Floats
    width: Floats
    primary: Mask
    guarded: Mask
    weights: Floats
    attackers: tuple[Attacker, ...]

    @property
    def size(self) -> int:
        """How many cells."""
        return len(self.numbers)

    @property
    def always(self) -> Mask:
        """By column, whether it is withheld whatever one chooses: primary cells and slacks."""
        return np.concatenate((self.primary, np.ones(len(self.rise) - self.size, dtype=np.bool_)))

    @property
    def rows(self) -> int:
        """How many relations."""
        return len(self.starts) - 1


def parts(problem: Problem) -> list[Part]:
    """The parts in which something must be protected, in order of their first cell.

    A cell that can never deviate is left out: it is public, or the only unknown of a relation, or has no room.
    """
    values = problem.values.astype(np.float64)
    rise, drop = np.maximum(problem.high - values, 0.0), np.maximum(values - problem.low, 0.0)
    if problem.whole:
        rise, drop = np.floor(rise), np.floor(drop)
    movable = _movable(problem, (rise > 0) | (drop > 0))
    needs = problem.needs
    up, down, width = _units(needs.reach - values), _units(values - needs.fall), _units(needs.width)
    asking = problem.primary & ((up > 0) | (down > 0) | (width > 0))
    label = _labels(problem, movable)
    found = []
    for first in np.unique(label[asking & movable]):
        numbers = np.flatnonzero(movable & (label == first))
        found.append(_part(problem, numbers, (rise, drop), (up, down, width)))
    return found


def _units(needs: Floats) -> Floats:
    """Whole units, rounded up; what is not above zero asks nothing."""
    found = np.maximum(np.nan_to_num(needs, neginf=0.0), 0.0)
    return np.maximum(np.ceil(found * (1 - _ROUNDING) - _ROUNDING), 0.0)


def _movable(problem: Problem, room: Mask) -> Mask:
    """Cells that could deviate if all that may be withheld were: none of them alone in an equation."""
    system = problem.system
    movable = (problem.primary | ~problem.fixed) & room
    rows, columns = system.row_of_entry, system.columns
    while True:
        unknown = movable[columns]
        alone = system.exact & (np.bincount(rows[unknown], minlength=len(system.exact)) == 1)
        stuck = columns[alone[rows] & unknown]
        if not len(stuck):
            return movable
        movable[stuck] = False


def _labels(problem: Problem, movable: Mask) -> Integers:
    """By cell, the lowest cell that relations among movable cells join it to."""
    system = problem.system
    kept = movable[system.columns]
    rows, columns = system.row_of_entry[kept], system.columns[kept]
    label = np.arange(problem.size)
    while True:
        least = np.full(len(system.exact), problem.size)
        np.minimum.at(least, rows, label[columns])
        new = label.copy()
        np.minimum.at(new, columns, least[rows])
        new = new[new]
        if np.array_equal(new, label):
            return label
        label = new


def _part(
    problem: Problem, numbers: Integers, room: tuple[Floats, Floats], needs: tuple[Floats, Floats, Floats]
) -> Part:
    system, size = problem.system, len(numbers)
    place = np.full(problem.size, -1)
    place[numbers] = np.arange(size)
    kept = place[system.columns] >= 0
    rows, columns = system.row_of_entry[kept], place[system.columns[kept]]
    coefficients = system.coefficients[kept].astype(np.float64)
    used = np.unique(rows)
    # An inequality gets its slack as one more column at the end of its row.
    bounds = used[~system.exact[used]]
    rows = np.concatenate((rows, bounds))
    columns = np.concatenate((columns, size + np.arange(len(bounds))))
    coefficients = np.concatenate((coefficients, np.ones(len(bounds))))
    order = np.argsort(rows, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(system.exact))[used])))
    slack = (system.right - system.sums(problem.values))[bounds].astype(np.float64)
    primary = problem.primary[numbers]
    return Part(
        numbers=numbers,
        starts=starts.astype(np.int32),
        columns=columns[order].astype(np.int32),
        coefficients=coefficients[order],
        rise=np.concatenate((room[0][numbers], np.full(len(bounds), np.inf))),
        drop=np.concatenate((room[1][numbers], slack)),
        up=needs[0][numbers],
        down=needs[1][numbers],
        width=needs[2][numbers],
        primary=primary,
        guarded=np.ones(size, dtype=np.bool_) if problem.guarded is None else problem.guarded[numbers],
        weights=np.where(primary, 0.0, problem.weights[numbers]),
        attackers=tuple(_attackers(problem, place)),
    )


def _attackers(problem: Problem, place: Integers) -> Iterator[Attacker]:
    for insider in problem.insiders:
        known = [int(place[cell]) for cell in insider.known if place[cell] >= 0]
        drops = {
            int(place[cell]): max(float(problem.values[cell]) - part, 0.0)
            for cell, part in insider.least
            if place[cell] >= 0
        }
        if known or drops:
            yield Attacker(np.array(known, dtype=np.int32), drops)
