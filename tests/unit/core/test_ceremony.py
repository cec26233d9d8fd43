"""Ceremonies: who joins, leaves, is suspended; which keys come and go; and what counts at which time afterwards."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors import ExchangeError
from exchange.errors.encoding import EncodingError
from exchange.errors.trust import (
    ChangeExpiredError,
    ChangeSubjectError,
    KeyReuseError,
    RegistryFileError,
    RegistryHistoryError,
    UnknownMemberError,
)
from exchange.flow import ceremony, ceremony_offices
from exchange.flow.ceremony_keys import merged
from exchange.flow.ceremony_policy import POLICY_OVERLAP
from exchange.log.policy import parse_policy
from exchange.signing.ceremony import standing
from exchange.signing.ceremony_form import format_proposal, format_signature, parse_proposal, parse_signature
from exchange.signing.federation import Membership
from exchange.signing.forward import require_forward
from exchange.signing.keys import KeyPurpose, PublicKey, RegistryRole
from exchange.signing.registrar import publish, renew
from exchange.signing.trust import FIRST_ROOT, Trust, open_trust
from tests.world.ceremonies import FIVE, Living
from tests.world.clock import StillClock
from tests.world.federation import Federation, found

TM = Membership(kind="state", name={"en": "Turkmenistan", "ru": "Туркменистан"})


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    return found(tmp_path_factory.mktemp("five"), StillClock(), FIVE)


@pytest.fixture
def living(federation: Federation) -> Living:
    return Living(federation)


def with_tm(living: Living) -> Trust:
    proposal = ceremony.add_member(living.base, "TM", TM, living.newcomer("TM"), at=living.at)
    newcomer = [living.key("TM", "root"), living.key("TM", "targets"), *living.pair("TM")]
    return living.decide(proposal, [*living.tops(FIVE[:4]), *newcomer])


def bundle_keys(trust: Trust, member: str, at: datetime | None) -> set[str]:
    return {key.kid for key in trust.keys(member, KeyPurpose.BUNDLE, at=at)}


# Who belongs


def test_five_admit_a_sixth_and_thresholds_and_witnesses_follow(living: Living) -> None:
    before = living.trust
    trust = with_tm(living)
    assert tuple(trust.members) == (*FIVE, "TM")
    assert trust.roles["root"].threshold == trust.roles["targets"].threshold == 4  # more than half of six
    assert trust.roles["tm"].threshold == 2
    assert "TM" in trust.roles["root"].holders
    assert len(bundle_keys(trust, "TM", living.at)) == 2
    for member in FIVE:
        witnesses = parse_policy(trust.policies[member]).witnesses
        assert set(witnesses) == {other.lower() for other in (*FIVE, "TM") if other != member}
        assert [one.raw for one in trust.earlier_policies[member]] == [before.policies[member]]
        assert trust.earlier_policies[member][0].until == living.at + POLICY_OVERLAP
    assert set(parse_policy(trust.policies["TM"]).witnesses) == {member.lower() for member in FIVE}


def test_a_member_that_left_holds_nothing_and_its_old_signatures_verify_for_ever(living: Living) -> None:
    signed_at = living.at
    living.move(days=1)
    trust = living.decide(ceremony.remove_member(living.base, "UZ", at=living.at), living.tops())
    assert tuple(trust.members) == ("KZ", "KG", "TJ", "IOM")
    assert trust.roles["root"].threshold == 3  # more than half of four
    for role in ("root", "targets", "snapshot", "timestamp"):
        assert "UZ" not in trust.roles[role].holders
    assert "uz" not in trust.roles
    with pytest.raises(UnknownMemberError):
        trust.member("UZ")
    assert len(bundle_keys(trust, "UZ", signed_at)) == 2
    assert bundle_keys(trust, "UZ", living.at) == set()
    assert trust.officer("uz-02", at=signed_at)[0] == "UZ"
    assert "uz" not in parse_policy(trust.policies["KZ"]).witnesses
    assert trust.policies["UZ"]  # its log is still judged


def test_a_member_that_left_cannot_change_what_it_signed_before(living: Living) -> None:
    living.decide(ceremony.remove_member(living.base, "UZ", at=living.at), living.tops())
    with pytest.raises(UnknownMemberError):
        ceremony.revoke_keys(living.base, "UZ", ["x"], at=living.at)


def test_a_suspended_member_has_no_voice_until_it_is_resumed(living: Living) -> None:
    before = living.at
    living.move(hours=1)
    suspended_at = living.at
    trust = living.decide(ceremony.suspend_member(living.base, "TJ", at=living.at), living.signers("targets"))
    assert "TJ" in trust.members  # it still belongs, and witnesses
    assert len(bundle_keys(trust, "TJ", before)) == 2
    assert bundle_keys(trust, "TJ", suspended_at) == set()
    living.move(hours=1)
    trust = living.decide(ceremony.resume_member(living.base, "TJ", at=living.at), living.signers("targets"))
    assert bundle_keys(trust, "TJ", living.at - timedelta(seconds=1)) == set()
    assert len(bundle_keys(trust, "TJ", living.at)) == 2
    assert len(bundle_keys(trust, "TJ", before)) == 2


def test_a_suspension_counts_from_its_publication_though_it_was_decided_before(living: Living) -> None:
    proposal = ceremony.suspend_member(living.base, "TJ", at=living.at)
    decided = living.at
    living.move(hours=6)  # the signatures took an afternoon
    trust = living.decide(proposal, living.signers("targets"))
    assert len(bundle_keys(trust, "TJ", decided)) == 2
    assert len(bundle_keys(trust, "TJ", living.at - timedelta(seconds=1))) == 2
    assert bundle_keys(trust, "TJ", living.at) == set()


MISFITS: dict[str, tuple[Callable[[Living], object], type[ExchangeError]]] = {
    "remove the auditor": (lambda r: ceremony.remove_member(r.base, "IOM", at=r.at), ChangeSubjectError),
    "remove a stranger": (lambda r: ceremony.remove_member(r.base, "RU", at=r.at), UnknownMemberError),
    "resume who is not suspended": (lambda r: ceremony.resume_member(r.base, "KZ", at=r.at), ChangeSubjectError),
    "add a member twice": (
        lambda r: ceremony.add_member(r.base, "KZ", TM, r.newcomer("KZ"), at=r.at),
        ChangeSubjectError,
    ),
    "add one with another's application": (
        lambda r: ceremony.add_member(r.base, "TM", TM, r.newcomer("RU"), at=r.at),
        ChangeSubjectError,
    ),
    "add one with a log key alone": (
        lambda r: ceremony.add_member(r.base, "TM", TM, r.applies("TM", KeyPurpose.LOG), at=r.at),
        ChangeSubjectError,
    ),
    "renew a stranger": (lambda r: ceremony.renew(r.base, ["ru"], at=r.at), ChangeSubjectError),
    "revoke no key of it": (lambda r: ceremony.revoke_keys(r.base, "KZ", ["none"], at=r.at), ChangeSubjectError),
    "rotate a root key as a member's": (
        lambda r: ceremony.rotate_keys(r.base, r.applies("KZ", RegistryRole.ROOT), overlap=timedelta(), at=r.at),
        ChangeSubjectError,
    ),
    "a log key as one of the registry's": (
        lambda r: ceremony_offices.replace_holder(r.base, r.applies("KZ", KeyPurpose.LOG), at=r.at),
        ChangeSubjectError,
    ),
    "two members' applications as one": (
        lambda r: merged([r.applies("KZ", KeyPurpose.LOG), r.applies("UZ", KeyPurpose.LOG)]),
        ChangeSubjectError,
    ),
    "a key in two applications": (
        lambda r: merged([r.applies("KZ", KeyPurpose.LOG), r.applies("KZ", KeyPurpose.LOG)]),
        KeyReuseError,
    ),
}


@pytest.mark.parametrize(("propose", "refusal"), MISFITS.values(), ids=MISFITS)
def test_what_does_not_fit_is_not_even_proposed(
    living: Living, propose: Callable[[Living], object], refusal: type[ExchangeError]
) -> None:
    with pytest.raises(refusal):
        propose(living)


# Keys


def test_a_rotated_key_counts_on_for_the_overlap(living: Living) -> None:
    old = bundle_keys(living.trust, "KZ", living.at)
    application = living.applies("KZ", KeyPurpose.BUNDLE)
    new = {key.kid for key in application.of(KeyPurpose.BUNDLE)}
    proposal = ceremony.rotate_keys(living.base, application, overlap=timedelta(hours=72), at=living.at)
    trust = living.decide(proposal, living.pair("KZ"))
    end = living.at + timedelta(hours=72)
    assert bundle_keys(trust, "KZ", living.at - timedelta(seconds=1)) == old
    assert bundle_keys(trust, "KZ", living.at) == old | new
    assert bundle_keys(trust, "KZ", end - timedelta(seconds=1)) == old | new
    assert bundle_keys(trust, "KZ", end) == new
    assert bundle_keys(trust, "KZ", None) == old | new


def test_a_revocation_counts_from_its_publication_and_not_before(living: Living) -> None:
    proposed_at = living.at
    kids = sorted(bundle_keys(living.trust, "KZ", living.at))
    proposal = ceremony.revoke_keys(living.base, "KZ", kids, at=living.at)
    living.move(minutes=30)
    trust = living.decide(proposal, living.pair("KZ"))
    published_at = living.at
    assert len(bundle_keys(trust, "KZ", proposed_at)) == 2
    assert len(bundle_keys(trust, "KZ", published_at - timedelta(seconds=1))) == 2
    assert bundle_keys(trust, "KZ", published_at) == set()
    # and later states, which no longer are the first to say so, say the same
    living.move(days=3)
    living.decide(ceremony.renew(living.base, ["kg"], at=living.at), living.pair("KG"))
    assert len(bundle_keys(living.trust, "KZ", published_at - timedelta(seconds=1))) == 2
    assert bundle_keys(living.trust, "KZ", published_at) == set()


def test_new_witness_and_log_keys_take_the_majority_too(living: Living) -> None:
    application = living.applies("KZ", KeyPurpose.LOG, KeyPurpose.WITNESS)
    proposal = ceremony.rotate_keys(living.base, application, overlap=timedelta(days=1), at=living.at)
    assert set(proposal.metadata) == {"targets", "kz"}
    old = living.trust.member("KZ").log_vkey
    trust = living.decide(proposal, [*living.signers("targets"), *living.pair("KZ")])
    own = parse_policy(trust.policies["KZ"])
    assert trust.member("KZ").log_vkey != old
    assert len(own.logs) == 2  # while one replaces the other
    assert [log.name for log in own.logs] == ["kz.exchange.example/log"] * 2
    witness = parse_policy(trust.policies["KG"]).witnesses["kz"]
    assert witness.key == application.of(KeyPurpose.WITNESS)[0]


def test_a_lost_delegation_key_is_replaced_by_the_majority(living: Living) -> None:
    application = living.applies("KZ", RegistryRole.DELEGATION)
    second = living.applies("KZ", RegistryRole.DELEGATION, label="second")
    both = merged([application, second])
    proposal = ceremony_offices.replace_holder(living.base, both, at=living.at)
    keys = [key for one in ("new", "second") for _, key in living.fresh("KZ", RegistryRole.DELEGATION, label=one)]
    trust = living.decide(proposal, [*living.signers("targets"), *keys])
    assert set(trust.roles["kz"].keys) == set(both.of(RegistryRole.DELEGATION))
    with pytest.raises(ExchangeError):  # the lost ones sign nothing any more
        living.apply(ceremony.renew(living.base, ["kz"], at=living.at), living.pair("KZ"))


def test_a_root_key_is_replaced_by_old_and_new_majority(living: Living) -> None:
    application = living.applies("KZ", RegistryRole.ROOT)
    proposal = ceremony_offices.replace_holder(living.base, application, at=living.at)
    assert set(proposal.metadata) == {"root"}
    trust = living.decide(proposal, living.signers("root", ["KG", "TJ", "UZ"]))
    held: dict[str | None, PublicKey] = {holder: key for key, holder in trust.roles["root"].held()}
    assert held["KZ"] == application.of(RegistryRole.ROOT)[0]


def test_what_expires_is_signed_again(living: Living) -> None:
    living.move(days=6)
    everything = ["root", "targets", *(member.lower() for member in FIVE)]
    pairs = [key for member in FIVE for key in living.pair(member)]
    trust = living.decide(ceremony.renew(living.base, everything, at=living.at), [*living.tops(), *pairs])
    assert trust.ends["root"] == trust.ends["targets"] == living.at + timedelta(days=365)
    assert trust.ends["kz"] == living.at + timedelta(days=90)


def test_a_policy_of_the_members_own_choice_is_changed_by_the_majority(living: Living) -> None:
    stricter = living.trust.policies["KZ"].replace(b"two-thirds 3", b"two-thirds 4")
    trust = living.decide(ceremony.change_policy(living.base, "KZ", stricter, at=living.at), living.signers("targets"))
    assert trust.policies["KZ"] == stricter
    assert trust.policies["KG"] != stricter
    back = living.decide(ceremony.change_policy(living.base, "KZ", None, at=living.at), living.signers("targets"))
    assert b"two-thirds 3" in back.policies["KZ"]


# Signing


def test_how_far_a_change_is_names_who_signed_and_who_has_not(living: Living) -> None:
    raw = format_proposal(ceremony.suspend_member(living.base, "TJ", at=living.at))
    one = living.signatures(raw, living.signers("targets", ["KZ"]))
    (role,) = standing(raw, one, base=living.base)
    assert (role.role, role.needed, role.found, role.enough) == ("targets", 3, 1, False)
    assert role.signed == ("KZ",)
    assert role.missing == ("KG", "TJ", "UZ", "IOM")
    three = one + living.signatures(raw, living.signers("targets", ["KG", "IOM"]))
    assert standing(raw, three, base=living.base)[0].enough


def test_a_proposal_not_applied_in_a_week_is_proposed_anew(living: Living) -> None:
    proposal = ceremony.suspend_member(living.base, "TJ", at=living.at - timedelta(days=7, seconds=1))
    with pytest.raises(ChangeExpiredError, match="within 7 days"):
        living.apply(proposal, living.signers("targets"))


def test_proposal_and_signature_are_read_as_they_are_written(living: Living) -> None:
    raw = format_proposal(ceremony.add_member(living.base, "TM", TM, living.newcomer("TM"), at=living.at))
    assert format_proposal(parse_proposal(raw)) == raw
    (signature,) = living.signatures(raw, living.signers("targets", ["KZ"]))
    assert parse_signature(format_signature(signature)) == signature


@given(position=st.integers(0, 10_000), byte=st.integers(0, 255))
@settings(max_examples=100)
def test_a_changed_byte_makes_another_proposal_or_none(federation: Federation, position: int, byte: int) -> None:
    living = Living(federation)
    raw = format_proposal(ceremony.suspend_member(living.base, "TJ", at=living.at))
    place = position % len(raw)
    altered = raw[:place] + bytes([byte]) + raw[place + 1 :]
    with suppress(EncodingError):
        assert format_proposal(parse_proposal(altered)) == altered


# Publishing


def test_a_state_never_takes_back_what_one_before_it_said(living: Living) -> None:
    before = living.trust
    kz = before.members["KZ"]
    revoked = replace(kz.keys[0], revoked_at=before.issued)
    stated = replace(before, members={**before.members, "KZ": replace(kz, keys=(revoked, *kz.keys[1:]))})
    for after in (
        replace(before, members={**before.members, "KZ": replace(kz, keys=kz.keys[1:])}),  # a key is gone
        replace(before, memberships={k: v for k, v in before.memberships.items() if k != "KZ"}),  # a member is gone
    ):
        with pytest.raises(RegistryHistoryError):
            require_forward(before, after)
    with pytest.raises(RegistryHistoryError, match="a revocation stays"):
        require_forward(stated, before)
    require_forward(before, stated)
    require_forward(stated, stated)


def test_a_snapshot_needs_every_members_file(living: Living) -> None:
    proposal = ceremony.add_member(living.base, "TM", TM, living.newcomer("TM"), at=living.at)
    raw = format_proposal(proposal)
    newcomer = [living.key("TM", "root"), living.key("TM", "targets"), *living.pair("TM")]
    living.apply(parse_proposal(raw), [*living.tops(FIVE[:4]), *newcomer])
    files = {name: content for name, content in living.files.items() if name != "metadata/1.tm.json"}
    keys = {"snapshot": living.key("IOM", "snapshot"), "timestamp": living.key("IOM", "timestamp")}
    with pytest.raises(RegistryFileError, match=r"tm\.json"):
        publish(files, before=living.base, at=living.at, **keys)


def test_a_renewed_timestamp_keeps_the_state(living: Living) -> None:
    before = living.trust
    living.move(days=6)
    living.files |= renew(living.files, before=living.base, at=living.at, timestamp=living.key("KG", "timestamp"))
    assert living.trust.ref == before.ref
    assert living.trust.expires == living.at + timedelta(days=7)


def test_the_chain_of_all_changes_reads_from_the_first_root(living: Living) -> None:
    with_tm(living)
    living.move(hours=1)
    newest = [*FIVE[:3], "TM"]
    living.decide(ceremony.remove_member(living.base, "UZ", at=living.at), living.tops(newest))
    first = living.files[FIRST_ROOT]
    trust = open_trust(living.files, root=first, at=living.at, expired="refuse")
    assert tuple(trust.members) == ("KZ", "KG", "TJ", "IOM", "TM")
    assert trust.ref.version == 3
    assert trust.issued == living.at
