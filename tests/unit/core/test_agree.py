"""When a contract binds: every party signed, its day has come, nobody stopped it, no later version took its place."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from exchange.contract.model import DataContract, Party, Role
from exchange.encoding import Digest
from exchange.errors import ExitCode
from exchange.errors.contract import (
    ContractEndedError,
    ContractExpiredError,
    ContractNotEffectiveError,
    ContractNotInForceError,
    ContractNotSignedError,
    ContractSupersededError,
    ContractSuspendedError,
)
from exchange.flow.agree import ContractState, Term, contract_state, require_in_force, standing, term
from exchange.statement import StatementType
from tests.world.contracts import contract
from tests.world.statements import SIGNED, all_sign, say

CONTRACT = contract("CA-01-BORDER")
NOW = SIGNED + timedelta(days=10)
DAY = timedelta(days=1)


def version(number: str, *, providers: str = "KZ KG TJ TM UZ") -> DataContract:
    """Another version of CA-01 with these providers and the same parties."""
    parties = tuple(
        replace(party, roles=party.roles - {Role.PROVIDER} | ({Role.PROVIDER} if party.member in providers else set()))
        for party in CONTRACT.parties
    )
    return replace(CONTRACT, version=number, digest=Digest.of(number.encode()), parties=parties)


def test_a_contract_is_in_force_when_all_have_signed() -> None:
    assert contract_state(CONTRACT, all_sign(CONTRACT), at=NOW) is ContractState.IN_FORCE
    require_in_force(CONTRACT, all_sign(CONTRACT), at=NOW, provider="KZ")


@pytest.mark.parametrize("missing", CONTRACT.members())
def test_one_missing_signature_and_nothing_is_in_force(missing: str) -> None:
    statements = all_sign(CONTRACT, but=missing)
    assert contract_state(CONTRACT, statements, at=NOW) is ContractState.PROPOSED
    with pytest.raises(ContractNotSignedError) as caught:
        require_in_force(CONTRACT, statements, at=NOW)
    assert caught.value.exit_code is ExitCode.CONTRACT_REFUSES
    assert caught.value.facts["missing"] == missing
    assert missing in caught.value.sentence("ru")


def test_a_contract_that_nobody_signed_names_all() -> None:
    assert standing(CONTRACT, [], at=NOW).parties == ("IOM", "KG", "KZ", "TJ", "TM", "UZ")


def test_signatures_of_strangers_and_under_other_contracts_do_not_count() -> None:
    others = [say(CONTRACT, "GB"), say(contract("CA-05-WORK-PERMITS"), "UZ")]
    assert standing(CONTRACT, [*all_sign(CONTRACT, but="UZ"), *others], at=NOW).parties == ("UZ",)


def test_a_signature_of_later_does_not_count_yet() -> None:
    statements = [*all_sign(CONTRACT, but="UZ"), say(CONTRACT, "UZ", at=NOW + DAY)]
    assert contract_state(CONTRACT, statements, at=NOW) is ContractState.PROPOSED
    assert contract_state(CONTRACT, statements, at=NOW + DAY) is ContractState.IN_FORCE


@pytest.mark.parametrize(
    ("contract_from", "signature_from", "begins"),
    [
        pytest.param(date(2026, 3, 1), SIGNED, datetime(2026, 3, 1, tzinfo=UTC), id="the contract's own first day"),
        pytest.param(date(2026, 1, 1), NOW + DAY, NOW + DAY, id="a day that one party named"),
    ],
)
def test_a_signed_contract_waits_for_its_day(contract_from: date, signature_from: datetime, begins: datetime) -> None:
    later = replace(CONTRACT, effective=contract_from)
    statements = [*all_sign(later, but="KZ"), say(later, "KZ", effective=signature_from)]
    with pytest.raises(ContractNotEffectiveError):
        require_in_force(later, statements, at=NOW)
    assert standing(later, statements, at=begins - timedelta(seconds=1)).since == begins
    assert contract_state(later, statements, at=begins) is ContractState.IN_FORCE


def test_one_party_ends_a_contract_for_all_from_the_day_it_named() -> None:
    statements = [*all_sign(CONTRACT), say(CONTRACT, "TJ", StatementType.ENDED, effective=NOW)]
    assert contract_state(CONTRACT, statements, at=NOW - DAY) is ContractState.IN_FORCE
    with pytest.raises(ContractEndedError, match="by TJ from 2026-01-20T09:00:00Z on"):
        require_in_force(CONTRACT, statements, at=NOW)


def test_an_end_is_for_good() -> None:
    statements = [
        *all_sign(CONTRACT),
        say(CONTRACT, "TJ", StatementType.ENDED),
        say(CONTRACT, "TJ", at=NOW),
        say(CONTRACT, "TJ", StatementType.RESUMED, at=NOW),
    ]
    assert contract_state(CONTRACT, statements, at=NOW + DAY) is ContractState.ENDED


def test_a_contract_runs_until_the_day_written_in_it() -> None:
    short = replace(CONTRACT, ends=date(2026, 1, 15))
    assert contract_state(short, all_sign(short), at=datetime(2026, 1, 14, tzinfo=UTC)) is ContractState.IN_FORCE
    with pytest.raises(ContractExpiredError, match="2026-01-15"):
        require_in_force(short, all_sign(short), at=NOW)


def test_one_party_suspends_for_all_and_only_it_resumes() -> None:
    statements = [*all_sign(CONTRACT), say(CONTRACT, "UZ", StatementType.SUSPENDED, at=SIGNED + DAY)]
    with pytest.raises(ContractSuspendedError, match="suspended by UZ"):
        require_in_force(CONTRACT, statements, at=NOW)
    by_another = [*statements, say(CONTRACT, "KZ", StatementType.RESUMED, at=SIGNED + 2 * DAY)]
    assert contract_state(CONTRACT, by_another, at=NOW) is ContractState.SUSPENDED
    resumed = [*statements, say(CONTRACT, "UZ", StatementType.RESUMED, at=SIGNED + 2 * DAY)]
    assert contract_state(CONTRACT, resumed, at=NOW) is ContractState.IN_FORCE
    again = [*resumed, say(CONTRACT, "UZ", StatementType.SUSPENDED, at=SIGNED + 3 * DAY)]
    assert contract_state(CONTRACT, again, at=NOW) is ContractState.SUSPENDED


def test_suspended_and_resumed_in_the_same_second_is_suspended() -> None:
    both = [say(CONTRACT, "UZ", kind, at=NOW) for kind in (StatementType.SUSPENDED, StatementType.RESUMED)]
    for order in (both, both[::-1]):
        assert contract_state(CONTRACT, [*all_sign(CONTRACT), *order], at=NOW) is ContractState.SUSPENDED


def test_the_order_in_which_statements_arrive_does_not_matter() -> None:
    statements = [
        *all_sign(CONTRACT),
        say(CONTRACT, "UZ", StatementType.SUSPENDED, at=SIGNED + DAY),
        say(CONTRACT, "UZ", StatementType.RESUMED, at=SIGNED + 2 * DAY),
        say(CONTRACT, "TJ", StatementType.ENDED, effective=NOW + DAY),
    ]
    for at in (SIGNED, SIGNED + DAY, NOW, NOW + DAY):
        found = standing(CONTRACT, statements, at=at)
        assert standing(CONTRACT, statements[::-1], at=at) == found


def test_a_later_version_in_force_takes_the_place_of_an_earlier_one_for_its_providers() -> None:
    second = version("1.1.0", providers="KZ")
    versions = [(second, all_sign(second))]
    signed = all_sign(CONTRACT)
    with pytest.raises(ContractSupersededError, match=r"superseded by version 1\.1\.0"):
        require_in_force(CONTRACT, signed, at=NOW, provider="KZ", versions=versions)
    assert contract_state(CONTRACT, signed, at=NOW, provider="KG", versions=versions) is ContractState.IN_FORCE
    assert contract_state(CONTRACT, signed, at=NOW, versions=versions) is ContractState.IN_FORCE
    for_all = version("1.1.0")
    assert contract_state(CONTRACT, signed, at=NOW, versions=[(for_all, all_sign(for_all))]) is ContractState.SUPERSEDED


def test_version_10_comes_after_version_9() -> None:
    ninth, tenth = version("1.9.0"), version("1.10.0")
    versions = [(ninth, all_sign(ninth)), (tenth, all_sign(tenth))]
    assert standing(ninth, all_sign(ninth), at=NOW, provider="KZ", versions=versions).later == "1.10.0"
    assert contract_state(tenth, all_sign(tenth), at=NOW, provider="KZ", versions=versions) is ContractState.IN_FORCE


def test_a_later_version_that_is_not_signed_by_all_changes_nothing() -> None:
    second = version("2.0.0")
    versions = [(second, all_sign(second, but="TM"))]
    assert (
        contract_state(CONTRACT, all_sign(CONTRACT), at=NOW, provider="KZ", versions=versions) is ContractState.IN_FORCE
    )


@pytest.mark.parametrize("kind", [StatementType.SUSPENDED, StatementType.ENDED])
def test_stopping_the_stricter_version_does_not_bring_the_looser_one_back(kind: StatementType) -> None:
    second = version("2.0.0")
    versions = [(second, [*all_sign(second), say(second, "TM", kind, at=SIGNED + DAY)])]
    assert (
        contract_state(CONTRACT, all_sign(CONTRACT), at=NOW, provider="KZ", versions=versions)
        is ContractState.SUPERSEDED
    )


def test_a_later_version_that_was_ended_before_it_began_never_took_the_place() -> None:
    second = replace(version("2.0.0"), effective=date(2026, 1, 18))
    versions = [(second, [*all_sign(second), say(second, "TM", StatementType.ENDED, at=SIGNED + DAY)])]
    assert (
        contract_state(CONTRACT, all_sign(CONTRACT), at=NOW, provider="KZ", versions=versions) is ContractState.IN_FORCE
    )


def test_gb_s_version_of_ca07_stands_beside_that_of_the_five() -> None:
    five, gb = contract("CA-07-EXPULSIONS-BANS", "1.1.0"), contract("CA-07-EXPULSIONS-BANS", "2.0.0")
    versions = [(five, all_sign(five)), (gb, all_sign(gb))]
    assert contract_state(five, all_sign(five), at=NOW, provider="KZ", versions=versions) is ContractState.IN_FORCE
    assert contract_state(gb, all_sign(gb), at=NOW, provider="GB", versions=versions) is ContractState.IN_FORCE


def test_a_party_without_a_role_signs_too() -> None:
    wider = replace(CONTRACT, parties=(*CONTRACT.parties, Party(member="GB", roles=frozenset())))
    assert standing(wider, [s for s in all_sign(wider) if s.party != "GB"], at=NOW).parties == ("GB",)


def test_every_reason_is_a_contract_not_in_force() -> None:
    errors = [
        ContractNotSignedError, ContractNotEffectiveError, ContractSuspendedError, ContractEndedError,
        ContractExpiredError, ContractSupersededError,
    ]  # fmt: skip
    assert all(issubclass(error, ContractNotInForceError) and error.exit_code == 6 for error in errors)


def test_a_contract_binds_from_its_last_signature_to_the_first_end() -> None:
    last = SIGNED + 3 * DAY
    signed = [*all_sign(CONTRACT, but="UZ"), say(CONTRACT, "UZ", at=last)]
    assert term(CONTRACT, signed[:-1]) is None
    assert term(CONTRACT, signed) == Term(since=last.date(), until=None)
    ends = say(CONTRACT, "KG", StatementType.ENDED, at=NOW, effective=NOW + 90 * DAY)
    assert term(CONTRACT, [*signed, ends]) == Term(since=last.date(), until=(NOW + 90 * DAY).date())
    written = replace(CONTRACT, ends=date(2026, 12, 1))
    assert term(written, [*all_sign(written), ends]) == Term(
        since=max(SIGNED.date(), CONTRACT.effective), until=min(date(2026, 12, 1), (NOW + 90 * DAY).date())
    )
