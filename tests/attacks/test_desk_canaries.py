"""What officers type, hold and are given shows in no output of a desk: swept for after logins that hold and that fail.

The canaries: a password, also typed where the name goes; the session's cookie; a challenge's handle; an enrolment's
code; the secret by which the desk is known to the ministry's identity provider.
"""

import io
import json
import logging
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from nodes.desk.main import build_desk, guarded
from nodes.settings import open_node
from nodes.web.login import LOGIN_COOKIE
from nodes.web.sessions import COOKIE
from tests.attacks.test_canaries import found_in
from tests.unit.nodes.test_desk_oidc import ISSUER, SETTINGS, Ministry, Provider
from tests.world.desk_server import ORIGIN, Browser, DeskServer, desk_server

PASSWORD, CLIENT_SECRET = "CANARY a password of 32 characters", "CANARYclientsecret7f3a91c5d2e8b6"
SECRET_FILE = "idp.secret"


@dataclass
class Attacked:
    """A demonstration's desk with every way in, and what was secret in what was sent to it."""

    ministry: Ministry
    secrets: dict[str, bytes] = field(default_factory=dict)
    said: list[bytes] = field(default_factory=list)

    @property
    def desk(self) -> DeskServer:
        return self.ministry.desk

    def browser(self, name: str) -> Browser:
        browser = self.desk.browser(name)
        browser.app = self.ministry.app
        return browser

    def hear(self, answer: httpx.Response) -> httpx.Response:
        """Keep what the desk said; only the cookie's own header may hold the cookie."""
        headers = [f"{name}: {value}" for name, value in answer.headers.items() if name != "set-cookie"]
        self.said.append("\n".join(headers).encode() + answer.content)
        return answer


@pytest.fixture
def attacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Attacked:
    desk, provider = desk_server(tmp_path / "kz"), Provider()
    folder = desk.node.path
    (folder / "idp.jwks.json").write_text(json.dumps({"keys": [provider.key.as_dict(private=False)]}))
    (folder / SECRET_FILE).write_text(CLIENT_SECRET)
    (folder / SECRET_FILE).chmod(0o600)
    with (folder / "node.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[desk]\npasswords = true\n{SETTINGS}client_secret_file = "{SECRET_FILE}"\n')
    desk.world.node = open_node(folder)
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    desk.world.act("desk", "invite", "Guest", "--role", "data", "--officer", "kz-09")
    context = build_desk(desk.world.node, clock=desk.world.clock, transport=httpx.MockTransport(provider.answer))
    desk.context = context
    secrets = {"password": PASSWORD.encode(), "client secret": CLIENT_SECRET.encode()}
    return Attacked(Ministry(desk, provider, guarded(context)), secrets)


def by_passwords(attacked: Attacked) -> None:
    guest = attacked.browser("Guest")
    typed = {"Content-Type": "application/x-www-form-urlencoded"}
    for name, password in (("Guest", PASSWORD + "!"), (PASSWORD, "x")):
        attacked.hear(guest.post("/sign-in", headers=typed, content=f"name={name}&password={password}&next=/".encode()))
    attacked.hear(guest.post("/api/login/password", {"name": "Guest", "password": PASSWORD}))
    attacked.secrets["session by password"] = guest.cookies[COOKIE].encode()


def by_passkeys(attacked: Attacked) -> None:
    browser = attacked.browser("Clearer A")
    asked = attacked.hear(browser.post("/api/login/challenge")).json()
    attacked.secrets["handle"] = browser.cookies[LOGIN_COOKIE].encode()
    attacked.hear(browser.post("/api/login", {"proof": browser.prove(asked["challenge"], flags=1)}))
    attacked.hear(browser.sign_in())
    attacked.secrets["session"] = browser.cookies[COOKIE].encode()
    attacked.hear(browser.step_up())
    attacked.secrets["session after a step-up"] = browser.cookies[COOKIE].encode()
    for path in ("/api/session", "/api/sessions", "/", "/api/nothing", "/api/candidates/1"):
        attacked.hear(browser.get(path))


def by_codes(attacked: Attacked) -> None:
    operators = [attacked.browser(name) for name in ("Operator A", "Operator B")]
    for operator in operators:
        operator.act(operator.sign_in())
    wanted = {"name": "Friend", "officer": None, "roles": ["data"]}
    proposed = operators[0].act(operators[0].post("/api/enrolments", wanted))
    code = operators[1].act(operators[1].post(f"/api/enrolments/{proposed['enrolment']}/approval"))["code"]
    attacked.secrets["code"] = code.encode()
    friend = attacked.browser("Friend")
    for body in ({"code": code[:-1]}, {"code": code}, {"code": [code]}):
        attacked.hear(friend.post("/api/enrolments/challenge", body))
    attacked.hear(friend.enrol(code))
    attacked.hear(operators[0].get("/api/enrolments"))


def by_the_identity_provider(attacked: Attacked) -> None:
    browser, ministry = attacked.browser("Preparer"), attacked.ministry
    for status, changed in ((200, {"state": "x"}), (500, {}), (401, {}), (200, {"iss": "https://evil.example"})):
        asked = ministry.go(browser)
        ministry.provider.status = status
        attacked.hear(ministry.come_back(browser, asked, **changed))
    requests = ministry.provider.asked
    assert requests  # the provider was told the secret, which is what it is for
    assert all(request.url.host == ISSUER.removeprefix("https://") for request in requests)


@pytest.mark.asvs("V16.2.5", "V16.5.1")
def test_no_output_of_an_attacked_desk_holds_what_officers_type_or_hold(
    attacked: Attacked, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for attack in (by_passwords, by_passkeys, by_codes, by_the_identity_provider):
        attack(attacked)
    shown = attacked.desk.world.act("desk", "journal").out + attacked.desk.world.act("--json", "desk", "journal").out
    printed = capfd.readouterr()
    # The browsers of this test log their own requests.
    records = [record for record in caplog.records if not (record.name == "httpx" and ORIGIN in record.getMessage())]
    logs = "\n".join(logging.Formatter("%(name)s %(message)s").format(record) for record in records)

    assert len(attacked.secrets) == 7
    assert found_in((logs + shown + printed.out + printed.err).encode(), attacked.secrets) == []
    for raw in attacked.said:
        assert found_in(raw, attacked.secrets) == []
    for file in attacked.desk.node.path.rglob("*"):
        if file.is_file() and file.name != SECRET_FILE:
            assert found_in(file.read_bytes(), attacked.secrets) == [], file
