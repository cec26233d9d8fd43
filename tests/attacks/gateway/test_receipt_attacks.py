"""Attacks with receipts and statements: by members, with real keys, and still nothing is taken that does not hold."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from exchange.encoding import Digest, base64_encode, base64url_encode, canonical_json
from exchange.receipt import (
    DELIVERY_TYP,
    RECEIPT_TYP,
    Receipt,
    format_receipt,
    sign_receipt,
)
from exchange.signing.jws import sign_compact
from exchange.signing.keys import Algorithm, KeyPurpose, Signer, SoftwareSigner
from exchange.statement import StatementType
from tests.attacks.gateway.conftest import Members
from tests.world.by_hand import Partner
from tests.world.served import ServedGateway
from tests.world.statements import say

pytestmark = pytest.mark.asyncio(loop_scope="package")

STRANGER = SoftwareSigner.from_seed(Algorithm.ED25519, b"\x07" * 32)
NOWHERE = Digest("0" * 64)
Bend = Callable[[Partner, Receipt], str]


def bent(**changed: Any) -> Bend:  # noqa: ANN401  # whatever an attack bends
    return lambda kg, receipt: sign_receipt(replace(receipt, **changed), signer=kg.signer)


def by(signer: Callable[[Partner], Signer], typ: str = RECEIPT_TYP) -> Bend:
    return lambda kg, receipt: sign_compact(format_receipt(receipt), typ=typ, signer=signer(kg))


def headed(**changed: object) -> Bend:
    """With other members in the protected header, and signed for real."""

    def bend(kg: Partner, receipt: Receipt) -> str:
        header = {"alg": "Ed25519", "kid": kg.signer.public.kid, "typ": RECEIPT_TYP, **changed}
        kept = {name: value for name, value in header.items() if value is not None}
        text = base64url_encode(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode())
        text += "." + base64url_encode(format_receipt(receipt))
        return text + "." + base64url_encode(kg.signer.sign(text.encode()))

    return bend


def bodied(change: Callable[[bytes], bytes]) -> Bend:
    return lambda kg, receipt: sign_compact(change(format_receipt(receipt)), typ=RECEIPT_TYP, signer=kg.signer)


def respelt(change: Callable[[str], str]) -> Bend:
    return lambda kg, receipt: change(sign_receipt(receipt, signer=kg.signer))


def key_of(kg: Partner, member: str, purpose: KeyPurpose) -> Signer:
    return kg.world.bundle.federation.signer(member, purpose)


RECEIPTS: list[tuple[str, Bend, int, str | None]] = [
    ("in another member's name", bent(by="TJ"), 409, "receipt-mismatch"),
    ("for a pull that never was", bent(pull=NOWHERE), 404, "pull-unknown"),
    ("for another bundle", bent(bundle=NOWHERE), 409, "receipt-mismatch"),
    ("under another contract", bent(contract=NOWHERE), 409, "receipt-mismatch"),
    ("quoting another delivery", bent(delivery=NOWHERE), 409, "receipt-mismatch"),
    ("acknowledging a withdrawal that is none", bent(verdict="withdrawn", withdrawal=NOWHERE), 409, "receipt-mismatch"),
    ("signed by a stranger", by(lambda _: STRANGER), 422, None),
    ("signed by a member's key for another purpose", by(lambda kg: key_of(kg, "KG", KeyPurpose.WITNESS)), 422, None),
    ("signed by another member", by(lambda kg: key_of(kg, "TJ", KeyPurpose.TRANSPORT)), 422, None),
    ("signed as a delivery", by(lambda kg: kg.signer, DELIVERY_TYP), 422, None),
    ("signed as a DPoP proof", by(lambda kg: kg.signer, "dpop+jwt"), 422, None),
    ("alg none", headed(alg="none"), 422, None),
    ("alg HS256", headed(alg="HS256"), 422, None),
    ("alg EdDSA", headed(alg="EdDSA"), 422, None),
    ("no kid", headed(kid=None), 422, None),
    ("its own key", headed(jwk=STRANGER.public.jwk()), 422, None),
    ("a key's address", headed(jku="http://169.254.169.254/keys"), 422, None),
    ("a certificate's address", headed(x5u="http://127.0.0.1:1/c.pem"), 422, None),
    ("an extension that must be understood", headed(crit=["b64"], b64=False), 422, None),
    ("a verdict that is none", bodied(lambda raw: raw.replace(b'"accepted"', b'"fine"')), 422, None),
    ("a member too many", bodied(lambda raw: raw[:-1] + b',"value":1}'), 422, None),
    ("a member twice", bodied(lambda raw: raw[:-1] + b',"verdict":"accepted"}'), 422, None),
    ("another spelling of its JSON", bodied(lambda raw: raw.replace(b'":', b'": ')), 422, None),
    ("an entry that is no index", bodied(lambda raw: raw.replace(b'"entry":7', b'"entry":-7')), 422, None),
    ("an entry beyond integers", bodied(lambda raw: raw.replace(b'"entry":7', b'"entry":9007199254740993')), 422, None),
    ("an entry as a fraction", bodied(lambda raw: raw.replace(b'"entry":7', b'"entry":7.0')), 422, None),
    ("deep JSON", bodied(lambda _: b"[" * 5000 + b"]" * 5000), 422, None),
    ("no JSON", bodied(lambda _: b"\xff\xfe"), 422, None),
    ("padding", respelt(lambda token: token + "="), 422, None),
    ("a line's end after it", respelt(lambda token: token + "\n"), 422, None),
    ("a space before it", respelt(lambda token: " " + token), 422, None),
    ("without its signature", respelt(lambda token: token.rpartition(".")[0] + "."), 422, None),
    ("in four parts", respelt(lambda token: token + "." + token), 422, None),
    ("a signature in another spelling", respelt(lambda token: token[:-1] + chr(ord(token[-1]) ^ 1)), 422, None),
    ("twice in one", respelt(lambda token: token + token), 422, None),
    ("nothing", lambda _kg, _receipt: "", 422, None),
    ("sixty thousand characters", lambda _kg, _receipt: "a" * 60_000, 422, None),
    ("a hundred thousand characters", lambda _kg, _receipt: "a" * 100_000, 413, "request-too-large"),
]  # fmt: skip


@pytest.mark.parametrize(("bend", "status", "code"), [pytest.param(*rest, id=name) for name, *rest in RECEIPTS])
async def test_a_receipt_that_does_not_hold_is_not_taken(
    kg: Partner, pulled: Receipt, bend: Bend, status: int, code: str | None
) -> None:
    answer = await kg.post("/v1/receipts", bend(kg, pulled).encode())

    found = answer.json()
    assert (answer.status_code, found["status"]) == (status, status), found
    assert code in {None, found["code"]}
    assert found["type"] == f"/errors/{found['code']}"


async def test_nobody_leaves_a_receipt_for_another_members_pull(members: Members, pulled: Receipt) -> None:
    tj = await members.get("TJ")
    token = sign_receipt(replace(pulled, by="TJ"), signer=tj.signer)

    answer = await tj.post("/v1/receipts", token.encode())

    assert (answer.status_code, answer.json()["code"]) == (404, "pull-unknown")


async def test_a_receipt_without_a_token_is_not_read(served: ServedGateway, pulled: Receipt) -> None:
    kg = served.partner("KG")
    token = sign_receipt(pulled, signer=kg.signer)

    answer = await kg.http.post(kg.issuer + "/v1/receipts", content=token)

    assert (answer.status_code, answer.json()["code"]) == (401, "token-missing")


def statement_of(kg: Partner, party: str = "KG", kind: StatementType = StatementType.SUSPENDED) -> bytes:
    return say(kg.world.bundle.contract, party, kind, at=kg.world.clock.now()).raw


def contract_address(kg: Partner) -> str:
    contract = kg.world.bundle.contract
    return f"/v1/contracts/{contract.id}/{contract.version}/statements"


async def statement(kg: Partner, raw: bytes) -> Any:  # noqa: ANN401  # an answer
    return await kg.post(contract_address(kg), raw)


async def proposal(kg: Partner, raw: bytes) -> Any:  # noqa: ANN401  # an answer
    return await kg.post("/v1/contracts", canonical_json({"contract": base64_encode(raw)}))


def text_of(kg: Partner) -> bytes:
    return kg.world.bundle.contract.raw


def other(kg: Partner) -> bytes:
    return text_of(kg).replace(b"plan.", b"plan!")


BOMB = b"a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n"
KEYS = b"".join(b"k%d: 1\n" % number for number in range(50_000))
SAID: list[tuple[str, Callable[[Partner], Awaitable[Any]], set[int]]] = [
    ("a statement by a key that is not the registry's", lambda kg: statement(kg, statement_of(kg)), {422}),
    ("a statement in a stranger's name", lambda kg: statement(kg, statement_of(kg, "GB")), {403, 422}),
    ("a statement cut short", lambda kg: statement(kg, statement_of(kg)[:-9]), {422}),
    ("an empty statement", lambda kg: statement(kg, b""), {422}),
    ("a statement of noise", lambda kg: statement(kg, bytes(range(256))), {422}),
    ("another text under a version that is taken", lambda kg: proposal(kg, other(kg)), {409}),
    ("a contract of anchors and aliases", lambda kg: proposal(kg, BOMB), {422}),
    ("a contract that makes objects", lambda kg: proposal(kg, b"!!python/object/apply:os.system ['id']"), {422}),
    ("a contract with a key twice", lambda kg: proposal(kg, text_of(kg) + b"\nstatus: draft\n"), {422}),
    ("a contract ten thousand levels deep", lambda kg: proposal(kg, b"[" * 10_000 + b"]" * 10_000), {422}),
    ("a contract of 250,000 values", lambda kg: proposal(kg, b"a: [" + b"1," * 250_000 + b"1]\n"), {422}),
    ("a contract of fifty thousand keys", lambda kg: proposal(kg, KEYS), {422}),
    ("a contract that is no text", lambda kg: proposal(kg, b"\xff\xfe\x00"), {422}),
    ("a contract in no base64", lambda kg: kg.post("/v1/contracts", b'{"contract":"***"}'), {422}),
    ("a proposal with a member too many", lambda kg: kg.post("/v1/contracts", b'{"contract":"YQ==","by":"KZ"}'), {422}),
    ("a proposal that is a list", lambda kg: kg.post("/v1/contracts", b"[]"), {422}),
    ("a proposal of three megabytes", lambda kg: kg.post("/v1/contracts", b"a" * 3_000_000), {413}),
]  # fmt: skip


@pytest.mark.parametrize(("act", "statuses"), [pytest.param(*rest, id=name) for name, *rest in SAID])
async def test_a_statement_or_contract_that_does_not_hold_changes_nothing(
    kg: Partner, act: Callable[[Partner], Awaitable[Any]], statuses: set[int]
) -> None:
    answer = await act(kg)

    assert answer.status_code in statuses, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
