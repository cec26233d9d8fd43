"""MAP.toml: what it may say, and what it is refused for, with the key named."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors import ExchangeError, ExitCode
from exchange.errors.preparation import (
    MappingCodeError,
    MappingContractError,
    MappingContributorError,
    MappingDimensionError,
    MappingKeyError,
    MappingSyntaxError,
    MappingValueError,
)
from nodes.preparation.coding import bind
from nodes.preparation.mapping import ContributorColumn, EachRow, WholeExtract, parse_mapping
from tests.unit.nodes import preparation_contracts as contracts
from tests.unit.nodes.preparation_tools import BORDER_MAP, PERMITS_MAP, RETURNS_MAP, mapping


def test_a_mapping_names_each_column_it_reads_once_and_no_other() -> None:
    assert mapping(PERMITS_MAP).columns() == ("day", "region", "activity", "worker", "employer", "type")
    assert mapping(RETURNS_MAP).columns() == ("quarter", "nationality", "type", "sex")


def test_a_contributor_is_a_column_or_each_row() -> None:
    assert mapping(RETURNS_MAP).contributors == {"person": EachRow()}
    assert mapping(PERMITS_MAP).contributors["employer"] == ContributorColumn(
        column="employer", own_column="type", own_values=("PATENT", "SELF")
    )


def test_a_contributor_may_have_an_owner_whose_column_is_read() -> None:
    owned = mapping(PERMITS_MAP.replace('column = "employer"', 'column = "employer", holding = "owner"'))
    assert owned.contributors["employer"] == ContributorColumn(
        column="employer", holding="owner", own_column="type", own_values=("PATENT", "SELF")
    )
    assert "owner" in owned.columns()


def test_what_must_be_withheld_is_listed_by_codes() -> None:
    asked = mapping(RETURNS_MAP + '[[withhold]]\nCITIZENSHIP = "AF"\n[[withhold]]\nSEX = "F"\nRETURN_TYPE = "_T"\n')
    assert asked.withhold == ({"CITIZENSHIP": "AF"}, {"SEX": "F", "RETURN_TYPE": "_T"})
    assert mapping(RETURNS_MAP).withhold == ()


@pytest.mark.parametrize(
    ("old", "new", "refusal", "key"),
    [
        pytest.param("v = 1", "v = 2", MappingValueError, "v", id="another format"),
        pytest.param("v = 1", "v = 1\nmood = 1", MappingKeyError, "mood", id="an unknown key at the top"),
        pytest.param('"month"\nformat', '"m"\nzone = 1\nformat', MappingKeyError, "period.zone", id="in a section"),
        pytest.param('format = "month"', 'format = "week"', MappingValueError, "period.format", id="an unknown format"),
        pytest.param('format = "month"', "", MappingValueError, "period.format", id="no format"),
        pytest.param(
            '{ column = "region" }', '{ column = "" }', MappingValueError, "dimensions.BORDER_REGION.column",
            id="a column without a name",
        ),
        pytest.param(
            '{ column = "region" }', '{ column = "r", constant = "KZ-75" }', MappingKeyError,
            "dimensions.BORDER_REGION.column", id="a dimension that is a column and a constant",
        ),
        pytest.param(
            '{ column = "traveller" }', "{ each_row = false }", MappingValueError, "contributors.traveller.each_row",
            id="each_row that is not true",
        ),
        pytest.param('"м" = "M"', '"м" = 1', MappingValueError, "codes.SEX.м", id="a code that is a number"),
        pytest.param("v = 1", 'v = 1\ndelimiter = ";;"', MappingValueError, "delimiter", id="two delimiters"),
        pytest.param(
            "[contributors]", '[[filter]]\ncolumn = "a"\nkeep = ["1"]\ndrop = ["2"]\n[contributors]',
            MappingValueError, "filter[1].keep", id="a filter that keeps and drops",
        ),
    ],
)  # fmt: skip
def test_a_malformed_mapping_is_refused_and_the_key_is_named(
    old: str, new: str, refusal: type[ExchangeError], key: str
) -> None:
    assert old in BORDER_MAP
    with pytest.raises(refusal) as refused:
        mapping(BORDER_MAP.replace(old, new, 1))
    assert refused.value.facts["key"] == key
    assert refused.value.exit_code == ExitCode.USAGE


def test_what_is_not_toml_is_refused() -> None:
    for raw in (b"v = ", b"\xff", b"v = 1\nv = 1", b"a" * 2_000_000):
        with pytest.raises(MappingSyntaxError):
            parse_mapping(raw, file="MAP.toml")


@settings(max_examples=150)
@given(st.text(max_size=200) | st.text(alphabet='v=1[]{}"\n.abc', max_size=80))
def test_any_text_is_a_mapping_or_a_refusal(text: str) -> None:
    with suppress(ExchangeError):
        parse_mapping(text.encode("utf-8", "surrogatepass"), file="MAP.toml")


@pytest.mark.parametrize(
    ("removed", "unit"),
    [
        pytest.param('worker = { column = "worker" }\n', "worker", id="no worker"),
        pytest.param(
            'employer = { column = "employer", own_row = { column = "type", values = ["PATENT", "SELF"] } }\n',
            "employer",
            id="no employer",
        ),
    ],
)
def test_a_mapping_without_a_contributor_column_is_refused_and_the_unit_is_named(removed: str, unit: str) -> None:
    assert removed in PERMITS_MAP
    with pytest.raises(MappingContributorError) as refused:
        bind(mapping(PERMITS_MAP.replace(removed, "")), contracts.permits(), provider="KZ", period="2026-09")
    assert refused.value.facts["unit"] == unit
    assert f"the unit {unit}" in refused.value.sentence()
    assert unit in refused.value.mend("ru")


@pytest.mark.parametrize(
    ("old", "new", "refusal"),
    [
        pytest.param('"CA-01-BORDER"', '"CA-02-REFUSED"', MappingContractError, id="another contract"),
        pytest.param('SEX = { column = "sex", absent = "_U" }\n', "", MappingDimensionError, id="a dimension unmapped"),
        pytest.param("BORDER_REGION =", "AGE =", MappingKeyError, id="a dimension the contract has not"),
        pytest.param("traveller = {", "person = {", MappingKeyError, id="a unit the contract has not"),
        pytest.param("[codes.SEX]", "[codes.AGE]", MappingKeyError, id="codes of an unmapped dimension"),
        pytest.param('"м" = "M"', '"м" = "X"', MappingCodeError, id="a code that is in no list"),
        pytest.param('"м" = "M"', '"м" = "_T"', MappingCodeError, id="the total as a row's code"),
        pytest.param('absent = "_U"', 'absent = "Q"', MappingCodeError, id="an absent code in no list"),
        pytest.param(
            '{ column = "region" }', '{ constant = "KG-O" }', MappingCodeError, id="an oblast of another country"
        ),
        pytest.param('{ column = "region" }', '{ constant = "KZ" }', MappingCodeError, id="a code above the level"),
        pytest.param("v = 1", 'v = 1\nvalue = "usd"', MappingValueError, id="an amount where events are counted"),
        pytest.param(
            'column = "month"\nformat = "month"', 'whole_extract = "2026-08"', MappingValueError,
            id="an extract of another period",
        ),
    ],
)  # fmt: skip
def test_a_mapping_must_fit_its_contract(old: str, new: str, refusal: type[ExchangeError]) -> None:
    assert old in BORDER_MAP
    with pytest.raises(refusal):
        bind(mapping(BORDER_MAP.replace(old, new, 1)), contracts.border(), provider="KZ", period="2026-09")


def test_codes_roll_up_to_the_level_of_the_table() -> None:
    coding = bind(mapping(RETURNS_MAP), contracts.returns(), provider="KZ", period="2026-Q3")
    axis = next(axis for axis in coding.tables[0].axes if axis.dimension == "RETURN_TYPE")
    assert axis.codes == ("FORCED", "VOL")
    assert (axis.level_of["EXP_COURT"], axis.level_of["READM"], axis.level_of["AVRR"]) == ("FORCED", "FORCED", "VOL")


def test_a_dimension_without_a_total_is_never_rolled_up() -> None:
    coding = bind(mapping(RETURNS_MAP), contracts.returns(), provider="KZ", period="2026-Q3")
    assert [(axis.dimension, axis.rolled) for axis in coding.tables[0].axes] == [
        ("MEASURE", False),
        ("CITIZENSHIP", True),
        ("RETURN_TYPE", True),
        ("SEX", True),
    ]


def test_an_extract_may_hold_exactly_one_period_without_a_column() -> None:
    whole = BORDER_MAP.replace('column = "month"\nformat = "month"', 'whole_extract = "2026-09"')
    assert mapping(whole).period == WholeExtract(period="2026-09")
    bind(mapping(whole), contracts.border(), provider="KZ", period="2026-09")
