"""Digest words: the examples of the paper, and what makes them fit to be said aloud."""

import re

import pytest

from exchange.encoding import Digest
from nodes.desk.words import spoken

# Wilkerson, "A Proposal for Proquints", arXiv:0901.4016, section 2: IPv4 addresses as two words each.
PAPER = {
    "127.0.0.1": "lusab-babad",
    "63.84.220.193": "gutih-tugad",
    "63.118.7.35": "gutuk-bisog",
    "140.98.193.141": "mudof-sakat",
    "64.255.6.200": "haguz-biram",
    "128.30.52.45": "mabiv-gibot",
    "147.67.119.2": "natag-lisaf",
    "212.58.253.68": "tibup-zujah",
    "216.35.68.215": "tobog-higil",
    "216.68.232.21": "todah-vobij",
    "198.81.129.136": "sinid-makam",
    "12.110.110.204": "budov-kuras",
}


@pytest.mark.parametrize(("address", "words"), PAPER.items(), ids=PAPER)
def test_the_paper_s_examples_hold(address: str, words: str) -> None:
    raw = bytes(int(part) for part in address.split("."))
    assert spoken(Digest.parse_hex((raw * 8).hex(), subject="test")) == "  ".join([f"{words}-{words}"] * 4)


def test_a_digest_is_sixteen_words_four_in_a_group() -> None:
    groups = spoken(Digest.of(b"")).split("  ")
    assert [len(group.split("-")) for group in groups] == [4, 4, 4, 4]
    assert all(re.fullmatch(r"([b-df-hj-np-tvz][aiou]){2}[b-df-hj-np-tvz]", w) for g in groups for w in g.split("-"))


def test_one_bit_changes_one_word() -> None:
    one = spoken(Digest.parse_hex("00" * 32, subject="test"))
    other = spoken(Digest.parse_hex("00" * 31 + "01", subject="test"))
    assert one.endswith("babab")
    assert other == one[:-5] + "babad"
