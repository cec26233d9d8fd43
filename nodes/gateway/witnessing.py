"""The one compare-and-store that every cosignature of this node comes from, and the rivals that it refused."""

from collections.abc import Sequence

from sqlalchemy import Connection

from exchange.errors.log import WitnessConflictError, WitnessInconsistentError
from exchange.log.note import SignatureLine, SignedNote, VerifierKey, format_note, parse_note
from exchange.log.witness import AddCheckpoint, answer, cosigned_note, decide
from nodes.adapters.sequencer import Transaction
from nodes.adapters.witness_store import keep_rival, keep_witnessed, latest_witnessed
from nodes.gateway.context import GatewayContext


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
        except (WitnessInconsistentError, WitnessConflictError) as refusal:
            proof_failed = isinstance(refusal, WitnessInconsistentError)
            await submit(
                lambda transaction: self._refused(transaction.connection, asked, logs, proof_failed=proof_failed),
                gated=False,
            )
            raise

    def _store(self, transaction: Transaction, asked: AddCheckpoint, logs: Sequence[VerifierKey]) -> SignatureLine:
        context = self._context
        latest = latest_witnessed(transaction.connection, asked.checkpoint.origin)
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
        latest = latest_witnessed(connection, claimed.origin)
        split = latest is not None and claimed.size == latest.size and claimed.root != latest.root
        if split:
            self._context.split_views.add(claimed.origin)
        if split or proof_failed:
            note = parse_note(asked.note)
            lines = tuple(line for vkey in logs for line in note.lines_by(vkey))
            keep_rival(connection, claimed, format_note(SignedNote(text=note.text, signatures=lines)))
