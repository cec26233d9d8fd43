"""A key or a digest as words that two people can say to each other and compare.

Proquints (Wilkerson, "A Proposal for Proquints: Identifiers that are Readable, Spellable, and Pronounceable",
arXiv:0901.4016): sixteen bits a word, alternating consonants and vowels. There is no list of words to agree on, nor a
language to know. Nothing is cut off: whoever prepares two keys with the same words has found a collision of SHA-256.
"""

from exchange.encoding import Digest, base64url_decode
from exchange.signing.members import ListedKey

WORDS_IN_A_GROUP = 4
_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"


def fingerprint_words(public: ListedKey) -> str:
    """The key id (RFC 7638 thumbprint, SHA-256) as sixteen words, four in a group."""
    return proquints(base64url_decode(public.kid, subject="key id"))


def digest_words(digest: Digest) -> str:
    """A SHA-256 digest as sixteen words, four in a group."""
    return proquints(bytes.fromhex(digest.hex))


def proquints(content: bytes) -> str:
    """Bytes, an even number of them, as words of sixteen bits each: `lusab-babad  gutih-tugad`."""
    words = [_word(int.from_bytes(content[place : place + 2], "big")) for place in range(0, len(content), 2)]
    groups = [words[place : place + WORDS_IN_A_GROUP] for place in range(0, len(words), WORDS_IN_A_GROUP)]
    return "  ".join("-".join(group) for group in groups)


def _word(number: int) -> str:
    """Consonant, vowel, consonant, vowel, consonant: 4, 2, 4, 2 and 4 bits."""
    return (
        _CONSONANTS[number >> 12 & 15]
        + _VOWELS[number >> 10 & 3]
        + _CONSONANTS[number >> 6 & 15]
        + _VOWELS[number >> 4 & 3]
        + _CONSONANTS[number & 15]
    )
