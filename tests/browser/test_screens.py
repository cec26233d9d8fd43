"""Every screen, in English and in Russian: no barrier, no complaint, nobody else's host, light enough."""

import json
import re
import subprocess
from pathlib import Path

from selenium.webdriver.common.by import By

from tests.browser.audit import audit_site
from tests.browser.chromium import Browser
from tests.browser.screens import AUDIT, DESK, desk_site
from tests.browser.site import ORIGIN, Site
from tests.world.auditors import AUDITOR

LANGUAGES = ("en", "ru")
WEIGHT_BYTES_MAX = 100 * 1024


def require_sound(site: Site, path: str, *, language: str) -> None:
    for width in (1280, 360):
        site.browser.width(width)
        site.open(path, language=language)
        assert not site.browser.overflows(), f"{path} at {width}"
    site.require_sound(but="99" if "99" in path else None)
    site.browser.width(1280)


def test_every_screen_of_the_desk_is_sound(browser: Browser) -> None:
    with desk_site(browser) as site:
        site.open("/sign-in")
        site.require_sound()
        for language in LANGUAGES:
            site.sign_in("Clearer B", language=language)
            for path in DESK.values():
                require_sound(site, path, language=language)


def test_every_screen_of_the_auditor_is_sound_and_names_the_party_at_fault(browser: Browser) -> None:
    with audit_site(browser, tampered=True) as (site, digest):
        for language in LANGUAGES:
            site.sign_in(AUDITOR, language=language)
            for path in (*AUDIT.values(), f"/exchanges/{digest}"):
                require_sound(site, path, language=language)
            site.open("/findings", language=language)
            assert {"en": "At fault: Kazakhstan", "ru": "Виновная сторона: Казахстан"}[language] in site.text()


def test_a_screen_weighs_at_most_a_hundred_kilobytes_without_its_faces(browser: Browser) -> None:
    with desk_site(browser) as site:
        site.sign_in("Clearer B")
        driver = browser.driver
        for path in DESK.values():
            driver.execute_cdp_cmd("Network.clearBrowserCache", {})
            driver.get_log("performance")  # type: ignore[no-untyped-call]
            site.open(path)
            weight = _transferred(browser)
            assert weight <= WEIGHT_BYTES_MAX, f"{path}: {weight}"


def test_without_scripts_every_task_but_the_passkey_is_done(plain_browser: Browser, browser: Browser) -> None:
    with desk_site(browser) as site:
        site.sign_in("Clearer B")
        session = next(one for one in browser.driver.get_cookies() if one["name"] == "__Host-session")
        plain = Site(site.passkeys, plain_browser)
        plain.open("/sign-in")
        cookie = {"name": session["name"], "value": session["value"], "url": ORIGIN, "secure": True, "httpOnly": True}
        plain_browser.driver.execute_cdp_cmd("Network.setCookie", cookie)
        plain.open("/releases/1?CITIZENSHIP=UZ")
        assert "JavaScript" in plain.text()
        rows = plain.all("#cells tbody tr")
        assert rows
        assert all("Uzbekistan" in row.text for row in rows)
        plain.find("#by-SEX option[value=F]").click()
        plain.press(".console-filter button")
        assert "SEX=F" in plain_browser.driver.current_url
        plain.find("#reason").send_keys("Проверьте период.")
        plain.press("form[action$='/return'] button")
        assert "Проверьте период." in plain.text()
        plain.open("/contracts/CA-01-BORDER/1.0.0")
        assert "in force" in plain.text()
        plain.press(".console-linkbutton")
        assert plain_browser.driver.current_url.startswith(f"{ORIGIN}/sign-in")


def test_a_filter_changes_the_table_in_place_and_the_address(browser: Browser) -> None:
    with desk_site(browser) as site:
        site.sign_in("Clearer B")
        site.open("/releases/1")
        before = len(site.all("#cells tbody tr"))
        browser.driver.find_element(By.CSS_SELECTOR, "#by-CITIZENSHIP option[value=UZ]").click()
        site.wait("return location.search.includes('CITIZENSHIP=UZ')")
        assert 0 < len(site.all("#cells tbody tr")) < before
        site.require_sound()


def test_the_printed_sheet_says_every_figure_and_no_withheld_one(browser: Browser, tmp_path: Path) -> None:
    with desk_site(browser) as site:
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


def test_everything_is_reached_and_done_by_the_keyboard(browser: Browser) -> None:
    with desk_site(browser) as site:
        site.sign_in("Clearer B")
        site.open("/releases/1")
        script = (
            "return [...document.querySelectorAll('a[href], button, select, textarea, summary, [tabindex]')]"
            ".filter(one => !one.hidden && one.offsetParent && one.tabIndex < 0 && !one.matches('[role=alert], main'))"
            ".map(one => one.outerHTML.slice(0, 80))"
        )
        assert browser.driver.execute_script(script) == []


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
