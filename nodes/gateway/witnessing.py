"""The one compare-and-store that every cosignature of this node comes from, and the rivals that it refused."""

from collections.abc import Sequence

from sqlalchemy import Connection

from exchange.errors.log import (
    WitnessConflictError,
    WitnessInconsistentError,
    WitnessLogEndedError,
    WitnessUnknownLogError,
)
from exchange.log.note import SignatureLine, SignedNote, VerifierKey, format_note, parse_note
from exchange.log.witness import AddCheckpoint, answer, cosigned_note, decide
from exchange.signing.trust import Member, Trust
from nodes.adapters.sequencer import Transaction
from nodes.adapters.witness_store import is_over, keep_rival, keep_witnessed, known_of
from nodes.gateway.context import GatewayContext


def operator_of(trust: Trust, origin: str) -> Member:
    """Whose log has, or had, this name.

    Raises:
        WitnessUnknownLogError: Nobody's.
    """
    found = next((member for member in trust.members.values() if origin in member.origins), None)
    if found is None:
        raise WitnessUnknownLogError(origin=origin)
    return found


class Witness:
    """Cosigns other members' logs."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context

    async def cosign(self, asked: AddCheckpoint, logs: Sequence[VerifierKey]) -> SignatureLine:
        """Accept, store durably, and only then give the cosignature away.

        Raises:
            WitnessError: As `exchange.log.witness.decide`; what a log signed beside the accepted history is kept.
        """
        submit = self._context.sequencer.submit
        try:
            return (await submit(lambda transaction: self._store(transaction, asked, logs), gated=False)).result
        except (WitnessInconsistentError, WitnessConflictError, WitnessLogEndedError) as refusal:
            proof_failed = not isinstance(refusal, WitnessConflictError)
            await submit(
                lambda transaction: self._refused(transaction.connection, asked, logs, proof_failed=proof_failed),
                gated=False,
            )
            raise

    def _store(self, transaction: Transaction, asked: AddCheckpoint, logs: Sequence[VerifierKey]) -> SignatureLine:
        context = self._context
        origin = asked.checkpoint.origin
        operator = operator_of(context.trust.current(), origin)
        if is_over(transaction.connection, origin, operator):
            raise WitnessLogEndedError(origin=origin, next=operator.after(origin))
        latest = known_of(transaction.connection, origin, operator)
        accepted = decide(asked, latest=latest, logs=logs)
        # The time is taken in the transaction and leaves after it: by then this was seen, and is not forgotten.
        line = answer(asked, at=context.clock.now(), name=context.witness_name, signer=context.witness)
        keep_witnessed(transaction.connection, accepted, cosigned_note(asked, line, logs=logs))
        return line

    def _refused(
        self, connection: Connection, asked: AddCheckpoint, logs: Sequence[VerifierKey], *, proof_failed: bool
    ) -> None:
        """Keep a rival: with another root at the size cosigned it proves a split view, else the auditor decides."""
        claimed = asked.checkpoint
        latest = known_of(connection, claimed.origin, operator_of(self._context.trust.current(), claimed.origin))
        split = latest is not None and claimed.size == latest.size and claimed.root != latest.root
        if split:
            self._context.split_views.add(claimed.origin)
        if split or proof_failed:
            note = parse_note(asked.note)
            lines = tuple(line for vkey in logs for line in note.lines_by(vkey))
            keep_rival(connection, claimed, format_note(SignedNote(text=note.text, signatures=lines)))
