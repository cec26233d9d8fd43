"""What a desk refuses is written down for its administrators: who was tried, where from, why; bounded, no secret."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from nodes.adapters import attempt_store
from nodes.adapters.attempt_store import MANY, AttemptStore, Refused, Source
from nodes.adapters.officer_db import OfficerDb
from nodes.desk.main import build_desk, guarded
from nodes.settings import open_node
from tests.world.desk_server import Browser, DeskServer, desk_server

NOON = datetime(2026, 11, 22, 12, 0, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    """One for all: each test looks at the newest attempts only."""
    return desk_server(tmp_path_factory.mktemp("desk") / "kz")


def newest(desk: DeskServer) -> dict[str, Any]:
    """The newest refused attempt, as the auditor reads it."""
    auditor = desk.signed_in("Auditor")
    line: dict[str, Any] = auditor.act(auditor.get("/api/journal/attempts"))["attempts"][0]
    return line


def told(line: dict[str, Any]) -> tuple[str, str, str | None]:
    return line["act"], line["reason"], line["account"]


def prove_wrongly(browser: Browser, **how: Any) -> httpx.Response:  # noqa: ANN401  # as `Browser.prove`
    asked = browser.act(browser.post("/api/login/challenge"))
    return browser.post("/api/login", {"proof": browser.prove(asked["challenge"], **how)})


@pytest.mark.asvs("V16.3.1")
def test_a_login_by_an_unknown_passkey_names_the_address_and_nobody(desk: DeskServer) -> None:
    stranger = desk.browser("A stranger")
    assert prove_wrongly(stranger).json()["code"] == "login-refused"

    line = newest(desk)
    assert told(line) == ("sign in", "passkey-unknown", None)
    assert (line["address"], line["count"]) == (stranger.address, 1)


@pytest.mark.asvs("V16.3.1", "V16.2.1")
def test_a_login_that_fails_for_an_account_names_it_by_its_pseudonymous_id_and_the_rule(desk: DeskServer) -> None:
    browser = desk.browser("Clearer A")
    assert prove_wrongly(browser, members={"origin": "https://evil.example"}).status_code == 401

    line = newest(desk)
    assert told(line) == ("sign in", "passkey-origin", desk.account_id("Clearer A"))
    assert datetime.fromisoformat(line["last_at"]) == desk.world.clock.now()


def test_a_step_up_with_the_passkey_of_another_officer_is_written_down(desk: DeskServer) -> None:
    browser = desk.signed_in("Clearer B")
    browser.passkey = desk.passkeys["Clearer A"]
    assert browser.step_up().status_code == 401

    assert told(newest(desk)) == ("step up", "passkey-of-another", desk.account_id("Clearer B"))


def test_an_enrolment_with_a_code_that_opens_nothing_is_written_down_without_the_code(desk: DeskServer) -> None:
    code = "CANARYCODE234567"
    assert desk.browser().post("/api/enrolments/challenge", {"code": code}).status_code == 403

    line = newest(desk)
    assert told(line) == ("enrol", "enrolment-refused", None)
    assert code not in json.dumps(line)


@pytest.mark.asvs("V16.3.2")
def test_an_act_that_an_account_may_not_do_is_written_down(desk: DeskServer) -> None:
    preparer = desk.signed_in("Preparer")
    assert preparer.post("/api/candidates/1/approval/challenge").json()["code"] == "right-missing"

    assert told(newest(desk)) == ("candidate.approve", "right-missing", desk.account_id("Preparer"))


@pytest.mark.asvs("V16.3.3")
def test_a_write_from_a_foreign_page_and_one_without_the_forms_token_are_written_down(desk: DeskServer) -> None:
    operator = desk.signed_in("Operator A")
    path = f"/api/accounts/{desk.account_id('Preparer')}/sessions"
    assert operator.delete(path, headers={"Origin": "https://evil.example"}).json()["code"] == "cross-origin"
    line = newest(desk)
    assert told(line) == ("accounts.change", "cross-origin", desk.account_id("Operator A"))
    assert line["source"] == "aimed"  # the browser sent it, the officer may not know
    assert operator.delete(path, headers={"X-Form-Token": "0"}).json()["code"] == "form-token"
    assert told(newest(desk)) == ("accounts.change", "form-token", desk.account_id("Operator A"))
    assert newest(desk)["source"] == "account"


def test_equal_attempts_of_a_minute_are_one_line_with_their_count(desk: DeskServer) -> None:
    stranger = desk.browser("Another stranger")
    for _ in range(4):
        prove_wrongly(stranger)

    assert newest(desk)["count"] == 4


@pytest.mark.parametrize("name", ["Preparer", "Clearer A", "Contracts"])
def test_only_administrators_and_the_auditor_read_what_was_refused(desk: DeskServer, name: str) -> None:
    refused = desk.signed_in(name).get("/api/journal/attempts")
    assert (refused.status_code, refused.json()["code"]) == (403, "right-missing")


def test_the_command_shows_both_with_names_to_people_and_ids_to_programs(desk: DeskServer) -> None:
    prove_wrongly(desk.browser("Clearer A"), flags=1)
    account = desk.account_id("Clearer A")

    shown = desk.world.act("desk", "journal", "--refused").out.splitlines()
    assert any("Clearer A" in line and "sign in" in line for line in shown)
    ran = desk.world.run("--json", "desk", "journal", "--lines", "2")
    document = json.loads(ran.out)
    assert [len(document[part]) for part in ("journal", "attempts")] == [2, 2]
    assert document["attempts"][0]["account"] == account
    assert "Clearer A" not in ran.out


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_names(desk: DeskServer, tmp_path: Path) -> None:
    other = desk_server(tmp_path / "kz")
    with (other.node.path / "node.toml").open("a", encoding="utf-8") as file:
        file.write('\n[desk]\ntrusted_proxies = ["192.0.2.77"]\n')
    context = build_desk(open_node(other.node.path), clock=other.world.clock)
    browser = Browser(guarded(context), other.browser("A stranger").passkey, address="192.0.2.77")
    asked = browser.act(browser.post("/api/login/challenge"))
    proof = browser.prove(asked["challenge"])
    for forwarded in ("203.0.113.9, 198.51.100.4", "203.0.113.9, no address"):
        browser.post("/api/login", {"proof": proof}, headers={"X-Forwarded-For": forwarded})

    with context.console.db.begin() as store:
        found = [row.address for row in store.attempts.attempts(before=None, most=2)]
    assert found == ["192.0.2.77", "198.51.100.4"]


# --- bounds ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def db(tmp_path: Path) -> OfficerDb:
    return OfficerDb(tmp_path / "accounts.db")


def tried(number: int) -> Refused:
    return Refused(act="sign in", reason="passkey-unknown", address=f"192.0.2.{number}")


def aimed(number: int) -> Refused:
    return Refused(act="sign in", reason="passkey-signature", address=f"192.0.2.{number}", account="clearer")


INSIDER = Refused(act="candidate.approve", reason="right-missing", address="10.0.0.7", account="preparer", proved=True)

FEW = {Source.ACCOUNT: 40, Source.AIMED: 40, Source.STRANGER: 100}


@pytest.mark.asvs("V16.3.3")
def test_a_minute_has_twenty_lines_at_most_and_the_rest_is_one_count(db: OfficerDb) -> None:
    with db.begin() as store:
        for number in range(50):
            store.attempts.note(tried(number), at=NOON)
        rows = store.attempts.attempts(before=None, most=100)
        store.attempts.note(tried(50), at=NOON + timedelta(minutes=1))
        newest = store.attempts.attempts(before=None, most=1)[0]

    assert len(rows) == 21
    assert (rows[0].address, rows[0].reason, rows[0].account, rows[0].count) == (MANY, MANY, "", 30)
    assert sum(row.count for row in rows) == 50
    assert newest.address == "192.0.2.50"


@pytest.mark.asvs("V16.3.2", "V16.3.3", "V16.4.2")
def test_a_flood_of_strangers_hides_neither_what_an_insider_did_nor_what_is_aimed_at_an_account(
    db: OfficerDb,
) -> None:
    with db.begin() as store:
        attempts = AttemptStore(store.attempts._session, FEW)
        for minute in range(20):
            at = NOON + timedelta(minutes=minute)
            for number in range(30):
                attempts.note(tried(number), at=at)
            if minute == 10:  # amid the noise, when the minute's lines are long spent
                attempts.note(INSIDER, at=at)
                attempts.note(aimed(9), at=at)
        strangers = attempts.attempts(before=None, most=1000, source=Source.STRANGER)
        (insider,) = attempts.attempts(before=None, most=1000, source=Source.ACCOUNT)
        (target,) = attempts.attempts(before=None, most=1000, source=Source.AIMED)

    assert len(strangers) <= 100
    assert (insider.account, insider.act, insider.reason, insider.address) == (
        "preparer", "candidate.approve", "right-missing", "10.0.0.7",
    )  # fmt: skip
    assert (target.account, target.reason, target.address) == ("clearer", "passkey-signature", "192.0.2.9")


def test_one_account_spends_nobody_elses_lines(db: OfficerDb) -> None:
    with db.begin() as store:
        attempts = AttemptStore(store.attempts._session, FEW)
        attempts.note(INSIDER, at=NOON)
        attempts.note(aimed(1), at=NOON)
        for number in range(200):
            at = NOON + timedelta(minutes=number)
            attempts.note(replace(INSIDER, account="another"), at=at)
            attempts.note(replace(aimed(1), account="another"), at=at)
        found = [row.account for row in attempts.attempts(before=None, most=1000)]

    assert found.count("another") <= 80
    assert {"preparer", "clearer"} <= {*found}


@pytest.mark.asvs("V16.3.3")
def test_over_the_network_a_flood_from_one_host_is_one_line_and_the_insider_is_found(desk: DeskServer) -> None:
    desk.world.clock.move(seconds=3600)
    preparer = desk.signed_in("Preparer")
    stranger = desk.browser("A stranger with a network of its own")
    handle = stranger.act(stranger.post("/api/login/challenge"))
    proof = stranger.prove(handle["challenge"])
    for number in range(60):
        stranger.address = f"2001:db8:0:7::{number:x}"
        stranger.post("/api/login", {"proof": proof})
        if number == 40:
            assert preparer.post("/api/accounts", {}).status_code in (403, 404, 405)
            assert preparer.delete("/api/accounts/somebody/sessions").json()["code"] == "right-missing"
    auditor = desk.signed_in("Auditor")
    own = auditor.act(auditor.get("/api/journal/attempts?source=account"))["attempts"][0]
    noise = auditor.act(auditor.get("/api/journal/attempts?source=stranger"))["attempts"]

    assert told(own) == ("accounts.change", "right-missing", desk.account_id("Preparer"))
    assert sum(line["count"] for line in noise if line["address"] == "2001:db8:0:7::") == 60
    assert len([line for line in noise if line["address"] == "2001:db8:0:7::"]) <= 4  # a minute each, two reasons


@pytest.mark.parametrize(
    ("refused", "subject"),
    [
        pytest.param(tried(9), "1000 oldest rows: stranger", id="strangers, of 20,000"),
        pytest.param(aimed(9), "50 oldest rows: aimed", id="aimed at one account, of 1,000"),
        pytest.param(INSIDER, "100 oldest rows: account", id="one account's own, of 2,000"),
    ],
)
def test_beyond_a_budget_its_oldest_lines_go_and_the_journal_says_so(
    desk: DeskServer, refused: Refused, subject: str
) -> None:
    attempts, db = desk.context.console.attempts, desk.context.console.db
    most, account = attempt_store.ROWS_MAX[refused.source], refused.account or ""
    filled = (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?) INSERT INTO attempt"
        " SELECT NULL, '2026-01-01T00:00:00Z', ?, 'old', 'x', x, ?, 1, '2026-01-01T00:00:00Z' FROM n"
    )
    with db.begin() as store:
        execute = store.attempts._session.connection().exec_driver_sql
        execute("DELETE FROM attempt")
        execute(filled, (most, refused.source.value, account))
    attempts.note(refused)
    with db.begin() as store:
        rows = store.attempts.attempts(before=None, most=30_000)
        line = store.accounts.journal(before=None, most=1)[0]

    assert len(rows) == most - most // 20 + 1
    assert rows[0].address == refused.address
    assert rows[-1].address == str(most // 20 + 1)  # the oldest that is left
    assert (line.account, line.act, line.subject) == (account, "forget attempts", subject)
