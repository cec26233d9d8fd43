"""Taking back what was published from the page: two officers, a passkey before it is signed, and who knows of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup

from tests.world.desk import ASKED
from tests.world.desk_server import Browser, DeskServer, desk_server

PAGE = "/releases/1/withdrawal"
ASK = "/api/candidates/1/withdrawal"
REASON = "one checkpoint was counted twice"
EFFECTIVE: dict[str, Any] = {"index": 12, "effective": True}
FORM = {"Content-Type": "application/x-www-form-urlencoded", "X-Form-Token": None}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    """KZ's desk with a published bundle whose withdrawal nobody has proposed; for what changes nothing."""
    return published(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def fresh(tmp_path: Path) -> DeskServer:
    return published(tmp_path)


def published(folder: Path) -> DeskServer:
    server = desk_server(folder / "kz")
    server.world.act("bundle", "submit", *ASKED)
    for name in ("Clearer A", "Clearer B"):
        browser = server.signed_in(name)
        browser.act(browser.approve("/api/candidates/1/approval"))
    with server.world.gateway():
        server.world.act("bundle", "release", *ASKED)
    return server


def bundle(server: DeskServer) -> str:
    return str(server.world.state()["bundle"])


@contextmanager
def gateway(server: DeskServer, *, acknowledged: bool = False) -> Iterator[list[tuple[str, dict[str, str]]]]:
    """One that tells of two pulls of the bundle: KG receipted it, TJ owes that; and of one of ours from KG."""
    pull = {"bundle": bundle(server), "contract": "CA-01-BORDER", "at": "2026-10-03T10:00:00Z"}
    served = [
        {**pull, "pull": "sha256:1", "puller": "KG", "index": 9, "verdict": "accepted", "acknowledged": acknowledged},
        {**pull, "pull": "sha256:2", "puller": "TJ", "index": 8, "verdict": None, "acknowledged": False},
    ]
    made = {
        "pull": "sha256:3",
        "partner": "KG",
        "bundle": "sha256:" + 64 * "a",
        "purpose": "official_statistics",
        "at": "2026-10-02T10:00:00Z",
        "verdict": "rejected:bundle-altered",
        "taken": False,
        "acknowledged": None,
    }
    pullers = [
        {name: one[name] for name in ("puller", "at", "verdict", "acknowledged")} | {"pulls": 1} for one in served
    ]
    receipts = {"served": served, "served_found": 2, "made": [made], "made_found": 1, "members": ["KG", "TJ"]}
    answers = {"receipts": receipts, "pullers": {"pullers": pullers}, "withdrawals": EFFECTIVE}
    with server.world.gateway(**answers) as posted:
        yield posted


def soup(browser: Browser, path: str, *, language: str = "en") -> BeautifulSoup:
    answer = browser.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "lxml")


def said(page: BeautifulSoup) -> str:
    return " ".join(page.get_text(" ").split())


def form(browser: Browser, path: str) -> int:
    content = urlencode({"form_token": browser.form_token or ""}).encode()
    return browser.post(path, content=content, headers=FORM).status_code


def test_a_clearing_officer_is_offered_to_propose_and_sees_who_pulled(desk: DeskServer) -> None:
    with gateway(desk):
        page = soup(desk.signed_in("Clearer A"), PAGE)
    (button,) = page.select("[data-passkey=withdraw]")
    assert (button["data-case"], button["data-next"]) == ("1", PAGE)
    rows = [[cell.get_text(strip=True) for cell in row.select("th, td")][::2] for row in page.select("tbody tr")]
    assert rows == [["Kyrgyzstan", "accepted"], ["Tajikistan", "receipt owed"]]
    assert "0 of 2 members that pulled it have acknowledged a withdrawal" in said(page)


@pytest.mark.parametrize("person", ["Preparer", "Contracts", "Auditor"])
def test_others_see_it_and_are_offered_nothing(desk: DeskServer, person: str) -> None:
    with gateway(desk):
        page = soup(desk.signed_in(person), PAGE)
    assert page.select("main [data-passkey], main form") == []
    assert "There is nothing for you to decide now." in said(page)


def test_an_operator_sees_neither_withdrawals_nor_receipts(desk: DeskServer) -> None:
    operator = desk.signed_in("Operator A")
    assert [operator.get(path).status_code for path in (PAGE, "/receipts", "/api/receipts")] == [403, 403, 403]


def test_the_page_is_there_while_the_gateway_is_not(desk: DeskServer) -> None:
    browser = desk.signed_in("Clearer A")
    assert "The gateway does not answer now:" in said(soup(browser, PAGE))
    assert "The gateway does not answer now:" in said(soup(browser, "/receipts"))


