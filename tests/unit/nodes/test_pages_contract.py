"""Contracts from the page: compared with loosenings marked, signed, suspended, ended, and proposed from a file."""

from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from bs4 import BeautifulSoup

from exchange.encoding import base64_decode
from exchange.signing.keys import KeyPurpose
from exchange.statement import StatementType, open_statement, sign_statement
from nodes.adapters.contract_folder import keep_statement
from nodes.adapters.node_folder import copy_contracts
from nodes.desk.contract_sources import SOURCES
from tests.world.bundles import SIGNED
from tests.world.desk_server import Browser, DeskServer, desk_server

BORDER = "/contracts/CA-01-BORDER/1.0.0"
OLD, NEW = "/contracts/CA-07-EXPULSIONS-BANS/1.1.0", "/contracts/CA-07-EXPULSIONS-BANS/2.0.0"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "X-Form-Token": None}
STATED: dict[str, Any] = {"statement": "sha256:" + 64 * "0", "index": 4, "effective": True}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    """KZ's desk with CA-01 in force and two versions of CA-07 that nobody signed; for what changes nothing there."""
    return prepared(tmp_path_factory.mktemp("desk"))


def prepared(folder: Path) -> DeskServer:
    server = desk_server(folder / "kz")
    names = [("CA-07-EXPULSIONS-BANS", version) for version in ("1.1.0", "2.0.0")]
    copy_contracts(server.node.contracts, names=names)
    return server


def soup(browser: Browser, path: str, *, language: str = "en") -> BeautifulSoup:
    answer = browser.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "lxml")


def said(page: BeautifulSoup) -> str:
    return " ".join(page.get_text(" ").split())


def send(browser: Browser, path: str, **fields: str) -> httpx.Response:
    content = urlencode({"form_token": browser.form_token or "", **fields}).encode()
    return browser.post(path, content=content, headers=FORM)


def acts(page: BeautifulSoup) -> set[str]:
    return {str(form["action"]).rpartition("/")[2] for form in page.select("main form")}


def digest(page: BeautifulSoup) -> str:
    found = page.select_one("main input[name=digest]")
    assert found is not None
    return str(found["value"])


def test_a_contract_officer_is_offered_what_its_state_allows_and_others_nothing(desk: DeskServer) -> None:
    officer = desk.signed_in("Contracts")
    assert acts(soup(officer, BORDER)) == {"suspend", "end"}
    assert acts(soup(officer, OLD)) == {"sign"}
    for person in ("Clearer A", "Preparer", "Auditor", "Operator A"):
        assert acts(soup(desk.signed_in(person), BORDER)) == set()


def test_signing_hands_the_gateway_the_text_and_this_members_statement_about_it(desk: DeskServer) -> None:
    officer = desk.signed_in("Contracts")
    seen = digest(soup(officer, OLD))
    with desk.world.gateway(contracts={"digest": seen}, statements=STATED) as posted:
        answer = send(officer, f"{OLD}/sign", digest=seen)
    assert (answer.status_code, answer.headers["location"]) == (303, OLD)
    (text_path, text), (path, body) = posted
    assert (text_path, path) == ("/local/contracts", "/local/statements")
    trust = desk.context.trust.current()
    statement = open_statement(base64_decode(body["statement"], subject="test"), trust=trust, at=None)
    assert (statement.type, statement.party, str(statement.contract)) == (StatementType.SIGNED, "KZ", seen)
    held = SOURCES / "CA-07-EXPULSIONS-BANS" / "1.1.0" / "contract.odcs.yaml"
    assert base64_decode(text["contract"], subject="test") == held.read_bytes()


def test_another_text_than_the_officer_read_is_not_signed(desk: DeskServer) -> None:
    officer = desk.signed_in("Contracts")
    with desk.world.gateway(contracts={}, statements=STATED) as posted:
        answer = send(officer, f"{OLD}/sign", digest="sha256:" + 64 * "0")
    assert answer.status_code >= 400
    assert BeautifulSoup(answer.text, "lxml").select_one(".govuk-error-summary") is not None
    assert posted == []


def test_an_end_sooner_than_its_notice_is_refused_on_the_page(desk: DeskServer) -> None:
    officer = desk.signed_in("Contracts")
    page = soup(officer, BORDER)
    soon = (desk.world.clock.now() + timedelta(days=1)).date().isoformat()
    with desk.world.gateway(contracts={}, statements=STATED) as posted:
        answer = send(officer, f"{BORDER}/end", digest=digest(page), on=soon)
    assert f"{desk.world.contract.notice_days} days" in said(page)
    assert answer.status_code >= 400
    assert soon in BeautifulSoup(answer.text, "lxml").select(".govuk-error-summary")[0].get_text()
    assert posted == []


def test_an_end_after_its_notice_counts_from_the_day_that_was_named(desk: DeskServer) -> None:
    officer = desk.signed_in("Contracts")
    days = desk.world.contract.notice_days + 30
    day = (desk.world.clock.now() + timedelta(days=days)).date()
    with desk.world.gateway(contracts={"digest": ""}, statements=STATED) as posted:
        assert send(officer, f"{BORDER}/end", digest=digest(soup(officer, BORDER)), on=day.isoformat()).is_redirect
    raw = base64_decode(posted[1][1]["statement"], subject="test")
    statement = open_statement(raw, trust=desk.context.trust.current(), at=None)
    assert (statement.type, statement.effective.date()) == (StatementType.ENDED, day)


def test_a_day_that_is_none_is_refused(desk: DeskServer) -> None:
    officer = desk.signed_in("Contracts")
    answer = send(officer, f"{BORDER}/end", digest=digest(soup(officer, BORDER)), on="tomorrow")
    assert answer.status_code == 400


