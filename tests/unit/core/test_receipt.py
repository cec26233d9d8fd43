import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import rfc8785

from exchange.encoding import Digest, canonical_json, parse_json_object
from exchange.errors import ExchangeError
from exchange.errors.bundle import DeliveryError, ReceiptError
from exchange.errors.encoding import FieldError
from exchange.errors.trust import JwsHeaderError, UnknownKeyError
from exchange.receipt import (
    Delivery,
    Receipt,
    evidence_digest,
    format_delivery,
    format_receipt,
    open_delivery,
    open_receipt,
    parse_delivery,
    parse_receipt,
    pull_id,
    sign_delivery,
    sign_receipt,
)
from tests.world.federation import signer

PUBLISHER, PULLER = signer("kz transport"), signer("kg transport")
PULL, BUNDLE = pull_id("proof"), Digest.of(b"bundle")
DELIVERY = Delivery(
    pull=PULL,
    bundle=BUNDLE,
    publisher="KZ",
    puller="KG",
    entry=b'{"type":"pull.served"}',
    index=7,
    checkpoint="kz.exchange.example/log\n8\nAAAA\n\n— kz …\n",
    file="zip",
    content=Digest.of(b"zip"),
)
RECEIPT = Receipt(
    pull=PULL,
    delivery=Digest.of(b"delivery"),
    bundle=BUNDLE,
    contract=Digest.of(b"contract"),
    purpose="official_statistics",
    verdict="accepted",
    entry=3,
    by="KG",
    at=datetime(2026, 10, 2, 12, tzinfo=UTC),
)


def test_a_pull_is_named_by_the_hash_of_its_proof() -> None:
    # printf abc | sha256sum
    assert pull_id("abc").hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_delivery_reads_back_as_its_publisher_signed_it() -> None:
    token = sign_delivery(DELIVERY, signer=PUBLISHER)
    assert open_delivery(token, keys=[PUBLISHER.public]) == DELIVERY
    assert evidence_digest(token) == Digest.of(token.encode())


@pytest.mark.parametrize(
    "receipt",
    [
        pytest.param(RECEIPT, id="accepted"),
        pytest.param(replace(RECEIPT, verdict="rejected:bundle-resource-digest"), id="rejected with a code"),
        pytest.param(replace(RECEIPT, verdict="incomplete", delivery=None), id="incomplete, nothing arrived"),
        pytest.param(replace(RECEIPT, verdict="incomplete"), id="incomplete after a delivery"),
        pytest.param(replace(RECEIPT, verdict="withdrawn", withdrawal=Digest.of(b"w")), id="a withdrawal acknowledged"),
    ],
)
def test_a_receipt_reads_back_as_its_puller_signed_it(receipt: Receipt) -> None:
    assert open_receipt(sign_receipt(receipt, signer=PULLER), keys=[PULLER.public]) == receipt


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        pytest.param({"delivery": None}, ReceiptError, id="accepted without a delivery"),
        pytest.param({"verdict": "rejected"}, ReceiptError, id="rejected without a code"),
        pytest.param({"verdict": "rejected:Bad code"}, ReceiptError, id="a code that is none"),
        pytest.param({"verdict": "withdrawn"}, ReceiptError, id="withdrawn without the withdrawal"),
        pytest.param({"withdrawal": str(BUNDLE)}, ReceiptError, id="accepted with a withdrawal"),
        pytest.param({"purpose": "Enforcement!"}, ReceiptError, id="a purpose that is none"),
        pytest.param({"type": "receipt/2"}, ReceiptError, id="a newer format"),
        pytest.param({"rows": 54}, FieldError, id="an unknown member"),
        pytest.param({"entry": -1}, FieldError, id="a negative index"),
    ],
)
def test_a_receipt_that_says_anything_else_is_refused(changes: dict[str, object], refusal: type[ExchangeError]) -> None:
    document = parse_json_object(format_receipt(RECEIPT), subject="test")
    with pytest.raises(refusal):
        parse_receipt(canonical_json({**document, **changes}))


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        pytest.param({"file": "clearance.json"}, DeliveryError, id="a file that is no pull"),
        pytest.param({"puller": "KZ"}, DeliveryError, id="served to itself"),
        pytest.param({"type": "delivery/2"}, DeliveryError, id="a newer format"),
        pytest.param({"entry": "not base64"}, ExchangeError, id="an entry that is not base64"),
        pytest.param({"index": True}, FieldError, id="true for an index"),
    ],
)
def test_a_delivery_that_says_anything_else_is_refused(
    changes: dict[str, object], refusal: type[ExchangeError]
) -> None:
    document = parse_json_object(format_delivery(DELIVERY), subject="test")
    with pytest.raises(refusal):
        parse_delivery(canonical_json({**document, **changes}))


@pytest.mark.parametrize(
    "respelt",
    [
        pytest.param(lambda raw: raw.replace(b'"entry":3', b'"entry": 3'), id="a blank"),
        pytest.param(lambda raw: raw.replace(b'"entry":3', b'"entry":03'), id="a leading zero"),
        pytest.param(lambda raw: raw.replace(b'"entry":3', b'"entry":-0'), id="minus zero"),
        pytest.param(lambda raw: raw.replace(b'"entry":3', b'"entry":3.0'), id="a fraction"),
        pytest.param(lambda raw: raw.replace(b'"entry":3', b'"entry":9007199254740993'), id="beyond 2^53"),
        pytest.param(lambda raw: raw.replace(b'"KG"', b'"\\u004bG"'), id="an escape"),
        pytest.param(lambda raw: b'{"type":"receipt/1",' + raw[1:].replace(b',"type":"receipt/1"', b""), id="order"),
        pytest.param(lambda raw: raw[:-1] + b',"type":"receipt/1"}', id="a member twice"),
        pytest.param(lambda raw: raw + b"\n", id="a line end"),
        pytest.param(lambda raw: b"\xef\xbb\xbf" + raw, id="a byte order mark"),
    ],
)
def test_a_receipt_has_one_spelling(respelt: Callable[[bytes], bytes]) -> None:
    changed = respelt(format_receipt(RECEIPT))
    assert changed != format_receipt(RECEIPT)
    with pytest.raises(ExchangeError):
        parse_receipt(changed)


def test_both_are_written_as_rfc_8785_says() -> None:
    odd = replace(DELIVERY, checkpoint='\x00\x08\t\n\x0c\r\x1f"/\\\x7f\x80é€😀\u2028', index=2**53 - 1)
    for written in (format_delivery(odd), format_receipt(RECEIPT), format_receipt(replace(RECEIPT, delivery=None))):
        assert written == rfc8785.dumps(json.loads(written))
    assert parse_delivery(format_delivery(odd)) == odd


def test_a_receipt_is_no_delivery_though_one_key_signs_both() -> None:
    token = sign_receipt(RECEIPT, signer=PUBLISHER)
    with pytest.raises(JwsHeaderError):
        open_delivery(token, keys=[PUBLISHER.public])


def test_nobody_else_can_sign_a_receipt() -> None:
    with pytest.raises(UnknownKeyError):
        open_receipt(sign_receipt(RECEIPT, signer=PUBLISHER), keys=[PULLER.public])
