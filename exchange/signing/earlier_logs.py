"""The logs that a member kept before its present one, as keys.json lists them, in order of time (decision 44).

{"origin": …}                  it was closed by its own last entry; the next log continues it
{"origin": …, "root": …, "size": …}   it could not be: the next log continues its first `size` entries
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from exchange.encoding import JsonObject, int_member, require_members, text_member
from exchange.errors.encoding import FieldError

MEMBER = "earlier_logs"
_ROOT = re.compile(r"[0-9a-f]{64}\Z")
_SIZE_MAX = 2**53 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CutAt:
    """Where the members had a log end that could not be closed: its size in entries and its root there, 32 bytes."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierLog:
    """A log whose place another took; `cut` is None where it was closed by its own last entry."""

    origin: str
    cut: CutAt | None = None

    @property
    def agreed(self) -> str:
        """The line by which the majority agrees to the cut, a comment in the witness policy that names the next log."""
        return "" if self.cut is None else f"# cut {self.origin} {self.cut.size} {self.cut.root.hex()}"


def parse_earlier_logs(entries: Sequence[JsonObject], *, subject: str) -> tuple[EarlierLog, ...]:
    """Read the list.

    Raises:
        EncodingError: Any other form, an empty list, or an origin twice.
    """
    found = tuple(_parse(entry, subject) for entry in entries)
    origins = [one.origin for one in found]
    if not found or len(set(origins)) != len(origins):
        raise FieldError(
            subject=subject, field=MEMBER, expected="each log once", found=", ".join(origins)[:80] or "none"
        )
    return found


def format_earlier_logs(logs: Sequence[EarlierLog]) -> list[dict[str, object]]:
    """As keys.json holds them."""
    return [
        {"origin": one.origin}
        if one.cut is None
        else {"origin": one.origin, "size": one.cut.size, "root": one.cut.root.hex()}
        for one in logs
    ]


def _parse(entry: JsonObject, subject: str) -> EarlierLog:
    cut = "size" in entry or "root" in entry
    require_members(entry, {"origin", "size", "root"} if cut else {"origin"}, subject=subject)
    origin = text_member(entry, "origin", subject=subject)
    if not cut:
        return EarlierLog(origin=origin)
    size, root = int_member(entry, "size", subject=subject), text_member(entry, "root", subject=subject)
    if not 1 <= size <= _SIZE_MAX:
        raise FieldError(subject=subject, field="size", expected=f"1 to {_SIZE_MAX}", found=str(size)[:20])
    if _ROOT.match(root) is None:
        raise FieldError(subject=subject, field="root", expected="64 hex digits", found=root[:80])
    return EarlierLog(origin=origin, cut=CutAt(size=size, root=bytes.fromhex(root)))
