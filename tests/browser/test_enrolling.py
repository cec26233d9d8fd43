"""Somebody who was invited enrols a passkey that the browser makes, and signs in with it."""

from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

from tests.browser.site import ORIGIN, Site
from tests.world.desk_server import DeskServer


def test_a_new_passkey_is_enrolled_with_the_code_and_signs_in(site: Site, desk: DeskServer) -> None:
    operator = desk.signed_in("Operator A")
    proposed = operator.act(operator.post("/api/enrolments", {"name": "New", "officer": None, "roles": ["contract"]}))
    second = desk.signed_in("Operator B")
    code = second.act(second.post(f"/api/enrolments/{proposed['enrolment']}/approval"))["code"]
    driver = site.browser.driver
    driver.get(f"{ORIGIN}/enrol?lang=en")
    driver.delete_all_cookies()
    if driver.virtual_authenticator_id is not None:
        driver.remove_virtual_authenticator()
    options = VirtualAuthenticatorOptions(
        protocol=VirtualAuthenticatorOptions.Protocol.CTAP2,
        transport=VirtualAuthenticatorOptions.Transport.INTERNAL,
        has_resident_key=True,
        has_user_verification=True,
        is_user_verified=True,
    )
    driver.add_virtual_authenticator(options)
    site.open("/enrol")
    site.find("#code").send_keys(code)
    site.find("#label").send_keys("blue key")
    site.require_sound()
    site.press("[data-passkey=enrol]")
    site.wait("return location.pathname === '/sign-in'")
    site.press("[data-passkey=login]")
    site.wait("return location.pathname === '/'")
    assert "New" in site.find(".console-person").text
    driver.remove_virtual_authenticator()
