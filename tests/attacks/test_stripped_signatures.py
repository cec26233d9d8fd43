"""Two signatures are required: whoever breaks one algorithm, or drops the one that does not hold, gains nothing."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from exchange.encoding import canonical_json
from exchange.errors import ExchangeError
from exchange.errors.trust import JwsFormError, JwsHeaderError, SignatureError, SignatureSetError, UnknownKeyError
from exchange.signing.jws import sign_detached, verify_detached
from exchange.signing.keys import Algorithm
from tests.world.federation import hybrid

TYP = "exchange-bundle+jws"
MANIFEST = b'{"name":"kz-ca-01-border-2026-09-r0"}'
OURS = hybrid("ours")
THIEF = hybrid("thief")
JWS = sign_detached(MANIFEST, typ=TYP, signers=OURS.signers)
OF_THIEF = json.loads(sign_detached(MANIFEST, typ=TYP, signers=THIEF.signers))["signatures"]
OF_OTHER_BYTES = json.loads(sign_detached(b"other", typ=TYP, signers=OURS.signers))["signatures"]
OF_OTHER_TYPE = json.loads(sign_detached(MANIFEST, typ="exchange-statement+jws", signers=OURS.signers))["signatures"]


def altered(change: Callable[[list[Any]], object]) -> bytes:
    document = json.loads(JWS)
    change(document["signatures"])
    return canonical_json(document)


def put(index: int, entry: object) -> bytes:
    return altered(lambda signatures: signatures.__setitem__(index, entry))


def test_the_untouched_one_holds() -> None:
    assert verify_detached(JWS, MANIFEST, typ=TYP, keys=OURS.public) == OURS.public


@pytest.mark.parametrize(
    ("jws", "refusal"),
    [
        pytest.param(altered(lambda s: s.pop(0)), SignatureSetError, id="Ed25519 stripped"),
        pytest.param(altered(lambda s: s.pop(1)), SignatureSetError, id="ML-DSA-65 stripped"),
        pytest.param(altered(lambda s: s.clear()), JwsFormError, id="both stripped"),
        pytest.param(altered(lambda s: s.reverse()), SignatureSetError, id="exchanged"),
        pytest.param(put(1, json.loads(JWS)["signatures"][0]), SignatureSetError, id="Ed25519 twice"),
        pytest.param(put(0, json.loads(JWS)["signatures"][1]), SignatureSetError, id="ML-DSA-65 twice"),
        pytest.param(altered(lambda s: s.append(s[1])), JwsFormError, id="one more"),
        pytest.param(put(0, OF_THIEF[0]), UnknownKeyError, id="Ed25519 of another"),
        pytest.param(put(1, OF_THIEF[1]), UnknownKeyError, id="ML-DSA-65 of another"),
        pytest.param(put(0, OF_OTHER_BYTES[0]), SignatureError, id="Ed25519 over other bytes"),
        pytest.param(put(1, OF_OTHER_BYTES[1]), SignatureError, id="ML-DSA-65 over other bytes"),
        pytest.param(put(0, OF_OTHER_TYPE[0]), JwsHeaderError, id="Ed25519 of another kind of document"),
        pytest.param(put(1, OF_OTHER_TYPE[1]), JwsHeaderError, id="ML-DSA-65 of another kind of document"),
        pytest.param(
            put(1, OF_THIEF[1] | {"protected": json.loads(JWS)["signatures"][1]["protected"]}),
            SignatureError,
            id="ML-DSA-65 of another under our name",
        ),
        pytest.param(altered(lambda s: s[1].update(signature="")), SignatureError, id="ML-DSA-65 emptied"),
    ],
)
def test_a_manifest_without_both_signatures_is_refused(jws: bytes, refusal: type[ExchangeError]) -> None:
    with pytest.raises(refusal):
        verify_detached(jws, MANIFEST, typ=TYP, keys=OURS.public)


def test_a_partner_cannot_be_asked_to_take_one_signature_for_two() -> None:
    one = sign_detached(MANIFEST, typ=TYP, signers=[OURS.ed25519])
    assert verify_detached(one, MANIFEST, typ=TYP, keys=OURS.public, algorithms=[Algorithm.ED25519])
    with pytest.raises(SignatureSetError, match="Ed25519, ML-DSA-65 in this order, found Ed25519"):
        verify_detached(one, MANIFEST, typ=TYP, keys=OURS.public)
    with pytest.raises(SignatureSetError):
        verify_detached(JWS, MANIFEST, typ=TYP, keys=OURS.public, algorithms=[Algorithm.ED25519])


def test_a_key_that_is_revoked_is_one_that_is_not_offered() -> None:
    with pytest.raises(UnknownKeyError):
        verify_detached(JWS, MANIFEST, typ=TYP, keys=[OURS.ed25519.public])
