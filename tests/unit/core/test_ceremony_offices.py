"""Who audits and who publishes: named by the majority, and never so that one member alone can stop the registry."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from exchange.errors import ExchangeError
from exchange.errors.audit import NotAuditorError
from exchange.errors.encoding import FieldError
from exchange.errors.trust import ChangeSubjectError, RegistryHistoryError, UnknownMemberError
from exchange.flow import ceremony, ceremony_offices
from exchange.reconcile.report import format_report, open_report, sign_report
from exchange.signing.federation import EarlierAuditor, format_federation, parse_federation
from exchange.signing.forward import require_forward
from exchange.signing.keys import KeyPurpose, RegistryRole
from exchange.signing.registrar import publish
from exchange.signing.trust import Trust
from tests.world.ceremonies import FIVE, Living
from tests.world.clock import StillClock
from tests.world.federation import Federation, found

OFFICE = (RegistryRole.SNAPSHOT, RegistryRole.TIMESTAMP)


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    return found(tmp_path_factory.mktemp("five"), StillClock(), FIVE)


@pytest.fixture
def living(federation: Federation) -> Living:
    """Its registrars are IOM, which audits, KZ and KG."""
    return Living(federation)


def named_auditor(living: Living, member: str) -> Trust:
    return living.decide(ceremony_offices.change_auditor(living.base, member, at=living.at), living.signers("targets"))


def named_registrar(living: Living, member: str) -> Trust:
    proposal = ceremony_offices.add_registrar(living.base, living.applies(member, *OFFICE), at=living.at)
    return living.decide(proposal, living.signers("root"))


def report_of(living: Living, auditor: str) -> tuple[bytes, bytes]:
    at = f"{living.at:%Y-%m-%dT%H:%M:%SZ}"
    report = format_report({"at": at, "green": True}, auditor=auditor)
    return report, sign_report(report, signer=living.federation.signer(auditor, KeyPurpose.TRANSPORT))


def test_the_majority_names_another_auditor_without_the_one_before(living: Living) -> None:
    proposal = ceremony_offices.change_auditor(living.base, "KZ", at=living.at)
    assert set(proposal.metadata) == {"targets"}
    trust = living.decide(proposal, living.signers("targets", ("KZ", "TJ", "UZ")))
    assert trust.auditor == "KZ"


def test_who_audited_before_is_known_for_ever_and_from_when_on_no_more(living: Living) -> None:
    proposed_at = living.at
    proposal = ceremony_offices.change_auditor(living.base, "KZ", at=living.at)
    living.move(hours=5)
    trust = living.decide(proposal, living.signers("targets"))
    published_at = living.at
    moment = timedelta(seconds=1)
    # as with a revocation, nothing counts from before it was published
    assert [trust.auditor_at(at) for at in (proposed_at, published_at - moment)] == ["IOM", "IOM"]
    assert [trust.auditor_at(at) for at in (published_at, published_at + timedelta(days=9))] == ["KZ", "KZ"]
    living.move(days=1)
    again = named_auditor(living, "KG")
    assert [one.member for one in again.earlier_auditors] == ["IOM", "KZ"]
    assert [again.auditor_at(at) for at in (published_at - moment, published_at, living.at)] == ["IOM", "KZ", "KG"]


def test_a_report_verifies_by_who_was_auditor_when_it_was_made(living: Living) -> None:
    old, early = report_of(living, "IOM"), report_of(living, "KZ")
    living.move(days=1)
    trust = named_auditor(living, "KZ")
    late, new = report_of(living, "IOM"), report_of(living, "KZ")
    assert open_report(*old, trust=trust)["auditor"] == "IOM"
    assert open_report(*new, trust=trust)["auditor"] == "KZ"
    for wrong in (early, late):
        with pytest.raises(NotAuditorError):
            open_report(*wrong, trust=trust)


def test_no_state_forgets_or_rewrites_who_audited(living: Living) -> None:
    before = named_auditor(living, "KZ")
    for earlier in ((), (EarlierAuditor(member="KG", until=living.at),)):
        with pytest.raises(RegistryHistoryError):
            require_forward(before, replace(before, earlier_auditors=earlier))


def test_the_auditor_before_can_leave(living: Living) -> None:
    named_auditor(living, "KZ")
    base = living.base
    living.apply(ceremony.remove_member(base, "IOM", at=living.at), living.tops(("KZ", "KG", "TJ")))
    snapshot, timestamp = (living.key("KZ", role) for role in ceremony_offices.REGISTRAR)
    living.files |= publish(living.files, before=base, at=living.at, snapshot=snapshot, timestamp=timestamp)
    trust = living.trust
    assert trust.earlier_auditors[0].member == "IOM"
    assert "IOM" in trust.former


def test_a_registrar_that_was_added_publishes(living: Living) -> None:
    trust = named_registrar(living, "TJ")
    assert set(trust.roles["snapshot"].holders) == set(trust.roles["timestamp"].holders) == {"IOM", "KZ", "KG", "TJ"}
    assert trust.roles["snapshot"].threshold == 1
    [snapshot], [timestamp] = ([key for _, key in living.fresh("TJ", use)] for use in OFFICE)
    base = living.base
    living.apply(ceremony.renew(base, ["kz"], at=living.at), living.pair("KZ"))
    living.files |= publish(living.files, before=base, at=living.at, snapshot=snapshot, timestamp=timestamp)
    assert living.base.snapshot.version == base.snapshot.version + 1


def test_a_registrar_that_was_retired_publishes_no_more(living: Living) -> None:
    named_registrar(living, "TJ")
    trust = living.decide(ceremony_offices.retire_registrar(living.base, "KG", at=living.at), living.signers("root"))
    assert set(trust.roles["timestamp"].holders) == {"IOM", "KZ", "TJ"}
    base = living.base
    living.files |= publish(
        living.files,
        before=base,
        at=living.at,
        snapshot=living.key("KG", "snapshot"),
        timestamp=living.key("KG", "timestamp"),
    )
    with pytest.raises(ExchangeError):
        _ = living.trust


MISFITS: dict[str, tuple[Callable[[Living], object], type[ExchangeError]]] = {
    "an auditor that is it already": (
        lambda r: ceremony_offices.change_auditor(r.base, "IOM", at=r.at),
        ChangeSubjectError,
    ),
    "an auditor that is no registrar": (
        lambda r: ceremony_offices.change_auditor(r.base, "TJ", at=r.at),
        ChangeSubjectError,
    ),
    "an auditor that nobody knows": (
        lambda r: ceremony_offices.change_auditor(r.base, "RU", at=r.at),
        UnknownMemberError,
    ),
    "a registrar that is one already": (
        lambda r: ceremony_offices.add_registrar(r.base, r.applies("KZ", *OFFICE), at=r.at),
        ChangeSubjectError,
    ),
    "a registrar with one of the two keys": (
        lambda r: ceremony_offices.add_registrar(r.base, r.applies("TJ", OFFICE[0]), at=r.at),
        ChangeSubjectError,
    ),
    "a registrar by way of replacing keys it never held": (
        lambda r: ceremony_offices.replace_holder(r.base, r.applies("TJ", *OFFICE), at=r.at),
        ChangeSubjectError,
    ),
    "fewer than three registrars": (
        lambda r: ceremony_offices.retire_registrar(r.base, "KG", at=r.at),
        ChangeSubjectError,
    ),
    "to retire one that is none": (
        lambda r: ceremony_offices.retire_registrar(r.base, "TJ", at=r.at),
        ChangeSubjectError,
    ),
    "to retire the auditor": (lambda r: ceremony_offices.retire_registrar(r.base, "IOM", at=r.at), ChangeSubjectError),
}


@pytest.mark.parametrize(("propose", "refusal"), MISFITS.values(), ids=MISFITS)
def test_what_does_not_fit_is_not_even_proposed(
    living: Living, propose: Callable[[Living], object], refusal: type[ExchangeError]
) -> None:
    with pytest.raises(refusal):
        propose(living)


def test_a_suspended_member_does_not_become_auditor(living: Living) -> None:
    living.decide(ceremony.suspend_member(living.base, "KZ", at=living.at), living.signers("targets"))
    with pytest.raises(ChangeSubjectError):
        ceremony_offices.change_auditor(living.base, "KZ", at=living.at)


def test_the_list_of_earlier_auditors_has_one_spelling(living: Living) -> None:
    named_auditor(living, "KZ")
    raw = living.base.targets["federation.json"]
    assert format_federation(parse_federation(raw)) == raw
    until = f"{living.at:%Y-%m-%dT%H:%M:%SZ}".encode()
    entry = b'{"id":"IOM","until":"' + until + b'"}'
    assert raw.count(entry) == 1
    for wrong in (b"", entry.replace(b"IOM", b"RU"), entry + b"," + entry, entry[:-1] + b',"why":"x"}'):
        with pytest.raises(FieldError):
            parse_federation(raw.replace(entry, wrong))
