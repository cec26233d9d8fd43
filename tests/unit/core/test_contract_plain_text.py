"""The fast way through a plainly written contract: it says what the judging reader says, or nothing."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exchange.contract.plain_text import read_plain
from exchange.contract.text import ContractText, _read_judging, _word, read_text
from exchange.errors.contract import ContractYamlError
from tests.world.bundles import CONTRACTS

FILES = sorted(CONTRACTS.glob("*/*/contract.odcs.yaml"))
SAMPLE = """\
# a contract
id: CA-02-REFUSED
version: 1.0.0
status: active # of the document

description:
  purpose: >-
    Figures on persons refused entry: so that
    countries can plan.
  usage: >-
    Pulled by the recipients.
schema:
  - name: CA-02
    count: 10
    share: 0.5
    required: true
    codes: [Y_LT18, "a b", _U]
    none: []
    customProperties:
      - property: codelist
        value:
          validFrom: "2026-01-01"
          purposes:
            - policy_planning
            - "official statistics"
"""
ODD = " \t:-#\"'[]{},&*!|>%@`?~=.\n\r\\0123456789exobyYnN_+" + "\u00a0\u2028я…"


def same_or_nothing(text: str) -> bool:
    """Whether the fast way gave a value; then the judging reader gives the same, line for line."""
    plain = read_plain(text, _word)
    if plain is not None:
        assert ContractText(*plain) == _read_judging(text)
    return plain is not None


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.parent.name)
def test_every_contract_of_the_catalogue_is_read_the_fast_way_and_says_the_same(file: Path) -> None:
    assert same_or_nothing(file.read_text(encoding="utf-8"))


def test_the_sample_is_read_the_fast_way() -> None:
    assert same_or_nothing(SAMPLE)
    assert read_text(SAMPLE.encode()).line(("schema", 0, "count")) == 14


@given(st.integers(0, len(SAMPLE)), st.integers(0, 3), st.text(ODD, max_size=3))
@settings(max_examples=400, deadline=None)
@example(SAMPLE.index("true"), 4, "yes")
@example(SAMPLE.index("1.0.0"), 5, "010")
@example(SAMPLE.index("active"), 6, "")
@example(SAMPLE.index("count"), 5, "share")
@example(SAMPLE.index("    countries"), 4, "      ")
@example(SAMPLE.index("  usage"), 0, "\n")
def test_whatever_is_changed_in_a_plain_text_it_says_the_same_or_nothing(at: int, cut: int, put: str) -> None:
    same_or_nothing(SAMPLE[:at] + put + SAMPLE[at + cut :])


@given(st.lists(st.sampled_from(SAMPLE.splitlines(keepends=True)), max_size=24))
@settings(max_examples=200, deadline=None)
def test_however_plain_lines_are_shuffled_they_say_the_same_or_nothing(rows: list[str]) -> None:
    same_or_nothing("".join(rows))


@pytest.mark.parametrize(
    "text",
    [
        "a: no\n",
        "a: 010\n",
        "a:\n",
        "a: 1\na: 2\n",
        "yes: 1\n",
        "a: ~\n",
        "a: &x 1\n",
        "a: !t 1\n",
        "a: 0x1f\n",
        "- a\n",
    ],
)
def test_what_is_refused_is_left_to_the_reader_that_says_why(text: str) -> None:
    assert read_plain(text, _word) is None
    with pytest.raises(ContractYamlError):
        read_text(text.encode())
