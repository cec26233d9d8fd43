"""The safe pattern at low cost: held against published optima, the independent audit, and rows worked by hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from exchange.disclosure.arrays import Mask
from exchange.disclosure.audit import audit, informed
from exchange.disclosure.optimise import Effort, UnprotectableError, programmes, suppress
from exchange.disclosure.optimise.ground import Ground
from exchange.disclosure.problem import Insider, Needs, Problem, View
from exchange.disclosure.relations import System
from exchange.disclosure.tabular import AttackerModel, parse_instance, problem_of
from exchange.pattern import Relation
from tests.shared import shared


@pytest.mark.parametrize(
    ("name", "optimum"),
    [
        pytest.param("rt_act_size", 49_223_640.1391, id="turnover by activity and size"),
        pytest.param("rt_nuts_cj", 40_588_150.8144, id="turnover by region and legal form"),
        pytest.param("ssb_z3", 947, id="counts in three dimensions"),
    ],
)
def test_within_one_per_cent_of_the_published_optimum_and_safe(name: str, optimum: float) -> None:
    problem = published(name)

    found = suppress(problem)

    assert optimum * (1 - 1e-9) <= found.cost <= optimum * 1.01
    assert safe(problem, found.withheld)


def test_exchanging_dear_cells_for_cheaper_ones_stays_safe_and_is_never_dearer() -> None:
    problem = published("rt_nuts_cj")

    first = suppress(problem, effort=Effort(exchange=0))
    better = suppress(problem, effort=Effort(exchange=80))

    assert (first.stage, better.stage) == (2, 3)
    assert better.cost <= first.cost
    assert safe(problem, better.withheld)


@pytest.mark.parametrize("name", ["rt_act_size", "ssb_z3"])
def test_with_the_floor_every_withheld_cell_is_uncertain(name: str) -> None:
    folder = shared(f"sdc/{name}")
    instance = parse_instance((folder / "instance.json").read_bytes(), (folder / "cells.csv").read_bytes())
    problem = problem_of(instance, attackers=AttackerModel.OUTSIDER, floor=True)

    assert safe(problem, suppress(problem, effort=Effort(exchange=50)).withheld)


@pytest.mark.parametrize("seed", range(40))
def test_random_tables_are_safe_against_outsider_and_insiders(seed: int) -> None:
    problem = drawn(seed)
    if not safe(problem, np.ones(problem.size, dtype=np.bool_)):
        pytest.skip("even with everything withheld this table is not safe")

    assert safe(problem, suppress(problem).withheld)


@pytest.mark.parametrize("seed", range(10))
def test_what_is_asked_against_the_outsider_only_costs_no_more_and_stays_safe(seed: int) -> None:
    problem = drawn(seed)
    if not safe(problem, np.ones(problem.size, dtype=np.bool_)):
        pytest.skip("even with everything withheld this table is not safe")
    eased = replace(problem, guarded=problem.primary)

    found = suppress(eased)

    assert safe(eased, found.withheld)
    assert found.cost <= suppress(problem).cost


def test_a_cell_that_is_not_guarded_may_be_seen_through_by_an_insider() -> None:
    """10 hides 5 from all but its own contributor, who learns of nobody by it if 5 is not guarded."""
    table = replace(row([5, 10, 20, 90], need={0: 2}), insiders=(Insider("sole", (1,)),))

    found = suppress(replace(table, guarded=np.zeros(5, dtype=np.bool_)))

    assert found.withheld.tolist() == [True, True, False, False, False]


def test_a_sole_contributor_does_not_see_through_the_only_other_cell() -> None:
    """10 alone would hide 5 from the outsider; its only contributor would subtract it. 20 hides both."""
    table = row([5, 10, 20, 90], need={0: 2})

    alone = suppress(table)
    guarded = suppress(replace(table, insiders=(Insider("sole", (1,)),)))

    assert alone.withheld.tolist() == [True, True, False, False, False]
    assert guarded.withheld.tolist() in ([True, True, True, False, False], [True, False, True, False, False])
    assert guarded.cost == 20


def test_prior_bounds_make_a_neighbour_useless() -> None:
    """All know that 10 lies between 9 and 11: it cannot give 5 the 2 it needs."""
    table = row([5, 10, 20, 90], need={0: 2})
    low, high = table.low.copy(), table.high.copy()
    low[1], high[1] = 9, 11

    found = suppress(replace(table, low=low, high=high))

    assert found.withheld.tolist() == [True, False, True, False, False]


def test_a_public_cell_hides_nothing() -> None:
    table = row([5, 10, 20, 90], need={0: 2})

    found = suppress(replace(table, fixed=np.arange(5) == 1))

    assert found.withheld.tolist() == [True, False, True, False, False]


def test_a_neighbour_that_nothing_protects_is_not_used() -> None:
    """10 would be hidden by 5, which moves by 5 at most: too little for the 40 that 10 itself must keep."""
    table = row([5, 10, 20, 90], need={0: 2})
    width = np.array([0, 400, 0, 0, 0], dtype=np.float64)
    high = np.full(5, 200.0)

    found = suppress(replace(table, needs=replace(table.needs, width=width), high=high))

    assert found.withheld.tolist() == [True, False, True, False, False]


def test_without_a_safe_pattern_it_names_the_cell_and_the_attacker() -> None:
    public = replace(row([5, 10], need={0: 2}), fixed=np.array([False, True, True]))
    insider = replace(
        row([5, 10], need={0: 2}), insiders=(Insider("sole", (1,)),), fixed=np.array([False, False, True])
    )

    with pytest.raises(UnprotectableError) as outside:
        suppress(public)
    with pytest.raises(UnprotectableError) as inside:
        suppress(insider)

    assert (outside.value.cell, outside.value.attacker) == (0, None)
    assert (inside.value.cell, inside.value.attacker) == (0, "sole")


@pytest.mark.parametrize("seed", range(10))
def test_a_programme_that_was_cut_off_is_no_proof_that_nothing_protects(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = drawn(seed)
    if not safe(problem, np.ones(problem.size, dtype=np.bool_)):
        pytest.skip("even with everything withheld this table is not safe")
    monkeypatch.setattr(programmes, "_WORK", {"simplex_iteration_limit": 1, "mip_max_nodes": 1})

    assert safe(problem, suppress(problem).withheld)


def test_a_programme_for_several_cells_may_take_more_than_one_for_a_single_cell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What ten cells need at once is more than one needs; a cell that is cut off is pushed again, and both are lost."""
    problem = drawn(0)
    ground = Ground(problem)
    cells = np.flatnonzero(ground.movable).astype(np.int32)
    targets = [cell for cell in np.flatnonzero(problem.primary).tolist() if ground.up[cell] > 0][:2]
    monkeypatch.setattr(programmes, "_WORK", {"simplex_iteration_limit": 0, "mip_max_nodes": 1})
    solver = programmes.Programmes(ground)
    costs = np.ones(len(cells))

    together = solver.cheapest_together(cells, costs, dict.fromkeys(targets, 1.0), frozenset())
    alone = solver.cheapest(cells, costs, targets[0], 1.0, frozenset())

    assert together is not None
    assert together[np.searchsorted(cells, targets)].tolist() == pytest.approx([1.0, 1.0])
    assert (alone, solver.cut_off) == (None, 1)


