"""Officers' passkeys in the registry: applied for with a proof of possession, listed by their own member alone."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from exchange.clearance import ProofKind
from exchange.encoding import canonical_json
from exchange.errors import ExchangeError
from exchange.errors.encoding import FieldError
from exchange.errors.keys import KeyListedError, KeyTwiceError, OfficerTwiceError, PossessionError
from exchange.errors.passkey import PasskeyFormError
from exchange.errors.trust import (
    ChangeSignerError,
    KeyKindError,
    RegistryHistoryError,
    RegistrySignatureError,
    UnknownOfficerError,
)
from exchange.flow.ceremony import rotate_keys
from exchange.flow.ceremony_keys import merged
from exchange.signing.admission import Application, AppliedKey, apply_for_passkey, open_application, passkey_possession
from exchange.signing.application import format_application, parse_application
from exchange.signing.ceremony import sign_change
from exchange.signing.ceremony_form import format_proposal
from exchange.signing.forward import require_forward
from exchange.signing.keys import KeyPurpose
from exchange.signing.members import MemberKey, format_member_keys, parse_member_keys
from exchange.signing.passkey import PasskeyCredential
from tests.world.bundles import bundle_world
from tests.world.ceremonies import Living
from tests.world.clock import FOUNDED
from tests.world.passkey_bundles import apply_for, passkey_world
from tests.world.passkeys import Authenticator
from tests.world.registry import Registry, keys_of, opened

AT = FOUNDED + timedelta(hours=1)


def _applied(
    authenticator: Authenticator, *, officer: str = "kz-02", roles: tuple[str, ...] = ("clearing",)
) -> AppliedKey:
    return AppliedKey(purpose=KeyPurpose.OFFICER, key=authenticator.register(), officer=officer, roles=roles)


def _application(authenticator: Authenticator, *, officer: str = "kz-02", member: str = "KZ") -> bytes:
    applied = _applied(authenticator, officer=officer)
    proof = authenticator.prove(passkey_possession(applied, member=member, at=AT))
    return apply_for_passkey(applied, proof, member=member, at=AT)


def _put(**changes: object) -> bytes:
    document = json.loads(_application(Authenticator("one")))
    document["keys"][0] |= changes
    return canonical_json(document)


@pytest.fixture
def living() -> Living:
    return Living(bundle_world().federation)


# --- applications ------------------------------------------------------------------------------------------------


def test_an_application_for_a_passkey_lists_it_with_the_counter_of_its_proof() -> None:
    raw = _application(Authenticator("one", sign_count=6))
    application = open_application(raw, trust=bundle_world().trust)
    (applied,) = application.keys
    assert isinstance(applied.key, PasskeyCredential)
    assert (applied.officer, applied.roles, applied.key.sign_count) == ("kz-02", ("clearing",), 7)
    assert format_application(application) == raw


def test_nobody_applies_for_a_passkey_that_did_not_answer() -> None:
    applied = _applied(Authenticator("one"))
    challenge = passkey_possession(applied, member="KZ", at=AT)
    with pytest.raises(PossessionError, match="passkey-credential"):
        apply_for_passkey(applied, Authenticator("thief").prove(challenge), member="KZ", at=AT)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"roles": ("clearing", "contract")}, id="more roles"),
        pytest.param({"officer": "kz-03"}, id="another officer"),
    ],
)
def test_a_passkey_answers_for_exactly_what_is_asked_for_it(change: dict[str, Any]) -> None:
    authenticator = Authenticator("one")
    applied = _applied(authenticator)
    proof = authenticator.prove(passkey_possession(applied, member="KZ", at=AT))
    with pytest.raises(PossessionError, match="passkey-challenge"):
        apply_for_passkey(replace(applied, **change), proof, member="KZ", at=AT)


def test_a_proof_for_another_page_is_none() -> None:
    authenticator = Authenticator("one")
    applied = _applied(authenticator)
    assert isinstance(applied.key, PasskeyCredential)
    wider = replace(applied, key=replace(applied.key, origins=("https://a.desk.kz.example", *applied.key.origins)))
    proof = authenticator.prove(passkey_possession(applied, member="KZ", at=AT))
    with pytest.raises(PossessionError, match="passkey-challenge"):
        apply_for_passkey(wider, proof, member="KZ", at=AT)


def test_an_officer_applies_for_one_key_and_one_passkey() -> None:
    authenticators = [Authenticator("one"), Authenticator("two")]
    keys = [(_applied(one), one) for one in authenticators]
    twice = Application(member="KZ", at=AT, keys=tuple(applied for applied, _ in keys))
    proven = [
        replace(applied, proof=one.prove(passkey_possession(applied, member="KZ", at=AT))) for applied, one in keys
    ]
    with pytest.raises(OfficerTwiceError):
        open_application(format_application(replace(twice, keys=tuple(proven))), trust=None)
    doubled = (proven[0], replace(proven[0], officer="kz-03"))
    with pytest.raises(KeyTwiceError):
        open_application(format_application(replace(twice, keys=doubled)), trust=None)


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        pytest.param(_put(purpose="contract"), FieldError, id="for contracts"),
        pytest.param(_put(passkey="x"), FieldError, id="a passkey that is no object"),
        pytest.param(_put(passkey={}), FieldError, id="an empty passkey"),
        pytest.param(
            _put(passkey={**json.loads(_application(Authenticator("one")))["keys"][0]["passkey"], "sign_count": 0}),
            FieldError,
            id="a counter of one's own choice",
        ),
        pytest.param(_put(proof="AAAA"), FieldError, id="a signature in place of an assertion"),
        pytest.param(
            _put(jwk={"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}), KeyKindError, id="a key of another curve"
        ),
        pytest.param(
            _put(passkey={"credential_id": "AAAA", "rp_id": "kz.example", "origins": ["https://kz.example"]}),
            PasskeyFormError,
            id="an id of three bytes",
        ),
    ],
)
def test_an_application_has_one_form(raw: bytes, refusal: type[ExchangeError]) -> None:
    with pytest.raises(refusal):
        open_application(raw, trust=None)


def test_an_ec_key_is_no_officer_key() -> None:
    document = json.loads(_application(Authenticator("one")))
    del document["keys"][0]["passkey"]
    with pytest.raises(KeyKindError):
        parse_application(canonical_json(document))


# --- ceremonies --------------------------------------------------------------------------------------------------


def test_a_passkey_is_listed_beside_the_officers_key() -> None:
    trust = passkey_world().trust
    for kind in ProofKind:
        member, listed = trust.officer("kz-02", at=AT, by=kind)
        assert (member, listed.proof_kind, listed.revoked_at) == ("KZ", kind, None)
    with pytest.raises(UnknownOfficerError):
        trust.officer("kz-02", at=AT - timedelta(seconds=1), by=ProofKind.WEBAUTHN)
    with pytest.raises(UnknownOfficerError):
        trust.officer("kz-04", at=AT, by=ProofKind.WEBAUTHN)


def test_no_passkey_is_among_the_keys_that_sign_bytes() -> None:
    trust = passkey_world().trust
    keys = trust.keys("KZ", KeyPurpose.OFFICER, at=AT)
    assert keys == bundle_world().trust.keys("KZ", KeyPurpose.OFFICER, at=AT)


def test_a_members_keys_read_back_as_they_were_written() -> None:
    member = passkey_world().trust.member("KZ")
    again = parse_member_keys(format_member_keys(member), member_id="KZ", kind=member.kind, name=member.name)
    assert again.keys == tuple(replace(listed, announced_at=None) for listed in member.keys)


def test_a_new_passkey_ends_the_officers_earlier_one_and_not_the_key(living: Living) -> None:
    def listing(authenticator: Authenticator) -> str:
        application = apply_for(living, [("kz-02", authenticator)])
        living.decide(
            rotate_keys(living.base, application, overlap=timedelta(hours=72), at=living.at), living.pair("KZ")
        )
        return application.keys[0].key.kid

    first = listing(Authenticator("one"))
    living.move(hours=1)
    second = listing(Authenticator("two", "Ed25519"))
    found = {listed.key.kid: listed for listed in living.trust.member("KZ").keys if listed.officer == "kz-02"}
    assert found[first].revoked_at == living.at
    assert found[second].revoked_at is None
    assert living.trust.officer("kz-02", at=living.at, by=ProofKind.OFFICER_KEY)[1].revoked_at is None


def test_a_stolen_desk_enrols_nobody(living: Living) -> None:
    # The thief has the desk's page, its bundle and contract keys, and makes an application that holds.
    application = apply_for(living, [("kz-02", Authenticator("thief"))])
    proposal = rotate_keys(living.base, application, overlap=timedelta(0), at=living.at)
    raw = format_proposal(proposal)
    for purpose in (KeyPurpose.BUNDLE, KeyPurpose.CONTRACT):
        with pytest.raises(ChangeSignerError):
            sign_change(raw, living.federation.hybrid("KZ", purpose).ed25519, base=living.base)
    for signers in ([], living.pair("KZ")[:1], living.pair("KG")):
        with pytest.raises((ChangeSignerError, RegistrySignatureError)):
            living.apply(proposal, signers)
    assert living.decide(proposal, living.pair("KZ")).officer("kz-02", at=living.at, by=ProofKind.WEBAUTHN)


def test_a_passkey_has_one_owner_for_ever(living: Living) -> None:
    trust = passkey_world().trust
    with pytest.raises(KeyListedError):
        open_application(_application(passkey_world().authenticator("kz-02"), officer="kz-04"), trust=trust)
    two = [
        open_application(_application(Authenticator("one"), officer=officer), trust=None)
        for officer in ("kz-02", "kz-03")
    ]
    with pytest.raises(ExchangeError):
        merged(two)


def test_a_revoked_passkey_stays_listed_and_counts_before(living: Living) -> None:
    world = passkey_world()
    _, listed = world.trust.officer("kz-02", at=AT, by=ProofKind.WEBAUTHN)
    later = AT + timedelta(days=2)
    trust = world.after_revoking("kz-02", at=later)
    assert trust.officer("kz-02", at=later - timedelta(seconds=1), by=ProofKind.WEBAUTHN)[1].key == listed.key
    with pytest.raises(UnknownOfficerError):
        trust.officer("kz-02", at=later, by=ProofKind.WEBAUTHN)


def test_where_a_passkey_may_be_used_is_not_changed_afterwards() -> None:
    world = passkey_world()
    member = world.trust.member("KZ")

    def elsewhere(listed: MemberKey) -> MemberKey:
        if not isinstance(listed.key, PasskeyCredential):
            return listed
        return replace(listed, key=replace(listed.key, origins=("https://other.desk.kz.example",)))

    moved = replace(member, keys=tuple(map(elsewhere, member.keys)))
    after = replace(world.trust, members={**world.trust.members, "KZ": moved})
    with pytest.raises(RegistryHistoryError):
        require_forward(world.trust, after)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        pytest.param(lambda entry: entry.update(purpose="transport"), FieldError, id="for transport"),
        pytest.param(lambda entry: entry.update(passkey=[]), FieldError, id="no object"),
        pytest.param(lambda entry: entry["passkey"].pop("sign_count"), FieldError, id="no counter"),
        pytest.param(
            lambda entry: entry["passkey"].update(rp_id="other.example"), PasskeyFormError, id="a foreign page"
        ),
    ],
)
def test_a_listed_passkey_has_one_form(
    change: Callable[[dict[str, Any]], object], refusal: type[ExchangeError]
) -> None:
    member = passkey_world().trust.member("KZ")
    document = json.loads(format_member_keys(member))
    change(next(entry for entry in document["keys"] if "passkey" in entry))
    with pytest.raises(refusal):
        parse_member_keys(canonical_json(document), member_id="KZ", kind=member.kind, name=member.name)


def _entry(authenticator: Authenticator, **changes: object) -> dict[str, object]:
    credential = authenticator.register()
    return {
        "purpose": "officer",
        "jwk": credential.jwk(),
        "valid_from": "2026-10-01T09:00:00Z",
        "officer": "kz-02",
        "roles": ["clearing"],
        "passkey": credential.place(),
        **changes,
    }


@pytest.mark.parametrize(
    ("entries", "silenced"),
    [
        pytest.param([_entry(Authenticator("one"))], False, id="one passkey"),
        pytest.param([_entry(Authenticator("one")), _entry(Authenticator("two"))], True, id="two at a time"),
        pytest.param(
            [_entry(Authenticator("one"), revoked_at="2026-10-01T09:00:00Z"), _entry(Authenticator("two"))],
            False,
            id="one after the other",
        ),
        pytest.param([_entry(Authenticator("one")), _entry(Authenticator("one"))], True, id="one twice"),
        pytest.param(
            [_entry(Authenticator("one")), _entry(Authenticator("one"), officer="kz-03")],
            True,
            id="one for two officers",
        ),
    ],
)
def test_a_member_that_lists_passkeys_otherwise_is_silenced(entries: list[dict[str, object]], silenced: bool) -> None:
    registry = Registry(bundle_world().federation)
    listed = keys_of(registry, "kz", lambda document: document["keys"].extend(entries))
    trust = opened(registry, registry.publish(keys={"kz": listed}))
    assert ("KZ" in trust.silenced) is silenced
