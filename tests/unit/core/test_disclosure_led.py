"""Suppression led by its relaxation: the pattern is safe, and the bound holds for every other safe one."""

from itertools import chain, combinations, product

import numpy as np
import pytest

from exchange.disclosure import SecretParameters
from exchange.disclosure.led import LEAST_PRICE, led, suppress_led
from exchange.disclosure.optimise import Effort
from exchange.disclosure.optimise.bound import Relaxation
from exchange.disclosure.primary import primary_suppressions
from exchange.disclosure.problem import Problem
from exchange.disclosure.release import Release
from exchange.disclosure.tabular import AttackerModel, engine, parse_instance, problem_of
from exchange.disclosure.tabular.engine import judge, withhold
from exchange.disclosure.weights import weights_of
from tests.shared import shared
from tests.unit.core.sdc import SALT, contract_of, table_of

OPTIMUM = 49_223_640.1391
"""Of rt_act_size, as its page in ../shared/sdc says."""

GRID = contract_of({"R": "ab", "C": "123"}, minimum=3, floor=3)


@pytest.mark.parametrize("seed", range(4))
def test_no_safe_pattern_is_cheaper_than_the_bound_and_the_pattern_is_safe(seed: int) -> None:
    problem = _problem(seed)
    found = suppress_led(problem, effort=Effort(exchange=0), progress=lambda *_: None)
    assert _safe(problem, found.withheld)
    assert found.cost == pytest.approx(problem.cost(found.withheld))
    cheapest = _cheapest_safe_by_trying_all(problem)
    assert found.bound <= cheapest * (1 + 1e-9)
    assert cheapest <= found.cost * (1 + 1e-9)
    assert found.cost <= 1.5 * cheapest


def test_a_price_falls_with_what_the_relaxation_withholds_of_a_cell() -> None:
    problem = _problem(0)
    x = np.linspace(0, 1, problem.size)
    share = led(problem, Relaxation(x, 0.0, 0)).weights / problem.weights
    assert share[0] == 1
    assert share[-1] == pytest.approx(LEAST_PRICE)
    assert (np.diff(share) < 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_an_instance_too_large_for_the_exact_method_is_led_and_has_a_bound_that_holds(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = _problem(seed)
    monkeypatch.setattr(engine, "LED_MIN", problem.size - 1)
    monkeypatch.setattr(engine, "IMPROVE_WORK", {})
    monkeypatch.setattr(engine, "IMPROVE_WORK_INSIDERS", {})
    told: list[float] = []
    found = withhold(problem, cheaper=told.append)
    assert _safe(problem, found.withheld)
    assert told == [found.cost]
    assert found.cost == pytest.approx(problem.cost(found.withheld))
    cheapest = _cheapest_safe_by_trying_all(problem)
    assert 0 < found.bound <= cheapest * (1 + 1e-9) <= found.cost * (1 + 2e-9)


def test_the_bound_is_not_beyond_the_cheapest_pattern_known_though_the_pattern_found_is_dearer() -> None:
    folder = shared("sdc/rt_act_size")
    read = parse_instance((folder / "instance.json").read_bytes(), (folder / "cells.csv").read_bytes())
    problem = problem_of(read, attackers=AttackerModel.OUTSIDER, floor=False)
    found = suppress_led(problem, effort=Effort(clean_up=0, exchange=0, thin_out=0), progress=lambda *_: None)
    assert found.bound <= OPTIMUM < found.cost


def test_told_to_stop_at_once_it_still_hands_over_a_safe_pattern() -> None:
    problem = _problem(0)
    found = suppress_led(problem, stop=lambda: True, progress=lambda *_: None)
    assert _safe(problem, found.withheld)


def _problem(seed: int) -> Problem:
    draw = np.random.default_rng(seed)
    counts = draw.integers(4, 12, 6)
    counts[seed % 6] = 1 + seed % 2
    table = table_of(GRID, dict(zip(product("ab", "123"), counts.tolist(), strict=True)))
    sensitive = primary_suppressions(table, GRID, SecretParameters.public_minima(GRID, salt=SALT))
    weights = weights_of(sensitive.values, SALT)
    return Release(table=table, contract=GRID, sensitive=sensitive, public=frozenset(), weights=weights).problem()


def _cheapest_safe_by_trying_all(problem: Problem) -> float:
    """The cost of the cheapest pattern that the audit, which shares no code with the suppression, finds safe."""
    primary = np.flatnonzero(problem.primary).tolist()
    others = np.flatnonzero(~problem.primary).tolist()
    subsets = chain.from_iterable(combinations(others, size) for size in range(len(others) + 1))
    for subset in sorted(subsets, key=lambda cells: sum(problem.weights[cell] for cell in cells)):
        withheld = np.zeros(problem.size, dtype=np.bool_)
        withheld[[*primary, *subset]] = True
        if _safe(problem, withheld):
            return problem.cost(withheld)
    raise AssertionError("no pattern is safe")


def _safe(problem: Problem, withheld: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> bool:
    return judge(problem, ~withheld, progress=lambda _: None).safe
