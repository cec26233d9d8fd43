"""A member's log as rebuilt from its entries, held against every checkpoint that the member ever signed."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from exchange.errors.audit import FindingError, LogRewrittenError, LogRolledBackError
from exchange.errors.log import EntryMemberError, LogError
from exchange.log.checkpoint import Checkpoint, open_checkpoint
from exchange.log.entry import parse_entry
from exchange.log.merkle import leaf_hash
from exchange.log.note import SignatureKind, parse_vkey
from exchange.log.tree import TreeState
from exchange.publication.logged import require_witnessed
from exchange.reconcile.model import LoggedEntry, LogView
from exchange.signing.trust import Trust


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
    """Every signed checkpoint that these entries do not continue."""
    errors: list[FindingError] = []
    state, longest = TreeState(), max(one.checkpoint.size for one in seen)
    if longest > len(entries):
        errors.append(LogRolledBackError(party=member, seen=longest, size=len(entries)))
    for one in sorted(seen, key=lambda one: one.checkpoint.size):
        size, root = one.checkpoint.size, one.checkpoint.root
        if size > len(entries):
            continue
        state, _ = state.append([leaf_hash(entry) for entry in entries[state.size : size]])
        if state.root() != root:
            errors.append(LogRewrittenError(party=member, size=size, seen=root.hex(), computed=state.root().hex()))
    return errors


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

    return LogView(member=member, entries=tuple(logged(index, raw) for index, raw in enumerate(entries)))
