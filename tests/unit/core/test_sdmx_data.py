import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.contract.model import DataContract, Zeros
from exchange.errors import ExchangeError
from exchange.errors.bundle import (
    DataFieldError,
    DataFormError,
    DataHeaderError,
    DataKeyError,
    DataOrderError,
)
from exchange.sdmx.data import format_data, parse_data, read_data, write_data
from exchange.table import CellKey, Observation, SafeTable
from tests.world.bundles import PERIOD, border_contract

CONTRACT = border_contract()
SECRET = bytes(32)


def _key(direction: str, sex: str = "_T", age: str = "_T", region: str = "_T") -> CellKey:
    return (direction, "_T", "_T", region, "_T", sex, age)


ROWS = {
    _key("IN"): Observation(value=120, obs_status="A", conf_status="N"),
    _key("IN", sex="F"): Observation(value=None, obs_status="Q", conf_status="C"),
    _key("IN", sex="M"): Observation(value=None, obs_status="Q", conf_status="C"),
    _key("OUT"): Observation(value=17, obs_status="P", conf_status="N"),
    _key("OUT", sex="M"): Observation(value=None, obs_status="O", conf_status="N"),
}
HEADER = (
    "STRUCTURE,STRUCTURE_ID,ACTION,DIRECTION,CITIZENSHIP,COUNTERPART,BORDER_REGION,MODE,SEX,AGE,"
    "TIME_PERIOD,OBS_VALUE,OBS_STATUS,CONF_STATUS,RELEASE_SALT"
)


def _table(rows: dict[CellKey, Observation] | None = None) -> SafeTable:
    return SafeTable(provider="KZ", contract_id=CONTRACT.id, period=PERIOD, rows=ROWS if rows is None else rows)


def _write(table: SafeTable | None = None, *, contract: DataContract = CONTRACT, revision: int = 0) -> bytes:
    return write_data(table or _table(), contract, revision=revision, salt_secret=SECRET)


def _parse(raw: bytes, contract: DataContract = CONTRACT) -> None:
    parse_data(raw, contract, provider="KZ", period=PERIOD)


def test_the_file_is_sdmx_csv_with_a_salt_in_the_last_column() -> None:
    header, *lines = _write().decode().splitlines()
    assert header == HEADER
    salt = lines[0].rsplit(",", 1)[1]
    assert re.fullmatch("[A-Z2-7]{26}", salt)
    head = "dataflow,EXCHANGE:CA-01-BORDER(1.0.0),R"
    assert lines == [
        f"{head},IN,_T,_T,_T,_T,F,_T,2026-09,,Q,C,{salt}",
        f"{head},IN,_T,_T,_T,_T,M,_T,2026-09,,Q,C,{salt}",
        f"{head},IN,_T,_T,_T,_T,_T,_T,2026-09,120,A,N,{salt}",
        f"{head},OUT,_T,_T,_T,_T,M,_T,2026-09,,O,N,{salt}",
        f"{head},OUT,_T,_T,_T,_T,_T,_T,2026-09,17,P,N,{salt}",
    ]


def test_a_table_reads_back_as_it_was_written() -> None:
    raw = _write()
    assert read_data(raw, CONTRACT, provider="KZ", period=PERIOD) == _table()
    assert format_data(parse_data(raw, CONTRACT, provider="KZ", period=PERIOD), CONTRACT) == raw


def test_the_same_inputs_give_the_same_bytes_and_another_secret_another_salt() -> None:
    assert _write() == _write()
    other = write_data(_table(), CONTRACT, revision=0, salt_secret=b"\x01" * 32)
    assert other != _write()
    assert [line.rsplit(",", 1)[0] for line in other.decode().splitlines()] == [
        line.rsplit(",", 1)[0] for line in _write().decode().splitlines()
    ]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda: _write(revision=1), id="the revision"),
        pytest.param(
            lambda: write_data(_table(), CONTRACT, revision=0, salt_secret=SECRET, recipients=["KG"]),
            id="the recipients",
        ),
        pytest.param(
            lambda: _write(_table({**ROWS, _key("OUT"): Observation(value=18, obs_status="P", conf_status="N")})),
            id="one figure",
        ),
    ],
)
def test_the_salt_depends_on_all_that_is_released(changed: Callable[[], bytes]) -> None:
    def salt(raw: bytes) -> str:
        return raw.decode().splitlines()[1].rsplit(",", 1)[1]

    assert salt(changed()) != salt(_write())


