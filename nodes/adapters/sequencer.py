"""The one writer: works from all requests, grouped into one transaction, durable before any of them is answered.

    works ─> BEGIN, savepoint each, entries, head, COMMIT ─> tiles ─> checkpoint signed, stored ─> published ─> answers

A work that fails is rolled back to its savepoint and fails alone. A full or read-only disk refuses the group and lets
the node read on; any other failure after the commit stops the process, since what is on the disk is then unknown.
"""

import asyncio
import errno
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.node import NodeStoppedError, StorageFullError, WaitExceededError
from exchange.log.checkpoint import Checkpoint
from exchange.log.entry import EntryType
from nodes.adapters.own_log import OwnLog, insert_entries
from nodes.adapters.store import Store

T = TypeVar("T")

GATHER_S = 0.001
"""How long the first of a group waits for the others, where the last group had several."""

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

    def __init__(self, connection: Connection, first: int, write: Callable[[LogDraft], bytes]) -> None:
        self._connection = connection
        self._guarded = False
        self._first = first
        self._write = write
        self.drafts: list[LogDraft] = []
        self.entries: list[bytes] = []
        self.republish: tuple[int, bytes] | None = None

    @property
    def connection(self) -> Connection:
        """The writing connection, behind a savepoint of this work; one that only appends entries needs none."""
        if not self._guarded:
            self._guarded = True
            self._driver("SAVEPOINT work")
        return self._connection

    def release(self, *, keep: bool) -> None:
        """End the work's savepoint, if it has one, keeping or undoing what it wrote."""
        if self._guarded:
            self._guarded = False
            if not keep:
                self._driver("ROLLBACK TO work")
            self._driver("RELEASE work")

    def append(self, draft: LogDraft) -> int:
        """Append an entry; its index in the log."""
        self.entries.append(self._write(draft))
        self.drafts.append(draft)
        return self._first + len(self.entries) - 1

    def indexed(self, start: int) -> tuple[tuple[int, bytes], ...]:
        """The entries appended since there were `start`."""
        return tuple((self._first + number, self.entries[number]) for number in range(start, len(self.entries)))

    def cut(self, start: int) -> None:
        """Forget the entries of a work that failed."""
        del self.entries[start:], self.drafts[start:]

    def _driver(self, statement: str) -> None:
        # Straight to the driver: two savepoint statements through SQLAlchemy would cost more than a whole append.
        driver = self._connection.connection.driver_connection
        assert driver is not None
        driver.execute(statement)


@dataclass(slots=True)
class _Item:
    work: Callable[[Transaction], Any]
    future: "asyncio.Future[Sequenced[Any]]"
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
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
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
        item = _Item(work, asyncio.get_running_loop().create_future())
        self._queue.put(item)
        try:
            # A caller that goes away cancels only its future: once queued, the work is done all the same.
            async with asyncio.timeout(self._wait_s):
                return await item.future
        except TimeoutError as error:
            raise WaitExceededError(subject="the log's writer", seconds=self._wait_s) from error

    async def append(self, *drafts: LogDraft) -> Sequenced[None]:
        """Append entries that change nothing else."""

        def work(transaction: Transaction) -> None:
            for draft in drafts:
                transaction.append(draft)

        return await self.submit(work)

    async def catch_up(self) -> None:
        """Derive tiles and checkpoint that a crash left out; the first thing after the gate opens."""
        await self.submit(lambda _: None)

    # --- the thread --------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        group: list[_Item] = []
        while (item := self._queue.get()) is not None:
            if len(group) > 1:
                # Who was answered together asks again together: a moment's patience makes one commit of many.
                time.sleep(GATHER_S)
            group = [item]
            while len(group) < self._group_max:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    self._queue.put(None)
                    break
                group.append(following)
            self._handle(group)

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
        note = self.log.note
        self._call(lambda: _answer(group, note))
        if note != before:
            head = self.log.checkpoint
            self._call(lambda: self._tell(head, note))

    def _commit(self, group: Sequence[_Item]) -> None:
        if self.gate.opened.is_set():
            # Left over from a crash or a full disk: completed before anything new is taken on.
            self.log.finish(self._connection)
        with self._connection.begin():
            transaction = Transaction(self._connection, self.log.size, self._write_entry)
            for item in group:
                self._run(transaction, item)
            staged = None
            if transaction.entries:
                insert_entries(self._connection, _rows(transaction))
                staged = self.log.stage(self._connection, transaction.entries)
        if staged is not None:
            self.log.accept(staged)
            self.log.finish(self._connection)
        elif transaction.republish is not None:
            self.log.publish(*transaction.republish)

    def _run(self, transaction: Transaction, item: _Item) -> None:
        start = len(transaction.entries)
        republish = transaction.republish
        try:
            result = item.work(transaction)
        except OperationalError:
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
        if isinstance(error, OperationalError):
            name = str(getattr(error.orig, "sqlite_errorname", ""))
            if name.startswith(_FULL_SQLITE):
                return StorageFullError(member=self._member, reason=name)
        return NodeStoppedError(member=self._member, reason=type(error).__name__)

    def _refuse(self, group: Sequence[_Item], refusal: ExchangeError) -> None:
        for item in group:
            item.outcome = refusal
        self._call(lambda: _answer(group, b""))

    def _call(self, callback: Callable[[], None]) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(callback)

    def _tell(self, head: Checkpoint, note: bytes) -> None:
        for listener in self._listeners:
            listener(head, note)


def _answer(group: Sequence[_Item], note: bytes) -> None:
    for item in group:
        if item.future.done():
            continue
        if isinstance(item.outcome, BaseException):
            item.future.set_exception(item.outcome)
            item.future.exception()  # a caller that went away leaves no "never retrieved" warning behind
        else:
            assert item.outcome is not None
            item.future.set_result(Sequenced(*item.outcome, note))


def _rows(transaction: Transaction) -> list[tuple[int, bytes, str | None, str | None]]:
    return [
        (index, raw, None if draft.evidence is None else str(draft.evidence), draft.counterpart)
        for (index, raw), draft in zip(transaction.indexed(0), transaction.drafts, strict=True)
    ]
