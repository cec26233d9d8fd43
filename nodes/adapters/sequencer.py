"""The one writer: works from all requests, grouped into one transaction, durable before any of them is answered.

    works ─> BEGIN, savepoint each, entries, head, COMMIT ─> tiles ─> checkpoint signed, stored ─> published ─> answers

What arrives while a group is under way is the next group; one hand-over takes all that one turn of the event loop
brought, and one call answers a whole group, so that sixty-four writers cost two switches between the threads.
A work that fails is rolled back to its savepoint and fails alone. A full or read-only disk refuses the group and lets
the node read on; any other failure after the commit stops the process, since what is on the disk is then unknown.
"""

import asyncio
import errno
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.keys import TokenError
from exchange.errors.node import LogEndedError, NodeStoppedError, StorageFullError, WaitExceededError
from exchange.log.checkpoint import Checkpoint
from exchange.log.entry import EntryType
from nodes.adapters.own_log import EntryValues, OwnLog
from nodes.adapters.store import Store, driver_of

T = TypeVar("T")

_FULL_ERRNO = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG})
_FULL_SQLITE = ("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogDraft:
    """An entry without what the sequencer adds: time, node, registry version and salt."""

    type: EntryType
    counterpart: str | None = None
    contract: Digest | None = None
    bundle: Digest | None = None
    evidence: Digest | None = None
    pull: Digest | None = None
    code: str | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Sequenced(Generic[T]):
    """What a work returned, the entries it appended, and the checkpoint under which they are durable."""

    result: T
    entries: tuple[tuple[int, bytes], ...]
    note: bytes  # the node's own checkpoint that covers the entries, not cosigned yet


class Transaction:
    """What a work may do: read and write through `connection`, and append entries."""

    def __init__(
        self, connection: Connection, first: int, write: Callable[[LogDraft], bytes], closed_at: str | None = None
    ) -> None:
        self.closed_at = closed_at  # the name of the log, once it has its last entry
        self._connection = connection
        self._guarded = False
        self._next = first
        self._write = write
        self.entries: list[EntryValues] = []
        self.republish: tuple[int, bytes] | None = None

    @property
    def connection(self) -> Connection:
        """The writing connection, behind a savepoint of this work; one that only appends entries needs none."""
        if not self._guarded:
            self._guarded = True
            driver_of(self._connection).execute("SAVEPOINT work")
        return self._connection

    def release(self, *, keep: bool) -> None:
        """End the work's savepoint, if it has one, keeping or undoing what it wrote."""
        if self._guarded:
            self._guarded = False
            if not keep:
                driver_of(self._connection).execute("ROLLBACK TO work")
            driver_of(self._connection).execute("RELEASE work")

    def append(self, draft: LogDraft) -> int:
        """Append an entry; its index in the log.

        Raises:
            LogEndedError: The log has its last entry.
        """
        if self.closed_at is not None:
            raise LogEndedError(origin=self.closed_at, size=self._next)
        evidence = None if draft.evidence is None else str(draft.evidence)
        self.entries.append((self._next, self._write(draft), evidence, draft.counterpart))
        self._next += 1
        return self._next - 1

    def indexed(self, start: int) -> tuple[tuple[int, bytes], ...]:
        """The entries appended since there were `start`."""
        return tuple([entry[:2] for entry in self.entries[start:]])

    def cut(self, start: int) -> None:
        """Forget the entries of a work that failed; the one that closes a log does nothing after it that could."""
        self._next -= len(self.entries) - start
        del self.entries[start:]


@dataclass(slots=True)
class _Item:
    work: Callable[[Transaction], Any]
    future: "asyncio.Future[Sequenced[Any]]"
    until: float  # the event loop's time at which its caller gives up
    outcome: "tuple[Any, tuple[tuple[int, bytes], ...]] | BaseException | None" = None


@dataclass(slots=True, kw_only=True)
class Gate:
    """Nothing is appended before the restart rule allows it (DESIGN.md §9)."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    refusal: ExchangeError | None = None  # why it is still shut
    halted: bool = False

    def halt(self, refusal: ExchangeError) -> None:
        """Shut it until the process ends."""
        self.refusal, self.halted = refusal, True
        self.opened.clear()

    async def wait(self, wait_s: float) -> None:
        """Wait until it is open.

        Raises:
            ExchangeError: It is shut for good, or still shut after this time.
        """
        with suppress(TimeoutError):
            if not self.halted:
                await asyncio.wait_for(self.opened.wait(), wait_s)
        if not self.opened.is_set():
            raise self.refusal or WaitExceededError(subject="the restart rule", seconds=wait_s)


class Sequencer:
    """Owns the writing connection and the log's head, in a thread of its own."""

    def __init__(
        self,
        *,
        member: str,
        store: Store,
        log: OwnLog,
        write_entry: Callable[[LogDraft], bytes],
        on_fatal: Callable[[BaseException], None],
        group_max: int,
        wait_s: float = 30.0,
    ) -> None:
        self.log = log
        self.gate = Gate()
        self.trouble: ExchangeError | None = None
        self._member = member
        self._store = store
        self._write_entry = write_entry
        self._on_fatal = on_fatal
        self._group_max = group_max
        self._wait_s = wait_s
        self._arrived: list[_Item] = []
        self._waiting: deque[_Item] = deque()
        self._watching = False
        self._queue: queue.SimpleQueue[list[_Item] | None] = queue.SimpleQueue()
        self._listeners: list[Callable[[Checkpoint, bytes], None]] = []
        self._stopped: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._serve, name="sequencer", daemon=True)
        self._connection = store.open_writer()
        with self._connection.begin():
            log.load(self._connection)

    def start(self) -> None:
        """Begin to take works; call it from the event loop that will submit them."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Finish what is queued, then end the thread."""
        if self._thread.is_alive():
            self._hand_over()
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join, self._wait_s)
        self._connection.close()

    def on_checkpoint(self, listener: Callable[[Checkpoint, bytes], None]) -> None:
        """Be told, in the event loop, of each new checkpoint of the own log with its note."""
        self._listeners.append(listener)

    async def submit(self, work: Callable[[Transaction], T], *, gated: bool = True) -> Sequenced[T]:
        """Run a work in the next group and wait until it is durable, with everything it appended.

        Args:
            work: Runs in the writer's thread; quick, and without waiting for anything. What it raises is raised here.
            gated: False for works that append nothing: they may run before the restart rule allows signing.

        Raises:
            StorageFullError: Nothing was written.
            NodeStoppedError: The node is about to end.
            LogNotConfirmedError, LogBehindWitnessError: The restart rule forbids to sign.
            WaitExceededError: No answer in time; the work may still become durable.
        """
        if gated and not self.gate.opened.is_set():
            await self.gate.wait(self._wait_s)
        if self._stopped is not None:
            raise NodeStoppedError(member=self._member, reason=type(self._stopped).__name__)
        loop = asyncio.get_running_loop()
        item = _Item(work, loop.create_future(), loop.time() + self._wait_s)
        self._wait(item, loop)
        if not self._arrived:
            loop.call_soon(self._hand_over)
        self._arrived.append(item)
        # A caller that goes away cancels only its future: once submitted, the work is done all the same.
        return await item.future

    async def append(self, *drafts: LogDraft) -> Sequenced[None]:
        """Append entries that change nothing else."""

        def work(transaction: Transaction) -> None:
            for draft in drafts:
                transaction.append(draft)

        return await self.submit(work)

    async def catch_up(self) -> None:
        """Derive tiles and checkpoint that a crash left out; the first thing after the gate opens."""
        await self.submit(lambda _: None)

    def _hand_over(self) -> None:
        if self._arrived:
            self._queue.put(self._arrived)
            self._arrived = []

    def _wait(self, item: _Item, loop: asyncio.AbstractEventLoop) -> None:
        """Watch over its time: one timer for all, since a timer for each would cost as much as its entry."""
        while self._waiting and self._waiting[0].future.done():
            self._waiting.popleft()
        self._waiting.append(item)
        if not self._watching:
            self._watching = True
            loop.call_at(item.until, self._give_up, loop)

    def _give_up(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting and (self._waiting[0].future.done() or self._waiting[0].until <= loop.time()):
            item = self._waiting.popleft()
            if not item.future.done():
                item.future.set_exception(WaitExceededError(subject="the log's writer", seconds=self._wait_s))
        self._watching = bool(self._waiting)
        if self._watching:
            loop.call_at(self._waiting[0].until, self._give_up, loop)

    # --- the thread --------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        self._handle([])  # restores what a power cut left out, before anybody asks for it
        arrived: deque[_Item] = deque()
        while (batch := self._queue.get()) is not None:
            arrived.extend(batch)
            while arrived:
                self._take(arrived)
                self._handle([arrived.popleft() for _ in range(min(len(arrived), self._group_max))])

    def _take(self, arrived: deque[_Item]) -> None:
        """Add what came meanwhile."""
        with suppress(queue.Empty):
            while len(arrived) < self._group_max:
                if (batch := self._queue.get_nowait()) is None:
                    self._queue.put(None)
                    return
                arrived.extend(batch)

    def _handle(self, group: Sequence[_Item]) -> None:
        if self._stopped is not None:
            self._refuse(group, NodeStoppedError(member=self._member, reason=type(self._stopped).__name__))
            return
        before = self.log.note
        try:
            self._commit(group)
            self.trouble = None
        except Exception as error:  # noqa: BLE001  # whatever it was, it is classified and nobody is answered
            self.log.forget_pending()
            refusal = self._classify(error)
            self.trouble = refusal
            if isinstance(refusal, NodeStoppedError):
                self._stopped = error
                self._on_fatal(error)  # ends the process; only where it does not is anybody answered
            self._refuse(group, refusal)
            return
        head, note = self.log.checkpoint, self.log.note
        self._call(lambda: self._answer(group, note, head if note != before else None))

    def _commit(self, group: Sequence[_Item]) -> None:
        self.log.restore(self._connection)
        if self.gate.opened.is_set():
            # Left over from a crash or a full disk: completed before anything new is taken on.
            self.log.finish(self._connection)
        with self._connection.begin():
            closed_at = self.log.origin if self.log.closed else None
            transaction = Transaction(self._connection, self.log.size, self._write_entry, closed_at)
            for item in group:
                self._run(transaction, item)
            staged = None
            if transaction.entries:
                staged = self.log.stage(self._connection, transaction.entries)
        if staged is not None:
            self.log.accept(staged)
            self.log.closed = transaction.closed_at is not None
            self.log.finish(self._connection)
        elif transaction.republish is not None:
            self.log.publish(*transaction.republish)

    def _run(self, transaction: Transaction, item: _Item) -> None:
        start, republish = len(transaction.entries), transaction.republish
        try:
            result = item.work(transaction)
        except (OperationalError, sqlite3.OperationalError):
            raise  # the disk's; SQLite may have rolled back the whole transaction (lang_transaction.html §2.3)
        except Exception as error:  # noqa: BLE001  # the caller's own failure: handed back to it
            item.outcome = error
            transaction.cut(start)
            transaction.republish = republish
        else:
            item.outcome = (result, transaction.indexed(start))
        transaction.release(keep=not isinstance(item.outcome, BaseException))

    def _classify(self, error: Exception) -> ExchangeError:
        if isinstance(error, OSError) and error.errno in _FULL_ERRNO:
            return StorageFullError(member=self._member, reason=errno.errorcode[error.errno])
        if isinstance(error, OperationalError | sqlite3.OperationalError):
            name = str(getattr(getattr(error, "orig", error), "sqlite_errorname", ""))
            if name.startswith(_FULL_SQLITE):
                return StorageFullError(member=self._member, reason=name)
        if isinstance(error, TokenError):
            return error  # the entries are durable; the checkpoint is signed once the token is back
        return NodeStoppedError(member=self._member, reason=type(error).__name__)

    def _refuse(self, group: Sequence[_Item], refusal: ExchangeError) -> None:
        for item in group:
            item.outcome = refusal
        self._call(lambda: self._answer(group, b"", None))

    def _call(self, callback: Callable[[], None]) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(callback)

    # --- the event loop again ----------------------------------------------------------------------------------

    def _answer(self, group: Sequence[_Item], note: bytes, head: Checkpoint | None) -> None:
        for item in group:
            if item.future.done():
                continue
            if isinstance(item.outcome, BaseException):
                item.future.set_exception(item.outcome)
                item.future.exception()  # a caller that went away leaves no "never retrieved" warning behind
            else:
                assert item.outcome is not None
                item.future.set_result(Sequenced(*item.outcome, note))
        if head is not None:
            for listener in self._listeners:
                listener(head, note)
