"""The browser's virtual authenticator (Web Authentication Level 3, section 11): one person's device, empty at first."""

from selenium.webdriver import Chrome
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions


def plug_in(driver: Chrome) -> None:
    """Another person's device in place of the one before; it asks nobody for a touch or a finger."""
    unplug(driver)
    options = VirtualAuthenticatorOptions(
        protocol=VirtualAuthenticatorOptions.Protocol.CTAP2,
        transport=VirtualAuthenticatorOptions.Transport.INTERNAL,
        has_resident_key=True,
        has_user_verification=True,
        is_user_verified=True,
    )
    driver.add_virtual_authenticator(options)


def unplug(driver: Chrome) -> None:
    if driver.virtual_authenticator_id is not None:
        driver.remove_virtual_authenticator()
