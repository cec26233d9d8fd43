"""Strict bytes: one spelling of JSON, base64, digests and times, held to vectors by others."""

import json
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.encoding import (
    JSON_DEPTH_MAX,
    Digest,
    base64_decode,
    base64_encode,
    base64url_decode,
    base64url_encode,
    canonical_json,
    format_instant,
    int_member,
    parse_canonical_object,
    parse_instant,
    parse_json,
    parse_json_object,
    require_members,
    text_member,
)
from exchange.errors import ExchangeError
from exchange.errors.encoding import (
    Base64Error,
    CanonicalJsonError,
    DigestError,
    EncodingError,
    FieldError,
    InstantError,
    JsonError,
)
from tests.shared import SHARED, shared

NO_VECTORS: list[object] = [pytest.param("", id="the vectors beside the project")]
"""One case that skips, or fails in CI, where the vectors are not at hand."""


def cases_of(folder: str) -> list[object]:
    found: list[object] = [pytest.param(path.name, id=path.stem) for path in sorted((SHARED / folder).glob("*"))]
    return found or NO_VECTORS


def parsed(content: bytes) -> object:
    return parse_json(content, subject="test")


# What JSONTestSuite leaves open (i_): our answers are part of the protocol, so they are listed.
OPEN_AND_ACCEPTED = {
    # Too small for a double, and integers of any size: Python reads them exactly; RFC 8785 refuses the large ones.
    "i_number_double_huge_neg_exp.json",
    "i_number_real_underflow.json",
    "i_number_too_big_neg_int.json",
    "i_number_too_big_pos_int.json",
    "i_number_very_big_negative_int.json",
}
# Valid JSON that this exchange refuses on purpose (RFC 7493 I-JSON: member names are unique).
VALID_AND_REFUSED = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}


@pytest.mark.parametrize("name", cases_of("vectors/json/test_parsing"))
def test_json_is_accepted_and_refused_as_json_test_suite_says(name: str) -> None:
    raw = (shared("vectors/json/test_parsing") / name).read_bytes()
    if (name.startswith("y_") and name not in VALID_AND_REFUSED) or name in OPEN_AND_ACCEPTED:
        parsed(raw)
    else:
        with pytest.raises(JsonError):
            parsed(raw)


@pytest.mark.parametrize("name", cases_of("vectors/json/test_parsing"))
def test_a_canonical_object_of_json_test_suite_is_one_that_is_written_alike(name: str) -> None:
    raw = (shared("vectors/json/test_parsing") / name).read_bytes()
    try:
        value = parse_canonical_object(raw, subject="test")
    except EncodingError:
        return
    assert name.startswith("y_")
    assert json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode() == raw


@pytest.mark.parametrize("name", cases_of("vectors/jcs/input"))
def test_canonical_json_is_that_of_rfc_8785(name: str) -> None:
    folder = shared("vectors/jcs")
    value = parsed((folder / "input" / name).read_bytes())
    canonical = (folder / "output" / name).read_bytes()
    assert canonical_json(value) == canonical
    if isinstance(value, dict):
        assert parse_canonical_object(canonical, subject="test") == value


def test_an_object_in_any_other_spelling_is_not_canonical() -> None:
    assert parse_canonical_object(b'{"a":1,"b":[]}', subject="test") == {"a": 1, "b": []}
    for raw in (b'{"b":[],"a":1}', b'{"a":1, "b":[]}', b'{"a":1.0,"b":[]}', b'{"\\u0061":1,"b":[]}'):
        with pytest.raises(CanonicalJsonError):
            parse_canonical_object(raw, subject="test")


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b'{"a":1,"a":1}', id="a member twice"),
        pytest.param(b'{"x":{"a":1,"\\u0061":2}}', id="a member twice, once escaped"),
        pytest.param(b"NaN", id="NaN"),
        pytest.param(b"-Infinity", id="minus infinity"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
        pytest.param(b'"\\ud800"', id="a lone surrogate"),
        pytest.param(b'{"\\uDFFF":1}', id="a lone surrogate in a name"),
        pytest.param(b'"\xed\xa0\x80"', id="a surrogate in UTF-8"),
        pytest.param(b"{}" + b" " * 40, id="more bytes than allowed"),
    ],
)
def test_json_that_could_be_read_in_two_ways_is_refused(raw: bytes) -> None:
    with pytest.raises(JsonError):
        parse_json(raw, subject="test", bytes_max=32)


def test_a_surrogate_pair_is_one_character() -> None:
    assert unicodedata.name(str(parsed(b'"\\ud83d\\ude00"'))) == "GRINNING FACE"


