"""Keys: what may exist, how it is named, and that others' vectors agree."""

import json
import pickle
from collections.abc import Iterator
from typing import Any, cast

import pytest

from exchange.encoding import base64url_decode
from exchange.errors import ExchangeError
from exchange.errors.encoding import Base64Error, FieldError
from exchange.errors.trust import KeyKindError, KeyLengthError, SignatureError
from exchange.signing.keys import (
    NOTE_ED25519,
    Algorithm,
    HybridSigner,
    PublicKey,
    SoftwareSigner,
    note_vkey,
    parse_public_jwk,
)
from tests.shared import shared
from tests.world.federation import seeded, signer

# RFC 8037 appendix A.2 and A.3
RFC_8037_JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
RFC_8037_SEED = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
RFC_8037_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def load(path: str) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(shared(path).read_text(encoding="utf-8")))


def test_an_ed25519_key_id_is_the_thumbprint_of_rfc_8037() -> None:
    assert parse_public_jwk(RFC_8037_JWK).kid == RFC_8037_THUMBPRINT


def test_an_ed25519_signature_is_the_one_of_rfc_8037() -> None:
    seed = base64url_decode(RFC_8037_SEED, subject="seed")
    key = SoftwareSigner.from_seed(Algorithm.ED25519, seed)
    example = load("vectors/cookbook/curve25519/jws.json")["signing"]
    assert key.public.jwk() == RFC_8037_JWK
    signature = base64url_decode(example["sig"], subject="signature")
    assert key.sign(example["sig-input"].encode()) == signature
    key.public.verify(example["sig-input"].encode(), signature)


def test_an_ml_dsa_65_key_is_the_one_of_rfc_9964() -> None:
    example = load("vectors/mldsa/ML_DSA_65.jose.json")
    key = SoftwareSigner.from_seed(Algorithm.ML_DSA_65, bytes.fromhex(example["priv"]))
    jwk = {name: example["jwk"][name] for name in ("kty", "alg", "pub")}
    assert key.public.jwk() == jwk
    assert key.public.kid == example["jwk"]["kid"]
    assert key.public.raw == bytes.fromhex(example["raw_public_key"])
    assert parse_public_jwk(jwk) == key.public


def test_an_ml_dsa_65_signature_of_rfc_9964_verifies() -> None:
    example = load("vectors/mldsa/ML_DSA_65.jose.json")
    key = PublicKey(Algorithm.ML_DSA_65, bytes.fromhex(example["raw_public_key"]))
    signed, _, signature = example["jws"].rpartition(".")
    key.verify(signed.encode(), base64url_decode(signature, subject="signature"))


def wycheproof(path: str) -> Iterator[tuple[dict[str, Any], str]]:
    for group in load(path)["testGroups"]:
        key = group["publicKey"]
        for case in group["tests"]:
            yield case, key["pk"] if isinstance(key, dict) else key


