"""Signing in through a ministry's identity provider: what it must say, and what not (OpenID Connect Core §3.1.3.7)."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwk, jws

from exchange.errors.officers import ConsoleUnsafeError
from nodes.adapters.account_store import IdentityRow
from nodes.desk.main import build_desk, guarded
from nodes.settings import open_node
from tests.world.desk_server import ORIGIN, Browser, DeskServer, desk_server

ISSUER = "https://idp.kz.example"
SETTINGS = f"""
[desk.identity_provider]
issuer = "{ISSUER}"
authorization_endpoint = "{ISSUER}/authorize"
token_endpoint = "{ISSUER}/token"
client_id = "desk-kz"
jwks_file = "idp.jwks.json"
"""


@dataclass
class Provider:
    """An identity provider: it gives one ID token for one code, with whatever a test changes in it."""

    key: Any = field(default_factory=lambda: jwk.ECKey.generate_key("P-256", {"kid": "idp-1"}))
    said: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    signer: Any = None
    status: int = 200
    asked: list[httpx.Request] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        claims = {name: value for name, value in {**self.claims, **self.said}.items() if value is not None}
        header = {name: value for name, value in {"alg": "ES256", "kid": "idp-1", **self.header}.items() if value}
        token = jws.serialize_compact(header, json.dumps(claims), self.signer or self.key, algorithms=[header["alg"]])
        return httpx.Response(self.status, json={"id_token": token, "access_token": "-", "token_type": "Bearer"})


@dataclass
class Ministry:
    """A desk whose officers come from a provider."""

    desk: DeskServer
    provider: Provider
    app: Any

    def browser(self) -> Browser:
        browser = self.desk.browser("Preparer")
        browser.app = self.app
        return browser

    def go(self, browser: Browser) -> dict[str, str]:
        """To the provider; what the browser carried there."""
        answer = browser.get("/api/login/identity")
        assert answer.status_code == 303
        address = urlsplit(answer.headers["location"])
        assert f"{address.scheme}://{address.netloc}{address.path}" == f"{ISSUER}/authorize"
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        now = int(self.desk.world.clock.now().timestamp())
        self.provider.claims = {
            "iss": ISSUER,
            "sub": "248289761001",
            "aud": "desk-kz",
            "iat": now,
            "exp": now + 60,
            "nonce": asked["nonce"],
        }
        return asked

    def come_back(self, browser: Browser, asked: Mapping[str, str], **changed: str | None) -> httpx.Response:
        said = {"code": "a-code", "state": asked["state"], "iss": ISSUER, **changed}
        query = "&".join(f"{name}={value}" for name, value in said.items() if value is not None)
        return browser.get(f"/api/login/identity/return?{query}")


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Ministry:
    desk = desk_server(tmp_path_factory.mktemp("desk") / "kz")
    provider, folder = Provider(), desk.node.path
    keys = {"keys": [provider.key.as_dict(private=False)]}
    (folder / "idp.jwks.json").write_text(json.dumps(keys), encoding="utf-8")
    with (folder / "node.toml").open("a", encoding="utf-8") as file:
        file.write(SETTINGS)
    context = build_desk(open_node(folder), clock=desk.world.clock, transport=httpx.MockTransport(provider.answer))
    account = desk.account_id("Preparer")
    with context.console.db.begin() as store:
        store.accounts.keep(IdentityRow(issuer=ISSUER, subject="248289761001", account=account))
    return Ministry(desk, provider, guarded(context))


@pytest.fixture(autouse=True)
def honest(ministry: Ministry) -> None:
    """Each test begins with a provider that says nothing false."""
    ministry.provider.said, ministry.provider.header, ministry.provider.signer = {}, {}, None
    ministry.provider.status = 200
    ministry.provider.asked.clear()


@pytest.mark.asvs("V10.5.2", "V6.8.1")
def test_the_provider_s_officer_is_signed_in_and_has_shown_no_passkey(ministry: Ministry) -> None:
    browser = ministry.browser()
    answer = ministry.come_back(browser, ministry.go(browser))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    session = browser.get("/api/session").json()
    assert (session["name"], session["method"], session["stepped_up_at"]) == ("Preparer", "oidc", None)
    browser.form_token = session["form_token"]
    assert browser.post("/api/candidates/1/release").json()["code"] == "step-up-needed"


@pytest.mark.asvs("V10.2.1", "V10.2.3")
def test_the_request_has_pkce_state_and_nonce_and_the_code_is_proved(ministry: Ministry) -> None:
    browser = ministry.browser()
    asked = ministry.go(browser)
    assert (asked["response_type"], asked["code_challenge_method"], asked["scope"]) == ("code", "S256", "openid")
    assert asked["redirect_uri"] == f"{ORIGIN}/api/login/identity/return"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    ministry.come_back(browser, asked)
    (request,) = ministry.provider.asked
    sent = parse_qs(request.content.decode())
    assert (sent["grant_type"], sent["code"]) == (["authorization_code"], ["a-code"])
    digest = hashlib.sha256(sent["code_verifier"][0].encode()).digest()  # RFC 7636 §4.6
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"state": "another"}, id="another state"),
        pytest.param({"state": None}, id="no state"),
        pytest.param({"iss": "https://idp.evil.example"}, id="another provider's name (RFC 9207)"),
        pytest.param({"iss": None}, id="no provider's name"),
        pytest.param({"code": None}, id="no code"),
        pytest.param({"error": "access_denied"}, id="an error"),
    ],
)
@pytest.mark.asvs("V10.2.2")
def test_a_return_that_does_not_hold_asks_the_provider_nothing(ministry: Ministry, changed: dict[str, Any]) -> None:
    browser = ministry.browser()
    answer = ministry.come_back(browser, ministry.go(browser), **changed)
    assert (answer.status_code, answer.json()["code"]) == (401, "login-refused")
    assert ministry.provider.asked == []
    assert browser.get("/api/session").status_code == 401


def test_a_parameter_stands_once(ministry: Ministry) -> None:
    browser = ministry.browser()
    answer = ministry.come_back(browser, ministry.go(browser), iss=f"{ISSUER}&iss=https://idp.evil.example")
    assert answer.status_code == 401


@pytest.mark.asvs("V10.1.2")
def test_a_return_belongs_to_the_browser_that_went_and_counts_once(ministry: Ministry) -> None:
    browser, victim = ministry.browser(), ministry.browser()
    asked = ministry.go(browser)
    assert ministry.come_back(victim, asked).status_code == 401  # the attacker's own code in the victim's browser
    thief = Browser(ministry.app, browser.passkey, dict(browser.cookies))
    assert ministry.come_back(browser, asked).status_code == 303
    assert ministry.come_back(thief, asked).status_code == 401


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"iss": "https://idp.evil.example"}, id="by another provider"),
        pytest.param({"aud": "another-client"}, id="for another client"),
        pytest.param({"aud": ["desk-kz", "another-client"]}, id="for another client too"),
        pytest.param({"azp": "another-client"}, id="given to another client"),
        pytest.param({"nonce": "another"}, id="for another login"),
        pytest.param({"nonce": None}, id="for no login"),
        pytest.param({"sub": "somebody-else"}, id="about somebody who has no account"),
        pytest.param({"sub": None, "email": "preparer@kz.example"}, id="about an e-mail address"),
        pytest.param({"exp": 1}, id="run out"),
        pytest.param({"iat": 1}, id="of long ago"),
        pytest.param({"exp": "2099"}, id="with an end that is no number"),
    ],
)
@pytest.mark.asvs("V10.5.1", "V10.5.2", "V10.5.4")
def test_a_token_that_does_not_hold_signs_nobody_in(ministry: Ministry, said: dict[str, Any]) -> None:
    browser = ministry.browser()
    asked = ministry.go(browser)
    ministry.provider.said = said
    answer = ministry.come_back(browser, asked)
    assert (answer.status_code, answer.json()["code"]) == (401, "login-refused")


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"jku": "https://evil.example/keys"}, id="a key from elsewhere"),
        pytest.param({"crit": ["jku"], "jku": "https://evil.example/keys"}, id="critical extensions"),
        pytest.param({"typ": "at+jwt"}, id="an access token"),
        pytest.param({"kid": "unknown"}, id="a key that nobody put there"),
    ],
)
def test_a_token_with_another_header_signs_nobody_in(ministry: Ministry, header: dict[str, Any]) -> None:
    browser = ministry.browser()
    asked = ministry.go(browser)
    ministry.provider.header = header
    assert ministry.come_back(browser, asked).status_code == 401


@pytest.mark.asvs("V6.8.2")
def test_a_token_by_another_key_or_algorithm_signs_nobody_in(ministry: Ministry) -> None:
    public = json.dumps(ministry.provider.key.as_dict(private=False)).encode()
    for signer, alg in (
        (jwk.ECKey.generate_key("P-256", {"kid": "idp-1"}), "ES256"),
        (jwk.OctKey.import_key(public, {"kid": "idp-1"}), "HS256"),  # the public key as a secret
        (jwk.RSAKey.generate_key(2048, {"kid": "idp-1"}), "RS256"),
    ):
        browser = ministry.browser()
        asked = ministry.go(browser)
        ministry.provider.signer, ministry.provider.header = signer, {"alg": alg}
        assert ministry.come_back(browser, asked).status_code == 401, alg


def test_no_redirect_of_the_provider_is_followed(ministry: Ministry) -> None:
    browser = ministry.browser()
    asked = ministry.go(browser)
    ministry.provider.status = 302
    assert ministry.come_back(browser, asked).status_code == 401
    assert len(ministry.provider.asked) == 1


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param("", id="nothing"),
        pytest.param('{"keys":[]}', id="no key"),
        pytest.param('{"keys":[{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQ"}]}', id="a shared secret"),
    ],
)
def test_a_desk_does_not_begin_without_the_provider_s_public_keys(tmp_path: Path, keys: str) -> None:
    desk = desk_server(tmp_path / "kz")
    (desk.node.path / "idp.jwks.json").write_text(keys, encoding="utf-8")
    with (desk.node.path / "node.toml").open("a", encoding="utf-8") as file:
        file.write(SETTINGS)
    with pytest.raises(ConsoleUnsafeError):
        build_desk(open_node(desk.node.path), clock=desk.world.clock)
