"""What two logs and the signed evidence say together: every row of the decision table, both sides of every lie."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from _pytest.mark import ParameterSet

from exchange.reconcile import reconcile
from exchange.reconcile.model import Exchange, Finding, Verdict
from tests.world.pull_logs import DATA, WRONG, PullLogs
from tests.world.pull_stories import (
    accepted_two_contents,
    accepted_with_another_pulls_delivery,
    accepted_without_delivery,
    broke_off,
    broke_off_unserved,
    damaged_on_the_way,
    delivered_unlogged,
    delivery_withheld,
    publisher_names_another_bundle,
    puller_names_another_bundle,
    received_from_nobody,
    received_twice,
    received_without_receipt,
    rejected,
    rejected_from_nobody,
    rejected_unlogged,
    rejected_what_another_accepted,
    rejected_what_it_accepted,
    rejected_while_another_got_other_bytes,
    rejected_without_evidence,
    served_and_silent,
    served_for_another_bundle_asked,
    served_request_withheld,
    served_twice,
    served_unasked,
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


UNDECIDED = "undecided"


def row(
    name: str, story: Story, verdict: Verdict, finding: tuple[str, str] | None, *, after: timedelta | None = None
) -> ParameterSet:
    return pytest.param(story, after, verdict, finding, id=name)


@pytest.mark.parametrize(
    ("story", "audited_after", "verdict", "finding"),
    [
        row(
            "served, received: a second content was accepted before",
            accepted_two_contents,
            Verdict.VIOLATED,
            ("delivered-two-contents", "KZ"),
        ),
        row(
            "served, received: the delivery is not the publisher's",
            accepted_without_delivery,
            Verdict.VIOLATED,
            ("accepted-without-delivery", "KG"),
        ),
        row(
            "served, received: the delivery is another pull's",
            accepted_with_another_pulls_delivery,
            Verdict.VIOLATED,
            ("accepted-without-delivery", "KG"),
        ),
        row(
            "served, rejected: the manifest declares another content",
            lambda logs: rejected(logs, content=WRONG, file="data.csv"),
            Verdict.VIOLATED,
            ("delivered-altered", "KZ"),
        ),
        row(
            "served, rejected: the manifest declares this content",
            lambda logs: rejected(logs, content=DATA, file="data.csv"),
            Verdict.VIOLATED,
            ("rejected-wrongly", "KG"),
        ),
        row(
            "served, rejected: the puller itself accepted the same",
            rejected_what_it_accepted,
            Verdict.VIOLATED,
            ("rejected-wrongly", "KG"),
        ),
        row(
            "served, rejected: another content was signed for as well",
            rejected_while_another_got_other_bytes,
            Verdict.VIOLATED,
            ("delivered-two-contents", "KZ"),
        ),
        row(
            "served, rejected: another recipient accepted the same, and may stand with the publisher",
            rejected_what_another_accepted,
            Verdict.DISPUTED,
            ("rejection-disputed", UNDECIDED),
        ),
        row("served, rejected: nothing to compare with", rejected, Verdict.DISPUTED, ("rejection-disputed", UNDECIDED)),
        row(
            "served, rejected: no delivery named",
            rejected_without_evidence,
            Verdict.DISPUTED,
            ("rejection-disputed", UNDECIDED),
        ),
        row(
            "served, rejected: other bytes arrived than the right ones signed for",
            damaged_on_the_way,
            Verdict.BROKEN_OFF,
            None,
        ),
        row("broken off, never paid", broke_off, Verdict.VIOLATED, ("receipt-not-given", "KG"), after=OVERDUE),
        row("served, broken off", broke_off, Verdict.BROKEN_OFF, None),
        row("not served, broken off", broke_off_unserved, Verdict.BROKEN_OFF, None, after=OVERDUE),
        row("served, nothing: in time", served_and_silent, Verdict.PENDING, None),
        row(
            "served, nothing: overdue",
            served_and_silent,
            Verdict.VIOLATED,
            ("pull-not-logged-by-puller", "KG"),
            after=OVERDUE,
        ),
        row(
            "served, nothing: the request is not the puller's",
            served_unasked,
            Verdict.VIOLATED,
            ("pull-invented-by-publisher", "KZ"),
        ),
        row(
            "served, nothing: the request is for another bundle",
            served_for_another_bundle_asked,
            Verdict.VIOLATED,
            ("pull-invented-by-publisher", "KZ"),
        ),
        row(
            "served, nothing: the publisher does not show the request",
            served_request_withheld,
            Verdict.VIOLATED,
            ("pull-invented-by-publisher", "KZ"),
        ),
        row(
            "not served, received: the publisher signed the delivery",
            delivered_unlogged,
            Verdict.VIOLATED,
            ("pull-not-logged-by-publisher", "KZ"),
        ),
        row(
            "not served, rejected: the publisher signed the delivery",
            rejected_unlogged,
            Verdict.VIOLATED,
            ("pull-not-logged-by-publisher", "KZ"),
        ),
        row(
            "not served, received: nobody signed",
            received_from_nobody,
            Verdict.VIOLATED,
            ("pull-invented-by-puller", "KG"),
        ),
        row(
            "not served, rejected: nobody signed",
            rejected_from_nobody,
            Verdict.DISPUTED,
            ("rejection-disputed", UNDECIDED),
        ),
        row(
            "rejected: the puller does not show the delivery it names",
            delivery_withheld,
            Verdict.VIOLATED,
            ("evidence-withheld", "KG"),
        ),
        row(
            "bundles differ: the delivery agrees with the publisher",
            puller_names_another_bundle,
            Verdict.VIOLATED,
            ("digest-differs", "KG"),
        ),
        row(
            "bundles differ: the delivery agrees with the puller",
            publisher_names_another_bundle,
            Verdict.VIOLATED,
            ("digest-differs", "KZ"),
        ),
        row("served twice", served_twice, Verdict.VIOLATED, ("pull-logged-twice", "KZ")),
        row("received twice", received_twice, Verdict.VIOLATED, ("pull-logged-twice", "KG")),
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


def test_every_finding_reads_in_both_languages_and_names_the_party() -> None:
    for story in (rejected, rejected_while_another_got_other_bytes, delivered_unlogged, served_unasked):
        for found in last_exchange(told(story)).findings:
            assert found.party in found.reason.sentence("en")
            assert found.party in found.reason.sentence("ru")
