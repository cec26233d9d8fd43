"""Every screen, in English and in Russian: no barrier, by keyboard alone, no complaint, nobody else's host, light."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser.chromium import Browser
from tests.browser.pseudo import PSEUDO, pseudo_faults, texts_of
from tests.browser.screens import LANGUAGES, TOURS, WIDTHS, auditing, clearing, comparing, sheets_held
from tests.browser.site import PATIENCE_S, Site
from tests.world.desk_server import ORIGIN, PEOPLE

pytestmark = pytest.mark.timeout(1800)  # a tour has up to forty pages, and the machine may be busy

WEIGHT_BYTES_MAX = 100 * 1024
FACTS = re.compile(
    "|".join(
        (
            r"INVENTED: .*",
            *PEOPLE,
            r"\b[a-z]+\d*(-[a-z0-9]+)+\b",  # ids of officers, of candidates, of errors
            r"\bCA-[A-Z0-9-]+|\b[A-Z]{2,3}\b|\bUTC\b",  # contracts, members
            r"[\w.]+\.(csv|json|toml|example)\b|CSV|JSON|XLSX|Parquet",
            r"official statistics|https?://\S+",
        )
    )
)
"""What stands on a page in no language: names, ids, codes, files."""
OUT_OF_REACH = """
return [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
  .filter(one => one.checkVisibility() && one.type !== 'hidden' && !one.matches('[role=alert], main'))
  .filter(one => one.tabIndex !== 0).map(one => one.outerHTML.slice(0, 80));
"""
"""What can be acted on and is not in the keyboard's own order: left out of it (below 0), or put before it (above)."""
MISSING = "/releases/99"
"""An address whose refusal is looked at."""


@pytest.mark.parametrize("name", TOURS)
def test_every_screen_is_sound_and_in_reach_of_the_keyboard_in_both_languages(browser: Browser, name: str) -> None:
    with TOURS[name](browser) as tour:
        site = tour.site
        site.open("/sign-in")
        site.require_sound()
        for language in LANGUAGES:
            site.sign_in(tour.person, language=language)
            for path in tour.screens.values():
                for width in WIDTHS:
                    site.browser.width(width)
                    site.open(path, language=language)
                    assert not site.browser.overflows(), f"{path} at {width}"
                site.require_sound(but=MISSING if path == MISSING else None)
                assert site.browser.driver.execute_script(OUT_OF_REACH) == [], path
            site.browser.width(WIDTHS[0])


@pytest.mark.parametrize("name", TOURS)
def test_in_a_pseudo_locale_every_text_is_translated_and_none_is_clipped(browser: Browser, name: str) -> None:
    with TOURS[name](browser) as tour:
        site = tour.site
        site.sign_in(tour.person)
        browser.width(WIDTHS[1])
        faults: dict[str, tuple[list[str], list[str]]] = {}
        try:
            for path in tour.screens.values():
                site.open(path)
                english = texts_of(site)
                site.open(path, language=PSEUDO)
                clipped, plain = pseudo_faults(site)
                # what is the same in English and here is a fact, or a text that is in no catalogue
                same = [FACTS.sub("", one) for one in plain if one in english]
                faults[path] = clipped, [one for one in same if re.search(r"[^\W\d_]{2}", one)]
        finally:
            browser.width(WIDTHS[0])
        assert {path: found for path, found in faults.items() if any(found)} == {}


def test_the_auditor_s_findings_name_the_party_at_fault(browser: Browser) -> None:
    with auditing(browser) as tour:
        for language, said in {"en": "At fault: Kazakhstan", "ru": "Виновная сторона: Казахстан"}.items():
            tour.site.sign_in(tour.person, language=language)
            tour.site.open("/findings", language=language)
            assert said in tour.site.text()


@pytest.mark.parametrize("name", TOURS)
def test_a_screen_weighs_at_most_a_hundred_kilobytes_without_its_faces(browser: Browser, name: str) -> None:
    with TOURS[name](browser) as tour:
        tour.site.sign_in(tour.person)
        for path in tour.screens.values():
            browser.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
            browser.driver.get_log("performance")  # type: ignore[no-untyped-call]
            tour.site.open(path)
            weight = _transferred(browser)
            assert 0 < weight <= WEIGHT_BYTES_MAX, f"{path}: {weight}"


def carried_over(site: Site, name: str, plain_browser: Browser) -> Site:
    """The person's session in a browser that runs no script, where no passkey can be shown."""
    site.sign_in(name)
    session = next(one for one in site.browser.driver.get_cookies() if one["name"] == "__Host-session")
    plain = Site(site.passkeys, plain_browser)
    plain.open("/sign-in")
    cookie = {"name": session["name"], "value": session["value"], "url": ORIGIN, "secure": True, "httpOnly": True}
    plain_browser.driver.execute_cdp_cmd("Network.setCookie", cookie)
    return plain


def test_without_scripts_an_analyst_finds_compares_and_filters(plain_browser: Browser, browser: Browser) -> None:
    with comparing(browser) as tour:
        plain = carried_over(tour.site, tour.person, plain_browser)
        plain.open("/bundles")
        plain.follow("a[href^='/bundles/']")
        assert plain.all("#cells tbody tr")
        plain.open("/corridors")
        plain.find("#by-origin option[value=KG]").click()
        plain.follow(".console-filter button")
        assert "origin=KG" in plain_browser.driver.current_url
        rows = [row.text for row in plain.all("#cells tbody tr")]
        assert rows
        assert all(row.startswith("Kyrgyzstan") for row in rows)
        plain.follow("a[href^='/corridors/KG/KZ']")
        assert plain.all("svg")
        assert plain.all("#figures tbody tr")


def test_without_scripts_an_auditor_reads_a_finding(plain_browser: Browser, browser: Browser) -> None:
    with auditing(browser) as tour:
        plain = carried_over(tour.site, tour.person, plain_browser)
        plain.open("/exchanges")
        plain.press("#by-verdict option[value='']")
        plain.follow(".console-filter button")
        plain.open(tour.screens["timeline"])
        plain.follow("a[href^='/findings#finding-']")
        assert "At fault: Kazakhstan" in plain.text()


def test_without_scripts_every_task_but_the_passkey_is_done(plain_browser: Browser, browser: Browser) -> None:
    with clearing(browser) as tour:
        plain = carried_over(tour.site, "Clearer B", plain_browser)
        plain.open("/releases/2?CITIZENSHIP=UZ")  # the first was audited too early: nobody can approve it
        assert "JavaScript" in plain.text()
        rows = plain.all("#cells tbody tr")
        assert rows
        assert all("Uzbekistan" in row.text for row in rows)
        plain.find("#by-SEX option[value=F]").click()
        plain.follow(".console-filter button")
        assert "SEX=F" in plain_browser.driver.current_url
        plain.find("#reason").send_keys("Проверьте период.")
        plain.follow("form[action$='/return'] button")
        assert "Проверьте период." in plain.text()
        plain.open("/contracts/CA-01-BORDER/1.0.0")
        assert "in force" in plain.text()
        plain.follow(".console-linkbutton")
        assert plain_browser.driver.current_url.startswith(f"{ORIGIN}/sign-in")


def test_without_scripts_a_file_that_takes_long_comes_by_itself(
    plain_browser: Browser, browser: Browser, site: Site, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    behaviour = {"behavior": "allow", "downloadPath": str(kept)}
    plain_browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
    with sheets_held() as go:
        plain = carried_over(site, "Clearer B", plain_browser)
        plain.open("/releases/1")
        plain.follow("a[href$='/sheet.pdf']")
        assert "The file is being prepared" in plain.text()
        page = plain.find("html")
        WebDriverWait(plain_browser.driver, PATIENCE_S).until(expected_conditions.staleness_of(page))
        assert "The file is being prepared" in plain.text()
        assert not kept.exists()
        go.set()
        WebDriverWait(plain_browser.driver, PATIENCE_S).until(lambda _: [*kept.glob("*.pdf")])
    assert next(kept.glob("*.pdf")).read_bytes().startswith(b"%PDF-")


def test_a_filter_changes_the_table_in_place_and_the_address(browser: Browser) -> None:
    with clearing(browser) as tour:
        site = tour.site
        site.sign_in("Clearer B")
        site.open("/releases/1")
        before = len(site.all("#cells tbody tr"))
        browser.driver.find_element(By.CSS_SELECTOR, "#by-CITIZENSHIP option[value=UZ]").click()
        site.wait("return location.search.includes('CITIZENSHIP=UZ')")
        assert 0 < len(site.all("#cells tbody tr")) < before
        site.require_sound()


def test_the_printed_sheet_says_every_figure_and_no_withheld_one(browser: Browser, tmp_path: Path) -> None:
    with clearing(browser) as tour:
        site = tour.site
        site.sign_in("Clearer B")
        site.open("/releases/1?whole=1")
        shown = [cell.text for cell in site.all("#cells td.figure")]
        file = tmp_path / "sheet.pdf"
        file.write_bytes(browser.pdf())
    said = subprocess.run(["pdftotext", "-layout", str(file), "-"], capture_output=True, text=True, check=True).stdout
    words = re.findall(r"withheld|[\d,]+", said)
    for figure in set(shown):
        assert words.count(figure) >= shown.count(figure), figure
    assert "Filter" not in said


@pytest.mark.parametrize("name", TOURS)
def test_without_scripts_every_screen_opens_and_offers_nothing_that_needs_one(
    plain_browser: Browser, browser: Browser, name: str
) -> None:
    with TOURS[name](browser) as tour:
        plain = carried_over(tour.site, tour.person, plain_browser)
        for path in tour.screens.values():
            plain.open(path)
            assert plain.find("h1").text, path
            needing = plain.all("[data-passkey], [data-passkey-problem], [data-print]")
            assert [one.get_attribute("outerHTML") for one in needing if one.is_displayed()] == [], path
            assert not plain.all("[data-passkey]") or plain.all("noscript p"), path


def _transferred(browser: Browser) -> int:
    """Bytes over the wire of the last page, faces apart."""
    lines = browser.driver.get_log("performance")  # type: ignore[no-untyped-call]
    events = [json.loads(line["message"])["message"] for line in lines]
    faces = {
        event["params"]["requestId"]
        for event in events
        if event["method"] == "Network.responseReceived" and event["params"]["type"] == "Font"
    }
    finished = [event["params"] for event in events if event["method"] == "Network.loadingFinished"]
    return int(sum(one["encodedDataLength"] for one in finished if one["requestId"] not in faces))
