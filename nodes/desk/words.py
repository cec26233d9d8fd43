"""A digest as words that two people can say to each other and compare.

Proquints (Wilkerson, "A Proposal for Proquints", arXiv:0901.4016): sixteen bits a word, alternating consonants and
vowels, the same in every language that has these letters. A SHA-256 digest is sixteen words.
"""

from exchange.encoding import Digest

_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"


def spoken(digest: Digest) -> str:
    """The digest as sixteen words, four in a group."""
    raw = bytes.fromhex(digest.hex)
    words = [_word(int.from_bytes(raw[place : place + 2], "big")) for place in range(0, len(raw), 2)]
    return "  ".join("-".join(words[place : place + 4]) for place in range(0, len(words), 4))


def _word(number: int) -> str:
    """Sixteen bits as consonant, vowel, consonant, vowel, consonant: 4, 2, 4, 2 and 4 of them."""
    return (
        _CONSONANTS[number >> 12 & 15]
        + _VOWELS[number >> 10 & 3]
        + _CONSONANTS[number >> 6 & 15]
        + _VOWELS[number >> 4 & 3]
        + _CONSONANTS[number & 15]
    )
