"""Pulls: the ZIP or a file of a bundle, with the entry durable before the first byte leaves (DESIGN.md §8).

The proof's id is spent, the pull is kept and `pull.served` is appended in one transaction. If we crash after it and
before the answer, the log shows a pull that the partner cannot show, which audit settles; the reverse would be a hidden
pull.
"""

import asyncio
import re
from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from exchange.bundle.zipform import MEDIA_TYPE
from exchange.encoding import Digest, format_instant, parse_instant
from exchange.errors import ExchangeError
from exchange.errors.encoding import DigestError
from exchange.errors.exchange_ import BundleDamagedError, NotFoundError, PassageError, ReceiptOwedError, ReplayedError
from exchange.errors.node import LogUncosignedError
from exchange.log.entry import EntryType
from exchange.publication import BUNDLE_FILES
from exchange.publication.withdrawal import WITHDRAWAL_FILES
from nodes.adapters.contract_store import keep_evidence
from nodes.adapters.pull_store import (
    PROOF_MEDIA_TYPE,
    KeptPull,
    Served,
    count_refusal,
    keep_pull,
    overdue_receipt,
    pulled_before,
)
from nodes.adapters.sequencer import LogDraft, Transaction
from nodes.gateway.access import Caller, Door
from nodes.gateway.context import GatewayContext
from nodes.gateway.deliveries import Deliveries
from nodes.gateway.library import Content
from nodes.gateway.rights import DATA_FILES, ZIP, Grant, Rights
from nodes.gateway.withdrawing import Withdrawing
from nodes.web.shortcut import Shortcut

DELIVERY_HEADER = "Exchange-Delivery"
_FILE_TYPES = {".json": "application/json", ".csv": "text/csv; charset=utf-8", ".jws": "application/jose+json"}
_FILES = frozenset({ZIP, *BUNDLE_FILES, *WITHDRAWAL_FILES})
_NO_STORE = "no-store"
_ZIP_ADDRESS = re.compile(r"/v1/bundles/(?P<digest>[0-9a-f]{64})")


