"""New release: the data officer sees what preparation built, why it built nothing, what to ask for, and submits."""

import os
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup

from exchange.contract.reference import ContractRef
from exchange.flow.preparation_note import PreparationNote, Price, RefusedField
from nodes.adapters.preparation_notes import keep_note
from tests.world.bundles import PERIOD
from tests.world.desk import figure, table
from tests.world.desk_server import Browser, DeskServer, desk_server

AT = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)
PAGE = f"/releases/new?contract=CA-01-BORDER&period={PERIOD}"
KG_TOTAL = ("IN", "KG", "_T", "_T", "_T", "_T", "_T")
FORM = {"Content-Type": "application/x-www-form-urlencoded", "X-Form-Token": None}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    """One desk, with a candidate that nobody submitted, for what changes nothing."""
    return desk_server(tmp_path_factory.mktemp("desk") / "kz")


@pytest.fixture
def fresh(tmp_path: Path) -> DeskServer:
    return desk_server(tmp_path / "kz")


def soup(browser: Browser, path: str, *, language: str = "en", status: int = 200) -> BeautifulSoup:
    answer = browser.get(path, headers={"Accept-Language": language})
    assert answer.status_code == status, answer.text
    return BeautifulSoup(answer.text, "lxml")


def note(server: DeskServer, *, refused: int = 0, prices: tuple[Price, ...] = ()) -> None:
    fields = tuple(RefusedField(line=line, column="cit", allowed="a code: KG, TJ") for line in range(2, 2 + refused))
    made = PreparationNote(
        contract=ContractRef.of(server.world.contract),
        period=PERIOD,
        at=AT,
        refused_fields=refused,
        refused=fields,
        prices=prices,
    )
    keep_note(server.node.work, made)


def said(page: BeautifulSoup) -> str:
    return " ".join(page.get_text(" ").split())


def test_what_was_prepared_is_listed_with_a_link_to_it(desk: DeskServer) -> None:
    page = soup(desk.signed_in("Preparer"), "/releases/new")
    (row,) = [
        row for row in page.select("tbody tr") if "2026" in row.get_text() and "candidate built" in row.get_text()
    ]
    link = row.select_one("a")
    assert link is not None
    assert link["href"] == PAGE


def test_the_candidate_is_described_in_plain_words_without_a_figure(desk: DeskServer) -> None:
    page = soup(desk.signed_in("Preparer"), PAGE)
    text = said(page)
    cells, withheld = len(table()), 2  # as tests/world/desk makes it
    assert f"{withheld} of {cells} cells are withheld" in text
    assert f"fewer than {desk.world.contract.disclosure.contributors_min} is withheld (counted are: travellers)" in text
    assert "tried to compute 2 figures and found all of them safe. It tried as any reader of the bundle." in text
    for shown in {cell.value for cell in table().values() if cell.value is not None and cell.value > 999}:
        assert f"{shown:,}" not in text


def test_the_page_is_in_the_readers_language(desk: DeskServer) -> None:
    text = said(soup(desk.signed_in("Preparer"), PAGE, language="ru"))
    assert "Как это защищено" in text
    assert "считаются: путешественники" in text


def test_its_preparer_submits_it_from_the_page(fresh: DeskServer) -> None:
    browser = fresh.signed_in("Preparer")
    (form,) = soup(browser, PAGE).select("main form[action^='/drafts/']")
    body = urlencode({"form_token": browser.form_token or ""}).encode()
    answer = browser.post(str(form["action"]), content=body, headers=FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/releases/1")
    assert fresh.world.state()["state"] == "submitted"
    text = said(soup(browser, PAGE))
    assert "waits for approval" in text
    assert "None yet." in text


def test_somebody_else_is_told_who_submits_it(desk: DeskServer) -> None:
    page = soup(desk.signed_in("Clearer B"), PAGE)
    assert page.select("main form") == []
    assert "Only kz-01, who prepared it" in said(page)


def test_a_candidate_that_was_audited_too_early_cannot_be_submitted(fresh: DeskServer) -> None:
    fresh.world.release_earlier(table({KG_TOTAL: figure(1900)}), period="2026-08")
    page = soup(fresh.signed_in("Preparer"), PAGE)
    assert page.select("main form") == []
    assert "Since then something else was released: build the candidate again." in said(page)


def test_refused_rows_are_named_by_line_column_and_what_is_allowed_two_hundred_to_a_page(fresh: DeskServer) -> None:
    note(fresh, refused=201)
    browser = fresh.signed_in("Preparer")
    rows = soup(browser, PAGE).select("table tbody tr")
    assert len(rows) == 200
    assert [cell.get_text() for cell in rows[0].select("th, td")] == ["2", "cit", "a code: KG, TJ"]
    last = soup(browser, f"{PAGE}&page=2")
    assert [row.select("th")[0].get_text() for row in last.select("table tbody tr")] == ["202"]
    assert "201 fields stopped the build" in said(last)


def test_options_are_told_with_their_price_the_best_first(fresh: DeskServer) -> None:
    agreed = Price(coarsening="nothing", subject="CA-01-BORDER", cells=400, withheld=90, protectable=True)
    better = Price(coarsening="level", subject="AGE", cells=200, withheld=20, protectable=True)
    never = Price(coarsening="table", subject="T2", cells=100, withheld=100, protectable=False)
    note(fresh, prices=(agreed, better, never))
    page = soup(fresh.signed_in("Preparer"), PAGE)
    rows = [[" ".join(cell.get_text().split()) for cell in row.select("th, td")] for row in page.select("tbody tr")]
    # 90 of 400 are 22.5 %, rounded half to even; 20 of 200 are 10 %; 180 cells published instead of 310
    assert rows == [
        ["The tables as agreed", "22 %", "310", "–"],
        ["Without the lowest level of AGE", "10 %", "180", "-130"],
        ["Without the table T2", "nothing protects such a table"],
    ]


def test_what_is_not_there_yet_is_asked_for_beside_the_register(desk: DeskServer) -> None:
    page = soup(desk.signed_in("Preparer"), "/releases/new?contract=ca-01&period=2026-07")
    assert "exchange --node kz bundle build ca-01-border 2026-07 --from FILE --mapping MAP.toml" in said(page)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        pytest.param("contract=CA-01-BORDER&period=September", 400, id="a period that is none"),
        pytest.param("contract=CA-01-BORDER&period=2026-Q3", 400, id="a period of another frequency"),
        pytest.param("contract=CA-99&period=2026-09", 400, id="a contract that is not here"),
        pytest.param("period=2026-09", 400, id="no contract"),
    ],
)
def test_a_release_that_cannot_be_is_refused_on_the_page(desk: DeskServer, asked: str, status: int) -> None:
    answer = desk.signed_in("Preparer").get(f"/releases/new?{asked}")
    assert BeautifulSoup(answer.text, "lxml").select_one(".govuk-error-summary") is not None
    assert answer.status_code in {status, 404, 422}


