"""The restart rule (DESIGN.md §9): before a node signs anything new, its witnesses confirm what it signed last.

A restored backup is the likeliest way to fork a log by accident: the node would sign a second history over entries that
others have seen. So the last stored checkpoint is sent again to a quorum; a witness that knows more stops the node. A
node that has none starts a new log only if no witness that answers knows its origin: it sends the checkpoint of the
empty tree, which contradicts nothing.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from sqlalchemy import Connection
from sqlmodel import col, select

from exchange.errors.log import LogError
from exchange.errors.node import LogBehindWitnessError, LogNotConfirmedError
from exchange.errors.trust import TrustError
from exchange.log.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint
from exchange.log.merkle import EMPTY_ROOT
from exchange.log.note import format_note
from exchange.log.policy import WitnessPolicy
from exchange.log.witness import AddCheckpoint, format_add_checkpoint, parse_conflict
from exchange.signing.keys import Signer
from nodes.adapters.sequencer import Gate
from nodes.adapters.store import Store
from nodes.adapters.tables import CheckpointRow
from nodes.adapters.witness_calls import Witness, WitnessCalls, WitnessPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartRule:
    """Asks the witnesses of one log until they allow it to go on; shuts its gate for good if one knows more."""

    origin: str
    signer: Signer
    plan: Callable[[], WitnessPlan]
    calls: WitnessCalls
    gate: Gate
    store: Store
    retry_s: float

    async def confirm(self) -> None:
        """Return once the log may go on; asks again and again until then."""
        stored = await self.store.read(_last_checkpoint)
        if stored is None:
            await self._confirm_new()
        else:
            await self._confirm_last(stored)

    async def _confirm_last(self, note: bytes) -> None:
        last = read_checkpoint(note)[0]
        size = last.size
        if last.origin != self.origin:
            # Another log's, whose place this one takes: the same tree under this one's name (decision 44).
            head = Checkpoint(origin=self.origin, size=size, root=last.root)
            note = format_note(sign_checkpoint(head, signer=self.signer))
        confirmed: set[str] = set()
        while True:
            plan = await self._plan()
            if plan.policy.quorum is None or plan.policy.is_met_by(confirmed):
                return
            self.gate.refusal = LogNotConfirmedError(
                origin=self.origin, size=size, needed=_quorum(plan.policy), found=len(confirmed)
            )
            confirmed |= await self._ask(plan, size, note, skip=confirmed)
            if not plan.policy.is_met_by(confirmed):
                await asyncio.sleep(self.retry_s)

    async def _confirm_new(self) -> None:
        empty = Checkpoint(origin=self.origin, size=0, root=EMPTY_ROOT)
        await self._ask(await self._plan(), 0, format_note(sign_checkpoint(empty, signer=self.signer)), skip=set())

    async def _plan(self) -> WitnessPlan:
        """Whom to ask; an expired registry names nobody, and is waited for."""
        while True:
            try:
                return self.plan()
            except TrustError:
                await asyncio.sleep(self.retry_s)

    async def _ask(self, plan: WitnessPlan, size: int, note: bytes, *, skip: set[str]) -> set[str]:
        """The witnesses that answered; none of them knows more than `size`, or this never returns."""
        asked = [witness for witness in plan.witnesses if witness.name not in skip]
        sizes = await asyncio.gather(*(self._size_at(witness, size, note) for witness in asked))
        for witness, known in zip(asked, sizes, strict=True):
            if known is not None and known > size:
                self.gate.halt(LogBehindWitnessError(origin=self.origin, witness=witness.name, known=known, size=size))
                await asyncio.get_running_loop().create_future()  # until the operator acts and starts again
        return {witness.name for witness, known in zip(asked, sizes, strict=True) if known is not None}

    async def _size_at(self, witness: Witness, size: int, note: bytes) -> int | None:
        """What the witness has cosigned of this log; None if it cannot be asked."""
        request = AddCheckpoint(old_size=size, proof=(), note=note)
        try:
            status, body = await self.calls.add_checkpoint(witness.issuer, format_add_checkpoint(request))
            if status == HTTPStatus.CONFLICT:
                return parse_conflict(body)
        except (OSError, LogError):
            return None
        return size if status == HTTPStatus.OK else None


def _last_checkpoint(connection: Connection) -> bytes | None:
    row = connection.execute(select(CheckpointRow.note).order_by(col(CheckpointRow.size).desc()).limit(1)).first()
    return None if row is None else bytes(row.note)


def _quorum(policy: WitnessPolicy) -> int:
    return next((group.threshold for group in policy.groups if group.name == policy.quorum), 1)