@pytest.mark.parametrize(
    ("raw", "accept"),
    [
        pytest.param(b"[" * JSON_DEPTH_MAX + b"]" * JSON_DEPTH_MAX, True, id="as deep as allowed"),
        pytest.param(b"[" * (JSON_DEPTH_MAX + 1) + b"]" * (JSON_DEPTH_MAX + 1), False, id="one deeper"),
        pytest.param(b'{"a":' * 33 + b"1" + b"}" * 33, False, id="objects one deeper"),
        pytest.param(b"[" + b"[]," * 100 + b"[]]", True, id="many beside each other"),
        pytest.param(b'["' + b"[" * 100 + b'"]', True, id="brackets in a string"),
        pytest.param(b'["\\"' + b"[" * 100 + b'"]', True, id="brackets after an escaped quote"),
        pytest.param(b'["\\\\",' + b"[" * 40 + b"]" * 40 + b"]", False, id="brackets after an escaped backslash"),
        pytest.param(b"[" * 1_000_000, False, id="a million brackets"),
        pytest.param(b'"' + b"\\" * 1_000_001 + b'"', False, id="a million backslashes"),
    ],
)
def test_nesting_is_bounded_outside_strings(raw: bytes, accept: bool) -> None:
    if accept:
        parsed(raw)
    else:
        with pytest.raises(JsonError):
            parsed(raw)


def depth_of(text: str) -> int:
    """The deepest nesting, character by character: the plain way of what the parser does with patterns."""
    depth = deepest = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            in_string, escaped = escaped or character != '"', not escaped and character == "\\"
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


@given(
    st.recursive(st.text(alphabet='[]{}"\\x'), lambda inner: st.lists(inner, max_size=3), max_leaves=40),
    st.integers(25, 33),
)
@settings(max_examples=100)
def test_depth_is_that_of_a_reading_character_by_character(value: object, outer: int) -> None:
    text = "[" * outer + json.dumps(value) + "]" * outer
    if depth_of(text) <= JSON_DEPTH_MAX:
        parsed(text.encode())
    else:
        with pytest.raises(JsonError, match="nested deeper"):
            parsed(text.encode())


@given(st.binary(max_size=60))
@settings(max_examples=100)
def test_any_bytes_are_json_or_refused_as_such(raw: bytes) -> None:
    try:
        parsed(raw)
    except JsonError:
        return
    json.loads(raw)


TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**54), 2**54) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def is_refused(value: object) -> bool:
    try:
        canonical_json(value)
    except ValueError:
        return True
    return False


@given(ANY_JSON)
@settings(max_examples=500)
def test_canonical_json_is_what_the_reference_writes_and_refuses(value: object) -> None:
    """`rfc8785` passes the vectors of RFC 8785's author; the quicker way is held to it."""
    try:
        expected = rfc8785.dumps(value)  # type: ignore[arg-type]  # any JSON
    except ValueError:
        assert is_refused(value)
    else:
        assert canonical_json(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("".join(map(chr, range(0xA0))), id="every control character and all of ASCII"),
        pytest.param({"\U0001f600": 1, "\ufb33": 2, "a": 3, "": 4}, id="names beyond the plane"),
        pytest.param("\u2028\u2029\ufeff", id="separators of lines"),
        pytest.param([-(2**53) + 1, 2**53 - 1, -0, True, False, None], id="the ends of numbers"),
        pytest.param({"b": {"z": [], "a": {}}, "a": [[], {}]}, id="nothing in them"),
        pytest.param({"1": 1, "10": 2, "2": 3, "A": 4, "a": 5, "_": 6}, id="names in their order"),
    ],
)
def test_canonical_json_of_what_is_odd_is_what_the_reference_writes(value: object) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)  # type: ignore[arg-type]  # any JSON


@pytest.mark.parametrize("value", [2**53, -(2**53), "\ud800", {"\ud800": 1}, float("nan"), [float("inf")]])
def test_what_rfc_8785_does_not_write_is_refused(value: object) -> None:
    assert is_refused(value)


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.none()
        | st.booleans()
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.floats(-(2.0**53) + 1, 2.0**53 - 1)
        | st.text(max_size=9),
        max_size=5,
    )
)
@settings(max_examples=100)
def test_canonical_json_is_read_back_and_written_alike(value: dict[str, object]) -> None:
    canonical = canonical_json(value)
    assert canonical_json(parse_canonical_object(canonical, subject="test")) == canonical


@pytest.mark.parametrize("number", [b"9007199254740992", b"-9007199254740992", b"1e400"])
def test_a_number_that_a_double_does_not_hold_exactly_is_not_canonical(number: bytes) -> None:
    with pytest.raises(JsonError):
        parse_canonical_object(b'{"a":' + number + b"}", subject="test")