def test_nothing_is_hidden_from_an_insider_of_what_is_theirs() -> None:
    """Who contributes 90 of 100 knows that the sum is 90 at least, so the sum need not seem lower to them."""
    table = row([90, 6, 4, 50], need={4: 70})
    inner = replace(table, insiders=(Insider("sole", (0,)),))

    assert suppress(inner).withheld[4]


def test_more_can_be_asked_of_a_pattern_that_stands() -> None:
    table = row([5, 10, 20, 90], need={0: 2})
    first = suppress(table)
    more = suppress(row([5, 10, 20, 90], need={0: 12}, down=5), start=first.withheld, effort=Effort(clean_up=0))

    assert (more.withheld >= first.withheld).all()
    assert safe(row([5, 10, 20, 90], need={0: 12}, down=5), more.withheld)


def test_witnesses_are_tables_that_agree_with_what_is_published() -> None:
    problem = published("ssb_z3")

    found = suppress(problem, effort=Effort(clean_up=0))

    assert found.witnesses
    for table in found.witnesses:
        whole = np.rint(table).astype(np.int64)
        assert not len(problem.system.broken(whole))
        assert (whole[~found.withheld] == problem.values[~found.withheld]).all()
        assert (whole >= 0).all()


def test_the_same_table_gives_the_same_pattern() -> None:
    problem = published("rt_nuts_cj")

    effort = Effort(exchange=50)
    first, second = suppress(problem, effort=effort), suppress(problem, effort=effort)

    assert np.array_equal(first.withheld, second.withheld)
    assert first.programmes == second.programmes


