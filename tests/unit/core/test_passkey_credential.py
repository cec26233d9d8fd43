"""A passkey's registration and its credential: which keys enter, and on which pages alone it may be used."""

from dataclasses import replace
from typing import Any

import pytest

from exchange.clearance.passkey import challenge_of
from exchange.encoding import base64url_encode
from exchange.errors import ExchangeError
from exchange.errors.encoding import Base64Error, FieldError
from exchange.errors.passkey import PasskeyFormError, PasskeyPartyError, PasskeyTypeError, PasskeyUserError
from exchange.errors.trust import KeyKindError, KeyLengthError, WeakKeyError
from exchange.signing.keys import Algorithm, PublicKey
from exchange.signing.passkey import open_registration, parse_passkey_place, parse_passkey_proof
from exchange.signing.passkey_data import check_client_data
from exchange.signing.passkey_key import P256Key, parse_cose_key, parse_passkey_jwk
from tests.world.passkeys import AT, ORIGIN, UP, UV, Authenticator

_ASKED = challenge_of(b"a registration")


# --- registration ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        pytest.param(Authenticator("a").registration_data(flags=UP | AT), PasskeyUserError, id="nobody verified"),
        pytest.param(Authenticator("a").registration_data(flags=UP | UV), PasskeyFormError, id="no credential"),
        pytest.param(
            Authenticator("a").registration_data(flags=UP | UV | AT | 0x80), PasskeyFormError, id="extensions"
        ),
        pytest.param(Authenticator("a").registration_data() + b"\xa0", PasskeyFormError, id="a byte more"),
        pytest.param(Authenticator("a").registration_data()[:-1], PasskeyFormError, id="a byte less"),
        pytest.param(Authenticator("a").registration_data()[:60], PasskeyFormError, id="cut in the id"),
        pytest.param(Authenticator("a", rp_id="kg.example").registration_data(), PasskeyPartyError, id="another party"),
    ],
)
def test_a_registration_is_whole_and_for_this_desk(raw: bytes, refusal: type[ExchangeError]) -> None:
    said = Authenticator("a").client_data(_ASKED, ceremony="webauthn.create")
    with pytest.raises(refusal):
        open_registration(said, raw, challenge=_ASKED, rp_id="desk.kz.example", origins=(ORIGIN,))


def test_an_assertion_is_no_registration() -> None:
    with pytest.raises(PasskeyTypeError):
        check_client_data(
            Authenticator("a").client_data(_ASKED), ceremony="webauthn.create", challenge=_ASKED, origins=(ORIGIN,)
        )


# Base points: RFC 8032 §5.1 (y = 4/5) and SEC 2, 2.4.2 (P-256).
P256_X = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
P256_Y = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
ED25519_BASE = "58" + "66" * 31


def _base64url(text: str) -> str:
    return base64url_encode(bytes.fromhex(text))


def test_the_keys_of_both_kinds_are_read() -> None:
    p256 = parse_cose_key(bytes.fromhex("a5010203262001215820" + P256_X + "225820" + P256_Y))
    assert isinstance(p256, P256Key)
    assert p256.raw.hex() == "04" + P256_X + P256_Y
    ed25519 = parse_cose_key(bytes.fromhex("a4010103272006215820" + ED25519_BASE))
    assert ed25519 == PublicKey(Algorithm.ED25519, bytes.fromhex(ED25519_BASE))
    for key in (p256, ed25519):
        assert parse_passkey_jwk(key.jwk(), subject="JWK") == key


@pytest.mark.parametrize(
    ("cose", "refusal"),
    [
        pytest.param("a5010203262001215820" + P256_X + "225820" + P256_X, WeakKeyError, id="no point of the curve"),
        pytest.param("a5010203262001215820" + "00" * 32 + "225820" + "00" * 32, WeakKeyError, id="zero"),
        pytest.param("a4010103272006215820" + "01" + "00" * 31, WeakKeyError, id="an Ed25519 point of small order"),
        pytest.param("a501020326200221582f" + P256_X + "225820" + P256_Y, PasskeyFormError, id="P-384"),
        pytest.param("a5010203382e2001215820" + P256_X + "225820" + P256_Y, PasskeyFormError, id="ES256K"),
        pytest.param("a401030339010020" + "00" * 40, PasskeyFormError, id="RSA"),
        pytest.param("a5010203262001215820" + P256_X + "22f5", PasskeyFormError, id="a compressed point"),
        pytest.param("", PasskeyFormError, id="nothing"),
    ],
)
def test_no_other_key_enters(cose: str, refusal: type[ExchangeError]) -> None:
    with pytest.raises(refusal):
        parse_cose_key(bytes.fromhex(cose))


