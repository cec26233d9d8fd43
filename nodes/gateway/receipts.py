"""Receipts: the puller's signed word, held against what this node said when it served (DESIGN.md §8).

A receipt fits one pull of this node by this caller, and quotes the delivery that this node signed for it. Deliveries
are not stored: Ed25519 signs the same bytes the same way, so one is made again from the entry and its checkpoint.
"""

from fastapi import APIRouter, Request
from starlette.responses import Response

from exchange.encoding import Digest, canonical_json
from exchange.errors.exchange_ import PullUnknownError, ReceiptMismatchError
from exchange.errors.node import RequestMalformedError
from exchange.log.entry import EntryType
from exchange.receipt import INCOMPLETE, WITHDRAWN, Delivery, Receipt, evidence_digest, open_receipt, sign_delivery
from exchange.signing.keys import KeyPurpose, Signer
from nodes.adapters.pull_store import Served, keep_receipt, receipt_index, served
from nodes.adapters.sequencer import LogDraft, Transaction
from nodes.gateway.access import Caller, Door, spend_proof
from nodes.gateway.context import GatewayContext


def router(context: GatewayContext, door: Door) -> APIRouter:
    """`POST /v1/receipts`."""
    routes = APIRouter(tags=["receipts"])

    @routes.post("/v1/receipts", response_class=Response)
    async def receipts(request: Request) -> Response:
        """Take a receipt; the same one again gets the same answer."""
        caller = door.authenticate(request)
        body = await request.body()
        if not body.isascii():
            raise RequestMalformedError(subject="receipt", reason="expected a compact JWS")
        token = body.decode("ascii")
        keys = context.trust.current().keys(caller.member, KeyPurpose.TRANSPORT, at=context.clock.now())
        receipt = open_receipt(token, keys=keys)
        done = await context.sequencer.submit(lambda transaction: _take(transaction, context, caller, receipt, token))
        new, index = done.result
        document = {"receipt": str(evidence_digest(token)), "index": index}
        return Response(canonical_json(document), 201 if new else 200, media_type="application/json")

    return routes


def _take(
    transaction: Transaction, context: GatewayContext, caller: Caller, receipt: Receipt, token: str
) -> tuple[bool, int]:
    """Whether the receipt is new, and its receipt.got entry."""
    spend_proof(transaction, caller)
    digest = evidence_digest(token)
    known = receipt_index(transaction.connection, digest)
    if known is not None:
        return False, known
    found = served(transaction.connection, receipt.pull)
    if found is None or found.puller != caller.member:
        raise PullUnknownError(pull=str(receipt.pull), puller=caller.member)
    kept = context.library.get(found.bundle)
    assert kept is not None  # it was served, and publications are never removed
    _compare(receipt, found, caller=caller, contract=kept.contract, member=context.member, signer=context.transport)
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


def _compare(receipt: Receipt, found: Served, *, caller: Caller, contract: Digest, member: str, signer: Signer) -> None:
    """Refuse a receipt that says anything else about the pull than this node's own record.

    Raises:
        ReceiptMismatchError: The first field that differs.
    """
    delivery = evidence_digest(_delivery(receipt.pull, found, member=member, signer=signer))
    required: dict[str, tuple[object, object]] = {
        "by": (caller.member, receipt.by),
        "bundle": (found.bundle, receipt.bundle),
        "contract": (contract, receipt.contract),
        "receipt": ("the first for this pull", "another" if found.receipt else "the first for this pull"),
    }
    if not (receipt.verdict == INCOMPLETE and receipt.delivery is None):
        required["delivery"] = (delivery, receipt.delivery)
    if receipt.verdict == WITHDRAWN:
        required["withdrawal"] = ("none: this bundle is not withdrawn", receipt.withdrawal)
    for field, (expected, claimed) in required.items():
        if expected != claimed:
            raise ReceiptMismatchError(pull=str(receipt.pull), field=field, expected=str(expected), found=str(claimed))


def _delivery(pull: Digest, found: Served, *, member: str, signer: Signer) -> str:
    return sign_delivery(
        Delivery(
            pull=pull,
            bundle=found.bundle,
            publisher=member,
            puller=found.puller,
            entry=found.entry,
            index=found.index,
            checkpoint=found.note.decode("utf-8"),
            file=found.file,
            content=found.content,
        ),
        signer=signer,
    )
