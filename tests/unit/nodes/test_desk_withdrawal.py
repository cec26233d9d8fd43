"""Taking back what was published: proposed and approved by two officers, sealed once, handed over, settled."""

import base64
from pathlib import Path
from typing import Any

import pytest

from exchange.encoding import Digest
from exchange.errors import ExitCode
from exchange.publication.withdrawal import WITHDRAWAL, WITHDRAWAL_SIGNATURES, verify_signed
from nodes.desk.cases import Desk
from tests.world.desk import ASKED, DeskWorld, desk_world

REASON = "one checkpoint was counted twice"
WITHDRAWALS = "/local/withdrawals"
EFFECTIVE: dict[str, Any] = {"index": 12, "effective": True}
PROPOSE = ("withdrawal", "propose", *ASKED, "--reason", REASON, "--officer")
APPROVE = ("withdrawal", "approve", *ASKED, "--officer")
RELEASE = ("withdrawal", "release", *ASKED)


@pytest.fixture
def desk(tmp_path: Path) -> DeskWorld:
    """KZ's desk with a published bundle."""
    made = desk_world(tmp_path / "kz")
    made.clear()
    with made.gateway():
        made.act("bundle", "release", *ASKED)
    return made


def test_two_officers_withdraw_and_the_gateway_gets_what_they_signed(desk: DeskWorld) -> None:
    first = desk.act(*PROPOSE, "kz-02")
    assert "kz-02 approved the withdrawal of kz-ca-01-border-2026-09-r0: another officer must approve" in first.out
    second = desk.act(*APPROVE, "kz-03")
    assert f"reason: {REASON}" in second.out
    assert f"next: exchange --node {desk.node.path} withdrawal release CA-01-BORDER 2026-09" in second.out
    with desk.gateway(withdrawals=EFFECTIVE) as posted:
        ran = desk.act(*RELEASE)
    assert ran.out == "kz-ca-01-border-2026-09-r0: withdrawn, entry 12 of the log\n"
    ((path, body),) = posted
    assert path == WITHDRAWALS
    files = {
        WITHDRAWAL: base64.b64decode(body["withdrawal"]),
        WITHDRAWAL_SIGNATURES: base64.b64decode(body["signatures"]),
    }
    state = desk.state()
    opened = Desk.open(desk.node, desk.clock.now())
    withdrawal = verify_signed(
        files,
        bundle=Digest.parse(state["bundle"], subject="test"),
        provider="KZ",
        trust=opened.trust,
        at=opened.now,
        clause=desk.contract.approvals,
    )
    assert withdrawal.common.reason == REASON
    assert [approval.officer for approval in withdrawal.approvals] == ["kz-02", "kz-03"]
    assert state["state"] == "withdrawn"


def test_one_officer_alone_releases_no_withdrawal(desk: DeskWorld) -> None:
    desk.act(*PROPOSE, "kz-02")
    with desk.gateway(withdrawals=EFFECTIVE) as posted:
        ran = desk.run(*RELEASE)
    assert ran.code == ExitCode.DOES_NOT_HOLD
    assert "2 approvals by different officers are needed, found 1" in ran.err
    assert posted == []


def test_the_proposer_cannot_approve_a_second_time(desk: DeskWorld) -> None:
    desk.act(*PROPOSE, "kz-02")
    ran = desk.run(*APPROVE, "kz-02")
    assert ran.code != ExitCode.FINE
    assert "kz-02" in ran.err


def test_a_data_officer_withdraws_nothing(desk: DeskWorld) -> None:
    ran = desk.run(*PROPOSE, "kz-01")
    assert ran.code != ExitCode.FINE
    assert "kz-01" in ran.err
    assert desk.act("--json", "withdrawal", "list").result["withdrawals"] == []


def test_a_second_proposal_shows_the_first_one_s_reason(desk: DeskWorld) -> None:
    desk.act(*PROPOSE, "kz-02")
    ran = desk.run("withdrawal", "propose", *ASKED, "--reason", "another", "--officer", "kz-03")
    assert ran.code == ExitCode.CONTRACT_REFUSES
    assert REASON in ran.err


def test_what_has_not_left_cannot_be_withdrawn(tmp_path: Path) -> None:
    made = desk_world(tmp_path / "kz")
    made.clear()
    ran = made.run(*PROPOSE, "kz-02")
    assert ran.code == ExitCode.CONTRACT_REFUSES
    assert "only a published bundle can be withdrawn" in ran.err


def test_an_approval_needs_a_proposal(desk: DeskWorld) -> None:
    ran = desk.run(*APPROVE, "kz-03")
    assert ran.code == ExitCode.USAGE
    assert "withdrawal propose" in ran.err


def test_with_the_gateway_down_the_same_bytes_go_over_later(desk: DeskWorld) -> None:
    desk.act(*PROPOSE, "kz-02")
    desk.act(*APPROVE, "kz-03")
    assert desk.run(*RELEASE).code == ExitCode.UNREACHABLE
    sent = []
    for effective in (False, True):
        with desk.gateway(withdrawals={"index": 12, "effective": effective}) as posted:
            desk.act(*RELEASE)
        sent.append(posted[0][1])
    assert sent[0] == sent[1]  # ML-DSA signatures are randomised: signed again they would differ
    assert desk.state()["state"] == "withdrawn"


def test_the_list_speaks_russian(desk: DeskWorld) -> None:
    desk.act(*PROPOSE, "kz-02")
    ran = desk.run("withdrawal", "list", language="ru")
    assert "предложен" in ran.out
    assert REASON in ran.out
