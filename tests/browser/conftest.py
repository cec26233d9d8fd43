"""`make test-browser`: real pages of a real desk and a real audit in Debian's chromium (chromium, chromium-driver)."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Browser, chromium, installed
from tests.browser.serving import port, served
from tests.browser.site import ORIGIN_PORT, Site
from tests.world.desk import ASKED
from tests.world.desk_server import DeskServer, desk_server

ASKED_FOR = "EXCHANGE_TEST_BROWSER"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Elsewhere than in `make test-browser` these tests are skipped; there, a missing browser is a failure."""
    if os.environ.get(ASKED_FOR) is None:
        for item in items:
            if item.path.is_relative_to(Path(__file__).parent):
                item.add_marker(pytest.mark.skip(reason="make test-browser runs it"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    assert installed(), "apt-get install chromium chromium-driver"
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def plain_browser() -> Iterator[Browser]:
    """One that runs no script."""
    assert installed(), "apt-get install chromium chromium-driver"
    with chromium(javascript=False) as found:
        yield found


@pytest.fixture
def desk(tmp_path: Path) -> DeskServer:
    """KZ's desk, with one candidate before the officers."""
    server = desk_server(tmp_path / "kz")
    server.world.act("bundle", "submit", *ASKED)
    return server


@pytest.fixture
def site(desk: DeskServer, browser: Browser) -> Iterator[Site]:
    """The desk served to the browser."""
    sock = port(ORIGIN_PORT)
    with served(desk.app, sock):
        yield Site(desk.passkeys, browser)
