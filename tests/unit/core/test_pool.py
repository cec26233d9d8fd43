"""What several readers and all of time know together: chains of released cells that reveal a hidden one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pytest

from exchange.contract.model import TOTAL, DataContract, Mirror
from exchange.disclosure.pool import (
    REFUSALS,
    Candidate,
    Exposure,
    Outside,
    Past,
    Pool,
    PoolFinding,
    Released,
    Sense,
)
from exchange.disclosure.protection import Requirement, requirement
from exchange.encoding import Digest
from exchange.table import CellKey, Observation, SafeTable
from tests.unit.core.pools import (
    GRID,
    PERSONS,
    RULES,
    SQUARE,
    candidate_of,
    exposed,
    figures_of,
    pool_findings,
    released,
)
from tests.unit.core.sdc import code_list, contract_of, published

T = TOTAL


class TestVintages:
    """Two releases of one identity."""

    def test_two_patterns_of_one_table_that_are_safe_alone_are_exact_together(self) -> None:
        first = released(PERSONS, SQUARE)
        second = released(PERSONS, ("b1", "b3", "a1", "a3"), revision=1)
        assert pool_findings(candidate_of(first, PERSONS), Pool(), RULES) == ()
        found = pool_findings(candidate_of(second, PERSONS), Pool(releases=(first,)), RULES)
        # d1 and d3 are shown by the second, a1 and a3 by the first; the columns then give b1 and b3.
        assert exposed(found, Exposure.SHOWN) == {"a1", "a3", "d1", "d3"}
        assert exposed(found, Exposure.COMPUTED) == {"b1", "b3"}
        for finding in found:
            chain = finding.chains[0]
            assert chain.sense is Sense.EQUALS
            assert chain.value(figures_of(first, second)) == PERSONS[finding.cells[0][1:]]  # type: ignore[index]

    def test_the_same_pattern_again_gives_nothing_away(self) -> None:
        first, second = released(PERSONS, SQUARE), released(PERSONS, SQUARE, revision=1)
        assert pool_findings(candidate_of(second, PERSONS), Pool(releases=(first,)), RULES) == ()

    def test_a_cell_withheld_before_and_published_now_is_shown(self) -> None:
        first, second = released(PERSONS, SQUARE), released(PERSONS, (), revision=1)
        found = pool_findings(candidate_of(second, PERSONS), Pool(releases=(first,)), RULES)
        assert exposed(found, Exposure.SHOWN) == {"b1", "b3", "d1", "d3"}
        assert found[0].text() == "KZ CT-01-TEST 1.0.0 2026-09 r0: b.1 = +KZ CT-01-TEST 1.0.0 2026-09 r1: b.1"

    def test_a_cell_published_before_and_withheld_now_is_known_for_ever(self) -> None:
        first, second = released(PERSONS, ()), released(PERSONS, SQUARE, revision=1)
        found = pool_findings(candidate_of(second, PERSONS), Pool(releases=(first,)), RULES)
        assert exposed(found, Exposure.SHOWN) == {"b1", "b3", "d1", "d3"}

    def test_what_really_changed_by_much_may_be_withheld_though_it_was_published_before(self) -> None:
        first = released(PERSONS, ())
        later = PERSONS | {("b", "1"): 28, ("b", "3"): 42, ("d", "1"): 37, ("d", "3"): 32}
        second = released(later, SQUARE, revision=1)
        assert pool_findings(candidate_of(second, later), Pool(releases=(first,)), RULES) == ()

    def test_a_difference_of_few_persons_is_a_disclosure_about_them(self) -> None:
        later = PERSONS | {("a", "1"): 23}
        first, second = released(PERSONS), released(later, revision=1)
        found = pool_findings(candidate_of(second, later), Pool(releases=(first,)), RULES)
        assert exposed(found, Exposure.CHANGE) == {"a1", "aT", "T1", "TT"}
        assert {finding.chains[0].value(figures_of(first, second)) for finding in found} == {3}
        assert found[0].text() == (
            "Δ KZ CT-01-TEST 1.0.0 2026-09 r1: _T.1 = "
            "−KZ CT-01-TEST 1.0.0 2026-09 r0: _T.1 +KZ CT-01-TEST 1.0.0 2026-09 r1: _T.1"
        )

    def test_a_difference_of_few_in_the_cells_that_are_withheld_together_is_one_too(self) -> None:
        later = PERSONS | {("a", "2"): 90, ("b", "1"): 11}
        first, second = released(PERSONS, SQUARE), released(later, SQUARE, revision=1)
        found = pool_findings(candidate_of(second, later), Pool(releases=(first,)), RULES)
        # Row b and column 1 changed by three, and all that hides it is b1 with b3, or with d1.
        changes = [f for f in found if f.exposure is Exposure.CHANGE]
        assert {"".join(c[1:]) for f in changes for c in f.cells} >= {"b1", "b3", "d1"}
        assert {abs(f.chains[0].value(figures_of(first, second))) for f in changes} == {3}

    def test_who_takes_a_hidden_figure_for_unchanged_that_is_not_is_misled_and_learns_nothing(self) -> None:
        later, hidden = PERSONS | {("b", "1"): 48}, (*SQUARE, "bT", "T1", "TT")
        first, second = released(PERSONS, SQUARE), released(later, hidden, revision=1)
        # Nothing shown tells that b1 changed. By column 1 the first says b1 ≤ 25: of the second that is not so.
        assert pool_findings(candidate_of(second, later), Pool(releases=(first,)), RULES) == ()
        unchanged = candidate_of(replace(second, table=released(PERSONS, hidden, revision=1).table), PERSONS)
        asked = replace(unchanged, required={**unchanged.required, ("b", "1"): Requirement(26, 7, 0)})
        assert exposed(pool_findings(asked, Pool(releases=(first,)), RULES), Exposure.COMPUTED) == {"b1"}

    def test_records_tell_that_a_small_difference_is_of_many(self) -> None:
        later = PERSONS | {("a", "1"): 23}
        first, second = released(PERSONS), released(later, revision=1)
        many = dict.fromkeys(second.table.rows, 11)
        rules = replace(RULES, changed=many)
        assert pool_findings(candidate_of(second, later), Pool(releases=(first,)), rules) == ()

    def test_what_the_past_gives_away_by_itself_is_not_held_against_the_candidate(self) -> None:
        first, second = released(PERSONS, SQUARE), released(PERSONS, (), revision=1)
        third = released(PERSONS, (), revision=2)
        assert pool_findings(candidate_of(third, PERSONS), Pool(releases=(first, second)), RULES) == ()


def test_an_audit_that_did_not_end_is_a_finding() -> None:
    asked = replace(candidate_of(released(PERSONS, SQUARE), PERSONS), values={})  # without the true table as a hint
    found = pool_findings(asked, Pool(), replace(RULES, work_max=0))
    assert exposed(found, Exposure.UNFINISHED) == {"b1", "b3", "d1", "d3"}


class TestSiblings:
    """Two contracts of one linkage group."""

    def test_a_cell_that_two_contracts_share_is_one_cell(self) -> None:
        deep = contract_of({"R": "abd", "S": "xy"}, linkage_group="ct")
        deep = replace(deep, id="CT-02-TEST")
        by_sex = {("a", "x"): 40, ("a", "y"): 40, ("b", "x"): 30, ("b", "y"): 19, ("d", "x"): 31, ("d", "y"): 30}
        first = released(PERSONS, (*SQUARE, "bT", "dT"))
        second = released(by_sex, (), deep)
        found = pool_findings(candidate_of(second, by_sex), Pool(releases=(first,)), RULES)
        assert exposed(found, Exposure.SHOWN) == {"bT", "dT"}

    def test_contracts_that_count_something_else_share_nothing(self) -> None:
        other = replace(GRID, id="CT-02-TEST", concept=replace(GRID.concept, counting_unit="event"))
        first, second = released(PERSONS, SQUARE), released(PERSONS, (), other)
        assert pool_findings(candidate_of(second, PERSONS), Pool(releases=(first,)), RULES) == ()


class TestLevels:
    """Two contracts that release one dimension in different codes."""

    def _pair(self) -> tuple[DataContract, DataContract]:
        """By groups g (a and b) and h (d); by single codes."""
        tree = code_list("R", ["g", "h"], {"a": "g", "b": "g", "d": "h"})
        coarse = contract_of({"R": "gh", "C": "123"}, linkage_group="ct")
        coarse = replace(coarse, dimensions=(replace(coarse.dimensions[0], codelist=tree), coarse.dimensions[1]))
        fine = replace(GRID, dimensions=(replace(GRID.dimensions[0], codelist=tree), GRID.dimensions[1]))
        return replace(coarse, id="CT-02-TEST", digest=Digest.of(b"coarse")), fine

    def test_a_group_that_one_contract_shows_gives_away_its_only_withheld_part_in_the_other(self) -> None:
        coarse, fine = self._pair()
        groups: dict[CellKey, int] = {}
        for (row, column), count in PERSONS.items():
            place = ("h" if row == "d" else "g", column)
            groups[place] = groups.get(place, 0) + count
        first = released(PERSONS, SQUARE, fine)
        second = released(groups, (), coarse)
        found = pool_findings(candidate_of(second, groups), Pool(releases=(first,)), RULES)
        assert exposed(found, Exposure.COMPUTED) == {"b1", "b3", "d1", "d3"}
        (chain,) = next(finding for finding in found if finding.cells[0][1:] == ("b", "1")).chains
        assert chain.value(figures_of(first, second)) == PERSONS["b", "1"]

    def test_boundaries_that_moved_are_refused_without_the_records(self) -> None:
        moved = contract_of({"R": "abe", "C": "123"}, linkage_group="ct")
        moved = replace(moved, version="2.0.0", digest=Digest.of(b"moved"))
        persons = {("e" if row == "d" else row, column): count for (row, column), count in PERSONS.items()}
        first, second = released(PERSONS), released(persons, (), moved, revision=1)
        (finding,) = pool_findings(candidate_of(second, persons), Pool(releases=(first,)), RULES)
        assert finding.exposure is Exposure.UNRELATED
        assert finding.text() == f"{first.name}: R + {second.name}: R"
        names = [(row, column, "e" if row == "d" else row) for row, column in PERSONS]
        records = [
            (_counted(first, row, column) | _counted(second, new, column), PERSONS[row, column])
            for row, column, new in names
        ]
        rules = replace(RULES, records=records)
        assert pool_findings(candidate_of(second, persons), Pool(releases=(first,)), rules) == ()


def _counted(release: Released, row: str, column: str) -> frozenset[CellKey]:
    return frozenset((release.name, r, c) for r in (row, T) for c in (column, T))


class TestTime:
    """A quarter and its months."""

    MONTHLY = contract_of(
        {"R": "abd", "C": "123"}, linkage_group="ct", additive_over=frozenset({"R", "C", "TIME_PERIOD"})
    )

    def test_a_month_withheld_follows_from_the_quarter_and_the_other_months(self) -> None:
        found = self._with_quarter(self.MONTHLY, 3)
        assert exposed(found, Exposure.COMPUTED) == {"b1", "b3", "d1", "d3"}
        (chain,) = next(finding for finding in found if finding.cells[0][1:] == ("b", "1")).chains
        assert sorted((cell[0].split()[3], factor) for cell, factor in chain.terms) == [
            ("2026-08", -1),
            ("2026-09", -1),
            ("2026-Q3", 1),
        ]

    def test_distinct_persons_of_a_quarter_only_bound_those_of_a_month(self) -> None:
        assert self._with_quarter(GRID, 2) == ()

    def test_a_bound_that_leaves_no_room_is_a_disclosure_too(self) -> None:
        # Nobody counted in two months of the quarter: each month is at least the quarter less the other two.
        found = self._with_quarter(GRID, 3)
        assert exposed(found, Exposure.COMPUTED) == {"b1", "b3", "d1", "d3"}
        assert {chain.sense for finding in found for chain in finding.chains} == {Sense.AT_MOST, Sense.AT_LEAST}

    def test_a_quarter_of_another_vintage_of_its_months_tells_nothing_of_them(self) -> None:
        # Less than two of its months together: the third would be negative, so the figures are not of one vintage.
        assert self._with_quarter(self.MONTHLY, 1) == ()

    @staticmethod
    def _with_quarter(monthly: DataContract, times: int) -> Sequence[PoolFinding]:
        """A quarter of so many times the figures of each of its months, of which July hides a square."""
        july, *rest = (f"2026-{month:02}" for month in (7, 8, 9))
        months = [released(PERSONS, SQUARE, monthly, period=july)]
        months += [released(PERSONS, (), monthly, period=period) for period in rest]
        counts = {cell: times * count for cell, count in PERSONS.items()}
        quarter = released(counts, (), replace(monthly, id="CT-02-TEST"), period="2026-Q3")
        return pool_findings(candidate_of(quarter, counts), Pool(releases=tuple(months)), RULES)

    def test_a_quarter_of_which_a_month_is_missing_says_nothing_exact(self) -> None:
        quarterly = replace(self.MONTHLY, id="CT-02-TEST")
        month = released(PERSONS, SQUARE, self.MONTHLY, period="2026-07")
        thrice = {cell: 3 * count for cell, count in PERSONS.items()}
        quarter = released(thrice, (), quarterly, period="2026-Q3")
        assert pool_findings(candidate_of(quarter, thrice), Pool(releases=(month,)), RULES) == ()

    def test_stocks_do_not_sum(self) -> None:
        stock = replace(self.MONTHLY, concept=replace(self.MONTHLY.concept, flow_or_stock="stock"))
        months = tuple(released(PERSONS, SQUARE if m == 7 else (), stock, period=f"2026-{m:02}") for m in (7, 8, 9))
        quarter = released(PERSONS, (), replace(stock, id="CT-02-TEST"), period="2026-Q3")
        assert pool_findings(candidate_of(quarter, PERSONS), Pool(releases=months), RULES) == ()


class TestOthers:
    """The counterpart's figures, and public ones."""

    def test_the_counterpart_shows_what_we_withhold(self) -> None:
        ours, theirs = _corridor(ratio=None), _corridor(ratio=None)
        persons = {("IN", "KG"): 7, ("IN", "UZ"): 9, ("OUT", "KG"): 60, ("OUT", "UZ"): 50}
        flow = {("IN", "KZ"): 60, ("IN", "UZ"): 31, ("OUT", "KZ"): 7, ("OUT", "UZ"): 40}
        hidden = [("IN", "KG"), ("IN", "UZ")]
        own = _corridor_release(ours, "KZ", persons, hidden)
        mirror = _corridor_release(theirs, "KG", flow, [])
        values = {cell: row.value or persons.get(cell, 0) for cell, row in own.table.rows.items()}
        required = {cell: requirement(ours, values[cell]) for cell in hidden}
        asked = Candidate(release=own, values=values, required=required)
        assert pool_findings(asked, Pool(), RULES) == ()
        found = pool_findings(asked, Pool(mirrors=(mirror,)), RULES)
        assert {finding.cells[0][1:] for finding in found} == set(hidden)  # IN.UZ follows from the total
        assert {cell[0].split()[0] for finding in found for cell, _ in finding.chains[0].terms} == {"KG", "KZ"}

    def test_public_statistics_count_as_known(self) -> None:
        first = released(PERSONS, SQUARE)
        outside = Outside(source="yearbook", contract=GRID, period="2026-09", cells={("b", "1"): 8})
        found = pool_findings(candidate_of(first, PERSONS), Pool(outside=(outside,)), RULES)
        assert exposed(found, Exposure.SHOWN) == {"b1"}
        assert exposed(found, Exposure.COMPUTED) == {"b3", "d1", "d3"}

    def test_a_public_figure_that_is_another_number_misleads_and_gives_nothing_away(self) -> None:
        first = released(PERSONS, SQUARE)
        outside = Outside(source="yearbook", contract=GRID, period="2026-09", cells={("b", "1"): 9})
        assert pool_findings(candidate_of(first, PERSONS), Pool(outside=(outside,)), RULES) == ()


