"""What a release gives away together with earlier ones, and the error by which it is refused for that."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from exchange.disclosure.pool import REFUSALS, Candidate, Exposure, Pool, PoolFinding, PoolKey, PoolRules, Released
from exchange.encoding import Digest
from exchange.errors.disclosure import (
    PoolChangeError,
    PoolContradictsError,
    PoolError,
    PoolGroupError,
    PoolShowsError,
    PoolUnfinishedError,
    PoolUnrelatedError,
)
from exchange.table import CellKey, Observation
from tests.unit.core.pools import GRID, PERSONS, RULES, SQUARE, candidate_of, pool_findings, released
from tests.unit.core.sdc import contract_of

Persons = Mapping[CellKey, int]
Asked = tuple[Candidate, Pool, PoolRules]


def a_cell_withheld_before_and_published_now() -> Asked:
    later = released(PERSONS, (), revision=1)
    return candidate_of(later, PERSONS), Pool(releases=(released(PERSONS, SQUARE),)), RULES


def three_persons_more_than_before() -> Asked:
    later: Persons = PERSONS | {("a", "1"): PERSONS["a", "1"] + 3}
    return candidate_of(released(later, revision=1), later), Pool(releases=(released(PERSONS),)), RULES


def margins_that_do_not_add_up() -> Asked:
    asked = candidate_of(released(PERSONS, SQUARE), PERSONS)
    table = asked.release.table
    row = Observation(value=50, obs_status="A", conf_status="N")  # b1 + b3 is 30 by the columns: b.T is 49
    rows = {**table.rows, ("b", "_T"): row}
    return replace(asked, release=replace(asked.release, table=replace(table, rows=rows))), Pool(), RULES


def no_work_for_the_audit() -> Asked:
    asked = replace(candidate_of(released(PERSONS, SQUARE), PERSONS), values={})  # without the true table as a hint
    return asked, Pool(), replace(RULES, work_max=0)


def boundaries_that_moved() -> Asked:
    first, second = released(PERSONS), _redrawn(PERSONS)
    return candidate_of(second, _renamed(PERSONS)), Pool(releases=(first,)), RULES


def a_village_of_three_that_moved_to_another_district() -> Asked:
    """Of the 17 persons in d.1 three are counted in a.1 under the new boundaries: a.1 tells of them by subtraction."""
    moved: Persons = PERSONS | {("a", "1"): PERSONS["a", "1"] + 3, ("d", "1"): PERSONS["d", "1"] - 3}
    first, second = released(PERSONS), _redrawn(moved)
    records = [
        (_counted(first, row, column) | _counted(second, "e" if row == "d" else row, column), count)
        for (row, column), count in (PERSONS | {("d", "1"): PERSONS["d", "1"] - 3}).items()
    ]
    records.append((_counted(first, "d", "1") | _counted(second, "a", "1"), 3))
    return candidate_of(second, _renamed(moved)), Pool(releases=(first,)), replace(RULES, records=records)


def _renamed(persons: Persons) -> Persons:
    return {("e" if row == "d" else row, column): count for (row, column), count in persons.items()}


def _redrawn(persons: Persons) -> Released:
    contract = contract_of({"R": "abe", "C": "123"}, linkage_group="ct")
    contract = replace(contract, version="2.0.0", digest=Digest.of(b"redrawn"))
    return released(_renamed(persons), (), contract, revision=1)


def _counted(release: Released, row: str, column: str) -> frozenset[PoolKey]:
    return frozenset((release.name, r, c) for r in (row, "_T") for c in (column, "_T"))


@pytest.mark.parametrize(
    ("asked", "exposure", "error"),
    [
        pytest.param(a_cell_withheld_before_and_published_now, Exposure.SHOWN, PoolShowsError, id="shown"),
        pytest.param(three_persons_more_than_before, Exposure.CHANGE, PoolChangeError, id="a change of three"),
        pytest.param(
            a_village_of_three_that_moved_to_another_district, Exposure.GROUP, PoolGroupError, id="a group of three"
        ),
        pytest.param(margins_that_do_not_add_up, Exposure.CONTRADICTION, PoolContradictsError, id="contradiction"),
        pytest.param(no_work_for_the_audit, Exposure.UNFINISHED, PoolUnfinishedError, id="unfinished"),
        pytest.param(boundaries_that_moved, Exposure.UNRELATED, PoolUnrelatedError, id="other boundaries"),
    ],
)
def test_each_way_to_give_something_away_has_an_error_of_its_own_that_names_the_chain(
    asked: Callable[[], Asked], exposure: Exposure, error: type[PoolError]
) -> None:
    candidate, pool, rules = asked()
    finding: PoolFinding = next(one for one in pool_findings(candidate, pool, rules) if one.exposure is exposure)

    refusal = REFUSALS[exposure](contract=GRID.id, period="2026-09", exposed=1, chain=finding.text())
    assert type(refusal) is error
    assert finding.text()
    assert finding.text() in refusal.sentence("ru")
