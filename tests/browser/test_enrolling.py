"""Somebody who was invited enrols a passkey that the browser makes, and signs in with it."""

from tests.browser.authenticator import plug_in, unplug
from tests.browser.site import Site
from tests.world.desk_server import ORIGIN, DeskServer


def test_a_new_passkey_is_enrolled_with_the_code_and_signs_in(site: Site, desk: DeskServer) -> None:
    operator = desk.signed_in("Operator A")
    proposed = operator.act(operator.post("/api/enrolments", {"name": "New", "officer": None, "roles": ["contract"]}))
    second = desk.signed_in("Operator B")
    code = second.act(second.post(f"/api/enrolments/{proposed['enrolment']}/approval"))["code"]
    driver = site.browser.driver
    driver.get(f"{ORIGIN}/enrol?lang=en")
    driver.delete_all_cookies()
    plug_in(driver)
    site.open("/enrol")
    site.find("#code").send_keys(code)
    site.find("#label").send_keys("blue key")
    site.require_sound()
    site.press("[data-passkey=enrol]")
    site.wait("return location.pathname === '/sign-in'")
    site.press("[data-passkey=login]")
    site.wait("return location.pathname === '/'")
    assert "New" in site.find(".console-person").text
    unplug(driver)
