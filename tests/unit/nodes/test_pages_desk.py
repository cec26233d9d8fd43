"""The desk's pages: an officer sees the table that would leave, and is offered only what an officer may do."""

import csv
import io
from pathlib import Path
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup

from exchange.encoding import Digest
from exchange.report import pooled_digest
from tests.world.desk import ASKED, figure, hidden, table
from tests.world.desk_server import Browser, DeskServer, desk_server

UZ_TOTAL = ("IN", "UZ", "_T", "_T", "_T", "_T", "_T")
KG_TOTAL = ("IN", "KG", "_T", "_T", "_T", "_T", "_T")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    """One desk for what changes nothing."""
    return _desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def fresh(tmp_path: Path) -> DeskServer:
    return _desk(tmp_path)


def _desk(folder: Path) -> DeskServer:
    """With one candidate before the officers."""
    server = desk_server(folder / "kz")
    server.world.act("bundle", "submit", *ASKED)
    return server


def soup(browser: Browser, path: str, *, language: str = "en") -> BeautifulSoup:
    answer = browser.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "lxml")


def test_whoever_is_not_signed_in_is_asked_to(desk: DeskServer) -> None:
    answer = desk.browser().get("/releases/1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/releases/1"


def test_the_page_shows_every_row_of_the_bytes_that_would_leave(desk: DeskServer) -> None:
    browser = desk.signed_in("Clearer A")
    rows = list(csv.DictReader(io.StringIO(browser.get("/releases/1/data.csv").text)))
    shown = soup(browser, "/releases/1").select("#cells tbody tr")
    assert len(shown) == len(rows)
    expected = sorted(row["OBS_VALUE"] or "withheld" for row in rows)
    figures = [line.select_one("td.figure") for line in shown]
    assert sorted(cell.get_text(strip=True).replace(",", "") for cell in figures if cell is not None) == expected


def test_a_withheld_cell_is_hatched_and_said_in_words_and_never_zero(desk: DeskServer) -> None:
    page = soup(desk.signed_in("Clearer A"), "/releases/1?only=withheld")
    cells = page.select("#cells tbody td.figure")
    assert [cell.get_text(strip=True) for cell in cells] == ["withheld", "withheld"]
    assert all("console-withheld" in cell["class"] for cell in cells)


def test_codes_and_words_are_the_readers_language(desk: DeskServer) -> None:
    page = soup(desk.signed_in("Clearer A"), "/releases/1", language="ru")
    assert page.html is not None
    assert page.html["lang"] == "ru"
    text = page.get_text(" ", strip=True)
    assert "Что покидает страну" in text
    assert "Кыргызстан (KG), Таджикистан (TJ)" in text
    assert "скрыто" in text


def test_what_was_hidden_and_is_shown_comes_first_and_alarms(fresh: DeskServer) -> None:
    before = fresh.world.release_earlier(table({UZ_TOTAL: hidden(), KG_TOTAL: figure(1900)}))
    files = fresh.world.candidate(revision=1, supersedes=before, pooled=_pooled(before))
    fresh.world.act("bundle", "submit", str(fresh.world.build(files)))
    page = soup(fresh.signed_in("Clearer A"), "/releases/2")
    alarm = page.select_one(".console-alarm")
    assert alarm is not None
    assert "Uzbekistan" in alarm.get_text()
    headings = [caption.get_text(strip=True) for caption in page.select("caption")]
    assert headings[0] == "Shown now, withheld before"
    changed = next(one for one in page.select("table") if "Another figure" in one.get_text())
    assert "1,900" in changed.get_text()
    assert "+0.5" in changed.get_text()  # 1,910 against 1,900: 0.526 %


def test_a_code_that_no_row_has_leaves_no_row_and_stays_in_the_filter(desk: DeskServer) -> None:
    page = soup(desk.signed_in("Clearer A"), "/releases/1?CITIZENSHIP=XX")
    assert page.select("#cells tbody tr") == []
    assert [one.get_text() for one in page.select("#by-CITIZENSHIP option[selected]")] == ["XX"]
    assert "Choose fewer filters." in " ".join(page.get_text(" ").split())


def test_what_was_audited_too_early_is_not_offered_for_approval_and_the_page_says_what_to_do(fresh: DeskServer) -> None:
    fresh.world.release_earlier(table({KG_TOTAL: figure(1900)}), period="2026-08")
    page = soup(fresh.signed_in("Clearer A"), "/releases/1")
    assert page.select("[data-passkey=approve]") == []
    assert page.select("form[action$='/return']")
    assert "Something else was released since its audit: return it, and it is built again." in " ".join(
        page.get_text(" ").split()
    )


def test_a_title_that_is_not_in_the_readers_language_is_marked_as_what_it_is(desk: DeskServer) -> None:
    """CA-01's title is in English and in Russian; a reader of Kazakh gets the Russian one (WCAG 2.2, 3.1.2)."""
    browser = desk.signed_in("Clearer A")
    for path in ("/contracts", "/contracts/CA-01-BORDER/1.0.0", "/due", "/"):
        (title, *_) = soup(browser, path, language="kk").find_all(string="Пересечения государственной границы")
        assert title.parent is not None
        assert title.parent.get("lang") == "ru", path
    assert soup(browser, "/contracts", language="ru").select("main [lang]") == []


def test_the_preparer_is_told_that_another_must_clear(desk: DeskServer) -> None:
    page = soup(desk.signed_in("Preparer"), "/releases/1")
    assert "You prepared it; another officer must clear it." in page.get_text()
    assert page.select("form[action$='/return'], [data-passkey=approve]") == []


def test_a_clearing_officer_returns_it_with_a_reason_and_the_page_says_so(fresh: DeskServer) -> None:
    browser = fresh.signed_in("Clearer A")
    answer = form(browser, "/releases/1/return", reason="Проверьте UZ.")
    assert answer == 303
    assert "kz-02" in soup(browser, "/releases/1").get_text()
    assert "Проверьте UZ." in soup(browser, "/releases/1").get_text()
    assert fresh.world.state()["state"] == "returned"


def test_a_return_without_a_reason_is_refused_on_the_same_page(desk: DeskServer) -> None:
    browser = desk.signed_in("Clearer A")
    answer = browser.post("/releases/1/return", content=_encoded(browser, reason=" "), headers=FORM)
    assert answer.status_code == 400
    assert BeautifulSoup(answer.text, "lxml").select_one(".govuk-error-summary") is not None
    assert desk.world.state()["state"] == "submitted"


def test_a_form_without_its_token_changes_nothing(desk: DeskServer) -> None:
    browser = desk.signed_in("Clearer A")
    browser.form_token = None
    answer = browser.post("/releases/1/return", content=b"reason=wrong", headers=FORM)
    assert answer.status_code == 403
    assert desk.world.state()["state"] == "submitted"


def test_an_operator_sees_no_figure(desk: DeskServer) -> None:
    operator = desk.signed_in("Operator A")
    for path in ("/releases/1", "/releases/1/data.csv", "/releases/1/sheet.pdf"):
        assert operator.get(path).status_code == 403


def test_the_tasks_name_what_waits_and_what_is_due(desk: DeskServer) -> None:
    page = soup(desk.signed_in("Clearer A"), "/")
    task = page.select_one(".govuk-task-list__link")
    assert task is not None
    assert task["href"] == "/releases/1"
    nothing = soup(desk.signed_in("Preparer"), "/")
    assert "Nothing waits for you." in nothing.get_text()


def test_a_contract_page_names_every_party_and_its_signature(desk: DeskServer) -> None:
    page = soup(desk.signed_in("Contracts"), "/contracts/CA-01-BORDER/1.0.0")
    rows = page.select("table tbody tr")
    assert len(rows) == len(desk.world.contract.parties)
    assert "not yet" not in page.get_text()
    assert str(desk.world.contract.digest) in page.get_text()


def test_an_address_that_nobody_has_is_a_page_that_says_so(desk: DeskServer) -> None:
    answer = desk.signed_in("Clearer A").get("/releases/77")
    assert answer.status_code == 404
    assert "no candidate 77" in answer.text


FORM = {"Content-Type": "application/x-www-form-urlencoded", "X-Form-Token": None}


def _encoded(browser: Browser, **fields: str) -> bytes:
    return urlencode({"form_token": browser.form_token or "", **fields}).encode()


def form(browser: Browser, path: str, **fields: str) -> int:
    """Send a form as a page without scripts does."""
    return browser.post(path, content=_encoded(browser, **fields), headers=FORM).status_code


def _pooled(*bundles: Digest) -> Digest:
    return pooled_digest(bundles)
