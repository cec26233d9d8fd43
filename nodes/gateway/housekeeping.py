"""What a gateway does by itself: says which registry it acts under, drops spent ids, logs refusals of past hours."""

import asyncio
import logging

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.log.entry import EntryType
from exchange.signing.trust import RegistryRef
from nodes.adapters.contract_store import keep_evidence
from nodes.adapters.pull_store import past_refusals
from nodes.adapters.sequencer import LogDraft, Transaction
from nodes.gateway.access import forget_spent
from nodes.gateway.context import GatewayContext
from nodes.gateway.evidence import find_evidence

EVERY_S = 30.0
SNAPSHOT_MEDIA_TYPE = "application/vnd.tuf.snapshot+json"
_LOG = logging.getLogger("exchange.gateway")


async def keep_house(context: GatewayContext, *, every_s: float = EVERY_S) -> None:
    """Do all of it, again and again, as long as the process runs; a failure of the moment waits for the next time."""
    while True:
        try:
            await log_registry(context)
            await context.sequencer.submit(lambda transaction: _tidy(transaction, context))
        except ExchangeError as error:
            _LOG.warning("housekeeping waits: %s", error.code)
        await asyncio.sleep(every_s)


async def log_registry(context: GatewayContext) -> None:
    """Append `trust.updated` when the registry is one that this log has not named yet."""
    ref = context.trust.current().ref
    if await context.store.read(lambda connection: find_evidence(connection, ref.sha256)) is None:
        snapshot = await asyncio.to_thread(_snapshot, context, ref)
        if snapshot is not None:
            await context.sequencer.submit(lambda transaction: _log_registry(transaction, ref, snapshot))


def _snapshot(context: GatewayContext, ref: RegistryRef) -> bytes | None:
    """The snapshot file that this reference names; None if a newer registry took its place meanwhile."""
    for file in sorted((context.node.keys / "metadata").glob("*snapshot.json")):
        raw = file.read_bytes()
        if Digest.of(raw) == ref.sha256:
            return raw
    return None


def _log_registry(transaction: Transaction, ref: RegistryRef, snapshot: bytes) -> None:
    keep_evidence(transaction.connection, ref.sha256, SNAPSHOT_MEDIA_TYPE, snapshot)
    transaction.append(LogDraft(type=EntryType.TRUST_UPDATED, evidence=ref.sha256))


def _tidy(transaction: Transaction, context: GatewayContext) -> None:
    now = context.clock.now()
    forget_spent(transaction, now)
    for refusal in past_refusals(transaction.connection, at=now):
        kept = context.library.get(refusal.bundle)
        transaction.append(
            LogDraft(
                type=EntryType.PULL_REFUSED,
                counterpart=refusal.member,
                contract=None if kept is None else kept.contract,
                bundle=refusal.bundle,
                evidence=refusal.pull,
                pull=refusal.pull,
                code=refusal.code,
                count=refusal.count,
            )
        )