def excluding(canonical: Released, excluded: list[CellKey], complements: Iterable[CellKey]) -> Released:
    """UZ's bundle: the canonical release less these keys, complements withheld."""
    withheld = Observation(value=None, obs_status="Q", conf_status="C")
    rows = {key: withheld if key in complements else row for key, row in canonical.table.rows.items()}
    table = replace(canonical.table, rows={key: row for key, row in rows.items() if key not in excluded})
    return replace(canonical, table=table, excluded=frozenset(excluded), recipients=("UZ",), bundle=None)


class TestExclusions:
    """Recipients who must not see some cells."""

    COMPLEMENTS = (("a", "1"), ("b", "1"), ("b", "2"))

    def test_an_excluded_cell_follows_from_its_margins_unless_others_are_withheld_with_it(self) -> None:
        bare = excluding(released(PERSONS), [("a", "2")], [])
        found = pool_findings(candidate_of(bare, PERSONS), Pool(), RULES)
        assert exposed(found, Exposure.COMPUTED) == {"a2"}
        assert ("a", "2") not in bare.table.rows
        hidden = excluding(released(PERSONS), [("a", "2")], self.COMPLEMENTS)
        assert hidden.table.withheld_keys() == set(self.COMPLEMENTS)
        assert pool_findings(candidate_of(hidden, PERSONS), Pool(), RULES) == ()

    def test_circles_are_pooled_only_where_somebody_holds_both(self) -> None:
        whole = released(PERSONS)
        part = excluding(whole, [("a", "2")], self.COMPLEMENTS)
        assert pool_findings(candidate_of(part, PERSONS), Pool(releases=(whole,)), RULES) == ()
        held = replace(whole, recipients=("KG", "UZ"))
        found = pool_findings(candidate_of(part, PERSONS), Pool(releases=(held,)), RULES)
        assert exposed(found, Exposure.SHOWN) == {"a1", "a2", "b1", "b2"}


