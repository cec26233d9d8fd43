"""One log that takes another's place: the entries that close the one and open the other (decision 44).

    old origin:  … entry, key.changed log-ended │ closed, cosigned
    new origin:  the same entries, hash for hash │ key.changed log-begun (evidence: the closing checkpoint), entry …

The new log continues the old one's tree under another name and key, so that every index, proof and digest stays true.
"""

from collections.abc import Iterable

from exchange.log.entry import parse_entry
from exchange.log.entry_form import EntryType

ENDED = "log-ended"
"""Code of the last entry of a log: `key.changed`, its evidence the keys.json that names the next log."""
BEGUN = "log-begun"
"""Code of the first entry of its own that the next log has: `key.changed`, its evidence the closing checkpoint."""


def is_step(raw: bytes, code: str) -> bool:
    """Whether an entry is the one that closes a log, or opens the next; whatever is none is neither.

    Raises:
        LogError, EncodingError: It names the code and is no entry.
    """
    if f'"code":"{code}"'.encode("ascii") not in raw:
        return False  # a log of a million entries has one or two
    entry = parse_entry(raw)
    return entry.type is EntryType.KEY_CHANGED and entry.code == code


def steps_of(entries: Iterable[bytes]) -> tuple[tuple[int, str], ...]:
    """Index and code of every entry that closes a log or opens the next, in order.

    Raises:
        LogError, EncodingError: As `is_step`.
    """
    codes = (ENDED, BEGUN)
    return tuple((index, code) for index, raw in enumerate(entries) for code in codes if is_step(raw, code))
