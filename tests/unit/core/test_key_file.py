"""PKCS #11 URIs, and the files that name a key in a token: one spelling, no PIN, no other key."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.encoding import canonical_json
from exchange.errors import ExchangeError
from exchange.errors.keys import TokenUriError
from exchange.errors.trust import PrivateKeyFileError, WeakKeyError
from exchange.signing.key_file import TokenReference, format_reference, parse_reference, read_label
from exchange.signing.keys import Algorithm
from exchange.signing.sealing import seal_private
from exchange.signing.token_uri import TokenUri, format_token_uri, parse_token_uri
from tests.world.federation import seeded, signer

QUERY = "?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/token_pin"
# RFC 7512 §3 gives these attributes in an example; here with a private key and the two that we need
RFC_7512 = (
    "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;"
    "object=my-signing-key;type=private;id=%69%95%3E%5C%F4%BD%EC%91;serial=4711" + QUERY
)


def test_a_uri_is_read_as_rfc_7512_says() -> None:
    assert parse_token_uri(RFC_7512) == TokenUri(
        token="The Software PKCS#11 Softtoken",
        manufacturer="Snake Oil, Inc.",
        model="1.0",
        serial="4711",
        object="my-signing-key",
        id=bytes.fromhex("69953e5cf4bdec91"),
        module_path="/usr/lib/softhsm/libsofthsm2.so",
        pin_source="/etc/token_pin",
    )


def test_a_message_names_token_and_key_but_no_path() -> None:
    assert parse_token_uri("pkcs11:token=kz-desk;object=bundle" + QUERY).shown == "pkcs11:token=kz-desk;object=bundle"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("pkcs11:token=a;object=b;pin-value=1234" + QUERY, "attributes here are", id="a PIN in the path"),
        pytest.param("pkcs11:token=a;object=b" + QUERY + "&pin-value=1234", "attributes here are", id="a PIN"),
        pytest.param("pkcs11:token=a;object=b?module-path=/x&pin-source=|cat", "file:", id="a command for the PIN"),
        pytest.param(
            "pkcs11:token=a;object=b?module-path=/x&pin-source=file:pin", "absolute", id="a relative PIN file"
        ),
        pytest.param("pkcs11:token=a;object=b?module-path=x&pin-source=file:/p", "absolute", id="a relative library"),
        pytest.param("pkcs11:token=a;object=b?pin-source=file:/p", "module-path", id="no library"),
        pytest.param("pkcs11:token=a;object=b?module-path=/x", "pin-source", id="no PIN file"),
        pytest.param("pkcs11:token=a;object=b", "module-path", id="no query"),
        pytest.param("pkcs11:object=b" + QUERY, "token or serial", id="no token"),
        pytest.param("pkcs11:token=a" + QUERY, "object or id", id="no key"),
        pytest.param("pkcs11:token=;object=b" + QUERY, "token or serial", id="an empty token"),
        pytest.param("pkcs11:token=a;token=b;object=b" + QUERY, "twice", id="two tokens"),
        pytest.param("pkcs11:token=a;object=b;type=public" + QUERY, "private key", id="a public key"),
        pytest.param("pkcs11:token=a;object=b;slot-id=1" + QUERY, "attributes here are", id="a slot, which changes"),
        pytest.param("pkcs11:token=a;object" + QUERY, "attributes here are", id="an attribute without a value"),
        pytest.param("pkcs11:token=a;;object=b" + QUERY, "attributes here are", id="nothing between semicolons"),
        pytest.param("pkcs11:token=a;object=%zz" + QUERY, "hexadecimal", id="a bad escape"),
        pytest.param("pkcs11:token=a;object=%FF" + QUERY, "UTF-8", id="not UTF-8"),
        pytest.param("pkcs11:token=a;object=%0A" + QUERY, "control", id="a newline"),
        pytest.param("pkcs11:token=a;object=b c" + QUERY, "letters", id="a space"),
        pytest.param("PKCS11:token=a;object=b" + QUERY, "starts with", id="another spelling of the scheme"),
        pytest.param("pkcs11:token=a;object=" + "b" * 2048 + QUERY, "letters", id="too long"),
        pytest.param("", "starts with", id="nothing"),
    ],
)
def test_a_uri_that_does_not_name_one_key_is_refused_without_being_repeated(text: str, says: str) -> None:
    with pytest.raises(TokenUriError, match=says) as caught:
        parse_token_uri(text)
    assert "1234" not in str(caught.value)


names = st.none() | st.text(
    st.characters(min_codepoint=0x20, exclude_characters="\x7f", codec="utf-8"), min_size=1, max_size=20
)
paths = st.text(st.characters(min_codepoint=0x20, exclude_characters="\x7f", codec="utf-8"), max_size=20).map(
    "/".__add__
)


@given(
    st.builds(
        TokenUri,
        token=names.map(lambda name: name or "t"),
        model=names,
        manufacturer=names,
        serial=names,
        object=names,
        id=st.binary(min_size=1, max_size=20),
        module_path=paths,
        pin_source=paths,
    )
)
def test_what_is_written_is_read_as_it_was(uri: TokenUri) -> None:
    assert parse_token_uri(format_token_uri(uri)) == uri


KEY = signer("in a token").public
RAW = format_reference(TokenReference(purpose="bundle", public=KEY, uri=parse_token_uri(RFC_7512)))


def test_a_reference_says_which_key_lies_in_which_token() -> None:
    reference = parse_reference(RAW, purpose="bundle", path="bundle.key")
    assert reference.public == KEY
    assert reference.uri == parse_token_uri(RFC_7512)
    label = read_label(RAW, path="bundle.key")
    assert (label.kid, label.purpose, label.kept) == (KEY.kid, "bundle", "token")


def changed(**members: object) -> bytes:
    return canonical_json({**json.loads(RAW), **members})


IDENTITY: dict[str, Any] = {"kty": "OKP", "crv": "Ed25519", "x": "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}


@pytest.mark.parametrize(
    ("raw", "refusal", "says"),
    [
        pytest.param(changed(purpose="contract"), PrivateKeyFileError, "a contract key, not a bundle", id="purpose"),
        pytest.param(changed(kid=signer("b").public.kid), PrivateKeyFileError, "key id", id="another key id"),
        pytest.param(changed(jwk=signer("b").public.jwk()), PrivateKeyFileError, "key id", id="another public key"),
        pytest.param(changed(jwk=IDENTITY), WeakKeyError, "small order", id="a key under which anybody signs"),
        pytest.param(changed(alg="ML-DSA-65"), PrivateKeyFileError, "Ed25519", id="ML-DSA-65, which no token here has"),
        pytest.param(changed(alg="RSA"), PrivateKeyFileError, "algorithm", id="RSA"),
        pytest.param(changed(v=2), PrivateKeyFileError, "version", id="a newer format"),
        pytest.param(changed(jwk="x"), PrivateKeyFileError, "found None", id="a text for a key"),
        pytest.param(changed(token="pkcs11:"), PrivateKeyFileError, "PKCS #11", id="no key named"),
        pytest.param(changed(token=RFC_7512), PrivateKeyFileError, "RFC 7512", id="another order in the URI"),
        pytest.param(changed(seed="x"), PrivateKeyFileError, "seed", id="a member too many"),
        pytest.param(RAW + b"\n", PrivateKeyFileError, "canonical", id="a newline after it"),
        pytest.param(b"", PrivateKeyFileError, "bundle.key", id="nothing"),
    ],
)
def test_an_altered_reference_is_refused(raw: bytes, refusal: type[ExchangeError], says: str) -> None:
    with pytest.raises(refusal, match=says):
        parse_reference(raw, purpose="bundle", path="bundle.key")


def test_a_label_tells_sealed_from_plain() -> None:
    held = signer("held", Algorithm.ML_DSA_65)
    plain = seal_private(held, purpose="bundle", passphrase=None, random=seeded("x"))
    sealed = seal_private(held, purpose="bundle", passphrase=b"four words make a phrase", random=seeded("x"))
    assert [read_label(raw, path="x").kept for raw in (plain, sealed)] == ["plain", "sealed"]
