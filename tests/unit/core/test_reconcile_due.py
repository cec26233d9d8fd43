"""What is owed after a signature and after a withdrawal: publications by the contract's calendar, acknowledgements."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from exchange.encoding import Digest
from exchange.log.entry import EntryType
from exchange.reconcile import reconcile
from exchange.reconcile.model import Federation, Finding
from tests.world.contracts import contract
from tests.world.pull_logs import BUNDLE, CONTRACT, PullLogs

BORDER = contract("CA-01-BORDER")
TO_ALL = ("KG", "TJ", "TM", "UZ")
TEXT = Digest.of(b"withdrawal.json")


def on(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00:00+00:00").astimezone(UTC)


def findings(gathered: Federation, *codes: str) -> list[Finding]:
    return [found for found in reconcile(gathered).findings if found.reason.code in codes]


# --- publications ----------------------------------------------------------------------------------------------------
# CA-01 is signed on 1 October 2026. October's figures are due 20 days after the month, on 20 November; the contract
# calls them late 10 days after that, from 30 November, and overdue 30 days after it, from 20 December.


def published(day: str | None) -> PullLogs:
    logs = PullLogs()
    if day is not None:
        logs.at = on(day)
        logs.publish(period="2026-10", recipients=TO_ALL)
    return logs


def audited(logs: PullLogs, day: str) -> list[Finding]:
    gathered = replace(logs.gathered(), at=on(day), contracts={CONTRACT: BORDER})
    return [
        found
        for found in findings(gathered, "published-late", "publication-missing")
        if found.reason.facts["period"] == "2026-10"
    ]


@pytest.mark.parametrize(
    ("made", "looked", "code", "rung"),
    [
        pytest.param("2026-11-20", "2027-06-01", None, None, id="on the due day"),
        pytest.param("2026-11-29", "2027-06-01", None, None, id="after it, within what the contract tolerates"),
        pytest.param("2026-11-30", "2027-06-01", "published-late", "late", id="on the first late day"),
        pytest.param("2026-12-20", "2027-06-01", "published-late", "overdue", id="on the first overdue day"),
        pytest.param(None, "2026-11-29", None, None, id="not yet, and not late"),
        pytest.param(None, "2026-11-30", "publication-missing", "late", id="not at all, and late"),
    ],
)
def test_a_publication_is_late_from_the_day_the_contract_names(
    made: str | None, looked: str, code: str | None, rung: str | None
) -> None:
    found = audited(published(made), looked)
    assert [(one.reason.code, one.party, one.reason.facts["lateness"]) for one in found] == (
        [] if code is None else [(code, "KZ", rung)]
    )


def test_nothing_is_owed_for_a_period_before_the_contract_was_signed_nor_while_it_is_not_in_force() -> None:
    logs = PullLogs()
    gathered = replace(logs.gathered(), at=on("2027-06-01"), contracts={CONTRACT: BORDER})
    missing = {found.reason.facts["period"] for found in findings(gathered, "publication-missing")}
    assert min(str(period) for period in missing) == "2026-10"
    suspended = replace(gathered, force_at=lambda *_: "suspended")
    assert findings(suspended, "publication-missing") == []


def test_a_publication_that_could_not_be_looked_at_may_be_the_one_that_is_owed() -> None:
    logs = published("2026-11-15")
    logs.publications.clear()
    assert audited(logs, "2027-06-01") == []


def test_a_party_that_provides_nothing_owes_nothing() -> None:
    logs = published(None)
    logs.log("IOM", EntryType.CONTRACT_SIGNED, contract=CONTRACT, evidence=Digest.of(b"s"))
    assert {found.party for found in audited(logs, "2027-06-01")} == {"KZ"}


# --- withdrawals -----------------------------------------------------------------------------------------------------


def withdrawn() -> tuple[PullLogs, Digest]:
    """KG has pulled and received; then KZ takes the bundle back."""
    logs = PullLogs()
    logs.publish()
    pull = logs.honest_pull()
    logs.log("KZ", EntryType.BUNDLE_WITHDRAWN, contract=CONTRACT, bundle=BUNDLE, evidence=Digest.of(b"w"))
    logs.audited_after = timedelta(days=15)  # the deadline without a contract's text is 14 days
    return logs, pull


def acknowledge(logs: PullLogs, pull: Digest, **changes: object) -> Digest:
    received = next(one for one in logs.logs["KG"] if one.type is EntryType.BUNDLE_RECEIVED)
    entry = logs.logs["KG"].index(received)
    return logs.give(pull, received.evidence, entry, "KG", verdict="withdrawn", withdrawal=TEXT, **changes)


def codes(logs: PullLogs) -> list[tuple[str, str]]:
    return [(found.reason.code, found.party) for found in reconcile(logs.gathered()).findings]


def test_whoever_holds_a_withdrawn_bundle_and_keeps_silent_is_at_fault_once_the_deadline_has_passed() -> None:
    logs, _ = withdrawn()
    assert codes(logs) == [("withdrawal-not-acknowledged", "KG")]
    logs.audited_after = timedelta(days=13)
    assert codes(logs) == []


def test_an_acknowledged_withdrawal_is_nobodys_fault() -> None:
    logs, pull = withdrawn()
    logs.get(pull, acknowledge(logs, pull))
    assert codes(logs) == []


def test_an_acknowledgement_signed_by_another_does_not_count() -> None:
    logs, pull = withdrawn()
    acknowledge(logs, pull, signed_by="TJ")
    assert ("withdrawal-not-acknowledged", "KG") in codes(logs)


def test_a_publisher_that_invents_an_acknowledgement_is_at_fault() -> None:
    logs, pull = withdrawn()
    logs.get(pull, acknowledge(logs, pull, signed_by="KZ", logged=False))
    assert ("receipt-forged", "KZ") in codes(logs)


def test_who_never_received_the_bundle_has_nothing_to_acknowledge() -> None:
    logs, _ = withdrawn()
    assert "TJ" not in {party for _, party in codes(logs)}


# --- receipts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shown", [True, False], ids=["the bundle in it", "the bundle left out"])
@pytest.mark.parametrize(("days", "owed"), [(20, []), (31, ["KG"])], ids=["within the contract's days", "beyond them"])
def test_a_bundle_left_out_makes_no_receipt_late_before_its_contract_does(
    shown: bool, days: int, owed: list[str]
) -> None:
    logs = PullLogs()
    logs.publish()
    pull = logs.request()
    logs.serve(pull)
    logs.take(pull, logs.deliver(pull))
    of_thirty_days = {CONTRACT: replace(BORDER, receipt_days=30)}
    gathered = replace(logs.gathered(), at=logs.at + timedelta(days=days), contracts=of_thirty_days)
    gathered = gathered if shown else replace(gathered, publications={})
    assert [found.party for found in findings(gathered, "receipt-not-given")] == owed