@given(st.binary(max_size=40))
@settings(max_examples=60)
def test_base64_is_read_back_as_written(content: bytes) -> None:
    assert base64_decode(base64_encode(content), subject="test") == content
    assert base64url_decode(base64url_encode(content), subject="test") == content


# RFC 4648 §10, and §5 for the two letters that differ.
@pytest.mark.parametrize(
    ("content", "padded", "url"),
    [(b"f", "Zg==", "Zg"), (b"fo", "Zm8=", "Zm8"), (b"foobar", "Zm9vYmFy", "Zm9vYmFy"), (b"\xfb\xff", "+/8=", "-_8")],
)
def test_base64_is_that_of_rfc_4648(content: bytes, padded: str, url: str) -> None:
    assert (base64_encode(content), base64url_encode(content)) == (padded, url)


@pytest.mark.parametrize("text", ["Zh==", "Zg=", "Zg", "Zg==\n", " Zg==", "Zm9=", "-_8=", "Zg==Zg==", "Zé=="])
def test_base64_with_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(Base64Error):
        base64_decode(text, subject="test")


@pytest.mark.parametrize("text", ["Zh", "Zg==", "Z", "Zg\n", "+/8", "Z g", "Zé", None, 7, b"Zg"])
def test_base64url_with_another_spelling_is_refused(text: object) -> None:
    with pytest.raises(Base64Error):
        base64url_decode(text, subject="test")


def test_a_digest_is_written_with_its_algorithm() -> None:
    # FIPS 180-4: SHA-256 of "abc".
    text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert str(Digest.of(b"abc")) == text
    assert Digest.parse(text, subject="test") == Digest.parse_hex(text[7:], subject="test") == Digest.of(b"abc")


@pytest.mark.parametrize(
    "text", ["", "ab" * 32, "sha256:" + "AB" * 32, "sha256:" + "a" * 63, "sha256:" + "a" * 64 + "\n", None]
)
def test_a_digest_with_another_spelling_is_refused(text: object) -> None:
    with pytest.raises(DigestError):
        Digest.parse(text, subject="test")


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))  # noqa: DTZ001  # hypothesis asks for naive bounds
@settings(max_examples=100)
def test_a_time_is_read_back_as_written(at: datetime) -> None:
    text = format_instant(at.replace(tzinfo=UTC))
    assert parse_instant(text, subject="test") == at.replace(tzinfo=UTC, microsecond=0)
    assert format_instant(parse_instant(text, subject="test")) == text


def test_a_time_is_written_in_utc() -> None:
    almaty = timezone(timedelta(hours=5))
    assert format_instant(datetime(2026, 10, 1, 4, 30, tzinfo=almaty)) == "2026-09-30T23:30:00Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-01",
        "2026-10-01 12:00:00Z",
        "2026-10-01T12:00:00",
        "2026-10-01T12:00:00z",
        "2026-10-01T12:00:00+00:00",
        "2026-10-01T12:00:00.0Z",
        "2026-10-01T24:00:00Z",
        "2026-10-01T12:60:00Z",
        "2026-10-01T12:00:60Z",
        "2026-02-29T12:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-10-01T12:00:00Z\n",
        "２026-10-01T12:00:00Z",
        None,
    ],
)
def test_a_time_with_another_spelling_is_refused(text: object) -> None:
    with pytest.raises(InstantError):
        parse_instant(text, subject="test")


def test_members_are_those_required_and_optional_and_no_others() -> None:
    require_members({"a": 1, "b": 2}, {"a"}, optional=frozenset({"b"}), subject="test")
    for value in ({}, {"a": 1, "c": 2}):
        with pytest.raises(FieldError):
            require_members(value, {"a"}, optional=frozenset({"b"}), subject="test")


@pytest.mark.parametrize("value", [None, 1, ["x"]])
def test_a_text_member_is_a_string(value: object) -> None:
    assert text_member({"a": "x"}, "a", subject="test") == "x"
    with pytest.raises(FieldError):
        text_member({"a": value}, "a", subject="test")


@pytest.mark.parametrize("value", [None, "1", -1, 1.0, True])
def test_an_integer_member_is_a_whole_number_from_zero(value: object) -> None:
    assert int_member({"a": 0}, "a", subject="test") == 0
    with pytest.raises(FieldError):
        int_member({"a": value}, "a", subject="test")


def test_a_refusal_names_subject_field_expected_and_found_in_both_languages() -> None:
    with pytest.raises(ExchangeError) as refused:
        int_member({"a": "7"}, "a", subject="manifest")
    assert refused.value.sentence() == "manifest: a: expected an integer from 0, found 7"
    assert refused.value.sentence("ru") == "manifest: a: ожидалось an integer from 0, найдено 7"


def test_an_object_is_required_where_one_is_asked_for() -> None:
    with pytest.raises(JsonError):
        parse_json_object(b"[]", subject="test")
