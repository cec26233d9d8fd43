"""What two logs and the signed evidence say together: every row of the decision table, both sides of every lie."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from exchange.encoding import Digest
from exchange.errors.bundle import BundleFilesError
from exchange.log.entry import EntryType
from exchange.reconcile import reconcile
from exchange.reconcile.model import Exchange, Finding, Verdict
from tests.world.pull_logs import (
    BUNDLE,
    CLEARANCE,
    CONTRACT,
    DATA,
    NOON,
    RIGHT,
    WRONG,
    PullLogs,
    bundle_named,
)

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


# --- honest ----------------------------------------------------------------------------------------------------------


def test_an_honest_pull_is_confirmed_and_nobody_is_at_fault() -> None:
    logs = told(PullLogs.honest_pull)
    result = reconcile(logs.gathered())
    assert [(one.publisher, one.puller, one.verdict, one.fault) for one in result.exchanges] == [
        ("KZ", "KG", Verdict.CONFIRMED, "")
    ]
    assert result.findings == ()
    assert (result.exchanges[0].contract_id, result.exchanges[0].period) == ("CA-01-BORDER", "2026-09")


def test_two_pulls_of_one_bundle_are_two_exchanges_and_both_are_right() -> None:
    logs = told(PullLogs.honest_pull)
    logs.honest_pull("KG")
    logs.honest_pull("TJ")
    result = reconcile(logs.gathered())
    assert [one.verdict for one in result.exchanges] == [Verdict.CONFIRMED] * 3
    assert result.findings == ()


def received_without_receipt(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    logs.take(pull, logs.deliver(pull))


def test_a_pull_without_its_receipt_is_pending_until_the_deadline() -> None:
    assert last_exchange(told(received_without_receipt)).verdict is Verdict.PENDING


def test_a_receipt_that_the_publisher_did_not_take_is_paid_all_the_same() -> None:
    def story(logs: PullLogs) -> None:
        pull = logs.request()
        logs.serve(pull)
        delivery = logs.deliver(pull)
        logs.give(pull, delivery, logs.take(pull, delivery))

    logs = told(story)
    logs.audited_after = OVERDUE
    assert last_exchange(logs).verdict is Verdict.CONFIRMED


# --- the decision table ----------------------------------------------------------------------------------------------


def accepted_two_contents(logs: PullLogs) -> None:
    logs.honest_pull("TJ")
    logs.honest_pull("KG", content=WRONG)


def accepted_without_delivery(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    logs.take(pull, logs.deliver(pull, signed_by="KG"))


def accepted_with_another_pulls_delivery(logs: PullLogs) -> None:
    other = logs.request()
    logs.serve(other)
    delivery = logs.deliver(other)
    pull = logs.request()
    logs.serve(pull)
    logs.take(pull, delivery)


def rejected(logs: PullLogs, *, code: str = "signature-invalid", **delivery: object) -> None:
    pull = logs.request()
    logs.serve(pull)
    logs.take(pull, logs.deliver(pull, **delivery), code=code)  # type: ignore[arg-type]  # by name


def rejected_what_it_accepted(logs: PullLogs) -> None:
    logs.honest_pull("KG")
    rejected(logs)


def rejected_while_another_got_other_bytes(logs: PullLogs) -> None:
    logs.honest_pull("TJ")
    rejected(logs, content=WRONG)


def rejected_what_another_accepted(logs: PullLogs) -> None:
    logs.honest_pull("TJ")
    rejected(logs, content=RIGHT)


def rejected_without_evidence(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    logs.take(pull, None, code="pull-delivery")


def broke_off(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    logs.take(pull, None, code="incomplete")


def broke_off_unserved(logs: PullLogs) -> None:
    logs.take(logs.request(), None, code="incomplete")


def damaged_on_the_way(logs: PullLogs) -> None:
    logs.honest_pull("KG")
    rejected(logs, code="delivery-content")


def served_and_silent(logs: PullLogs) -> None:
    logs.serve(logs.request())


def served_unasked(logs: PullLogs) -> None:
    logs.serve(logs.request(signed_by="KZ"))


def served_for_another_bundle_asked(logs: PullLogs) -> None:
    logs.serve(logs.request(bundle=bundle_named("another")))


def served_request_withheld(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    del logs.signed[pull]
    logs.withheld.add(("KZ", pull))


def delivered_unlogged(logs: PullLogs) -> None:
    pull = logs.request()
    logs.take(pull, logs.deliver(pull, index=0))


def rejected_unlogged(logs: PullLogs) -> None:
    pull = logs.request()
    logs.take(pull, logs.deliver(pull, index=0), code="signature-invalid")


def received_from_nobody(logs: PullLogs) -> None:
    pull = logs.request()
    logs.take(pull, logs.deliver(pull, signed_by="KG"))


def rejected_from_nobody(logs: PullLogs) -> None:
    pull = logs.request()
    logs.take(pull, logs.deliver(pull, signed_by="KG"), code="pull-delivery")


def delivery_withheld(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    delivery = logs.deliver(pull)
    logs.take(pull, delivery, code="signature-invalid")
    del logs.signed[delivery]
    logs.withheld.add(("KG", delivery))


def puller_names_another_bundle(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    logs.take(pull, logs.deliver(pull), bundle=bundle_named("another"))


def publisher_names_another_bundle(logs: PullLogs) -> None:
    logs.publish(bundle_named("another"), period="2026-08")
    pull = logs.request(bundle=bundle_named("another"))
    logs.serve(pull, bundle=bundle_named("another"))
    logs.take(pull, logs.deliver(pull))


def served_twice(logs: PullLogs) -> None:
    pull = logs.honest_pull()
    logs.serve(pull)


def received_twice(logs: PullLogs) -> None:
    pull = logs.request()
    logs.serve(pull)
    delivery = logs.deliver(pull)
    logs.take(pull, delivery)
    logs.take(pull, delivery)


UNDECIDED = "undecided"


@pytest.mark.parametrize(
    ("story", "audited_after", "verdict", "finding"),
    [
        pytest.param(
            accepted_two_contents,
            None,
            Verdict.VIOLATED,
            ("delivered-two-contents", "KZ"),
            id="served, received: a second content was accepted before",
        ),
        pytest.param(
            accepted_without_delivery,
            None,
            Verdict.VIOLATED,
            ("accepted-without-delivery", "KG"),
            id="served, received: the delivery is not the publisher's",
        ),
        pytest.param(
            accepted_with_another_pulls_delivery,
            None,
            Verdict.VIOLATED,
            ("accepted-without-delivery", "KG"),
            id="served, received: the delivery is another pull's",
        ),
        pytest.param(
            lambda logs: rejected(logs, content=WRONG, file="data.csv"),
            None,
            Verdict.VIOLATED,
            ("delivered-altered", "KZ"),
            id="served, rejected: the manifest declares another content",
        ),
        pytest.param(
            lambda logs: rejected(logs, content=DATA, file="data.csv"),
            None,
            Verdict.VIOLATED,
            ("rejected-wrongly", "KG"),
            id="served, rejected: the manifest declares this content",
        ),
        pytest.param(
            rejected_what_it_accepted,
            None,
            Verdict.VIOLATED,
            ("rejected-wrongly", "KG"),
            id="served, rejected: the puller itself accepted the same",
        ),
        pytest.param(
            rejected_while_another_got_other_bytes,
            None,
            Verdict.VIOLATED,
            ("delivered-two-contents", "KZ"),
            id="served, rejected: another content was signed for as well",
        ),
        pytest.param(
            rejected_what_another_accepted,
            None,
            Verdict.DISPUTED,
            ("rejection-disputed", UNDECIDED),
            id="served, rejected: another recipient accepted the same, and may stand with the publisher",
        ),
        pytest.param(
            rejected,
            None,
            Verdict.DISPUTED,
            ("rejection-disputed", UNDECIDED),
            id="served, rejected: nothing to compare with",
        ),
        pytest.param(
            rejected_without_evidence,
            None,
            Verdict.DISPUTED,
            ("rejection-disputed", UNDECIDED),
            id="served, rejected: no delivery named",
        ),
        pytest.param(
            damaged_on_the_way,
            None,
            Verdict.BROKEN_OFF,
            None,
            id="served, rejected: other bytes arrived than the right ones signed for",
        ),
        pytest.param(broke_off, OVERDUE, Verdict.VIOLATED, ("receipt-not-given", "KG"), id="broken off, never paid"),
        pytest.param(broke_off, None, Verdict.BROKEN_OFF, None, id="served, broken off"),
        pytest.param(broke_off_unserved, OVERDUE, Verdict.BROKEN_OFF, None, id="not served, broken off"),
        pytest.param(served_and_silent, None, Verdict.PENDING, None, id="served, nothing: in time"),
        pytest.param(
            served_and_silent,
            OVERDUE,
            Verdict.VIOLATED,
            ("pull-not-logged-by-puller", "KG"),
            id="served, nothing: overdue",
        ),
        pytest.param(
            served_unasked,
            None,
            Verdict.VIOLATED,
            ("pull-invented-by-publisher", "KZ"),
            id="served, nothing: the request is not the puller's",
        ),
        pytest.param(
            served_for_another_bundle_asked,
            None,
            Verdict.VIOLATED,
            ("pull-invented-by-publisher", "KZ"),
            id="served, nothing: the request is for another bundle",
        ),
        pytest.param(
            served_request_withheld,
            None,
            Verdict.VIOLATED,
            ("pull-invented-by-publisher", "KZ"),
            id="served, nothing: the publisher does not show the request",
        ),
        pytest.param(
            delivered_unlogged,
            None,
            Verdict.VIOLATED,
            ("pull-not-logged-by-publisher", "KZ"),
            id="not served, received: the publisher signed the delivery",
        ),
        pytest.param(
            rejected_unlogged,
            None,
            Verdict.VIOLATED,
            ("pull-not-logged-by-publisher", "KZ"),
            id="not served, rejected: the publisher signed the delivery",
        ),
        pytest.param(
            received_from_nobody,
            None,
            Verdict.VIOLATED,
            ("pull-invented-by-puller", "KG"),
            id="not served, received: nobody signed",
        ),
        pytest.param(
            rejected_from_nobody,
            None,
            Verdict.DISPUTED,
            ("rejection-disputed", UNDECIDED),
            id="not served, rejected: nobody signed",
        ),
        pytest.param(
            delivery_withheld,
            None,
            Verdict.VIOLATED,
            ("evidence-withheld", "KG"),
            id="rejected: the puller does not show the delivery it names",
        ),
        pytest.param(
            puller_names_another_bundle,
            None,
            Verdict.VIOLATED,
            ("digest-differs", "KG"),
            id="bundles differ: the delivery agrees with the publisher",
        ),
        pytest.param(
            publisher_names_another_bundle,
            None,
            Verdict.VIOLATED,
            ("digest-differs", "KZ"),
            id="bundles differ: the delivery agrees with the puller",
        ),
        pytest.param(served_twice, None, Verdict.VIOLATED, ("pull-logged-twice", "KZ"), id="served twice"),
        pytest.param(received_twice, None, Verdict.VIOLATED, ("pull-logged-twice", "KG"), id="received twice"),
    ],
)
def test_two_logs_and_their_evidence_decide_who_is_at_fault(
    story: Story, audited_after: timedelta | None, verdict: Verdict, finding: tuple[str, str] | None
) -> None:
    logs = told(story)
    logs.audited_after = audited_after or logs.audited_after
    exchange = last_exchange(logs)
    assert exchange.verdict is verdict
    assert codes(exchange.findings) == ([] if finding is None else [finding])


@pytest.mark.parametrize("missing", ["KZ", "KG"])
def test_a_log_that_could_not_be_collected_makes_nobody_guilty(missing: str) -> None:
    logs = told(PullLogs.honest_pull)
    logs.audited_after = OVERDUE
    logs.not_collected.add(missing)
    exchanges = reconcile(logs.gathered()).exchanges
    assert {one.verdict for one in exchanges} <= {Verdict.PENDING, Verdict.CONFIRMED}
    assert [found for one in exchanges for found in one.findings] == []


def test_a_publishers_log_read_before_it_grew_makes_nobody_guilty() -> None:
    logs = told(PullLogs.honest_pull)
    pull = logs.request()
    logs.serve(pull)
    logs.take(pull, logs.deliver(pull))
    logs.logs["KZ"].pop()
    assert last_exchange(logs).verdict is Verdict.PENDING


# --- what the publisher may serve ------------------------------------------------------------------------------------


def unpublished(logs: PullLogs) -> None:
    logs.logs["KZ"] = [one for one in logs.logs["KZ"] if one.type is not EntryType.BUNDLE_PUBLISHED]


def withdrawn(logs: PullLogs) -> None:
    logs.log("KZ", EntryType.BUNDLE_WITHDRAWN, contract=CONTRACT, bundle=BUNDLE, evidence=Digest.of(b"w"))


def for_others(logs: PullLogs) -> None:
    logs.publications[BUNDLE] = told_publication(recipients=("TJ",))


def told_publication(**changes: object) -> object:
    logs = PullLogs()
    logs.publish(**changes)  # type: ignore[arg-type]  # by name
    return logs.publications[BUNDLE]


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


def test_every_finding_reads_in_both_languages_and_names_the_party() -> None:
    for story in (rejected, rejected_while_another_got_other_bytes, delivered_unlogged, served_unasked, receipt_late):
        for found in last_exchange(told(story)).findings:
            assert found.party in found.reason.sentence("en")
            assert found.party in found.reason.sentence("ru")
