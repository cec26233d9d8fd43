"""A key under which anybody can sign must not enter anywhere: OpenSSL would take all of these."""

import json

import pytest

from exchange.encoding import base64url_encode
from exchange.errors.trust import WeakKeyError
from exchange.signing.keys import Algorithm, PublicKey, parse_public_jwk
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
