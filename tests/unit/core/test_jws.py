"""JWS: one legal spelling, keys from the caller, and a type that is part of what is signed."""

import json
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.encoding import base64url_encode, canonical_json
from exchange.errors import ExchangeError
from exchange.errors.trust import (
    JwsFormError,
    JwsHeaderError,
    SignatureError,
    TrustError,
    UnknownKeyError,
)
from exchange.signing.dpop import open_proof, open_token, peek_member
from exchange.signing.jws import (
    COMPACT_CHARS_MAX,
    GENERAL_BYTES_MAX,
    open_attached,
    open_compact,
    peek_attached,
    sign_attached,
    sign_compact,
    sign_detached,
    verify_detached,
)
from exchange.signing.keys import Algorithm
from tests.shared import SHARED, shared
from tests.world.federation import hybrid, signer

TYP = "exchange-receipt+jws"
ME = signer("me")
STRANGER = signer("stranger")
BOTH = hybrid("both")
KEYS = [ME.public]
PAYLOAD = b'{"type":"receipt/1"}'
NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
FOREIGN = {"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES512"}
TOKEN = sign_compact(PAYLOAD, typ=TYP, signer=ME)


def with_header(raw: bytes) -> str:
    """A compact JWS that `ME` really signed, over any header bytes."""
    signing_input = base64url_encode(raw) + "." + base64url_encode(PAYLOAD)
    return signing_input + "." + base64url_encode(ME.sign(signing_input.encode()))


def header(**changes: object) -> bytes:
    members = {"alg": "Ed25519", "kid": ME.public.kid, "typ": TYP} | changes
    return canonical_json({name: value for name, value in members.items() if value is not None})


def test_a_compact_jws_is_the_three_parts_of_rfc_7515() -> None:
    # RFC 7515 §3.1 and appendix A: BASE64URL(header) . BASE64URL(payload) . BASE64URL(signature)
    protected, payload, signature = TOKEN.split(".")
    assert protected == base64url_encode(
        b'{"alg":"Ed25519","kid":"' + ME.public.kid.encode() + b'","typ":"exchange-receipt+jws"}'
    )
    assert payload == "eyJ0eXBlIjoicmVjZWlwdC8xIn0"
    ME.public.verify(f"{protected}.{payload}".encode(), ME.sign(f"{protected}.{payload}".encode()))
    assert len(signature) == 86


def test_what_was_signed_comes_back() -> None:
    assert open_compact(TOKEN, typ=TYP, keys=[STRANGER.public, ME.public]) == PAYLOAD


