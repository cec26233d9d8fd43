"""What is due, by whom, to whom, when, and how late something is; the days are counted on a paper calendar."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from exchange.contract.calendar import Due, Lateness, due_dates, lateness
from exchange.contract.parse import parse_contract
from exchange.errors.contract import ContractRuleError
from tests.world.contracts import codelists, contract, contract_raw

CA01, CA07, CA10 = contract("CA-01-BORDER"), contract("CA-07-EXPULSIONS-BANS"), contract("CA-10-TRAFFICKING")
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


def dates(due: Due) -> list[str]:
    return [day.isoformat() for day in (due.earliest, due.due, due.late, due.overdue, due.delinquent)]


def test_a_quarter_is_due_45_days_after_its_end_and_the_ladder_counts_from_there() -> None:
    found = [due for due in due_dates(CA07, since=FIRST, due_from=FIRST, due_to=LAST) if due.provider == "KZ"]
    assert [due.period for due in found] == ["2026-Q1", "2026-Q2", "2026-Q3"]  # Q4 is due on 14 February 2027
    # 31 March + 45 days = 15 May; + 20 = 4 June; + 60 = 14 July; + 150 = 12 October.
    assert dates(found[0]) == ["2026-04-01", "2026-05-15", "2026-06-04", "2026-07-14", "2026-10-12"]
    assert found[0].recipients == ("KG", "TJ", "TM", "UZ")
    assert (found[0].contract_id, found[0].version) == ("CA-07-EXPULSIONS-BANS", "1.0.0")


def test_months_and_years_have_their_own_days() -> None:
    march = due_dates(CA01, since=FIRST, due_from=date(2026, 4, 1), due_to=date(2026, 4, 30))
    assert {(due.period, due.due) for due in march} == {("2026-03", date(2026, 4, 20))}
    assert [due.provider for due in march] == ["KG", "KZ", "TJ", "TM", "UZ"]
    years = due_dates(CA10, since=FIRST, due_from=date(2027, 1, 1), due_to=date(2027, 12, 31))
    assert {(due.period, due.due) for due in years} == {("2026", date(2027, 4, 30))}  # 120 days after 31 December


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-05-15", Lateness.IN_TIME),
        ("2026-05-16", Lateness.DUE),
        ("2026-06-03", Lateness.DUE),
        ("2026-06-04", Lateness.LATE),
        ("2026-07-13", Lateness.LATE),
        ("2026-07-14", Lateness.OVERDUE),
        ("2026-10-11", Lateness.OVERDUE),
        ("2026-10-12", Lateness.DELINQUENT),
    ],
)
def test_lateness_climbs_its_ladder_on_the_day_the_contract_names(day: str, expected: Lateness) -> None:
    first = due_dates(CA07, since=FIRST, due_from=FIRST, due_to=LAST)[0]
    for clock in ("00:00:00", "23:59:59"):
        assert lateness(first, datetime.fromisoformat(f"{day}T{clock}+00:00")) is expected
    assert expected.breach == (day >= "2026-06-04")


def test_days_are_those_of_utc() -> None:
    first = due_dates(CA07, since=FIRST, due_from=FIRST, due_to=LAST)[0]
    almaty = timezone(timedelta(hours=5))
    assert lateness(first, datetime(2026, 5, 16, 4, 0, tzinfo=almaty)) is Lateness.IN_TIME
    assert lateness(first, datetime(2026, 5, 16, 0, 0, tzinfo=UTC)) is Lateness.DUE


def test_a_period_that_ended_before_the_contract_was_in_force_is_not_owed() -> None:
    periods = {due.period for due in due_dates(CA07, since=date(2026, 7, 1), due_from=FIRST, due_to=LAST)}
    assert periods == {"2026-Q3"}


def test_a_period_that_began_before_the_effective_date_is_not_owed() -> None:
    later = replace(CA07, effective=date(2026, 2, 1))
    periods = {due.period for due in due_dates(later, since=FIRST, due_from=FIRST, due_to=LAST)}
    assert periods == {"2026-Q2", "2026-Q3"}


@pytest.mark.parametrize("written", [True, False])
def test_nothing_is_owed_once_nothing_may_be_published(*, written: bool) -> None:
    ends = date(2026, 8, 14)  # the second quarter's due day: on it the contract is no longer in force
    agreed = replace(CA07, ends=ends) if written else CA07
    found = due_dates(agreed, since=FIRST, until=None if written else ends, due_from=FIRST, due_to=LAST)
    assert {due.period for due in found} == {"2026-Q1"}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("overdue # after the due day\n    value: 60", "overdue\n    value: 20", "fewer days than 20"),
        ("delinquent # after the due day\n    value: 150", "delinquent\n    value: 60", "fewer days than 60"),
        ("embargo\n    value: 0", "embargo\n    value: 45", "fewer days than 45, after which"),
    ],
)  # fmt: skip
def test_a_ladder_climbs_and_an_embargo_ends_before_the_due_day(before: str, after: str, expected: str) -> None:
    text = contract_raw("CA-07-EXPULSIONS-BANS").decode()
    assert before in text
    with pytest.raises(ContractRuleError, match=expected):
        parse_contract(text.replace(before, after).encode(), codelists=codelists())