@pytest.mark.parametrize(
    ("jwk", "refusal"),
    [
        pytest.param({"kty": "EC", "crv": "P-384", "x": "", "y": ""}, KeyKindError, id="P-384"),
        pytest.param({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, KeyLengthError, id="short coordinates"),
        pytest.param(
            {"kty": "EC", "crv": "P-256", "x": _base64url(P256_X[:-2]), "y": _base64url(P256_X[-2:] + P256_Y)},
            KeyLengthError,
            id="a point that is cut elsewhere",
        ),
        pytest.param({"kty": "EC", "crv": "P-256", "x": "AA"}, FieldError, id="no y"),
        pytest.param({"kty": "EC", "crv": "P-256", "x": "A", "y": "A"}, Base64Error, id="no base64url"),
        pytest.param(
            {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA"}, FieldError, id="with its private half"
        ),
        pytest.param(
            {"kty": "AKP", "alg": "ML-DSA-65", "pub": base64url_encode(bytes(1952))}, KeyKindError, id="ML-DSA"
        ),
    ],
)
def test_a_jwk_of_a_passkey_is_of_two_kinds(jwk: dict[str, object], refusal: type[ExchangeError]) -> None:
    with pytest.raises(refusal):
        parse_passkey_jwk(jwk, subject="JWK")


def test_a_p256_key_has_one_length() -> None:
    with pytest.raises(KeyLengthError):
        P256Key(bytes(33))


# --- where a passkey may be used ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rp_id", "origins", "holds"),
    [
        pytest.param("kz.example", ("https://desk.kz.example",), True, id="a page below the domain"),
        pytest.param("desk.kz.example", ("https://desk.kz.example:8443",), True, id="a port of its own"),
        pytest.param("localhost", ("http://localhost:8501",), True, id="the own machine"),
        pytest.param("kz.example", ("https://desk.kz.example", "https://kz.example"), True, id="two pages"),
        pytest.param("kz.example", ("http://kz.example",), False, id="without TLS"),
        pytest.param("kz.example", ("https://kz.example.evil",), False, id="another domain"),
        pytest.param("kz.example", ("https://evilkz.example",), False, id="a domain that ends alike"),
        pytest.param("kz.example", ("https://kz.example:443",), False, id="the port that no browser writes"),
        pytest.param("kz.example", ("https://kz.example/",), False, id="a path"),
        pytest.param("kz.example", ("https://KZ.example",), False, id="capitals"),
        pytest.param("kz.example", ("https://b.kz.example", "https://a.kz.example"), False, id="not sorted"),
        pytest.param("kz.example", ("https://kz.example",) * 2, False, id="twice"),
        pytest.param("kz.example", (), False, id="none"),
        pytest.param("KZ.example", ("https://kz.example",), False, id="a domain in capitals"),
        pytest.param("kz..example", ("https://kz..example",), False, id="no domain"),
    ],
)
def test_a_passkey_is_for_pages_of_its_domain(rp_id: str, origins: tuple[str, ...], holds: bool) -> None:
    credential = Authenticator("a").register()
    if holds:
        replace(credential, rp_id=rp_id, origins=origins)
    else:
        with pytest.raises(PasskeyFormError):
            replace(credential, rp_id=rp_id, origins=origins)


@pytest.mark.parametrize(
    "change",
    [{"credential_id": bytes(15)}, {"credential_id": bytes(1024)}, {"sign_count": 2**32}, {"sign_count": -1}],
)
def test_a_credential_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(PasskeyFormError):
        replace(Authenticator("a").register(), **change)


def test_a_credential_and_a_proof_read_back_as_they_were_written() -> None:
    officer = Authenticator("a")
    credential, proof = officer.register(), officer.prove(_ASKED)
    assert parse_passkey_place(credential.place(), credential.key, subject="place") == credential
    assert parse_passkey_proof(proof.as_json(), subject="proof") == proof


@pytest.mark.parametrize(
    "change",
    [
        {"origins": "https://desk.kz.example"},
        {"origins": [1]},
        {"rp_id": None},
        {"sign_count": "0"},
        {"sign_count": True},
        {"note": ""},
    ],
)
def test_a_credential_is_written_in_one_way(change: dict[str, Any]) -> None:
    credential = Authenticator("a").register()
    with pytest.raises(FieldError):
        parse_passkey_place(credential.place() | change, credential.key, subject="place")
