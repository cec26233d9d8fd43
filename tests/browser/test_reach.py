"""The main task without a mouse, and at twice the size: an officer finds what waits, reads it, and approves."""

from selenium.webdriver.common.keys import Keys

from tests.browser.chromium import Browser
from tests.browser.site import Site
from tests.world.desk_server import DeskServer

TABS_MAX = 200
TASK, APPROVE = ".govuk-task-list__link", "[data-passkey=approve]"
MARKED = """
const marked = one => { const {outlineStyle, boxShadow} = getComputedStyle(one);
  return outlineStyle !== 'none' || boxShadow !== 'none'; };
return marked(document.activeElement);
"""


def tab_to(site: Site, selector: str) -> None:
    """From one stop of the keyboard to the next until this one; each of them is seen to have the focus."""
    driver = site.browser.driver
    for _ in range(TABS_MAX):
        driver.switch_to.active_element.send_keys(Keys.TAB)
        assert driver.execute_script(MARKED), driver.switch_to.active_element.get_attribute("outerHTML")
        if driver.execute_script("return document.activeElement.matches(arguments[0])", selector):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


def test_an_officer_clears_by_the_keyboard_alone(site: Site, desk: DeskServer) -> None:
    site.sign_in("Clearer A")
    tab_to(site, TASK)
    site.browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    site.wait("return location.pathname.startsWith('/releases/')")
    tab_to(site, APPROVE)
    site.browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    site.wait(f"return document.querySelector('{APPROVE}') === null")
    assert desk.world.state()["approved_by"] == ["kz-02"]


def test_an_officer_clears_at_twice_the_size_and_scrolls_one_way_only(
    site: Site, desk: DeskServer, browser: Browser
) -> None:
    browser.zoomed()
    try:
        site.sign_in("Clearer B")
        assert not browser.overflows()
        site.press(TASK)
        assert not browser.overflows()
        site.press(APPROVE)
        site.wait(f"return document.querySelector('{APPROVE}') === null")
        assert not browser.overflows()
        site.require_sound()
    finally:
        browser.width(1280)
    assert desk.world.state()["approved_by"] == ["kz-03"]