class Counter:
    """Hands bundles out."""

    def __init__(self, context: GatewayContext, door: Door, deliveries: Deliveries, withdrawing: Withdrawing) -> None:
        self._context = context
        self._door = door
        self._deliveries = deliveries
        self._withdrawing = withdrawing
        self._rights = Rights(context.member, context.library, context.contracts)

    async def answer(self, request: Request, digest: str, file: str = ZIP) -> Response:
        """The ZIP (`file` is "zip") or one file of a bundle, or the refusal that comes first."""
        caller = self._door.authenticate(request)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            return await self._answer(caller, digest, file)
        except NotFoundError:
            # What exists and is not for this caller is counted and may be logged; what does not exist is not. Neither
            # answer comes earlier than the slower of the two: its time would tell what its words do not.
            await asyncio.sleep(begun + self._context.settings.hidden_answer_ms / 1000 - loop.time())
            raise

    async def _answer(self, caller: Caller, digest: str, file: str) -> Response:
        now = self._context.clock.now()
        try:
            bundle = Digest.parse_hex(digest, subject="address")
        except DigestError as error:
            await self._context.sequencer.submit(lambda transaction: self._door.spend(transaction, caller), gated=False)
            raise NotFoundError from error
        try:
            await self._withdrawing.require_published(bundle, caller.member)
            grant = self._rights.visible(caller, bundle, at=now)
            if file not in _FILES:  # what is unknown is not found, also of a bundle that is withdrawn
                raise NotFoundError
            if file not in WITHDRAWAL_FILES:  # those go on for ever, for every party
                grant = self._rights.may_read(caller, grant, file=file, at=now)
            content = await self._read(grant, file)
            if file in DATA_FILES:
                return await self._pull(caller, grant, file, content)
        except ReplayedError:
            raise
        except (PassageError, BundleDamagedError) as refusal:
            await self._refuse(caller, bundle, refusal, counted=file in DATA_FILES)
            raise
        await self._context.sequencer.submit(lambda transaction: self._door.spend(transaction, caller), gated=False)
        return _response(content, file)

    async def _read(self, grant: Grant, file: str) -> Content:
        library = self._context.library
        if file in WITHDRAWAL_FILES:
            return self._read_withdrawal(grant, file)
        if file == ZIP:
            return await library.read_zip(grant.kept)
        content = await library.read_file(grant.kept, file)
        if content is None:
            raise NotFoundError
        return content

    def _read_withdrawal(self, grant: Grant, file: str) -> Content:
        raw = self._withdrawing.file(grant.kept.bundle, file)
        if raw is None:
            raise NotFoundError
        return Content(raw, Digest.of(raw))

    async def _pull(self, caller: Caller, grant: Grant, file: str, content: Content) -> Response:
        self._require_cosigned()
        done = await self._context.sequencer.submit(
            lambda transaction: self._log_pull(transaction, caller, grant, file, content)
        )
        index, entry = done.entries[0]
        served = Served(
            bundle=grant.kept.bundle,
            puller=caller.member,
            file=file,
            index=index,
            content=content.digest,
            entry=entry,
            note=done.note,
            receipt=None,
        )
        return _response(content, file, {DELIVERY_HEADER: self._deliveries.sign(caller.pull, served)})

    def _log_pull(self, transaction: Transaction, caller: Caller, grant: Grant, file: str, content: Content) -> None:
        now = self._context.clock.now()
        kept = grant.kept
        self._door.spend(transaction, caller)
        connection = transaction.connection
        if grant.repeat_only and not pulled_before(connection, bundle=kept.bundle, puller=caller.member):
            raise grant.refuse_first()
        days = timedelta(days=grant.contract.receipt_days)
        owed = overdue_receipt(connection, puller=caller.member, series=kept.series, limit=now - days)
        if owed is not None:
            due = format_instant(parse_instant(owed[1], subject="store") + days)
            raise ReceiptOwedError(contract=grant.contract.id, puller=caller.member, bundle=owed[0], due=due)
        index = transaction.append(
            LogDraft(
                type=EntryType.PULL_SERVED,
                counterpart=caller.member,
                contract=kept.contract,
                bundle=kept.bundle,
                evidence=caller.pull,
                pull=caller.pull,
            )
        )
        pulled = KeptPull(
            pull=caller.pull,
            bundle=kept.bundle,
            contract_id=kept.contract_id,
            puller=caller.member,
            file=file,
            index=index,
            content=content.digest,
            at=now,
        )
        keep_pull(connection, pulled, proof=caller.proof)

    async def _refuse(self, caller: Caller, bundle: Digest, refusal: ExchangeError, *, counted: bool) -> None:
        """Spend the proof, and log the refusal of a pull of something that exists: once an hour, with its count."""
        kept = self._context.library.get(bundle)

        def work(transaction: Transaction) -> None:
            self._door.spend(transaction, caller)
            if kept is None or not counted:
                return
            connection, now = transaction.connection, self._context.clock.now()
            count = count_refusal(
                connection, member=caller.member, bundle=bundle, code=refusal.code, pull=caller.pull, at=now
            )
            if count is None:
                return
            transaction.append(
                LogDraft(
                    type=EntryType.PULL_REFUSED,
                    counterpart=caller.member,
                    contract=kept.contract,
                    bundle=bundle,
                    evidence=caller.pull,
                    pull=caller.pull,
                    code=refusal.code,
                    count=count,
                )
            )
            keep_evidence(connection, caller.pull, PROOF_MEDIA_TYPE, caller.proof.encode("ascii"))

        await self._context.sequencer.submit(work)

    def _require_cosigned(self) -> None:
        """After a day without a quorum nothing is handed out any more (DESIGN.md §9)."""
        context = self._context
        since = context.cosigner.behind_since
        if since is None:
            return
        found = int((context.clock.now() - since).total_seconds())
        if found > context.settings.uncosigned_stop_s:
            raise LogUncosignedError(
                origin=context.sequencer.log.origin, allowed_s=context.settings.uncosigned_stop_s, found_s=found
            )


def router(counter: Counter) -> APIRouter:
    """`GET /v1/bundles/{digest}` and `/v1/bundles/{digest}/{file}`."""
    routes = APIRouter(tags=["bundles"])

    @routes.get("/v1/bundles/{digest}", response_class=Response)
    async def bundle(request: Request, digest: str) -> Response:
        """The ZIP of a bundle: a pull."""
        return await counter.answer(request, digest)

    @routes.get("/v1/bundles/{digest}/{file}", response_class=Response)
    async def bundle_file(request: Request, digest: str, file: str) -> Response:
        """One file of a bundle; a pull if it is data.csv."""
        return await counter.answer(request, digest, file if file != ZIP else "")

    return routes


def shortcut(counter: Counter) -> Shortcut:
    """The short way to a ZIP."""
    return Shortcut(method="GET", address=_ZIP_ADDRESS, answer=counter.answer)


def _response(content: Content, file: str, headers: dict[str, str] | None = None) -> Response:
    media_type = MEDIA_TYPE if file == ZIP else _FILE_TYPES.get("." + file.rpartition(".")[2], "text/plain")
    common = {"ETag": f'"{content.digest.hex}"', "Cache-Control": _NO_STORE}
    return Response(content.raw, headers={**common, **(headers or {})}, media_type=media_type)
