"""Collecting one member's log: checkpoint, new entries, the tree built again and held against all that was ever signed.

Entries come from the entry bundles of C2SP tlog-tiles, only those not kept yet. The tree is rebuilt from the entries
alone, so hash tiles are not asked for: whatever a member serves there convinces nobody.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from exchange.errors import ExchangeError
from exchange.errors.audit import (
    FindingError,
    LogMalformedError,
    LogRewrittenError,
    LogUnreachableError,
    LogUnwitnessedError,
)
from exchange.errors.exchange_ import PartnerError
from exchange.errors.log import LogError, QuorumError
from exchange.log.policy import WitnessPolicy, parse_policy
from exchange.log.tiles import ENTRIES, TILE_WIDTH, format_tile_path, parse_entry_bundle, tile_at
from exchange.reconcile.logs import SeenCheckpoint, contradictions, read_seen, view_of
from exchange.reconcile.model import Finding, LogView
from exchange.signing.trust import Trust
from nodes.auditor.store import AuditStore

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
            self._store.keep_checkpoint(member, read_seen(member, note, trust=self._trust))
        except ExchangeError:
            return  # not signed by the member's log key: it says nothing about the member

    async def _newest(self, source: LogSource) -> tuple[SeenCheckpoint, FindingError | None]:
        """The newest checkpoint that a quorum cosigned; after a while, the newest there is."""
        deadline = asyncio.get_running_loop().time() + self._wait_s
        while True:
            seen = read_seen(source.partner, await source.checkpoint(), trust=self._trust)
            if seen.cosigned_at is not None:
                return seen, None
            if asyncio.get_running_loop().time() >= deadline:
                return seen, self._unwitnessed(source.partner, seen)
            await asyncio.sleep(QUORUM_POLL_S)

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
        errors += contradictions(member, entries, [*earlier, seen])
        try:
            view = view_of(member, entries, [*earlier, seen])
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


def _failed(member: str, error: FindingError) -> Collected:
    return Collected(member=member, view=None, findings=(Finding(party=member, reason=error),))
