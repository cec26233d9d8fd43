"""An officer adds a passkey on /own, signs in with it and removes it; then it opens nothing."""

from collections.abc import Sequence

from selenium.webdriver.common.virtual_authenticator import Credential

from tests.browser.authenticator import plug_in, unplug
from tests.browser.site import Site
from tests.world.desk_server import DeskServer

LABEL = "blue key in the safe"


def test_a_passkey_is_added_signs_in_is_removed_and_then_opens_nothing(site: Site, desk: DeskServer) -> None:
    site.sign_in("Preparer")
    desk.world.clock.move(seconds=desk.context.console.settings.step_up_s + 1)
    site.open("/own")
    assert site.all("[data-passkey=add]") == []
    site.follow("[data-passkey=step-up]")
    first = held(site)
    plug_in(site.browser.driver)  # another device: the one that holds the first passkey makes no second for this site
    site.find("#label").send_keys(LABEL)
    site.require_sound()
    site.follow("[data-passkey=add]")
    assert passkeys(site) == {"Preparer": "Remove", LABEL: "Remove"}
    second = held(site)
    try:
        sign_in_again(site)
        assert "Preparer" in site.find(".console-person").text
        second = held(site)
        hold(site, first)
        sign_in_again(site)
        site.open("/own")
        site.follow(f'button[aria-label="Remove: {LABEL}"]')
        assert passkeys(site)["Preparer"] == "your only one"
        assert passkeys(site)[LABEL].startswith("counts no more")
        hold(site, second)
        refused_at_sign_in(site)
    finally:
        unplug(site.browser.driver)


def passkeys(site: Site) -> dict[str, str]:
    """What the page says of each passkey, by its label."""
    rows = site.all("#passkeys ~ .console-scroll tbody tr")
    return {
        row.find_element("css selector", "th").text: row.find_elements("css selector", "td")[1].text for row in rows
    }


def held(site: Site) -> Sequence[Credential]:
    """What the device that is plugged in holds, counters included."""
    return site.browser.driver.get_credentials()


def hold(site: Site, credentials: Sequence[Credential]) -> None:
    """Another device in place of the one before, with these passkeys."""
    plug_in(site.browser.driver)
    for credential in credentials:
        site.browser.driver.add_credential(credential)


def at_the_door(site: Site) -> None:
    """The sign-in page in a browser that has no session."""
    site.open("/sign-in")
    site.browser.driver.delete_all_cookies()
    site.open("/sign-in")


def sign_in_again(site: Site) -> None:
    at_the_door(site)
    site.press("[data-passkey=login]")
    site.wait("return location.pathname === '/'")


def refused_at_sign_in(site: Site) -> None:
    at_the_door(site)
    site.press("[data-passkey=login]")
    site.wait("return !document.querySelector('[data-passkey-problem]').hidden")
    assert site.find("[data-passkey-problem]").text != ""
    assert site.browser.driver.execute_script("return location.pathname") == "/sign-in"
    site.open("/own")
    assert site.browser.driver.execute_script("return location.pathname") == "/sign-in"
