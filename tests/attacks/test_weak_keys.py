"""A key under which anybody can sign must not enter anywhere: OpenSSL would take all of these."""

import hashlib
import json
from collections.abc import Callable

import pytest

from exchange.encoding import base64_encode, base64url_encode, canonical_json
from exchange.errors import ExchangeError
from exchange.errors.trust import WeakKeyError
from exchange.log.note import SignatureKind, parse_vkey
from exchange.log.policy import parse_policy
from exchange.signing.admission import open_application
from exchange.signing.key_file import parse_reference
from exchange.signing.keys import Algorithm, PublicKey, parse_public_jwk
from exchange.signing.members import parse_member_keys
from tests.shared import shared

P = 2**255 - 19
SIGN = 1 << 255
# The y of all eight points of small order, with both signs, and their encodings that are not reduced
ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
SMALL_ORDER = {
    "the identity": 1,
    "the identity with a sign": 1 | SIGN,
    "the identity, not reduced": P + 1,
    "the identity, not reduced, with a sign": P + 1 | SIGN,
    "order 2": P - 1,
    "order 2 with a sign": P - 1 | SIGN,
    "order 4": 0,
    "order 4, the other": 0 | SIGN,
    "order 4, not reduced": P,
    "order 4, the other, not reduced": P | SIGN,
    "order 8, first": ORDER_8,
    "order 8, second": ORDER_8 | SIGN,
    "order 8, third": P - ORDER_8,
    "order 8, fourth": P - ORDER_8 | SIGN,
}


def encoded(y: int) -> bytes:
    return y.to_bytes(32, "little")


def test_the_list_is_the_one_that_others_made() -> None:
    vectors = json.loads(shared("tlog-vectors/cctv-ed25519/ed25519vectors.json").read_text(encoding="utf-8"))
    theirs = {vector["key"] for vector in vectors if "low_order_A" in (vector["flags"] or [])}
    assert {encoded(y).hex() for y in SMALL_ORDER.values()} == theirs
    assert len(theirs) == 14


@pytest.mark.parametrize("y", [pytest.param(y, id=name) for name, y in SMALL_ORDER.items()])
def test_a_key_of_small_order_does_not_exist(y: int) -> None:
    with pytest.raises(WeakKeyError):
        PublicKey(Algorithm.ED25519, encoded(y))
    with pytest.raises(WeakKeyError):
        parse_public_jwk({"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(encoded(y))})


def test_no_signature_made_without_a_private_key_counts() -> None:
    vectors = json.loads(shared("tlog-vectors/cctv-ed25519/ed25519vectors.json").read_text(encoding="utf-8"))
    forged = [vector for vector in vectors if "low_order_A" in (vector["flags"] or [])]
    for vector in forged:
        with pytest.raises(WeakKeyError):
            PublicKey(Algorithm.ED25519, bytes.fromhex(vector["key"]))
    assert len(forged) > 400


@pytest.mark.parametrize("extra", range(19))
@pytest.mark.parametrize("sign", [0, SIGN], ids=["even", "odd"])
def test_a_y_that_is_not_reduced_is_refused(extra: int, sign: int) -> None:
    with pytest.raises(WeakKeyError, match="not reduced"):
        PublicKey(Algorithm.ED25519, encoded(P + extra | sign))


def test_bytes_that_are_no_point_are_refused() -> None:
    # RFC 8032 §5.1.3 step 3: y = 2 has no x, since (4-1)/(4d+1) is no square
    with pytest.raises(WeakKeyError, match="no point"):
        PublicKey(Algorithm.ED25519, encoded(2))


def jwk_of(raw: bytes) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(raw)}


def vkey_of(raw: bytes, kind: int, name: str = "kz.exchange.example/log") -> str:
    """C2SP signed-note, "Verifier keys", with the key id that fits: nothing but the key is wrong."""
    typed = bytes([kind]) + raw
    key_id = hashlib.sha256(name.encode() + b"\n" + typed).hexdigest()[:8]
    return f"{name}+{key_id}+{base64_encode(typed)}"


def policy(raw: bytes, kind: int) -> None:
    line = f"log {vkey_of(raw, 1)}" if kind == 1 else f"witness kg {vkey_of(raw, 4)}"
    parse_policy(f"{line}\nquorum none\n".encode())


def member_keys(raw: bytes) -> None:
    listed = {"purpose": "transport", "jwk": jwk_of(raw), "valid_from": "2026-10-01T09:00:00Z"}
    document = {"type": "member-keys/1", "member": "KZ", "issuer": "http://kz", "log": "", "keys": [listed]}
    parse_member_keys(canonical_json(document), member_id="KZ", kind="state", name={"en": "x", "ru": "x"})


def application(raw: bytes) -> None:
    asked = {"purpose": "transport", "jwk": jwk_of(raw), "proof": ""}
    document = {"type": "key-application/1", "member": "KZ", "at": "2026-10-01T09:00:00Z", "keys": [asked]}
    open_application(canonical_json(document), trust=None)


def reference(raw: bytes) -> None:
    document = {"v": 1, "alg": "Ed25519", "kid": "x", "purpose": "log", "jwk": jwk_of(raw), "token": "pkcs11:"}
    parse_reference(canonical_json(document), purpose="log", path="log.key")


PLACES = {
    "a JWK": lambda raw: parse_public_jwk(jwk_of(raw)),
    "the verifier key of a log": lambda raw: parse_vkey(vkey_of(raw, 1), kind=SignatureKind.LOG),
    "the verifier key of a witness": lambda raw: parse_vkey(vkey_of(raw, 4), kind=SignatureKind.COSIGNATURE),
    "a log of a witness policy": lambda raw: policy(raw, 1),
    "a witness of a witness policy": lambda raw: policy(raw, 4),
    "a member's keys in the registry": member_keys,
    "an application for keys": application,
    "a key file that names a token": reference,
}
"""Where a key comes in; roles of the registry itself: tests/attacks/test_registry_refusals.py."""
ODD = {
    **{name: encoded(y) for name, y in SMALL_ORDER.items()},
    "not reduced": encoded(P + 3),
    "not reduced, odd": encoded(P + 3 | SIGN),
    "no point": encoded(2),
}


@pytest.mark.parametrize("place", [pytest.param(place, id=name) for name, place in PLACES.items()])
@pytest.mark.parametrize("raw", [pytest.param(raw, id=name) for name, raw in ODD.items()])
@pytest.mark.asvs("V11.6.1")
def test_such_a_key_enters_nowhere(place: Callable[[bytes], object], raw: bytes) -> None:
    with pytest.raises(ExchangeError, match="canonical point of large order"):
        place(raw)


@pytest.mark.parametrize("place", [pytest.param(place, id=name) for name, place in PLACES.items()])
def test_at_each_place_the_key_alone_was_wrong(place: Callable[[bytes], object]) -> None:
    good = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")  # RFC 8032 §7.1, test 1
    refusal = ""
    try:
        place(good)
    except ExchangeError as error:  # the file around it is not whole
        refusal = error.code
    assert refusal in {"", "field-malformed", "private-key-file", "key-possession"}
