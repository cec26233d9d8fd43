"""Cosignatures for the own log: asks the witnesses of its policy, keeps what they signed, and wakes who waits for it.

One round asks every witness for the same, newest checkpoint, so that a quorum forms at one size however fast the log
grows; what was appended meanwhile is the next round's.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from statistics import median
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlmodel import col, insert, select

from exchange.errors import ExchangeError
from exchange.errors.log import LogError
from exchange.errors.node import LogBehindWitnessError, WaitExceededError
from exchange.log.checkpoint import Checkpoint
from exchange.log.entry import parse_entry
from exchange.log.merkle import consistency_proof, inclusion_proof
from exchange.log.note import SignatureLine, format_note, parse_note, parse_signature_lines
from exchange.log.policy import CosignedCheckpoint
from exchange.log.proof import TlogProof, format_proof
from exchange.log.tiles import hash_reader
from exchange.log.witness import AddCheckpoint, format_add_checkpoint, parse_answer, parse_conflict
from exchange.signing.keys import Signer
from nodes.adapters.clock import Clock
from nodes.adapters.log_succession import begin_log
from nodes.adapters.own_log import entry_at
from nodes.adapters.restart_rule import RestartRule
from nodes.adapters.sequencer import Sequencer, Transaction
from nodes.adapters.store import Store
from nodes.adapters.tables import CheckpointRow, CosignatureRow
from nodes.adapters.tile_files import TileFiles
from nodes.adapters.witness_calls import Witness, WitnessCalls, WitnessPlan

if TYPE_CHECKING:
    from datetime import datetime

SIZES_LOOKED_BACK = 64
"""How many cosigned sizes a start looks through for the newest that has its quorum."""


@dataclass(slots=True)
class _State:
    """What we know of one witness."""

    size: int = 0
    busy: bool = False
    retry_at: float = 0.0
    trouble: str | None = None
    skew_s: float | None = None  # own clock less the witness's, at its last answer


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint with the cosignatures of its quorum."""

    note: bytes
    checkpoint: CosignedCheckpoint


@dataclass(slots=True)
class _Head:
    checkpoint: Checkpoint
    note: bytes
    lines: dict[str, SignatureLine] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)  # witnesses whose line is in the store
    closed: bool = False  # its round is over: a line that comes now is stored alone

    def cosigned_note(self) -> bytes:
        return format_note(parse_note(self.note).with_lines(self.lines.values()))


