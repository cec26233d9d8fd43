"""Pulling from the page: offers, what failed and why, a pull through the own gateway; and all who ever pulled."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from exchange.receipt import WITHDRAWN
from nodes.adapters.pull_reading import AskedPulls, pullers_of, served_pulls
from nodes.adapters.store import Store
from tests.world.desk_server import Browser, DeskServer, desk_server
from tests.world.gateway_answers import all_answers
from tests.world.waiting_pages import settled

PAGE = "/pulls"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "X-Form-Token": None}
WANTED = {"partner": "KG", "contract": "CA-01-BORDER", "period": "2026-09", "purpose": "official_statistics"}
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    return desk_server(tmp_path_factory.mktemp("desk") / "kz")


@contextmanager
def gateway(desk: DeskServer, **changed: Any) -> Iterator[list[tuple[str, dict[str, str]]]]:  # noqa: ANN401  # answers
    contract = desk.world.contract
    named = {"id": contract.id, "version": contract.version, "digest": str(contract.digest)}
    with desk.world.gateway(**{**all_answers("sha256:" + 64 * "f", named), **changed}) as posted:
        yield posted


def send(browser: Browser, **fields: str) -> int:
    content = urlencode({"form_token": browser.form_token or "", **fields}).encode()
    return browser.post(PAGE, content=content, headers=FORM).status_code


def test_what_partners_offer_is_shown_and_only_what_is_published_can_be_pulled(desk: DeskServer) -> None:
    browser = desk.signed_in("Preparer")
    with gateway(desk):
        page = settled(browser, PAGE)
        rows = browser.get("/offers.json?partner=KG").json()["rows"]
    assert {(row["period"], row["state"], row["here"]) for row in rows} == {
        ("2026-09", "published", False),
        ("2026-08", "superseded", False),
        ("2026-07", "withdrawn", False),
    }
    forms = page.select("form[method=post][action='/pulls']")
    assert {str(form.select("input[name=period]")[0]["value"]) for form in forms} == {"2026-09"}


def test_a_pull_is_asked_of_the_own_gateway_and_the_page_says_how_it_ended(desk: DeskServer) -> None:
    browser = desk.signed_in("Preparer")
    with gateway(desk) as posted:
        assert send(browser, **WANTED) == 303
        page = settled(browser, PAGE)
    assert posted == [("/local/pulls", WANTED)]
    assert page.select_one(f"a[href='/bundles/{64 * 'b'}']") is not None
    assert "The partner took the receipt." in page.get_text()
    with desk.context.console.db.begin() as store:
        (line,) = store.accounts.journal(before=None, most=1)
    assert (line.act, line.subject) == ("pull", "KG CA-01-BORDER 2026-09")


def test_what_failed_is_said_with_why_and_what_to_do(tmp_path: Path) -> None:
    desk = desk_server(tmp_path / "kz")
    browser = desk.signed_in("Preparer")
    assert send(browser, **WANTED) == 303  # nobody listens on the socket
    page = settled(browser, PAGE)
    assert "failed" in page.select_one("#work").get_text()  # type: ignore[union-attr]  # it is there
    assert page.select("#work a[href='/errors/own-gateway-down']")


def test_an_answer_of_another_version_of_the_gateway_is_a_failure_that_names_members_alone(desk: DeskServer) -> None:
    browser = desk.signed_in("Preparer")
    with gateway(desk, pulls={"bundle": 404404, "folder": "/pulled"}):
        assert send(browser, **WANTED) == 303
        page = settled(browser, PAGE)
    told = page.select_one("#work")
    assert told is not None
    assert told.select("a[href='/errors/own-gateway-answer']")
    assert "bundle, receipt_taken" in told.get_text()
    assert "404404" not in page.get_text()


@pytest.mark.parametrize("wrong", [{"partner": "?"}, {"purpose": ""}, {"period": "9"}])
def test_a_form_that_names_no_pull_asks_nobody(desk: DeskServer, wrong: dict[str, str]) -> None:
    with gateway(desk) as posted:
        assert send(desk.signed_in("Preparer"), **{**WANTED, **wrong}) == 400
    assert posted == []


def test_others_see_offers_and_pull_nothing(desk: DeskServer) -> None:
    with gateway(desk) as posted:
        for person in ("Clearer A", "Contracts"):
            page = settled(desk.signed_in(person), PAGE)
            assert page.select("form[method=post][action='/pulls']") == []
        assert send(desk.signed_in("Clearer A"), **WANTED) == 403
        assert desk.signed_in("Operator A").get(PAGE).status_code == 403
    assert posted == []


def kept(folder: Path, others: int) -> Store:
    """KG and TJ pulled one bundle, KG twice and with a receipt; after that, many pulls of other bundles."""
    store = Store(folder / "state.db")
    pulls = [("a", "wanted", "KG"), ("b", "wanted", "TJ"), ("c", "wanted", "KG")]
    pulls += [(f"other-{number}", f"bundle-{number}", "UZ") for number in range(others)]
    with store.open_writer() as writer, writer.begin():
        for index, (pull, bundle, puller) in enumerate(pulls):
            row = (pull, bundle, "CA-01-BORDER", puller, "zip", index, "x", f"2026-10-03T10:00:{index % 60:02}Z", None)
            writer.exec_driver_sql("INSERT INTO pull VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        for index, (verdict, pull) in enumerate((("accepted", "a"), (WITHDRAWN, "c"))):
            row = (f"r{index}", pull, "wanted", "KG", verdict, 9000 + index, b"")
            writer.exec_driver_sql("INSERT INTO receipt VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    return store


def test_whoever_pulled_a_bundle_is_told_however_many_pulls_came_after(tmp_path: Path) -> None:
    store = kept(tmp_path, others=2500)
    wanted = AskedPulls(bundle="wanted", most=200)
    try:
        pulls, found = store.read_now(lambda connection: served_pulls(connection, wanted))
        members = store.read_now(lambda connection: pullers_of(connection, "wanted"))
    finally:
        store.close()
    assert ([one.pull for one in pulls], found) == (["c", "b", "a"], 3)
    assert [(one.puller, one.pulls, one.verdict, one.acknowledged) for one in members] == [
        ("KG", 2, "accepted", True),
        ("TJ", 1, None, False),
    ]


def test_pulls_come_in_pages_with_their_whole_number(tmp_path: Path) -> None:
    store = kept(tmp_path, others=400)
    second = AskedPulls(member="UZ", skip=200, most=200)
    try:
        pulls, found = store.read_now(lambda connection: served_pulls(connection, second))
    finally:
        store.close()
    assert found == 400
    assert [one.pull for one in pulls] == [f"other-{number}" for number in range(199, -1, -1)]


def test_the_pulls_of_one_bundle_are_found_by_an_index(tmp_path: Path) -> None:
    store = kept(tmp_path, others=1)
    try:
        plan = store.read_now(
            lambda connection: connection.exec_driver_sql(
                "EXPLAIN QUERY PLAN SELECT p.pull, (SELECT r.verdict FROM receipt r WHERE r.pull = p.pull) "
                "FROM pull p WHERE p.bundle = 'wanted'"
            ).all()
        )
    finally:
        store.close()
    said = " ".join(str(row[3]) for row in plan)
    assert "pull_bundle" in said
    assert "receipt_pull" in said
    assert "SCAN" not in said
