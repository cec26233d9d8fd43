"""Applications for keys: what a member may have listed, and every key that must not enter."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.encoding import base64url_decode, base64url_encode, canonical_json
from exchange.errors import ExchangeError
from exchange.errors.encoding import Base64Error, CanonicalJsonError, FieldError, InstantError, JsonError
from exchange.errors.keys import KeyHalfError, KeyListedError, KeyTwiceError, OfficerTwiceError, PossessionError
from exchange.errors.trust import KeyKindError, KeyLengthError, WeakKeyError
from exchange.signing.admission import AppliedKey, apply_for_keys, open_application
from exchange.signing.application import format_application, parse_application
from exchange.signing.keys import (
    HYBRID,
    NOTE_COSIGNATURE,
    NOTE_ED25519,
    Algorithm,
    KeyPurpose,
    KeyUse,
    RegistryRole,
    SoftwareSigner,
    note_vkey,
)
from exchange.signing.trust import Trust
from tests.world.clock import StillClock
from tests.world.federation import Federation, found, signer

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def applied(
    purpose: KeyUse,
    label: str = "",
    algorithm: Algorithm = Algorithm.ED25519,
    officer: str | None = None,
    roles: tuple[str, ...] = (),
) -> tuple[AppliedKey, SoftwareSigner]:
    holder = signer(label or f"kz {purpose}", algorithm)
    types = {KeyPurpose.LOG: NOTE_ED25519, KeyPurpose.WITNESS: NOTE_COSIGNATURE}
    kind = types.get(purpose) if isinstance(purpose, KeyPurpose) else None
    vkey = None if kind is None else note_vkey(f"kz.exchange.example/{purpose}", holder.public, kind)
    key = AppliedKey(purpose=purpose, key=holder.public, officer=officer, roles=roles, vkey=vkey)
    return key, holder


PAIR = [applied(KeyPurpose.BUNDLE, algorithm=algorithm) for algorithm in HYBRID]
ALL = [
    *PAIR,
    *(applied(KeyPurpose.CONTRACT, algorithm=algorithm) for algorithm in HYBRID),
    applied(KeyPurpose.TRANSPORT),
    applied(KeyPurpose.LOG),
    applied(KeyPurpose.WITNESS),
    applied(KeyPurpose.OFFICER, "kz-01", officer="kz-01", roles=("data",)),
    applied(KeyPurpose.OFFICER, "kz-02", officer="kz-02", roles=("clearing", "contract")),
    applied(RegistryRole.ROOT),
    applied(RegistryRole.TARGETS),
    applied(RegistryRole.DELEGATION, "first person"),
    applied(RegistryRole.DELEGATION, "second person"),
    applied(RegistryRole.SNAPSHOT),
    applied(RegistryRole.TIMESTAMP),
]
RAW = apply_for_keys(ALL, member="KZ", at=AT, issuer="https://exchange.kz.example")


def test_an_application_gives_keys_by_purpose_and_officers_with_their_roles() -> None:
    application = open_application(RAW, trust=None)
    assert (application.member, application.at, application.issuer) == ("KZ", AT, "https://exchange.kz.example")
    assert application.of(KeyPurpose.BUNDLE) == tuple(holder.public for _, holder in PAIR)
    assert [key.algorithm for key in application.of(KeyPurpose.CONTRACT)] == ["Ed25519", "ML-DSA-65"]
    assert application.of(RegistryRole.DELEGATION) == (signer("first person").public, signer("second person").public)
    assert dict(application.officers) == {"kz-01": ("data",), "kz-02": ("clearing", "contract")}
    assert format_application(application) == RAW


def test_a_possession_is_the_key_s_signature_over_all_that_is_asked_for_it() -> None:
    document = json.loads(RAW)
    entry = next(entry for entry in document["keys"] if entry["purpose"] == "log")
    log = signer("kz log").public
    statement = (
        '{"at":"2026-03-01T09:30:00Z","issuer":"https://exchange.kz.example","kid":"' + log.kid + '",'
        '"member":"KZ","purpose":"log","type":"key-possession/1","vkey":"' + entry["vkey"] + '"}'
    )
    log.verify(statement.encode(), base64url_decode(entry["proof"], subject="proof"))


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(RAW)
    change(document)
    return canonical_json(document)


def entry_of(document: dict[str, Any], purpose: str) -> dict[str, Any]:
    return next(entry for entry in document["keys"] if entry["purpose"] == purpose)


def put(purpose: str, /, **members: object) -> bytes:
    return changed(lambda document: entry_of(document, purpose).update(members))


def without(purpose: str, member: str) -> bytes:
    return changed(lambda document: entry_of(document, purpose).pop(member))


def moved(document: dict[str, Any]) -> None:
    """The transport key in the place of the root key and the other way round, proofs as they were."""
    first, second = entry_of(document, "transport"), entry_of(document, "registry-root")
    first["purpose"], second["purpose"] = second["purpose"], first["purpose"]


@pytest.mark.parametrize(
    ("raw", "refusal", "says"),
    [
        pytest.param(without("log", "proof"), PossessionError, "found none", id="no proof"),
        pytest.param(
            put("log", proof=base64url_encode(bytes(64))), PossessionError, "found another", id="no signature"
        ),
        pytest.param(put("log", proof=""), PossessionError, "found another", id="an empty proof"),
        pytest.param(put("log", proof="AAA="), Base64Error, "base64url", id="a proof with padding"),
        pytest.param(
            changed(lambda d: d.update(member="KG")), FieldError, "kg-<number>", id="another country's officers"
        ),
        pytest.param(changed(moved), PossessionError, "found another", id="a key moved to another purpose"),
        pytest.param(
            put("officer", officer="kz-03"), PossessionError, "found another", id="a key moved to another officer"
        ),
        pytest.param(
            put("officer", roles=["clearing"]), PossessionError, "found another", id="another role than was asked for"
        ),
        pytest.param(
            changed(lambda d: d.update(at="2026-03-02T09:30:00Z")), PossessionError, "found another", id="another time"
        ),
        pytest.param(
            changed(lambda d: d.update(issuer="https://elsewhere.example")),
            PossessionError,
            "found another",
            id="another address",
        ),
        pytest.param(changed(lambda d: d.pop("issuer")), PossessionError, "found another", id="the address taken away"),
        pytest.param(put("officer", officer="KZ-02"), FieldError, "kz-<number>", id="an officer in capitals"),
        pytest.param(put("officer", roles=["contract", "clearing"]), FieldError, "sorted", id="roles unsorted"),
        pytest.param(put("officer", roles=["data", "data"]), FieldError, "sorted", id="a role twice"),
        pytest.param(put("officer", roles=[]), FieldError, "roles", id="no role"),
        pytest.param(put("officer", roles=[1]), FieldError, "roles", id="a number for a role"),
        pytest.param(put("officer", roles=["king"]), FieldError, "roles", id="a role that nobody has"),
        pytest.param(put("transport", officer="kz-01"), FieldError, "no such member", id="an officer who is none"),
        pytest.param(put("log", vkey="x"), FieldError, "vkey of this jwk", id="another verifier key"),
        pytest.param(without("witness", "vkey"), FieldError, "vkey", id="no verifier key"),
        pytest.param(put("log", purpose="ledger"), FieldError, "purpose", id="a purpose that is none"),
        pytest.param(changed(lambda d: d.update(keys=[])), FieldError, "not empty", id="no key"),
        pytest.param(changed(lambda d: d.update(keys=["x"])), FieldError, "objects", id="a text for a key"),
        pytest.param(put("log", jwk="x"), FieldError, "jwk", id="a text for a JWK"),
        pytest.param(
            changed(lambda d: d.update(member="kz")), FieldError, "upper-case", id="a member in small letters"
        ),
        pytest.param(changed(lambda d: d.update(type="keys/1")), FieldError, "key-application/1", id="another type"),
        pytest.param(
            changed(lambda d: d.update(issuer="ftp://x")), FieldError, "host", id="an address of another kind"
        ),
        pytest.param(changed(lambda d: d.update(at="2026-03-01")), InstantError, "2026-03-01", id="a date for a time"),
        pytest.param(changed(lambda d: d.update(more=1)), FieldError, "more", id="a member too many"),
        pytest.param(RAW + b"\n", CanonicalJsonError, "8785", id="a newline after it"),
        pytest.param(b"", JsonError, "application for keys", id="nothing"),
        pytest.param(b"[" * (256 * 1024 + 1), JsonError, "262144", id="too large"),
    ],
)
def test_an_application_that_was_altered_is_refused(raw: bytes, refusal: type[ExchangeError], says: str) -> None:
    with pytest.raises(refusal, match=says):
        open_application(raw, trust=None)


def ed25519(hexadecimal: str) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(bytes.fromhex(hexadecimal))}


def ml_dsa(length: int) -> dict[str, str]:
    return {"kty": "AKP", "alg": "ML-DSA-65", "pub": base64url_encode(bytes(length))}


@pytest.mark.parametrize(
    ("jwk", "refusal"),
    [
        pytest.param(ed25519("01" + "00" * 31), WeakKeyError, id="the point of order 1"),
        pytest.param(ed25519("ee" + "ff" * 30 + "7f"), WeakKeyError, id="not reduced"),
        pytest.param(ed25519("02" + "00" * 31), WeakKeyError, id="no point"),
        pytest.param(ed25519("00" * 31), KeyLengthError, id="31 bytes"),
        pytest.param(ml_dsa(1951), KeyLengthError, id="ML-DSA too short"),
        pytest.param(ml_dsa(1953), KeyLengthError, id="ML-DSA too long"),
        pytest.param(ml_dsa(1312), KeyLengthError, id="the length of ML-DSA-44"),
        pytest.param({"kty": "EC", "crv": "P-256", "x": "", "y": ""}, KeyKindError, id="another kind"),
        pytest.param({**ed25519("01" + "00" * 31), "d": ""}, FieldError, id="a private member"),
    ],
)
def test_a_key_that_must_not_enter_is_refused_before_any_signature(
    jwk: dict[str, str], refusal: type[ExchangeError]
) -> None:
    with pytest.raises(refusal):
        open_application(put("transport", jwk=jwk), trust=None)


@pytest.mark.parametrize(
    ("keys", "refusal", "says"),
    [
        pytest.param(
            [applied(KeyPurpose.TRANSPORT, "one"), applied(KeyPurpose.LOG, "one")],
            KeyTwiceError,
            "at transport and at log",
            id="one key for two purposes",
        ),
        pytest.param(
            [applied(RegistryRole.DELEGATION, "one"), applied(RegistryRole.DELEGATION, "one")],
            KeyTwiceError,
            "at registry-delegation and at registry-delegation",
            id="one key for both delegation keys",
        ),
        pytest.param(
            [applied(KeyPurpose.OFFICER, name, officer=name, roles=("data",)) for name in ("kz-01", "kz-02")]
            + [applied(KeyPurpose.OFFICER, "other", officer="kz-01", roles=("clearing",))],
            OfficerTwiceError,
            "officer kz-01",
            id="an officer with two keys",
        ),
        pytest.param(PAIR[:1], KeyHalfError, r"expected Ed25519 \+ ML-DSA-65, found Ed25519", id="half a pair"),
        pytest.param(PAIR[::-1], KeyHalfError, r"found ML-DSA-65 \+ Ed25519", id="the pair turned round"),
        pytest.param(
            [applied(KeyPurpose.LOG, "one", Algorithm.ML_DSA_65)],
            KeyHalfError,
            "expected Ed25519, found ML-DSA",
            id="log",
        ),
        pytest.param(
            [applied(KeyPurpose.LOG, "one"), applied(KeyPurpose.LOG, "two")], KeyHalfError, "Ed25519", id="two log keys"
        ),
        pytest.param(
            [applied(RegistryRole.DELEGATION, name) for name in "abc"],
            KeyHalfError,
            "registry-delegation",
            id="three delegation keys",
        ),
    ],
)
def test_every_purpose_has_whole_keys_of_its_own(
    keys: list[tuple[AppliedKey, SoftwareSigner]], refusal: type[ExchangeError], says: str
) -> None:
    with pytest.raises(refusal, match=says):
        apply_for_keys(keys, member="KZ", at=AT)


def test_an_address_is_asked_for_with_the_transport_key_only() -> None:
    with pytest.raises(FieldError, match="without a transport key"):
        apply_for_keys(PAIR, member="KZ", at=AT, issuer="https://exchange.kz.example")


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    return found(Path(tmp_path_factory.mktemp("federation")), StillClock(), members=("KZ", "KG", "IOM"))


@pytest.fixture
def trust(federation: Federation) -> Trust:
    return federation.trust


def test_new_keys_of_a_member_are_admitted(trust: Trust) -> None:
    assert open_application(RAW, trust=trust).member == "KZ"


@pytest.mark.parametrize(
    ("owner", "purpose", "place"),
    [
        pytest.param("KZ", KeyPurpose.TRANSPORT, "KZ/transport", id="the own key again"),
        pytest.param("KZ", KeyPurpose.WITNESS, "KZ/witness", id="the own key for a second purpose"),
        pytest.param("KG", KeyPurpose.TRANSPORT, "KG/transport", id="another country's key"),
    ],
)
def test_a_key_that_is_listed_is_not_listed_again(
    federation: Federation, owner: str, purpose: KeyPurpose, place: str
) -> None:
    holder = federation.signer(owner, purpose)
    raw = apply_for_keys([(AppliedKey(purpose=KeyPurpose.TRANSPORT, key=holder.public), holder)], member="KZ", at=AT)
    with pytest.raises(KeyListedError, match=f"at {place}"):
        open_application(raw, trust=federation.trust)


def test_a_key_of_the_registry_itself_is_not_listed_for_a_member(federation: Federation) -> None:
    holder = federation.holder("KG", "root")
    raw = apply_for_keys([(AppliedKey(purpose=KeyPurpose.TRANSPORT, key=holder.public), holder)], member="KZ", at=AT)
    with pytest.raises(KeyListedError, match="root"):
        open_application(raw, trust=federation.trust)


def test_another_country_s_key_cannot_be_asked_for_without_its_private_half(federation: Federation) -> None:
    stolen = federation.signer("KG", KeyPurpose.TRANSPORT).public
    with pytest.raises(PossessionError, match=stolen.kid):
        apply_for_keys([(AppliedKey(purpose=KeyPurpose.TRANSPORT, key=stolen), signer("thief"))], member="KZ", at=AT)


@given(st.integers(min_value=0, max_value=len(RAW) - 1), st.integers(min_value=1, max_value=255))
def test_no_byte_of_an_application_can_be_changed(place: int, change: int) -> None:
    raw = RAW[:place] + bytes([RAW[place] ^ change]) + RAW[place + 1 :]
    with pytest.raises(ExchangeError):
        open_application(raw, trust=None)


@given(st.lists(st.sampled_from(range(len(ALL))), min_size=1, unique=True))
def test_what_was_parsed_is_written_as_it_was(places: list[int]) -> None:
    document = json.loads(RAW)
    document["keys"] = [document["keys"][place] for place in places]
    if not any(entry["purpose"] == "transport" for entry in document["keys"]):
        del document["issuer"]
    raw = canonical_json(document)
    assert format_application(parse_application(raw)) == raw