def _corridor(*, ratio: float | None) -> DataContract:
    base = contract_of({"DIRECTION": ["IN", "OUT"], "COUNTERPART": ["KZ", "KG", "UZ"]}, linkage_group="ct")
    without = replace(base.dimensions[0], has_total=False)
    mirror = Mirror(
        contract_id=base.id,
        major_version=1,
        exact_concept=True,
        ratio_min=ratio,
        ratio_max=ratio and 1 / ratio,
        rule="both sides",
    )
    return replace(base, dimensions=(without, base.dimensions[1]), mirror=mirror)


def _corridor_release(
    contract: DataContract, provider: str, persons: Mapping[CellKey, int], hidden: Sequence[CellKey]
) -> Released:
    values = dict(persons)
    for direction in ("IN", "OUT"):
        values[direction, T] = sum(n for cell, n in persons.items() if cell[0] == direction)
    table: SafeTable = replace(published(contract, values, hidden), provider=provider)
    return Released(contract=contract, revision=0, table=table, recipients=("IOM",))


def test_the_past_tells_a_suppression_what_was_withheld_shown_and_nearly_the_same() -> None:
    first = released(PERSONS, SQUARE)
    deep = replace(contract_of({"R": "abd", "S": "xy"}, linkage_group="ct"), id="CT-02-TEST")
    by_sex = {("a", "x"): 50, ("a", "y"): 30}
    second = released(by_sex, ["ax", "ay"], deep)
    past = Past(released(PERSONS, revision=1), Pool(releases=(first, second)))
    assert past.withheld() == {("b", "1"), ("b", "3"), ("d", "1"), ("d", "3")}
    assert past.unchanged(("a", "1"), 20)
    assert not past.unchanged(("b", "1"), 8)
    assert past.unchanged(("b", T), 0)  # the second contract lists it, and had no row for it
    assert past.small_difference(("a", "1"), 22, contributors_min=5)
    assert not past.small_difference(("a", "1"), 25, contributors_min=5)


@pytest.mark.parametrize(
    ("ratio", "value", "known"),
    [(None, 60, True), (None, 61, False), (0.97, 61, True), (0.97, 70, False)],
    ids=["the same figure", "another figure", "within the agreed ratio", "outside it"],
)
def test_what_the_counterpart_shows_of_the_same_flow_can_hide_nothing(
    ratio: float | None, value: int, *, known: bool
) -> None:
    contract = _corridor(ratio=ratio)
    mirror = _corridor_release(contract, "KG", {("IN", "KZ"): 60, ("OUT", "KZ"): 7}, [])
    past = Past(_corridor_release(contract, "KZ", {}, []), Pool(mirrors=(mirror,)))
    assert past.unchanged(("OUT", "KG"), value) is known
    assert not past.unchanged(("OUT", "UZ"), value)


def test_every_exposure_is_refused_in_both_languages_with_its_chain() -> None:
    assert set(REFUSALS) == set(Exposure)
    for error in REFUSALS.values():
        refusal = error(contract="CT-01-TEST", period="2026-09", exposed=2, chain="x = +y")
        assert "x = +y" in refusal.sentence("en")
        assert "x = +y" in refusal.sentence("ru")
        assert refusal.mend("ru")
