"""The puller's side in the own log: a pull is settled in one step, its entry, its receipt and the receipt's entry.

Because the step is one transaction, there is no moment at which a bundle is received and its receipt not given; a crash
leaves only sending, which is repeated, or a request whose outcome nobody knows, which is settled as `incomplete`.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Self

from exchange.encoding import Digest, format_instant
from exchange.errors import ExchangeError
from exchange.flow.pull import Outcome
from exchange.log.entry import EntryType
from exchange.receipt import evidence_digest, sign_receipt
from exchange.signing.keys import Signer
from nodes.adapters.clock import Clock
from nodes.adapters.partner import PartnerClient
from nodes.adapters.partner_problems import PartnerProblemError
from nodes.adapters.pulled_store import (
    OwedReceipt,
    begin_pull,
    forget_pull,
    mark_taken,
    owed_receipts,
    settle_pull,
    unsettled_pulls,
)
from nodes.adapters.sequencer import LogDraft, Sequencer, Transaction
from nodes.adapters.store import Store

RESEND_S = 15.0
"""How often receipts that no partner took are offered again."""
_REQUEST_REFUSED = range(400, 500)
_LOG = logging.getLogger("exchange.gateway")


class PullBook:
    """What this member pulled, as its log and its store have it (`exchange.flow.pull.Book`)."""

    def __init__(
        self,
        *,
        member: str,
        clock: Clock,
        signer: Signer,
        store: Store,
        sequencer: Sequencer,
        partner: Callable[[str], PartnerClient],
    ) -> None:
        self._member = member
        self._clock = clock
        self._signer = signer
        self._store = store
        self._sequencer = sequencer
        self._partner = partner
        self._under_way: set[Digest] = set()
        self._given_up: set[Digest] = set()

    async def begin(self, outcome: Outcome) -> None:
        """Remember, durably, a request that is about to leave."""
        self._under_way.add(outcome.pull)
        at = format_instant(self._clock.now())
        await self._sequencer.submit(lambda transaction: begin_pull(transaction.connection, outcome, at=at))

    async def forget(self, pull: Digest) -> None:
        """The request was refused before it became a pull."""
        await self._sequencer.submit(lambda transaction: forget_pull(transaction.connection, pull))
        self._under_way.discard(pull)

    async def settle(self, outcome: Outcome) -> None:
        """Append `bundle.received` or `bundle.rejected`, and `receipt.given`, in one step; durable on return."""
        await self._sequencer.submit(lambda transaction: self._settle(transaction, outcome))
        self._under_way.discard(outcome.pull)

    async def send_receipt(self, pull: Digest) -> bool:
        """Offer the receipt to the partner once; whether it took it."""
        owed = await self._store.read(lambda connection: owed_receipts(connection, pull=pull))
        return all([await self._offer(one) for one in owed])

    async def settle_leftovers(self) -> None:
        """Settle as `incomplete` every pull that a crash or a failure left on its way."""
        for outcome in await self._store.read(unsettled_pulls):
            if outcome.pull not in self._under_way:
                await self.settle(outcome)

    async def keep_sending(self, *, every_s: float = RESEND_S) -> None:
        """Settle what was left over, and offer receipts until they are taken; runs as long as the gateway."""
        while True:
            try:
                await self.settle_leftovers()
                for owed in await self._store.read(owed_receipts):
                    await self._offer(owed)
            except ExchangeError as error:
                _LOG.warning("receipts wait: %s", error.code)
            await asyncio.sleep(every_s)

    def abandon(self, pulls: Iterable[Digest]) -> None:
        """Whoever made these pulls has gone: what is not settled is left over."""
        self._under_way.difference_update(pulls)

    def _settle(self, transaction: Transaction, outcome: Outcome) -> None:
        index = transaction.append(
            LogDraft(
                type=EntryType.BUNDLE_RECEIVED if outcome.code is None else EntryType.BUNDLE_REJECTED,
                pull=outcome.pull,
                evidence=None if outcome.delivery is None else evidence_digest(outcome.delivery),
                code=outcome.code,
                counterpart=outcome.partner,
                contract=outcome.contract,
                bundle=outcome.bundle,
            )
        )
        receipt = outcome.receipt(by=self._member, entry=index, at=self._clock.now())
        token = sign_receipt(receipt, signer=self._signer)
        transaction.append(
            LogDraft(
                type=EntryType.RECEIPT_GIVEN,
                pull=outcome.pull,
                evidence=evidence_digest(token),
                counterpart=outcome.partner,
                contract=outcome.contract,
                bundle=outcome.bundle,
            )
        )
        settle_pull(transaction.connection, outcome, receipt=receipt, token=token)

    async def _offer(self, owed: OwedReceipt) -> bool:
        """Send one receipt; what a partner refuses for good is paid all the same and not offered again."""
        if owed.pull in self._given_up:
            return False
        try:
            await self._partner(owed.partner).receipt(owed.token)
        except PartnerProblemError as refused:
            if refused.status in _REQUEST_REFUSED:
                self._given_up.add(owed.pull)
            return False
        except ExchangeError:
            return False
        await self._sequencer.submit(lambda transaction: mark_taken(transaction.connection, owed.pull))
        return True


class PullPage:
    """The book as one pull uses it: whatever that pull leaves open, however it ends, is left over and settled later."""

    def __init__(self, book: PullBook) -> None:
        self._book = book
        self._begun: list[Digest] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._book.abandon(self._begun)

    async def begin(self, outcome: Outcome) -> None:
        """As `PullBook.begin`."""
        self._begun.append(outcome.pull)
        await self._book.begin(outcome)

    async def forget(self, pull: Digest) -> None:
        """As `PullBook.forget`."""
        await self._book.forget(pull)

    async def settle(self, outcome: Outcome) -> None:
        """As `PullBook.settle`."""
        await self._book.settle(outcome)

    async def send_receipt(self, pull: Digest) -> bool:
        """As `PullBook.send_receipt`."""
        return await self._book.send_receipt(pull)
