"""The chain of additions and subtractions of released cells that reveals a hidden one: why a release is refused.

A chain is a combination of the relations in which every other unknown cancels (or, as none is negative, only helps):
what is left on the other side are released figures. It is looked for with a linear programme, shortest first, and
believed only after it has been verified in fractions. It names cells and signs, never a figure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import numpy as np

from exchange.disclosure.arrays import INFINITY, Floats, Integers, Mask, Rows
from exchange.disclosure.pool.sources import PoolKey
from exchange.disclosure.problem import View
from exchange.disclosure.solver import LinearModel, Status

DENOMINATOR_MAX = 10_000
"""Of a factor in a chain; combinations of sums have small ones."""

TERMS_SHOWN_MAX = 12
"""How many terms a sentence spells out."""

_SHORT = 1e-7
"""What one more relation costs beside how near the bound is."""


class Sense(StrEnum):
    """What the chain says of the hidden figure."""

    EQUALS = "="
    AT_MOST = "≤"
    AT_LEAST = "≥"


@dataclass(frozen=True, slots=True)
class Chain:
    """hidden `sense` Σ factor × released cell + `constant`."""

    sense: Sense
    terms: tuple[tuple[PoolKey, Fraction], ...]
    constant: Fraction = Fraction(0)

    def value(self, figures: Mapping[PoolKey, int]) -> Fraction:
        """What the chain comes to with these released figures; a cell that has no row is a published zero."""
        return self.constant + sum((factor * figures.get(key, 0) for key, factor in self.terms), Fraction(0))

    def allows(self, figure: int, figures: Mapping[PoolKey, int]) -> bool:
        """Whether what it says of the hidden figure is so, if it is this one."""
        said = self.value(figures)
        return figure == said or {Sense.AT_MOST: figure < said, Sense.AT_LEAST: figure > said}.get(self.sense, False)

    def text(self) -> str:
        """Cells and signs for a person; no figure."""
        words = [f"{_factor(factor)}{shown_cell(key)}" for key, factor in self.terms[:TERMS_SHOWN_MAX]]
        left = len(self.terms) - TERMS_SHOWN_MAX
        return " ".join([self.sense.value, *words, *([f"… (+{left})"] if left > 0 else [])])


def shown_cell(key: PoolKey) -> str:
    """A cell of a release as a person reads it: `KZ CA-07-… 2026-Q3 r0: LEFT.KG._T`."""
    return f"{key[0]}: {'.'.join(key[1:])}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a combination of rows must come to.

    Attributes:
        least: By column, it comes to at least this.
        most: By column, and at most this.
        costs: By row, what its factor costs: the least dear combination is looked for, the shortest among equals.
        up: By row, whether its factor may be above zero.
        down: By row, whether it may be below.
    """

    least: Floats
    most: Floats
    costs: Floats
    up: Mask
    down: Mask


def combination(entries: "Entries", demand: Demand) -> list[Fraction] | None:
    """The factor of each row in a combination that meets the demand exactly; None if none is found."""
    count = len(demand.costs)
    order = np.argsort(entries.columns, kind="stable")
    starts = np.searchsorted(entries.columns[order], np.arange(len(demand.least) + 1))
    rows, coefficients = entries.rows[order], entries.coefficients[order].astype(np.float64)
    both = np.argsort(np.tile(entries.columns[order], 2), kind="stable")
    by_column = Rows(
        (2 * starts).astype(np.int32),
        np.concatenate((rows, rows + count))[both].astype(np.int32),
        np.concatenate((coefficients, -coefficients))[both],
        demand.least,
        demand.most,
    )
    upper = np.where(np.concatenate((demand.up, demand.down)), INFINITY, 0.0)
    model = LinearModel(np.zeros(2 * count), upper, by_column)
    costs = demand.costs / max(1.0, float(np.abs(demand.costs).max(initial=0.0)))
    model.set_costs(np.concatenate((costs + _SHORT, _SHORT - costs)))
    found = model.minimise()
    if found.status is not Status.OPTIMAL:
        return None
    above, below = np.split(found.values, 2)
    factors = [Fraction(factor).limit_denominator(DENOMINATOR_MAX) for factor in (above - below).tolist()]
    return factors if _meets(factors, entries, demand) else None


@dataclass(frozen=True, slots=True)
class Entries:
    """A sparse matrix as three arrays of one length."""

    rows: Integers
    columns: Integers
    coefficients: Integers


def chains(view: View, column: int) -> tuple[Chain, ...]:
    """What the released cells say of a hidden one: what it equals, or else what bounds it on each side."""
    equal = equality(view, column)
    if equal is not None:
        return (equal,)
    part = _Part.around(view, column)
    return tuple(chain for sense in (Sense.AT_MOST, Sense.AT_LEAST) if (chain := part.chain(sense)) is not None)


