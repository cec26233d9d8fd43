"""A served console in a browser: people with passkeys, and what every screen of theirs must keep to."""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from selenium.webdriver.common.by import By
from selenium.webdriver.common.virtual_authenticator import Credential
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

from exchange.encoding import base64url_encode
from tests.browser.authenticator import plug_in
from tests.browser.chromium import Browser
from tests.world.desk_server import ORIGIN
from tests.world.passkeys import Authenticator

ORIGIN_PORT = int(ORIGIN.rpartition(":")[2])
PATIENCE_S = 60


@dataclass
class Site:
    """One console in one window; `passkeys` by the names of their holders."""

    passkeys: Mapping[str, Authenticator]
    browser: Browser
    origin: str = ORIGIN

    def __post_init__(self) -> None:
        """What an earlier site left in the browser's logs is not this one's."""
        self.browser.complaints()
        self.browser.hosts()

    def open(self, path: str, *, language: str = "en") -> None:
        joined = "&" if "?" in path else "?"
        self.browser.driver.get(f"{self.origin}{path}{joined}lang={language}")

    def sign_in(self, name: str, *, language: str = "en") -> None:
        """As this person, whose passkey the browser's authenticator holds."""
        driver = self.browser.driver
        driver.get(f"{self.origin}/sign-in")
        driver.delete_all_cookies()
        self._hold(name)
        self.open("/sign-in", language=language)
        self.press("[data-passkey=login]")
        self.wait("return location.pathname === '/'")

    def press(self, selector: str) -> None:
        self.find(selector).click()

    def follow(self, selector: str) -> None:
        """Press what leads to another page, and wait for it: a click may return before the answer is there."""
        page = self.find("html")
        self.press(selector)
        WebDriverWait(self.browser.driver, PATIENCE_S).until(expected_conditions.staleness_of(page))

    def find(self, selector: str) -> WebElement:
        return self.browser.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.browser.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self) -> str:
        return self.find("main").text

    def wait(self, script: str) -> None:
        WebDriverWait(self.browser.driver, PATIENCE_S).until(lambda driver: driver.execute_script(script))

    def require_sound(self, *, but: str | None = None) -> None:
        """No accessibility violation, no complaint of the page's policy, no script error, nobody else's host.

        Args:
            but: Part of an address whose refusal is meant.
        """
        assert self.browser.violations() == []
        assert [one for one in self.browser.complaints() if but is None or but not in one] == []
        assert self.browser.hosts() <= {"localhost"}

    def _hold(self, name: str) -> None:
        """Put the person's passkey into a virtual authenticator (WebAuthn Level 3, section 11)."""
        driver, passkey = self.browser.driver, self.passkeys[name]
        if driver.virtual_authenticator_id is not None:
            for held in driver.get_credentials():  # its counter goes on where it was
                for one in self.passkeys.values():
                    if held.id.rstrip("=") == base64url_encode(one.credential_id):
                        one.sign_count = max(one.sign_count, held.sign_count)
        plug_in(driver)
        key = passkey.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        credential = Credential.create_resident_credential(
            passkey.credential_id, passkey.rp_id, name.encode(), key, passkey.sign_count
        )
        driver.add_credential(credential)
