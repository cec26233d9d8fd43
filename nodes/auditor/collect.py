"""Collecting one member's log: checkpoint, new entries, the tree built again and held against all that was ever signed.

Entries come from the entry bundles of C2SP tlog-tiles, only those not kept yet. The tree is rebuilt from the entries
alone, so hash tiles are not asked for: whatever a member serves there convinces nobody. Before any log is read, every
member is asked which checkpoints of it were seen there as a witness: what they show, the log must continue.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol, TypeAlias

from exchange.errors import ExchangeError
from exchange.errors.audit import FindingError
from exchange.errors.audit_logs import (
    LogForkedError,
    LogMalformedError,
    LogRewrittenError,
    LogTruncatedError,
    LogUnreachableError,
    LogUnwitnessedError,
)
from exchange.errors.encoding import EncodingError
from exchange.errors.exchange_ import PartnerError
from exchange.errors.log import LogError, QuorumError
from exchange.log.checkpoint import Checkpoint
from exchange.log.policy import WitnessPolicy, parse_policy
from exchange.log.tiles import ENTRIES, TILE_WIDTH, format_tile_path, parse_entry_bundle, tile_at
from exchange.reconcile.lineage import ends_by_origin, lineage_errors, of_this_tree
from exchange.reconcile.logs import contradictions, read_seen, staleness, view_of
from exchange.reconcile.model import Finding, LogView, SeenCheckpoint
from exchange.signing.trust import Trust
from nodes.adapters.clock import Clock
from nodes.adapters.partner_problems import PartnerProblemError
from nodes.auditor.store import AuditStore

QUORUM_WAIT_S = 10.0
"""A quorum of a busy log is a moment behind its newest checkpoint; longer than this is worth a finding."""
QUORUM_POLL_S = 0.25
BUNDLES_AT_ONCE = 8
_NOT_SHOWN = range(400, 500)

ReadSeen: TypeAlias = Callable[[str, bytes], SeenCheckpoint]
"""Reads a signed checkpoint of a member."""


class LogSource(Protocol):
    """A member's gateway, as far as its log goes."""

    partner: str

    async def checkpoint(self) -> bytes:
        """The newest checkpoint."""
        ...

    async def entries(self, path: str) -> bytes:
        """An entry bundle."""
        ...


