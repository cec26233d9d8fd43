"""A member's log as rebuilt from its entries, held against every checkpoint that the member ever signed.

What two of its checkpoints say against each other convicts the member by its own signatures. That a shorter log was
shown *later* than a longer one is for the cosignatures to prove, or else the auditor's word.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from exchange.encoding import format_instant
from exchange.errors.audit import FindingError
from exchange.errors.audit_logs import LogForkedError, LogRewrittenError, LogRolledBackError, LogStaleError
from exchange.errors.log import EntryMemberError, LogError
from exchange.log.checkpoint import Checkpoint, open_checkpoint
from exchange.log.entry import parse_entry
from exchange.log.merkle import leaf_hash
from exchange.log.note import SignatureKind, parse_vkey
from exchange.log.tree import TreeState
from exchange.publication.logged import require_witnessed
from exchange.reconcile.model import LoggedEntry, LogView
from exchange.signing.trust import Trust

STALE_MAX = timedelta(hours=2)
"""A log has an entry at least every hour; one hour more without a quorum, and its own operator sees red."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCheckpoint:
    """A checkpoint that a member signed.

    Attributes:
        note: The signed note, as it was seen.
        cosigned_at: When its quorum was complete; None if it was seen without one.
    """

    checkpoint: Checkpoint
    note: bytes = field(repr=False)
    cosigned_at: datetime | None


def read_seen(member: str, note: bytes, *, trust: Trust) -> SeenCheckpoint:
    """A checkpoint of this member's log, wherever it came from.

    Raises:
        UnknownMemberError: There never was such a member.
        LogError: It is none, or this member's log key did not sign it.
    """
    vkey = parse_vkey(trust.known(member).log_vkey, kind=SignatureKind.LOG)
    checkpoint = open_checkpoint(note, logs=[vkey])
    try:
        cosigned_at = require_witnessed(note, provider=member, trust=trust, every_line=False)[1].cosigned_at
    except LogError:
        cosigned_at = None
    return SeenCheckpoint(checkpoint=checkpoint, note=note, cosigned_at=cosigned_at)


def contradictions(member: str, entries: Sequence[bytes], seen: Sequence[SeenCheckpoint]) -> list[FindingError]:
    """Two histories that the member signed, and every signed checkpoint that these entries do not continue."""
    signed = sorted({(one.checkpoint.size, one.checkpoint.root) for one in seen})
    errors: list[FindingError] = [
        LogForkedError(party=member, size=size, first=first.hex(), second=second.hex())
        for (size, first), (other, second) in pairwise(signed)
        if size == other
    ]
    forked = {error.facts["size"] for error in errors}
    state, longest = TreeState(), max((size for size, _ in signed), default=0)
    if longest > len(entries):
        errors.append(LogRolledBackError(party=member, seen=longest, size=len(entries)))
    for size, root in signed:
        if size > len(entries):
            break
        state, _ = state.append([leaf_hash(entry) for entry in entries[state.size : size]])
        if state.root() != root and size not in forked:
            errors.append(LogRewrittenError(party=member, size=size, seen=root.hex(), computed=state.root().hex()))
    return errors


def staleness(member: str, seen: Sequence[SeenCheckpoint], *, at: datetime) -> list[FindingError]:
    """A log whose newest cosigned checkpoint is too old; one that never had a quorum is judged as unwitnessed."""
    cosigned = [(one.cosigned_at, one.checkpoint.size) for one in seen if one.cosigned_at is not None]
    if not cosigned or at - max(cosigned)[0] <= STALE_MAX:
        return []
    newest, size = max(cosigned)
    hours = (at - newest) // timedelta(hours=1)
    return [LogStaleError(party=member, size=size, cosigned=format_instant(newest), hours=hours)]


def shown_backwards(seen: Sequence[SeenCheckpoint], *, size: int) -> bool:
    """Whether the witnesses' times prove that a log of this size was signed after a longer one."""
    shorter = [one.cosigned_at for one in seen if one.checkpoint.size == size and one.cosigned_at is not None]
    longer = [one.cosigned_at for one in seen if one.checkpoint.size > size and one.cosigned_at is not None]
    return bool(shorter and longer) and min(shorter) > min(longer)


def view_of(member: str, entries: Sequence[bytes], seen: Sequence[SeenCheckpoint]) -> LogView:
    """The entries parsed, each with the earliest cosigned time known to cover it.

    Raises:
        LogError: An entry is none, or another member's.
    """
    cosigned = sorted((one.checkpoint.size, one.cosigned_at) for one in seen if one.cosigned_at is not None)
    sizes = [size for size, _ in cosigned]
    earliest: list[datetime] = []
    for _, at in reversed(cosigned):
        earliest.append(min(at, earliest[-1]) if earliest else at)
    earliest.reverse()

    def logged(index: int, raw: bytes) -> LoggedEntry:
        covering = bisect_right(sizes, index)
        entry = parse_entry(raw)
        if entry.node != member:
            raise EntryMemberError(type=entry.type, member="node", expected=member, found=entry.node)
        return LoggedEntry(
            member=member,
            index=index,
            entry=entry,
            raw=raw,
            cosigned_at=earliest[covering] if covering < len(earliest) else None,
        )

    return LogView(
        member=member,
        entries=tuple(logged(index, raw) for index, raw in enumerate(entries)),
        cosigned=tuple(cosigned),
    )
