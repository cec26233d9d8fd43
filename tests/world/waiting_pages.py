"""Pages of a desk whose gateway asks partners beside the request: looked at again until all have answered."""

from time import monotonic, sleep

from bs4 import BeautifulSoup

from tests.world.desk_server import Browser

PATIENCE_S = 60.0


def settled(browser: Browser, path: str) -> BeautifulSoup:
    """The page in English, once nobody is being asked any more."""
    limit = monotonic() + PATIENCE_S
    while True:
        answer = browser.get(path, headers={"Accept-Language": "en"})
        assert answer.status_code == 200, (path, answer.text[:400])
        page = BeautifulSoup(answer.text, "lxml")
        if "Partners are being asked." not in page.get_text():
            return page
        assert monotonic() < limit, page.get_text(" ", strip=True)
        sleep(0.05)
