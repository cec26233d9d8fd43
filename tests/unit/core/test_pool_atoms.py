"""Overlapping populations: which small groups a combination of released figures singles out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from exchange.contract.model import TOTAL
from exchange.disclosure.pool import Atom, Released, atoms_of, small_groups
from tests.bench.sdc.records import counting
from tests.unit.core.sdc import code_list, contract_of, published

MINIMUM = 5


def cells(names: str) -> frozenset[tuple[str, ...]]:
    return frozenset(("r", name) for name in names)


def test_records_that_the_same_shown_cells_count_are_one_atom() -> None:
    records = [(cells("AT"), 3), (cells("AHT"), 4), (cells("BT"), 9), (cells("H"), 2)]
    assert set(atoms_of(records, cells("ABT"))) == {Atom(cells("AT"), 7), Atom(cells("BT"), 9)}


def test_a_record_is_counted_by_every_cell_of_every_table_that_its_codes_lie_in() -> None:
    tree = code_list("R", ["g", "h"], {"a": "g", "b": "g", "d": "h"})
    contract = contract_of({"R": "gh", "C": "12", "S": "xy"}, [("R", "C"), ("R", "S")])
    contract = replace(contract, dimensions=(replace(contract.dimensions[0], codelist=tree), *contract.dimensions[1:]))
    release = Released(contract=contract, revision=0, table=published(contract, {}, []), recipients=())
    found = counting(release, {"R": "b", "C": "2", "S": "x"})
    assert {"".join("T" if code == TOTAL else code for code in key[1:]) for key in found} == {
        "g2T", "gTT", "T2T", "TTT", "gTx", "TTx",
    }  # fmt: skip
    without_total = replace(
        contract, dimensions=(*contract.dimensions[:2], replace(contract.dimensions[2], has_total=False))
    )
    found = counting(replace(release, contract=without_total), {"R": "b", "C": "2", "S": "x"})
    assert {key[3] for key in found} == {"x"}


@pytest.mark.parametrize(
    ("atoms", "singled_out"),
    [
        pytest.param({"AT": 30, "BT": 40}, [], id="two large groups and their sum"),
        pytest.param({"A": 30, "AB": 20, "B": 3}, [], id="a small group that nothing isolates"),
        pytest.param({"AB": 30, "B": 3}, ["B"], id="a part, and the whole without a few: 15 and more, 18 and more"),
        pytest.param({"AXT": 30, "AYT": 3, "YT": 50, "XBT": 20}, ["AYT"], id="a village moved from A to Y"),
        pytest.param({"AXT": 30, "AYT": 3, "BXT": 4, "BYT": 50}, [], id="villages moved both ways: 3 and 4 are 7"),
        pytest.param({"AXT": 30, "AYT": 3, "BXT": 1, "BYT": 50}, ["AYT", "BXT"], id="moved both ways: only 4 in all"),
    ],
)
def test_a_group_of_few_is_singled_out_where_a_combination_leaves_only_them(
    atoms: dict[str, int], singled_out: list[str]
) -> None:
    found = small_groups([Atom(cells(names), count) for names, count in atoms.items()], minimum=MINIMUM)
    assert {atom.cells for group in found for atom in group.atoms} == {cells(names) for names in singled_out}


def test_the_search_agrees_with_trying_every_subset() -> None:
    draw = np.random.default_rng(11)
    outcomes: Counter[bool] = Counter()
    for _ in range(400):
        atoms = _random(draw)
        found = small_groups(atoms, minimum=MINIMUM)
        assert bool(found) is _some_subset(atoms)
        outcomes[bool(found)] += 1
        for group in found:
            assert sum(atom.contributors for atom in group.atoms) < MINIMUM
            assert group.chain is not None
            factors = dict(group.chain.terms)
            weights = {atom: sum(factors.get(cell, 0) for cell in atom.cells) for atom in atoms}
            assert {atom for atom, weight in weights.items() if weight} <= group.atoms
            assert any(weights.values())
    assert min(outcomes.values()) > 60


def _random(draw: np.random.Generator) -> list[Atom]:
    names = "ABCDEF"[: int(draw.integers(2, 7))]
    found = {}
    for _ in range(int(draw.integers(2, 8))):
        held = frozenset(("r", name) for name in names if draw.random() < 0.5)
        if held:
            found[held] = int(draw.choice([1, 2, 3, 7, 20]))
    return [Atom(held, count) for held, count in found.items()]


def _some_subset(atoms: Sequence[Atom]) -> bool:
    """Whether the figures determine some combination of a set of few contributors: the rank falls without them."""
    names = sorted(frozenset().union(*(atom.cells for atom in atoms)))
    matrix = np.array([[name in atom.cells for atom in atoms] for name in names], dtype=float)
    full = np.linalg.matrix_rank(matrix)
    for size in range(1, MINIMUM):
        for subset in combinations(range(len(atoms)), size):
            if sum(atoms[place].contributors for place in subset) < MINIMUM:
                rest = np.delete(matrix, subset, axis=1)
                if (np.linalg.matrix_rank(rest) if rest.size else 0) < full:
                    return True
    return False