def equality(view: View, column: int) -> Chain | None:
    """What a hidden cell equals, if it follows from the released ones by sums alone."""
    return _Part.around(view, column).chain(Sense.EQUALS)


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows and unknown columns that are connected to one unknown cell, numbered anew.

    Attributes:
        rows: Their numbers in the whole system.
        columns: Likewise.
        right: By row, the known side, released figures included.
    """

    view: View
    target: int
    rows: Integers
    columns: Integers
    entries: Entries
    right: Integers

    @classmethod
    def around(cls, view: View, target: int) -> "_Part":
        system = view.system
        rows, columns = _connected(view, target)
        in_part = np.isin(system.row_of_entry, rows)
        unknown = in_part & ~view.known[system.columns]
        entries = Entries(
            np.searchsorted(rows, system.row_of_entry[unknown]),
            np.searchsorted(columns, system.columns[unknown]),
            system.coefficients[unknown],
        )
        right = (system.right - system.sums(np.where(view.known, view.figures, 0)))[rows]
        return cls(view, target, rows, columns, entries, right)

    def chain(self, sense: Sense) -> Chain | None:
        exact = self.view.system.exact[self.rows]
        sign = -1 if sense is Sense.AT_LEAST else 1
        goal = np.where(self.columns == self.target, float(sign), 0.0)
        if sense is Sense.EQUALS:
            demand = Demand(least=goal, most=goal, costs=np.zeros(len(exact)), up=exact, down=exact)
        else:
            above_low = self.right - self._times_low()
            everything = np.ones(len(exact), dtype=np.bool_)
            demand = Demand(least=goal, most=np.full(len(goal), INFINITY), costs=above_low, up=everything, down=exact)
        factors = combination(self.entries, demand)
        return None if factors is None else self._told(sense, sign, factors)

    def _times_low(self) -> Floats:
        found = np.zeros(len(self.rows))
        low = self.view.low[self.columns]
        np.add.at(found, self.entries.rows, self.entries.coefficients * low[self.entries.columns])
        return found

    def _told(self, sense: Sense, sign: int, factors: Sequence[Fraction]) -> Chain:
        """Spell out: sign × hidden ≤ Σ factor × (right − released part), less what the other cells are at least."""
        system, view = self.view.system, self.view
        summed: dict[int, Fraction] = {}
        constant = Fraction(0)
        for row, factor in zip(self.rows.tolist(), factors, strict=True):
            if factor:
                constant += factor * int(system.right[row])
                for entry in range(int(system.starts[row]), int(system.starts[row + 1])):
                    column = int(system.columns[entry])
                    summed[column] = summed.get(column, Fraction(0)) + factor * int(system.coefficients[entry])
        terms = []
        for column, factor in sorted(summed.items()):
            if view.known[column]:
                terms.append((system.keys[column], -sign * factor))
            elif rest := factor - (sign if column == self.target else 0):
                constant -= rest * Fraction(float(view.low[column]))
        return Chain(sense, tuple((key, factor) for key, factor in terms if factor), sign * constant)


def _connected(view: View, target: int) -> tuple[Integers, Integers]:
    """The rows and the unknown columns that hang together with this one, both in ascending order."""
    system = view.system
    row_of, unknown = system.row_of_entry, ~view.known[system.columns]
    columns = np.zeros(len(view.known), dtype=np.bool_)
    columns[target] = True
    rows = np.zeros(len(system.exact), dtype=np.bool_)
    while True:
        before = int(rows.sum())
        rows[row_of[unknown & columns[system.columns]]] = True
        columns[system.columns[unknown & rows[row_of]]] = True
        if int(rows.sum()) == before:
            return np.flatnonzero(rows), np.flatnonzero(columns)


def _meets(factors: Sequence[Fraction], entries: Entries, demand: Demand) -> bool:
    """Whether the combination is what it is said to be, in fractions."""
    sums = [Fraction(0)] * len(demand.least)
    triples = zip(entries.rows.tolist(), entries.columns.tolist(), entries.coefficients.tolist(), strict=True)
    for row, column, coefficient in triples:
        sums[column] += factors[row] * coefficient
    signs = all(
        (factor >= 0 or down) and (factor <= 0 or up)
        for factor, up, down in zip(factors, demand.up.tolist(), demand.down.tolist(), strict=True)
    )
    bounds = zip(demand.least.tolist(), sums, demand.most.tolist(), strict=True)
    return signs and all(least <= found <= most for least, found, most in bounds)


def _factor(factor: Fraction) -> str:
    sign, size = ("−" if factor < 0 else "+"), abs(factor)
    return sign if size == 1 else f"{sign}{size}×"
