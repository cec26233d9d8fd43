"""IOM's console in the browser: proofs checked again there, by the keys that the page names."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.browser.audit import audit_site
from tests.browser.chromium import Browser
from tests.browser.site import Site
from tests.world.auditors import AUDITOR
from tests.world.desk_server import ORIGIN

CHECKS = ("entry", "inclusion", "log", "witnesses")
NO_ED25519 = (
    "const real = crypto.subtle.importKey.bind(crypto.subtle);"
    "crypto.subtle.importKey = (form, raw, name, ...rest) => name === 'Ed25519'"
    " ? Promise.reject(new DOMException('', 'NotSupportedError')) : real(form, raw, name, ...rest);"
)


@pytest.fixture(scope="module")
def audit(browser: Browser) -> Iterator[tuple[Site, str]]:
    with audit_site(browser, tampered=False) as found:
        found[0].sign_in(AUDITOR)
        yield found


@contextmanager
def before_the_page(browser: Browser, script: str) -> Iterator[None]:
    """What runs in every page before its own scripts: here, the way between server and script."""
    added = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
    try:
        yield
    finally:
        browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def altered(change: str) -> str:
    """A script that passes the first proof's lines through `change` on their way to the page."""
    return (
        "const real = window.fetch; window.fetch = async (...asked) => {"
        " const found = await (await real(...asked)).json(); const lines = found.proofs[0].proof.split('\\n');"
        " const blank = lines.indexOf('');"
        " const turn = (text, at) => { const raw = Uint8Array.from(atob(text), one => one.charCodeAt(0));"
        "   raw[at < 0 ? raw.length + at : at] ^= 1; return btoa(String.fromCharCode(...raw)); };"
        " const turned = (number, at) => { const words = lines[number].split(' ');"
        "   words.push(turn(words.pop(), at)); lines[number] = words.join(' '); };"
        f" {change} found.proofs[0].proof = lines.join('\\n'); return new Response(JSON.stringify(found)); }};"
    )


def states(site: Site) -> list[dict[str, str]]:
    """Of every proof on the page, what the browser found of each check."""
    site.wait("return document.querySelector('[data-proofs]').dataset.state !== undefined")
    found: list[dict[str, str]] = site.browser.driver.execute_script(
        "return [...document.querySelectorAll('[data-proof]')].map(one => Object.fromEntries("
        "[...one.querySelectorAll('[data-check]')].map(cell => [cell.dataset.check, cell.dataset.state])))"
    )
    return found


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_proof_holds_here_and_again_in_the_browser(audit: tuple[Site, str], language: str) -> None:
    site, digest = audit
    site.open(f"/exchanges/{digest}", language=language)
    found = states(site)
    assert len(found) > 3
    for one in found:
        assert one == dict.fromkeys((*CHECKS, "all"), "holds")
    computed = site.browser.driver.execute_script(
        "return [...document.querySelectorAll('[data-proof]')].every("
        "one => one.querySelector('[data-computed]').textContent === one.dataset.root)"
    )
    assert computed
    for details in site.all("details summary"):
        details.click()
    for width in (1280, 360):
        site.browser.width(width)
        assert not site.browser.overflows()
    site.require_sound()
    site.browser.width(1280)


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        pytest.param("turned(1, -40);", {"inclusion"}, id="a bit of the entry's salt"),
        pytest.param("turned(1, 7);", {"entry", "inclusion"}, id="a bit of the time that the page shows"),
        pytest.param("turned(3, 0);", {"inclusion"}, id="a bit of a hash on the path"),
        pytest.param("turned(blank + 3, 31);", {"inclusion", "log", "witnesses"}, id="a bit of the checkpoint's root"),
        pytest.param("turned(blank + 5, -1);", {"log"}, id="a bit of the log's signature"),
        pytest.param("turned(blank + 6, -1);", {"witnesses"}, id="a bit of a witness's cosignature"),
        pytest.param("turned(blank + 6, 11);", {"witnesses"}, id="a bit of the time that a witness names"),
        pytest.param("lines.splice(blank + 7, 9, '');", {"witnesses"}, id="fewer witnesses than the quorum"),
        pytest.param("lines[2] = 'index 0' + lines[2].slice(6);", set(CHECKS), id="a line that is not canonical"),
    ],
)
def test_a_proof_with_one_bit_changed_turns_red_and_no_other(
    audit: tuple[Site, str], change: str, broken: set[str]
) -> None:
    site, digest = audit
    with before_the_page(site.browser, altered(change)):
        site.open(f"/exchanges/{digest}")
        first, *others = states(site)
    assert {name for name in CHECKS if first[name] != "holds"} == broken
    assert first["all"] != "holds"
    assert all(one["all"] == "holds" for one in others)
    assert site.find("[data-holding]").text == str(len(others))


def test_a_browser_without_ed25519_says_so_and_computes_the_roots(audit: tuple[Site, str]) -> None:
    site, digest = audit
    with before_the_page(site.browser, NO_ED25519):
        site.open(f"/exchanges/{digest}")
        found = states(site)
    assert "does not know Ed25519" in site.text()
    assert {(one["inclusion"], one["log"], one["all"]) for one in found} == {("holds", "unable", "unable")}


def test_proofs_that_cannot_be_read_are_not_called_good(audit: tuple[Site, str]) -> None:
    site, digest = audit
    with before_the_page(site.browser, "window.fetch = async () => new Response('<p>', {status: 500});"):
        site.open(f"/exchanges/{digest}")
        found = states(site)
    assert "could not be read" in site.text()
    assert all(one["all"] is None for one in found)


def test_without_scripts_the_page_says_what_the_server_checked_and_that_the_browser_did_not(
    audit: tuple[Site, str], plain_browser: Browser
) -> None:
    site, digest = audit
    session = next(one for one in site.browser.driver.get_cookies() if one["name"] == "__Host-session")
    plain = Site(site.passkeys, plain_browser)
    plain.open("/sign-in")
    cookie = {"name": session["name"], "value": session["value"], "url": ORIGIN, "secure": True, "httpOnly": True}
    plain_browser.driver.execute_cdp_cmd("Network.setCookie", cookie)
    plain.open(f"/exchanges/{digest}")
    assert "it runs no script" in plain.text()
    assert "holds" in plain.find("[data-proof] summary").text
