"""Hand-overs on their way to a published bundle, step by durable step (`exchange.flow.publish` decides each).

    file read ─ verified ─> .waiting durable ─> entry + row, one commit ─> quorum ─> proof ─> .zip durable ─> listed

A crash after the `.waiting` file and before the entry leaves a file without a row, which the next start removes; a
crash after the entry leaves a row that the next start takes up. Nothing else can be left.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from exchange.bundle.floor import audit_floor
from exchange.bundle.zipform import unpack_handover
from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.exchange_ import AlreadyWithdrawnError
from exchange.errors.node import NodeStoppedError, RequestMalformedError, StorageFullError, WaitExceededError
from exchange.flow.publish import PublicationState, Publishable, complete, require_place, verify_handover
from exchange.log.entry import EntryType
from exchange.manifest import CLEARANCE
from exchange.publication.verify import SIGNATURES
from nodes.adapters.contract_store import keep_evidence
from nodes.adapters.own_log import entry_at
from nodes.adapters.plain_files import open_plain
from nodes.adapters.publication_store import (
    KeptPublication,
    keep_publication,
    mark_published,
    mark_superseded,
    publications,
)
from nodes.adapters.sequencer import LogDraft, Transaction
from nodes.adapters.withdrawal_store import is_withdrawn
from nodes.gateway.context import GatewayContext

SIGNATURES_MEDIA_TYPE = "application/jose+json"
CLEARANCE_MEDIA_TYPE = "application/json"
RETRY_S = 1.0
_LOG = logging.getLogger("exchange.gateway")


class Publishing:
    """Takes hand-overs and brings them through."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context
        self._one_at_a_time = asyncio.Lock()

    async def start(self) -> None:
        """Take up the store's publications, go on with those that wait, and remove files that never got an entry."""
        context = self._context
        context.library.take(await context.store.read(publications))
        await asyncio.to_thread(self._remove_orphans)
        for kept in context.library.all():
            if kept.state is PublicationState.LOGGED:
                context.background.start(self._resume(kept))

    async def take(self, file: Path, *, wait_s: float) -> KeptPublication:
        """Publish a hand-over; waits for the quorum up to `wait_s`, then the publication goes on by itself.

        Raises:
            ExchangeError: The first check that does not hold; nothing was kept.
        """
        context = self._context
        raw = await asyncio.to_thread(_read, file, context.settings.bundle_bytes_max)
        known = await self._known(raw)
        kept = known if known is not None else await self._log(raw)
        if kept.state is PublicationState.LOGGED and known is None:
            done = asyncio.get_running_loop().create_future()
            context.background.start(self._bring_through(kept, done))
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await asyncio.shield(done)
        return context.library.get(kept.bundle) or kept

    async def _known(self, raw: bytes) -> KeptPublication | None:
        """The publication that this very file already became: handing it over again changes nothing."""
        for kept in self._context.library.all():
            waiting = self._context.library.waiting_file(kept.bundle)
            if kept.state is PublicationState.LOGGED and await asyncio.to_thread(_same, waiting, raw):
                return kept
        return None

    async def _log(self, raw: bytes) -> KeptPublication:
        """Verify, keep the file, and append `bundle.published`: one publication after another."""
        context = self._context
        async with self._one_at_a_time:
            files = unpack_handover(raw)
            publishable = await asyncio.to_thread(
                verify_handover,
                files,
                member=context.member,
                trust=context.trust.current(),
                contracts=context.contracts,
                at=context.clock.now(),
                audit=audit_floor,
            )
            require_place(publishable, context.library.earlier())
            bundle = publishable.opened.cleared.digest
            await asyncio.to_thread(self._keep_file, bundle, raw)
            try:
                done = await context.sequencer.submit(lambda transaction: self._append(transaction, publishable, files))
            except ExchangeError:
                await asyncio.to_thread(self._drop_file, bundle)
                raise
            context.library.put(done.result)
            return done.result

    def _append(
        self, transaction: Transaction, publishable: Publishable, files: Mapping[str, bytes]
    ) -> KeptPublication:
        cleared = publishable.opened.cleared
        manifest, common = cleared.manifest, cleared.clearance.common
        evidence = Digest.of(files[SIGNATURES])
        if is_withdrawn(transaction.connection, cleared.digest):  # a recovered log may know that and nothing else of it
            raise AlreadyWithdrawnError(bundle=str(cleared.digest))
        index = transaction.append(
            LogDraft(
                type=EntryType.BUNDLE_PUBLISHED,
                contract=manifest.contract.digest,
                bundle=cleared.digest,
                evidence=evidence,
            )
        )
        kept = KeptPublication(
            bundle=cleared.digest,
            contract=manifest.contract.digest,
            contract_id=manifest.contract.id,
            contract_version=manifest.contract.version,
            linkage_group=publishable.contract.disclosure.linkage_group,
            period=manifest.period,
            recipients=manifest.recipients,
            revision=manifest.revision,
            supersedes=manifest.supersedes,
            not_before=manifest.not_before,
            valid_until=common.valid_until,
            state=PublicationState.LOGGED,
            index=index,
            at=self._context.clock.now(),
        )
        keep_publication(transaction.connection, kept)
        keep_evidence(transaction.connection, evidence, SIGNATURES_MEDIA_TYPE, files[SIGNATURES])
        keep_evidence(transaction.connection, Digest.of(files[CLEARANCE]), CLEARANCE_MEDIA_TYPE, files[CLEARANCE])
        return kept

    # --- from logged to published --------------------------------------------------------------------------------

    async def _bring_through(self, kept: KeptPublication, done: "asyncio.Future[None]") -> None:
        try:
            await self._resume(kept)
        finally:
            if not done.done():
                done.set_result(None)

    async def _resume(self, kept: KeptPublication) -> None:
        """Wait for the quorum and publish; a failure of the moment is tried again, a refusal is not."""
        while True:
            await self._context.cosigner.covered_at_last(kept.index)
            try:
                await self._publish(kept)
            except (StorageFullError, WaitExceededError, OSError) as error:
                _LOG.warning("publication %s waits: %s", kept.bundle, error)
                await asyncio.sleep(RETRY_S)
            except NodeStoppedError:
                return
            except ExchangeError as error:
                # The clearance ran out while it waited, or the file was altered: it stays logged, and is never listed.
                self._context.library.stuck[kept.bundle] = error.code
                _LOG.error("publication %s is not published: %s", kept.bundle, error)  # one sentence
                return
            else:
                return

    async def _publish(self, kept: KeptPublication) -> None:
        context, library = self._context, self._context.library
        raw = await asyncio.to_thread(library.waiting_file(kept.bundle).read_bytes)
        entry = await context.store.read(lambda connection: entry_at(connection, kept.index))
        cosigned = await context.cosigner.covered_at_last(kept.index)
        proof = await context.cosigner.prove(kept.index, entry, cosigned)
        files = unpack_handover(raw)
        publication, whole = await asyncio.to_thread(
            complete, files, proof, trust=context.trust.current(), contracts=context.contracts
        )
        if publication.digest != kept.bundle:
            raise RequestMalformedError(subject=str(kept.bundle), reason="the waiting file holds another bundle")
        await asyncio.to_thread(library.keep_zip, kept.bundle, whole)
        digest = Digest.of(whole)
        await context.sequencer.submit(lambda transaction: self._list(transaction, kept, digest, len(whole)))
        library.put(replace(kept, state=PublicationState.PUBLISHED, zip_sha256=digest, zip_bytes=len(whole)))
        if kept.supersedes is not None and library.state(kept.supersedes) is PublicationState.PUBLISHED:
            library.move(kept.supersedes, PublicationState.SUPERSEDED)
        await asyncio.to_thread(library.waiting_file(kept.bundle).unlink, missing_ok=True)

    def _list(self, transaction: Transaction, kept: KeptPublication, digest: Digest, size: int) -> None:
        """Listed, and its predecessor marked, with the entry that says so, in one commit."""
        mark_published(transaction.connection, kept.bundle, zip_sha256=digest, zip_bytes=size)
        if kept.supersedes is not None:
            earlier = self._context.library.get(kept.supersedes)
            assert earlier is not None  # require_place saw it
            mark_superseded(transaction.connection, kept.supersedes)  # one that was withdrawn stays withdrawn
            transaction.append(
                LogDraft(type=EntryType.BUNDLE_SUPERSEDED, contract=earlier.contract, bundle=kept.supersedes)
            )

    # --- files ---------------------------------------------------------------------------------------------------

    def _keep_file(self, bundle: Digest, raw: bytes) -> None:
        try:
            self._context.library.keep_waiting(bundle, raw)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StorageFullError(member=self._context.member, reason=reason) from error

    def _drop_file(self, bundle: Digest) -> None:
        if self._context.library.get(bundle) is None:
            self._context.library.waiting_file(bundle).unlink(missing_ok=True)

    def _remove_orphans(self) -> None:
        waiting = {
            self._context.library.waiting_file(kept.bundle)
            for kept in self._context.library.all()
            if kept.state is PublicationState.LOGGED
        }
        for file in self._context.node.bundles.glob("*.waiting"):
            if file not in waiting:
                file.unlink()


def _read(file: Path, bytes_max: int) -> bytes:
    """The hand-over's bytes.

    Raises:
        RequestMalformedError: No such file, or too large.
    """
    try:
        with open_plain(file) as handle:
            raw = handle.read(bytes_max + 1)
    except OSError as error:
        raise RequestMalformedError(subject="hand-over", reason=error.strerror or "not readable") from error
    if len(raw) > bytes_max:
        raise RequestMalformedError(subject="hand-over", reason=f"larger than {bytes_max} bytes")
    return raw


def _same(file: Path, raw: bytes) -> bool:
    try:
        return file.read_bytes() == raw
    except OSError:
        return False
