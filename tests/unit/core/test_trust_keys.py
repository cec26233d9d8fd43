"""What enters the registry: keys, members, delegations; and which key counts at which time."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exchange.encoding import base64url_encode
from exchange.errors import ExchangeError
from exchange.errors.encoding import CanonicalJsonError, FieldError, InstantError, JsonError
from exchange.errors.trust import (
    KeyKindError,
    KeyReuseError,
    RegistryRuleError,
    UnknownOfficerError,
    WeakKeyError,
)
from exchange.signing.authoring import Authority
from exchange.signing.keys import Algorithm, KeyPurpose
from tests.world.clock import FOUNDED, StillClock
from tests.world.federation import SEVEN, Federation, found, signer
from tests.world.registry import LATER, Registry, federation_of, keys_of, opened


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    return found(tmp_path_factory.mktemp("federation"), StillClock())


@pytest.fixture
def registry(federation: Federation) -> Registry:
    return Registry(federation)


# Which keys enter


def key_at(purpose: str, index: int = 0) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda document: [key for key in document["keys"] if key["purpose"] == purpose][index]


def change(which: str, index: int = 0, /, **members: object) -> Callable[[dict[str, Any]], object]:
    return lambda document: key_at(which, index)(document).update(members)


def drop(purpose: str, name: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: key_at(purpose)(document).pop(name)


def copy(purpose: str, to: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: key_at(to)(document).update(jwk=key_at(purpose)(document)["jwk"])


IDENTITY = {"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(b"\x01" + bytes(31))}
ML_DSA = signer("pq", Algorithm.ML_DSA_65).public.jwk()
FRESH = signer("fresh").public.jwk()


@pytest.mark.parametrize(
    ("alter", "refusal"),
    [
        pytest.param(copy("bundle", "contract"), KeyReuseError, id="one key for two purposes"),
        pytest.param(copy("bundle", "officer"), KeyReuseError, id="the bundle key as an officer's"),
        pytest.param(lambda d: d["keys"].append(d["keys"][0]), KeyReuseError, id="the same key twice"),
        pytest.param(change("bundle", jwk=IDENTITY), WeakKeyError, id="a key under which anybody signs"),
        pytest.param(change("officer", jwk=IDENTITY), WeakKeyError, id="such a key of an officer"),
        pytest.param(change("transport", jwk=ML_DSA), FieldError, id="ML-DSA-65 for transport"),
        pytest.param(change("bundle", jwk={"kty": "RSA"}), KeyKindError, id="RSA"),
        pytest.param(change("bundle", jwk="x"), FieldError, id="a text for a key"),
        pytest.param(change("bundle", purpose="backup"), FieldError, id="an unknown purpose"),
        pytest.param(change("bundle", note="x"), FieldError, id="an unknown member"),
        pytest.param(change("bundle", officer="kz-02"), FieldError, id="an officer's bundle key"),
        pytest.param(change("officer", officer="uz-02"), FieldError, id="another country's officer"),
        pytest.param(change("officer", officer="kz-2"), FieldError, id="an officer's id of one digit"),
        pytest.param(change("officer", 1, officer="kz-01"), RegistryRuleError, id="two officers with one id"),
        pytest.param(change("officer", roles=[]), FieldError, id="an officer without a role"),
        pytest.param(change("officer", roles=["king"]), FieldError, id="an unknown role"),
        pytest.param(change("officer", roles=[[]]), FieldError, id="a list for a role"),
        pytest.param(change("officer", roles=["data", "clearing"]), FieldError, id="roles not in order"),
        pytest.param(change("log", vkey="kz.exchange.example/log+00000000+AQ=="), FieldError, id="another vkey"),
        pytest.param(change("witness", jwk=FRESH), FieldError, id="a vkey of another key"),
        pytest.param(drop("log", "vkey"), FieldError, id="a log key without vkey"),
        pytest.param(drop("bundle", "valid_from"), FieldError, id="no beginning"),
        pytest.param(change("bundle", valid_from="2026-10-01"), InstantError, id="a day for a time"),
        pytest.param(change("bundle", revoked_at="2026-09-30T00:00:00Z"), FieldError, id="revoked before valid"),
        pytest.param(change("bundle", revoked_at=None), InstantError, id="revoked at null"),
        pytest.param(lambda d: d.update(member="UZ"), FieldError, id="another member's file"),
        pytest.param(lambda d: d.update(issuer="http://127.0.0.1:8100/"), FieldError, id="a slash after the issuer"),
        pytest.param(lambda d: d.update(log="x"), FieldError, id="a log that is no key of it"),
        pytest.param(lambda d: d.update(keys=[]), FieldError, id="no keys"),
        pytest.param(lambda d: d.update(type="member-keys/2"), FieldError, id="a newer format"),
        pytest.param(lambda d: d.update(more=1), FieldError, id="a member too many"),
    ],
)
def test_a_key_enters_only_as_agreed(
    registry: Registry, alter: Callable[[dict[str, Any]], object], refusal: type[ExchangeError]
) -> None:
    trust = opened(registry, registry.publish(keys={"kz": keys_of(registry, "kz", alter)}))
    assert isinstance(trust.silenced["KZ"], refusal)


def test_a_member_with_a_bad_file_is_silenced_and_nobody_else(registry: Registry) -> None:
    # One member, by mistake or on purpose, must not stop the registry of all.
    trust = opened(registry, registry.publish(keys={"kz": {"members/kz/keys.json": b"[]"}}))
    assert set(trust.silenced) == {"KZ"}
    assert trust.members["KZ"].keys == ()
    for member in SEVEN[1:]:
        assert trust.members[member] == registry.federation.trust.members[member]
    with pytest.raises(UnknownOfficerError):
        trust.officer("kz-02", at=LATER)


def test_a_member_that_takes_anothers_name_silences_itself_and_nobody_else(registry: Registry) -> None:
    files = registry.publish(keys={"kz": keys_of(registry, "kz", lambda d: d.update(issuer="http://127.0.0.1:8101"))})
    trust = opened(registry, files)
    assert set(trust.silenced) == {"KZ"}
    assert "used by nobody else" in trust.silenced["KZ"].sentence()


def test_a_member_that_copies_anothers_public_key_silences_itself_and_nobody_else(registry: Registry) -> None:
    # A public key is there for all to copy: were both refused, any member could stop the whole federation.
    theirs = json.loads(registry.target("members/uz/keys.json"))["keys"][0]
    trust = opened(registry, registry.publish(keys={"kz": keys_of(registry, "kz", lambda d: d["keys"].append(theirs))}))
    assert set(trust.silenced) == {"KZ"}
    assert "at UZ/bundle and at KZ/bundle" in trust.silenced["KZ"].sentence()
    assert trust.members["UZ"] == registry.federation.trust.members["UZ"]


def test_where_the_archive_does_not_tell_who_was_first_nobody_has_the_key(registry: Registry) -> None:
    theirs = json.loads(registry.target("members/uz/keys.json"))["keys"][0]
    files = registry.publish(keys={"kz": keys_of(registry, "kz", lambda d: d["keys"].append(theirs))})
    del files["metadata/1.snapshot.json"]
    with pytest.raises(KeyReuseError, match="at KZ/bundle and at UZ/bundle"):
        opened(registry, files)


def test_a_registry_key_is_no_members_key(registry: Registry) -> None:
    root_key = registry.holders("root", ["KZ"])[0].public.jwk()
    files = registry.publish(keys={"kz": keys_of(registry, "kz", change("transport", jwk=root_key))})
    refusal = opened(registry, files).silenced["KZ"]
    assert isinstance(refusal, KeyReuseError)
    assert "registry role root" in refusal.sentence()


def test_keys_json_has_one_legal_form(registry: Registry) -> None:
    path = "members/kz/keys.json"
    raw = registry.target(path)
    for other, refusal in (
        (raw + b"\n", CanonicalJsonError),
        (raw.replace(b'"member":"KZ"', b'"member":"KZ","member":"KZ"'), JsonError),
        (b"\xef\xbb\xbf" + raw, JsonError),
        (b"", JsonError),
    ):
        silenced = opened(registry, registry.publish(keys={"kz": {path: other}})).silenced
        assert isinstance(silenced["KZ"], refusal)


# Who is a member


@pytest.mark.parametrize(
    ("alter", "refusal"),
    [
        pytest.param(lambda d: d["members"].pop(0), RegistryRuleError, id="a delegation without its member"),
        pytest.param(
            lambda d: d["members"].append({"id": "FR", "kind": "state", "name": {"en": "F", "ru": "Ф"}}),
            RegistryRuleError,
            id="a member without delegation, and 4 of 8 no majority",
        ),
        pytest.param(lambda d: d["members"].append(d["members"][0]), FieldError, id="a member twice"),
        pytest.param(lambda d: d["members"][0].update(id="kz"), FieldError, id="lower case"),
        pytest.param(lambda d: d["members"][0].update(kind="bank"), FieldError, id="neither state nor organisation"),
        pytest.param(lambda d: d["members"][0].update(name={"en": "K"}), FieldError, id="a name in one language"),
        pytest.param(lambda d: d.update(members=[]), FieldError, id="no members"),
        pytest.param(lambda d: d.update(members={}), FieldError, id="members no list"),
        pytest.param(lambda d: d.update(auditor="FR"), FieldError, id="an auditor from outside"),
        pytest.param(lambda d: d.update(type="federation/2"), FieldError, id="a newer format"),
    ],
)
def test_the_federation_is_what_its_majority_wrote(
    registry: Registry, alter: Callable[[dict[str, Any]], object], refusal: type[ExchangeError]
) -> None:
    with pytest.raises(refusal):
        opened(registry, registry.publish(targets=federation_of(registry, alter)))


def test_nothing_but_federation_and_policies_is_a_top_level_target(registry: Registry) -> None:
    for path in ("notes.txt", "policy/ru.tlog-policy", "members/kz/keys.json", "policy/KZ.tlog-policy"):
        with pytest.raises(RegistryRuleError):
            opened(registry, registry.publish(targets=registry.top_targets() | {path: b"x"}))


def test_a_registry_without_federation_is_none(registry: Registry) -> None:
    with pytest.raises(RegistryRuleError):
        opened(registry, registry.publish(targets={}))


def test_a_majority_is_counted_over_all_members(registry: Registry) -> None:
    few = Authority(keys=tuple(key.public for key in registry.holders("targets")), threshold=3)
    weaker = registry.next_root(signers=registry.holders("root"), targets=few)
    with pytest.raises(RegistryRuleError, match="threshold with 7 members: expected 4 or more, found 3"):
        opened(registry, registry.files | {"metadata/2.root.json": weaker})


def test_a_delegation_takes_two_keys(registry: Registry) -> None:
    one = Authority(keys=(registry.pair("KZ")[0].public,), threshold=1)
    with pytest.raises(RegistryRuleError, match="threshold"):
        opened(registry, registry.publish(delegations={"kz": one}))


def test_a_delegation_is_a_members(registry: Registry) -> None:
    stranger = Authority(keys=(signer("s1").public, signer("s2").public), threshold=2)
    own = {"members/ru/keys.json": b"{}"}
    files = registry.publish(
        delegations={"ru": stranger}, keys={"ru": own}, keys_signers={"ru": [signer("s1"), signer("s2")]}
    )
    with pytest.raises(RegistryRuleError, match="one per member"):
        opened(registry, files)


# Which key counts when

NEW_FROM = "2026-12-01T00:00:00Z"
OLD_UNTIL = "2026-12-08T00:00:00Z"


@pytest.mark.parametrize(
    ("at", "old", "new"),
    [
        pytest.param(FOUNDED - timedelta(seconds=1), False, False, id="before the founding"),
        pytest.param(FOUNDED, True, False, id="from the first second on"),
        pytest.param(datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), True, False, id="before the new key"),
        pytest.param(datetime(2026, 12, 1, tzinfo=UTC), True, True, id="both, in the overlap"),
        pytest.param(datetime(2026, 12, 7, 23, 59, 59, tzinfo=UTC), True, True, id="the old key's last second"),
        pytest.param(datetime(2026, 12, 8, tzinfo=UTC), False, True, id="from the revocation on"),
        pytest.param(None, True, True, id="at any time"),
    ],
)
def test_a_rotated_key_counts_in_its_own_time(registry: Registry, at: datetime | None, old: bool, new: bool) -> None:
    def rotate(document: dict[str, Any]) -> None:
        key_at("transport")(document)["revoked_at"] = OLD_UNTIL
        document["keys"].append({"purpose": "transport", "jwk": FRESH, "valid_from": NEW_FROM})

    trust = opened(registry, registry.publish(keys={"kz": keys_of(registry, "kz", rotate)}))
    before = registry.federation.signer("KZ", KeyPurpose.TRANSPORT).public
    keys = trust.keys("KZ", KeyPurpose.TRANSPORT, at=at)
    assert (before in keys, signer("fresh").public in keys) == (old, new)


def test_an_officer_who_gets_a_new_key_keeps_the_old_one_for_old_signatures(registry: Registry) -> None:
    def rotate(document: dict[str, Any]) -> None:
        entry = key_at("officer", 1)(document)
        document["keys"].append(entry | {"jwk": FRESH, "valid_from": NEW_FROM})
        entry["revoked_at"] = NEW_FROM

    trust = opened(registry, registry.publish(keys={"kz": keys_of(registry, "kz", rotate)}))
    assert trust.officer("kz-02", at=LATER)[1].key == registry.federation.officer("kz-02").public
    assert trust.officer("kz-02", at=datetime(2026, 12, 1, tzinfo=UTC))[1].key == signer("fresh").public
    assert trust.officer("kz-02", at=None)[1].key == signer("fresh").public
