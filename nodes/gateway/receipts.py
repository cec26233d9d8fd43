"""Receipts: the puller's signed word, held against what this node said when it served (DESIGN.md §8).

A receipt fits one pull of this node by this caller, and quotes the delivery that this node signed for it.
"""

import re

from fastapi import APIRouter, Request
from starlette.responses import Response

from exchange.encoding import Digest, canonical_json
from exchange.errors.exchange_ import PullUnknownError, ReceiptMismatchError
from exchange.errors.node import RequestMalformedError
from exchange.log.entry import EntryType
from exchange.receipt import INCOMPLETE, WITHDRAWN, Receipt, evidence_digest, open_receipt
from nodes.adapters.pull_store import Served, acknowledged, keep_receipt, receipt_index, served
from nodes.adapters.sequencer import LogDraft, Transaction
from nodes.gateway.access import Caller, Door
from nodes.gateway.context import GatewayContext
from nodes.gateway.deliveries import Deliveries
from nodes.gateway.withdrawing import Withdrawing
from nodes.web.shortcut import Shortcut

_ADDRESS = "/v1/receipts"


class ReceiptDesk:
    """Takes receipts."""

    def __init__(self, context: GatewayContext, door: Door, deliveries: Deliveries, withdrawing: Withdrawing) -> None:
        self._context = context
        self._door = door
        self._deliveries = deliveries
        self._withdrawing = withdrawing

    async def answer(self, request: Request) -> Response:
        """Take a receipt; the same one again gets the same answer."""
        caller = self._door.authenticate(request)
        body = await request.body()
        if not body.isascii():
            raise RequestMalformedError(subject="receipt", reason="expected a compact JWS")
        token = body.decode("ascii")
        receipt = open_receipt(token, keys=caller.keys)
        done = await self._context.sequencer.submit(lambda transaction: self._take(transaction, caller, receipt, token))
        new, index = done.result
        document = {"receipt": str(evidence_digest(token)), "index": index}
        return Response(canonical_json(document), 201 if new else 200, media_type="application/json")

    def _take(self, transaction: Transaction, caller: Caller, receipt: Receipt, token: str) -> tuple[bool, int]:
        """Whether the receipt is new, and its receipt.got entry."""
        self._door.spend(transaction, caller)
        digest = evidence_digest(token)
        known = receipt_index(transaction.connection, digest)
        if known is not None:
            return False, known
        found = served(transaction.connection, receipt.pull)
        if found is None or found.puller != caller.member:
            raise PullUnknownError(pull=str(receipt.pull), puller=caller.member)
        kept = self._context.library.get(found.bundle)
        assert kept is not None  # it was served, and publications are never removed
        delivery = self._deliveries.digest(receipt.pull, found)
        if receipt.verdict == WITHDRAWN:
            first = not acknowledged(transaction.connection, receipt.pull)
        else:
            first = found.receipt is None
        _compare(receipt, found, caller=caller, contract=kept.contract, delivery=delivery, first=first)
        if receipt.verdict == WITHDRAWN:
            _compare_withdrawal(receipt, self._withdrawing.digest(found.bundle))
        index = transaction.append(
            LogDraft(
                type=EntryType.RECEIPT_GOT,
                counterpart=caller.member,
                contract=kept.contract,
                bundle=found.bundle,
                evidence=digest,
                pull=receipt.pull,
                code=receipt.verdict,
            )
        )
        keep_receipt(
            transaction.connection,
            digest=digest,
            pull=receipt.pull,
            bundle=found.bundle,
            puller=caller.member,
            verdict=receipt.verdict,
            index=index,
            raw=token.encode("ascii"),
        )
        return True, index


def router(desk: ReceiptDesk) -> APIRouter:
    """`POST /v1/receipts`."""
    routes = APIRouter(tags=["receipts"])

    @routes.post(_ADDRESS, response_class=Response)
    async def receipts(request: Request) -> Response:
        """Take a receipt; the same one again gets the same answer."""
        return await desk.answer(request)

    return routes


def shortcut(desk: ReceiptDesk) -> Shortcut:
    """The short way to leave a receipt."""
    return Shortcut(method="POST", address=re.compile(_ADDRESS), answer=desk.answer)


def _compare(
    receipt: Receipt, found: Served, *, caller: Caller, contract: Digest, delivery: Digest, first: bool
) -> None:
    """Refuse a receipt that says anything else about the pull than this node's own record.

    Of a pull there is one receipt, and one acknowledgement if its bundle is withdrawn.

    Raises:
        ReceiptMismatchError: The first field that differs.
    """
    required: dict[str, tuple[object, object]] = {
        "by": (caller.member, receipt.by),
        "bundle": (found.bundle, receipt.bundle),
        "contract": (contract, receipt.contract),
        "receipt": ("the first for this pull", "the first for this pull" if first else "another"),
    }
    if not (receipt.verdict == INCOMPLETE and receipt.delivery is None):
        required["delivery"] = (delivery, receipt.delivery)
    for field, (expected, claimed) in required.items():
        if expected != claimed:
            raise ReceiptMismatchError(pull=str(receipt.pull), field=field, expected=str(expected), found=str(claimed))


def _compare_withdrawal(receipt: Receipt, withdrawal: Digest | None) -> None:
    """Refuse an acknowledgement of a withdrawal that is none, or of other words.

    Raises:
        ReceiptMismatchError: Expected and found.
    """
    expected = "none: this bundle is not withdrawn" if withdrawal is None else str(withdrawal)
    if withdrawal is None or receipt.withdrawal != withdrawal:
        raise ReceiptMismatchError(
            pull=str(receipt.pull), field="withdrawal", expected=expected, found=str(receipt.withdrawal)
        )
