"""Figures that were revised and that their holder did not pull again: said of the holder, never of the publisher."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from exchange.encoding import Digest
from exchange.errors.bundle import BundleFilesError
from exchange.log.entry import EntryType
from exchange.reconcile import reconcile
from exchange.reconcile.model import Federation, Finding
from exchange.signing.federation import Suspension
from tests.world.contracts import contract
from tests.world.pull_logs import BUNDLE, CONTRACT, NOON, PullLogs, bundle_named

BORDER = contract("CA-01-BORDER")  # late 10 days after the due day, overdue 30, delinquent 75
FIRST, SECOND = bundle_named("KZ CA-01 2026-09 r1"), bundle_named("KZ CA-01 2026-09 r2")
STATISTIC = ("CA-01-BORDER", "2026-09")
Story = Callable[[PullLogs], object]


def revised(*stories: Story) -> PullLogs:
    """KZ publishes, KG pulls and receives; on 2 October KZ publishes a revision; then whatever else happens."""
    logs = PullLogs()
    logs.publish()
    logs.honest_pull()
    logs.at = NOON + timedelta(days=1)
    logs.publish(FIRST, revision=1, supersedes=BUNDLE)
    for story in stories:
        story(logs)
    return logs


def audited(logs: PullLogs, *, days: int = 20) -> Federation:
    """As the auditor has it some days after the revision was published."""
    return replace(logs.gathered(), at=NOON + timedelta(days=1 + days), contracts={CONTRACT: BORDER})


def observed(gathered: Federation) -> list[Finding]:
    return [found for found in reconcile(gathered).findings if found.reason.code == "revision-not-taken"]


def pull(logs: PullLogs, bundle: Digest, *, code: str | None = None) -> None:
    asked = logs.request(bundle=bundle)
    logs.serve(asked, bundle=bundle)
    logs.take(asked, logs.deliver(asked, bundle=bundle), bundle=bundle, code=code)


@pytest.mark.parametrize(
    ("days", "rung"),
    [
        pytest.param(9, None, id="within what the contract tolerates"),
        pytest.param(10, "late", id="on the first late day"),
        pytest.param(30, "overdue", id="on the first overdue day"),
    ],
)
def test_a_revision_is_not_taken_from_the_day_that_the_contracts_ladder_names(days: int, rung: str | None) -> None:
    found = observed(audited(revised(), days=days))
    assert [(one.party, one.reason.facts["lateness"]) for one in found] == ([] if rung is None else [("KG", rung)])


def test_it_names_holder_publisher_and_both_revisions_and_rests_on_an_entry_of_each_log() -> None:
    logs = revised()
    (found,) = observed(audited(logs))
    facts = found.reason.facts
    assert (facts["party"], facts["publisher"], facts["held"], facts["revision"]) == ("KG", "KZ", 0, 1)
    assert (facts["contract"], facts["period"]) == STATISTIC
    named = [logs.logs[member][index] for member, index in found.entries]
    assert [(one.type, one.bundle) for one in named] == [
        (EntryType.BUNDLE_PUBLISHED, FIRST),
        (EntryType.BUNDLE_RECEIVED, BUNDLE),
    ]


def test_a_second_revision_does_not_give_the_holder_new_time() -> None:
    def twice(logs: PullLogs) -> None:
        logs.at += timedelta(days=9)
        logs.publish(SECOND, revision=2, supersedes=FIRST)

    (found,) = observed(audited(revised(twice), days=10))
    assert (found.reason.facts["revision"], found.reason.facts["lateness"]) == (2, "late")


def embargoed(logs: PullLogs) -> None:
    logs.publications[FIRST] = replace(logs.publications[FIRST], not_before=NOON + timedelta(days=15))  # type: ignore[type-var]  # verified


def withdrawn(logs: PullLogs) -> None:
    logs.log("KZ", EntryType.BUNDLE_WITHDRAWN, contract=CONTRACT, bundle=FIRST, evidence=Digest.of(b"w"))


def refused(logs: PullLogs) -> None:
    asked = logs.request(bundle=FIRST)
    facts = {"contract": CONTRACT, "bundle": FIRST, "pull": asked, "evidence": asked, "code": "contract-suspended"}
    logs.log("KZ", EntryType.PULL_REFUSED, counterpart="KG", count=1, **facts)


def newest_alone(logs: PullLogs) -> None:
    logs.publish(SECOND, revision=2, supersedes=FIRST)
    pull(logs, SECOND)


def unseen(logs: PullLogs) -> None:
    logs.publish(SECOND, revision=2, supersedes=FIRST)
    pull(logs, SECOND)
    logs.publications[SECOND] = BundleFilesError(expected="six files", found="five")


def ended(logs: PullLogs) -> None:
    logs.state = "ended"


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(lambda logs: pull(logs, FIRST), id="it was taken"),
        pytest.param(lambda logs: pull(logs, FIRST, code="data-form"), id="it was pulled and rejected"),
        pytest.param(lambda logs: pull(logs, FIRST, code="incomplete"), id="its delivery broke off"),
        pytest.param(newest_alone, id="the revision after it was taken"),
        pytest.param(unseen, id="something was taken that could not be looked at and may be it"),
        pytest.param(refused, id="its publisher refused to serve it"),
        pytest.param(withdrawn, id="it was withdrawn"),
        pytest.param(embargoed, id="it is on offer for less time than that"),
        pytest.param(ended, id="the contract lets nobody pull"),
    ],
)
def test_nobody_is_observed_where(story: Story) -> None:
    assert observed(audited(revised(story))) == []


def test_who_never_received_the_figures_has_no_revision_to_take() -> None:
    assert {one.party for one in observed(audited(revised()))} == {"KG"}  # TJ is a recipient, too


def test_a_member_that_was_suspended_could_not_pull() -> None:
    gathered = audited(revised())
    one = gathered.trust.memberships["KG"]
    suspended = replace(one, suspensions=(Suspension(since=NOON + timedelta(days=5)),))
    trust = replace(gathered.trust, memberships={**gathered.trust.memberships, "KG": suspended})
    assert observed(replace(gathered, trust=trust)) == []


def test_without_the_contracts_text_there_is_no_ladder_and_nothing_is_said() -> None:
    assert observed(replace(audited(revised()), contracts={})) == []


@pytest.mark.parametrize("state", ["in-force", "superseded"])
def test_bundles_of_a_superseded_version_stay_pullable(state: str) -> None:
    assert len(observed(replace(audited(revised()), force_at=lambda *_: state))) == 1


def test_a_suspension_of_the_contract_when_it_got_late_excuses() -> None:
    def force(_: Digest, __: str, at: datetime, ___: frozenset[Digest]) -> str:
        return "suspended" if at < NOON + timedelta(days=15) else "in-force"

    assert observed(replace(audited(revised()), force_at=force)) == []
