"""This member as a puller whose partner took a bundle back: it verifies the withdrawal, keeps it, acknowledges it.

    partner's catalogue ─ withdrawn and pulled here ─> three files verified, kept ─> receipt.given, one commit ─> sent

A figure that was withdrawn must not go on being used because nobody looked: the gateway looks by itself.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.flow.offer import STATE_WITHDRAWN, read_catalogue
from exchange.log.entry import EntryType
from exchange.publication.withdrawal import WITHDRAWAL_FILES, PublishedWithdrawal, verify_withdrawal
from exchange.receipt import WITHDRAWN, Receipt, evidence_digest, sign_receipt
from nodes.adapters.acknowledged_store import (
    HeldPull,
    keep_acknowledged,
    mark_acknowledged,
    owed_acknowledgements,
    unacknowledged,
)
from nodes.adapters.durable import write_folder_durably
from nodes.adapters.partner import PartnerClient
from nodes.adapters.pulled_store import OwedReceipt
from nodes.adapters.sequencer import LogDraft, Transaction
from nodes.gateway.context import GatewayContext

LOOK_EVERY_S = 900.0
"""How often partners are asked what they took back."""
_LOG = logging.getLogger("exchange.gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A withdrawal that was acknowledged, for whoever asked."""

    partner: str
    bundle: Digest
    reason: str
    folder: Path


class Acknowledging:
    """Looks for withdrawals of what this member pulled."""

    def __init__(self, context: GatewayContext, partner: Callable[[str], PartnerClient]) -> None:
        self._context = context
        self._partner = partner
        self._one_at_a_time = asyncio.Lock()

    async def keep_looking(self, *, every_s: float = LOOK_EVERY_S) -> None:
        """Look again and again, as long as the gateway runs; a partner that is down is asked the next time."""
        while True:
            for partner in await self._partners():
                try:
                    await self.look(partner)
                except ExchangeError as error:
                    _LOG.warning("withdrawals of %s: %s", partner, error.code)
                except OSError as error:
                    _LOG.warning("withdrawals of %s: %s", partner, error.strerror)
            await asyncio.sleep(every_s)

    async def look(self, partner: str) -> tuple[Acknowledged, ...]:
        """Acknowledge whatever this partner took back of what was pulled from it.

        Raises:
            PartnerUnreachableError, PartnerRefusedError, PartnerMalformedError: The partner's answer.
            ExchangeError: A withdrawal that does not hold; nothing was acknowledged.
        """
        async with self._one_at_a_time:
            await self._send_owed(partner)
            held = [one for one in await self._context.store.read(unacknowledged) if one.partner == partner]
            if not held:
                return ()
            client = self._partner(partner)
            offers = read_catalogue(await client.catalogue(), partner=partner)
            gone = {offer.bundle for offer in offers if offer.state == STATE_WITHDRAWN}
            found = []
            for bundle in sorted({one.bundle for one in held} & gone):
                pulls = [one for one in held if one.bundle == bundle]
                found.append(await self._acknowledge(client, bundle, pulls))
            await self._send_owed(partner)
            return tuple(found)

    async def _partners(self) -> list[str]:
        """Whom this member pulled from, and who has not taken an acknowledgement yet."""
        held = await self._context.store.read(unacknowledged)
        owed = await self._context.store.read(owed_acknowledgements)
        return sorted({one.partner for one in held} | {one.partner for one in owed})

    async def _acknowledge(self, client: PartnerClient, bundle: Digest, pulls: Iterable[HeldPull]) -> Acknowledged:
        context, pulls = self._context, tuple(pulls)
        contract = pulls[0].contract
        held = context.contracts.get(contract)
        files = {name: await client.bundle_file(bundle, name) for name in WITHDRAWAL_FILES}
        withdrawn = await asyncio.to_thread(
            verify_withdrawal,
            files,
            bundle=bundle,
            contract=contract,
            provider=client.partner,
            trust=context.trust.current(),
            clause=None if held is None else held.contract.approvals,
        )
        folder = context.node.taken_back / bundle.hex
        await asyncio.to_thread(write_folder_durably, folder, files)
        for pull in pulls:
            await context.sequencer.submit(partial(self._give, held=pull, withdrawn=withdrawn))
        return Acknowledged(
            partner=client.partner, bundle=bundle, reason=withdrawn.withdrawal.common.reason, folder=folder
        )

    def _give(self, transaction: Transaction, *, held: HeldPull, withdrawn: PublishedWithdrawal) -> None:
        context = self._context
        receipt = Receipt(
            pull=held.pull,
            delivery=Digest.of(held.delivery),
            bundle=held.bundle,
            contract=held.contract,
            purpose=held.purpose,
            verdict=WITHDRAWN,
            entry=held.entry,
            by=context.member,
            at=context.clock.now().replace(microsecond=0),
            withdrawal=withdrawn.digest,
        )
        token = sign_receipt(receipt, signer=context.transport)
        transaction.append(
            LogDraft(
                type=EntryType.RECEIPT_GIVEN,
                pull=held.pull,
                evidence=evidence_digest(token),
                counterpart=held.partner,
                contract=held.contract,
                bundle=held.bundle,
            )
        )
        keep_acknowledged(transaction.connection, held, token=token)

    async def _send_owed(self, partner: str) -> None:
        for owed in await self._context.store.read(owed_acknowledgements):
            if owed.partner == partner:
                await self._send(owed)

    async def _send(self, owed: OwedReceipt) -> None:
        try:
            await self._partner(owed.partner).receipt(owed.token)
        except ExchangeError as error:
            _LOG.warning("acknowledgement to %s waits: %s", owed.partner, error.code)  # it counts as given
            return
        await self._context.sequencer.submit(
            lambda transaction: mark_acknowledged(transaction.connection, owed.pull), gated=False
        )
