"""IOM's console in the browser: proofs checked again there, and every screen in a pseudo-locale."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from exchange.reconcile.report import format_report, sign_report
from exchange.signing.keys import KeyPurpose
from nodes.adapters.key_files import read_signer
from nodes.auditor.pages.app import AuditorContext, auditor_app
from nodes.auditor.report_commands import REPORT, REPORTS, SIGNATURE
from nodes.web.pages.locale import Reader
from tests.browser.chromium import Browser
from tests.browser.pseudo import PSEUDO, pseudo_faults, pseudo_locale
from tests.browser.serving import port, served
from tests.browser.site import ORIGIN_PORT, Site
from tests.world.auditors import AUDITOR, audited, auditor_console
from tests.world.desk_server import ORIGIN, authenticator
from tests.world.federation import SEVEN
from tests.world.gateways import gateway_world

CHECKS = ("entry", "inclusion", "log", "witnesses")
NO_ED25519 = (
    "const real = crypto.subtle.importKey.bind(crypto.subtle);"
    "crypto.subtle.importKey = (form, raw, name, ...rest) => name === 'Ed25519'"
    " ? Promise.reject(new DOMException('', 'NotSupportedError')) : real(form, raw, name, ...rest);"
)


@dataclass
class Switch:
    """An application in whose place another can stand."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@dataclass(frozen=True)
class Audit:
    """IOM's console, served, after an audit that found a bundle altered at rest."""

    site: Site
    digest: str
    context: AuditorContext
    switch: Switch


@pytest.fixture(scope="module")
def console(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audit]:
    context, digest = asyncio.run(_audited(tmp_path_factory.mktemp("federation")))
    switch = Switch(auditor_app(context))
    with served(switch, port(ORIGIN_PORT)):
        site = Site({AUDITOR: authenticator(AUDITOR)}, browser)
        site.sign_in(AUDITOR)
        yield Audit(site, digest, context, switch)


@pytest.fixture(scope="module")
def audit(console: Audit) -> tuple[Site, str]:
    """The window, and the digest of KZ's bundle."""
    return console.site, console.digest


async def _audited(folder: Path) -> tuple[AuditorContext, str]:
    async with gateway_world(folder) as world:
        assert (await world.pull("KG")).status_code == 200
        (stored,) = world.node("KZ").bundles.glob("*.zip")
        raw = bytearray(stored.read_bytes())
        raw[len(raw) // 2] ^= 1
        stored.write_bytes(raw)
        assert not (await world.pull("TJ")).is_success
        digest = world.gateways["KZ"].context.library.all()[0].bundle
        await audited(world)
        context = auditor_console(world)
    settings = context.console.settings.model_copy(update={"zone": "Asia/Almaty"})
    context = replace(context, console=replace(context.console, settings=settings))
    signed = format_report(context.audit.read().run, auditor="IOM")
    signer = read_signer(context.node.private, KeyPurpose.TRANSPORT, passphrase=None, demo=True)
    reports = context.node.path / REPORTS / "2026-10-02T110000Z"
    reports.mkdir(parents=True)
    (reports / REPORT).write_bytes(signed)
    (reports / SIGNATURE).write_bytes(sign_report(signed, signer=signer))
    return context, digest.hex


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


SCREENS = ("/", "/exchanges", "/findings", "/logs", "/patterns", "/audits", "/reports")


def test_in_a_pseudo_locale_every_text_is_translated_and_none_is_clipped_at_360_pixels(console: Audit) -> None:
    site, context = console.site, console.context
    languages = {**context.console.languages, PSEUDO: pseudo_locale()}
    console.switch.app = auditor_app(replace(context, console=replace(context.console, languages=languages)))
    site.browser.width(360)
    try:
        for path in (*SCREENS, f"/exchanges/{console.digest}"):
            site.open(path, language=PSEUDO)
            clipped, plain = pseudo_faults(site)
            untranslated = [one for one in plain if re.search(r"[^\W\d_]{2}", _without_facts(one, context))]
            assert (path, clipped, untranslated) == (path, [], [])
            assert not site.browser.overflows(), path
    finally:
        console.switch.app = auditor_app(context)
        site.browser.width(1280)


def _without_facts(text: str, context: AuditorContext) -> str:
    """A text without what no catalogue holds: names, codes, moments, files, and what the rules say of a finding."""
    reader = Reader(PSEUDO, zone="Asia/Almaty")
    run = context.audit.read().run
    said = [one[part]["ru"] for one in run["findings"] for part in ("message", "mend")]
    for fact in (*said, *(reader.member(member) for member in SEVEN), *SEVEN, reader.period("2026-09")):
        text = text.replace(fact, "") if fact else text
    text = re.sub(r"\d+ \w+\.? \d{4}, [\d:]+ UTC( \([^)]*\))?", "", text)
    return re.sub(r"[a-z0-9]+(-[a-z0-9]+)+|report\.[\w.]+|CA-[A-Z0-9-]+|CSV|JSON|finding-1", "", text)