def test_a_key_that_is_gone_is_a_deleted_row_and_absent_to_a_reader() -> None:
    gone = _key("IN", sex="_U")
    raw = write_data(_table(), CONTRACT, revision=1, salt_secret=SECRET, deleted=[gone])
    assert b"(1.0.0),D,IN,_T,_T,_T,_T,_U,_T,2026-09,,,," in raw
    data = parse_data(raw, CONTRACT, provider="KZ", period=PERIOD)
    assert data.deleted == {gone}
    assert gone not in data.table.rows


@pytest.mark.parametrize(
    ("decimals", "value", "text"),
    [
        pytest.param(0, 7, "7", id="whole"),
        pytest.param(2, 705, "7.05", id="a zero after the point"),
        pytest.param(2, 5, "0.05", id="below one"),
        pytest.param(1, 70, "7.0", id="a decimal that is nought"),
    ],
)
def test_a_value_has_exactly_the_contracts_decimals(decimals: int, value: int, text: str) -> None:
    contract = replace(CONTRACT, decimals=decimals)
    table = _table({_key("IN"): Observation(value=value, obs_status="A", conf_status="N")})
    raw = _write(table, contract=contract)
    assert f",2026-09,{text},A,N,".encode() in raw
    assert read_data(raw, contract, provider="KZ", period=PERIOD) == table


@pytest.mark.parametrize(
    ("old", "new", "refusal"),
    [
        pytest.param(b"STRUCTURE,", b"structure,", DataHeaderError, id="another header"),
        pytest.param(b"\n", b"\r\n", DataHeaderError, id="carriage returns"),
        pytest.param(b"dataflow,E", b"datastructure,E", DataFieldError, id="another structure"),
        pytest.param(b"(1.0.0)", b"(1.0.1)", DataFieldError, id="another version of the contract"),
        pytest.param(b"),R,IN,_T,_T,_T,_T,F", b"),M,IN,_T,_T,_T,_T,F", DataFieldError, id="another action"),
        pytest.param(b"2026-09,120", b"2026-08,120", DataFieldError, id="another period"),
        pytest.param(b",120,", b",0120,", DataFieldError, id="a leading zero"),
        pytest.param(b",120,", b",+120,", DataFieldError, id="a sign"),
        pytest.param(b",120,", b",-120,", DataFieldError, id="a negative count"),
        pytest.param(b",120,", b",120.0,", DataFieldError, id="a decimal where there are none"),
        pytest.param(b",120,", b",1.2e2,", DataFieldError, id="an exponent"),
        pytest.param(b",120,", b", 120,", DataFieldError, id="a space"),
        pytest.param(b",120,", b',"120",', DataFieldError, id="quotes"),
        pytest.param(b",120,", b",NaN,", DataFieldError, id="not a number"),
        pytest.param(b",120,", ",\u0661,".encode(), DataFieldError, id="an Arabic digit"),
        pytest.param(b",120,", b",1234567890123456,", DataFieldError, id="more digits than a double holds"),
        pytest.param(b",120,", b",0,", DataFieldError, id="a plain zero, which is no row"),
        pytest.param(b",120,A", b",,A", DataFieldError, id="no figure under a status that has one"),
        pytest.param(b",,Q,C", b",9,Q,C", DataFieldError, id="a figure under a withheld status"),
        pytest.param(b",,Q,C", b",,Q,N", DataFieldError, id="withheld and not confidential"),
        pytest.param(b",,Q,C", b",,Q,D", DataFieldError, id="secondary suppression told from primary"),
        pytest.param(b",,O,N", b",,O,C", DataFieldError, id="missing and confidential"),
        pytest.param(b",,O,N", b",,L,N", DataFieldError, id="another code for missing"),
        pytest.param(b",120,A,N", b",120,A,F", DataFieldError, id="free where the contract forbids it"),
        pytest.param(b",120,A,N", b",120,X,N", DataFieldError, id="a status that is none"),
        pytest.param(b"IN,_T,_T,_T,_T,F", b"IN,_T,_T,_T,_T,X", DataKeyError, id="a code that is none"),
        pytest.param(b"IN,_T,_T,_T,_T,F", b"_T,_T,_T,_T,_T,F", DataKeyError, id="a total where there is none"),
        pytest.param(b"IN,_T,_T,_T,_T,F", b"IN,KG,_T,_T,_T,F", DataKeyError, id="a cell of no table"),
        pytest.param(b"IN,_T,_T,_T,_T,F", b"IN,_T,_T,KG-B,_T,_T", DataKeyError, id="another country's region"),
        pytest.param(b"IN,_T,_T,_T,_T,F", b"IN,_T,_T,_T,_T,M", DataOrderError, id="a key twice"),
        pytest.param(b"IN,_T,_T,_T,_T,F", b"OUT,_T,_T,_T,_T,_U", DataOrderError, id="rows out of order"),
        pytest.param(b",C,", b",C,A", DataFieldError, id="two salts"),
    ],
)
def test_a_file_that_says_anything_else_is_refused(old: bytes, new: bytes, refusal: type[ExchangeError]) -> None:
    raw = _write()
    assert old in raw
    with pytest.raises(refusal):
        _parse(raw.replace(old, new) if old == b"\n" else raw.replace(old, new, 1))


