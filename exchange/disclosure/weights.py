"""What withholding a cell costs: the more it shows the dearer, by a measure that an attacker cannot know to the end."""

import hashlib
from collections.abc import Iterable, Mapping
from enum import StrEnum

from exchange.table import CellKey

SPREAD = 0.1
"""A weight is up to this share above or below its measure, as the secret draws it for the cell."""

_DRAWS = 2**32


class Weigh(StrEnum):
    """By what a cell is weighed."""

    VALUE = "value"  # its figure, and one more: an empty cell costs little, and something
    COUNT = "count"  # each cell the same


def weights_of(values: Mapping[CellKey, int], salt: bytes, weigh: Weigh = Weigh.VALUE) -> dict[CellKey, float]:
    """By cell, its weight.

    Of several equally good patterns the one with the least sum is chosen. Were the sum known to the last digit, who
    knows the program could run it on guessed tables, compare the patterns, and rule out most guesses. A small part of
    each weight that only the salt tells leaves many tables that give the same pattern, and gives the same pattern to
    the same table.

    Args:
        values: The true figures.
        salt: The preparation zone's secret of this release, as of the parameters' commitment.
        weigh: The measure.

    Source: Wong et al., "Minimality Attack in Privacy Preserving Data Publishing", VLDB 2007.
    """
    draws = _drawn(values, salt)
    return {
        key: (1.0 + value if weigh is Weigh.VALUE else 1.0) * (1 + SPREAD * (2 * draw - 1))
        for (key, value), draw in zip(values.items(), draws, strict=True)
    }


def _drawn(keys: Iterable[CellKey], salt: bytes) -> list[float]:
    """By cell, a number from 0 to 1 that only the salt tells."""
    texts = ("\x1f".join(("weight", *key)).encode("utf-8") for key in keys)
    return [int.from_bytes(hashlib.sha256(salt + text).digest()[:4], "big") / _DRAWS for text in texts]
