"""What remains of a pull on both sides: the publisher's delivery and the puller's receipt (DESIGN.md §8).

A **pull id** is the SHA-256 of the request's DPoP proof: both sides know it, neither chose it alone. A **delivery** is
the publisher's signed word of what it served under which entry of its log; a **receipt** is the puller's signed word of
what became of it. Both are compact JWS by transport keys, told apart by `typ`.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from exchange.contract.reference import member_id
from exchange.encoding import (
    Digest,
    Json,
    JsonObject,
    base64_decode,
    base64_encode,
    format_instant,
    int_member,
    parse_canonical_object,
    parse_instant,
    parse_json_object,
    require_members,
    text_member,
)
from exchange.errors.bundle import DeliveryError, ReceiptError
from exchange.errors.encoding import CanonicalJsonError
from exchange.signing.jws import open_compact, sign_compact
from exchange.signing.keys import PublicKey, Signer

DELIVERY_TYP = "exchange-delivery+jws"
RECEIPT_TYP = "exchange-receipt+jws"
DELIVERY_TYPE = "delivery/1"
RECEIPT_TYPE = "receipt/1"

SERVED_FILES = ("zip", "data.csv")
"""What a pull can carry; the other files are no pull and leave no debt."""
ACCEPTED = "accepted"
INCOMPLETE = "incomplete"
WITHDRAWN = "withdrawn"
REJECTED = "rejected:"

INTEGER_MAX = 2**53 - 1
"""The largest integer that RFC 8785 writes exactly."""

_PLAIN_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_VERDICT = re.compile(r"(accepted|incomplete|withdrawn|rejected:[a-z][a-z0-9-]{0,63})\Z")
_PURPOSE = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_DELIVERY_MEMBERS = {
    "type", "pull", "bundle", "publisher", "puller", "entry", "index", "checkpoint", "file", "content",
}  # fmt: skip
_RECEIPT_MEMBERS = {"type", "pull", "delivery", "bundle", "contract", "purpose", "verdict", "entry", "by", "at"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The publisher's word of one pull.

    Attributes:
        entry: The exact bytes of the publisher's `pull.served` entry.
        index: Its index in the publisher's log.
        checkpoint: The publisher's signed checkpoint that covers it.
        file: `zip` or `data.csv`.
        content: SHA-256 of the bytes sent.
    """

    pull: Digest
    bundle: Digest
    publisher: str
    puller: str
    entry: bytes = field(repr=False)
    index: int
    checkpoint: str = field(repr=False)
    file: str
    content: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The puller's word of one pull.

    Attributes:
        delivery: Digest of the delivery; None only for `incomplete`, where none arrived.
        verdict: `accepted`, `rejected:<code>`, `incomplete` or `withdrawn`.
        entry: Index of the puller's `bundle.received` or `bundle.rejected` entry.
        by: The puller.
        withdrawal: Digest of `withdrawal.json`, with the verdict `withdrawn` and only then.
    """

    pull: Digest
    delivery: Digest | None
    bundle: Digest
    contract: Digest
    purpose: str
    verdict: str
    entry: int
    by: str
    at: datetime
    withdrawal: Digest | None = None


def pull_id(proof: str) -> Digest:
    """The name of a pull: SHA-256 of the request's DPoP proof, as it stood in the header."""
    return Digest.of(proof.encode("ascii"))


def evidence_digest(token: str) -> Digest:
    """The digest by which logs and receipts name a delivery or a receipt: SHA-256 of the compact JWS."""
    return Digest.of(token.encode("ascii"))


def sign_delivery(delivery: Delivery, *, signer: Signer) -> str:
    """The compact JWS for the header `Exchange-Delivery`, by the publisher's transport key."""
    return sign_compact(format_delivery(delivery), typ=DELIVERY_TYP, signer=signer)


def open_delivery(token: str, *, keys: Sequence[PublicKey]) -> Delivery:
    """The delivery that one of these transport keys signed.

    Args:
        token: The value of the header.
        keys: The transport keys of the member that must have served it; the caller compares `publisher`.

    Raises:
        TrustError: Not signed by any of them, or not as a delivery.
        EncodingError, DeliveryError: Not the form.
    """
    return parse_delivery(open_compact(token, typ=DELIVERY_TYP, keys=keys))


def sign_receipt(receipt: Receipt, *, signer: Signer) -> str:
    """The compact JWS for `POST /v1/receipts`, by the puller's transport key."""
    return sign_compact(format_receipt(receipt), typ=RECEIPT_TYP, signer=signer)


def open_receipt(token: str, *, keys: Sequence[PublicKey]) -> Receipt:
    """The receipt that one of these transport keys signed; the caller compares `by`.

    Raises:
        TrustError: Not signed by any of them, or not as a receipt.
        EncodingError, ReceiptError: Not the form.
    """
    return parse_receipt(open_compact(token, typ=RECEIPT_TYP, keys=keys))


def format_delivery(delivery: Delivery) -> bytes:
    """The RFC 8785 payload of a delivery."""
    return _written(
        {
            "type": DELIVERY_TYPE,
            "pull": str(delivery.pull),
            "bundle": str(delivery.bundle),
            "publisher": delivery.publisher,
            "puller": delivery.puller,
            "entry": base64_encode(delivery.entry),
            "index": delivery.index,
            "checkpoint": delivery.checkpoint,
            "file": delivery.file,
            "content": str(delivery.content),
        }
    )


