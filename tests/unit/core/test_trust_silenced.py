"""A member that signs a bad file silences itself: the others go on deciding, and whoever asks is told by a sentence."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from exchange.errors.trust import ChangeSubjectError
from exchange.flow import ceremony, ceremony_offices
from exchange.flow.ceremony_keys import merged
from exchange.signing.ceremony_form import Proposal
from exchange.signing.keys import KeyPurpose, RegistryRole
from exchange.signing.members import Member, parse_member_keys
from tests.world.ceremonies import FIVE, Living
from tests.world.clock import StillClock
from tests.world.federation import found
from tests.world.registry import Registry, keys_of, opened

BAD = "UZ"
KEYS = "members/uz/keys.json"
NAME = {"en": "Uzbekistan", "ru": "Узбекистан"}


@pytest.fixture(scope="module")
def living(tmp_path_factory: pytest.TempPathFactory) -> Living:
    """UZ's two keys have signed a file that says nothing, and a registrar has published it."""
    federation = found(tmp_path_factory.mktemp("five"), StillClock(), FIVE)
    living = Living(federation)
    bad = {f"members/{BAD.lower()}/keys.json": b"[]"}
    living.files = Registry(federation, members=FIVE).publish(at=living.at, keys={BAD.lower(): bad})
    return living


def test_the_bad_file_silences_its_member_alone(living: Living) -> None:
    assert set(living.trust.silenced) == {BAD}


OF_OTHERS: dict[str, Callable[[Living], Proposal]] = {
    "suspend it": lambda r: ceremony.suspend_member(r.base, BAD, at=r.at),
    "remove another": lambda r: ceremony.remove_member(r.base, "TJ", at=r.at),
    "revoke another's key": lambda r: ceremony.revoke_keys(
        r.base, "KG", [key.kid for key in r.trust.keys("KG", KeyPurpose.BUNDLE, at=r.at)], at=r.at
    ),
    "rotate another's": lambda r: ceremony.rotate_keys(
        r.base, r.applies("KZ", KeyPurpose.LOG), overlap=timedelta(), at=r.at
    ),
    "renew root and targets": lambda r: ceremony.renew(r.base, ["root", "targets"], at=r.at),
    "name another auditor": lambda r: ceremony_offices.change_auditor(r.base, "KZ", at=r.at),
}


@pytest.mark.parametrize("propose", OF_OTHERS.values(), ids=OF_OTHERS)
def test_the_others_decide_as_before(living: Living, propose: Callable[[Living], Proposal]) -> None:
    assert propose(living).metadata


OF_ITS_KEYS: dict[str, Callable[[Living], Proposal]] = {
    "renew it": lambda r: ceremony.renew(r.base, [BAD.lower()], at=r.at),
    "rotate its keys": lambda r: ceremony.rotate_keys(
        r.base, r.applies(BAD, KeyPurpose.BUNDLE), overlap=timedelta(), at=r.at
    ),
    "remove it": lambda r: ceremony.remove_member(r.base, BAD, at=r.at),
    "give it new delegation keys": lambda r: ceremony_offices.replace_holder(
        r.base, merged([r.applies(BAD, RegistryRole.DELEGATION, label=label) for label in "ab"]), at=r.at
    ),
}


@pytest.mark.parametrize("propose", OF_ITS_KEYS.values(), ids=OF_ITS_KEYS)
def test_what_needs_its_file_goes_on_from_its_last_one_that_held(
    living: Living, propose: Callable[[Living], Proposal]
) -> None:
    file = propose(living).targets[KEYS]
    listed = parse_member_keys(file, member_id=BAD, kind="state", name=NAME)
    assert {one.key.kid for one in before(living).keys} <= {one.key.kid for one in listed.keys}


@pytest.mark.parametrize("propose", OF_ITS_KEYS.values(), ids=OF_ITS_KEYS)
def test_without_an_earlier_file_it_is_refused_by_a_sentence(
    living: Living, propose: Callable[[Living], Proposal]
) -> None:
    alone = copied(living, {path: raw for path, raw in living.files.items() if not path.startswith("metadata/1.snap")})
    with pytest.raises(ChangeSubjectError, match=r"UZ: expected members/uz/keys\.json that holds, found none"):
        propose(alone)