def test_signing_needs_a_passkey_shown_just_before(tmp_path: Path) -> None:
    desk = prepared(tmp_path)
    officer = desk.signed_in("Contracts")
    seen = digest(soup(officer, BORDER))
    desk.world.clock.move(seconds=desk.context.console.settings.step_up_s + 1)
    assert send(officer, f"{BORDER}/suspend", digest=seen).status_code == 403
    page = soup(officer, BORDER)
    assert acts(page) == set()
    assert len(page.select("[data-passkey=step-up]")) == 1


def test_who_suspended_it_resumes_it_and_the_page_says_what_was_said(tmp_path: Path) -> None:
    desk = prepared(tmp_path)
    statement = sign_statement(
        type="contract.suspended",
        contract=desk.world.contract.digest,
        party="KZ",
        at=SIGNED,
        effective=SIGNED,
        signer=desk.world.federation.hybrid("KZ", KeyPurpose.CONTRACT),
    )
    keep_statement(desk.node.contracts, desk.world.contract, statement)
    officer = desk.signed_in("Contracts")
    page = soup(officer, BORDER)
    assert acts(page) == {"resume", "end"}
    assert "Kazakhstan – suspended" in said(page)
    with desk.world.gateway(contracts={"digest": ""}, statements=STATED) as posted:
        assert send(officer, f"{BORDER}/resume", digest=digest(page)).is_redirect
    assert [path for path, _ in posted] == ["/local/contracts", "/local/statements"]


def test_what_loosens_between_two_versions_is_marked_and_comes_first(desk: DeskServer) -> None:
    page = soup(desk.signed_in("Clearer A"), f"{OLD}/2.0.0")
    effects = [tag.get_text(strip=True) for tag in page.select("tbody td:first-child .govuk-tag")]
    assert effects
    assert effects == sorted(effects, key=["loosens protection", "tightens protection", "neutral"].index)
    loosened = effects.count("loosens protection")
    assert loosened > 0
    warning = page.select_one(".govuk-warning-text__text")
    assert warning is not None
    assert warning.get_text().startswith(str(loosened))


def test_two_versions_that_say_the_same_say_so(desk: DeskServer) -> None:
    assert "The two versions say the same." in said(soup(desk.signed_in("Clearer A"), f"{OLD}/1.1.0"))


TEXT = (SOURCES / "CA-07-EXPULSIONS-BANS" / "2.0.0" / "contract.odcs.yaml").read_text("utf-8")


def test_a_text_is_checked_compared_and_then_proposed_as_it_was_checked(tmp_path: Path) -> None:
    server = desk_server(tmp_path / "kz")
    copy_contracts(server.node.contracts, names=[("CA-07-EXPULSIONS-BANS", "1.1.0")])
    officer = server.signed_in("Contracts")
    text = TEXT.replace("\n", "\r\n")  # as a browser's form sends lines
    checked = send(officer, "/contracts/new/check", text=text)
    assert checked.status_code == 200
    page = BeautifulSoup(checked.text, "lxml")
    assert "From version 1.1.0 to 2.0.0" in said(page)
    assert page.select_one(".govuk-warning-text") is not None
    hidden = page.select_one("form[action='/contracts/new'] textarea")
    assert hidden is not None
    with server.world.gateway(contracts={"digest": ""}) as posted:
        answer = send(officer, "/contracts/new", text=unescape(hidden.get_text().removeprefix("\n")))
    assert (answer.status_code, answer.headers["location"]) == (303, NEW)
    assert [base64_decode(body["contract"], subject="test").decode() for _, body in posted] == [TEXT]


def test_a_text_whose_number_hides_a_loosening_cannot_be_proposed(tmp_path: Path) -> None:
    server = desk_server(tmp_path / "kz")
    copy_contracts(server.node.contracts, names=[("CA-07-EXPULSIONS-BANS", "1.1.0")])
    officer = server.signed_in("Contracts")
    hidden = TEXT.replace("version: 2.0.0", "version: 1.2.0", 1)
    checked = BeautifulSoup(send(officer, "/contracts/new/check", text=hidden).text, "lxml")
    assert checked.select("form[action='/contracts/new']") == []
    with server.world.gateway(contracts={"digest": ""}) as posted:
        assert send(officer, "/contracts/new", text=hidden).status_code >= 400
        refused = officer.post("/api/contracts", {"text": hidden})
    assert refused.json()["code"] == "contract-version-too-low"
    assert posted == []


def test_everything_wrong_with_a_text_is_named(desk: DeskServer) -> None:
    officer = desk.signed_in("Contracts")
    broken = TEXT.replace("kind: DataContract", "kind: Something", 1)
    answer = send(officer, "/contracts/new/check", text=broken)
    assert answer.status_code == 400
    assert "1 thing is wrong with this text" in answer.text
    (found,) = officer.act(officer.post("/api/contracts/check", {"text": broken}))["findings"]
    assert "kind" in found["message"]


def test_a_text_of_which_this_member_is_no_party_is_refused(desk: DeskServer) -> None:
    officer = desk.signed_in("Contracts")
    foreign = (SOURCES / "CA-08-RETURNEES" / "1.0.0" / "contract.odcs.yaml").read_text("utf-8")
    answer = send(officer, "/contracts/new/check", text=foreign.replace("KZ", "KX"))
    assert answer.status_code >= 400


def test_only_a_contract_officer_proposes(desk: DeskServer) -> None:
    for person in ("Preparer", "Clearer A", "Operator A", "Auditor"):
        browser = desk.signed_in(person)
        assert send(browser, "/contracts/new", text=TEXT).status_code == 403
        assert browser.post("/api/contracts", {"text": TEXT}).status_code == 403
        assert browser.post("/api/contracts/check", {"text": TEXT}).status_code == 200
