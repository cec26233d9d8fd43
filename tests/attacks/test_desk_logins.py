"""What somebody tries to get into a desk: each attempt is refused, nothing changes, the next honest login is served."""

import asyncio
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

import httpx
import pytest

from exchange.encoding import base64url_decode
from nodes.web.sessions import COOKIE
from tests.world.desk_server import ORIGIN, Browser, DeskServer, desk_server
from tests.world.passkeys import UP, UV, Authenticator

REFUSED = (401, "login-refused")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    """One for all attempts: each is refused, and leaves nothing behind."""
    return desk_server(tmp_path_factory.mktemp("desk") / "kz")


@pytest.fixture
def other_desk(tmp_path: Path) -> DeskServer:
    """One of its own, for what changes accounts."""
    return desk_server(tmp_path / "kz")


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def challenge(browser: Browser) -> str:
    asked: str = browser.act(browser.post("/api/login/challenge"))["challenge"]
    return asked


def honest_login_works(desk: DeskServer) -> bool:
    return desk.browser("Clearer A").sign_in().status_code == 200


Attempt = Callable[[DeskServer, Browser], dict[str, Any]]


def by_a_stranger(desk: DeskServer, browser: Browser) -> dict[str, Any]:
    browser.passkey = Authenticator(label="a stranger", rp_id="localhost", origin=ORIGIN)
    return browser.prove(challenge(browser))


def with_another_key(desk: DeskServer, browser: Browser) -> dict[str, Any]:
    stranger = Authenticator(label="a stranger", rp_id="localhost", origin=ORIGIN)
    stranger.credential_id, stranger.sign_count = browser.passkey.credential_id, 99
    browser.passkey = stranger
    return browser.prove(challenge(browser))


def not_verified(desk: DeskServer, browser: Browser) -> dict[str, Any]:
    return browser.prove(challenge(browser), flags=UP)


def not_present(desk: DeskServer, browser: Browser) -> dict[str, Any]:
    return browser.prove(challenge(browser), flags=UV)


def on_a_phishing_page(desk: DeskServer, browser: Browser) -> dict[str, Any]:
    return browser.prove(challenge(browser), members={"origin": "http://localhost.evil.example:8600"})


def on_another_port(desk: DeskServer, browser: Browser) -> dict[str, Any]:
    return browser.prove(challenge(browser), members={"origin": "http://localhost:8601"})


def in_a_frame(desk: DeskServer, browser: Browser) -> dict[str, Any]:
    return browser.prove(challenge(browser), members={"crossOrigin": True})


def below_another_page(desk: DeskServer, browser: Browser) -> dict[str, Any]:
    return browser.prove(challenge(browser), members={"topOrigin": "https://evil.example"})


def as_a_registration(desk: DeskServer, browser: Browser) -> dict[str, Any]:
    return browser.prove(challenge(browser), members={"type": "webauthn.create"})


def for_an_own_challenge(desk: DeskServer, browser: Browser) -> dict[str, Any]:
    challenge(browser)
    return browser.prove(32 * "A" + 11 * "A")


def by_a_clone_that_has_signed_less(desk: DeskServer, browser: Browser) -> dict[str, Any]:
    browser.passkey = copy(browser.passkey)
    browser.passkey.sign_count = 0
    return browser.prove(challenge(browser))


def with_the_challenge_of_another_browser(desk: DeskServer, browser: Browser) -> dict[str, Any]:
    challenge(browser)
    return browser.prove(challenge(desk.browser("Attacker")))


def too_late(desk: DeskServer, browser: Browser) -> dict[str, Any]:
    proof = browser.prove(challenge(browser))
    desk.world.clock.move(seconds=desk.context.console.settings.challenge_s)
    return proof


def without_the_cookie(desk: DeskServer, browser: Browser) -> dict[str, Any]:
    proof = browser.prove(challenge(browser))
    browser.cookies.clear()
    return proof