@pytest.mark.parametrize(
    ("token", "refusal"),
    [
        pytest.param(sign_compact(PAYLOAD, typ=TYP, signer=STRANGER), UnknownKeyError, id="a key not listed"),
        pytest.param(sign_compact(PAYLOAD, typ="dpop+jwt", signer=ME), JwsHeaderError, id="another type"),
        pytest.param(with_header(header(typ=None)), JwsFormError, id="no type"),
        pytest.param(with_header(header(kid=None)), JwsFormError, id="no key id"),
        pytest.param(with_header(header(alg="none")), JwsHeaderError, id="alg none"),
        pytest.param(with_header(header(alg="HS256")), JwsHeaderError, id="alg HS256"),
        pytest.param(with_header(header(alg="EdDSA")), JwsHeaderError, id="the retired name of the algorithm"),
        pytest.param(with_header(header(alg="ed25519")), JwsHeaderError, id="alg in lower case"),
        pytest.param(with_header(header(alg="ML-DSA-65")), UnknownKeyError, id="the other algorithm"),
        pytest.param(with_header(header(alg=["Ed25519"])), JwsFormError, id="a list for alg"),
        pytest.param(with_header(header(crit=[])), JwsFormError, id="empty crit"),
        pytest.param(with_header(header(crit=["alg"])), JwsFormError, id="crit"),
        pytest.param(with_header(header(b64=False)), JwsFormError, id="b64 false (RFC 7797)"),
        pytest.param(with_header(header(jku="https://a.example/")), JwsFormError, id="jku"),
        pytest.param(with_header(header(x5u="https://a.example/")), JwsFormError, id="x5u"),
        pytest.param(with_header(header(jwk=ME.public.jwk())), JwsFormError, id="a key of its own"),
        pytest.param(with_header(header().replace(b",", b", ")), JwsFormError, id="white space"),
        pytest.param(
            with_header(b'{"typ":"exchange-receipt+jws","alg":"Ed25519","kid":"' + ME.public.kid.encode() + b'"}'),
            JwsFormError,
            id="another order",
        ),
        pytest.param(with_header(header()[:-1] + b',"typ":"exchange-receipt+jws"}'), JwsFormError, id="a member twice"),
        pytest.param(with_header(header().replace(b"Ed", b"\\u0045d")), JwsFormError, id="an escape"),
        pytest.param(with_header(b"[]"), JwsFormError, id="a list for a header"),
        pytest.param(with_header(b"\xff"), JwsFormError, id="not UTF-8"),
        pytest.param(with_header(header(kid="x" * 200)), JwsFormError, id="a long header"),
        pytest.param(TOKEN + "=", JwsFormError, id="padding"),
        pytest.param(TOKEN + "\n", JwsFormError, id="a newline after it"),
        pytest.param(" " + TOKEN, JwsFormError, id="a space before it"),
        pytest.param(TOKEN + ".", JwsFormError, id="four parts"),
        pytest.param(TOKEN.rpartition(".")[0], JwsFormError, id="two parts"),
        pytest.param(TOKEN.rpartition(".")[0] + ".", SignatureError, id="an empty signature"),
        pytest.param("", JwsFormError, id="nothing"),
        pytest.param("..", JwsFormError, id="three empty parts"),
        pytest.param("é.é.é", JwsFormError, id="not ASCII"),
        pytest.param("A" * (COMPACT_CHARS_MAX + 1), JwsFormError, id="too long"),
        pytest.param(TOKEN.replace("eyJ0eXBl", "eyJ0eXBm"), SignatureError, id="another payload"),
        pytest.param(TOKEN.replace(".eyJ0", ".e+J0"), JwsFormError, id="plain base64"),
    ],
)
@pytest.mark.asvs("V9.1.1", "V9.1.2", "V9.1.3")
def test_a_compact_jws_has_one_legal_form(token: str, refusal: type[ExchangeError]) -> None:
    with pytest.raises(refusal) as caught:
        open_compact(token, typ=TYP, keys=KEYS)
    assert ME.seed.hex() not in str(caught.value)


@given(position=st.integers(0, len(TOKEN) - 1), character=st.characters())
@settings(max_examples=150)
def test_no_other_text_is_accepted_in_its_place(position: int, character: str) -> None:
    altered = TOKEN[:position] + character + TOKEN[position + 1 :]
    if altered != TOKEN:
        with pytest.raises(TrustError):
            open_compact(altered, typ=TYP, keys=KEYS)


@given(st.text(max_size=300))
@settings(max_examples=150)
def test_whatever_the_text_a_refusal_is_one_of_ours(token: str) -> None:
    with pytest.raises(TrustError):
        open_compact(token, typ=TYP, keys=KEYS)


@given(st.binary(max_size=2000))
@settings(max_examples=50)
def test_any_payload_comes_back(payload: bytes) -> None:
    assert open_compact(sign_compact(payload, typ=TYP, signer=ME), typ=TYP, keys=KEYS) == payload
    attached = sign_attached(payload, typ=TYP, signers=[ME])
    assert open_attached(attached, typ=TYP, keys=KEYS, algorithms=[Algorithm.ED25519]) == payload
    assert peek_attached(attached) == payload


