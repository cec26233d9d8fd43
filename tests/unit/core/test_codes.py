"""Code lists are strict trees of text; periods have one spelling each."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.codes import Frequency, parse_codelist, parse_period
from exchange.encoding import Digest
from exchange.errors.contract import CodeListError, PeriodError
from tests.shared import shared
from tests.world.contracts import CONTRACTS

SMALL = (
    b"code,name_en,name_ru,parent\n_T,Total,\xd0\x92\xd1\x81\xd0\xb5\xd0\xb3\xd0\xbe,\nNO,Norway,,_T\nNA,Namibia,,_T\n"
)


def test_no_is_norway_and_na_is_namibia() -> None:
    codelist = parse_codelist(SMALL, list_id="countries")
    assert [code.id for code in codelist.codes] == ["_T", "NO", "NA"]
    assert codelist.code("NO").labels == {"en": "Norway"}
    assert codelist.digest == Digest.of(SMALL)


def test_leaves_are_the_codes_without_children_in_list_order() -> None:
    codelist = parse_codelist(b"code,name_en,parent\nB,b,A\nA,a,_T\n_T,t,\nC,c,_T\n", list_id="l")
    assert codelist.leaves() == ("B", "C")
    assert list(codelist.ancestors("B")) == ["A", "_T"]
    assert codelist.leaves_under("A") == ("B",)
    assert codelist.leaves_under("C") == ("C",)


@pytest.mark.parametrize(
    ("raw", "line", "found"),
    [
        pytest.param(b"\xff\xfe", 1, "other bytes", id="not UTF-8"),
        pytest.param("\ufeffcode,name_en\nA,a\n".encode(), 1, "one", id="a byte-order mark"),
        pytest.param(b"", 1, "less", id="empty"),
        pytest.param(b"code,name_en\n", 1, "less", id="no codes"),
        pytest.param(b"code,label\nA,a\n", 1, "code, label", id="no English name"),
        pytest.param(b"code,name_en,name_en\nA,a,a\n", 1, "name_en", id="a column twice"),
        pytest.param(b"Code,name_en\nA,a\n", 1, "Code", id="a column in capitals"),
        pytest.param(b"code,name_en\nA,a\nA,b\n", 3, "A again", id="a code twice"),
        pytest.param(b"code,name_en\nA,a,b\n", 2, "3 cells", id="too many cells"),
        pytest.param(b"code,name_en\na b,a\n", 2, "a b", id="a code with a space"),
        pytest.param(b"code,name_en\n,a\n", 2, "nothing", id="an empty code"),
        pytest.param(b"code,name_en\nA,\n", 2, "nothing", id="no label"),
        pytest.param(b"code,name_en\nA, a\n", 2, "some", id="a label with an outer space"),
        pytest.param(b"code,name_en,parent\nA,a,B\n", 2, "B", id="a parent that is no code"),
        pytest.param(b"code,name_en,parent\nA,a,B\nB,b,A\n", 2, "A above itself", id="a circle"),
        pytest.param(b'code,name_en\nA,"a\n', 2, "unexpected end of data", id="an open quote"),
    ],
)
def test_a_code_list_that_is_not_a_strict_tree_is_refused_with_its_line(raw: bytes, line: int, found: str) -> None:
    with pytest.raises(CodeListError) as caught:
        parse_codelist(raw, list_id="l")
    assert (caught.value.facts["line"], caught.value.facts["found"]) == (line, found)


@given(st.binary(max_size=200))
def test_a_code_list_is_parsed_or_refused_never_something_else(raw: bytes) -> None:
    try:
        parse_codelist(raw, list_id="l")
    except CodeListError:
        return


@pytest.mark.parametrize("file", sorted((CONTRACTS / "codelists").glob("*.csv")), ids=lambda file: file.stem)
def test_every_code_list_of_the_project_is_one(file: Path) -> None:
    raw = file.read_bytes()
    assert parse_codelist(raw, list_id=file.stem).codes
    assert b"\r" not in raw, "git on another system would change the digest"


@pytest.mark.parametrize(
    "name",
    [
        "sex",
        "regions",
        "isic4_section",
        "isco08_major",
        "removal_type",
        "decision",
        "refusal_ground",
        "age_bands",
        "stay_duration",
        "purpose",
        "exploitation",
        "remittance_channel",
        "status_lost",
        "detection_place",
    ],
)
def test_the_code_lists_carry_the_codes_of_the_domain(name: str) -> None:
    theirs = parse_codelist(shared(f"domain/codelists/{name}.csv").read_bytes(), list_id=name)
    ours = parse_codelist((CONTRACTS / "codelists" / f"{name}.csv").read_bytes(), list_id=name)
    assert [(code.id, code.parent) for code in ours.codes] == [(code.id, code.parent) for code in theirs.codes]


@pytest.mark.parametrize(
    ("text", "frequency", "start", "end"),
    [
        ("2026-09", Frequency.MONTH, date(2026, 9, 1), date(2026, 9, 30)),
        ("2026-12", Frequency.MONTH, date(2026, 12, 1), date(2026, 12, 31)),
        ("2024-02", Frequency.MONTH, date(2024, 2, 1), date(2024, 2, 29)),
        ("2018-Q4", Frequency.QUARTER, date(2018, 10, 1), date(2018, 12, 31)),
        ("2018-Q1", Frequency.QUARTER, date(2018, 1, 1), date(2018, 3, 31)),
        ("2024", Frequency.YEAR, date(2024, 1, 1), date(2024, 12, 31)),
    ],
)
def test_a_period_has_a_first_and_a_last_day(text: str, frequency: Frequency, start: date, end: date) -> None:
    period = parse_period(text)
    assert (period.frequency, period.start, period.end, str(period)) == (frequency, start, end, text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-9",
        "2026-13",
        "2026-00",
        "2018-Q0",
        "2018-Q5",
        "2018Q4",
        "2018-q4",
        "24",
        "0999",
        "2024 ",
        "2024\n",
        "",
        "٢٠٢٤",
    ],
)
def test_any_other_spelling_of_a_period_is_refused(text: str) -> None:
    with pytest.raises(PeriodError):
        parse_period(text)


def test_a_period_of_another_frequency_is_refused() -> None:
    with pytest.raises(PeriodError, match="a quarter, as 2018-Q4"):
        parse_period("2026-09", frequency="quarter")
