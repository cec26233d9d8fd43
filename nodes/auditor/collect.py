"""Collecting one member's log: checkpoint, new entries, the tree built again and held against all that was ever signed.

Entries come from the entry bundles of C2SP tlog-tiles, only those not kept yet. The tree is rebuilt from the entries
alone, so hash tiles are not asked for: whatever a member serves there convinces nobody.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from exchange.errors import ExchangeError
from exchange.errors.audit import (
    FindingError,
    LogMalformedError,
    LogRewrittenError,
    LogRolledBackError,
    LogUnreachableError,
    LogUnwitnessedError,
)
from exchange.errors.exchange_ import PartnerError
from exchange.errors.log import EntryMemberError, LogError, QuorumError
from exchange.log.checkpoint import open_checkpoint
from exchange.log.entry import parse_entry
from exchange.log.merkle import leaf_hash
from exchange.log.note import SignatureKind, parse_vkey
from exchange.log.policy import WitnessPolicy, parse_policy
from exchange.log.tiles import ENTRIES, TILE_WIDTH, format_tile_path, parse_entry_bundle, tile_at
from exchange.log.tree import TreeState
from exchange.reconcile.model import Finding, LoggedEntry, LogView
from exchange.signing.trust import Trust
from nodes.auditor.store import AuditStore, SeenCheckpoint

QUORUM_WAIT_S = 10.0
"""A quorum of a busy log is a moment behind its newest checkpoint; longer than this is worth a finding."""
QUORUM_POLL_S = 0.25
BUNDLES_AT_ONCE = 8


class LogSource(Protocol):
    """A member's gateway, as far as its log goes."""

    partner: str

    async def checkpoint(self) -> bytes:
        """The newest checkpoint."""
        ...

    async def entries(self, path: str) -> bytes:
        """An entry bundle."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """One member's log as far as it could be had, and what does not hold about it."""

    member: str
    view: LogView | None
    findings: tuple[Finding, ...] = ()
    size: int = 0
    cosigned_at: datetime | None = None


class LogCollector:
    """Collects logs into the auditor's store."""

    def __init__(self, *, trust: Trust, store: AuditStore, wait_s: float = QUORUM_WAIT_S) -> None:
        self._trust = trust
        self._store = store
        self._wait_s = wait_s

    async def collect(self, source: LogSource) -> Collected:
        """One member's log; a member that does not answer leaves a finding and no view."""
        member = source.partner
        try:
            seen, unwitnessed = await self._newest(source)
            found = await self._entries(source, seen)
        except PartnerError as error:
            return _failed(member, LogUnreachableError(party=member, reason=error.sentence()))
        except ExchangeError as error:
            return _failed(member, LogMalformedError(party=member, part="checkpoint", reason=error.sentence()))
        return await asyncio.to_thread(self._judge, member, seen, found, unwitnessed)

    def remember(self, member: str, note: bytes) -> None:
        """Keep a checkpoint of this member that was seen elsewhere, if the member signed it."""
        try:
            self._store.keep_checkpoint(member, self._read(member, note))
        except ExchangeError:
            return  # not signed by the member's log key: it says nothing about the member

    async def _newest(self, source: LogSource) -> tuple[SeenCheckpoint, FindingError | None]:
        """The newest checkpoint that a quorum cosigned; after a while, the newest there is."""
        deadline = asyncio.get_running_loop().time() + self._wait_s
        while True:
            seen = self._read(source.partner, await source.checkpoint())
            if seen.cosigned_at is not None:
                return seen, None
            if asyncio.get_running_loop().time() >= deadline:
                return seen, self._unwitnessed(source.partner, seen)
            await asyncio.sleep(QUORUM_POLL_S)

    def _read(self, member: str, note: bytes) -> SeenCheckpoint:
        vkey = parse_vkey(self._trust.member(member).log_vkey, kind=SignatureKind.LOG)
        checkpoint = open_checkpoint(note, logs=[vkey])
        try:
            cosigned_at = self._policy(member).check(note).cosigned_at
        except LogError:
            cosigned_at = None
        return SeenCheckpoint(checkpoint=checkpoint, note=note, cosigned_at=cosigned_at)

    def _unwitnessed(self, member: str, seen: SeenCheckpoint) -> FindingError | None:
        try:
            policy = self._policy(member)
            policy.check(seen.note)
        except QuorumError as error:
            if policy.quorum is None:
                return None  # a founding federation: fewer than two witnesses, and nobody to blame
            return LogUnwitnessedError(party=member, size=seen.checkpoint.size, reason=error.sentence())
        except LogError as error:
            return LogUnwitnessedError(party=member, size=seen.checkpoint.size, reason=error.sentence())
        return None

    def _policy(self, member: str) -> WitnessPolicy:
        return parse_policy(self._trust.policies.get(member, b""))

    async def _entries(self, source: LogSource, seen: SeenCheckpoint) -> list[bytes]:
        """All entries under the checkpoint: the kept ones, and those bundles that hold new ones."""
        size = seen.checkpoint.size
        kept = await asyncio.to_thread(self._store.entries, source.partner)
        start = min(len(kept), size) // TILE_WIDTH
        limit = asyncio.Semaphore(BUNDLES_AT_ONCE)

        async def bundle(index: int) -> list[bytes]:
            tile = tile_at(ENTRIES, index, size=size)
            path = format_tile_path(tile)
            async with limit:
                return parse_entry_bundle(await source.entries(path), width=tile.width, path=path)

        count = -(-size // TILE_WIDTH)
        fetched = await asyncio.gather(*(bundle(index) for index in range(start, count)))
        return [*kept[: start * TILE_WIDTH], *(raw for one in fetched for raw in one)]

    def _judge(
        self, member: str, seen: SeenCheckpoint, entries: list[bytes], unwitnessed: FindingError | None
    ) -> Collected:
        """Rebuild the tree and hold it against this checkpoint and every one seen before."""
        earlier = self._store.checkpoints(member)
        self._store.keep_checkpoint(member, seen)
        errors = [] if unwitnessed is None else [unwitnessed]
        errors += _contradictions(member, entries, [*earlier, seen])
        try:
            view = _view(member, entries, [*earlier, seen])
        except LogError as error:
            errors.append(LogMalformedError(party=member, part="entry", reason=error.sentence()))
            view = None
        if not any(isinstance(error, LogRewrittenError | LogMalformedError) for error in errors):
            kept = len(self._store.entries(member))
            self._store.keep_log(member, list(enumerate(entries))[kept:], seen)
        return Collected(
            member=member,
            view=view,
            findings=tuple(Finding(party=member, reason=error) for error in errors),
            size=seen.checkpoint.size,
            cosigned_at=seen.cosigned_at,
        )


def _contradictions(member: str, entries: Sequence[bytes], seen: Sequence[SeenCheckpoint]) -> list[FindingError]:
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


def _view(member: str, entries: Sequence[bytes], seen: Sequence[SeenCheckpoint]) -> LogView:
    """The entries parsed, each with the earliest cosigned time known to cover it."""
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


def _failed(member: str, error: FindingError) -> Collected:
    return Collected(member=member, view=None, findings=(Finding(party=member, reason=error),))
