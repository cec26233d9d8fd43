"""The registry: who may change what, what is refused, and which key counts at which time."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.encoding import Digest, canonical_json
from exchange.errors import ExchangeError
from exchange.errors.trust import (
    KeyReuseError,
    RegistryExpiredError,
    RegistryFileError,
    RegistryRollbackError,
    RegistrySignatureError,
    RegistryTamperedError,
    RegistryVersionError,
    UnknownMemberError,
    UnknownOfficerError,
)
from exchange.signing.authoring import Authority, target_file
from exchange.signing.federation import format_federation, parse_federation
from exchange.signing.keys import HYBRID, Algorithm, KeyPurpose, SoftwareSigner
from exchange.signing.members import format_member_keys, parse_member_keys
from exchange.signing.trust import RegistryRef, open_trust
from tests.world.clock import FOUNDED, StillClock
from tests.world.federation import SEVEN, Federation, found, signer
from tests.world.registry import LATER, Registry, keys_of, opened, same

MAJORITY = SEVEN[:4]  # 4 of 7


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    return found(tmp_path_factory.mktemp("federation"), StillClock())


@pytest.fixture
def registry(federation: Federation) -> Registry:
    return Registry(federation)


# What it says


def test_a_founded_registry_names_members_keys_and_policies(registry: Registry) -> None:
    trust = opened(registry, registry.files)
    assert tuple(trust.members) == SEVEN
    assert trust.auditor == "IOM"
    assert set(trust.policies) == set(SEVEN)
    assert trust.expires == FOUNDED + timedelta(days=7)  # the timestamp's life
    assert trust.notices == ()
    for member in SEVEN:
        for purpose in (KeyPurpose.BUNDLE, KeyPurpose.CONTRACT):
            assert [key.algorithm for key in trust.keys(member, purpose, at=LATER)] == list(HYBRID)
        for purpose in (KeyPurpose.TRANSPORT, KeyPurpose.LOG, KeyPurpose.WITNESS):
            assert [key.algorithm for key in trust.keys(member, purpose, at=LATER)] == [Algorithm.ED25519]
        assert len(trust.keys(member, KeyPurpose.OFFICER, at=LATER)) == 4


def test_a_registry_state_is_named_by_its_snapshot(registry: Registry) -> None:
    # The digest in log entries is SHA-256 of the file N.snapshot.json, which pins every other file.
    snapshot = registry.files["metadata/1.snapshot.json"]
    assert opened(registry, registry.files).ref == RegistryRef(version=1, sha256=Digest.of(snapshot))


def test_what_is_read_is_written_the_same(registry: Registry, federation: Federation) -> None:
    raw = registry.target("federation.json")
    assert format_federation(parse_federation(raw)) == raw
    for member in federation.trust.members.values():
        raw = registry.target(f"members/{member.id.lower()}/keys.json")
        read = parse_member_keys(raw, member_id=member.id, kind=member.kind, name=member.name)
        assert format_member_keys(read) == raw


def test_trust_cannot_be_changed(registry: Registry) -> None:
    trust: Any = opened(registry, registry.files)
    with pytest.raises(AttributeError):
        trust.auditor = "KZ"
    with pytest.raises(TypeError):
        trust.members["XX"] = trust.members["KZ"]


def test_whom_the_registry_does_not_know_it_refuses(registry: Registry) -> None:
    trust = opened(registry, registry.files)
    assert trust.officer("kz-02", at=LATER)[0] == "KZ"
    assert trust.officer("kz-02", at=LATER)[1].roles == ("clearing",)
    with pytest.raises(UnknownMemberError):
        trust.keys("RU", KeyPurpose.BUNDLE, at=LATER)
    with pytest.raises(UnknownOfficerError):
        trust.officer("kz-99", at=LATER)
    with pytest.raises(UnknownOfficerError):
        trust.officer("kz-02", at=FOUNDED - timedelta(seconds=1))


# Who may change it


def test_a_majority_may_change_the_targets(registry: Registry) -> None:
    files = registry.publish(targets_signers=registry.holders("targets", MAJORITY))
    assert opened(registry, files).ref.version == 2


@pytest.mark.parametrize(
    ("signers", "found"),
    [
        pytest.param(lambda r: r.holders("targets", SEVEN[:3]), 3, id="3 of 7"),
        pytest.param(lambda r: r.holders("targets", ["IOM"]), 1, id="IOM alone"),
        pytest.param(lambda r: r.holders("targets", ["KZ", "KZ", "KZ", "KZ"]), 1, id="one key four times"),
        pytest.param(lambda r: r.holders("root", SEVEN), 0, id="everybody's root keys"),
        pytest.param(lambda r: [*r.holders("targets", SEVEN[:3]), signer("x")], 3, id="3 and a stranger"),
        pytest.param(lambda _: [], 0, id="nobody"),
    ],
)
def test_a_minority_may_not(
    registry: Registry, signers: Callable[[Registry], list[SoftwareSigner]], found: int
) -> None:
    files = registry.publish(targets_signers=signers(registry))
    with pytest.raises(RegistrySignatureError) as caught:
        opened(registry, files)
    assert (caught.value.facts["needed"], caught.value.facts["found"]) == (4, found)


@pytest.mark.parametrize(
    ("signers", "found"),
    [
        pytest.param(lambda r: r.pair("KZ")[:1], 1, id="one of its two keys"),
        pytest.param(lambda r: r.pair("KZ")[:1] * 2, 1, id="the same key twice"),
        pytest.param(lambda r: r.pair("UZ"), 0, id="another member's keys"),
        pytest.param(lambda r: r.pair("KZ")[:1] + r.pair("UZ")[:1], 1, id="one of its own, one of another"),
        pytest.param(lambda r: r.holders("targets", SEVEN), 0, id="everybody else"),
    ],
)
def test_a_members_keys_are_changed_by_two_keys_of_that_member(
    registry: Registry, signers: Callable[[Registry], list[SoftwareSigner]], found: int
) -> None:
    own = keys_of(registry, "kz", lambda d: d["keys"].pop())
    assert opened(registry, registry.publish(keys={"kz": own})).ref.version == 2
    trust = opened(registry, registry.publish(keys={"kz": own}, keys_signers={"kz": signers(registry)}))
    refusal = trust.silenced["KZ"]
    assert isinstance(refusal, RegistrySignatureError)
    assert (refusal.facts["needed"], refusal.facts["found"]) == (2, found)
    assert trust.keys("KZ", KeyPurpose.BUNDLE, at=LATER) == ()
    assert trust.keys("UZ", KeyPurpose.BUNDLE, at=LATER) != ()


def test_what_a_member_writes_in_anothers_path_is_passed_over(registry: Registry) -> None:
    theirs = keys_of(registry, "uz", lambda d: d["keys"].pop())
    own = keys_of(registry, "kz", same)
    trust = opened(registry, registry.publish(keys={"kz": own | theirs}))
    assert trust.members["UZ"] == registry.federation.trust.members["UZ"]


@pytest.mark.parametrize("role", ["snapshot", "timestamp"])
def test_only_a_registrar_signs_snapshot_and_timestamp(registry: Registry, role: str) -> None:
    by_registrar: Any = {f"{role}_signers": registry.holders(role, ["GB"])}
    by_other: Any = {f"{role}_signers": registry.holders("root", ["KZ"])}
    assert opened(registry, registry.publish(**by_registrar)).ref.version == 2
    with pytest.raises(RegistrySignatureError):
        opened(registry, registry.publish(**by_other))


def test_the_root_is_replaced_by_the_old_majority_and_the_new_one(registry: Registry) -> None:
    newcomers = [signer(f"new-{number}") for number in range(4)]
    new = Authority(keys=tuple(key.public for key in newcomers), threshold=4)
    old = registry.holders("root", MAJORITY)
    registry.files["metadata/2.root.json"] = registry.next_root(signers=[*old, *newcomers], root=new)
    assert opened(registry, registry.files).ref.version == 1

    for signers in ([*old[:3], *newcomers], [*old, *newcomers[:3]], newcomers, old):
        files = registry.files | {"metadata/2.root.json": registry.next_root(signers=signers, root=new)}
        with pytest.raises(RegistrySignatureError, match=r"2\.root\.json"):
            opened(registry, files)


def test_an_old_root_key_signs_no_root_after_it_was_replaced(registry: Registry) -> None:
    newcomers = [signer(f"new-{number}") for number in range(4)]
    new = Authority(keys=tuple(key.public for key in newcomers), threshold=4)
    old = registry.holders("root")
    second = registry.next_root(signers=[*old, *newcomers], root=new)
    third = registry.next_root(signers=old, version=3)
    with pytest.raises(RegistrySignatureError, match=r"3\.root\.json"):
        opened(registry, registry.files | {"metadata/2.root.json": second, "metadata/3.root.json": third})


def test_a_root_is_not_skipped(registry: Registry) -> None:
    third = registry.next_root(signers=registry.holders("root"), version=3)
    with pytest.raises(RegistryVersionError):
        opened(registry, registry.files | {"metadata/2.root.json": third})


def test_a_root_trusted_from_outside_decides(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = Registry(found(tmp_path_factory.mktemp("other"), StillClock(FOUNDED + timedelta(days=1))))
    foreign = registry.next_root(
        signers=[signer("usurper")], root=Authority(keys=(signer("usurper").public,), threshold=1)
    )
    with pytest.raises(RegistrySignatureError):
        open_trust(other.files | {"metadata/2.root.json": foreign}, root=registry.root, at=LATER, expired="refuse")


def test_one_holder_under_two_names_is_one_holder(registry: Registry) -> None:
    document = json.loads(registry.next_root(signers=[]))
    keyids = document["signed"]["roles"]["root"]["keyids"]
    document["signed"]["keys"]["f" * 64] = document["signed"]["keys"][keyids[0]]
    document["signed"]["roles"]["root"]["keyids"] = [*keyids, "f" * 64]
    raw = resigned(document, registry.holders("root"))
    with pytest.raises(KeyReuseError):
        opened(registry, registry.files | {"metadata/2.root.json": raw})


def resigned(document: dict[str, Any], holders: list[SoftwareSigner]) -> bytes:
    """TUF metadata signed anew after a change by hand (for ASCII, RFC 8785 is TUF's canonical JSON)."""
    keyids = {key["keyval"]["public"]: keyid for keyid, key in document["signed"].get("keys", {}).items()}
    content = canonical_json(document["signed"])
    document["signatures"] = [
        {"keyid": keyids[holder.public.raw.hex()], "sig": holder.sign(content).hex()}
        for holder in holders
        if holder.public.raw.hex() in keyids
    ]
    return canonical_json(document)


# What was changed by nobody entitled


def flipped(raw: bytes) -> bytes:
    return raw[: len(raw) // 2] + bytes([raw[len(raw) // 2] ^ 1]) + raw[len(raw) // 2 + 1 :]


def test_no_file_can_be_altered_or_taken_away(registry: Registry) -> None:
    for file, raw in registry.files.items():
        if file == "metadata/1.root.json":
            continue  # the anchor comes from outside
        with pytest.raises(ExchangeError) as caught:
            opened(registry, registry.files | {file: flipped(raw)})
        assert isinstance(caught.value, (RegistryTamperedError, RegistryFileError, RegistrySignatureError)), file
        with pytest.raises(RegistryFileError):
            opened(registry, {name: content for name, content in registry.files.items() if name != file})


@given(data=st.data())
@settings(max_examples=60)
def test_one_changed_byte_is_refused_in_our_words_or_means_the_same(
    federation: Federation, data: st.DataObject
) -> None:
    # root and timestamp are pinned by nobody: an upper-case digit in a signature's hex changes no meaning there
    registry = Registry(federation)
    file = data.draw(st.sampled_from(sorted(registry.files)))
    raw = registry.files[file]
    position = data.draw(st.integers(0, len(raw) - 1))
    altered = raw[:position] + bytes([data.draw(st.integers(0, 255))]) + raw[position + 1 :]
    try:
        trust = opened(registry, registry.files | {file: altered})
    except ExchangeError:
        return
    assert trust == federation.trust
    assert altered == raw or file in {"metadata/1.root.json", "metadata/timestamp.json"}


def test_an_altered_file_is_named_with_both_digests(registry: Registry) -> None:
    policy = registry.target("policy/kz.tlog-policy")
    weaker = policy.replace(b"two-thirds 4", b"two-thirds 2")
    file = target_file("policy/kz.tlog-policy", policy)
    with pytest.raises(RegistryTamperedError) as caught:
        opened(registry, registry.files | {file: weaker})
    assert caught.value.facts == {
        "file": file, "expected": str(Digest.of(policy)), "found": str(Digest.of(weaker))
    }  # fmt: skip


def test_an_old_state_is_refused_by_whoever_saw_a_newer_one(registry: Registry) -> None:
    new = opened(registry, registry.publish()).ref
    with pytest.raises(RegistryRollbackError):
        open_trust(registry.files, root=registry.root, at=LATER, expired="refuse", newest_seen=new)


def test_a_rival_state_of_the_same_version_is_refused(registry: Registry) -> None:
    seen = opened(registry, registry.publish()).ref
    rival = Registry(registry.federation)
    files = rival.publish(at=LATER)
    with pytest.raises(RegistryRollbackError):
        open_trust(files, root=registry.root, at=LATER, expired="refuse", newest_seen=seen)
    assert open_trust(files, root=registry.root, at=LATER, expired="refuse").ref.version == seen.version


# Expiry


@pytest.mark.parametrize(
    ("days", "expired"),
    [
        pytest.param(6.9, None, id="in the timestamp's seven days"),
        pytest.param(7, "timestamp", id="at their end"),
        pytest.param(31, "timestamp", id="a month later"),
        pytest.param(400, "1.root", id="a year later"),
    ],
)
def test_expired_metadata_stops_a_node_and_only_warns_a_verifier(
    registry: Registry, days: float, expired: str | None
) -> None:
    at = FOUNDED + timedelta(days=days)
    noticed = open_trust(registry.files, root=registry.root, at=at, expired="notice")
    assert tuple(noticed.members) == SEVEN
    assert bool(noticed.notices) is (expired is not None)
    assert noticed.keys("KZ", KeyPurpose.BUNDLE, at=FOUNDED)
    if expired is None:
        opened(registry, registry.files, at)
    else:
        with pytest.raises(RegistryExpiredError, match=expired):
            opened(registry, registry.files, at)


def test_a_member_that_lets_its_delegation_expire_silences_itself_alone(registry: Registry) -> None:
    at = FOUNDED + timedelta(days=91)
    keys = {member.lower(): keys_of(registry, member.lower(), same) for member in SEVEN if member != "KZ"}
    trust = opened(registry, registry.publish(at=at, keys=keys), at)
    assert trust.keys("KZ", KeyPurpose.BUNDLE, at=FOUNDED) == ()
    assert trust.keys("KG", KeyPurpose.BUNDLE, at=FOUNDED) != ()
    assert [notice.facts["file"] for notice in trust.notices] == ["metadata/1.kz.json"]
    assert isinstance(trust.silenced["KZ"], RegistryExpiredError)
    noticed = open_trust(registry.publish(at=at, keys=keys), root=registry.root, at=at, expired="notice")
    assert noticed.silenced == {}
    assert noticed.keys("KZ", KeyPurpose.BUNDLE, at=FOUNDED) != ()
