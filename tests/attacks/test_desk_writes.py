"""What a foreign page, a copied form or a crooked address tries at a desk: refused before anything is looked at."""

from collections.abc import Mapping

import httpx
import pytest

from nodes.web.sessions import COOKIE
from tests.world.desk_server import ORIGIN, Browser, DeskServer, desk_server

DRAFT = "kz-ca-01-border-2026-09-r0"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    return desk_server(tmp_path_factory.mktemp("desk") / "kz")


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def nothing_was_submitted(desk: DeskServer) -> bool:
    reader = desk.signed_in("Auditor")
    return bool(reader.act(reader.get("/api/candidates"))["candidates"] == [])


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": None, "Sec-Fetch-Site": None}, id="no word of where it comes from"),
        pytest.param({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, id="a foreign page"),
        pytest.param({"Origin": "https://evil.example"}, id="a foreign page that lies about its site"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="our origin, asked from another site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, id="a neighbour under the same domain"),
        pytest.param({"Sec-Fetch-Site": "none", "Origin": None}, id="typed into the address bar"),
        pytest.param({"Origin": "null"}, id="a sandboxed frame or a local file"),
        pytest.param({"Origin": "http://localhost:8601"}, id="another port of this machine"),
        pytest.param({"Origin": "https://localhost:8600"}, id="another scheme"),
        pytest.param({"Origin": "http://localhost:8600.evil.example"}, id="our name as a beginning"),
        pytest.param({"Origin": "http://evil.localhost:8600"}, id="a name below ours"),
        pytest.param({"Origin": ORIGIN + "/"}, id="a spelling that no browser sends"),
        pytest.param({"Origin": ORIGIN.upper()}, id="our name in capitals"),
    ],
)
def test_a_write_from_elsewhere_is_refused(desk: DeskServer, headers: Mapping[str, str | None]) -> None:
    browser = desk.signed_in("Preparer")
    assert told(browser.post("/api/candidates", {"draft": DRAFT}, headers=headers)) == (403, "cross-origin")
    assert nothing_was_submitted(desk)


@pytest.mark.parametrize("path", ["/api/login/challenge", "/api/login", "/api/enrolments/challenge"])
@pytest.mark.asvs("V7.6.2")
def test_nobody_is_signed_in_or_enrolled_from_elsewhere(desk: DeskServer, path: str) -> None:
    browser = desk.browser("Preparer")
    bodies = {"/api/login": {"proof": browser.prove(43 * "A")}, "/api/enrolments/challenge": {"code": "x"}}
    answer = browser.post(path, bodies.get(path), headers={"Origin": "https://evil.example"})
    assert told(answer) == (403, "cross-origin")
    assert COOKIE not in browser.cookies


def test_a_write_without_the_session_s_token_is_refused(desk: DeskServer) -> None:
    browser = desk.signed_in("Preparer")
    other = desk.signed_in("Contracts")
    for token in (None, "", "x", other.form_token, browser.cookies[COOKIE]):
        answer = browser.post("/api/candidates", {"draft": DRAFT}, headers={"X-Form-Token": token})
        assert told(answer) == (403, "form-token")
    assert nothing_was_submitted(desk)


def test_the_token_counts_in_its_place_only(desk: DeskServer) -> None:
    browser = desk.signed_in("Preparer")
    address = f"/api/candidates?form_token={browser.form_token}"
    assert told(browser.post(address, {"draft": DRAFT}, headers={"X-Form-Token": None})) == (403, "form-token")


def test_the_token_of_before_a_step_up_is_no_token(desk: DeskServer) -> None:
    browser = desk.signed_in("Preparer")
    before = browser.form_token
    browser.act(browser.step_up())
    assert told(browser.post("/api/candidates", {"draft": DRAFT}, headers={"X-Form-Token": before}))[1] == "form-token"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(
            b'{"draft":"%b"}' % DRAFT.encode(), "text/plain", id="a form's text, as a foreign page can send it"
        ),
        pytest.param(b"draft=x", "application/x-www-form-urlencoded", id="a form"),
        pytest.param(b'{"draft":"x","draft":"y"', "application/json", id="JSON that breaks off"),
        pytest.param(b'{"draft":"x","force":true}', "application/json", id="a member that nobody asked for"),
        pytest.param(b'{"draft":1}', "application/json", id="a number for a text"),
        pytest.param(b"[]", "application/json", id="a list"),
        pytest.param(b"\xff\xfe", "application/json", id="bytes that are no text"),
        pytest.param(b"[" * 100_000, "application/json", id="a nesting without end"),
    ],
)
def test_a_body_of_another_form_is_refused(desk: DeskServer, content: bytes, kind: str) -> None:
    browser = desk.signed_in("Preparer")
    answer = browser.request("POST", "/api/candidates", content=content, headers={"Content-Type": kind})
    assert answer.status_code in {400, 403}
    assert answer.headers["content-type"] == "application/problem+json"
    assert nothing_was_submitted(desk)