@pytest.mark.parametrize(
    ("path", "algorithm", "count"),
    [
        pytest.param("vectors/wycheproof/ed25519_test.json", Algorithm.ED25519, 151, id="Ed25519"),
        pytest.param("vectors/wycheproof/mldsa_65_verify_test.json", Algorithm.ML_DSA_65, 210, id="ML-DSA-65"),
    ],
)
@pytest.mark.asvs("V11.2.3", "V11.4.3", "V11.6.1")
def test_wycheproof_agrees(path: str, algorithm: Algorithm, count: int) -> None:
    seen = 0
    for case, public in wycheproof(path):
        if case.get("ctx"):  # JOSE signs without a context (RFC 9964 §4): such a signature must not count here
            case["result"] = "invalid"
        verdict = "valid"
        try:
            key = PublicKey(algorithm, bytes.fromhex(public))
            key.verify(bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
        except ExchangeError:
            verdict = "invalid"
        assert verdict == case["result"], (case["tcId"], case["comment"])
        seen += 1
    assert seen == count


def foreign_keys() -> Iterator[dict[str, Any]]:
    """Every public key of RFC 7517's examples and of Wycheproof's JOSE files, and the private ones too."""
    for path in sorted(shared("vectors/cookbook/jwk").glob("*.json")):
        yield json.loads(path.read_text(encoding="utf-8"))
    for name in ("signature", "key", "crypto"):
        for group in load(f"vectors/wycheproof/json_web_{name}_test.json")["testGroups"]:
            for key in (group.get("public"), group.get("private")):
                yield from key.get("keys", [key]) if key else ()
    yield load("vectors/mldsa/ML_DSA_44.jose.json")["jwk"]


@pytest.mark.asvs("V11.2.3", "V11.6.1")
def test_no_key_of_another_kind_is_read() -> None:
    keys = list(foreign_keys())
    assert len(keys) > 60
    for key in keys:
        with pytest.raises(KeyKindError):
            parse_public_jwk(key)


OTHER = {"kty": "AKP", "alg": "ML-DSA-65", "pub": "AA"}


@pytest.mark.parametrize(
    ("jwk", "refusal"),
    [
        pytest.param({**RFC_8037_JWK, "d": RFC_8037_SEED}, FieldError, id="a private member"),
        pytest.param({**RFC_8037_JWK, "use": "sig"}, FieldError, id="a member too many"),
        pytest.param({**RFC_8037_JWK, "kid": "x"}, FieldError, id="a key id of its own"),
        pytest.param({"kty": "OKP", "crv": "Ed25519"}, FieldError, id="no key"),
        pytest.param({**RFC_8037_JWK, "crv": "X25519"}, KeyKindError, id="a key for encryption"),
        pytest.param({**RFC_8037_JWK, "crv": "Ed448"}, KeyKindError, id="another curve"),
        pytest.param({**RFC_8037_JWK, "alg": "EdDSA"}, KeyKindError, id="an algorithm named twice"),
        pytest.param({"kty": "RSA", "n": "AQAB", "e": "AQAB"}, KeyKindError, id="RSA"),
        pytest.param({"kty": "oct", "k": "AA"}, KeyKindError, id="a shared secret"),
        pytest.param({}, KeyKindError, id="nothing"),
        pytest.param({"kty": ["OKP"], "crv": "Ed25519", "x": ""}, KeyKindError, id="a list for a name"),
        pytest.param({**RFC_8037_JWK, "x": RFC_8037_JWK["x"] + "="}, Base64Error, id="padding"),
        pytest.param({**RFC_8037_JWK, "x": RFC_8037_JWK["x"][:-1] + "p"}, Base64Error, id="stray bits"),
        pytest.param({**RFC_8037_JWK, "x": 7}, Base64Error, id="a number for a key"),
        pytest.param({**RFC_8037_JWK, "x": "AAAA"}, KeyLengthError, id="3 bytes"),
        pytest.param(OTHER, KeyLengthError, id="ML-DSA-65 with 1 byte"),
        pytest.param({**OTHER, "crv": "Ed25519"}, KeyKindError, id="both kinds at once"),
        pytest.param({**OTHER, "alg": "ML-DSA-44"}, KeyKindError, id="ML-DSA-44"),
        pytest.param({**OTHER, "priv": "AA"}, FieldError, id="ML-DSA-65 with its seed"),
    ],
)
def test_a_public_jwk_has_exactly_its_members(jwk: dict[str, object], refusal: type[ExchangeError]) -> None:
    with pytest.raises(refusal):
        parse_public_jwk(jwk)


@pytest.mark.parametrize("algorithm", list(Algorithm))
@pytest.mark.parametrize("length", [0, 63, 65, 3308, 3310])
def test_a_signature_of_another_length_is_refused(algorithm: Algorithm, length: int) -> None:
    with pytest.raises(SignatureError):
        signer("any", algorithm).public.verify(b"message", b"\x00" * length)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_key_from_a_jwk_verifies_what_its_signer_signed(algorithm: Algorithm) -> None:
    key = signer("round", algorithm)
    public = parse_public_jwk(key.public.jwk())
    public.verify(b"message", key.sign(b"message"))
    with pytest.raises(SignatureError, match=public.kid):
        public.verify(b"other message", key.sign(b"message"))


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_private_key_is_never_shown_or_pickled(algorithm: Algorithm) -> None:
    key = signer("secret", algorithm)
    assert key.seed.hex() not in repr(key)
    assert repr(key.seed) not in repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(KeyLengthError):
        SoftwareSigner.from_seed(Algorithm.ED25519, b"\x01" * 31)


def test_the_halves_of_a_hybrid_signer_are_not_exchanged() -> None:
    first, second = signer("a"), signer("b")
    with pytest.raises(KeyKindError):
        HybridSigner(ed25519=first, ml_dsa_65=second)


def test_a_verifier_key_is_the_one_of_the_signed_note_standard() -> None:
    # C2SP signed-note, "Example"
    expected = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    public = bytes.fromhex("e932791ae6e7a840a46164c904786426d5e7821dd8b29a00d61cae72afdd4da4")
    assert note_vkey("example.com/foo", PublicKey(Algorithm.ED25519, public), NOTE_ED25519) == expected


def test_keys_come_from_the_randomness_that_is_passed_in() -> None:
    one = SoftwareSigner.generate(Algorithm.ED25519, random=seeded("x"))
    assert one.public == SoftwareSigner.generate(Algorithm.ED25519, random=seeded("x")).public
    assert one.public != SoftwareSigner.generate(Algorithm.ED25519, random=seeded("y")).public
