"""A contract's text means one thing to every YAML reader, or it is refused with its line and the reason."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from exchange.contract.text import read_text
from exchange.errors.contract import ContractYamlError
from tests.world.contracts import NAMES, contract_raw


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("a: KZ", "KZ", id="a plain word"),
        pytest.param('a: "NO"', "NO", id="Norway, quoted"),
        pytest.param("a: 'yes'", "yes", id="yes, quoted"),
        pytest.param('a: "2026-01-01"', "2026-01-01", id="a date, quoted"),
        pytest.param('a: "010"', "010", id="digits, quoted"),
        pytest.param("a: 1.0.0", "1.0.0", id="a version"),
        pytest.param("a: 2018-Q4", "2018-Q4", id="a quarter"),
        pytest.param("a: _T", "_T", id="the total"),
        pytest.param("a: 10", 10, id="an integer"),
        pytest.param("a: -1", -1, id="a negative integer"),
        pytest.param("a: 0.97", 0.97, id="a decimal number"),
        pytest.param("a: true", True, id="true"),
        pytest.param("a: false", False, id="false"),
        pytest.param("a: null", None, id="null"),
        pytest.param("a: |\n  NO\n", "NO\n", id="a literal block"),
        pytest.param("a: [x, z]", ["x", "z"], id="a flow list"),
    ],
)
def test_what_every_reader_reads_alike_is_read(text: str, value: object) -> None:
    assert read_text(text.encode()).document == {"a": value}


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        pytest.param("a: NO", 1, "true or false", id="Norway, not quoted"),
        pytest.param("b: 1\na: yes", 2, "true or false", id="yes"),
        pytest.param("a: [IN, on]", 1, "true or false", id="on in a list"),
        pytest.param("a: n", 1, "true or false", id="n"),
        pytest.param("y: 1", 1, "true or false", id="y as a key"),
        pytest.param("a: 010", 1, "octal", id="a leading zero"),
        pytest.param("a: 0o10", 1, "not every reader", id="YAML 1.2 octal"),
        pytest.param("a: 0x1F", 1, "not every reader", id="hexadecimal"),
        pytest.param("a: 1:30", 1, "base 60", id="sexagesimal"),
        pytest.param("a: 2026-01-01", 1, "date", id="a date"),
        pytest.param("a: 2026-01-01 10:00:00", 1, "date", id="a timestamp"),
        pytest.param("a: 1_000", 1, "not every reader", id="an underscore in a number"),
        pytest.param("a: 1e3", 1, "not every reader", id="an exponent"),
        pytest.param("a: .5", 1, "not every reader", id="no leading digit"),
        pytest.param("a: +1", 1, "not every reader", id="a plus sign"),
        pytest.param("a: .inf", 1, "no number", id="infinity"),
        pytest.param("a: ~", 1, "null", id="a tilde"),
        pytest.param("a:", 1, "null", id="nothing"),
        pytest.param("a: Null", 1, "null", id="null in another case"),
        pytest.param("a: {b: Empty when hidden, unit}", 1, "null", id="a comma in a flow mapping"),
        pytest.param("a: &x 1", 1, "anchor", id="an anchor"),
        pytest.param("a: 1\nb: *x", 2, "alias", id="an alias"),
        pytest.param("<<: {a: 1}", 1, "meaning of its own", id="a merge key"),
        pytest.param("a: !!str 1", 1, "tag", id="a standard tag"),
        pytest.param("a: !env HOME", 1, "tag", id="a tag of somebody's own"),
        pytest.param("a: 1\nb: 2\n'a': 3", 3, "twice, first on line 1", id="a key twice"),
        pytest.param("%YAML 1.1\n---\na: NO", 1, "directive", id="a directive"),
        pytest.param("a: 1\n---\nb: 2", 2, "second document", id="two documents"),
        pytest.param("1: a", 1, "not text", id="a number as a key"),
        pytest.param("? [a]\n: b", 1, "a key is a word", id="a list as a key"),
        pytest.param("- a", 1, "not a mapping", id="a list at the top"),
        pytest.param("", 1, "empty", id="an empty file"),
        pytest.param("a: 1\nb: [", 2, "not YAML", id="no YAML"),
        pytest.param("a: b\u202ec", 1, "invisible character U+202E", id="text turned round"),
        pytest.param('a: "b\\u202ec"', 1, "invisible character U+202E", id="text turned round by an escape"),
        pytest.param('a: "b\\ud800"', 1, "invisible character U+D800", id="half a character"),
        pytest.param('a: "b\\0"', 1, "invisible character U+0000", id="a null character"),
        pytest.param("a: 9999999999999999", 1, "not every reader", id="an integer beyond 2^53"),
        pytest.param("a: b\u200bc", 1, "invisible character U+200B", id="a space of no width"),
    ],
)
def test_what_readers_could_read_differently_is_refused(text: str, line: int, reason: str) -> None:
    with pytest.raises(ContractYamlError) as caught:
        read_text(text.encode())
    assert caught.value.facts["line"] == line
    assert reason in str(caught.value.facts["reason"])


def test_bytes_that_are_not_utf8_are_refused_with_their_line() -> None:
    with pytest.raises(ContractYamlError) as caught:
        read_text(b"a: 1\nb: \xff")
    assert (caught.value.facts["line"], caught.value.facts["reason"]) == (2, "not UTF-8")


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"a: [" + b"1, " * 9_998 + b"1]\n", id="a list"),
        pytest.param(b"".join(b"k%d: 1\n" % number for number in range(10_000)), id="keys"),
        pytest.param(b"a: [" + b"[]," * 9_998 + b"1]\n", id="lists of nothing"),
    ],
)
def test_a_text_of_more_values_than_any_contract_has_is_read_no_further(raw: bytes) -> None:
    """The text itself is one value; the last ones here are the 10,001st."""
    with pytest.raises(ContractYamlError, match="more than 10000 values"):
        read_text(raw)


def test_a_text_of_as_many_values_as_may_be_is_read() -> None:
    assert read_text(b"a: [" + b"1, " * 9_997 + b"1]\n").document == {"a": [1] * 9_998}


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(ContractYamlError, match="nested deeper than 32"):
        read_text(b"a: " + b"[" * 200 + b"]" * 200)


def test_the_line_of_a_missing_value_is_that_of_what_is_around_it() -> None:
    text = read_text(b"a:\n  b:\n    - c: 1\n    - d: 2\n")
    assert text.line(("a", "b", 1, "d")) == 4
    assert text.line(("a", "b", 1, "missing")) == 4
    assert text.line(("missing",)) == 1


@settings(max_examples=60)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_any_text_is_read_or_refused_never_something_else(text: str) -> None:
    try:
        read_text(text.encode())
    except ContractYamlError:
        return


@settings(max_examples=200)
@given(st.text(alphabet="0123456789.:-+_eExXobyYnNoOtTfFlLsSuU~= ,<>", min_size=1, max_size=7))
def test_what_is_read_means_the_same_in_yaml_1_1_and_1_2(scalar: str) -> None:
    text = f"a: {scalar}"
    try:
        value = read_text(text.encode()).document
    except ContractYamlError:
        return
    assert value == other_reader("1.1", text) == other_reader("1.2", text)


@pytest.mark.parametrize("name", NAMES, ids="/".join)
def test_the_project_s_contracts_mean_the_same_in_yaml_1_1_and_1_2(name: tuple[str, str]) -> None:
    text = contract_raw(*name).decode()
    assert read_text(text.encode()).document == other_reader("1.1", text) == other_reader("1.2", text)


def other_reader(version: str, text: str) -> object:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = version
    return yaml.load(text)