def test_both_algorithms_sign_a_bundle() -> None:
    jws = sign_detached(PAYLOAD, typ=TYP, signers=BOTH.signers)
    assert verify_detached(jws, PAYLOAD, typ=TYP, keys=BOTH.public) == BOTH.public
    assert verify_detached(jws, PAYLOAD, typ=TYP, keys=[STRANGER.public, *reversed(BOTH.public)]) == BOTH.public
    document = json.loads(jws)
    assert [sorted(entry) for entry in document["signatures"]] == [["protected", "signature"]] * 2
    assert list(document) == ["signatures"]
    assert canonical_json(document) == jws


def reshaped(change: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(sign_attached(PAYLOAD, typ=TYP, signers=BOTH.signers))
    change(document)
    return canonical_json(document)


ATTACHED = sign_attached(PAYLOAD, typ=TYP, signers=BOTH.signers)


@pytest.mark.parametrize(
    "jws",
    [
        pytest.param(ATTACHED + b"\n", id="a newline after it"),
        pytest.param(ATTACHED.replace(b":", b": ", 1), id="white space"),
        pytest.param(b"\xef\xbb\xbf" + ATTACHED, id="a byte order mark"),
        pytest.param(ATTACHED[:-1] + b',"payload":"AA"}', id="a member twice"),
        pytest.param(reshaped(lambda d: d.update(header={"alg": "none"})), id="an unprotected header"),
        pytest.param(reshaped(lambda d: d["signatures"][0].update(header={})), id="one in a signature"),
        pytest.param(reshaped(lambda d: d.pop("payload")), id="no payload"),
        pytest.param(reshaped(lambda d: d.update(payload=None)), id="payload null"),
        pytest.param(reshaped(lambda d: d.update(payload=d["payload"] + "=")), id="padding"),
        pytest.param(reshaped(lambda d: d.update(signatures={})), id="signatures no list"),
        pytest.param(reshaped(lambda d: d.update(signatures=[])), id="no signature"),
        pytest.param(reshaped(lambda d: d.update(signatures=[1, 2])), id="signatures of numbers"),
        pytest.param(reshaped(lambda d: d["signatures"].append(d["signatures"][0])), id="three signatures"),
        pytest.param(reshaped(lambda d: d["signatures"][1].update(signature=None)), id="a signature null"),
        pytest.param(
            reshaped(lambda d: d["signatures"][0].update(signature=d["signatures"][0]["signature"][:-1] + "_")),
            id="stray bits in a signature",
        ),
        pytest.param(canonical_json({"payload": "AA", "protected": "AA", "signature": "AA"}), id="flattened JSON"),
        pytest.param(TOKEN.encode(), id="compact"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"[" * 5000, id="deep nesting"),
        pytest.param(b'"' + b"x" * GENERAL_BYTES_MAX + b'"', id="too large"),
    ],
)
def test_a_general_jws_has_one_legal_form(jws: bytes) -> None:
    with pytest.raises(JwsFormError):
        open_attached(jws, typ=TYP, keys=BOTH.public)


def test_an_attached_jws_is_no_detached_one() -> None:
    with pytest.raises(JwsFormError):
        verify_detached(ATTACHED, PAYLOAD, typ=TYP, keys=BOTH.public)
    with pytest.raises(JwsFormError):
        open_attached(sign_detached(PAYLOAD, typ=TYP, signers=BOTH.signers), typ=TYP, keys=BOTH.public)


@given(position=st.integers(0, len(ATTACHED) - 1), byte=st.integers(0, 255))
@settings(max_examples=100)
def test_one_changed_byte_anywhere_is_refused(position: int, byte: int) -> None:
    altered = ATTACHED[:position] + bytes([byte]) + ATTACHED[position + 1 :]
    if altered != ATTACHED:
        with pytest.raises(TrustError):
            open_attached(altered, typ=TYP, keys=BOTH.public)


def wycheproof(name: str) -> list[dict[str, Any]]:
    """All cases of one of Wycheproof's JOSE files."""
    vectors = json.loads(shared(f"vectors/wycheproof/{name}_test.json").read_text(encoding="utf-8"))
    return [case for group in vectors["testGroups"] for case in group["tests"]]


def spelling(token: object) -> str:
    """A token as it travels: compact, or JSON as text."""
    return token if isinstance(token, str) else json.dumps(token)


def algorithm_of(token: str) -> str:
    """What a compact token says of itself, read as leniently as anybody would."""
    header = token.partition(".")[0]
    return str(json.loads(b64decode(header + "=" * (-len(header) % 4), altchars=b"-_"))["alg"])


def require_refused(token: str) -> None:
    """No reader of ours takes it, whichever way it comes, and each refusal is one of ours."""
    readers: list[Callable[[], object]] = [
        lambda: open_compact(token, typ=TYP, keys=KEYS),
        lambda: open_attached(token.encode(), typ=TYP, keys=BOTH.public),
        lambda: verify_detached(token.encode(), PAYLOAD, typ=TYP, keys=BOTH.public),
        lambda: peek_member(token),
        lambda: open_proof(token, keys=KEYS, method="GET", url="https://kz.example/", at=NOON, age_s=60, skew_s=10),
        lambda: open_token(token, keys=KEYS, issuer="https://kz.example", at=NOON),
    ]
    for read in readers:
        with pytest.raises(ExchangeError):
            read()


@pytest.mark.parametrize(
    ("name", "cases", "valid"),
    [("json_web_signature", 401, 46), ("json_web_key", 26, 5), ("json_web_crypto", 83, 6)],
)
@pytest.mark.asvs("V9.1.2", "V11.2.5")
def test_no_token_of_wycheproof_is_accepted_and_the_valid_ones_are_of_algorithms_not_used_here(
    name: str, cases: int, valid: int
) -> None:
    found = wycheproof(name)
    assert len(found) == cases
    for case in found:
        require_refused(spelling(case.get("jws", case.get("jwe"))))
    # The one reason why their verdict is not ours: nothing here is signed with RSA, ECDSA or a shared secret.
    theirs = [spelling(case.get("jws", case.get("jwe"))) for case in found if case["result"] == "valid"]
    assert len(theirs) == valid
    assert {algorithm_of(token) for token in theirs if token.count(".") == 2} <= FOREIGN


def cookbook() -> list[object]:
    files = sorted((SHARED / "vectors/cookbook").rglob("*.json"))
    signed = [path for path in files if path.parent.name in {"jws", "curve25519", "rfc7797"}]
    return [pytest.param(path.relative_to(SHARED), id=path.stem) for path in signed] or [pytest.param("", id="absent")]


@pytest.mark.parametrize("path", cookbook())
def test_no_example_of_rfc_7520_7797_and_8037_has_our_header(path: str) -> None:
    example = json.loads(shared(str(path) or "vectors/cookbook").read_text(encoding="utf-8"))
    for token in example["output"].values():
        require_refused(spelling(token))
        if isinstance(token, dict):
            require_refused(canonical_json(token).decode())


def test_the_example_of_rfc_8037_is_refused_for_its_algorithm_s_retired_name_alone() -> None:
    # RFC 9864 §2.2: "EdDSA" says no curve and is deprecated; its signature is right (test_keys).
    token = json.loads(shared("vectors/cookbook/curve25519/jws.json").read_text(encoding="utf-8"))["output"]["compact"]
    assert algorithm_of(token) == "EdDSA"
    require_refused(token)


@pytest.mark.parametrize("name", ["ML_DSA_44", "ML_DSA_65"])
def test_the_examples_of_rfc_9964_have_no_type_and_so_count_for_no_kind_of_ours(name: str) -> None:
    token = json.loads(shared(f"vectors/mldsa/{name}.jose.json").read_text(encoding="utf-8"))["jws"]
    assert algorithm_of(token) == name.replace("_", "-")
    require_refused(token)