def test_a_body_beyond_its_limit_is_refused(desk: DeskServer) -> None:
    browser = desk.signed_in("Preparer")
    answer = browser.post("/api/candidates", {"draft": "x" * 300_000})
    assert told(answer) == (413, "request-too-large")


def test_no_other_page_may_read_or_frame_an_answer(desk: DeskServer) -> None:
    browser = desk.signed_in("Preparer")
    answer = browser.get("/api/session", headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    preflight = browser.request("OPTIONS", "/api/candidates", headers={"Origin": "https://evil.example"})
    assert preflight.status_code == 405
    assert not [name for name in preflight.headers if name.startswith("access-control-")]


def test_reading_does_not_write(desk: DeskServer) -> None:
    browser = desk.signed_in("Preparer")
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE"):
        answer = browser.request(method, "/api/candidates/1/release", headers={"X-HTTP-Method-Override": "POST"})
        assert answer.status_code in {404, 405}, method


@pytest.mark.parametrize("draft", ["../../private/officers", "..", "/etc", ".", f"{DRAFT}/../{DRAFT}", "\x00"])
def test_a_draft_is_a_name_and_no_way(desk: DeskServer, draft: str) -> None:
    browser = desk.signed_in("Preparer")
    assert told(browser.post("/api/candidates", {"draft": draft})) == (404, "case-not-found")


@pytest.mark.parametrize(
    "path",
    [
        "/api/pulled/" + 64 * "0" + "/data.csv",
        "/api/pulled/" + 64 * "0" + "/..%2f..%2fnode.toml",
        "/api/pulled/..%2f..%2fprivate/data.csv",
        "/api/pulled/" + 64 * "0" + "/node.toml",
        "/static/..%2f..%2fsettings.py",
        "/static/%2e%2e/%2e%2e/settings.py",
        "/../private/desk/bundle-ed25519.key",
        "/api//session",
        "/API/session",
        "/api/session/",
    ],
)
def test_no_address_leads_out_of_the_desk(desk: DeskServer, path: str) -> None:
    browser = desk.signed_in("Preparer")
    answer = browser.get(path)
    assert answer.status_code in {400, 404}, answer.text
    assert b"member" not in answer.content


def test_where_the_desk_is_does_not_come_from_the_request(desk: DeskServer) -> None:
    browser: Browser = desk.browser("Preparer")
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Origin": "http://evil.example"}
    assert told(browser.post("/api/login/challenge", headers=forged)) == (403, "cross-origin")
    asked = browser.post("/api/login/challenge", headers={"Host": "evil.example"})
    assert asked.json()["rp_id"] == "localhost"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'{"draft":"%b","draft":"%b"}', id="a member twice"),
        pytest.param(b'{"draft":"x","dr\\u0061ft":"%b"}', id="a member twice, once escaped"),
        pytest.param(b'{"draft":"%b","more":NaN}', id="a number that is none"),
        pytest.param(b'{"draft":"%b","more":1e999}', id="a number without end"),
        pytest.param(b'{"draft":"%b\\ud800"}', id="half a character"),
        pytest.param(b'\xef\xbb\xbf{"draft":"%b"}', id="a byte order mark"),
        pytest.param(b"[" * 60_000, id="sixty thousand brackets"),
        pytest.param(b'{"draft":%b}' % (b"9" * 60_000), id="a number of sixty thousand digits"),
        pytest.param(b"\xff\xfe{\x00}\x00", id="UTF-16"),
    ],
)
def test_json_with_two_meanings_is_refused(desk: DeskServer, content: bytes) -> None:
    browser = desk.signed_in("Preparer")
    sent = content.replace(b"%b", DRAFT.encode())
    for kind in ("application/json", "application/x+json", "Application/JSON; charset=utf-16"):
        answer = browser.post("/api/candidates", content=sent, headers={"Content-Type": kind})
        assert answer.status_code == 400, answer.text
    assert nothing_was_submitted(desk)
