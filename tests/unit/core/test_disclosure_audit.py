"""What the audit says an attacker can compute: tables worked out by hand, and publications of other programs."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from exchange.disclosure.arrays import Floats, Rows
from exchange.disclosure.audit import InsiderView, Interval, Reason, audit, intervals, pool
from exchange.disclosure.audit.solver import Answer, Ending, Programme
from exchange.disclosure.problem import Insider, Needs, View
from exchange.disclosure.relations import System
from exchange.pattern import Relation
from exchange.table import CellKey
from tests.shared import shared
from tests.unit.core.test_disclosure_audit_corners import ends, seen_of, system_of, zeros

T = "T"
INNER = {"a": (20, 50, 10), "b": (8, 19, 22), "d": (17, 32, 12)}
SQUARE = ("b1", "b3", "d1", "d3")
"""8 22 / 17 12: b1 may rise by 17, as far as d1 can fall (b3 could by 22), and fall by 8, to nothing."""


def test_a_cell_withheld_alone_in_its_row_is_exact() -> None:
    assert _reasons(["b3"]) == {"b3": Reason.EXACT}


def test_a_square_of_four_withheld_cells_hides_each() -> None:
    assert _reasons(SQUARE) == {}
    found = _intervals(SQUARE)
    assert found == {"b1": (0, 25), "b3": (5, 30), "d1": (0, 25), "d3": (4, 29)}


def test_each_need_is_judged_by_itself() -> None:
    view, cell = _view(SQUARE), KEYS.index(("b", "1"))
    for reach, fall, width, reason in (
        (25, 0, 25, None),
        (26, 0, 25, Reason.REACH),
        (25, -1, 25, Reason.FALL),
        (25, 0, 26, Reason.WIDTH),
    ):
        outcome = audit(view, _needs({cell: (reach, fall, width)}))
        assert [finding.reason for finding in outcome.findings] == ([] if reason is None else [reason])
        assert outcome.cells == 1


def test_two_releases_that_are_safe_alone_are_exact_together() -> None:
    first, second = _hidden_in("pub1"), _hidden_in("pub2")
    assert _reasons(first) == _reasons(second) == {}
    pooled = pool([_view(first), _view(second)])
    assert set(_found_in(pooled).values()) == {Reason.EXACT}
    assert set(_found_in(pooled)) == {"b1", "b3"}


def test_the_unprotected_release_is_exact() -> None:
    assert _reasons(_hidden_in("pub0")) == {"b3": Reason.EXACT}


def test_a_pool_is_never_safer_than_its_parts() -> None:
    draw = np.random.default_rng(5)
    for _ in range(60):
        patterns = [[key for key in KEYS if draw.random() < 0.6 and key != (T, T)] for _ in range(2)]
        views = [_view(_names(pattern)) for pattern in patterns]
        together = set(_found_in(pool(views)))
        still_hidden = set(_names(patterns[0])) & set(_names(patterns[1]))
        for view in views:
            assert set(_found_in(view)) & still_hidden <= together


def test_publications_that_contradict_each_other_prove_nothing_safe() -> None:
    other = _view(("d1", "d3"))
    other.figures[KEYS.index(("b", "1"))] = 9
    found = _found_in(pool([_view(("b3", "d3")), other]))
    assert found["b1"] is Reason.CONTRADICTION
    assert found["d3"] is Reason.CONTRADICTION


def test_a_margin_that_is_not_the_sum_of_published_parts_proves_nothing_safe() -> None:
    view = _view(SQUARE)
    view.figures[KEYS.index(("a", "1"))] = 21
    found = _found_in(view)
    assert set(SQUARE) < set(found)
    assert set(found.values()) == {Reason.CONTRADICTION}


def test_sums_of_withheld_cells_that_no_table_has_prove_nothing_safe() -> None:
    view = _view(SQUARE)
    view.low[KEYS.index(("b", "1"))] = 31  # b1 + b3 = 30
    assert _found_in(view) == dict.fromkeys(SQUARE, Reason.CONTRADICTION)
    assert intervals(view) == {}


def test_views_of_different_tables_are_not_pooled() -> None:
    other = replace(_view(SQUARE), system=replace(SYSTEM, keys=tuple(reversed(KEYS))))
    with pytest.raises(ValueError, match="same cells"):
        pool([_view(SQUARE), other])


def test_whole_numbers_are_not_fractions() -> None:
    # x + y = 5 and x = y: only in fractions.
    system = system_of([[(0, 1), (1, 1)], [(0, 1), (1, -1)]], 2, right=[5, 0])
    view = seen_of(system, np.zeros(2, dtype=np.bool_), np.zeros(2, dtype=np.int64))
    asked = Needs(zeros(2), np.full(2, 9.0), zeros(2) + 1)
    assert {finding.reason for finding in audit(view, asked).findings} == {Reason.CONTRADICTION}
    half = Interval(Fraction(5, 2), Fraction(5, 2))
    assert intervals(replace(view, whole=False)) == {0: half, 1: half}


def _narrower(view: View, integers: int) -> int:
    """How many withheld cells may have an interval of fewer whole numbers: a reconstruction starts there.

    In a table of fractions an interval counts unless it is that wide: then it holds that many whatever its ends.
    """
    size = len(view.known)
    width = np.where(view.known, 0.0, float(integers - 1 if view.whole else integers))
    needs = Needs(np.full(size, -np.inf), np.full(size, np.inf), width)
    return len({found.cell for found in audit(view, needs).findings})


def test_cells_whose_interval_holds_few_whole_numbers_are_counted() -> None:
    # b1, b3, d1, d3 each keep 26 values; with b3 known to be at most 24, b1 keeps 6, 7, … 25: 20, and so do the others.
    view = _view(SQUARE)
    assert [_narrower(view, integers) for integers in (26, 27)] == [0, 4]
    view.high[KEYS.index(("b", "3"))] = 24
    assert [_narrower(view, integers) for integers in (20, 21)] == [0, 4]
    assert _narrower(replace(view, whole=False), 20) == 4


def test_what_is_known_beforehand_narrows_what_can_be_hidden() -> None:
    view = _view(SQUARE)
    view.low[KEYS.index(("d", "1"))] = 15  # b1 can rise by no more than d1 can fall
    view.high[KEYS.index(("b", "3"))] = 24  # and fall by no more than b3 can rise
    assert _named(intervals(view))["b1"] == (6, 10)


def test_a_cell_without_any_bound_has_none() -> None:
    view = _view((*SQUARE, "TT", "T1", "bT", "T3", "dT"))
    view.low[:] = -np.inf
    assert _named(intervals(view, [KEYS.index(("b", "1"))])) == {"b1": (None, None)}


class TestInsiders:
    """In a 3×3 with the square withheld, the sole contributor of d1 knows what the row and the column then say."""

    def test_a_sole_contributor_computes_the_rest_of_the_square(self) -> None:
        outcome = self._outcome(Insider("sole", (KEYS.index(("d", "1")),)))
        assert {(_name(KEYS[f.cell]), f.reason, f.attacker) for f in outcome.findings} == {
            ("b1", Reason.EXACT, 0),
            ("b3", Reason.EXACT, 0),
            ("d3", Reason.EXACT, 0),
        }
        assert outcome.attackers == 2

    def test_what_the_outsider_computes_is_said_once(self) -> None:
        view, insider = _view(["b3"]), Insider("sole", (KEYS.index(("a", "1")),))
        outcome = audit(view, _both_ways(view), insiders=[InsiderView.of(insider, VALUES)])
        assert [(finding.cell, finding.attacker) for finding in outcome.findings] == [(KEYS.index(("b", "3")), None)]

    def test_a_part_of_a_cell_is_a_lower_bound_for_who_contributed_it(self) -> None:
        # Who knows that d1 ≥ 15 knows that b1 ≤ 10; the outsider does not.
        insider = InsiderView.of(Insider("large", (), ((KEYS.index(("d", "1")), 15.0),)), VALUES)
        assert _named(intervals(_view(SQUARE), insider=insider))["b1"] == (0, 10)
        cell = KEYS.index(("b", "1"))
        assert audit(_view(SQUARE), _needs({cell: (11, 0, 0)})).safe
        outcome = audit(_view(SQUARE), _needs({cell: (11, 0, 0)}), insiders=[insider])
        assert [(finding.reason, finding.attacker) for finding in outcome.findings] == [(Reason.REACH, 0)]

    def test_their_own_part_is_not_held_against_the_table_but_the_rest_is(self) -> None:
        cell = KEYS.index(("d", "1"))
        insider = InsiderView.of(Insider("large", (), ((cell, 15.0),)), VALUES)
        assert audit(_view(SQUARE), _needs({cell: (25, 0, 10)}), insiders=[insider]).safe
        too_wide = audit(_view(SQUARE), _needs({cell: (25, 0, 11)}), insiders=[insider])
        assert [finding.reason for finding in too_wide.findings] == [Reason.WIDTH]

    def test_a_figure_that_no_table_has_proves_nothing_safe(self) -> None:
        insider = InsiderView(Insider("liar", (KEYS.index(("d", "1")),)), (26,))
        found = {
            finding.reason for finding in audit(_view(SQUARE), _both_ways(_view(SQUARE)), insiders=[insider]).findings
        }
        assert found == {Reason.KNOWLEDGE}

    def test_a_figure_that_differs_from_the_published_one_proves_nothing_safe(self) -> None:
        insider = InsiderView(Insider("liar", (KEYS.index(("a", "1")),)), (21,))
        outcome = audit(_view(SQUARE), _both_ways(_view(SQUARE)), insiders=[insider])
        assert Reason.KNOWLEDGE in {finding.reason for finding in outcome.findings}
        assert not outcome.safe

    def _outcome(self, *insiders: Insider):  # noqa: ANN202  # the audit's own answer
        view = _view(SQUARE)
        return audit(view, _both_ways(view), insiders=[InsiderView.of(insider, VALUES) for insider in insiders])


@pytest.mark.parametrize("lie", [0.0, 1000.0, -5.0, 0.5, np.nan, np.inf])
def test_a_lying_hint_is_not_believed(lie: float) -> None:
    view = _view(["b3"])
    lies = [np.full(len(KEYS), lie), VALUES + lie, VALUES.astype(np.float64)]
    assert set(audit(view, _both_ways(view), hints=lies).findings) == set(audit(view, _both_ways(view)).findings)


def test_a_true_hint_saves_work() -> None:
    view = _view(SQUARE)
    up, down = VALUES.astype(np.float64), VALUES.astype(np.float64)
    for name, sign in zip(SQUARE, (1, -1, -1, 1), strict=True):
        up[KEYS.index((name[0], name[1]))] += 10 * sign
        down[KEYS.index((name[0], name[1]))] -= 8 * sign
    outcome = audit(view, _both_ways(view), hints=[VALUES.astype(np.float64), up, down])
    assert outcome.safe
    assert outcome.programmes == 0


@pytest.mark.parametrize("lie", [0.0, 7.0, 1e18, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("ending", list(Ending))
@pytest.mark.parametrize("hidden", [("b3",), ("b1", "b3"), SQUARE])
def test_a_lying_solver_makes_nothing_safe(lie: float, ending: Ending, hidden: Sequence[str]) -> None:
    view = _view(hidden)
    outcome = audit(view, _both_ways(view, width=60), make=lambda size, _rows: _Liar(size, lie, ending))
    assert not outcome.safe
    assert {finding.cell for finding in outcome.findings} == set(np.flatnonzero(~view.known).tolist())


class _Liar:
    """A solver that always gives the same answer."""

    def __init__(self, size: int, lie: float, ending: Ending) -> None:
        self._answer = Answer(ending, np.full(size, lie), lie, 1)

    def minimise(self, *_model: Floats, whole: bool = False, work_max: int) -> Answer:
        """Say the same again."""
        assert work_max > 0
        return replace(self._answer, values=self._answer.values[1:]) if whole else self._answer


def test_a_solver_whose_tables_are_moved_by_one_makes_nothing_safe() -> None:
    view = _view(SQUARE)
    outcome = audit(view, _both_ways(view), make=_Shifted)
    assert not outcome.safe


class _Shifted:
    def __init__(self, size: int, rows: Rows) -> None:
        self._true = Programme(size, rows)

    def minimise(self, costs: Floats, lower: Floats, upper: Floats, *, whole: bool = False, work_max: int) -> Answer:
        """Solve, and add one to the first cell."""
        answer = self._true.minimise(costs, lower, upper, whole=whole, work_max=work_max)
        if answer.ending is Ending.SOLVED:
            answer.values[0] += 1
        return answer


@pytest.mark.parametrize("work_max", [0, 1, 2])
def test_unfinished_work_is_refused(work_max: int) -> None:
    view = _view(SQUARE)
    outcome = audit(view, _both_ways(view), work_max=work_max)
    assert not outcome.finished
    assert not outcome.safe
    assert {finding.reason for finding in outcome.findings} == {Reason.UNFINISHED}
    assert audit(view, _both_ways(view)).safe


def test_the_share_that_is_done_rises_to_one() -> None:
    shares: list[float] = []
    audit(_view((*SQUARE, "TT")), _both_ways(_view(SQUARE)), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_permuting_the_codes_changes_nothing() -> None:
    draw = np.random.default_rng(6)
    for _ in range(20):
        hidden = [key for key in KEYS if draw.random() < 0.6]
        expected = _audited(hidden)
        for _ in range(3):
            turned = [KEYS[place] for place in draw.permutation(len(KEYS))]
            assert _audited(hidden, turned) == expected


def _grid() -> tuple[list[CellKey], list[int], list[Relation]]:
    """The 3×3 of ../shared/sdc/t1, with its margins."""
    keys = list(product([*INNER, T], ["1", "2", "3", T]))
    parts = {key: [(r, c) for r in INNER for c in "123" if key[0] in {r, T} and key[1] in {c, T}] for key in keys}
    values = [sum(INNER[r][int(c) - 1] for r, c in parts[key]) for key in keys]
    sums = [Relation((((row, T), -1), *(((row, c), 1) for c in "123"))) for row in [*INNER, T]]
    sums += [Relation((((T, column), -1), *(((r, column), 1) for r in INNER))) for column in ["1", "2", "3", T]]
    return keys, values, sums


KEYS, _figures, RELATIONS = _grid()
VALUES = np.array(_figures, dtype=np.int64)
SYSTEM = System.of(KEYS, RELATIONS)


def _view(hidden: Sequence[str]) -> View:
    known = np.array([_name(key) not in hidden for key in KEYS])
    return seen_of(SYSTEM, known, np.where(known, VALUES, 0))


def _needs(asked: dict[int, tuple[float, float, float]]) -> Needs:
    needs = Needs(np.full(len(KEYS), -np.inf), ends(len(KEYS)), zeros(len(KEYS)))
    for cell, (reach, fall, width) in asked.items():
        needs.reach[cell], needs.fall[cell], needs.width[cell] = reach, fall, width
    return needs


def _both_ways(view: View, width: float = 10) -> Needs:
    """Each withheld cell must keep ±4, and an interval this wide."""
    hidden = np.flatnonzero(~view.known).tolist()
    return _needs({cell: (VALUES[cell] + 4, VALUES[cell] - 4, width) for cell in hidden})


def _found_in(view: View) -> dict[str, Reason]:
    """What is found where each withheld cell needs ±4 and 10 between."""
    return {_name(KEYS[found.cell]): found.reason for found in audit(view, _both_ways(view)).findings}


def _reasons(hidden: Sequence[str]) -> dict[str, Reason]:
    return _found_in(_view(hidden))


def _audited(hidden: Sequence[CellKey], order: Sequence[CellKey] = tuple(KEYS)) -> dict[str, Reason]:
    """The same with the cells in another order."""
    values = dict(zip(KEYS, VALUES.tolist(), strict=True))
    known = np.array([key not in hidden for key in order])
    figures = np.array([values[key] for key in order], dtype=np.int64)
    view = seen_of(System.of(order, RELATIONS), known, figures)
    asked = Needs(figures + 4.0, figures - 4.0, np.full(len(order), 10.0))
    return {_name(order[found.cell]): found.reason for found in audit(view, asked).findings}


def _intervals(hidden: Sequence[str]) -> dict[str, tuple[Fraction | None, Fraction | None]]:
    return _named(intervals(_view(hidden)))


def _named(found: dict[int, Interval]) -> dict[str, tuple[Fraction | None, Fraction | None]]:
    return {_name(KEYS[cell]): (interval.low, interval.high) for cell, interval in found.items()}


def _hidden_in(publication: str) -> list[str]:
    lines = shared(f"sdc/t1/{publication}.csv").read_text().splitlines()[1:]
    return ["".join(line.split(",")[:2]) for line in lines if line.endswith(",x")]


def _names(keys: Sequence[CellKey]) -> list[str]:
    return [_name(key) for key in keys]


def _name(key: CellKey) -> str:
    return "".join(key)