@pytest.mark.parametrize("person", ["Clearer A", "Operator A", "Contracts", "Auditor"])
def test_only_a_data_officer_prepares(desk: DeskServer, person: str) -> None:
    browser = desk.signed_in(person)
    assert browser.get("/releases/new").status_code == 403
    assert browser.get("/api/preparation-notes").status_code == 403


def test_the_notes_are_told_as_json_too(fresh: DeskServer) -> None:
    note(fresh, refused=1)
    (found,) = fresh.signed_in("Preparer").get("/api/preparation-notes").json()["notes"]
    assert found["refused"] == [{"line": 2, "column": "cit", "allowed": "a code: KG, TJ"}]
    assert found["contract"]["id"] == "CA-01-BORDER"


def test_a_note_that_was_altered_is_named_and_nothing_of_it_is_shown(fresh: DeskServer) -> None:
    note(fresh, refused=1)
    (file,) = (fresh.node.work / "notes").iterdir()
    file.write_bytes(file.read_bytes().replace(b'"line":2', b'"found":"Saparov","line":2'))
    page = soup(fresh.signed_in("Preparer"), "/releases/new")
    assert [item.get_text() for item in page.select("#refused-notes .console-code")] == [file.name]
    assert "Saparov" not in said(page)
    assert not any("rows refused" in row.get_text() for row in page.select("tbody tr"))


def test_the_clearing_officer_reads_the_same_words_about_protection(fresh: DeskServer) -> None:
    fresh.world.act("bundle", "submit", "CA-01", PERIOD)
    text = said(soup(fresh.signed_in("Clearer A"), "/releases/1"))
    assert f"2 of {len(table())} cells are withheld" in text
    assert "events, September 2026" in text
    assert "Since then something else was released" not in text


def test_who_publishes_from_the_page_stands_in_the_journal(fresh: DeskServer) -> None:
    preparer = fresh.signed_in("Preparer")
    number = preparer.act(preparer.post("/api/candidates", {"draft": "kz-ca-01-border-2026-09-r0"}))["number"]
    for name in ("Clearer A", "Clearer B"):
        clearer = fresh.signed_in(name)
        clearer.act(clearer.approve(f"/api/candidates/{number}/approval"))
    form = urlencode({"form_token": preparer.form_token or ""}).encode()
    with fresh.world.gateway():
        answer = preparer.request("POST", f"/releases/{number}/release", content=form, headers=FORM)
    assert answer.status_code == 303
    auditor = fresh.signed_in("Auditor")
    line = next(one for one in auditor.act(auditor.get("/api/journal"))["journal"] if one["act"] != "sign in")
    assert (line["act"], line["subject"]) == ("release", f"candidate {number}")
    assert line["account"] == fresh.account_id("Preparer")


def test_a_note_that_cannot_be_read_is_named_and_hides_no_other(fresh: DeskServer) -> None:
    note(fresh, refused=2)
    folder = fresh.node.work / "notes"
    (folder / "broken.refused.json").write_bytes(b'{"type":')
    (folder / "another-name.refused.json").write_bytes(next(folder.glob("ca-01*")).read_bytes())
    (folder / "elsewhere.advice.json").symlink_to(fresh.node.path / "node.toml")
    os.mkfifo(folder / "pipe.advice.json")
    (folder / "long.advice.json").write_bytes(b" " * (2 * 1024 * 1024))
    browser = fresh.signed_in("Preparer")
    page = soup(browser, "/releases/new")
    bad = ["another-name.refused.json", "broken.refused.json", "elsewhere.advice.json", "long.advice.json"]
    assert [item.get_text() for item in page.select("#refused-notes .console-code")] == [*bad, "pipe.advice.json"]
    assert any("rows refused" in row.get_text() for row in page.select("tbody tr"))
    assert soup(browser, PAGE).select("tbody tr")
    document = browser.act(browser.get("/api/preparation-notes"))
    assert [len(document["notes"]), [one["file"] for one in document["refused"]][:4]] == [1, bad]
    assert document["refused"][1]["code"] == "json-not-strict"
