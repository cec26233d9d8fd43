"""What the candidate's own contributors compute, who hold all that was released before."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from exchange.contract.model import TOTAL, DataContract
from exchange.disclosure import Pool
from exchange.disclosure.pool import Candidate, Exposure, Outside
from exchange.disclosure.problem import Insider
from exchange.errors.disclosure import PoolContributorError
from exchange.table import AggregateTable, CellKey
from tests.unit.core.pools import (
    PERSONS,
    RULES,
    SQUARE,
    candidate_of,
    exposed,
    figures_of,
    key,
    pool_findings,
    released,
)
from tests.unit.core.sdc import contract_of, protected, table_of

WIDE = contract_of({"R": "abd", "C": "1234"}, linkage_group="ct")
BEFORE = PERSONS | {("d", "4"): 30}
LATE = {("a", "3"): 4, ("a", "4"): 1, ("b", "3"): 6, ("b", "4"): 7}
"""Late records where nobody was counted before: 4 and 1 in row a, 6 and 7 in row b."""

OLD = {where: count for where, count in BEFORE.items() if where not in LATE}
NEW = OLD | LATE
LATE_CELLS = ("a3", "a4", "b3", "b4")
HIDDEN = ("a1", "a2", "b1", "b2")


def knowing(asked: Candidate, *names: str, guarded: tuple[str, ...] | None = None) -> Candidate:
    """The candidate of which one contributor is alone in each of these cells."""
    order = tuple(sorted(asked.values))
    insiders = tuple(Insider(f"alone in {name}", (order.index(key(name)),)) for name in names)
    kept = None if guarded is None else frozenset(map(key, guarded))
    return replace(asked, insiders=insiders, order=order, guarded=kept)


class TestLateRecords:
    """Two cells that were empty are filled: one with a single person, who knows that."""

    FIRST = released(OLD, HIDDEN, WIDE)
    SECOND = released(NEW, (*HIDDEN, *LATE_CELLS), WIDE, revision=1)
    ASKED = knowing(candidate_of(SECOND, NEW), "a4", guarded=("a3", "a4"))

    def test_neither_release_tells_the_contributor_anything_alone(self) -> None:
        assert pool_findings(self.ASKED, Pool(), RULES) == ()

    def test_both_tell_anybody_else_nothing(self) -> None:
        assert pool_findings(replace(self.ASKED, insiders=()), Pool(releases=(self.FIRST,)), RULES) == ()

    def test_both_tell_the_contributor_what_was_added_beside_their_own(self) -> None:
        found = pool_findings(self.ASKED, Pool(releases=(self.FIRST,)), RULES)
        assert exposed(found, Exposure.CONTRIBUTOR) == {"a3"}
        (chain,) = found[0].chains
        # Row a rose by five; a1 and a2 are taken to be what they were, and one of the five is the reader.
        own = {(self.SECOND.name, "a", "4"): 1}
        assert chain.value(figures_of(self.FIRST, self.SECOND) | own) == LATE["a", "3"]

    def test_cells_that_only_hide_others_are_not_held_against_contributors(self) -> None:
        asked = replace(self.ASKED, guarded={key("a4")})
        assert pool_findings(asked, Pool(releases=(self.FIRST,)), RULES) == ()

    def test_a_total_more_that_is_withheld_takes_the_chain_away(self) -> None:
        more = released(NEW, (*HIDDEN, *LATE_CELLS, "aT", "bT"), WIDE, revision=1)
        asked = knowing(candidate_of(more, NEW), "a4", guarded=("a3", "a4"))
        assert pool_findings(asked, Pool(releases=(self.FIRST,)), RULES) == ()


def test_a_build_withholds_more_until_no_contributor_computes_a_primary_cell() -> None:
    first = released(OLD, HIDDEN, WIDE)
    pool = Pool(releases=(replace(first, recipients=WIDE.recipients_of("KZ")),))
    table = told_apart(WIDE, NEW)
    found = protected(WIDE, table, pool=pool)
    release = replace(released(NEW, (), WIDE, revision=1), table=found.safe)
    asked = knowing(candidate_of(release, NEW), "a4", guarded=("a3", "a4"))
    assert pool_findings(asked, pool, RULES) == ()
    # Protected as if nobody contributed, the same release would give a3 away.
    blind = protected(WIDE, table_of(WIDE, NEW), pool=pool)
    open_to = replace(asked, release=replace(release, table=blind.safe))
    assert exposed(pool_findings(open_to, pool, RULES), Exposure.CONTRIBUTOR) == {"a3"}
    assert blind.safe.withheld_keys() < found.safe.withheld_keys()


class TestHarmless:
    """What a contributor presumes of earlier releases and is not so, or knew without the candidate."""

    def test_what_the_earlier_releases_tell_a_contributor_by_themselves_is_not_the_candidates_fault(self) -> None:
        later = BEFORE | {("b", "2"): 60, ("b", "4"): 70, ("d", "2"): 80, ("d", "4"): 90}
        first = released(BEFORE | {("b", "4"): 30}, SQUARE, WIDE)
        hidden = tuple(row + column for row in "bd" for column in "1234")
        asked = knowing(candidate_of(released(later, hidden, WIDE, revision=1), later), "b1", guarded=("b3",))
        # The first hides b1 and b3 alone in row b: whoever knows b1 computes b3, whatever the second hides.
        assert pool_findings(asked, Pool(releases=(first,)), RULES) == ()

    @pytest.mark.parametrize("now", [pytest.param(1, id="misled"), pytest.param(60, id="at odds with what was shown")])
    def test_an_own_figure_that_changed_unnoticed_tells_nothing_of_others(self, now: int) -> None:
        later = PERSONS | {("b", "1"): now}
        first = released(PERSONS, SQUARE)
        second = released(later, (*SQUARE, "bT", "T1", "TT"), revision=1)
        asked = knowing(candidate_of(second, later), "b1", guarded=("b3",))
        assert pool_findings(asked, Pool(releases=(first,)), RULES) == ()

    def test_one_contributor_at_odds_with_the_past_does_not_hide_what_another_computes(self) -> None:
        later = NEW | {("b", "1"): 60}
        first = released(OLD, HIDDEN, WIDE)
        second = released(later, (*HIDDEN, *LATE_CELLS, "bT", "T1", "TT"), WIDE, revision=1)
        asked = knowing(candidate_of(second, later), "b1", "a4", guarded=("a3", "a4"))
        assert exposed(pool_findings(asked, Pool(releases=(first,)), RULES), Exposure.CONTRIBUTOR) == {"a3"}


@pytest.mark.parametrize("seed", [0, 3])
def test_all_contributors_at_once_find_what_each_finds_alone(seed: int) -> None:
    draw = np.random.default_rng(seed)
    before = {where: int(draw.choice([0, 1, 2, 9, 25])) for where in product("abde", "1234")}
    after = {where: count + int(draw.choice([0, 0, 0, 1, 6])) for where, count in before.items()}
    contract = contract_of({"R": "abde", "C": "1234"}, linkage_group="ct")
    first = released(before, _few(before), contract)
    second = released(after, sorted({*_few(before), *_few(after)}), contract, revision=1)
    alone = tuple("".join(where) for where, count in after.items() if count == 1)
    together = pool_findings(knowing(candidate_of(second, after), *alone), Pool(releases=(first,)), RULES)
    apart = [
        pool_findings(knowing(candidate_of(second, after), name), Pool(releases=(first,)), RULES) for name in alone
    ]
    assert exposed(together, Exposure.CONTRIBUTOR)
    assert exposed(together, Exposure.CONTRIBUTOR) == set().union(*(exposed(f, Exposure.CONTRIBUTOR) for f in apart))


def test_a_release_that_a_contributor_sees_through_is_refused_where_nothing_more_can_be_withheld() -> None:
    margins = {where: cell.value for where, cell in table_of(WIDE, NEW).cells.items() if TOTAL in where}
    yearbook = Outside(source="yearbook", contract=WIDE, period="2026-09", cells=margins)
    first = replace(released(OLD, HIDDEN, WIDE), recipients=WIDE.recipients_of("KZ"))
    with pytest.raises(PoolContributorError) as refusal:
        protected(WIDE, told_apart(WIDE, NEW), pool=Pool(releases=(first,), outside=(yearbook,)))
    assert "r1: a.3 = " in refusal.value.sentence()


def told_apart(contract: DataContract, persons: Mapping[CellKey, int]) -> AggregateTable:
    """The aggregate, with who is alone in a cell and its margins."""
    table = table_of(contract, persons)
    numbers = {where: place for place, where in enumerate(sorted(persons)) if persons[where] == 1}
    cells = {}
    for where, cell in table.cells.items():
        inside = [
            n for one, n in numbers.items() if all(c in (code, TOTAL) for c, code in zip(where, one, strict=True))
        ]
        cells[where] = replace(cell, sole=(inside[0] if cell.value == 1 else None,))
    return replace(table, cells=cells)


def _few(persons: Mapping[CellKey, int]) -> tuple[str, ...]:
    return tuple("".join(where) for where, count in persons.items() if 0 < count < 10)
