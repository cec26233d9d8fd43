"""Debian's chromium under its own driver: no network but this machine, every violation of the page's policy kept."""

import base64
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

AXE = Path(__file__).with_name("axe.js")
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGE_HEIGHT_MAX = 16000
PAGE_S, SCRIPT_S = 120, 240
"""How long a page, and axe-core on it, may take on a machine that does ten other things."""


def installed() -> bool:
    return shutil.which("chromium") is not None and shutil.which("chromedriver") is not None


class Browser:
    """One window, with what the tests ask of every screen."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def violations(self) -> list[str]:
        """What axe-core finds on the page as it is: rule, and the elements."""
        self.driver.execute_script(AXE.read_text("utf-8"))
        found: dict[str, Any] = self.driver.execute_async_script(
            "const done = arguments[1]; axe.run(document, {runOnly: arguments[0]}).then(done, e => done({violations:"
            " [{id: String(e), nodes: []}]}))",
            AXE_RULES,
        )
        return [f"{one['id']}: {[node['html'][:120] for node in one['nodes']][:3]}" for one in found["violations"]]

    def complaints(self) -> list[str]:
        """What the console said since the last call: refused by the policy, scripts that failed, files not found."""
        return [str(line["message"]) for line in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def hosts(self) -> set[str]:
        """Every host that a page asked since the last call."""
        lines = self.driver.get_log("performance")  # type: ignore[no-untyped-call]
        events = [json.loads(line["message"])["message"] for line in lines]
        asked = [
            event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"
        ]
        return {urlsplit(url).hostname or "" for url in asked if urlsplit(url).scheme in {"http", "https", "ws", "wss"}}

    def width(self, pixels: int) -> None:
        metrics = {"width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": pixels < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def zoomed(self) -> None:
        """A window of 1280 pixels at twice the size: half as wide, each pixel doubled (WCAG 1.4.4)."""
        metrics = {"width": 640, "height": 450, "deviceScaleFactor": 2, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def screenshot(self, file: Path) -> None:
        """The whole page, not only what fits the window."""
        size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], PAGE_HEIGHT_MAX), "scale": 1}
        asked = {"format": "png", "captureBeyondViewport": True, "clip": clip}
        file.write_bytes(base64.b64decode(self.driver.execute_cdp_cmd("Page.captureScreenshot", asked)["data"]))

    def pdf(self) -> bytes:
        """The page as the printer gets it."""
        asked = {"printBackground": False, "preferCSSPageSize": True}
        return base64.b64decode(self.driver.execute_cdp_cmd("Page.printToPDF", asked)["data"])

    def overflows(self) -> bool:
        """Whether the page is wider than its window: then people scroll in two directions (WCAG 1.4.10)."""
        script = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
        return bool(self.driver.execute_script(script))


@contextmanager
def chromium(*, language: str = "en", javascript: bool = True) -> Iterator[Browser]:
    options = ChromeOptions()
    arguments = (
        "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-extensions",
        "--disable-background-networking", "--disable-component-update", "--no-first-run", f"--lang={language}",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
    )  # fmt: skip
    for argument in arguments:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    preferences: dict[str, Any] = {"intl.accept_languages": language}
    if not javascript:
        preferences["profile.managed_default_content_settings.javascript"] = 2
    options.add_experimental_option("prefs", preferences)
    options.binary_location = shutil.which("chromium") or "chromium"
    os.environ["SE_OFFLINE"] = "true"
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_page_load_timeout(PAGE_S)
    driver.set_script_timeout(SCRIPT_S)
    try:
        yield Browser(driver)
    finally:
        driver.quit()
