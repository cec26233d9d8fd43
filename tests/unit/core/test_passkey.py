"""A passkey's assertion, against the vectors of Web Authentication Level 3, section 16, and made by ourselves."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.clearance.passkey import PasskeyCredential, PasskeyProof, challenge_of, verify_passkey
from exchange.encoding import base64url_encode
from exchange.errors import ExchangeError
from exchange.errors.passkey import (
    PasskeyChallengeError,
    PasskeyCounterError,
    PasskeyCredentialError,
    PasskeyEmbeddedError,
    PasskeyFormError,
    PasskeyOriginError,
    PasskeyPartyError,
    PasskeyTypeError,
    PasskeyUserError,
)
from exchange.errors.trust import SignatureError, TrustError
from exchange.signing.passkey import (
    open_registration,
    require_count,
    verify_assertion,
)
from exchange.signing.passkey_key import parse_cose_key
from tests.world.passkeys import AT, BE, BS, ORIGIN, UP, UV, Authenticator

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "webauthn-3.json").read_text())
BY_TITLE = {vector["title"]: vector for vector in VECTORS["vectors"]}
STATEMENT = b'{"decision":"approved"}'
BOTH = pytest.mark.parametrize("algorithm", ["ES256", "Ed25519"])


def _registered(vector: dict[str, Any]) -> PasskeyCredential:
    parts = vector["registration"]
    return open_registration(
        bytes.fromhex(parts["client_data"]),
        bytes.fromhex(parts["authenticator_data"]),
        challenge=bytes.fromhex(parts["challenge"]),
        rp_id=VECTORS["rp_id"],
        origins=(VECTORS["origin"],),
    )


def _kept(vector: dict[str, Any]) -> PasskeyCredential:
    """The vector's credential, whatever its registration says of the user."""
    parts = vector["registration"]
    raw, credential_id = bytes.fromhex(parts["authenticator_data"]), bytes.fromhex(parts["credential_id"])
    return PasskeyCredential(
        credential_id=credential_id,
        key=parse_cose_key(raw[37 + 16 + 2 + len(credential_id) :]),
        rp_id=VECTORS["rp_id"],
        origins=(VECTORS["origin"],),
    )


def _answered(vector: dict[str, Any]) -> PasskeyProof:
    parts = vector["authentication"]
    return PasskeyProof(
        credential_id=bytes.fromhex(vector["registration"]["credential_id"]),
        client_data=bytes.fromhex(parts["client_data"]),
        authenticator_data=bytes.fromhex(parts["authenticator_data"]),
        signature=bytes.fromhex(parts["signature"]),
    )


# --- Web Authentication Level 3, section 16 ----------------------------------------------------------------------


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=list(BY_TITLE))
def test_the_signature_of_every_vector_holds(vector: dict[str, Any]) -> None:
    proof = _answered(vector)
    signed = proof.authenticator_data + hashlib.sha256(proof.client_data).digest()
    _kept(vector).key.verify(signed, proof.signature)
    with pytest.raises(SignatureError):
        _kept(vector).key.verify(signed + b"\x00", proof.signature)


# The specification takes all of these; here a user must be verified, and a page must stand alone.
@pytest.mark.parametrize(
    ("title", "registration", "authentication"),
    [
        ("ES256 Credential with No Attestation", PasskeyUserError, PasskeyUserError),
        ("ES256 Credential with Self Attestation", None, PasskeyUserError),
        ('ES256 Credential with "crossOrigin": true in clientDataJSON', PasskeyEmbeddedError, PasskeyEmbeddedError),
        ('ES256 Credential with "topOrigin" in clientDataJSON', PasskeyEmbeddedError, PasskeyEmbeddedError),
        ("Packed Attestation with ES256 Credential", None, None),
        ("Packed Attestation with Ed25519 Credential", PasskeyUserError, PasskeyUserError),
        ("TPM Attestation with ES256 Credential", None, None),
    ],
)
def test_a_vector_is_taken_if_its_user_was_verified_and_its_page_stands_alone(
    title: str, registration: type[ExchangeError] | None, authentication: type[ExchangeError] | None
) -> None:
    vector = BY_TITLE[title]
    challenge = bytes.fromhex(vector["authentication"]["challenge"])
    for refusal, step in (
        (registration, lambda: _registered(vector)),
        (authentication, lambda: verify_assertion(_answered(vector), challenge=challenge, credential=_kept(vector))),
    ):
        if refusal is None:
            step()
        else:
            with pytest.raises(refusal):
                step()


