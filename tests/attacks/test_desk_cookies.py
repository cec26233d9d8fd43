"""What a neighbouring host of the ministry, or somebody before the proxy, can do with cookies: nothing.

A host that shares the desk's registered domain can set cookies for all of it. It cannot set one named
`__Host-session`, and tries names that a kind reader takes for that one ("cookie tossing"), to put its own
session under an officer's hands.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from exchange.encoding import format_instant
from nodes.adapters.session_store import ChallengeRow
from nodes.web.login import LOGIN_COOKIE
from nodes.web.sessions import COOKIE
from tests.world.desk_server import Browser, DeskServer, desk_server

TOSSED: Mapping[str, bytes] = {
    "a no-break space before the name": b"\xa0%s=%s",
    "a next-line character before the name": b"\x85%s=%s",
    "a vertical tab before the name": b"\x0b%s=%s",
    "a file separator before the name": b"\x1c%s=%s",
    "a no-break space after the name": b"%s\xa0=%s",
    "the bytes of a wide space": b"\xe2\x80\x80%s=%s",
    "quotes around the value": b'%s="%s"',
    "an escaped value": b'%s="\\137%s"',
    "no name, and the name in the value": b"=%s=%s",
    "after a comma": b"x=1, %s=%s",
    "a longer name": b"x%s=%s",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    return desk_server(tmp_path_factory.mktemp("desk") / "kz")


def with_cookies(browser: Browser, method: str, path: str, *cookies: bytes, body: object = None) -> httpx.Response:
    """A request with these bytes in the field Cookie, each in a field of its own."""
    browser.cookies.clear()
    sent = [("Cookie", cookie) for cookie in cookies]
    return browser.request(method, path, body, fields=sent)


@pytest.mark.asvs("V7.2.4")
@pytest.mark.parametrize("spelling", TOSSED.values(), ids=TOSSED.keys())
def test_a_cookie_that_is_nearly_the_sessions_is_none(desk: DeskServer, spelling: bytes) -> None:
    attacker = desk.signed_in("Preparer")
    token = attacker.cookies[COOKIE].encode()
    answer = with_cookies(desk.browser(), "GET", "/api/session", spelling % (COOKIE.encode(), token))
    assert (answer.status_code, answer.json()["code"]) == (401, "login-needed")


@pytest.mark.parametrize("own_first", [True, False])
@pytest.mark.parametrize("fields", [1, 2])
def test_two_sessions_at_once_are_none(desk: DeskServer, fields: int, *, own_first: bool) -> None:
    victim, attacker = desk.signed_in("Clearer A"), desk.signed_in("Preparer")
    cookies = [f"{COOKIE}={one.cookies[COOKIE]}".encode() for one in (victim, attacker)]
    cookies = cookies if own_first else cookies[::-1]
    sent = cookies if fields == 2 else [b"; ".join(cookies)]
    assert with_cookies(desk.browser(), "GET", "/api/session", *sent).status_code == 401
    assert victim.get("/api/session").status_code == 200


def test_a_tossed_session_beside_the_own_one_changes_nobody(desk: DeskServer) -> None:
    victim, attacker = desk.signed_in("Clearer A"), desk.signed_in("Preparer")
    own = f"{COOKIE}={victim.cookies[COOKIE]}".encode()
    tossed = b"\xa0" + f"{COOKIE}={attacker.cookies[COOKIE]}".encode()
    answer = with_cookies(desk.browser(), "GET", "/api/session", own + b"; " + tossed)
    assert answer.json()["name"] == "Clearer A"


def test_a_login_is_not_moved_onto_an_attackers_challenge(desk: DeskServer) -> None:
    attacker, victim = desk.browser("Preparer"), desk.browser("Clearer A")
    attacker.act(attacker.post("/api/login/challenge"))
    asked = victim.act(victim.post("/api/login/challenge"))
    tossed = b"\xa0" + f"{LOGIN_COOKIE}={attacker.cookies[LOGIN_COOKIE]}".encode()
    body = {"proof": victim.prove(asked["challenge"])}
    assert with_cookies(victim, "POST", "/api/login", tossed, body=body).status_code == 401


def test_who_asks_for_challenges_all_day_fills_no_disk_and_stops_no_step_up(tmp_path: Path) -> None:
    desk = desk_server(tmp_path / "kz")
    officer = desk.signed_in("Preparer")
    asked = officer.act(officer.post("/api/session/step-up/challenge"))
    db, now = desk.context.console.db, desk.world.clock.now()
    with db.begin() as store:
        for number in range(300):
            row = ChallengeRow(
                handle_sha256=f"{number:064x}",
                kind="console.login/1",
                statement=b"{}",
                expires_at=format_instant(now + timedelta(seconds=60)),
            )
            store.sessions.keep_challenge(row, at=now, most=100)
        execute = store.sessions._session.connection().exec_driver_sql
        (kept,) = execute("SELECT count(*) FROM challenge WHERE account IS NULL").one()
    assert kept <= 100
    proof = officer.prove(asked["challenge"])
    assert officer.post("/api/session/step-up", {"handle": asked["handle"], "proof": proof}).status_code == 200
