"""What a publisher may serve and publish, and what a receipt must say: each rule broken once, with who is at fault."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from exchange.encoding import Digest
from exchange.errors.bundle import BundleFilesError
from exchange.log.entry import EntryType
from exchange.reconcile import reconcile
from exchange.reconcile.model import Exchange, Finding, Verdict, VerifiedPublication
from tests.world.contracts import contract
from tests.world.pull_logs import BUNDLE, CLEARANCE, CONTRACT, NOON, PullLogs, bundle_named

Story = Callable[[PullLogs], object]
OVERDUE = timedelta(days=15)  # the deadline without a contract's text is 14 days


def told(story: Story) -> PullLogs:
    logs = PullLogs()
    logs.publish()
    story(logs)
    return logs


def last_exchange(logs: PullLogs) -> Exchange:
    return reconcile(logs.gathered()).exchanges[-1]


def codes(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(found.reason.code, found.party) for found in findings]


def received_without_receipt(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    logs.take(pull, logs.deliver(pull))


# --- what the publisher may serve ------------------------------------------------------------------------------------


def unpublished(logs: PullLogs) -> None:
    logs.logs["KZ"] = [one for one in logs.logs["KZ"] if one.type is not EntryType.BUNDLE_PUBLISHED]


def withdrawn(logs: PullLogs) -> None:
    logs.log("KZ", EntryType.BUNDLE_WITHDRAWN, contract=CONTRACT, bundle=BUNDLE, evidence=Digest.of(b"w"))


def for_others(logs: PullLogs) -> None:
    logs.publications[BUNDLE] = told_publication(recipients=("TJ",))


def told_publication(**changes: object) -> VerifiedPublication:
    logs = PullLogs()
    logs.publish(**changes)  # type: ignore[arg-type]  # by name
    published = logs.publications[BUNDLE]
    assert isinstance(published, VerifiedPublication)
    return published


def early(logs: PullLogs) -> None:
    logs.publications[BUNDLE] = told_publication(not_before=NOON + timedelta(days=1))


def ended(logs: PullLogs) -> None:
    logs.state = "ended"


@pytest.mark.parametrize(
    ("before", "code"),
    [
        pytest.param(unpublished, "served-without-publication", id="what it never published"),
        pytest.param(withdrawn, "served-after-withdrawal", id="what it had withdrawn"),
        pytest.param(for_others, "wrong-recipient", id="to somebody who is no recipient"),
        pytest.param(early, "served-too-early", id="before its time"),
        pytest.param(ended, "served-without-contract", id="under a contract that had ended"),
    ],
)
def test_a_publisher_does_not_serve(before: Story, code: str) -> None:
    logs = told(before)
    logs.honest_pull()
    exchange = last_exchange(logs)
    assert exchange.verdict is Verdict.VIOLATED
    assert (code, "KZ") in codes(exchange.findings)


def test_a_suspension_stops_first_pulls_and_not_a_partys_repetition() -> None:
    logs = told(PullLogs.honest_pull)
    logs.state = "suspended"
    logs.honest_pull()
    first, repeated = reconcile(logs.gathered()).exchanges
    assert codes(first.findings) == [("served-without-contract", "KZ")]
    assert repeated.verdict is Verdict.CONFIRMED


# --- receipts --------------------------------------------------------------------------------------------------------


def receipt(logs: PullLogs, **changes: object) -> Digest:
    pull = logs.request()
    logs.serve(pull)
    delivery = logs.deliver(pull)
    digest = logs.give(pull, delivery, logs.take(pull, delivery), **changes)
    logs.get(pull, digest)
    return digest


def receipt_late(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    delivery = logs.deliver(pull)
    entry = logs.take(pull, delivery)
    logs.at += OVERDUE
    logs.get(pull, logs.give(pull, delivery, entry))


def receipt_unlogged(logs: PullLogs) -> None:
    receipt(logs, logged=False)
    logs.log("KG", EntryType.HEARTBEAT)


@pytest.mark.parametrize(
    ("story", "finding"),
    [
        pytest.param(lambda logs: receipt(logs, verdict="rejected:data-form"), "KG", id="another verdict"),
        pytest.param(lambda logs: receipt(logs, bundle=bundle_named("another")), "KG", id="another bundle"),
        pytest.param(lambda logs: receipt(logs, entry=7), "KG", id="another entry"),
        pytest.param(lambda logs: receipt(logs, delivery=Digest.of(b"another")), "KG", id="another delivery"),
        pytest.param(lambda logs: receipt(logs, pull=Digest.of(b"another")), "KG", id="another pull"),
    ],
)
def test_a_receipt_says_what_its_signers_log_says(story: Story, finding: str) -> None:
    exchange = last_exchange(told(story))
    assert codes(exchange.findings) == [("receipt-contradicts", finding)]


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        pytest.param(receipt_late, ("receipt-late", "KG"), id="too late"),
        pytest.param(receipt_unlogged, ("receipt-not-logged", "KG"), id="given and not logged"),
        pytest.param(lambda logs: receipt(logs, signed_by="KZ", logged=False), ("receipt-forged", "KZ"), id="forged"),
    ],
)
def test_a_receipt_is_signed_logged_and_in_time(story: Story, expected: tuple[str, str]) -> None:
    assert expected in codes(last_exchange(told(story)).findings)


def test_a_receipt_owed_beyond_its_deadline_is_the_pullers_fault() -> None:
    logs = told(received_without_receipt)
    logs.audited_after = OVERDUE
    assert codes(last_exchange(logs).findings) == [("receipt-not-given", "KG")]


# --- publications ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("story", "code"),
    [
        pytest.param(lambda logs: logs.publish(cleared=False), "published-without-clearance", id="without clearance"),
        pytest.param(lambda logs: logs.publish(provider="KG"), "published-for-another", id="another's bundle"),
        pytest.param(lambda logs: logs.publish(revision=1), "revision-out-of-order", id="revision 1 without 0"),
        pytest.param(lambda logs: logs.publish(determined=3), "pattern-discloses", id="with cells that follow"),
    ],
)
def test_a_publication_is_refused(story: Story, code: str) -> None:
    logs = PullLogs()
    story(logs)
    assert codes(reconcile(logs.gathered()).findings) == [(code, "KZ")]


def test_a_publication_under_a_contract_not_in_force_is_the_publishers_fault() -> None:
    logs = PullLogs(state="proposed")
    logs.publish()
    assert codes(reconcile(logs.gathered()).findings) == [("published-without-contract", "KZ")]


def test_a_publication_whose_files_do_not_verify_is_the_publishers_fault() -> None:
    logs = PullLogs()
    logs.publish()
    logs.publications[BUNDLE] = BundleFilesError(expected="six files", found="five")
    assert codes(reconcile(logs.gathered()).findings) == [("publication-unverifiable", "KZ")]


def test_a_second_release_of_one_statistic_is_revision_1_and_names_the_first() -> None:
    logs = PullLogs()
    logs.publish()
    logs.publish(bundle_named("r1"), revision=1, supersedes=BUNDLE)
    logs.publish(bundle_named("r1 again"), revision=1, supersedes=BUNDLE)
    assert codes(reconcile(logs.gathered()).findings) == [("revision-out-of-order", "KZ")]


def test_a_clearance_logged_only_after_its_publication_does_not_count() -> None:
    logs = PullLogs()
    logs.publish(cleared=False)
    logs.log("KZ", EntryType.CLEARANCE_DECIDED, contract=CONTRACT, evidence=CLEARANCE)
    assert codes(reconcile(logs.gathered()).findings) == [("published-without-clearance", "KZ")]


def test_a_stored_bundle_found_altered_is_the_publishers_fault_by_its_own_entry() -> None:
    logs = told(PullLogs.honest_pull)
    pull = logs.request("TJ")
    index = logs.log(
        "KZ",
        EntryType.PULL_REFUSED,
        counterpart="TJ",
        bundle=BUNDLE,
        contract=CONTRACT,
        pull=pull,
        evidence=pull,
        code="bundle-damaged",
        count=1,
    )
    result = reconcile(logs.gathered())
    assert codes(result.findings) == [("stored-bundle-altered", "KZ")]
    assert result.findings[0].entries == (("KZ", index),)
    assert [(one.puller, one.verdict, one.fault) for one in result.exchanges] == [
        ("KG", Verdict.CONFIRMED, ""),
        ("TJ", Verdict.REFUSED, "KZ"),
    ]


# --- what bundles show together --------------------------------------------------------------------------------------


def rectangle(*counterparts: str) -> frozenset[tuple[str, ...]]:
    """Arrivals of two citizenships over two counterparts, withheld: neither row nor column gives one of them away."""
    return frozenset(("IN", citizen, other, *["_T"] * 4) for citizen in ("KG", "UZ") for other in counterparts)


def test_what_follows_only_from_two_revisions_together_is_possible_for_the_publisher_to_answer() -> None:
    logs = PullLogs()
    logs.publish(withheld=rectangle("KG", "UZ"))
    second = bundle_named("r1")
    logs.publish(second, revision=1, supersedes=BUNDLE, withheld=rectangle("KG", "TJ"))
    border = replace(logs.gathered(), contracts={CONTRACT: contract("CA-01-BORDER")})
    found = [finding for finding in reconcile(border).findings if finding.reason.code.startswith("pattern")]
    (finding,) = found
    assert (finding.reason.code, finding.party) == ("pattern-possible", "KZ")
    # Each shows what the other hides: with all rows and columns known, all four of both rectangles follow.
    assert finding.reason.facts["cells"] == 8
    assert (finding.reason.facts["bundle"], finding.reason.facts["others"]) == (second.hex, BUNDLE.hex)


def test_revisions_with_one_pattern_show_nothing_together() -> None:
    logs = PullLogs()
    logs.publish(withheld=rectangle("KG", "UZ"))
    logs.publish(bundle_named("r1"), revision=1, supersedes=BUNDLE, withheld=rectangle("KG", "UZ"))
    border = replace(logs.gathered(), contracts={CONTRACT: contract("CA-01-BORDER")})
    assert not [finding for finding in reconcile(border).findings if finding.reason.code.startswith("pattern")]
