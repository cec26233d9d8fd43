"""Charts: marks lie where a hand would draw them, withheld is hatched and missing a gap, and neither is ever zero."""

from decimal import Decimal
from math import hypot

import pytest

from nodes.web.charts.diagram import NODE_RADIUS, Flow, diagram
from nodes.web.charts.multiples import Moment, Panel, Point, Said, panel
from nodes.web.charts.scale import Scale

WITHHELD, MISSING = Point(said=Said.WITHHELD), Point(said=Said.MISSING)


def shown(value: int | str) -> Point:
    return Point(said=Said.SHOWN, value=Decimal(value))


def drawn(*both: tuple[Point, Point]) -> Panel:
    return panel([Moment(period=f"{2020 + year}", by_origin=e, by_destination=i) for year, (e, i) in enumerate(both)])


@pytest.mark.parametrize(
    ("greatest", "step", "top"),
    [(0, 1, 1), (1, 1, 1), (3, 1, 3), (4, 1, 4), (5, 2, 6), (9, 5, 10), (30, 10, 30), (2_000, 500, 2_000),
     (2_001, 1_000, 3_000), (4_919, 2_000, 6_000), (1_000_000, 500_000, 1_000_000)],
)  # fmt: skip
def test_the_numbers_beside_a_scale_are_round_and_at_most_five(greatest: int, step: int, top: int) -> None:
    scale = Scale.over(greatest, bottom=100, top=0)
    assert (scale.step, scale.greatest, scale.ticks[0], scale.ticks[-1]) == (step, top, 0, top)
    assert len(scale.ticks) <= 5


def test_a_scale_begins_at_zero_and_is_linear() -> None:
    scale = Scale.over(2_000, bottom=164, top=14)
    assert [scale.height(value) for value in (0, 500, 1_000, 2_000)] == [164, 126.5, 89, 14]


def test_figures_lie_at_their_height_in_the_middle_of_their_period() -> None:
    # Between 56 and 312 two periods have 128 each: middles 120 and 248. From 164 up to 14 lie 0 to 2,000.
    found = drawn((shown(1_000), shown(500)), (shown(2_000), shown(0)))
    assert [(mark.x, mark.y) for mark in found.by_origin.marks] == [(120, 89), (248, 14)]
    assert [(mark.x, mark.y) for mark in found.by_destination.marks] == [(120, 126.5), (248, 164)]
    assert found.by_origin.lines == ("120.0,89.0 248.0,14.0",)


@pytest.mark.parametrize("hole", [WITHHELD, MISSING])
def test_no_line_crosses_a_period_without_a_figure(hole: Point) -> None:
    found = drawn(*((point, shown(1)) for point in (shown(10), shown(20), hole, shown(30), shown(40), hole, shown(5))))
    assert [line.count(",") for line in found.by_origin.lines] == [2, 2]  # two pairs; a figure alone has no line
    assert [line.count(",") for line in found.by_destination.lines] == [7]


def test_what_is_withheld_is_a_mark_without_a_value_and_what_is_missing_is_none() -> None:
    found = drawn((WITHHELD, MISSING), (shown(10), WITHHELD))
    assert [mark.point for mark in found.by_origin.marks] == [WITHHELD, shown(10)]
    assert [(mark.period, mark.point, mark.y) for mark in found.by_destination.marks] == [("2021", WITHHELD, 14)]


def test_marks_of_two_withheld_sides_lie_apart() -> None:
    found = drawn((WITHHELD, WITHHELD))
    assert [mark.x for mark in (*found.by_origin.marks, *found.by_destination.marks)] == [175, 193]


def test_a_period_with_nothing_to_show_can_be_drawn() -> None:
    found = drawn((MISSING, WITHHELD))
    assert found.ticks == ((164, Decimal(0)), (14, Decimal(1)))


def test_the_band_expected_reaches_from_its_low_end_to_its_high_end() -> None:
    moment = Moment(period="2026", by_origin=shown(100), by_destination=shown(90), expected=(Decimal(50), Decimal(150)))
    (bar,) = panel([moment]).bars
    # 150 needs a scale to 150 by 50: a figure takes one unit of 150 high; the middle of one period is 184.
    assert (bar.y, bar.height, bar.x, bar.width) == (14, 100, 170, 28)


def flow(origin: str, destination: str, volume: int | None) -> Flow:
    return Flow(origin=origin, destination=destination, volume=None if volume is None else Decimal(volume), kind="ok")


def test_an_arrow_is_as_wide_as_the_root_of_its_volume_and_thin_where_nobody_shows_one() -> None:
    found = diagram(["KG", "KZ", "UZ"], [flow("KG", "KZ", 400), flow("KZ", "KG", 100), flow("UZ", "KZ", None)])
    # From 1.5 to 7: the greatest 7, a quarter of it half way.
    assert [arrow.width for arrow in found.arrows] == [7, 4.2, 1.5]


def test_an_arrow_starts_and_ends_at_its_members_circles_and_bends_another_way_back() -> None:
    found = diagram(["KG", "KZ", "UZ", "TJ", "TM"], [flow("KG", "UZ", 1), flow("UZ", "KG", 1)])
    places = {node.member: (node.x, node.y) for node in found.nodes}
    there, back = found.arrows
    for arrow in found.arrows:
        tip = tuple(float(part) for part in arrow.head.split()[0].split(","))
        first = tuple(float(part) for part in arrow.path.split()[0][1:].split(","))
        for end, at in ((tip, places[arrow.flow.destination]), (first, places[arrow.flow.origin])):
            assert NODE_RADIUS < hypot(end[0] - at[0], end[1] - at[1]) < NODE_RADIUS + 6
    assert there.path.split()[1] != back.path.split()[1]


def test_members_stand_around_a_circle_from_the_top_and_inside_the_drawing() -> None:
    found = diagram(["A", "B", "C", "D", "E", "F"], [])
    assert (found.nodes[0].x, found.nodes[0].y) == (220, 55)
    assert all(NODE_RADIUS < node.x < 440 - NODE_RADIUS and 12 < node.label_y < found.height for node in found.nodes)
