"""A provider that takes pushed requests gets the request itself, and the browser carries a reference (RFC 9126)."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from exchange.errors.officers import ConsoleUnsafeError
from nodes.adapters.account_store import IdentityRow
from nodes.desk.main import build_desk, guarded
from nodes.settings import open_node
from tests.unit.nodes.test_desk_oidc import ISSUER, SETTINGS, Ministry, Provider
from tests.world.desk_server import ORIGIN, desk_server

REFERENCE = "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c"  # RFC 9126 §2.2
PUSHED = f'pushed_authorization_request_endpoint = "{ISSUER}/par"\nclient_secret_file = "idp.secret"\ntimeout_s = 1.0\n'
Answer = Callable[[], httpx.Response]


class Pushing(Provider):
    """A provider that takes pushed requests, each once."""

    reply: Answer = staticmethod(lambda: httpx.Response(201, json={"request_uri": REFERENCE, "expires_in": 60}))

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != "/par":
            return super().answer(request)
        self.asked.append(request)
        return self.reply()


class Dripping(httpx.AsyncByteStream):
    """A body of which each byte comes within any wait for one, and the last never."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Ministry:
    desk, provider = desk_server(tmp_path_factory.mktemp("desk") / "kz"), Pushing()
    folder = desk.node.path
    (folder / "idp.jwks.json").write_text(json.dumps({"keys": [provider.key.as_dict(private=False)]}))
    (folder / "idp.secret").write_text("a secret of this client")
    (folder / "idp.secret").chmod(0o600)
    with (folder / "node.toml").open("a", encoding="utf-8") as file:
        file.write(SETTINGS + PUSHED)
    context = build_desk(open_node(folder), clock=desk.world.clock, transport=httpx.MockTransport(provider.answer))
    with context.console.db.begin() as store:
        store.accounts.keep(IdentityRow(issuer=ISSUER, subject="248289761001", account=desk.account_id("Preparer")))
    return Ministry(desk, provider, guarded(context))


@pytest.fixture(autouse=True)
def honest(ministry: Ministry) -> None:
    ministry.provider.asked.clear()
    ministry.provider.reply = Pushing.reply  # type: ignore[attr-defined]  # a Pushing


@pytest.mark.asvs("V10.4.13")
def test_the_browser_carries_a_reference_and_the_provider_had_the_request_from_the_client_itself(
    ministry: Ministry,
) -> None:
    browser = ministry.browser()
    answer = browser.get("/api/login/identity")
    address = urlsplit(answer.headers["location"])
    assert parse_qs(address.query) == {"client_id": ["desk-kz"], "request_uri": [REFERENCE]}
    (request,) = ministry.provider.asked
    sent = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
    assert request.url == f"{ISSUER}/par"
    assert request.headers["Authorization"].startswith("Basic ")  # RFC 9126 §2.1: as at the token endpoint
    assert sent["redirect_uri"] == f"{ORIGIN}/api/login/identity/return"
    assert (sent["client_id"], sent["response_type"], sent["code_challenge_method"]) == ("desk-kz", "code", "S256")
    assert "request_uri" not in sent  # RFC 9126 §2.1

    now = int(ministry.desk.world.clock.now().timestamp())
    said = {"iss": ISSUER, "sub": "248289761001", "aud": "desk-kz", "iat": now, "exp": now + 60, "nonce": sent["nonce"]}
    ministry.provider.claims = said
    assert ministry.come_back(browser, sent).headers["location"] == "/"
    assert browser.get("/api/session").json()["name"] == "Preparer"


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(lambda: httpx.Response(200, json={"request_uri": REFERENCE, "expires_in": 60}), id="not 201"),
        pytest.param(lambda: httpx.Response(400, json={"error": "invalid_request"}), id="refused"),
        pytest.param(lambda: httpx.Response(302, headers={"Location": "https://evil.example/"}), id="a redirect"),
        pytest.param(lambda: httpx.Response(201, json={"expires_in": 60}), id="no reference"),
        pytest.param(lambda: httpx.Response(201, json={"request_uri": "a b\r\nX: y"}), id="a reference of two lines"),
        pytest.param(lambda: httpx.Response(201, json={"request_uri": ["x"]}), id="a list"),
        pytest.param(
            lambda: httpx.Response(201, content=b'{"request_uri":"a","request_uri":"b"}'), id="a member twice"
        ),
        pytest.param(
            lambda: httpx.Response(201, headers={"Content-Encoding": "gzip"}, content=gzip.compress(b" " * 10**7)),
            id="a compressed bomb",
        ),
        pytest.param(lambda: httpx.Response(201, content=b" " * 70_000 + b"{}"), id="an answer without end"),
        pytest.param(lambda: httpx.Response(201, stream=Dripping()), id="an answer that comes byte by byte"),
    ],
)
def test_whatever_else_the_provider_answers_sends_nobody_anywhere(ministry: Ministry, reply: Answer) -> None:
    ministry.provider.reply = reply  # type: ignore[attr-defined]  # a Pushing
    answer = ministry.browser().get("/api/login/identity")
    assert (answer.status_code, answer.json()["code"]) == (401, "login-refused")
    assert "location" not in answer.headers


def test_outside_a_demonstration_requests_are_pushed_over_https_alone(tmp_path: Path) -> None:
    desk = desk_server(tmp_path / "kz")
    settings = desk.node.path / "node.toml"
    insecure = (SETTINGS + PUSHED).replace(f"{ISSUER}/par", "http://idp.kz.example/par")
    origin = '\n[desk]\norigin = "https://desk.kz.example"\n'
    settings.write_text(settings.read_text().replace("demo = true", "demo = false") + origin + insecure)
    with pytest.raises(ConsoleUnsafeError):
        build_desk(open_node(desk.node.path), clock=desk.world.clock)
