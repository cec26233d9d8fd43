"""Whole-numbered deviations of counts: the cheapest, and any at all where every cell is withheld already."""

import numpy as np
import pytest

from exchange.disclosure.optimise import programmes, protection, suppress
from exchange.disclosure.optimise.attackers import OUTSIDER
from exchange.disclosure.optimise.ground import Ground
from tests.unit.core.test_optimise import drawn, safe

COUNTS = range(1, 60, 2)
"""Of odd seeds the tables hold counts."""


@pytest.mark.parametrize("seed", COUNTS)
def test_any_deviation_is_whole_keeps_every_sum_and_exists_where_the_cheapest_does(seed: int) -> None:
    problem = drawn(seed)
    ground = Ground(problem)
    cells = np.flatnonzero(ground.movable).astype(np.int32)
    target = next(cell for cell in np.flatnonzero(problem.primary).tolist() if ground.movable[cell])
    for far in (1.0, -1.0, 3.0, 1000.0):
        solver = programmes.Programmes(ground)
        cheapest = solver.cheapest(cells, np.ones(len(cells)), target, far, OUTSIDER, careful=True)
        anyone = solver.cheapest(cells, None, target, far, OUTSIDER, careful=True)
        again = solver.cheapest(cells, np.ones(len(cells)), target, far, OUTSIDER, careful=True)
        assert (anyone is None) == (cheapest is None)
        if cheapest is None or anyone is None or again is None:
            continue
        assert np.abs(again).sum() == pytest.approx(np.abs(cheapest).sum())  # the cheapest is meant again after it
        table = problem.values.astype(np.float64)
        table[cells] += anyone
        whole = np.rint(table).astype(np.int64)
        assert np.abs(table - whole).max() < 1e-6
        assert not len(problem.system.broken(whole))
        assert whole[target] - problem.values[target] == far
        assert (whole >= problem.low).all()
        assert (whole <= problem.high).all()


@pytest.mark.parametrize("seed", COUNTS)
def test_a_pattern_made_by_any_deviations_is_as_safe(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = drawn(seed)
    if not safe(problem, np.ones(problem.size, dtype=np.bool_)):
        pytest.skip("even with everything withheld this table is not safe")
    monkeypatch.setattr(protection, "_WHOLE_MANY", 0)
    monkeypatch.setattr(protection, "_WHOLE_NEAR", 1)
    assert safe(problem, suppress(problem).withheld)
