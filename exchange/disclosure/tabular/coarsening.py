"""The coarser tables that an instance allows: without a dimension, without the lowest level of one, without a table.

Coarsening an instance leaves rows out and changes none, so that the primary rules, which look at one cell each, say of
the rows that stay what they said before.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from exchange.disclosure.adviser import Coarsening, Option
from exchange.disclosure.arrays import Mask
from exchange.disclosure.problem import Problem
from exchange.disclosure.tabular.model import Cells, Instance, Structure, TabularDimension
from exchange.disclosure.tabular.problem import AttackerModel, problem_of
from exchange.disclosure.tabular.sums import inside_tables, sums_of


def options_of(instance: Instance, *, attackers: AttackerModel, floor: bool) -> tuple[Option, tuple[Option, ...]]:
    """The instance as it is, and every coarser one that still has more than its total."""

    def made(coarser: Instance) -> Callable[[], tuple[Problem]]:
        return lambda: (problem_of(coarser, attackers=attackers, floor=floor),)

    structure = instance.structure
    now = Option(Coarsening.NOTHING, structure.name, made(instance))
    found: list[Option] = []
    for place, dimension in enumerate(structure.dims):
        if not dimension.children:
            continue
        found.append(Option(Coarsening.DIMENSION, dimension.name, made(without_dimension(instance, place))))
        if _depth(dimension) > 1:
            found.append(Option(Coarsening.LEVEL, dimension.name, made(without_level(instance, place))))
    if len(structure.tables) > 1:
        for number, table in enumerate(structure.tables):
            name = " × ".join(structure.dims[place].name for place in table)
            found.append(Option(Coarsening.TABLE, name, made(without_table(instance, number))))
    return now, tuple(found)


def without_dimension(instance: Instance, place: int) -> Instance:
    """The instance in which one dimension stands at its total."""
    dimension = instance.structure.dims[place]
    return _restricted(instance, _with(instance.structure, place, replace(dimension, children={})))


def without_level(instance: Instance, place: int) -> Instance:
    """The instance without the codes that lie deepest in one dimension."""
    dimension = instance.structure.dims[place]
    depths = _depths(dimension)
    lowest = max(depths.values())
    kept = {parent: codes for parent, codes in dimension.children.items() if depths.get(parent, 0) < lowest - 1}
    return _restricted(instance, _with(instance.structure, place, replace(dimension, children=kept)))


def without_table(instance: Instance, number: int) -> Instance:
    """The instance without one of its tables; cells that another table has stay."""
    tables = instance.structure.tables
    return _restricted(instance, replace(instance.structure, tables=(*tables[:number], *tables[number + 1 :])))


def _restricted(instance: Instance, structure: Structure) -> Instance:
    """The cells that the coarser structure has; a further equation stays if all of its cells do."""
    codes = [dimension.codes for dimension in structure.dims]
    kept = np.array(
        [all(code in known for code, known in zip(key, codes, strict=True)) for key in instance.cells.keys],
        dtype=np.bool_,
    ) & inside_tables(structure, instance.cells.keys)
    number = np.cumsum(kept) - 1
    equations = tuple(
        tuple((factor, int(number[row])) for factor, row in terms)
        for terms in structure.equations
        if all(kept[row] for _, row in terms)
    )
    coarser = replace(structure, equations=equations)
    cells = _chosen(instance.cells, kept)
    return Instance(coarser, instance.decimals, cells, sums_of(coarser, cells.keys))


def _chosen(cells: Cells, kept: Mask) -> Cells:
    places = np.flatnonzero(kept).tolist()
    return Cells(
        keys=tuple(cells.keys[place] for place in places),
        values=cells.values[kept],
        primary=cells.primary[kept],
        freq=cells.freq[kept],
        lpl=cells.lpl[kept],
        upl=cells.upl[kept],
        spl=cells.spl[kept],
        weights=cells.weights[kept],
        low=cells.low[kept],
        high=cells.high[kept],
        top1=cells.top1[kept],
        top2=cells.top2[kept],
        holders=tuple(cells.holders[place] for place in places),
    )


def _with(structure: Structure, place: int, dimension: TabularDimension) -> Structure:
    return replace(structure, dims=(*structure.dims[:place], dimension, *structure.dims[place + 1 :]))


def _depth(dimension: TabularDimension) -> int:
    return max(_depths(dimension).values())


def _depths(dimension: TabularDimension) -> dict[str, int]:
    """By code how far below the total it lies, by its longest way."""
    found = {dimension.total: 0}
    level = [dimension.total]
    while level:
        below = [(child, found[code] + 1) for code in level for child in dimension.children.get(code, ())]
        found.update(below)
        level = [child for child, _ in below]
    return found
