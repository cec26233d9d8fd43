"""What a gateway does by itself: says which registry it acts under and that it is there, logs what became overdue."""

import asyncio
import logging
from datetime import datetime, timedelta

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.log.entry import EntryType, parse_entry
from exchange.signing.trust import RegistryRef
from nodes.adapters.contract_store import keep_evidence
from nodes.adapters.own_log import entry_at
from nodes.adapters.pull_store import keep_overdue, past_refusals, unlogged_debts
from nodes.adapters.sequencer import LogDraft, Transaction
from nodes.gateway.access import forget_spent
from nodes.gateway.context import GatewayContext
from nodes.gateway.evidence import find_evidence
from nodes.gateway.own_delegation import OwnMember

EVERY_S = 30.0
SNAPSHOT_MEDIA_TYPE = "application/vnd.tuf.snapshot+json"
_LOG = logging.getLogger("exchange.gateway")


async def keep_house(context: GatewayContext, own: OwnMember, *, every_s: float = EVERY_S) -> None:
    """Do all of it, again and again, as long as the process runs; a failure of the moment waits for the next time."""
    while True:
        try:
            await log_registry(context)
            await own.log_changes(context)
            await tidy(context)
        except ExchangeError as error:
            _LOG.warning("housekeeping waits: %s", error.code)
        await asyncio.sleep(every_s)


async def tidy(context: GatewayContext) -> None:
    """Once: drop spent ids; log refusals of past hours, debts that became overdue, and a heartbeat if nothing else."""
    await context.sequencer.submit(lambda transaction: _tidy(transaction, context))


async def note_registry(context: GatewayContext, own: OwnMember) -> None:
    """A new state is acted under from now on: log it, and what it changed of the own member."""
    try:
        await log_registry(context)
        await own.log_changes(context)
    except ExchangeError as error:
        _LOG.warning("the registry's change is logged later: %s", error.code)


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
    _count_refusals(transaction, context, now)
    _call_overdue(transaction, context, now)
    _beat(transaction, context, now)


def _count_refusals(transaction: Transaction, context: GatewayContext, now: datetime) -> None:
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


def _call_overdue(transaction: Transaction, context: GatewayContext, now: datetime) -> None:
    """Log each debt once its contract's days are over: once per partner and bundle."""
    for debt in unlogged_debts(transaction.connection):
        kept = context.library.get(debt.bundle)
        held = None if kept is None else context.contracts.get(kept.contract)
        if kept is None or held is None or debt.since + timedelta(days=held.contract.receipt_days) >= now:
            continue
        index = transaction.append(
            LogDraft(
                type=EntryType.RECEIPT_OVERDUE,
                counterpart=debt.puller,
                contract=kept.contract,
                bundle=debt.bundle,
                pull=debt.pull,
            )
        )
        keep_overdue(transaction.connection, debt, index=index)


def _beat(transaction: Transaction, context: GatewayContext, now: datetime) -> None:
    """A log without news still says that it is there: whoever is shown an old one can tell (DESIGN.md §9)."""
    size = context.sequencer.log.size
    if transaction.entries or not size:
        return
    newest = parse_entry(entry_at(transaction.connection, size - 1)).at
    if abs((now - newest).total_seconds()) >= context.settings.heartbeat_s:  # a clock set back is no silence
        transaction.append(LogDraft(type=EntryType.HEARTBEAT))