class Monitor(Protocol):
    """A member as a witness, and what it saw of others' logs."""

    partner: str

    async def witnessed(self, origin_hash: str) -> bytes:
        """The checkpoint that it cosigned last."""
        ...

    async def rivals(self, origin_hash: str) -> list[bytes]:
        """The checkpoints that it refused to cosign."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """One member's log as far as it could be had, and what does not hold about it.

    Attributes:
        seen: The newest checkpoint that it showed.
    """

    member: str
    view: LogView | None
    findings: tuple[Finding, ...] = ()
    seen: SeenCheckpoint | None = None

    @property
    def size(self) -> int:
        """How many entries its newest checkpoint signs; 0 if it showed none."""
        return 0 if self.seen is None else self.seen.checkpoint.size

    @property
    def cosigned_at(self) -> datetime | None:
        """When the quorum of its newest checkpoint was complete."""
        return None if self.seen is None else self.seen.cosigned_at


class LogCollector:
    """Collects logs into the auditor's store."""

    def __init__(self, *, trust: Trust, store: AuditStore, clock: Clock, wait_s: float = QUORUM_WAIT_S) -> None:
        self._trust = trust
        self._store = store
        self._clock = clock
        self._wait_s = wait_s

    async def collect(self, source: LogSource) -> Collected:
        """One member's log; a member that does not answer leaves a finding and no view."""
        member = source.partner
        try:
            seen, unwitnessed = await self._newest(source)
        except PartnerError as error:
            return _failed(member, LogUnreachableError(party=member, reason=error.sentence()))
        except ExchangeError as error:
            return _failed(member, LogMalformedError(party=member, part="checkpoint", reason=error.sentence()))
        self._store.keep_checkpoint(member, seen)
        try:
            found = await self._entries(source, seen)
        except PartnerError as error:
            return _failed(member, _not_shown(member, seen, error), seen)
        except ExchangeError as error:
            return _failed(member, LogMalformedError(party=member, part="entries", reason=error.sentence()), seen)
        return await asyncio.to_thread(self._judge, member, seen, found, unwitnessed)

    async def hear(self, monitors: Iterable[Monitor]) -> None:
        """Keep the checkpoints that members saw of each other's logs; whoever cannot say so now says nothing.

        Heard before the logs are read, so that an honest log, which only grows, continues all of them.
        """
        asked = list(monitors)
        limits = {monitor.partner: asyncio.Semaphore(BUNDLES_AT_ONCE) for monitor in asked}

        async def notes(monitor: Monitor, origin_hash: str) -> list[bytes]:
            found: list[bytes] = []
            async with limits[monitor.partner]:
                with suppress(ExchangeError):
                    with suppress(PartnerProblemError):  # it never cosigned this log; it may have refused to
                        found.append(await monitor.witnessed(origin_hash))
                    found += await monitor.rivals(origin_hash)
            return found

        calls = [
            (member, notes(monitor, Checkpoint(origin=origin, size=0, root=b"").origin_hash))
            for monitor in asked
            for member in self._trust.members
            if member != monitor.partner
            for origin in self._trust.member(member).origins
        ]
        heard = await asyncio.gather(*(call for _, call in calls))
        notes_heard = [(member, note) for (member, _), found in zip(calls, heard, strict=True) for note in found]
        await asyncio.to_thread(self.remember, notes_heard)

    def remember(self, notes: Iterable[tuple[str, bytes]], *, read: ReadSeen | None = None) -> None:
        """Keep checkpoints of members that were seen elsewhere, if the member signed them; none is verified twice.

        Args:
            notes: By whom, and the signed checkpoint.
            read: Reads one and refuses what says nothing about the member; None: as one that was seen alone.
        """
        read = partial(read_seen, trust=self._trust) if read is None else read
        seen: list[tuple[str, SeenCheckpoint]] = []
        for member, note in self._store.unseen(notes):
            with suppress(ExchangeError):  # not signed by the member's log key: it says nothing about the member
                seen.append((member, read(member, note)))
        self._store.keep_notes(seen)

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
        known = [*self._store.checkpoints(member), seen]
        errors = [] if unwitnessed is None else [unwitnessed]
        errors += staleness(member, [seen], at=self._clock.now())
        try:
            ends = ends_by_origin(entries, self._trust.member(member))
            errors += lineage_errors(self._trust.member(member), entries, known, ends)
            known = of_this_tree(known, ends)
            view = view_of(member, entries, known)
        except (LogError, EncodingError) as error:
            errors.append(LogMalformedError(party=member, part="entry", reason=error.sentence()))
            view = None
        errors += contradictions(member, entries, known)
        kept = self._store.entries(member)
        if entries[: len(kept)] == kept[: len(entries)] and view is not None and not _contradicted(errors):
            self._store.keep_log(member, list(enumerate(entries))[len(kept) :], seen)
        else:
            self._store.keep_rival(member, seen.checkpoint.root, entries)
        return Collected(
            member=member,
            view=view,
            findings=tuple(Finding(party=member, reason=error) for error in errors),
            seen=seen,
        )


def _contradicted(errors: Iterable[FindingError]) -> bool:
    return any(isinstance(error, LogRewrittenError | LogForkedError) for error in errors)


def _not_shown(member: str, seen: SeenCheckpoint, error: PartnerError) -> FindingError:
    """A member that answers, and not with what its own checkpoint signs, holds it back; one that is down does not."""
    if isinstance(error, PartnerProblemError) and error.status in _NOT_SHOWN:
        missing = str(error.facts["subject"])
        size = seen.checkpoint.size
        return LogTruncatedError(party=member, size=size, missing=missing, reason=error.sentence())
    return LogUnreachableError(party=member, reason=error.sentence())


def _failed(member: str, error: FindingError, seen: SeenCheckpoint | None = None) -> Collected:
    return Collected(member=member, view=None, findings=(Finding(party=member, reason=error),), seen=seen)
