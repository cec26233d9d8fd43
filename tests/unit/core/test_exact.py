"""The cheapest safe pattern: against published optima, and against the enumeration of all patterns of tiny tables."""

from dataclasses import replace
from itertools import pairwise

import highspy
import numpy as np
import pytest

from exchange.disclosure.optimise.bound import relax
from exchange.disclosure.optimise.exact import Improved, improve
from exchange.disclosure.problem import Insider, Needs, Problem
from exchange.disclosure.relations import Mask, System
from exchange.disclosure.tabular import AttackerModel, parse_instance, problem_of
from exchange.pattern import Relation
from tests.shared import shared

PLENTY = 1e7


def run(problem: Problem, start: Mask | None = None, work_max: float = PLENTY) -> Improved:
    start = np.ones(problem.size, dtype=np.bool_) if start is None else start
    return improve(problem, start, work_max=work_max, stop=lambda: False, progress=lambda _: None)


@pytest.mark.parametrize(
    ("name", "optimum"),
    [
        pytest.param("rt_act_size", 49_223_640.1391, id="turnover by activity and size"),
        pytest.param("ssb_z3", 947, id="counts in three dimensions"),
    ],
)
def test_the_published_optimum_is_found_and_proved(name: str, optimum: float) -> None:
    problem = published(name)

    found = run(problem)

    assert problem.cost(found.withheld) == pytest.approx(optimum, rel=1e-6)
    assert found.bound == pytest.approx(optimum, rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("insiders", [False, True], ids=["outsider", "insiders"])
def test_on_tiny_tables_the_proved_optimum_is_that_of_all_patterns(seed: int, insiders: bool) -> None:
    agrees_with_the_enumeration_of_all_patterns(tiny(seed, insiders=insiders))


@pytest.mark.parametrize("seed", range(6))
def test_cells_that_are_not_guarded_keep_their_needs_against_the_outsider_only(seed: int) -> None:
    problem = tiny(seed, insiders=True)
    agrees_with_the_enumeration_of_all_patterns(replace(problem, guarded=problem.primary))


def agrees_with_the_enumeration_of_all_patterns(problem: Problem) -> None:
    everything = np.ones(problem.size, dtype=np.bool_)
    if not safe(problem, everything):
        pytest.skip("even with everything withheld this table is not safe")

    found = run(problem, everything)

    cheapest = cheapest_safe(problem)
    assert safe(problem, found.withheld)
    assert problem.cost(found.withheld) == pytest.approx(cheapest)
    assert found.bound == pytest.approx(cheapest)


@pytest.mark.parametrize("seed", range(6))
def test_the_relaxation_bounds_every_safe_pattern_from_below(seed: int) -> None:
    problem = tiny(seed, insiders=True)
    if not safe(problem, np.ones(problem.size, dtype=np.bool_)):
        pytest.skip("even with everything withheld this table is not safe")

    found = relax(problem, work_max=PLENTY, stop=lambda: False, progress=lambda _: None)

    assert found.bound <= cheapest_safe(problem) + 1e-6
    assert (found.x[problem.primary] == 1).all()


@pytest.mark.parametrize("work_max", [1.0, 300.0, 3_000.0])
def test_stopped_early_it_returns_no_dearer_pattern_and_a_bound_below_the_optimum(work_max: float) -> None:
    problem = published("ssb_z3")
    start = problem.primary | (problem.values > 0)

    found = run(problem, start, work_max=work_max)

    assert problem.cost(found.withheld) <= problem.cost(start)
    assert found.bound <= 947


def test_told_to_stop_at_once_it_keeps_the_pattern_it_was_given() -> None:
    problem = published("ssb_z3")
    start = np.ones(problem.size, dtype=np.bool_)
    asked = iter([False] * 20)

    found = improve(problem, start, work_max=PLENTY, stop=lambda: next(asked, True), progress=lambda _: None)

    assert problem.cost(found.withheld) <= problem.cost(start)
    assert found.bound < 947


def test_the_same_table_gives_the_same_pattern() -> None:
    problem = published("rt_nuts_cj")

    first, second = run(problem, work_max=3_000), run(problem, work_max=3_000)

    assert np.array_equal(first.withheld, second.withheld)
    assert (first.bound, first.programmes) == (second.bound, second.programmes)


def test_parts_that_share_no_relation_are_solved_apart() -> None:
    one, other = tiny(1, insiders=False), tiny(2, insiders=False)

    found = run(beside(one, other))

    assert found.bound == pytest.approx(run(one).bound + run(other).bound)


def test_a_cell_that_is_public_already_hides_nothing() -> None:
    problem = one_row(values=[5, 40, 30, 20], primary=0, need=3, fixed=3)

    found = run(problem)

    assert found.withheld.tolist() == [True, False, True, False, False]


def test_a_withheld_cell_must_keep_its_own_floor() -> None:
    """20 could hide 5, but may itself not be known to within 25; 30 and 40 together hide it, and each other."""
    problem = one_row(values=[5, 40, 30, 20], primary=0, need=3)
    floor = np.array([0, 0, 0, 41, 0], dtype=np.float64)
    needs = replace(problem.needs, width=np.maximum(problem.needs.width, floor))

    found = run(replace(problem, needs=needs))

    assert found.withheld.tolist() == [True, False, True, False, False]


def published(name: str) -> Problem:
    """A published instance in the outsider's model; a primary cell without a level must not be exactly known."""
    folder = shared(f"sdc/{name}")
    instance = parse_instance((folder / "instance.json").read_bytes(), (folder / "cells.csv").read_bytes())
    problem = problem_of(instance, attackers=AttackerModel.OUTSIDER, floor=False)
    needs = problem.needs
    bare = problem.primary & (needs.width == 0) & np.isinf(needs.reach) & np.isinf(needs.fall)
    return replace(problem, needs=replace(needs, width=np.where(bare, 1.0, needs.width)))


def one_row(values: list[int], primary: int, need: int, fixed: int | None = None) -> Problem:
    """A row of cells and its total; one of them needs to be uncertain by so much either way."""
    figures = np.array([*values, sum(values)], dtype=np.int64)
    keys = [(str(place),) for place in range(len(figures))]
    system = System.of(keys, [Relation((*((key, 1) for key in keys[:-1]), (keys[-1], -1)))])
    mask = np.arange(len(figures)) == primary
    return Problem(
        system=system,
        values=figures,
        whole=False,
        primary=mask,
        fixed=np.arange(len(figures)) == fixed,
        weights=figures.astype(np.float64),
        needs=Needs(
            np.where(mask, figures + need, -np.inf), np.where(mask, figures - need, np.inf), np.zeros(len(figures))
        ),
        low=np.zeros(len(figures)),
        high=np.full(len(figures), np.inf),
    )


def tiny(seed: int, *, insiders: bool) -> Problem:
    """A table of 2 × 3 with margins, at most three primary cells; with insiders also a floor for every cell."""
    draw = np.random.default_rng(seed)
    inner = draw.integers(0, 12, (2, 3))
    table = np.zeros((3, 4), dtype=np.int64)
    table[:2, :3] = inner
    table[2, :3], table[:2, 3], table[2, 3] = inner.sum(axis=0), inner.sum(axis=1), inner.sum()
    keys = [(str(row), str(column)) for row in range(3) for column in range(4)]
    rows = [Relation((*(((str(r), str(c)), 1) for c in range(3)), ((str(r), "3"), -1))) for r in range(3)]
    columns = [Relation((*(((str(r), str(c)), 1) for r in range(2)), (("2", str(c)), -1))) for c in range(4)]
    values = table.ravel()
    primary = np.zeros(12, dtype=np.bool_)
    primary[draw.choice([0, 1, 2, 4, 5, 6], size=2, replace=False)] = True
    need = draw.integers(1, 4, 12).astype(np.float64)
    down = np.minimum(need, values)
    known = tuple(int(cell) for cell in np.flatnonzero(primary)[:1])
    partly = int(np.flatnonzero(~primary)[0])
    return Problem(
        system=System.of(keys, [*rows, *columns]),
        values=values,
        whole=False,
        primary=primary,
        fixed=np.zeros(12, dtype=np.bool_),
        weights=values.astype(np.float64) + 1,
        needs=Needs(
            np.where(primary, values + need, -np.inf),
            np.where(primary, values - down, np.inf),
            np.where(primary, need + down + 1, 1.0 if insiders else 0.0),
        ),
        low=np.zeros(12),
        high=np.full(12, 60.0) if seed % 2 else np.full(12, np.inf),
        insiders=(Insider("sole", known), Insider("large", (), ((partly, float(values[partly]) / 2),)))
        if insiders
        else (),
    )


def beside(one: Problem, other: Problem) -> Problem:
    """Two tables as one, with nothing in common."""
    size = one.size
    left, right = one.system, other.system
    keys = [("a", *key) for key in left.keys] + [("b", *key) for key in right.keys]
    system = System(
        tuple(keys),
        np.concatenate((left.starts, right.starts[1:] + left.starts[-1])),
        np.concatenate((left.columns, right.columns + np.int32(size))),
        np.concatenate((left.coefficients, right.coefficients)),
        np.concatenate((left.exact, right.exact)),
        np.concatenate((left.right, right.right)),
    )
    join = {
        name: np.concatenate((getattr(one, name), getattr(other, name)))
        for name in ("values", "primary", "fixed", "weights", "low", "high")
    }
    needs = Needs(
        *(np.concatenate((getattr(one.needs, name), getattr(other.needs, name))) for name in ("reach", "fall", "width"))
    )
    return Problem(system=system, whole=False, needs=needs, **join)


def cheapest_safe(problem: Problem) -> float:
    """By enumeration, cheapest first."""
    others = np.flatnonzero(~problem.primary)
    choices = [
        problem.primary | np.isin(np.arange(problem.size), others[[bool(bits >> n & 1) for n in range(len(others))]])
        for bits in range(2 ** len(others))
    ]
    for pattern in sorted(choices, key=problem.cost):
        if safe(problem, pattern):
            return problem.cost(pattern)
    raise AssertionError("no pattern is safe")


def safe(problem: Problem, pattern: Mask) -> bool:
    """Whether every withheld cell has what it needs in every attacker's eyes, by two programmes each.

    Of an insider's only guarded cells are asked.
    """
    guarded = np.ones(problem.size, dtype=np.bool_) if problem.guarded is None else problem.guarded
    for number, insider in enumerate([Insider("outsider", ()), *problem.insiders]):
        low, high = problem.low.copy(), problem.high.copy()
        for cell, least in insider.least:
            low[cell] = max(low[cell], least)
        seen = ~pattern
        seen[list(insider.known)] = True
        low, high = np.where(seen, problem.values, low), np.where(seen, problem.values, high)
        solver = _table(problem.system, low, high)
        for cell in np.flatnonzero(pattern & ~seen & (guarded | (number == 0))).tolist():
            top, bottom = _extreme(solver, cell, -1.0), _extreme(solver, cell, 1.0)
            needs = problem.needs
            # An insider's own part of a cell is no secret to them.
            fall = needs.fall[cell] if low[cell] <= needs.fall[cell] else np.inf
            width = needs.width[cell] if high[cell] - low[cell] >= needs.width[cell] else 0.0
            if top < needs.reach[cell] - 1e-6 or bottom > fall + 1e-6 or top - bottom < width - 1e-6:
                return False
    return True


def _table(system: System, low: np.ndarray, high: np.ndarray) -> highspy.Highs:
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    for lower, upper in zip(low.tolist(), high.tolist(), strict=True):
        solver.addVar(lower, upper)
    for start, end in pairwise(system.starts.tolist()):
        columns, factors = system.columns[start:end], system.coefficients[start:end].astype(np.float64)
        solver.addRow(0.0, 0.0, end - start, columns, factors)
    return solver


def _extreme(solver: highspy.Highs, cell: int, sign: float) -> float:
    solver.changeColCost(cell, sign)
    solver.run()
    unbounded = solver.getModelStatus() != highspy.HighsModelStatus.kOptimal
    found = np.inf if unbounded else sign * solver.getInfo().objective_function_value
    solver.changeColCost(cell, 0.0)
    return -sign * np.inf if unbounded else float(found)
