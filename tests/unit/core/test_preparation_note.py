"""The note that crosses from preparation to the desk: one form, and no place in it for what a row or a cell says."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.contract.reference import ContractRef
from exchange.disclosure.adviser import Coarsening
from exchange.encoding import Digest, canonical_json
from exchange.errors import ExchangeError
from exchange.errors.encoding import EncodingError
from exchange.flow.preparation_note import (
    COARSENINGS,
    REFUSED_MAX,
    PreparationNote,
    Price,
    RefusedField,
    format_preparation_note,
    parse_preparation_note,
    shortened,
)

CONTRACT = ContractRef(id="CA-01-BORDER", version="1.0.0", digest=Digest.of(b"contract"))
NOTE = PreparationNote(
    contract=CONTRACT,
    period="2026-09",
    at=datetime(2026, 10, 2, tzinfo=UTC),
    refused_fields=2,
    refused=(
        RefusedField(line=7, column="citizenship", allowed="a code of CITIZENSHIP: KG, TJ"),
        RefusedField(line=9, column="(row)", allowed="5 fields as in the header"),
    ),
    prices=(
        Price(coarsening="nothing", subject="CA-01-BORDER", cells=400, withheld=90, protectable=True),
        Price(coarsening="dimension", subject="SEX (T1)", cells=200, withheld=20, protectable=True),
    ),
)
WORDS = st.text(min_size=1, max_size=80).map(shortened)
LINES = st.integers(min_value=1, max_value=10**10)
NOTES = st.builds(
    PreparationNote,
    contract=st.just(CONTRACT),
    period=st.sampled_from(["2026-09", "2026-Q3", "2026"]),
    at=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)).map(  # noqa: DTZ001  # made UTC here
        lambda at: at.replace(microsecond=0, tzinfo=UTC)
    ),
    refused_fields=st.integers(min_value=10, max_value=10_000),
    refused=st.lists(st.builds(RefusedField, line=LINES, column=WORDS, allowed=WORDS), max_size=10).map(tuple),
    prices=st.lists(
        st.builds(
            Price,
            coarsening=st.just("dimension"),
            subject=st.sampled_from(("SEX (T1)", "AGE_GROUP (TABLE_2)", "A (B)")),
            cells=st.integers(min_value=100, max_value=10_000),
            withheld=st.integers(min_value=0, max_value=100),
            protectable=st.booleans(),
        ),
        max_size=5,
    ).map(tuple),
)


@given(NOTES)
def test_a_note_is_read_as_it_was_written(note: PreparationNote) -> None:
    assert parse_preparation_note(format_preparation_note(note)) == note


def test_the_options_are_those_of_the_adviser() -> None:
    assert {*COARSENINGS} == {kind.value for kind in Coarsening}


def test_what_a_field_holds_has_no_place_in_a_note() -> None:
    document = json.loads(format_preparation_note(NOTE))
    document["refused"][0]["found"] = "a person"
    with pytest.raises(EncodingError):
        parse_preparation_note(canonical_json(document))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        pytest.param("total", 1910, id="a sum"),
        pytest.param("type", "preparation-note/2", id="another form"),
        pytest.param("period", "September", id="a period that is none"),
        pytest.param("refused_fields", 1, id="fewer fields counted than named"),
        pytest.param("refused", [{"line": 1, "column": "a\nb", "allowed": "c"}], id="words over two lines"),
        pytest.param("refused", [{"line": 1, "column": "a", "allowed": "c"}] * (REFUSED_MAX + 1), id="too many"),
        pytest.param("refused", ["7"], id="no object"),
        pytest.param("refused", [{"line": 0, "column": "a", "allowed": "c"}], id="a line before the first"),
        pytest.param("refused", [{"line": 10**10 + 1, "column": "a", "allowed": "c"}], id="more lines than people"),
        pytest.param(
            "prices",
            [{"coarsening": "table", "subject": "1910 people", "cells": 1, "withheld": 0, "protectable": True}],
            id="a figure in place of a table",
        ),
        pytest.param(
            "prices",
            [{"coarsening": "level", "subject": "AGE (T1)", "cells": 1, "withheld": 0, "protectable": True}],
            id="a table's name in place of a dimension's",
        ),
        pytest.param(
            "prices",
            [{"coarsening": "row", "subject": "a", "cells": 1, "withheld": 0, "protectable": True}],
            id="an option that the adviser has not",
        ),
        pytest.param(
            "prices",
            [{"coarsening": "level", "subject": "a", "cells": 1, "withheld": 2, "protectable": True}],
            id="more withheld than there are",
        ),
    ],
)
def test_another_form_is_refused(member: str, value: Any) -> None:  # noqa: ANN401  # any JSON
    document = json.loads(format_preparation_note(NOTE)) | {member: value}
    with pytest.raises(ExchangeError):
        parse_preparation_note(canonical_json(document))


def test_the_price_of_an_option_is_its_share_of_withheld_cells() -> None:
    now, option = NOTE.prices
    assert (now.share, now.published) == (0.225, 310)  # 90 of 400
    assert (option.share, option.published) == (0.1, 180)  # 20 of 200