def with_a_signature_over_other_bytes(desk: DeskServer, browser: Browser) -> dict[str, Any]:
    proof, other = browser.prove(challenge(browser)), browser.prove(challenge(browser))
    return {**other, "signature": proof["signature"]}


def by_a_revoked_passkey(desk: DeskServer, browser: Browser) -> dict[str, Any]:
    account = desk.account_id("Preparer")
    with desk.context.console.db.begin() as store:
        row = store.accounts.passkeys_of(account)[0]
        row.revoked_at = "2026-10-02T09:00:00Z"
        store.accounts.keep(row)
    return browser.prove(challenge(browser))


def of_a_closed_account(desk: DeskServer, browser: Browser) -> dict[str, Any]:
    operator = desk.signed_in("Operator A")
    operator.act(operator.delete(f"/api/accounts/{desk.account_id('Preparer')}"))
    return browser.prove(challenge(browser))


ATTEMPTS: list[Attempt] = [
    by_a_stranger, with_another_key, not_verified, not_present, on_a_phishing_page, on_another_port, in_a_frame,
    below_another_page, as_a_registration, for_an_own_challenge, by_a_clone_that_has_signed_less,
    with_the_challenge_of_another_browser, too_late, without_the_cookie, with_a_signature_over_other_bytes,
]  # fmt: skip


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.__name__)
@pytest.mark.asvs("V6.3.8", "V6.8.2")
def test_a_false_login_is_refused_in_the_same_words(desk: DeskServer, attempt: Attempt) -> None:
    browser = desk.browser("Preparer")
    answer = browser.post("/api/login", {"proof": attempt(desk, browser)})
    assert told(answer) == REFUSED
    assert answer.json()["facts"] == {}  # nobody learns what was wrong, nor whether the account exists
    assert COOKIE not in browser.cookies
    assert honest_login_works(desk)


@pytest.mark.parametrize("attempt", [by_a_revoked_passkey, of_a_closed_account], ids=lambda attempt: attempt.__name__)
def test_who_was_let_in_once_is_not_for_ever(other_desk: DeskServer, attempt: Attempt) -> None:
    browser = other_desk.browser("Preparer")
    assert told(browser.post("/api/login", {"proof": attempt(other_desk, browser)})) == REFUSED
    assert honest_login_works(other_desk)


@pytest.mark.asvs("V6.6.2", "V6.7.2")
def test_a_login_is_not_replayed(desk: DeskServer) -> None:
    browser = desk.browser("Clearer A")
    body = {"proof": browser.prove(challenge(browser))}
    thief = Browser(desk.app, browser.passkey, cookies=dict(browser.cookies))
    assert browser.post("/api/login", body).status_code == 200
    assert told(thief.post("/api/login", body)) == REFUSED


