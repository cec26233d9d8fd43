"""Officers clear a release in a real browser, with passkeys, in English and in Russian."""

import pytest

from tests.browser.site import Site
from tests.world.desk_server import DeskServer

WORDS = {
    "en": {"heading": "What leaves the country", "withheld": "withheld", "preparer": "You prepared it"},
    "ru": {"heading": "Что покидает страну", "withheld": "скрыто", "preparer": "Вы это подготовили"},
}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_preparer_is_refused_as_clearer_and_two_others_clear_with_passkeys(
    site: Site, desk: DeskServer, language: str
) -> None:
    words = WORDS[language]
    site.sign_in("Preparer", language=language)
    site.open("/releases/1", language=language)
    assert words["heading"] in site.text()
    assert words["preparer"] in site.text()
    assert site.all("[data-passkey=approve]") == []
    site.require_sound()
    for name in ("Clearer A", "Clearer B"):
        site.sign_in(name, language=language)
        site.press(".govuk-task-list__link")
        assert words["withheld"] in site.text()
        before = desk.world.state()["approved_by"]
        site.press("[data-passkey=approve]")
        site.wait("return document.querySelector('[data-passkey=approve]') === null")
        assert len(desk.world.state()["approved_by"]) == len(before) + 1
        site.require_sound()
    assert desk.world.state()["state"] == "cleared"
    with desk.world.gateway():
        site.press("form[action$='/release'] button")
        site.wait("return document.querySelector('.govuk-tag--green') !== null")
    assert desk.world.state()["state"] == "published"
    site.require_sound()
