"""A member's log as rebuilt from its entries, held against every checkpoint that the member ever signed.

What two of its checkpoints say against each other convicts the member by its own signatures. That a shorter log was
shown *later* than a longer one is for the cosignatures to prove, or else the auditor's word.
"""

from array import array
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise

from exchange.encoding import format_instant
from exchange.errors.audit import FindingError
from exchange.errors.audit_logs import LogForkedError, LogRewrittenError, LogRolledBackError, LogStaleError
from exchange.errors.log import EntryMemberError, LogError, LogKeyEndedError
from exchange.log.checkpoint import read_checkpoint, require_log_signature
from exchange.log.entry import scan_entry
from exchange.log.merkle import leaf_hash
from exchange.log.note import SignatureKind, parse_vkey
from exchange.log.policy import parse_policy
from exchange.log.tree import TreeState
from exchange.publication.logged import require_witnessed
from exchange.reconcile.model import ENTRY_TYPES, LogView, SeenCheckpoint
from exchange.signing.keys import KeyPurpose
from exchange.signing.trust import RegistryRef, Trust

STALE_MAX = timedelta(hours=2)
"""A log has an entry at least every hour; one hour more without a quorum, and its own operator sees red."""
_NUMBERS = {entry_type: number for number, entry_type in enumerate(ENTRY_TYPES)}


def read_seen(member: str, note: bytes, *, trust: Trust, vouched: bool = False) -> SeenCheckpoint:
    """A checkpoint of one of this member's logs, wherever it came from.

    A key that counts no more may be somebody else's by now: what it alone signed says nothing about the member, but
    where a witness saw it in the key's time, or the member itself handed it out.

    Args:
        member: Whose log.
        note: The signed checkpoint.
        trust: The registry.
        vouched: The member's own delivery carries it (`handed_out`), so that the key's end takes nothing back.

    Raises:
        UnknownMemberError: There never was such a member.
        LogKeyEndedError: The log key counts no more, and nothing shows that it signed this in its time.
        LogError: It is none, or no log key of this member signed it.
    """
    listed = [one for one in trust.known(member).keys if one.vkey is not None and one.purpose is KeyPurpose.LOG]
    keys = {parse_vkey(one.vkey or "", kind=SignatureKind.LOG): one.ends_at for one in listed}
    checkpoint, parsed = read_checkpoint(note)
    ends_at = keys[require_log_signature(checkpoint, parsed, logs=list(keys))]
    ended = ends_at if ends_at is not None and ends_at <= trust.issued else None
    if ended is not None and not vouched and not _witnessed_before(ended, member, note, trust):
        raise LogKeyEndedError(subject=str(checkpoint), ended=format_instant(ended))
    try:
        cosigned_at = require_witnessed(note, provider=member, trust=trust, every_line=False)[1].cosigned_at
    except LogError:
        cosigned_at = None
    return SeenCheckpoint(checkpoint=checkpoint, note=note, cosigned_at=cosigned_at)


def _witnessed_before(end: datetime, member: str, note: bytes, trust: Trust) -> bool:
    """Whether a witness of any policy that this member's log ever had cosigned it before this time."""
    texts = [trust.policies.get(member, b""), *(one.raw for one in trust.earlier_policies.get(member, ()))]
    for text in texts:
        with suppress(LogError):
            if any(at < end for at in parse_policy(text).cosignatures(note)[1].values()):
                return True
    return False


def contradictions(member: str, entries: Sequence[bytes], seen: Sequence[SeenCheckpoint]) -> list[FindingError]:
    """Two histories that the member signed, and every signed checkpoint that these entries do not continue."""
    signed = _signed(seen)
    errors = forks(member, seen)
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


def forks(member: str, seen: Iterable[SeenCheckpoint]) -> list[FindingError]:
    """Where the member signed two roots of one size."""
    return [
        LogForkedError(party=member, size=size, first=first.hex(), second=second.hex())
        for (size, first), (other, second) in pairwise(_signed(seen))
        if size == other
    ]


def _signed(seen: Iterable[SeenCheckpoint]) -> list[tuple[int, bytes]]:
    return sorted({(one.checkpoint.size, one.checkpoint.root) for one in seen})


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
    """The log, once every entry has been read as strictly as it is parsed.

    Raises:
        LogError, EncodingError: An entry is none, or another member's.
    """
    types, times = bytearray(), array("q")
    registries: dict[RegistryRef, int] = {}
    for index, raw in enumerate(entries):
        head = scan_entry(raw)
        if head.node != member:
            raise EntryMemberError(type=head.type, member="node", expected=member, found=head.node)
        types.append(_NUMBERS[head.type])
        times.append(head.at)
        registries.setdefault(head.registry, index)
    cosigned = sorted((one.checkpoint.size, one.cosigned_at) for one in seen if one.cosigned_at is not None)
    earliest: list[datetime] = []
    for _, at in reversed(cosigned):
        earliest.append(min(at, earliest[-1]) if earliest else at)
    earliest.reverse()
    return LogView(
        member=member,
        raws=entries,
        types=bytes(types),
        times=times,
        cosigned=tuple(cosigned),
        covered=tuple(earliest),
        registries=registries,
    )
