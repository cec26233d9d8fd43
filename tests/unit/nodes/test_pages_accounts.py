"""Users and roles from the page: two administrators let somebody in, end sessions, close; others only look."""

import re
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from bs4 import BeautifulSoup

from nodes.desk.acts import DeskAct
from nodes.desk.pages.accounts import JOURNAL, compatible
from nodes.desk.pages.names import ACTS
from nodes.web.roles import Role
from tests.world.desk_server import Browser, DeskServer, desk_server

NODES = Path(__file__).resolve().parents[3] / "nodes"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "X-Form-Token": None}
WANTED = {"name": "New clearer", "officer": "kz-09", "roles": "clearing"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    return desk_server(tmp_path_factory.mktemp("desk") / "kz")


def send(browser: Browser, path: str, **fields: str) -> httpx.Response:
    content = urlencode({"form_token": browser.form_token or "", **fields}).encode()
    return browser.post(path, content=content, headers=FORM)


def soup(answer: httpx.Response) -> BeautifulSoup:
    return BeautifulSoup(answer.text, "lxml")


def said(page: BeautifulSoup) -> str:
    return " ".join(page.get_text(" ").split())


def test_two_administrators_let_somebody_in_and_the_code_is_shown_once(desk: DeskServer) -> None:
    first, second = desk.signed_in("Operator A"), desk.signed_in("Operator B")
    assert send(first, "/accounts", **WANTED).status_code == 303
    assert "another administrator must agree" in said(soup(first.get("/accounts")))
    (form,) = soup(second.get("/accounts")).select("#waiting ~ .console-scroll form")
    given = send(second, str(form["action"]))
    assert given.headers["Cache-Control"] == "no-store"
    banner = soup(given).select_one(".govuk-notification-banner .console-words")
    assert banner is not None
    code = banner.get_text(strip=True)
    assert code not in second.get("/accounts").text
    newcomer = desk.browser("New clearer")
    newcomer.act(newcomer.enrol(code))
    newcomer.act(newcomer.sign_in())
    assert "New clearer" in said(soup(first.get("/accounts")))


def test_who_proposed_does_not_let_in(desk: DeskServer) -> None:
    first = desk.signed_in("Operator A")
    send(first, "/accounts", name="Somebody", officer="kz-10", roles="data")
    with desk.context.console.db.begin() as store:
        (row,) = [one for one in store.accounts.enrolments() if one.name == "Somebody"]
    answer = send(first, f"/enrolments/{row.id}")
    assert answer.status_code >= 400
    assert soup(answer).select_one(".govuk-error-summary") is not None
    assert soup(answer).select_one(".govuk-notification-banner") is None


def test_an_administrator_who_would_clear_is_refused_on_the_page(desk: DeskServer) -> None:
    answer = send(desk.signed_in("Operator A"), "/accounts", name="Both", officer="", roles="operator clearing")
    assert answer.status_code >= 400
    assert "an operator never clears" in answer.text


def test_only_sets_of_roles_that_one_person_may_have_are_offered() -> None:
    found = {frozenset(roles) for roles in compatible()}
    assert frozenset({Role.DATA, Role.CLEARING}) in found
    assert frozenset({Role.OPERATOR, Role.CLEARING}) not in found
    assert [roles for roles in found if Role.AUDITOR in roles] == [frozenset({Role.AUDITOR})]


def test_sessions_are_listed_and_ended(desk: DeskServer) -> None:
    person, operator = desk.signed_in("Contracts"), desk.signed_in("Operator A")
    assert person.get("/contracts").status_code == 200
    address = f"/accounts/{desk.account_id('Contracts')}/sessions"
    assert soup(operator.get("/accounts")).select_one(f"form[action='{address}']") is not None
    assert send(operator, address).status_code == 303
    assert person.get("/contracts").status_code == 303
    assert "sessions ended: Contracts" in said(soup(operator.get("/accounts")))


def test_a_new_passkey_of_an_account_is_proposed_and_waits_for_another_administrator(desk: DeskServer) -> None:
    operator = desk.signed_in("Operator A")
    assert send(operator, f"/accounts/{desk.account_id('Preparer')}/passkey").status_code == 303
    assert "a new passkey; the earlier ones end" in said(soup(operator.get("/accounts")))


def test_the_last_two_administrators_are_not_closed(tmp_path: Path) -> None:
    desk = desk_server(tmp_path / "kz")
    operator = desk.signed_in("Operator A")
    answer = send(operator, f"/accounts/{desk.account_id('Operator B')}/close")
    assert answer.status_code >= 400
    assert soup(answer).select_one(".govuk-error-summary") is not None
    assert desk.signed_in("Operator B").get("/accounts").status_code == 200
    assert send(operator, f"/accounts/{desk.account_id('Preparer')}/close").status_code == 303
    assert not desk.browser("Preparer").sign_in().is_success


def test_nothing_else_is_done_to_an_account(desk: DeskServer) -> None:
    answer = send(desk.signed_in("Operator A"), f"/accounts/{desk.account_id('Preparer')}/promote")
    assert answer.status_code == 400


def test_an_auditor_sees_accounts_and_changes_none(desk: DeskServer) -> None:
    auditor = desk.signed_in("Auditor")
    assert soup(auditor.get("/accounts")).select("main form[method=post]") == []
    assert send(auditor, "/accounts", **WANTED).status_code == 403


def test_changes_need_a_passkey_shown_just_before(tmp_path: Path) -> None:
    desk = desk_server(tmp_path / "kz")
    operator = desk.signed_in("Operator A")
    desk.world.clock.move(seconds=desk.context.console.settings.step_up_s + 1)
    page = soup(operator.get("/accounts"))
    assert page.select("main form[method=post]") == []
    assert len(page.select("[data-passkey=step-up]")) == 1
    assert send(operator, "/accounts", **WANTED).status_code == 403


def test_a_page_of_the_journal_beyond_the_last_is_the_last(tmp_path: Path) -> None:
    desk = desk_server(tmp_path / "kz")
    operator = desk.signed_in("Operator A")
    with desk.context.console.db.begin() as store:
        (account,) = [one.id for one in store.accounts.accounts() if one.name == "Operator A"]
        for number in range(450):
            store.accounts.note(at=desk.world.clock.now(), account=account, act="sign in", subject=f"line {number}")
        found = store.accounts.journal_page(account=None, skip=0, most=1)[1]
    last, beyond = (soup(operator.get(f"/accounts?{JOURNAL.parameter}={page}")) for page in (3, 99))
    rows = [[row.get_text(" ", strip=True) for row in page.select("#journal ~ * tbody tr")] for page in (last, beyond)]
    assert rows[0] == rows[1]
    assert len(rows[0]) == found - 400


def test_every_act_of_the_journal_has_words_and_its_code_stays_in_files(desk: DeskServer) -> None:
    sources = "".join(file.read_text("utf-8") for file in (NODES / "web").glob("*.py"))
    assert {*re.findall(r'act="([a-z ]+)", subject=', sources), *DeskAct} == set(ACTS)
    operator = desk.signed_in("Operator A")
    page = soup(operator.get("/accounts?lang=ru"))
    assert "допуск: Preparer" in page.get_text()
    assert "вход: ключ доступа" in page.get_text()
    assert "approve enrolment,Preparer" in operator.get("/journal.csv").text
