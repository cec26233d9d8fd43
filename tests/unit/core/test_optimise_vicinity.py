"""The cells that a programme looks at: those that fewest relations from a cell reach."""

import numpy as np
import pytest

from exchange.disclosure.arrays import Mask
from exchange.disclosure.optimise.ground import Ground
from exchange.disclosure.optimise.vicinity import ball
from exchange.disclosure.problem import Needs, Problem
from exchange.disclosure.relations import System
from exchange.pattern import Relation

SIDE = 12
CELLS = SIDE**2


def _grid() -> Ground:
    """A square of cells whose rows and columns each sum to a cell of their own."""
    rows = [[(str(i), str(j)) for j in range(SIDE)] for i in range(SIDE)]
    columns = [[(str(i), str(j)) for i in range(SIDE)] for j in range(SIDE)]
    lines = [(line, (str(place), "T")) for place, line in enumerate(rows)]
    lines += [(line, ("T", str(place))) for place, line in enumerate(columns)]
    relations = [Relation((*((key, 1) for key in line), (whole, -1))) for line, whole in lines]
    keys = sorted({key for relation in relations for key, _ in relation.terms})
    size = len(keys)
    values = np.array([1 if "T" not in key else SIDE for key in keys], dtype=np.int64)
    return Ground(
        Problem(
            system=System.of(keys, relations),
            values=values,
            whole=True,
            low=np.zeros(size),
            high=np.full(size, np.inf),
            needs=Needs(np.full(size, -np.inf), np.full(size, np.inf), np.zeros(size)),
            primary=np.zeros(size, dtype=np.bool_),
            fixed=np.zeros(size, dtype=np.bool_),
            weights=np.ones(size),
            insiders=(),
        )
    )


def _walked(ground: Ground, cell: int, allowed: Mask, size_max: int) -> list[int]:
    """The same by the words of the rule, a cell and a relation at a time."""
    seen, done, border = {cell}, set[int](), [cell]
    while border and len(seen) < size_max:
        further: list[int] = []
        for near in border:
            for row in ground.rows_of_cell[near]:
                new = [other for other in ground.cells_of_row[row] if allowed[other] and other not in seen]
                if row not in done:
                    done.add(row)
                    seen.update(new)
                    further += new
            if len(seen) >= size_max:
                break
        border = further
    return sorted(seen)


@pytest.mark.parametrize("size_max", [1, 5, 20, 60, 1_000])
def test_a_ball_holds_what_a_walk_along_the_relations_meets_first(size_max: int) -> None:
    ground, draw = _grid(), np.random.default_rng(size_max)
    for _ in range(20):
        allowed, cell = draw.random(ground.size) < draw.random(), int(draw.integers(ground.size))
        assert ball(ground, cell, allowed, size_max).tolist() == _walked(ground, cell, allowed, size_max)
