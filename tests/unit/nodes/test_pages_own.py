"""One's own sessions and passkeys: seen and ended by oneself alone; a new passkey needs one that is there."""

from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from bs4 import BeautifulSoup

from tests.world.desk_server import Browser, DeskServer, authenticator, desk_server
from tests.world.passkeys import Authenticator

FORM = {"Content-Type": "application/x-www-form-urlencoded", "X-Form-Token": None}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    """Each test acts as somebody of its own."""
    return desk_server(tmp_path_factory.mktemp("desk") / "kz")


def send(browser: Browser, path: str) -> httpx.Response:
    return browser.post(path, content=urlencode({"form_token": browser.form_token or ""}).encode(), headers=FORM)


def soup(browser: Browser, **more: str) -> BeautifulSoup:
    answer = browser.get("/own", headers=more)
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "lxml")


def targets(page: BeautifulSoup) -> list[str]:
    return [str(form["action"]) for form in page.select("main form")]


def add_passkey(browser: Browser, label: str) -> Authenticator:
    """Another passkey of the same person, as the page's script adds it."""
    asked = browser.act(browser.post("/api/passkeys/challenge"))
    first, browser.passkey = browser.passkey, authenticator(label)
    made = browser.new_passkey(asked)
    added, browser.passkey = browser.passkey, first
    assert browser.act(browser.post("/api/passkeys", made))["credential"] == made["proof"]["credential_id"]
    return added


@pytest.mark.asvs("V7.4.3", "V7.5.2")
def test_another_session_is_seen_and_ended_and_this_one_goes_on(desk: DeskServer) -> None:
    here, lost = desk.signed_in("Preparer"), desk.signed_in("Preparer")
    page = soup(here)
    assert page.get_text().count("this session") == 1
    (address,) = [path for path in targets(page) if "/sessions/" in path]
    assert send(here, address).status_code == 303
    assert lost.get("/api/session").status_code == 401
    assert targets(soup(here)) == []


@pytest.mark.asvs("V8.2.2")
def test_nobody_sees_or_ends_what_is_anothers(desk: DeskServer) -> None:
    victim, other = desk.signed_in("Clearer A"), desk.signed_in("Clearer B")
    own = victim.act(victim.get("/api/session"))["session"]
    (credential,) = [one["credential"] for one in victim.act(victim.get("/api/passkeys"))["passkeys"]]
    text = other.get("/own").text
    assert own not in text
    assert credential not in text
    for address in (f"/own/sessions/{own}", f"/own/passkeys/{credential}"):
        assert send(other, address).status_code == 404
    assert victim.get("/api/session").status_code == 200
    assert desk.signed_in("Clearer A").get("/api/session").status_code == 200


@pytest.mark.asvs("V7.4.3")
def test_a_passkey_that_is_removed_takes_every_other_session_along(desk: DeskServer) -> None:
    here = desk.signed_in("Contracts")
    stolen = desk.browser("Contracts")
    stolen.passkey = add_passkey(here, "in the bag that was stolen")
    stolen.act(stolen.sign_in())
    addresses = [path for path in targets(soup(here)) if "/passkeys/" in path]
    assert len(addresses) == 2
    (address,) = [path for path in addresses if path.endswith(stolen.prove("AAAA")["credential_id"])]
    assert send(here, address).status_code == 303
    assert stolen.get("/api/session").status_code == 401
    assert stolen.sign_in().status_code == 401
    page = soup(here)
    assert "counts no more" in page.get_text()
    assert [path for path in targets(page) if "/passkeys/" in path] == []  # the only one left stays
    left = next(path for path in addresses if path != address)
    assert send(here, left).status_code == 404


def test_without_a_passkey_shown_just_before_nothing_is_added_or_removed(desk: DeskServer) -> None:
    browser = desk.signed_in("Operator A")
    (credential,) = [one["credential"] for one in browser.act(browser.get("/api/passkeys"))["passkeys"]]
    desk.world.clock.move(seconds=desk.context.console.settings.step_up_s + 1)
    page = soup(browser)
    assert page.select_one('[data-passkey="step-up"]') is not None
    assert page.select_one('[data-passkey="add"]') is None
    assert send(browser, f"/own/passkeys/{credential}").status_code == 403
    assert browser.post("/api/passkeys/challenge").json()["code"] == "step-up-needed"


def test_the_page_is_everybodys_own_and_in_the_readers_language(desk: DeskServer) -> None:
    assert desk.browser().get("/own").headers["Location"] == "/sign-in?next=/own"
    browser = desk.signed_in("Auditor")
    assert "Ваши сеансы и ключи доступа" in soup(browser, **{"Accept-Language": "ru"}).get_text()
    assert browser.get("/").text.count('href="/own"') == 1


def test_a_form_from_elsewhere_ends_nothing(tmp_path: Path) -> None:
    desk = desk_server(tmp_path / "kz")
    here, other = desk.signed_in("Preparer"), desk.signed_in("Preparer")
    (address,) = [path for path in targets(soup(here)) if "/sessions/" in path]
    foreign = FORM | {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    content = urlencode({"form_token": here.form_token or ""}).encode()
    assert here.post(address, content=content, headers=foreign).status_code == 403
    assert here.post(address, content=b"form_token=guessed", headers=FORM).status_code == 403
    assert other.get("/api/session").status_code == 200