def test_a_page_of_pulls_beyond_the_last_is_the_last(desk: DeskServer) -> None:
    made = {"made": [], "made_found": 0, "members": ["KG"]}
    pull = {"pull": "sha256:1", "bundle": bundle(desk), "contract": "CA-01-BORDER", "at": "2026-10-03T10:00:00Z"}
    oldest = {**pull, "puller": "KG", "index": 9, "verdict": "accepted", "acknowledged": False}
    answers = {  # of 201 pulls the last page holds one; from row 19,600 on there is none
        "receipts?served=19600&made=0&most=200": {**made, "served": [], "served_found": 201},
        "receipts?served=200&made=0&most=200": {**made, "served": [oldest], "served_found": 201},
    }
    with desk.world.gateway(**answers):
        page = soup(desk.signed_in("Clearer A"), "/receipts?served=99")
    assert [row.select("th, td")[1].get_text(strip=True) for row in page.select("tbody tr")] == ["Kyrgyzstan"]


def test_two_officers_take_it_back_and_the_page_says_who_knows(fresh: DeskServer) -> None:
    first, second = fresh.signed_in("Clearer A"), fresh.signed_in("Clearer B")
    asked = first.act(first.post(f"{ASK}/challenge", {"reason": REASON}))
    first.act(first.post(ASK, {"handle": asked["handle"], "proof": first.prove(asked["challenge"])}))
    with gateway(fresh):
        mine, others = soup(first, PAGE), soup(second, PAGE)
    assert mine.select("main [data-passkey]") == []
    assert REASON in said(others)
    assert len(others.select("[data-passkey=approve-withdrawal]")) == 1
    second.act(second.approve(f"{ASK}/approval"))
    with gateway(fresh) as posted:
        assert form(second, f"{PAGE}/release") == 303
    assert [path for path, _ in posted] == ["/local/withdrawals"]
    assert fresh.world.state()["state"] == "withdrawn"
    with gateway(fresh, acknowledged=True):
        page, listed = soup(second, PAGE), soup(second, "/receipts")
    assert "in effect" in said(page)
    assert "1 of 2 members that pulled it have acknowledged a withdrawal" in said(page)
    assert REASON in said(listed)
    assert listed.select_one(f"a[href='{PAGE}']") is not None


def test_one_officer_alone_publishes_no_withdrawal_and_is_told_why(fresh: DeskServer) -> None:
    browser = fresh.signed_in("Clearer A")
    asked = browser.act(browser.post(f"{ASK}/challenge", {"reason": REASON}))
    browser.act(browser.post(ASK, {"handle": asked["handle"], "proof": browser.prove(asked["challenge"])}))
    with gateway(fresh) as posted:
        answer = browser.post(
            f"{PAGE}/release", content=urlencode({"form_token": browser.form_token or ""}).encode(), headers=FORM
        )
    assert answer.status_code >= 400
    assert "2 approvals by different officers are needed, found 1" in answer.text
    assert posted == []


def test_signing_needs_a_passkey_shown_just_before(desk: DeskServer) -> None:
    browser = desk.signed_in("Clearer A")
    desk.world.clock.move(seconds=desk.context.console.settings.step_up_s + 1)
    assert form(browser, f"{PAGE}/release") == 403


def test_receipts_are_listed_on_both_sides_and_by_member(desk: DeskServer) -> None:
    browser = desk.signed_in("Clearer A")
    with gateway(desk):
        whole, served = soup(browser, "/receipts"), browser.get("/served.json?member=TJ").json()["rows"]
        made = browser.get("/made.csv").text
        document = browser.get("/api/receipts").json()
    assert "rejected bundle-altered not taken by the partner yet" in said(whole)
    assert "2 pulls" in said(whole)
    assert [row["member"] for row in served] == ["TJ"]
    assert "rejected:bundle-altered" in made
    assert [one["verdict"] for one in document["served"]] == ["accepted", None]


def test_the_words_are_the_readers_language(desk: DeskServer) -> None:
    with gateway(desk):
        assert "Кто получил опубликованное здесь" in said(soup(desk.signed_in("Clearer A"), "/receipts", language="ru"))


def test_while_the_gateway_is_silent_nobody_is_said_to_have_pulled_nothing(desk: DeskServer) -> None:
    page = said(soup(desk.signed_in("Clearer A"), "/receipts"))
    assert page.count("Not known while the gateway does not answer.") == 2
    assert "Nobody has pulled anything yet." not in page


def test_a_release_that_is_out_leads_to_its_withdrawal(desk: DeskServer) -> None:
    page = soup(desk.signed_in("Clearer A"), "/releases/1")
    assert page.select_one(f"a[href='{PAGE}']") is not None
