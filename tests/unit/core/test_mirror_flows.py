"""Two-sided flows as a file: one spelling, and every other refused by line and column, without its figure."""

import pytest

from exchange.codes import CODELIST_BYTES_MAX
from exchange.errors.mirror import FlowFieldError
from exchange.mirror import Flow, parse_flows

HEADER = "year,origin,destination,reported_by_origin,reported_by_destination"
ROW = "2014,ITA,ESP,5003,17350"


def test_a_report_that_is_not_there_is_none_and_other_columns_are_notes() -> None:
    raw = f"sex,{HEADER},dist_km\nTotal,{ROW},1360.5\nTotal,2014,BGR,ESP,,5120,2250\nTotal,2014,ESP,BGR,0,3,2250\n"
    first, second, third = parse_flows(raw.encode(), file="flows.csv")
    assert first == Flow(origin="ITA", destination="ESP", year=2014, by_origin=5_003, by_destination=17_350)
    assert first.pair is not None
    assert (first.pair.year, first.pair.figure_min) == (2014, 5_003)
    assert (second.by_origin, second.by_destination, second.pair) == (None, 5_120, None)
    assert (third.by_origin, third.pair) == (0, None)  # a zero has no ratio


@pytest.mark.parametrize(
    ("lines", "line", "column"),
    [
        pytest.param([HEADER.replace("origin,", "from,", 1), ROW], 1, "origin", id="a column missing"),
        pytest.param([HEADER, ROW.replace("2014", "14")], 2, "year", id="a short year"),
        pytest.param([HEADER, ROW.replace("ITA", "Italy")], 2, "origin", id="a name for a code"),
        pytest.param([HEADER, ROW.replace("ESP", "ITA")], 2, "destination", id="from a place to itself"),
        pytest.param([HEADER, ROW.replace("5003", "5 003")], 2, "reported_by_origin", id="a separator"),
        pytest.param([HEADER, ROW.replace("17350", "-17350")], 2, "reported_by_destination", id="a negative figure"),
        pytest.param([HEADER, ROW.replace("17350", "17350.0")], 2, "reported_by_destination", id="a decimal"),
        pytest.param([HEADER, ROW, ROW], 3, "year", id="a corridor twice a year"),
        pytest.param([HEADER, ROW + ",1"], 2, "(row)", id="a field too many"),
        pytest.param([HEADER], 1, "(row)", id="no flow"),
    ],
)
def test_any_other_form_is_refused_by_line_and_column(lines: list[str], line: int, column: str) -> None:
    with pytest.raises(FlowFieldError) as refusal:
        parse_flows("".join(f"{text}\n" for text in lines).encode(), file="flows.csv")
    assert (refusal.value.facts["line"], refusal.value.facts["column"]) == (line, column)
    assert "17350" not in refusal.value.sentence()
    assert "5003" not in refusal.value.sentence()


@pytest.mark.parametrize(
    "raw", [pytest.param(b"\xff\xfe", id="another encoding"), pytest.param(b"a" * (CODELIST_BYTES_MAX + 1), id="size")]
)
def test_what_is_no_text_of_a_bounded_size_is_refused(raw: bytes) -> None:
    with pytest.raises(FlowFieldError):
        parse_flows(raw, file="flows.csv")
