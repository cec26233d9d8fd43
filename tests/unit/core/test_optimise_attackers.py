"""Many insiders and many cells at once: what one programme finds holds for all for whom it was asked."""

from dataclasses import replace

import numpy as np
import pytest

from exchange.disclosure.optimise import Effort, suppress
from exchange.disclosure.optimise.attackers import OUTSIDER, Attackers
from exchange.disclosure.optimise.ground import Ground
from exchange.disclosure.optimise.pool import UP, Need, Pool
from exchange.disclosure.problem import Insider, Suppressed
from exchange.disclosure.tabular import AttackerModel, judge, parse_instance, problem_of
from exchange.disclosure.tabular.engine import audited, protect_instance
from tests.bench.sdc.generate import instance
from tests.unit.core.test_optimise import row, safe

FAST = Effort(clean_up=0, exchange=0)


@pytest.fixture
def attackers() -> Attackers:
    """5 + 10 + 20 + 90 = 125: one knows 10, one has 85 of the 90, one knows 5 and has 8 of the 20."""
    insiders = (Insider("a", (1,)), Insider("b", (), ((3, 85.0),)), Insider("c", (0,), ((2, 8.0),)))
    return Ground(replace(row([5, 10, 20, 90], need={0: 2}), insiders=insiders)).attackers


@pytest.mark.parametrize(
    ("moves", "times", "expected"),
    [
        pytest.param({2: -1.0, 3: 1.0}, 12.0, set(), id="down to the part that one has of it"),
        pytest.param({2: -1.0, 3: 1.0}, 13.0, {2}, id="below it"),
        pytest.param({2: 1.0, 3: -1.0}, 6.0, {1}, id="below another's part"),
        pytest.param({1: 1.0, 3: -1.0}, 5.0, {0}, id="a cell that one knows"),
        pytest.param({0: 1.0, 1: -1.0}, 1.0, {0, 2}, id="cells that two know"),
        pytest.param({2: -1.0, 3: 1.0}, -6.0, {1}, id="the other way round"),
    ],
)
def test_a_table_is_none_for_who_knows_a_cell_that_moves_or_has_more_of_one_than_it_leaves(
    attackers: Attackers, moves: dict[int, float], times: float, expected: set[int]
) -> None:
    assert attackers.blocked(moves, times) == expected


def test_a_sum_is_no_less_than_what_an_insider_knows_of_its_parts(attackers: Attackers) -> None:
    assert dict(attackers.rooms(4)) == {0: 115.0, 1: 40.0, 2: 112.0}
    assert attackers.known(frozenset({0, 2})) == {0, 1}
    assert attackers.drops(frozenset({1, 2})) == {3: 5.0, 2: 12.0}
    assert (attackers.name(frozenset({1, 2})), attackers.name(OUTSIDER)) == ("b", None)


def test_what_is_dropped_of_the_proofs_is_taken_back_as_it_was() -> None:
    ground = Ground(row([5, 10, 20, 90], need={0: 2}))
    pool = Pool(ground, np.array([True, True, True, False, False]))
    for other in (1, 2):
        witness = pool.witness(np.array([2.0, -2.0]), (0, other))
        assert witness is not None
        pool.add(witness)
    before = pool.through(0)

    gone = pool.drop(1)

    assert [set(one.moves) for one in pool.through(0)] == [{0, 2}]
    assert pool.lacking(0) is None
    pool.restore(gone)
    assert sorted(pool.through(0), key=id) == sorted(before, key=id)


@pytest.mark.parametrize("others", [(1, 3), (3, 1)], ids=["the shorter first", "the longer first"])
@pytest.mark.parametrize(
    ("far", "lacks"),
    [
        pytest.param(10.0, None, id="both show it"),
        pytest.param(
            11.0, Need(0, UP, 11.0, frozenset({0}), either=False), id="who knows the 90 sees the shorter only"
        ),
        pytest.param(91.0, Need(0, UP, 91.0, OUTSIDER, either=False), id="neither shows it to anybody"),
    ],
)
def test_a_cell_lacks_what_the_farthest_table_that_speaks_to_somebody_does_not_show(
    others: tuple[int, int], far: float, lacks: Need | None
) -> None:
    """5 against 10 goes up by 10, against 90 by 90, and down by 5; in whatever order they were found."""
    problem = replace(row([5, 10, 20, 90], need={0: int(far)}, down=5), insiders=(Insider("a", (3,)),))
    pool = Pool(Ground(problem), np.array([True, True, False, True, False]))
    for other in others:
        witness = pool.witness(np.array([1.0, -1.0]), (0, other))
        assert witness is not None
        pool.add(witness)

    assert pool.lacking(0) == lacks


@pytest.mark.parametrize("name", ["syn3d_1k", "counts2d_1k", "holdings2d_1k"])
@pytest.mark.parametrize("together", [1, 10], ids=["one by one", "ten at once"])
def test_generated_tables_are_safe_against_all_their_insiders(name: str, together: int) -> None:
    problem = problem_of(parse_instance(*instance(name).values()), attackers=AttackerModel.INSIDERS, floor=True)

    found = suppress(problem, effort=replace(FAST, together=together, thorough=False))

    assert judge(problem, ~found.withheld, hints=found.witnesses, progress=lambda _: None).safe


def test_a_table_too_large_for_one_programme_is_protected_piece_by_piece() -> None:
    problem = problem_of(parse_instance(*instance("syn3d_1k").values()), attackers=AttackerModel.INSIDERS, floor=True)

    found = suppress(problem, effort=replace(FAST, whole_max=240, together=10, thorough=False))

    assert judge(problem, ~found.withheld, hints=found.witnesses, progress=lambda _: None).safe


def test_a_clean_up_that_looks_near_by_only_keeps_more_and_stays_safe() -> None:
    problem = problem_of(parse_instance(*instance("syn3d_1k").values()), attackers=AttackerModel.OUTSIDER, floor=False)
    first = suppress(problem, effort=FAST)

    near = suppress(problem, effort=Effort(vicinity=100, thorough=False, clean_up=200, exchange=0))

    assert near.cost <= first.cost
    assert safe(problem, near.withheld)


def test_each_cheaper_pattern_is_told_and_the_last_is_the_one_returned() -> None:
    table = parse_instance(*instance("linked4").values())
    problem = problem_of(table, attackers=AttackerModel.OUTSIDER, floor=False)
    told: list[float] = []

    found = suppress(problem, effort=Effort(exchange=30, clean_up=100), found=told.append)

    assert told == sorted(told, reverse=True)
    assert told[-1] == pytest.approx(found.cost)


def test_told_to_stop_at_once_the_first_stage_is_published_with_its_audit() -> None:
    table = parse_instance(*instance("syn3d_1k").values())
    problem = problem_of(table, attackers=AttackerModel.INSIDERS, floor=True)

    found = protect_instance(table, problem, stop=lambda: True, progress=lambda _stage, _share: None)

    assert (found.suppressed.stage, found.verdict.safe) == (1, True)


def test_what_the_audit_refuses_is_mended_with_more_cells() -> None:
    """A pattern that withholds 5 alone, as if the optimiser had held it to be safe."""
    problem = row([5, 10, 20, 90], need={0: 2})
    bare = Suppressed(withheld=problem.primary, stage=1, cost=0.0, bound=-np.inf, programmes=0)

    mended, verdict = audited(problem, bare, lambda _: None)

    assert verdict.safe
    assert mended.withheld.tolist() == [True, True, False, False, False]
    assert mended.cost == 10
