"""What holds of every pool: more releases never make a cell safer, and parts of one release give nothing away."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from exchange.contract.model import TOTAL, DataContract
from exchange.disclosure.pool import Pool, PoolFinding, PoolRules, Released
from exchange.table import CellKey
from tests.unit.core.pools import candidate_of, pool_findings, values_of
from tests.unit.core.sdc import contract_of, protected, published, table_of

T = TOTAL
DIMENSIONS = {"R": "abd", "C": "123", "S": "xy"}
WHOLE = contract_of(DIMENSIONS, [("R", "C"), ("R", "S")], linkage_group="ct")
BY_COLUMN = replace(contract_of(DIMENSIONS, [("R", "C")], linkage_group="ct"), id="CT-02-TEST")
BY_SEX = replace(contract_of(DIMENSIONS, [("C", "S")], linkage_group="ct"), id="CT-03-TEST")
SQUARE = contract_of({"R": "abdefg", "C": "123456"}, linkage_group="ct")
TO_ANOTHER = replace(SQUARE, id="CT-04-TEST")
RULES = PoolRules(minimum=5)


@pytest.mark.parametrize("seed", range(15))
def test_a_pool_is_never_safer_than_its_parts(seed: int) -> None:
    draw = np.random.default_rng(seed)
    persons = _persons(draw)
    asked = _at_random(WHOLE, persons, draw, revision=2)
    others = [
        _at_random(WHOLE, persons, draw, revision=1),
        _at_random(BY_COLUMN, persons, draw),
        _at_random(BY_SEX, persons, draw),
    ]
    before: set[CellKey] = set()
    for count in range(len(others) + 1):
        found = pool_findings(candidate_of(asked, persons), Pool(releases=tuple(others[:count])), RULES)
        exposed = {cell for finding in found for cell in finding.cells if cell[0] == asked.name}
        assert before <= exposed
        before = exposed


def test_two_bundles_of_one_canonical_release_give_nothing_away_together_and_two_patterns_do() -> None:
    given_away = []
    for seed in range(8):
        draw = np.random.default_rng(seed)
        persons = {
            where: int(draw.choice([1, 3, 9, 30], p=[0.1, 0.1, 0.4, 0.4])) for where in product("abdefg", "123456")
        }
        canonical, other = (_pattern(SQUARE, counts) for counts in (persons, _with_other_weights(persons, draw)))
        one, two = _part(SQUARE, persons, canonical), _part(TO_ANOTHER, persons, canonical)
        for asked, held in ((one, two), (two, one)):
            assert pool_findings(candidate_of(asked, persons), Pool(), RULES) == ()
            assert pool_findings(candidate_of(asked, persons), Pool(releases=(held,)), RULES) == ()
        apart = _part(TO_ANOTHER, persons, other)
        if other != canonical and not pool_findings(candidate_of(apart, persons), Pool(), RULES):
            given_away.append(bool(pool_findings(candidate_of(one, persons), Pool(releases=(apart,)), RULES)))
    assert sum(given_away) >= 3


def test_whatever_is_found_is_told_of_a_cell_and_without_a_figure() -> None:
    draw = np.random.default_rng(5)
    persons = {where: count + 1_000_003 for where, count in _persons(draw).items()}
    asked, held = _at_random(WHOLE, persons, draw, revision=1), _at_random(WHOLE, persons, draw)
    found = pool_findings(candidate_of(asked, persons), Pool(releases=(held,)), RULES)
    assert found
    figures = {str(figure) for figure in values_of(WHOLE, persons).values()}
    assert not any(figure in _said(finding) for finding in found for figure in figures)


def _persons(draw: np.random.Generator) -> dict[CellKey, int]:
    return {where: int(draw.choice([0, 1, 9, 30], p=[0.2, 0.2, 0.3, 0.3])) for where in product("abd", "123", "xy")}


def _pattern(contract: DataContract, persons: dict[CellKey, int]) -> frozenset[CellKey]:
    """A safe pattern for these persons."""
    return protected(contract, table_of(contract, persons)).safe.withheld_keys()


def _with_other_weights(persons: dict[CellKey, int], draw: np.random.Generator) -> dict[CellKey, int]:
    """The same small cells among others: what another objective would choose to hide them with."""
    return {where: int(draw.choice([9, 30])) if count > 5 else count for where, count in persons.items()}


def _at_random(
    contract: DataContract, persons: dict[CellKey, int], draw: np.random.Generator, *, revision: int = 0
) -> Released:
    """A release that hides a third of its cells, whichever."""
    values = values_of(contract, persons)
    hidden = [key for key in sorted(values) if draw.random() < 0.35]
    return replace(_part(contract, persons, frozenset(hidden)), revision=revision)


def _part(contract: DataContract, persons: dict[CellKey, int], hidden: frozenset[CellKey]) -> Released:
    """What one contract shows of a release that hides these cells."""
    values = values_of(contract, persons)
    values |= dict.fromkeys((key for key in hidden if key not in values and _listed(contract, key)), 0)
    table = published(contract, values, [key for key in values if key in hidden])
    return Released(contract=contract, revision=0, table=table, recipients=("KG",))


def _listed(contract: DataContract, key: CellKey) -> bool:
    free = {d.id for d, code in zip(contract.dimensions, key, strict=True) if code != T}
    return any(free <= {entry.dimension for entry in table.dimensions} for table in contract.tables)


def _said(finding: PoolFinding) -> str:
    return finding.text() + repr(finding)
