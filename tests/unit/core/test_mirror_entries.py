"""Both sides of a flow found in released tables: who meets whom, under which breakdown, and what has no other side."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from exchange.contract.model import DataContract
from exchange.disclosure.pool import Released
from exchange.disclosure.pool.released import mirror_key
from exchange.mirror import (
    Comparison,
    Corridor,
    DoubleEntry,
    Figure,
    Flag,
    Reports,
    State,
    double_entries,
    learn,
    mirror_statistics,
    year_of,
)
from exchange.table import CellKey, Observation, SafeTable
from tests.world.contracts import contract

BORDER = contract("CA-01-BORDER")
REGISTERED, DEREGISTERED = contract("CA-03-RESIDENCE-REG"), contract("CA-04-DEREG")
PERMITS, EMIGRANTS = contract("CA-05-WORK-PERMITS"), contract("CA-06-LABOUR-EMIG")
EXPELLED, RETURNED = contract("CA-07-EXPULSIONS-BANS", "2.0.0"), contract("CA-08-RETURNEES")
REMITTANCES = contract("CA-11-REMITTANCES")
NOBODY: frozenset[tuple[str, str]] = frozenset()
PERIODS = {"month": "2026-09", "quarter": "2026-Q3", "year": "2026"}


def key(of: DataContract, **codes: str) -> CellKey:
    """A key of the contract: these codes, totals elsewhere."""
    assert codes.keys() <= {dimension.id for dimension in of.dimensions}
    return tuple(codes.get(dimension.id, "_T") for dimension in of.dimensions)


def reports(
    member: str, of: DataContract, rows: Mapping[CellKey, int | str | None], *, period: str | None = None
) -> Reports:
    """One release: a figure, `Q` for a withheld cell, None for a missing one."""
    found = {
        cell: Observation(
            value=value if isinstance(value, int) else None,
            obs_status="A" if isinstance(value, int) else value or "O",
            conf_status="C" if value == "Q" else "N",
        )
        for cell, value in rows.items()
    }
    at = period or PERIODS[of.calendar.frequency]
    table = SafeTable(provider=member, contract_id=of.id, period=at, rows=found)
    release = Released(contract=of, revision=0, table=table, recipients=of.recipients_of(member))
    return Reports(member=member, contract=of, releases=(release,))


def only(one: Reports, other: Reports) -> DoubleEntry:
    (found,) = double_entries(one, other)
    return found


def shown(value: int | str) -> Figure:
    return Figure(state=State.SHOWN, value=Decimal(value))


class TestBorder:
    """CA-01 asks both sides of every crossing."""

    def test_departures_meet_the_other_sides_arrivals(self) -> None:
        kz = reports("KZ", BORDER, {key(BORDER, DIRECTION="OUT", COUNTERPART="KG"): 1_492})
        kg = reports("KG", BORDER, {key(BORDER, DIRECTION="IN", COUNTERPART="KZ"): 1_500})
        found = only(kz, kg)
        assert (found.corridor, found.breakdown, found.period) == (Corridor("KZ", "KG"), NOBODY, "2026-09")
        assert (found.by_origin, found.by_destination) == (shown(1_492), shown(1_500))
        assert only(kg, kz) == found

    def test_each_citizenship_meets_itself(self) -> None:
        kz = reports("KZ", BORDER, {key(BORDER, DIRECTION="IN", COUNTERPART="KG", CITIZENSHIP="UZ"): 27})
        kg = reports("KG", BORDER, {key(BORDER, DIRECTION="OUT", COUNTERPART="KZ", CITIZENSHIP="UZ"): 30})
        found = only(kz, kg)
        assert found.breakdown == {("CITIZENSHIP", "UZ")}
        assert not found.is_whole
        assert (found.by_origin, found.by_destination) == (shown(30), shown(27))

    @pytest.mark.parametrize(
        "codes",
        [
            pytest.param({"COUNTERPART": "UZ"}, id="a flow to somebody else"),
            pytest.param({}, id="the total of all counterparts"),
            pytest.param({"BORDER_REGION": "KZ-75"}, id="a part of the own country"),
            pytest.param({"SEX": "F"}, id="a table without counterparts"),
        ],
    )
    def test_what_is_not_between_the_two_has_no_other_side(self, codes: dict[str, str]) -> None:
        kz = reports("KZ", BORDER, {key(BORDER, DIRECTION="OUT", **codes): 50})
        kg = reports("KG", BORDER, {key(BORDER, DIRECTION="IN", COUNTERPART="TJ"): 50})
        assert list(double_entries(kz, kg)) == []

    def test_an_absent_key_of_a_released_table_is_a_published_zero(self) -> None:
        kz = reports("KZ", BORDER, {key(BORDER, DIRECTION="OUT", COUNTERPART="KG"): 12})
        assert only(kz, reports("KG", BORDER, {})).by_destination == shown(0)

    def test_withheld_and_missing_stay_what_they_are(self) -> None:
        kz = reports("KZ", BORDER, {key(BORDER, DIRECTION="OUT", COUNTERPART="KG"): "Q"})
        kg = reports("KG", BORDER, {key(BORDER, DIRECTION="IN", COUNTERPART="KZ"): None})
        found = only(kz, kg)
        assert (found.by_origin, found.by_destination) == (Figure(state=State.WITHHELD), Figure(state=State.MISSING))
        assert found.shown is None

    def test_a_member_that_released_nothing_is_missing(self) -> None:
        kz = reports("KZ", BORDER, {key(BORDER, DIRECTION="OUT", COUNTERPART="KG"): 12})
        found = only(kz, Reports(member="KG", contract=BORDER, releases=()))
        assert (found.by_origin, found.by_destination.state) == (shown(12), State.MISSING)

    def test_an_excluded_key_is_no_zero(self) -> None:
        excluded = key(BORDER, DIRECTION="IN", COUNTERPART="KZ")
        kz = reports("KZ", BORDER, {key(BORDER, DIRECTION="OUT", COUNTERPART="KG"): 12})
        table = SafeTable(provider="KG", contract_id=BORDER.id, period="2026-09", rows={})
        release = Released(contract=BORDER, revision=0, table=table, recipients=("KZ",), excluded=frozenset({excluded}))
        kg = Reports(member="KG", contract=BORDER, releases=(release,))
        assert only(kz, kg).by_destination.state is State.MISSING

    @pytest.mark.parametrize("direction", ["IN", "OUT"])
    @pytest.mark.parametrize("citizenship", ["_T", "UZ"])
    def test_the_audit_of_releases_finds_the_same_other_side(self, direction: str, citizenship: str) -> None:
        here = key(BORDER, DIRECTION=direction, COUNTERPART="KG", CITIZENSHIP=citizenship)
        there = mirror_key(BORDER, here, provider="KZ", counterpart="KG")
        assert there is not None
        found = only(reports("KZ", BORDER, {here: 40}), reports("KG", BORDER, {there: 60}))
        assert {found.by_origin, found.by_destination} == {shown(40), shown(60)}


class TestTwoContracts:
    """One side of the flow under one contract, the other under another."""

    @pytest.mark.parametrize(
        ("arrivals", "there", "departures", "here"),
        [
            pytest.param(
                REGISTERED, {"PREV_RESIDENCE": "KG"}, DEREGISTERED, {"NEXT_RESIDENCE": "KZ"}, id="change of residence"
            ),
            pytest.param(
                RETURNED,
                {"FROM_COUNTRY": "KG", "RETURN_TYPE": "FORCED"},
                EXPELLED,
                {"CITIZENSHIP": "KZ", "MEASURE": "LEFT", "RETURN_TYPE": "FORCED"},
                id="expulsion, whose measure is fixed by its contract",
            ),
        ],
    )
    def test_arrivals_in_one_country_meet_departures_from_the_other(
        self, arrivals: DataContract, there: dict[str, str], departures: DataContract, here: dict[str, str]
    ) -> None:
        kz = reports("KZ", arrivals, {key(arrivals, **there): 300})
        kg = reports("KG", departures, {key(departures, **here): 200}, period=kz.releases[0].table.period)
        found = only(kz, kg)
        assert found.corridor == Corridor("KG", "KZ")
        assert (found.by_origin, found.by_destination) == (shown(200), shown(300))

    def test_a_contract_that_has_no_such_total_has_no_other_side(self) -> None:
        # CA-06 never sums its channels
        permits = reports("KZ", PERMITS, {key(PERMITS, CITIZENSHIP="KG"): 300})
        emigrants = reports(
            "KG", EMIGRANTS, {key(EMIGRANTS, CHANNEL="ORG", DESTINATION="KZ"): 200}, period=PERIODS["month"]
        )
        assert list(double_entries(permits, emigrants)) == []

    def test_what_only_one_contract_breaks_down_has_no_other_side(self) -> None:
        rows = {key(REGISTERED, PREV_RESIDENCE="KG", DURATION="GE12M"): 300}
        assert list(double_entries(reports("KZ", REGISTERED, rows), reports("KG", DEREGISTERED, {}))) == []


def test_measures_are_corridors_of_their_own_in_the_contracts_unit() -> None:
    first, second = (code.id for code in REMITTANCES.dimension("MEASURE").codelist.codes)
    rows = {key(REMITTANCES, MEASURE=code, DIRECTION="OUT", COUNTERPART="KG"): 12_345 for code in (first, second)}
    back = {key(REMITTANCES, MEASURE=code, DIRECTION="IN", COUNTERPART="KZ"): 12_345 for code in (first, second)}
    found = list(double_entries(reports("KZ", REMITTANCES, rows), reports("KG", REMITTANCES, back)))
    assert [dict(one.breakdown)["MEASURE"] for one in found] == sorted([first, second])
    assert all(one.is_whole for one in found)
    assert {one.by_origin for one in found} == {shown("12.345")}  # three decimals


class TestOverTime:
    """Periods in order: what was before says what has changed."""

    def months(self, member: str, direction: str, partner: str, figures: Mapping[str, int]) -> Reports:
        rows = key(BORDER, DIRECTION=direction, COUNTERPART=partner)
        made = [reports(member, BORDER, {rows: figure}, period=month) for month, figure in figures.items()]
        return Reports(member=member, contract=BORDER, releases=tuple(one.releases[0] for one in made))

    def judged(self) -> tuple[Comparison, ...]:
        kz = self.months("KZ", "OUT", "KG", {"2026-07": 1_000, "2026-08": 1_000, "2026-09": 1_000})
        kg = self.months("KG", "IN", "KZ", {"2026-09": 3_000, "2026-08": 1_010, "2026-07": 1_000})
        assert BORDER.mirror is not None
        return mirror_statistics(kz, kg, BORDER.mirror)

    def test_the_month_in_which_the_ratio_jumps_is_flagged(self) -> None:
        found = self.judged()
        assert [(one.entry.period, one.flag) for one in found] == [
            ("2026-07", Flag.AGREES),
            ("2026-08", Flag.AGREES),
            ("2026-09", Flag.CHANGED),
        ]
        assert [one.within_agreed for one in found] == [True, True, False]  # CA-01 expects 0.97 to 1.03

    def test_only_earlier_periods_teach_what_to_expect(self) -> None:
        found = self.judged()
        assert learn(found, whole=NOBODY, before="2026-09").pairs == 2
        assert abs(learn(found, whole=NOBODY, before="2026-09").expect("KZ", "KG", 2026.7).log_ratio) < 0.01
        assert learn(found, whole=NOBODY, before="2026-07").pairs == 0

    def test_contracts_whose_concepts_differ_teach_nothing(self) -> None:
        kz = reports("KZ", REGISTERED, {key(REGISTERED, PREV_RESIDENCE="KG"): 300})
        kg = reports("KG", DEREGISTERED, {key(DEREGISTERED, NEXT_RESIDENCE="KZ"): 200})
        assert REGISTERED.mirror is not None
        (found,) = mirror_statistics(kz, kg, REGISTERED.mirror)
        assert (found.flag, found.index) == (Flag.CONCEPT, None)
        assert learn([found], whole=NOBODY, before="2027").pairs == 0


@pytest.mark.parametrize(
    ("period", "year"),
    [("2014", 2014.5), ("2026-Q1", 2026 + 45 / 365.25), ("2026-12", 2026 + (334 + 15.5) / 365.25)],
)
def test_a_period_is_placed_at_its_middle(period: str, year: float) -> None:
    assert year_of(period) == pytest.approx(year, abs=0.002)