class Cosigner:
    """Gets the own log cosigned; runs in the event loop."""

    def __init__(  # noqa: PLR0913  # what it joins: the log, its witnesses, the time
        self,
        *,
        origin: str,
        signer: Signer,
        plan: Callable[[], WitnessPlan],
        calls: WitnessCalls,
        sequencer: Sequencer,
        store: Store,
        files: TileFiles,
        clock: Clock,
        interval_s: float,
        retry_s: float,
    ) -> None:
        self._origin = origin
        self._signer = signer
        self._plan = plan
        self._calls = calls
        self._sequencer = sequencer
        self._store = store
        self._files = files
        self._clock = clock
        self._interval_s = interval_s
        self._retry_s = retry_s
        self._states: dict[str, _State] = {}
        self._newest: _Head | None = None
        self._work = asyncio.Event()
        self._awaited = asyncio.Event()  # somebody waits for a quorum: the next round begins at once
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Future[None]] = set()
        self._asks = False  # whether the policy wants a quorum at all
        self.cosigned: Cosigned | None = None
        self.behind_since: datetime | None = None  # the time of the oldest entry that no quorum has cosigned
        sequencer.on_checkpoint(self._on_checkpoint)

    # --- its life ------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Stop asking."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def keep_cosigning(self) -> None:
        """The restart rule first, then round after round, as long as the process runs."""
        await RestartRule(
            origin=self._origin,
            signer=self._signer,
            plan=self._plan,
            calls=self._calls,
            gate=self._sequencer.gate,
            store=self._store,
            retry_s=self._retry_s,
        ).confirm()
        await self._load()
        await begin_log(self._sequencer, closing=None if self.cosigned is None else self.cosigned.note)
        self._sequencer.gate.opened.set()
        await self._sequencer.catch_up()
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                done = await self._round()
            except ExchangeError:  # an expired registry names no witnesses, a full disk keeps no line: asked again
                done = False
            if done:
                await self._rest()
            else:
                await asyncio.sleep(self._retry_s)
                self._work.set()

    async def _rest(self) -> None:
        """Between rounds, unless somebody waits: a log that grows by hundreds a second needs no round for each."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._interval_s):
                await self._awaited.wait()
        self._awaited.clear()

    # --- rounds --------------------------------------------------------------------------------------------------

    def _on_checkpoint(self, checkpoint: Checkpoint, note: bytes) -> None:
        self._newest = _Head(checkpoint, note)
        if self._asks:
            self.behind_since = self.behind_since or self._clock.now()
        self._work.set()

    async def _round(self) -> bool:
        """Ask for the newest checkpoint; whether it has its quorum now."""
        head = self._newest
        if head is None:
            return True
        plan = self._plan()
        self._asks = plan.policy.quorum is not None
        if not self._asks:
            self.behind_since = None
            return True
        now = asyncio.get_running_loop().time()
        asking = [
            asyncio.ensure_future(self._ask(witness, head, plan))
            for witness in plan.witnesses
            if not self._state(witness).busy and self._state(witness).retry_at <= now and witness.name not in head.lines
        ]
        pending: set[asyncio.Future[None]] = set(asking)
        while pending and not plan.policy.is_met_by(head.lines):
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for slow in pending:
            self._keep(slow)
        head.closed = True
        await self._keep_lines(head)
        if plan.policy.is_met_by(head.lines):
            await self._complete(head, plan)
        return plan.policy.is_met_by(head.lines)

    async def _ask(self, witness: Witness, head: _Head, plan: WitnessPlan) -> None:
        state = self._state(witness)
        state.busy = True
        try:
            line = await self._cosignature(witness, head)
            state.size, state.trouble = head.checkpoint.size, None
            head.lines[witness.name] = line
            if head.closed:
                await self._keep_lines(head)
                if plan.policy.is_met_by(head.lines):
                    await self._complete(head, plan)
        except (OSError, ExchangeError) as error:
            state.trouble = error.code if isinstance(error, ExchangeError) else type(error).__name__
            state.retry_at = asyncio.get_running_loop().time() + self._retry_s
        finally:
            state.busy = False

    async def _cosignature(self, witness: Witness, head: _Head) -> SignatureLine:
        """The witness's verified line; asked twice if it knows another size than we thought.

        Raises:
            OSError, LogError: It cannot be reached, or refused.
        """
        state = self._state(witness)
        for _ in range(2):
            request = await asyncio.to_thread(self._request, state.size, head)
            status, body = await self._calls.add_checkpoint(witness.issuer, format_add_checkpoint(request))
            if status == HTTPStatus.OK:
                line, at = parse_answer(body, text=parse_note(head.note).text, witness=witness.vkey)
                state.skew_s = (self._clock.now() - at).total_seconds()
                return line
            if status != HTTPStatus.CONFLICT:
                break
            state.size = parse_conflict(body)
            if state.size > head.checkpoint.size:
                self._halt_if_ahead(witness, state.size)
                break
        raise ConnectionError(f"HTTP {status}")

    def _halt_if_ahead(self, witness: Witness, size: int) -> None:
        own = self._newest.checkpoint.size if self._newest else 0
        if size > own:
            # Asked again before the first cosignature: it may not have been reachable at the start (DESIGN.md §9).
            self._sequencer.gate.halt(
                LogBehindWitnessError(origin=self._origin, witness=witness.name, known=size, size=own)
            )

    def _request(self, old_size: int, head: _Head) -> AddCheckpoint:
        size = head.checkpoint.size
        proof = consistency_proof(old_size, size, hash_reader(self._files.read_tile, size=size))
        return AddCheckpoint(old_size=old_size, proof=tuple(proof), note=head.note)

    async def _keep_lines(self, head: _Head) -> None:
        """Store the lines that are not stored yet, and publish the checkpoint with all of them."""
        size, note = head.checkpoint.size, head.cosigned_note()
        new = {name: line for name, line in head.lines.items() if name not in head.stored}
        if not new:
            return

        def work(transaction: Transaction) -> None:
            rows = [{"size": size, "witness": name, "line": str(line)} for name, line in new.items()]
            transaction.connection.execute(insert(CosignatureRow).prefix_with("OR REPLACE"), rows)
            transaction.republish = (size, note)

        await self._sequencer.submit(work, gated=False)
        head.stored |= new.keys()

    async def _complete(self, head: _Head, plan: WitnessPlan) -> None:
        note = head.cosigned_note()
        checked = plan.policy.check(note)
        if self.cosigned is None or checked.size >= self.cosigned.checkpoint.size:
            self.cosigned = Cosigned(note, checked)
        caught_up = self._newest is None or self._newest.checkpoint.size <= checked.size
        self.behind_since = None if caught_up else self._clock.now()
        async with self._changed:
            self._changed.notify_all()

    async def _load(self) -> None:
        """Take up the newest stored checkpoint that has its quorum, so that nothing is asked for twice."""
        plan = self._plan()
        self._asks = plan.policy.quorum is not None
        for note, lines in await self._store.read(_cosigned_notes):
            added = [line for text in lines for line in parse_signature_lines(text, subject="store")]
            parsed = parse_note(note).with_lines(added)
            try:
                checked = plan.policy.check(format_note(parsed))
            except LogError:
                continue
            self.cosigned = Cosigned(format_note(parsed), checked)
            break
        first = 0 if self.cosigned is None else self.cosigned.checkpoint.size
        if self._asks and first < self._sequencer.log.size:
            oldest = await self._store.read(lambda connection: entry_at(connection, first))
            self.behind_since = parse_entry(oldest).at

    # --- who waits -----------------------------------------------------------------------------------------------

    async def covered_at_last(self, index: int) -> Cosigned:
        """A checkpoint over this entry with its quorum, however long that takes."""
        if not self._covers(index):
            self._awaited.set()
        async with self._changed:
            await self._changed.wait_for(lambda: self._covers(index))
        assert self.cosigned is not None
        return self.cosigned

    def _covers(self, index: int) -> bool:
        return self.cosigned is not None and self.cosigned.checkpoint.size > index

    async def prove(self, index: int, entry: bytes, cosigned: Cosigned) -> bytes:
        """The tlog-proof of an entry under a cosigned checkpoint, with the entry's bytes in its extra line."""
        return await self._prove(index, entry, cosigned.checkpoint.size, cosigned.note)

    async def _prove(self, index: int, entry: bytes, size: int, note: bytes) -> bytes:
        def path() -> Sequence[bytes]:
            return inclusion_proof(index, size, hash_reader(self._files.read_tile, size=size))

        siblings = tuple(await asyncio.to_thread(path))
        return format_proof(TlogProof(index=index, path=siblings, checkpoint_note=note, extra=entry))

    async def best_proof(self, index: int, entry: bytes) -> bytes:
        """The proof under the quorum's newest checkpoint if that covers the entry, else under the log's own."""
        if self.cosigned is not None and self._covers(index):
            return await self._prove(index, entry, self.cosigned.checkpoint.size, self.cosigned.note)
        head = self._newest
        if head is None or head.checkpoint.size <= index:
            raise WaitExceededError(subject=f"a checkpoint over entry {index}", seconds=0)
        return await self._prove(index, entry, head.checkpoint.size, head.cosigned_note())

    def troubles(self) -> dict[str, str]:
        """The witnesses that last failed, and why; for health."""
        return {name: state.trouble for name, state in self._states.items() if state.trouble is not None}

    def clock_skew_s(self) -> float:
        """How many seconds the own clock is ahead of the witnesses': the median, so that one bad clock says nothing."""
        known = [state.skew_s for state in self._states.values() if state.skew_s is not None]
        return median(known) if known else 0.0

    def _state(self, witness: Witness) -> _State:
        return self._states.setdefault(witness.name, _State())

    def _keep(self, future: "asyncio.Future[None]") -> None:
        self._tasks.add(future)
        future.add_done_callback(self._tasks.discard)


def _cosigned_notes(connection: Connection) -> list[tuple[bytes, list[str]]]:
    sizes = connection.execute(
        select(CosignatureRow.size).distinct().order_by(col(CosignatureRow.size).desc()).limit(SIZES_LOOKED_BACK)
    ).scalars()
    found = []
    for size in list(sizes):
        note = connection.execute(select(CheckpointRow.note).where(col(CheckpointRow.size) == size)).scalar_one()
        lines = connection.execute(select(CosignatureRow.line).where(col(CosignatureRow.size) == size)).scalars()
        found.append((bytes(note), list(lines)))
    return found