async def test_of_thirty_two_replays_at_once_one_succeeds(desk: DeskServer) -> None:
    browser = desk.browser("Clearer A")
    asked = await asyncio.to_thread(challenge, browser)
    body = {"proof": browser.prove(asked)}
    headers = {"Origin": ORIGIN, "Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    transport = httpx.ASGITransport(app=desk.app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        answers = await asyncio.gather(*(client.post("/api/login", json=body, headers=headers) for _ in range(32)))
    assert sorted(answer.status_code for answer in answers)[:2] == [200, 401]
    assert {answer.status_code for answer in answers[1:]} <= {200, 401, 429}
    assert sum(answer.status_code == 200 for answer in answers) == 1


@pytest.mark.asvs("V7.2.2", "V7.2.4")
def test_a_session_that_somebody_fixed_before_the_login_is_nobody_s(desk: DeskServer) -> None:
    browser = desk.browser("Clearer A")
    browser.cookies[COOKIE] = "chosen-by-the-attacker"
    browser.act(browser.sign_in())
    assert browser.cookies[COOKIE] != "chosen-by-the-attacker"
    thief = desk.browser()
    thief.cookies[COOKIE] = "chosen-by-the-attacker"
    assert told(thief.get("/api/session")) == (401, "login-needed")


@pytest.mark.asvs("V7.2.4")
def test_a_token_from_before_the_step_up_is_dead(desk: DeskServer) -> None:
    browser = desk.signed_in("Clearer A")
    thief = Browser(desk.app, browser.passkey, dict(browser.cookies), browser.form_token)
    browser.act(browser.step_up())
    assert told(thief.get("/api/session")) == (401, "login-needed")
    assert browser.get("/api/session").status_code == 200


def test_a_token_from_before_another_login_is_dead(desk: DeskServer) -> None:
    browser = desk.signed_in("Clearer A")
    thief = Browser(desk.app, browser.passkey, dict(browser.cookies), browser.form_token)
    browser.act(browser.sign_in())
    assert told(thief.get("/api/session")) == (401, "login-needed")


@pytest.mark.asvs("V7.4.1")
def test_a_token_from_before_the_sign_out_is_dead(desk: DeskServer) -> None:
    browser = desk.signed_in("Clearer A")
    thief = Browser(desk.app, browser.passkey, dict(browser.cookies), browser.form_token)
    assert browser.delete("/api/session").status_code == 204
    assert COOKIE not in browser.cookies
    assert told(thief.get("/api/session")) == (401, "login-needed")


@pytest.mark.asvs("V7.3.1")
def test_a_session_left_alone_ends(desk: DeskServer) -> None:
    browser = desk.signed_in("Clearer A")
    desk.world.clock.move(seconds=901)  # 15 minutes
    assert told(browser.get("/api/session")) == (401, "login-needed")


@pytest.mark.asvs("V7.3.2")
def test_a_session_kept_awake_ends_after_its_day(desk: DeskServer) -> None:
    browser = desk.signed_in("Clearer A")
    for _ in range(36):  # 8 hours in steps of 800 s, each seen
        assert browser.get("/api/session").status_code == 200
        desk.world.clock.move(seconds=800)
    desk.world.clock.move(seconds=1)
    assert told(browser.get("/api/session")) == (401, "login-needed")


def test_a_step_up_does_not_make_a_session_younger(desk: DeskServer) -> None:
    browser = desk.signed_in("Clearer A")
    for hour in range(33):  # a little over 8 hours, in steps of less than 15 minutes
        if hour == 20:
            browser.act(browser.step_up())
        desk.world.clock.move(seconds=890)
        browser.get("/api/session")
    assert told(browser.get("/api/session")) == (401, "login-needed")


@pytest.mark.asvs("V7.2.1")
def test_what_the_database_keeps_signs_nobody_in(desk: DeskServer) -> None:
    desk.signed_in("Clearer A")
    account = desk.account_id("Clearer A")
    with desk.context.console.db.begin() as store:
        row = store.sessions.sessions_of(account)[0]
    for stolen in (row.token_sha256, row.handle):
        thief = desk.browser()
        thief.cookies[COOKIE] = stolen
        assert told(thief.get("/api/session")) == (401, "login-needed")


def test_the_cookie_is_for_this_origin_s_pages_alone(desk: DeskServer) -> None:
    browser = desk.browser("Clearer A")
    answer = browser.sign_in()
    line = next(one for one in answer.headers.get_list("set-cookie") if one.startswith(f"{COOKIE}="))
    attributes = {part.strip().split("=")[0].lower() for part in line.split(";")[1:]}
    assert {"secure", "httponly", "samesite", "path"} <= attributes
    assert "domain" not in attributes  # else it were no __Host- cookie
    assert "samesite=lax" in line.lower()
    assert "path=/;" in f"{line.lower()};".replace(" ", "")


@pytest.mark.parametrize("cookie", ["", "x" * 5000, "%00", "a b", '"quoted"'])
def test_a_cookie_that_is_none_is_nobody(desk: DeskServer, cookie: str) -> None:
    answer = desk.browser().get("/api/session", headers={"Cookie": f"{COOKIE}={cookie}"})
    assert told(answer) == (401, "login-needed")


def test_another_officer_s_passkey_steps_nobody_up(desk: DeskServer) -> None:
    browser, other = desk.signed_in("Contracts"), desk.browser("Clearer A")
    asked = browser.act(browser.post("/api/session/step-up/challenge"))
    answer = browser.post("/api/session/step-up", {"handle": asked["handle"], "proof": other.prove(asked["challenge"])})
    assert told(answer) == REFUSED


@pytest.mark.asvs("V6.6.2")
def test_a_step_up_asked_for_by_another_is_not_answered(desk: DeskServer) -> None:
    browser, other = desk.signed_in("Contracts"), desk.signed_in("Clearer A")
    asked = other.act(other.post("/api/session/step-up/challenge"))
    answer = browser.post(
        "/api/session/step-up", {"handle": asked["handle"], "proof": browser.prove(asked["challenge"])}
    )
    assert told(answer) == REFUSED


def test_a_login_s_challenge_steps_nobody_up(desk: DeskServer) -> None:
    browser = desk.signed_in("Contracts")
    asked = challenge(browser)
    handle = browser.cookies["__Host-login"]
    assert told(browser.post("/api/session/step-up", {"handle": handle, "proof": browser.prove(asked)})) == REFUSED


@pytest.mark.asvs("V6.3.3", "V6.3.4")
def test_a_password_signs_nobody_in_where_passkeys_do(desk: DeskServer) -> None:
    """Refused before the heavy work: else any stranger could keep a ministry's desk at it, one name after another."""
    answer = desk.browser().post("/api/login/password", {"name": "Clearer A", "password": "correct horse battery"})
    assert told(answer) == REFUSED
    auditor = desk.signed_in("Auditor")
    newest = auditor.act(auditor.get("/api/journal/attempts?source=stranger"))["attempts"][0]
    assert (newest["reason"], newest["account"]) == ("passwords-off", None)


@pytest.mark.asvs("V6.3.1")
def test_who_guesses_is_told_to_wait_and_nobody_else_is(desk: DeskServer) -> None:
    attacker, honest = desk.browser("Attacker"), desk.browser("Clearer A")
    attacker.address = "192.0.2.66"
    answers = [attacker.post("/api/login", {"proof": attacker.prove(challenge(attacker))}) for _ in range(12)]
    assert [answer.status_code for answer in answers] == 10 * [401] + 2 * [429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    honest.address = attacker.address  # behind the same router
    assert honest.sign_in().status_code == 200


@pytest.mark.asvs("V7.4.2", "V6.5.6")
def test_closing_an_account_ends_its_sessions(other_desk: DeskServer) -> None:
    browser, operator = other_desk.signed_in("Preparer"), other_desk.signed_in("Operator A")
    assert operator.delete(f"/api/accounts/{other_desk.account_id('Preparer')}").status_code == 204
    assert told(browser.get("/api/session")) == (401, "login-needed")


@pytest.mark.asvs("V7.5.2", "V7.4.3")
def test_an_officer_ends_a_lost_browser_s_session(desk: DeskServer) -> None:
    lost, browser = desk.signed_in("Clearer A"), desk.signed_in("Clearer A")
    lines = browser.act(browser.get("/api/sessions"))["sessions"]
    for line in lines:
        if not line["this"]:
            assert browser.delete(f"/api/sessions/{line['session']}").status_code == 204
    assert told(lost.get("/api/session")) == (401, "login-needed")


def test_an_officer_ends_no_session_of_another(desk: DeskServer) -> None:
    browser, other = desk.signed_in("Clearer A"), desk.signed_in("Contracts")
    handle = other.act(other.get("/api/session"))["session"]
    assert told(browser.delete(f"/api/sessions/{handle}")) == (404, "account-unknown")
    assert other.get("/api/session").status_code == 200


@pytest.mark.asvs("V6.7.2")
def test_a_challenge_is_fresh_every_time(desk: DeskServer) -> None:
    browser = desk.browser()
    found = {base64url_decode(challenge(browser), subject="challenge") for _ in range(8)}
    assert len(found) == 8
    assert {len(one) for one in found} == {32}
