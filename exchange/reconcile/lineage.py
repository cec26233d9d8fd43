"""The logs that one member kept one after the other, read as the one tree that they are (decision 44).

A checkpoint of an earlier log speaks of the first entries of the present one, up to where the earlier one ended. What
it signs beyond that convicts: of signing on after the end, or of having cut off what was signed.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from exchange.errors.audit import FindingError
from exchange.errors.audit_logs import LogContinuedError, LogCutError, LogSuccessionError
from exchange.log.succession import BEGUN, ENDED, is_step, steps_of
from exchange.reconcile.logs import forks
from exchange.reconcile.model import SeenCheckpoint
from exchange.signing.earlier_logs import EarlierLog
from exchange.signing.members import Member

_NONE = "another entry"


def ends_by_origin(entries: Sequence[bytes], member: Member) -> Mapping[str, int]:
    """At which size each earlier log of a member ended, as far as its entries or the registry say.

    Raises:
        LogError, EncodingError: An entry is none.
    """
    if not member.earlier_logs:
        return {}
    steps, start = steps_of(entries), 0
    found: dict[str, int] = {}
    for one in member.earlier_logs:
        if one.cut is not None:
            found[one.origin] = start = one.cut.size
            continue
        # What stands below `start` is of a log before; an opening beyond it means that this one was never closed.
        index, code = next((step for step in steps if step[0] >= start and step != (start, BEGUN)), (start, BEGUN))
        if code == ENDED:
            found[one.origin] = index + 1
        start = index + (code == ENDED)
    return found


def of_this_tree(seen: Iterable[SeenCheckpoint], ends: Mapping[str, int]) -> list[SeenCheckpoint]:
    """The checkpoints that speak of the log's entries: all but those of an earlier log beyond its end."""
    return [one for one in seen if one.checkpoint.size <= ends.get(one.checkpoint.origin, one.checkpoint.size)]


def lineage_errors(
    member: Member, entries: Sequence[bytes], seen: Sequence[SeenCheckpoint], ends: Mapping[str, int]
) -> list[FindingError]:
    """What does not hold where one log of a member took another's place."""
    # A log that shows less than before has lost its steps with its tail: that is not a fault of theirs.
    begun = {one.checkpoint.origin for one in seen if one.checkpoint.size <= len(entries)}
    errors: list[FindingError] = []
    for one, following in pairwise((*member.earlier_logs, None)):
        assert one is not None
        successor = member.origin if following is None else following.origin
        end = ends.get(one.origin)
        beyond = [s for s in seen if s.checkpoint.origin == one.origin and s.checkpoint.size > (end or math.inf)]
        if beyond:
            kind = LogContinuedError if one.cut is None else LogCutError
            longest = max(s.checkpoint.size for s in beyond)
            errors += [kind(party=member.id, origin=one.origin, end=end, seen=longest), *forks(member.id, beyond)]
        if successor in begun:
            errors += _steps(member.id, entries, one, end)
    return errors


def _steps(party: str, entries: Sequence[bytes], one: EarlierLog, end: int | None) -> list[FindingError]:
    """The entry that opens the next log stands where the earlier one ended; one that closes it, if it was not cut."""
    if end is None:
        facts = {"origin": one.origin, "expected": ENDED, "found": _NONE}
        return [LogSuccessionError(party=party, index=len(entries), **facts)]
    if end < len(entries) and not is_step(entries[end], BEGUN):
        return [LogSuccessionError(party=party, index=end, origin=one.origin, expected=BEGUN, found=_NONE)]
    return []
