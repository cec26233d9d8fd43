"""One order of cells and relations, whatever the cells are called: renamed codes give the same pattern.

Cells are sorted by a fingerprint of their figures and needs, refined by those of their neighbours (colour refinement);
cells that are alike in everything keep the order in which they come.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from exchange.disclosure.arrays import Floats, Integers
from exchange.disclosure.problem import Insider, Needs, Problem
from exchange.disclosure.relations import System

_Prints = npt.NDArray[np.uint64]

ROUNDS = 3
"""Relations from a cell within which others distinguish it."""

_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
"""Constants of splitmix64 (Steele, Lea, Flood, OOPSLA 2014)."""


def canonical(problem: Problem) -> tuple[Problem, Integers]:
    """The same problem in canonical order, and by new cell number the old one."""
    cells, rows = _fingerprints(problem)
    order: Integers = np.argsort(cells, kind="stable")
    place = np.argsort(order)
    needs = problem.needs
    return replace(
        problem,
        system=_ordered(problem.system, order, np.argsort(rows, kind="stable")),
        values=problem.values[order],
        primary=problem.primary[order],
        fixed=problem.fixed[order],
        weights=problem.weights[order],
        needs=Needs(needs.reach[order], needs.fall[order], needs.width[order]),
        low=problem.low[order],
        high=problem.high[order],
        insiders=tuple(_renumbered(insider, place) for insider in problem.insiders),
        guarded=None if problem.guarded is None else problem.guarded[order],
    ), order


def _fingerprints(problem: Problem) -> tuple[_Prints, _Prints]:
    """By cell and by relation."""
    system, needs = problem.system, problem.needs
    cells = np.zeros(problem.size, dtype=np.uint64)
    described: list[Floats] = [problem.weights, needs.reach, needs.fall, needs.width, problem.low, problem.high]
    marks = [problem.primary, problem.fixed, *([] if problem.guarded is None else [problem.guarded])]
    for column in (problem.values, *marks, *described):
        # Adding 0.0 makes one zero of the two.
        cells = _mixed(cells ^ (column.astype(np.float64) + 0.0).view(np.uint64))
    entry_rows, factors = system.row_of_entry, _mixed(system.coefficients.view(np.uint64))
    rows = np.zeros(len(system.exact), dtype=np.uint64)
    for _ in range(ROUNDS):
        rows = system.exact.astype(np.uint64)
        np.add.at(rows, entry_rows, _mixed(cells[system.columns] ^ factors))
        around = np.zeros(problem.size, dtype=np.uint64)
        np.add.at(around, system.columns, _mixed(rows[entry_rows] + factors))
        for insider in problem.insiders:
            known = np.array(insider.known, dtype=np.int64)
            around[known] += _mixed(cells[known].sum(keepdims=True, dtype=np.uint64))
        cells = _mixed(cells ^ _mixed(around))
    return cells, rows


def _mixed(prints: _Prints) -> _Prints:
    """Each number spread over all 64 bits (splitmix64)."""
    found = prints + _ODD[0]
    found = (found ^ (found >> np.uint64(30))) * _ODD[1]
    found = (found ^ (found >> np.uint64(27))) * _ODD[2]
    mixed: _Prints = found ^ (found >> np.uint64(31))
    return mixed


def _ordered(system: System, cells: Integers, rows: Integers) -> System:
    place = np.argsort(cells).astype(np.int32)
    row_place = np.argsort(rows)
    entries = np.lexsort((place[system.columns], row_place[system.row_of_entry]))
    sizes = np.diff(system.starts)[rows]
    return System(
        tuple(system.keys[cell] for cell in cells.tolist()),
        np.concatenate(([0], np.cumsum(sizes))).astype(np.int32),
        place[system.columns[entries]],
        system.coefficients[entries],
        system.exact[rows],
        system.right[rows],
    )


def _renumbered(insider: Insider, place: Integers) -> Insider:
    return Insider(
        insider.name,
        tuple(sorted(int(place[cell]) for cell in insider.known)),
        tuple(sorted((int(place[cell]), part) for cell, part in insider.least)),
    )