def test_every_vector_of_the_file_has_its_verdict() -> None:
    assert len(VECTORS["vectors"]) == 7


# --- assertions of our own ---------------------------------------------------------------------------------------


@BOTH
def test_an_assertion_over_a_statement_holds(algorithm: str) -> None:
    officer = Authenticator("kz-02", algorithm)
    credential = officer.register()
    assert credential.algorithm == algorithm
    assert verify_passkey(officer.prove(challenge_of(STATEMENT)), STATEMENT, credential) == 1


def test_the_challenge_is_the_digest_of_the_statement() -> None:
    # FIPS 180-4, SHA-256 of "abc".
    assert challenge_of(b"abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def _proof(change: Callable[[Authenticator], PasskeyProof]) -> tuple[PasskeyProof, PasskeyCredential]:
    officer = Authenticator("kz-02")
    credential = officer.register()
    return change(officer), credential


_ASKED = challenge_of(STATEMENT)
_RIGHT = {"type": "webauthn.get", "challenge": base64url_encode(_ASKED), "origin": ORIGIN}


def _json(text: str) -> Callable[[Authenticator], PasskeyProof]:
    return lambda officer: officer.prove(_ASKED, client_data=text.encode())


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        pytest.param(lambda one: one.prove(challenge_of(b"other")), PasskeyChallengeError, id="another statement"),
        pytest.param(
            lambda one: one.prove(_ASKED, members={"challenge": base64url_encode(_ASKED) + "="}),
            PasskeyChallengeError,
            id="a padded challenge",
        ),
        pytest.param(
            lambda one: one.prove(_ASKED, members={"origin": "https://desk.kz.example.evil"}),
            PasskeyOriginError,
            id="another origin",
        ),
        pytest.param(
            lambda one: one.prove(_ASKED, members={"origin": "http://desk.kz.example"}),
            PasskeyOriginError,
            id="the origin without TLS",
        ),
        pytest.param(
            lambda one: one.prove(_ASKED, members={"crossOrigin": True}), PasskeyEmbeddedError, id="cross origin"
        ),
        pytest.param(
            lambda one: one.prove(_ASKED, members={"crossOrigin": 0}), PasskeyEmbeddedError, id="cross origin 0"
        ),
        pytest.param(
            lambda one: one.prove(_ASKED, members={"crossOrigin": None}), PasskeyEmbeddedError, id="cross origin null"
        ),
        pytest.param(
            lambda one: one.prove(_ASKED, members={"topOrigin": ORIGIN}), PasskeyEmbeddedError, id="top origin"
        ),
        pytest.param(
            lambda one: one.prove(_ASKED, members={"topOrigin": None}), PasskeyEmbeddedError, id="top origin null"
        ),
        pytest.param(
            lambda one: one.prove(_ASKED, members={"type": "webauthn.create"}), PasskeyTypeError, id="a registration"
        ),
        pytest.param(
            lambda one: one.prove(_ASKED, members={"type": "payment.get"}), PasskeyTypeError, id="a payment"
        ),
        pytest.param(lambda one: one.prove(_ASKED, members={"type": 1}), PasskeyFormError, id="a type that is no text"),
        pytest.param(lambda one: one.prove(_ASKED, flags=UP), PasskeyUserError, id="the user not verified"),
        pytest.param(lambda one: one.prove(_ASKED, flags=UV), PasskeyUserError, id="the user not present"),
        pytest.param(lambda one: one.prove(_ASKED, flags=UP | UV | BS), PasskeyFormError, id="backed up unbackupable"),
        pytest.param(
            lambda one: one.prove(_ASKED, flags=UP | UV | 0x80, extensions=b"\xa0"), PasskeyFormError, id="extensions"
        ),
        pytest.param(lambda one: one.prove(_ASKED, flags=UP | UV | AT), PasskeyFormError, id="a flag of registration"),
        pytest.param(lambda one: one.prove(_ASKED, extensions=b"\x00"), PasskeyFormError, id="a byte more"),
        pytest.param(
            lambda one: replace(one.prove(_ASKED), authenticator_data=b"short"), PasskeyFormError, id="too few bytes"
        ),
        pytest.param(
            lambda one: replace(one, rp_id="desk.kg.example").prove(_ASKED), PasskeyPartyError, id="another party"
        ),
        pytest.param(
            lambda one: replace(one.prove(_ASKED), credential_id=bytes(32)), PasskeyCredentialError, id="another id"
        ),
        pytest.param(
            lambda one: replace(Authenticator("thief").prove(_ASKED), credential_id=one.credential_id),
            SignatureError,
            id="another's key under the officer's id",
        ),
        pytest.param(
            lambda one: replace(one.prove(_ASKED), signature=one.prove(challenge_of(b"other")).signature),
            SignatureError,
            id="a signature over other bytes",
        ),
        pytest.param(
            lambda one: replace(one.prove(_ASKED), signature=bytes(73)), PasskeyFormError, id="an overlong signature"
        ),
        pytest.param(lambda one: replace(one.prove(_ASKED), signature=b""), SignatureError, id="no signature"),
        pytest.param(_json(json.dumps(_RIGHT)[:-1] + ',"origin":"x"}'), PasskeyFormError, id="a member twice"),
        pytest.param(
            _json(json.dumps(_RIGHT)[:-1] + ',"a":{"b":1,"b":2}}'), PasskeyFormError, id="a member twice within another"
        ),
        pytest.param(_json("\ufeff" + json.dumps(_RIGHT)), PasskeyFormError, id="a byte order mark"),
        pytest.param(_json(json.dumps([_RIGHT])), PasskeyFormError, id="no object"),
        pytest.param(_json(json.dumps(_RIGHT | {"x": "y" * 1024})), PasskeyFormError, id="client data without end"),
        pytest.param(_json(json.dumps({"type": "webauthn.get"})), PasskeyFormError, id="no challenge"),
    ],
)  # fmt: skip
def test_anything_else_is_refused(
    change: Callable[[Authenticator], PasskeyProof], refusal: type[ExchangeError]
) -> None:
    proof, credential = _proof(change)
    with pytest.raises(refusal):
        verify_passkey(proof, STATEMENT, credential)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_json(json.dumps(_RIGHT)), id="no crossOrigin"),
        pytest.param(_json(json.dumps(_RIGHT, indent=2)), id="white space"),
        pytest.param(
            _json(json.dumps({"other_keys_can_be_added_here": "do not compare", **_RIGHT})), id="a member of the future"
        ),
        pytest.param(lambda one: one.prove(_ASKED, flags=UP | UV | BE | BS), id="a synchronised passkey"),
        pytest.param(lambda one: one.prove(_ASKED, flags=UP | UV | 0x22), id="reserved flags"),
    ],
)
def test_what_browsers_may_write_is_taken(change: Callable[[Authenticator], PasskeyProof]) -> None:
    proof, credential = _proof(change)
    verify_passkey(proof, STATEMENT, credential)


