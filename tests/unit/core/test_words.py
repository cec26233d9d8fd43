"""Words to compare aloud: others' table, and one key id by hand."""

import pytest

from exchange.encoding import Digest
from exchange.signing.keys import parse_public_jwk
from exchange.signing.words import digest_words, fingerprint_words, proquints


@pytest.mark.parametrize(
    ("address", "words"),
    [  # the table of arXiv:0901.4016, section 3
        ("127.0.0.1", "lusab-babad"),
        ("63.84.220.193", "gutih-tugad"),
        ("63.118.7.35", "gutuk-bisog"),
        ("140.98.193.141", "mudof-sakat"),
        ("64.255.6.200", "haguz-biram"),
        ("128.30.52.45", "mabiv-gibot"),
        ("147.67.119.2", "natag-lisaf"),
        ("212.58.253.68", "tibup-zujah"),
        ("216.35.68.215", "tobog-higil"),
        ("216.68.232.21", "todah-vobij"),
        ("198.81.129.136", "sinid-makam"),
        ("12.110.110.204", "budov-kuras"),
    ],
)
def test_words_are_those_of_the_proposal(address: str, words: str) -> None:
    assert proquints(bytes(int(part) for part in address.split("."))) == words


def test_a_key_is_called_by_its_whole_thumbprint() -> None:
    # RFC 8037 appendix A.3: kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k = 90fa cafe a9b1 5566 9854 0f70 c011 7a22 …
    key = parse_public_jwk({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    words = fingerprint_words(key)
    # 90fa = 1001 00 0011 11 1010 -> n a g u p
    assert words.startswith("nagup-")
    assert [len(group.split("-")) for group in words.split("  ")] == [4, 4, 4, 4]


def test_a_digest_is_called_by_all_of_its_bits() -> None:
    words = digest_words(Digest("0" * 60 + "7f01"))
    assert words == "babab-babab-babab-babab  babab-babab-babab-babab  babab-babab-babab-babab  babab-babab-babab-lusad"