def test_a_file_that_its_two_keys_did_not_sign_is_never_gone_on_from(living: Living) -> None:
    """A registrar alone lays a file under UZ's name between the good one and the bad one."""
    registry = Registry(living.federation, members=FIVE)
    strange = {KEYS: registry.target(KEYS).replace(b"uz.", b"xz.", 1)}
    registry.files = registry.publish(
        at=living.at, keys={BAD.lower(): strange}, keys_signers={BAD.lower(): registry.pair("KZ")}
    )
    forged = copied(living, registry.files)
    assert set(forged.trust.silenced) == {BAD}
    assert ceremony.renew(forged.base, [BAD.lower()], at=forged.at).targets == {KEYS: registry_of(living).target(KEYS)}


def test_the_repaired_file_gives_the_member_its_voice_again(living: Living) -> None:
    mended = copied(living, living.files)
    trust = mended.decide(ceremony.renew(mended.base, [BAD.lower()], at=mended.at), mended.pair(BAD))
    assert (trust.silenced, trust.member(BAD)) == ({}, before(living))


@pytest.mark.parametrize(
    ("stated", "after"),
    [
        pytest.param("2026-10-01T10:00:00Z", timedelta(), id="since it was published, and not since the repair"),
        pytest.param("1 October", timedelta(days=1), id="since the repair, where its time cannot be read"),
    ],
)
def test_a_key_that_the_bad_file_revokes_does_not_come_back_with_the_repaired_one(
    living: Living, stated: str, after: timedelta
) -> None:
    registry = Registry(living.federation, members=FIVE)
    document = json.loads(registry.target(KEYS))
    stolen = next(entry for entry in document["keys"] if entry["purpose"] == "bundle")
    stolen["revoked_at"] = stated
    document["keys"].append("a line that is no key")
    bad = {KEYS: json.dumps(document).encode()}
    registry.files = registry.publish(at=living.at, keys={BAD.lower(): bad})
    silenced = copied(living, registry.files)
    assert set(silenced.trust.silenced) == {BAD}
    published = silenced.trust.issued
    silenced.at += timedelta(days=1)
    trust = silenced.decide(ceremony.renew(silenced.base, [BAD.lower()], at=silenced.at), silenced.pair(BAD))
    assert trust.silenced == {}
    lasting = [one for one in trust.member(BAD).keys if one.revoked_at is None]
    assert len(lasting) == len(before(living).keys) - 1
    (revoked,) = (one for one in trust.member(BAD).keys if one.revoked_at is not None)
    assert (revoked.purpose, revoked.ends_at) == (KeyPurpose.BUNDLE, published + after)


def test_a_removed_one_is_known_for_ever_by_the_keys_it_had(living: Living) -> None:
    without = copied(living, living.files)
    trust = without.decide(ceremony.remove_member(without.base, BAD, at=without.at), without.tops())
    assert (trust.silenced, trust.former[BAD].keys) == ({}, before(living).keys)


def test_a_member_silenced_by_anothers_key_is_removed_without_taking_it_along(living: Living) -> None:
    """Else the file pinned for ever would claim KZ's key before KZ, and silence KZ."""
    registry = registry_of(living)
    key = json.loads(registry.target("members/kz/keys.json"))["keys"][0]
    copy = keys_of(registry, "uz", lambda document: document["keys"].append(key))
    copier = copied(living, registry.publish(at=living.at, keys={"uz": copy}))
    assert set(copier.trust.silenced) == {BAD}
    trust = copier.decide(ceremony.remove_member(copier.base, BAD, at=copier.at), copier.tops())
    assert (trust.silenced, trust.former[BAD].keys) == ({}, before(living).keys)


def registry_of(living: Living) -> Registry:
    """The registry as it was founded."""
    return Registry(living.federation, members=FIVE)


def before(living: Living) -> Member:
    """UZ as it was founded."""
    return opened(registry_of(living), registry_of(living).files).member(BAD)


def copied(living: Living, files: dict[str, bytes]) -> Living:
    """The same federation with these files, to be changed by one test."""
    made = Living(living.federation)
    made.files = dict(files)
    return made