def _respelt_salt(raw: bytes) -> bytes:
    """The next letter in place of the last: RFC 4648 decoders that drop the two bits beyond 128 read the same salt."""
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    last = letters.index(raw[-2:-1])
    assert last % 4 == 0
    return raw.replace(raw[-28:], raw[-28:-2] + letters[last + 1 : last + 2] + b"\n")


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        pytest.param(b"", DataFormError, id="nothing"),
        pytest.param(HEADER.encode() + b"\n", DataFormError, id="no row to carry the salt"),
        pytest.param(_write()[:-1], DataFormError, id="no line feed at the end"),
        pytest.param(_write() + b"\n", DataFieldError, id="an empty line at the end"),
        pytest.param(_respelt_salt(_write()), DataFieldError, id="a salt with bits beyond its 128"),
        pytest.param(b"\xef\xbb\xbf" + _write(), DataHeaderError, id="a byte-order mark"),
        pytest.param(_write().replace(b"120", b"\xff"), DataFormError, id="not UTF-8"),
    ],
)
def test_bytes_in_another_form_are_refused(raw: bytes, refusal: type[ExchangeError]) -> None:
    with pytest.raises(refusal):
        _parse(raw)


def test_where_zeros_are_sensitive_a_zero_has_its_row() -> None:
    sensitive = replace(CONTRACT, disclosure=replace(CONTRACT.disclosure, zeros=Zeros.SENSITIVE))
    table = _table({_key("IN"): Observation(value=0, obs_status="A", conf_status="N")})
    assert read_data(_write(table, contract=sensitive), sensitive, provider="KZ", period=PERIOD) == table


def test_nothing_is_written_that_a_reader_would_refuse() -> None:
    contradictory = {_key("IN"): Observation(value=3, obs_status="Q", conf_status="C")}
    with pytest.raises(DataFieldError):
        _write(_table(contradictory))


def test_a_refusal_names_no_figure() -> None:
    raw = _write().replace(b",120,A,N", b",120,X,N")
    with pytest.raises(DataFieldError) as refusal:
        _parse(raw)
    assert "120" not in refusal.value.sentence()


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_file_is_refused_or_is_another_table(data: st.DataObject) -> None:
    raw = _write()
    start = data.draw(st.integers(0, len(raw) - 1))
    end = data.draw(st.integers(start, min(start + 10, len(raw))))
    damaged = raw[:start] + data.draw(st.binary(max_size=10)) + raw[end:]
    try:
        parsed = parse_data(damaged, CONTRACT, provider="KZ", period=PERIOD)
    except ExchangeError:
        return
    assert format_data(parsed, CONTRACT) == damaged
