"""What officers do at the desk beside clearing, in a real browser: prepare, take back, propose, let in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nodes.adapters.durable import write_folder_durably
from nodes.adapters.node_folder import copy_contracts
from nodes.desk.contract_sources import SOURCES
from tests.browser.chromium import Browser
from tests.browser.serving import port, served
from tests.browser.site import ORIGIN_PORT, Site
from tests.world.bundles import PERIOD, bundle_world
from tests.world.desk import ASKED
from tests.world.desk_server import DeskServer, desk_server

EFFECTIVE: dict[str, Any] = {"index": 12, "effective": True}
STATUS: dict[str, Any] = {
    "log": {"origin": "kz.example/log", "size": 12, "root": 64 * "a", "cosigned_size": 11},
    "health": ["log-uncosigned"],
    "warnings": ["registry-expires-soon"],
    "witnesses": {},
    "debts": [],
}
PARTNER = {"member": "KG", "issuer": "http://127.0.0.1:8102", "milliseconds": 12, "witness_trouble": None}
SCREENS = {
    "Preparer": ("/releases/new", f"/releases/new?contract=CA-01-BORDER&period={PERIOD}", "/bundles/{bundle}"),
    "Clearer A": ("/releases/1/withdrawal", "/receipts"),
    "Contracts": ("/contracts/CA-01-BORDER/1.0.0", "/contracts/CA-07-EXPULSIONS-BANS/1.1.0/2.0.0", "/contracts/new"),
    "Operator A": ("/node", "/node/partners", "/accounts"),
}


@pytest.fixture
def published(tmp_path: Path) -> Iterator[DeskServer]:
    """KZ's desk with a published bundle, a pulled one, another contract, and a gateway that answers."""
    server = desk_server(tmp_path / "kz")
    write_folder_durably(server.node.pulled / "KZ" / "CA-01-BORDER" / "2026-09-r0", bundle_world().files)
    copy_contracts(server.node.contracts, names=[("CA-07-EXPULSIONS-BANS", one) for one in ("1.1.0", "2.0.0")])
    server.world.act("bundle", "submit", *ASKED)
    for name in ("Clearer A", "Clearer B"):
        browser = server.signed_in(name)
        browser.act(browser.approve("/api/candidates/1/approval"))
    partners = [{**PARTNER, "problem": None, "was_here_at": "2026-10-01T10:00:00Z"}]
    receipts = {"served": [], "served_found": 0, "made": [], "made_found": 0, "members": []}
    answers = {
        "receipts": receipts,
        "withdrawals": EFFECTIVE,
        "doctor": {"partners": partners},
        "pullers": {"pullers": []},
    }
    with server.world.gateway(**answers, status=STATUS):
        server.world.act("bundle", "release", *ASKED)
        yield server


@pytest.fixture
def site(published: DeskServer, browser: Browser) -> Iterator[Site]:
    with served(published.app, port(ORIGIN_PORT)):
        yield Site(published.passkeys, browser)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_screen_of_an_officer_is_sound(site: Site, language: str) -> None:
    (bundle,) = {one.partition("/bundles/")[2] for one in _bundles(site)}
    for person, paths in SCREENS.items():
        site.sign_in(person, language=language)
        for path in paths:
            for width in (1280, 360):
                site.browser.width(width)
                site.open(path.format(bundle=bundle), language=language)
                assert not site.browser.overflows(), f"{path} at {width}"
            site.require_sound()
            site.browser.width(1280)


def test_two_officers_take_a_bundle_back_with_their_passkeys(site: Site, published: DeskServer) -> None:
    site.sign_in("Clearer A")
    site.open("/releases/1/withdrawal")
    site.find("#reason").send_keys("one checkpoint was counted twice")
    site.press("[data-passkey=withdraw]")
    site.wait("return document.querySelector('[data-passkey=withdraw]') === null")
    site.sign_in("Clearer B")
    site.open("/releases/1/withdrawal")
    site.press("[data-passkey=approve-withdrawal]")
    site.wait("return document.querySelector('form[action$=\"/release\"]') !== null")
    site.press("form[action$='/withdrawal/release'] button")
    site.wait("return document.querySelector('.govuk-tag--red') !== null")
    assert published.world.state()["state"] == "withdrawn"
    site.require_sound()


def test_a_file_fills_the_text_that_is_checked(site: Site) -> None:
    site.sign_in("Contracts")
    site.open("/contracts/new")
    site.wait("return !document.querySelector('[data-fill]').hidden")
    file = SOURCES / "CA-07-EXPULSIONS-BANS" / "2.0.0" / "contract.odcs.yaml"
    site.find("#file").send_keys(str(file))
    site.wait("return document.getElementById('text').value.length > 1000")
    site.follow("form[action$='/check'] button")
    assert "This very text lies here already." in site.text()
    site.require_sound()


def _bundles(site: Site) -> list[str]:
    """The pulled bundle's address, as the list has it."""
    site.sign_in("Preparer")
    site.open("/bundles?provider=KZ")
    links = [str(link.get_attribute("href")) for link in site.all("tbody a[href*='/bundles/']")]
    return links[:1]
