"""How far both reports are apart, and what is flagged; figures by hand or published by Eurostat."""

from decimal import Decimal
from fractions import Fraction

import pytest

from exchange.mirror import Agreed, Corridor, DoubleEntry, Figure, Flag, State, compare, overview

EXACT = Agreed(exact=True)
WITHHELD = Figure(state=State.WITHHELD)
MISSING = Figure(state=State.MISSING)


def shown(value: int | str) -> Figure:
    return Figure(state=State.SHOWN, value=Decimal(value))


def entry(
    departures: Figure | int, arrivals: Figure | int, *, period: str = "2015", part: str | None = None
) -> DoubleEntry:
    sides = [side if isinstance(side, Figure) else shown(side) for side in (departures, arrivals)]
    breakdown = frozenset({("SEX", part)}) if part else frozenset()
    return DoubleEntry(
        corridor=Corridor("ITA", "ESP"),
        breakdown=breakdown,
        whole=frozenset(),
        period=period,
        by_origin=sides[0],
        by_destination=sides[1],
    )


@pytest.mark.parametrize(
    ("departures", "arrivals", "index"),
    [
        pytest.param(16_170, 16_189, 0.001, id="Belgium to France 2015"),
        pytest.param(5_003, 17_350, 1.105, id="Italy to Spain 2015"),
        pytest.param(10_436, 3_770, 0.938, id="France to Italy 2015"),
        pytest.param(0, 7, 2.0, id="only one side saw anybody"),
        pytest.param(0, 0, 0.0, id="nobody moved, both say"),
    ],
)
def test_the_index_is_twice_the_difference_over_the_sum(departures: int, arrivals: int, index: float) -> None:
    found = compare(entry(departures, arrivals), EXACT)
    assert found.index == pytest.approx(index, abs=0.001)
    assert found.signed == pytest.approx(index if arrivals >= departures else -index, abs=0.001)


def test_a_figure_with_decimals_is_compared_exactly() -> None:
    # 2 x 0.1 / 0.3
    assert compare(entry(shown("0.1"), shown("0.2")), EXACT).index == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("departures", "arrivals", "expected"),
    [
        pytest.param(shown(50), MISSING, Flag.ONE_SIDE, id="the destination released nothing"),
        pytest.param(MISSING, WITHHELD, Flag.ONE_SIDE, id="one is missing and the other withheld"),
        pytest.param(shown(50), WITHHELD, Flag.WITHHELD, id="the destination withholds it"),
        pytest.param(WITHHELD, WITHHELD, Flag.WITHHELD, id="both withhold it"),
    ],
)
def test_without_two_figures_there_is_no_index(departures: Figure, arrivals: Figure, expected: Flag) -> None:
    found = compare(entry(departures, arrivals), EXACT)
    assert (found.flag, found.index, found.signed, found.log_ratio, found.within_agreed) == (expected, *[None] * 4)


def test_concepts_that_differ_are_shown_side_by_side_without_an_index() -> None:
    found = compare(entry(55_700, 170_000), Agreed(exact=False), earlier=[entry(100, 100, period="2014")])
    assert (found.flag, found.index, found.log_ratio) == (Flag.CONCEPT, None, None)
    assert found.entry.shown == (55_700, 170_000)


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        pytest.param((100, 122), None, Flag.AGREES, id="2x22/222 = 0.198"),
        pytest.param((100, 123), None, Flag.APART, id="2x23/223 = 0.206, and nothing before"),
        pytest.param((100, 300), (100, 300), Flag.STRUCTURAL, id="three times as much, as ever"),
        pytest.param((100, 222), (100, 100), Flag.STRUCTURAL, id="ln 2.22 = 0.798"),
        pytest.param((100, 223), (100, 100), Flag.CHANGED, id="ln 2.23 = 0.802"),
        pytest.param((100, 100), (100, 300), Flag.CHANGED, id="agreement where there was none is a change too"),
        pytest.param((300, 100), (100, 100), Flag.CHANGED, id="a change downwards"),
        pytest.param((19, 60), (100, 100), Flag.APART, id="too few to tell a change from chance"),
        pytest.param((100, 300), (19, 19), Flag.APART, id="too few before"),
        pytest.param((0, 300), (100, 100), Flag.APART, id="a zero has no ratio"),
    ],
)
def test_a_change_is_flagged_and_not_an_asymmetry(
    now: tuple[int, int], before: tuple[int, int] | None, expected: Flag
) -> None:
    earlier = [] if before is None else [entry(*before, period="2014")]
    assert compare(entry(*now), EXACT, earlier=earlier).flag is expected


def test_a_change_is_against_the_last_comparable_period() -> None:
    earlier = [
        entry(100, 100, period="2012"),
        entry(100, 300, period="2014"),
        entry(100, 310, period="2013"),
        entry(100, WITHHELD, period="2014"),
    ]
    found = compare(entry(100, 290), EXACT, earlier=earlier)
    assert (found.flag, found.previous) == (Flag.STRUCTURAL, ("2014", pytest.approx(1.0986, abs=1e-4)))  # ln 3


def test_a_part_above_the_other_sides_whole_is_impossible() -> None:
    whole = entry(1_000, 500)
    assert compare(entry(501, 480, part="F"), EXACT, whole=whole).flag is Flag.IMPOSSIBLE
    assert compare(entry(500, 480, part="F"), EXACT, whole=whole).flag is Flag.AGREES
    wide = Agreed(exact=True, ratio=(Fraction("0.9"), Fraction("1.1")))
    assert compare(entry(550, 480, part="F"), wide, whole=whole).flag is Flag.AGREES
    assert compare(entry(551, 480, part="F"), wide, whole=whole).flag is Flag.IMPOSSIBLE


def test_the_agreed_ratio_holds_whichever_side_is_taken_first() -> None:
    agreed = Agreed(exact=True, ratio=(Fraction("0.97"), Fraction("1.03")))
    inside = [(1_000, 1_030), (1_030, 1_000), (1_000, 970), (970, 1_000), (0, 0)]
    outside = [(1_000, 1_031), (1_031, 1_000), (0, 1)]
    assert [compare(entry(*both), agreed).within_agreed for both in inside + outside] == [True] * 5 + [False] * 3
    assert compare(entry(1_000, 1_030), EXACT).within_agreed is None


def test_the_overview_counts_corridors_once_and_weighs_them_by_volume() -> None:
    found = [compare(one, EXACT) for one in (entry(100, 300), entry(10_000, 10_000), entry(100, 100, part="F"))]
    whole = overview(found)
    # indices 1 and 0; by volume 2 x 200 / 20,400
    assert (whole.compared, whole.median_index) == (2, 0.5)
    assert whole.weighted == pytest.approx(400 / 20_400)
    assert (overview([]).compared, overview([]).median_index, overview([]).weighted) == (0, None, None)
