"""Withdrawals on their way to effect, in the same durable steps as a publication.

    files read ─ verified ─> entry + row, one commit ─> quorum ─> proof kept, state withdrawn, one commit

Until the quorum has cosigned the entry the bundle is served as before (DESIGN.md §9, "cosigned before effect"); a crash
after the entry leaves a row without a proof, which the next start takes up.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress

from exchange.clearance import ApprovalClause
from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.exchange_ import AlreadyWithdrawnError, BundleWithdrawnError, NotFoundError
from exchange.errors.node import NodeStoppedError, StorageFullError, WaitExceededError
from exchange.flow.publish import PublicationState
from exchange.log.entry import EntryType, parse_entry
from exchange.publication.withdrawal import (
    WITHDRAWAL,
    WITHDRAWAL_FILES,
    WITHDRAWAL_PROOF,
    WITHDRAWAL_SIGNATURES,
    parse_withdrawal,
    verify_signed,
    verify_withdrawal,
)
from nodes.adapters.contract_store import keep_evidence
from nodes.adapters.own_log import entry_at
from nodes.adapters.publication_store import KeptPublication
from nodes.adapters.sequencer import LogDraft, Transaction
from nodes.adapters.withdrawal_store import KeptWithdrawal, keep_withdrawal, mark_withdrawn, withdrawals
from nodes.gateway.context import GatewayContext

SIGNATURES_MEDIA_TYPE = "application/jose+json"
RETRY_S = 1.0
_LOG = logging.getLogger("exchange.gateway")


class Withdrawing:
    """Takes withdrawals and brings them through; holds those that are in effect for whoever asks."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context
        self._kept: dict[Digest, KeptWithdrawal] = {}
        self._one_at_a_time = asyncio.Lock()

    async def start(self) -> None:
        """Take up the store's withdrawals and go on with those that wait for their witnesses."""
        for kept in await self._context.store.read(withdrawals):
            self._kept[kept.bundle] = kept
            if kept.proof is None:
                self._context.background.start(self._resume(kept))

    def file(self, bundle: Digest, name: str) -> bytes | None:
        """One file of a withdrawal that is in effect."""
        kept = self._kept.get(bundle)
        if kept is None or kept.proof is None or name not in WITHDRAWAL_FILES:
            return None
        return kept.files().get(name)

    async def require_published(self, bundle: Digest, member: str) -> None:
        """Refuse what only the recovered log knows of: a withdrawn bundle without a file, asked for by a party.

        Raises:
            BundleWithdrawnError: The contract's parties hear that it was taken back; to others it is unknown.
        """
        context, kept = self._context, self._kept.get(bundle)
        if kept is None or not kept.is_entry_alone or context.library.get(bundle) is not None:
            return
        entry = parse_entry(await context.store.read(lambda connection: entry_at(connection, kept.index)))
        held = context.contracts.get(entry.contract) if entry.contract is not None else None
        if held is not None and member in held.contract.members():
            raise BundleWithdrawnError(bundle=str(bundle), link=f"/v1/bundles/{bundle.hex}/{WITHDRAWAL}")

    def digest(self, bundle: Digest) -> Digest | None:
        """The digest of `withdrawal.json`, once it is in effect."""
        raw = self.file(bundle, WITHDRAWAL)
        return None if raw is None else Digest.of(raw)

    async def take(self, document: bytes, signatures: bytes, *, wait_s: float) -> KeptWithdrawal:
        """Withdraw a bundle; waits for the quorum up to `wait_s`, then it goes on by itself.

        Raises:
            NotFoundError: This member has published no such bundle.
            AlreadyWithdrawnError: It has a withdrawal with other bytes.
            ExchangeError: The first check that does not hold; nothing was kept.
        """
        bundle = parse_withdrawal(document).common.bundle
        async with self._one_at_a_time:
            kept = self._kept.get(bundle)
            if kept is not None and kept.document != document:
                raise AlreadyWithdrawnError(bundle=str(bundle))
            if kept is not None:
                return kept
            kept = await self._log(bundle, {WITHDRAWAL: document, WITHDRAWAL_SIGNATURES: signatures})
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await asyncio.shield(self._context.background.start(self._resume(kept)))
        return self._kept[bundle]

    async def _log(self, bundle: Digest, files: Mapping[str, bytes]) -> KeptWithdrawal:
        context = self._context
        published = self._published(bundle)
        await asyncio.to_thread(
            verify_signed,
            files,
            bundle=bundle,
            provider=context.member,
            trust=context.trust.current(),
            at=context.clock.now(),
            clause=self._clause(published),
        )

        def work(transaction: Transaction) -> KeptWithdrawal:
            evidence = Digest.of(files[WITHDRAWAL_SIGNATURES])
            index = transaction.append(
                LogDraft(type=EntryType.BUNDLE_WITHDRAWN, contract=published.contract, bundle=bundle, evidence=evidence)
            )
            kept = KeptWithdrawal(
                bundle=bundle, index=index, document=files[WITHDRAWAL], signatures=files[WITHDRAWAL_SIGNATURES]
            )
            keep_withdrawal(transaction.connection, kept)
            keep_evidence(transaction.connection, evidence, SIGNATURES_MEDIA_TYPE, files[WITHDRAWAL_SIGNATURES])
            return kept

        kept = (await context.sequencer.submit(work)).result
        self._kept[bundle] = kept
        return kept

    async def _resume(self, kept: KeptWithdrawal) -> None:
        """Wait for the quorum and take effect; a failure of the moment is tried again, a refusal is not."""
        while True:
            try:
                await self._effect(kept)
            except (StorageFullError, WaitExceededError, OSError) as error:
                _LOG.warning("withdrawal of %s waits: %s", kept.bundle, error)
                await asyncio.sleep(RETRY_S)
            except NodeStoppedError:
                return
            except ExchangeError as error:
                self._context.library.stuck[kept.bundle] = error.code
                _LOG.error("withdrawal of %s has no effect: %s", kept.bundle, error)  # one sentence
                return
            else:
                return

    async def _effect(self, kept: KeptWithdrawal) -> None:
        context, bundle = self._context, kept.bundle
        cosigned = await context.cosigner.covered_at_last(kept.index)
        entry = await context.store.read(lambda connection: entry_at(connection, kept.index))
        proof = await context.cosigner.prove(kept.index, entry, cosigned)
        published = self._published(bundle)
        await asyncio.to_thread(
            verify_withdrawal,
            {**kept.files(), WITHDRAWAL_PROOF: proof},
            bundle=bundle,
            contract=published.contract,
            provider=context.member,
            trust=context.trust.current(),
            clause=self._clause(published),
        )
        await context.sequencer.submit(lambda transaction: mark_withdrawn(transaction.connection, bundle, proof=proof))
        self._kept[bundle] = KeptWithdrawal(
            bundle=bundle, index=kept.index, document=kept.document, signatures=kept.signatures, proof=proof
        )
        context.library.move(bundle, PublicationState.WITHDRAWN)

    def _published(self, bundle: Digest) -> KeptPublication:
        found = self._context.library.get(bundle)
        if found is None or found.state is PublicationState.LOGGED:
            raise NotFoundError
        return found

    def _clause(self, published: KeptPublication) -> ApprovalClause | None:
        held = self._context.contracts.get(published.contract)
        return None if held is None else held.contract.approvals