def parse_delivery(payload: bytes) -> Delivery:
    """Read a delivery's payload, unverified.

    Raises:
        EncodingError: Not RFC 8785 bytes, a member missing or unknown, a digest or base64 that is none.
        DeliveryError: Another type, a file that is no pull, or a publisher that serves itself.
    """
    found = parse_canonical_object(payload, subject="delivery")
    require_members(found, _DELIVERY_MEMBERS, subject="delivery")
    if found["type"] != DELIVERY_TYPE:
        raise DeliveryError(field="type", expected=DELIVERY_TYPE, found=_shown(found["type"]))
    if found["file"] not in SERVED_FILES:
        raise DeliveryError(field="file", expected=" or ".join(SERVED_FILES), found=_shown(found["file"]))
    delivery = Delivery(
        pull=_digest(found, "pull", "delivery"),
        bundle=_digest(found, "bundle", "delivery"),
        publisher=member_id(found, "publisher", subject="delivery"),
        puller=member_id(found, "puller", subject="delivery"),
        entry=base64_decode(text_member(found, "entry", subject="delivery"), subject="delivery: entry"),
        index=int_member(found, "index", subject="delivery"),
        checkpoint=text_member(found, "checkpoint", subject="delivery"),
        file=text_member(found, "file", subject="delivery"),
        content=_digest(found, "content", "delivery"),
    )
    if delivery.publisher == delivery.puller:
        raise DeliveryError(field="puller", expected="another member than the publisher", found=delivery.puller)
    return delivery


def format_receipt(receipt: Receipt) -> bytes:
    """The RFC 8785 payload of a receipt."""
    payload: JsonObject = {
        "type": RECEIPT_TYPE,
        "pull": str(receipt.pull),
        "delivery": None if receipt.delivery is None else str(receipt.delivery),
        "bundle": str(receipt.bundle),
        "contract": str(receipt.contract),
        "purpose": receipt.purpose,
        "verdict": receipt.verdict,
        "entry": receipt.entry,
        "by": receipt.by,
        "at": format_instant(receipt.at),
    }
    if receipt.withdrawal is not None:
        payload["withdrawal"] = str(receipt.withdrawal)
    return _written(payload)


def parse_receipt(payload: bytes) -> Receipt:
    """Read a receipt's payload, unverified.

    Raises:
        EncodingError: Not RFC 8785 bytes, a member missing or unknown, a digest or time that is none.
        ReceiptError: Another type or verdict, or members that do not go with the verdict.
    """
    found = parse_json_object(payload, subject="receipt")
    require_members(found, _RECEIPT_MEMBERS, optional=frozenset({"withdrawal"}), subject="receipt")
    if found["type"] != RECEIPT_TYPE:
        raise ReceiptError(field="type", expected=RECEIPT_TYPE, found=_shown(found["type"]))
    receipt = Receipt(
        pull=_digest(found, "pull", "receipt"),
        delivery=None if found["delivery"] is None else _digest(found, "delivery", "receipt"),
        bundle=_digest(found, "bundle", "receipt"),
        contract=_digest(found, "contract", "receipt"),
        purpose=_matched(found, "purpose", _PURPOSE, "a purpose of the contract"),
        verdict=_matched(found, "verdict", _VERDICT, "accepted, rejected:<code>, incomplete or withdrawn"),
        entry=int_member(found, "entry", subject="receipt"),
        by=member_id(found, "by", subject="receipt"),
        at=parse_instant(found["at"], subject="receipt: at"),
        withdrawal=_digest(found, "withdrawal", "receipt") if "withdrawal" in found else None,
    )
    if receipt.entry > INTEGER_MAX or format_receipt(receipt) != payload:
        raise CanonicalJsonError(subject="receipt")
    _require_verdict_members(receipt)
    return receipt


def _require_verdict_members(receipt: Receipt) -> None:
    if receipt.delivery is None and receipt.verdict != INCOMPLETE:
        raise ReceiptError(field="delivery", expected=f"a digest with {receipt.verdict}", found="null")
    if (receipt.withdrawal is not None) != (receipt.verdict == WITHDRAWN):
        found = "absent" if receipt.withdrawal is None else "present"
        raise ReceiptError(field="withdrawal", expected=f"with {WITHDRAWN} and only then", found=found)


def _written(members: JsonObject) -> bytes:
    # Texts, small integers and null only: for them sorted compact JSON is RFC 8785 (§3.2.2, §3.2.3), and the standard
    # library writes it twenty times faster. A test compares the two.
    return _PLAIN_JSON.encode(members).encode("utf-8")


def _digest(value: JsonObject, name: str, subject: str) -> Digest:
    return Digest.parse(value[name], subject=f"{subject}: {name}")


def _matched(value: JsonObject, name: str, pattern: re.Pattern[str], expected: str) -> str:
    text = text_member(value, name, subject="receipt")
    if pattern.match(text) is None:
        raise ReceiptError(field=name, expected=expected, found=text[:80])
    return text


def _shown(value: Json) -> str:
    return value[:80] if isinstance(value, str) else type(value).__name__
