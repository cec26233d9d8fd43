"""Rounding of counts: what each method promises, held against brute force and the peers' figures."""

import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.disclosure.arrays import Integers
from exchange.disclosure.rounding import RoundingMethod, round_controlled, round_small_counts, view_of_rounded
from exchange.disclosure.tabular import Instance, parse_instance, problem_of, round_instance
from exchange.disclosure.tabular.problem import AttackerModel
from exchange.errors.tabular import NotCountsError, RoundingInfeasibleError, RoundingTablesError
from tests.shared import shared


def cube(figures: Integers, *, tables: list[list[str]] | None = None) -> Instance:
    """A table of these inner counts, one dimension an axis, with all margins."""
    names = [f"d{axis}" for axis in range(figures.ndim)]
    dims = {
        name: {"total": "T", "children": {"T": [str(code) for code in range(size)]}}
        for name, size in zip(names, figures.shape, strict=True)
    }
    rows = []
    for key in product(*([None, *range(size)] for size in figures.shape)):
        part = figures[tuple(slice(None) if code is None else code for code in key)]
        rows.append(",".join(["T" if code is None else str(code) for code in key] + [str(int(part.sum()))]))
    if tables is not None:
        kept = [[names.index(name) for name in table] for table in tables]
        rows = [
            row
            for row in rows
            if any(all(code == "T" for place, code in enumerate(row.split(",")[:-1]) if place not in t) for t in kept)
        ]
    document = {"name": "cube", "integer": True, "dims": dims} | ({} if tables is None else {"tables": tables})
    csv = "\n".join([",".join([*names, "value"]), *rows, ""])
    return parse_instance(json.dumps(document).encode(), csv.encode())


def counts(shape: tuple[int, ...], high: int) -> st.SearchStrategy[Instance]:
    size = int(np.prod(shape))
    lists = st.lists(st.integers(0, high), min_size=size, max_size=size)
    return lists.map(lambda found: cube(np.array(found, dtype=np.int64).reshape(shape)))


@settings(max_examples=60)
@given(instance=counts((3, 4), 9), base=st.integers(2, 6))
def test_controlled_rounding_gives_multiples_less_than_the_base_away_and_additive(
    instance: Instance, base: int
) -> None:
    problem = problem_of(instance, attackers=AttackerModel.OUTSIDER, floor=False)
    rounded = round_controlled(problem.system, problem.values, base=base, name="t")
    assert not (rounded.figures % base).any()
    assert np.abs(rounded.figures - problem.values).max() == rounded.changed_max < base
    assert not len(problem.system.broken(rounded.figures))


@settings(max_examples=60)
@given(instance=counts((2, 3, 2), 7), base=st.integers(2, 6))
def test_small_count_rounding_moves_small_inner_counts_only_and_sums_the_rest(instance: Instance, base: int) -> None:
    problem = problem_of(instance, attackers=AttackerModel.OUTSIDER, floor=False)
    rounded = round_small_counts(problem.system, problem.values, base=base, name="t")
    inner = np.array(["T" not in key for key in instance.cells.keys])
    small = inner & (problem.values > 0) & (problem.values < base)
    assert set(rounded.figures[small].tolist()) <= {0, base}
    assert (rounded.figures == problem.values)[inner & ~small].all()
    assert not len(problem.system.broken(rounded.figures))


def test_small_count_rounding_of_the_norwegian_counts_stays_as_close_as_the_study_s() -> None:
    folder = shared("sdc/ssb_z3")
    instance = parse_instance((folder / "instance.json").read_bytes(), (folder / "cells.csv").read_bytes())
    rounded, outcome = round_instance(instance, method=RoundingMethod.SMALL_COUNT, base=3, progress=lambda _: None)
    assert rounded.changed_max <= 4
    assert rounded.changed_mean <= 0.72
    assert outcome.safe


def test_a_controlled_rounding_that_does_not_exist_is_refused_and_never_widened() -> None:
    """Causey, Cox and Ernst (JASA 80, 1985): a cube of four ones, no two of them on a line, to base 2.

    Every face holds two of them and must stay 2, so one of each face goes up; but any two share a face, and the total
    of 4 needs two of them.
    """
    figures = np.zeros((2, 2, 2), dtype=np.int64)
    figures[[0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]] = 1
    problem = problem_of(cube(figures), attackers=AttackerModel.OUTSIDER, floor=False)
    with pytest.raises(RoundingInfeasibleError):
        round_controlled(problem.system, problem.values, base=2, name="t")


@settings(max_examples=30)
@given(instance=counts((2, 3), 6), method=st.sampled_from(list(RoundingMethod)))
def test_the_originals_that_a_reader_of_a_rounded_table_holds_possible_include_the_true_one(
    instance: Instance, method: RoundingMethod
) -> None:
    problem = problem_of(instance, attackers=AttackerModel.OUTSIDER, floor=False)
    rounding = round_controlled if method is RoundingMethod.CONTROLLED else round_small_counts
    rounded = rounding(problem.system, problem.values, base=3, name="t")
    view = view_of_rounded(problem.system, rounded.figures, method=method, base=3)
    assert not view.known.any()
    assert ((view.low <= problem.values) & (problem.values <= view.high)).all()


def test_linked_tables_have_no_inner_counts_in_common() -> None:
    instance = cube(np.arange(8, dtype=np.int64).reshape(2, 2, 2), tables=[["d0", "d1"], ["d0", "d2"]])
    with pytest.raises(RoundingTablesError):
        round_instance(instance, method=RoundingMethod.SMALL_COUNT, base=3, progress=lambda _: None)
    rounded, _ = round_instance(instance, method=RoundingMethod.CONTROLLED, base=3, progress=lambda _: None)
    assert rounded.changed_max < 3


def test_magnitudes_are_not_rounded() -> None:
    raw = json.dumps({"name": "m", "dims": {"d": {"total": "T", "children": {"T": ["a"]}}}}).encode()
    instance = parse_instance(raw, b"d,value\nT,1.5\na,1.5\n")
    with pytest.raises(NotCountsError):
        round_instance(instance, method=RoundingMethod.CONTROLLED, base=3, progress=lambda _: None)