@pytest.mark.parametrize("seed", range(3))
def test_renamed_codes_change_no_cost(seed: int) -> None:
    problem = published("rt_nuts_cj")
    order = np.random.default_rng(seed).permutation(problem.size)

    effort = Effort(exchange=50)
    assert suppress(permuted(problem, order), effort=effort).cost == pytest.approx(
        suppress(problem, effort=effort).cost
    )


def test_told_to_stop_it_hands_over_the_last_safe_stage() -> None:
    problem = published("rt_act_size")

    found = suppress(problem, stop=lambda: True)

    assert found.stage == 1
    assert safe(problem, found.withheld)


@pytest.mark.parametrize(("allowed", "solved"), [(0, 0), (3, 3)])
def test_thinning_out_that_takes_too_many_programmes_leaves_the_pattern_as_it_was(allowed: int, solved: int) -> None:
    """And the clean-up goes on: the same as without thinning out, in so many programmes more."""
    problem = published("rt_act_size")

    without = suppress(problem, effort=Effort(thin_out=0, exchange=0))
    given_up = suppress(problem, effort=Effort(thin_out=allowed, exchange=0))

    assert np.array_equal(given_up.withheld, without.withheld)
    assert (given_up.stage, given_up.programmes - without.programmes) == (2, solved)


@pytest.mark.parametrize("asked_before", [0, 40])
def test_told_to_stop_while_thinning_out_it_hands_over_its_first_pattern_and_tells_of_no_further_stage(
    asked_before: int,
) -> None:
    """The stop is asked before each programme: the one that it refuses is not solved, and none follows."""
    problem = published("rt_act_size")
    told: list[tuple[str, float]] = []
    asked = iter(range(asked_before))

    found = suppress(
        problem,
        effort=Effort(exchange=0),
        stop=lambda: bool(told) and told[-1][0] == "clean-up" and next(asked, None) is None,
        progress=lambda stage, share: told.append((stage, share)),
    )

    first = suppress(problem, effort=Effort(clean_up=0, exchange=0))
    assert told == [("protect", 0.0), ("clean-up", 0.0)]
    assert np.array_equal(found.withheld, first.withheld)
    assert (found.stage, found.programmes - first.programmes) == (1, asked_before)


@pytest.mark.parametrize("programmes", [2, 200])
def test_stopped_between_any_two_programmes_what_it_hands_over_is_safe_and_no_dearer_than_its_first_pattern(
    programmes: int,
) -> None:
    problem = published("rt_act_size")
    asked = iter(range(programmes))
    told: list[float] = []

    found = suppress(problem, stop=lambda: next(asked, None) is None, found=told.append)

    assert found.cost <= told[0]
    assert safe(problem, found.withheld)


def published(name: str) -> Problem:
    """A published instance in the outsider's model; a primary cell without a level must not be exactly known."""
    folder = shared(f"sdc/{name}")
    instance = parse_instance((folder / "instance.json").read_bytes(), (folder / "cells.csv").read_bytes())
    problem = problem_of(instance, attackers=AttackerModel.OUTSIDER, floor=False)
    needs = problem.needs
    bare = problem.primary & (needs.width == 0) & np.isinf(needs.reach) & np.isinf(needs.fall)
    return replace(problem, needs=replace(needs, width=np.where(bare, 1.0, needs.width)))


