"""How strongly the ministry's identity provider made sure who somebody is (OpenID Connect Core §2, `acr`)."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from nodes.adapters.account_store import IdentityRow
from nodes.desk.main import build_desk, guarded
from nodes.settings import open_node
from tests.unit.nodes.test_desk_oidc import ISSUER, SETTINGS, Ministry, Provider
from tests.world.desk_server import desk_server

ASKED = "phr"
"""Phishing-resistant (OpenID Connect Extended Authentication Profile, ACR Values 1.0, §4)."""


@pytest.fixture
def ministry(tmp_path: Path) -> Ministry:
    """One whose desk asks its provider for that strength."""
    desk = desk_server(tmp_path / "kz")
    provider, folder = Provider(), desk.node.path
    (folder / "idp.jwks.json").write_text(json.dumps({"keys": [provider.key.as_dict(private=False)]}), encoding="utf-8")
    with (folder / "node.toml").open("a", encoding="utf-8") as file:
        file.write(f'{SETTINGS}acr = "{ASKED}"\n')
    context = build_desk(open_node(folder), clock=desk.world.clock, transport=httpx.MockTransport(provider.answer))
    with context.console.db.begin() as store:
        identity = IdentityRow(issuer=ISSUER, subject="248289761001", account=desk.account_id("Preparer"))
        store.accounts.keep(identity)
    return Ministry(desk, provider, guarded(context))


@pytest.mark.asvs("V6.8.4")
def test_a_login_weaker_than_what_the_desk_asks_for_signs_nobody_in(ministry: Ministry) -> None:
    weaker: tuple[dict[str, Any], ...] = ({}, {"acr": "0"}, {"acr": "PHR"}, {"acr": [ASKED]}, {"amr": [ASKED]})
    for said in weaker:
        browser = ministry.browser()
        asked = ministry.go(browser)
        assert asked["acr_values"] == ASKED
        ministry.provider.said = said
        refused = ministry.come_back(browser, asked)
        assert (refused.status_code, refused.json()["code"]) == (401, "login-refused"), said
        assert browser.get("/api/session").status_code == 401
    browser = ministry.browser()
    asked = ministry.go(browser)
    ministry.provider.said = {"acr": ASKED}
    assert ministry.come_back(browser, asked).status_code == 303
    assert browser.get("/api/session").json()["name"] == "Preparer"
