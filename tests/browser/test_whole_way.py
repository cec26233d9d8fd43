"""A release from a ministry's desk to a partner's and to IOM's audit, in a browser, over processes that talk HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser.chromium import Browser
from tests.browser.federation import CLEARERS, Consoles, consoles
from tests.browser.site import Site
from tests.stories.faulty import CONTRACT

pytestmark = pytest.mark.timeout(1800)  # a machine that does ten other things takes ten times as long

PARTNER = "KG"


@dataclass(frozen=True)
class Words:
    """What people read, each in their language, and the month that they are about."""

    period: str
    preparer: str
    withheld: str
    published: str
    holds: str
    confirmed: str
    fault: str


READ = {
    "en": Words(
        period="2026-08",
        preparer="You prepared it; another officer must clear it.",
        withheld="withheld",
        published="published",
        holds="every check holds",
        confirmed="confirmed by both sides",
        fault="At fault: Kazakhstan",
    ),
    "ru": Words(
        period="2026-09",
        preparer="Вы это подготовили; согласовать должен кто-то другой.",
        withheld="скрыто",
        published="опубликован",
        holds="все проверки пройдены",
        confirmed="подтверждён обеими сторонами",
        fault="Виновная сторона: Казахстан",
    ),
}


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consoles]:
    with consoles(tmp_path_factory.mktemp("consoles") / "demo") as found:
        yield found


@pytest.mark.parametrize("language", READ)
def test_a_release_is_cleared_published_pulled_looked_at_and_audited_and_the_audit_names_who_altered_it(
    federation: Consoles, browser: Browser, language: str
) -> None:
    words, nodes = READ[language], federation.nodes
    built = nodes.build("KZ", words.period)
    assert built.code == 0, built
    desk = federation.site("KZ", browser)
    release = _submitted(desk, words, language)
    for officer in CLEARERS:
        _approved(desk, release, words, officer=officer, language=language)
    _published(desk, release, words)
    digest = nodes.released("KZ", words.period)["bundle"].removeprefix("sha256:")
    nodes.act("pull", "kz", CONTRACT, words.period, node=PARTNER)
    _looked_at(federation.site(PARTNER, browser), digest, words, language)
    nodes.run("audit", "run", node="iom")
    console = federation.site("IOM", browser)
    _audited(console, digest, words, language)
    with _altered(nodes.zip_of("KZ", digest)):
        nodes.refused("pull", "kz", CONTRACT, words.period, node=PARTNER, code=3)
        nodes.run("audit", "run", node="iom")
    _blamed(console, digest, words, language)


def _submitted(desk: Site, words: Words, language: str) -> str:
    """The data officer puts the draft before the officers, and is refused as clearer; the release's address."""
    desk.sign_in("kz-01", language=language)
    desk.press("form[action^='/drafts/'] button")
    desk.wait("return location.pathname.startsWith('/releases/')")
    assert words.preparer in desk.text()
    assert desk.all("[data-passkey=approve]") == []
    desk.require_sound()
    address: str = desk.browser.driver.execute_script("return location.pathname")
    return address


def _approved(desk: Site, release: str, words: Words, *, officer: str, language: str) -> None:
    desk.sign_in(officer, language=language)
    desk.press(f".govuk-task-list__link[href='{release}']")
    assert words.withheld in desk.text()
    desk.press("[data-passkey=approve]")
    desk.wait("return document.querySelector('[data-passkey=approve]') === null")
    desk.require_sound()


def _published(desk: Site, release: str, words: Words) -> None:
    """The officer who cleared last seals it; the session's passkey was shown just before."""
    desk.press(f"form[action='{release}/release'] button")
    desk.wait("return document.querySelector('h1 .govuk-tag--green') !== null")
    assert words.published in desk.find("h1").text
    desk.require_sound()


def _looked_at(desk: Site, digest: str, words: Words, language: str) -> None:
    """The partner's analyst finds the bundle, its checks and its figures; what is withheld is in words."""
    desk.sign_in("kg-01", language=language)
    desk.open("/bundles", language=language)
    desk.require_sound()
    desk.press(f"a[href='/bundles/{digest}']")
    assert words.holds in desk.text()
    assert words.withheld in desk.find("#cells table").text
    desk.require_sound()


def _audited(console: Site, digest: str, words: Words, language: str) -> None:
    console.sign_in("Auditor", language=language)
    console.open(f"/exchanges/{digest}", language=language)
    assert words.confirmed in console.text()
    assert words.fault not in console.text()
    console.require_sound()


def _blamed(console: Site, digest: str, words: Words, language: str) -> None:
    """The finding that is about this bundle says whose fault it is."""
    console.open(f"/exchanges/{digest}", language=language)
    console.press("a[href^='/findings#finding-']")
    console.wait("return location.pathname === '/findings'")
    place = console.browser.driver.execute_script("return location.hash")
    found = console.find(place).text
    assert words.fault in found
    assert digest in found
    console.require_sound()


@contextmanager
def _altered(stored: Path) -> Iterator[None]:
    """One bit of the table at rest is another, and then as it was."""
    intact = stored.read_bytes()
    place = intact.index(b"dataflow,") + 12
    stored.write_bytes(intact[:place] + bytes([intact[place] ^ 1]) + intact[place + 1 :])
    try:
        yield
    finally:
        stored.write_bytes(intact)