def row(values: Sequence[int], need: dict[int, int], down: int | None = None) -> Problem:
    """Cells and their total; some need to be uncertain by so much either way."""
    figures = np.array([*values, sum(values)], dtype=np.int64)
    size = len(figures)
    keys = [(str(place),) for place in range(size)]
    reach, fall = np.full(size, -np.inf), np.full(size, np.inf)
    for cell, far in need.items():
        reach[cell], fall[cell] = figures[cell] + far, figures[cell] - (far if down is None else down)
    return Problem(
        system=System.of(keys, [Relation((*((key, 1) for key in keys[:-1]), (keys[-1], -1)))]),
        values=figures,
        whole=False,
        primary=np.isin(np.arange(size), list(need)),
        fixed=np.zeros(size, dtype=np.bool_),
        weights=figures.astype(np.float64),
        needs=Needs(reach, fall, np.zeros(size)),
        low=np.zeros(size),
        high=np.full(size, np.inf),
    )


def drawn(seed: int) -> Problem:
    """A table of 3 × 4 with margins: counts or amounts, with prior bounds or not, with insiders."""
    draw = np.random.default_rng(seed)
    inner = draw.integers(0, 30, (3, 4))
    table = np.zeros((4, 5), dtype=np.int64)
    table[:3, :4] = inner
    table[3, :4], table[:3, 4], table[3, 4] = inner.sum(axis=0), inner.sum(axis=1), inner.sum()
    keys = [(str(r), str(c)) for r in range(4) for c in range(5)]
    across = [Relation((*(((str(r), str(c)), 1) for c in range(4)), ((str(r), "4"), -1))) for r in range(4)]
    along = [Relation((*(((str(r), str(c)), 1) for r in range(3)), (("3", str(c)), -1))) for c in range(5)]
    values = table.ravel()
    size = len(values)
    primary = np.zeros(size, dtype=np.bool_)
    primary[draw.choice([cell for cell in range(15) if cell % 5 < 4], size=3, replace=False)] = True
    need = draw.integers(1, 6, size).astype(np.float64)
    known = np.flatnonzero(primary)[:1].tolist()
    other = int(draw.integers(0, 4))
    return Problem(
        system=System.of(keys, [*across, *along]),
        values=values,
        whole=bool(seed % 2),
        primary=primary,
        fixed=np.arange(size) == 19,
        weights=values.astype(np.float64) + 1,
        needs=Needs(
            np.where(primary, values + need, -np.inf),
            np.where(primary, np.maximum(values - need, 0), np.inf),
            np.ones(size),
        ),
        low=np.zeros(size),
        high=values + 8.0 if seed % 3 == 0 else np.full(size, np.inf),
        insiders=(Insider("sole", tuple(known)), Insider("large", (), ((other, float(values[other]) / 2),))),
    )


def permuted(problem: Problem, order: np.ndarray) -> Problem:
    """The same table with its cells in another order; its relations stand in another order too."""
    place = np.argsort(order)
    system = problem.system
    keys = [system.keys[cell] for cell in order]
    bounds = list(zip(system.starts[:-1].tolist(), system.starts[1:].tolist(), strict=True))
    relations = [
        Relation(
            tuple(
                (keys[place[cell]], int(factor))
                for cell, factor in zip(system.columns[a:b], system.coefficients[a:b], strict=True)
            ),
            bool(system.exact[number]),
        )
        for number, (a, b) in reversed(list(enumerate(bounds)))
    ]
    arrays = {name: getattr(problem, name)[order] for name in ("values", "primary", "fixed", "weights", "low", "high")}
    needs = Needs(problem.needs.reach[order], problem.needs.fall[order], problem.needs.width[order])
    return replace(problem, system=System.of(keys, relations), needs=needs, **arrays)


def safe(problem: Problem, withheld: Mask) -> bool:
    """What the independent audit says."""
    view = View(
        system=problem.system,
        known=~withheld,
        figures=np.where(withheld, 0, problem.values),
        whole=problem.whole,
        low=problem.low,
        high=problem.high,
    )
    insiders = informed(problem.insiders, problem.values)
    hints = [problem.values.astype(np.float64)]
    return not audit(view, problem.needs, insiders=insiders, guarded=problem.guarded, hints=hints).findings