@BOTH
def test_no_byte_of_an_assertion_can_change(algorithm: str) -> None:
    officer = Authenticator("kz-02", algorithm)
    credential, proof = officer.register(), officer.prove(_ASKED)
    for part in ("client_data", "authenticator_data", "signature", "credential_id"):
        raw = getattr(proof, part)
        for place in range(len(raw)):
            changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
            with pytest.raises(TrustError):
                verify_passkey(replace(proof, **{part: changed}), STATEMENT, credential)


@pytest.mark.parametrize(
    ("before", "found", "holds"),
    [(0, 0, True), (0, 1, True), (7, 8, True), (7, 7, False), (7, 6, False), (7, 0, False), (2**32 - 1, 0, False)],
)
def test_a_counter_moves_on_or_never_counts(before: int, found: int, holds: bool) -> None:
    if holds:
        require_count(before, found)
    else:
        with pytest.raises(PasskeyCounterError):
            require_count(before, found)


def test_a_counter_at_or_below_the_registered_one_is_a_copy() -> None:
    officer = Authenticator("kz-02", sign_count=41)
    credential = officer.register()
    officer.sign_count = 40
    with pytest.raises(PasskeyCounterError):
        verify_passkey(officer.prove(_ASKED), STATEMENT, credential)
    assert verify_passkey(officer.prove(_ASKED), STATEMENT, credential) == 42


@settings(max_examples=200)
@given(client_data=st.binary(max_size=200), data=st.binary(max_size=80), signature=st.binary(max_size=80))
def test_no_bytes_hold_and_none_break_the_reader(client_data: bytes, data: bytes, signature: bytes) -> None:
    officer = Authenticator("kz-02")
    for said in (client_data, officer.client_data(_ASKED)):
        proof = PasskeyProof(
            credential_id=officer.credential_id, client_data=said, authenticator_data=data, signature=signature
        )
        with pytest.raises(TrustError):
            verify_passkey(proof, STATEMENT, officer.register())
    with pytest.raises(TrustError):
        parse_cose_key(data)
