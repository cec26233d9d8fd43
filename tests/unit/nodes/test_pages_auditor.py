"""The auditor's pages: what the last audit found, who is at fault, and not one figure."""

import asyncio
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.world.auditors import audited, auditor_console, browser_of
from tests.world.bundles import BundleWorld
from tests.world.desk_server import Browser
from tests.world.gateways import gateway_world

SCREENS = ("/", "/exchanges", "/findings", "/logs", "/patterns")


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> tuple[Browser, BundleWorld, str]:
    """A federation in which KG and TJ pulled, audited once; the auditor signed in; the bundle's digest."""
    folder = tmp_path_factory.mktemp("federation")
    return asyncio.run(_audited(folder))


async def _audited(folder: Path) -> tuple[Browser, BundleWorld, str]:
    async with gateway_world(folder) as world:
        for member in ("KG", "TJ"):
            assert (await world.pull(member)).status_code == 200
        digest = world.gateways["KZ"].context.library.all()[0].bundle
        await audited(world)
        context = auditor_console(world)
        browser = await asyncio.to_thread(browser_of, context)
        return browser, world.bundle, digest.hex


def soup(browser: Browser, path: str, *, language: str = "en") -> BeautifulSoup:
    answer = browser.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "lxml")


def test_the_board_shows_what_was_published_and_whether_it_was_owed(audit: tuple[Browser, BundleWorld, str]) -> None:
    browser, _, digest = audit
    page = soup(browser, "/")
    link = page.select_one(f"a[href='/exchanges/{digest}']")
    assert link is not None
    row = link.find_parent("tr")
    assert row is not None
    assert "Kazakhstan" in row.get_text()
    cell = link.find_parent("td")
    assert cell is not None
    assert "was not owed" in cell.get_text()  # September had ended before all had signed, on 1 October


def test_each_exchange_has_a_verdict_and_leads_to_its_timeline(audit: tuple[Browser, BundleWorld, str]) -> None:
    browser, _, _ = audit
    rows = soup(browser, "/exchanges").select("tbody tr")
    assert [row.get_text(" ", strip=True).count("confirmed by both sides") for row in rows] == [1, 1]
    link = rows[0].select_one("a")
    assert link is not None
    steps = soup(browser, str(link["href"])).select(".console-steps > li")
    said = [step.get_text(" ", strip=True) for step in steps]
    for sentence in ("served a pull", "received and verified the bundle", "gave a receipt", "got the receipt"):
        assert any(sentence in one for one in said), sentence
    assert all("checkpoint" in one for one in said)


def test_a_filter_is_in_the_address(audit: tuple[Browser, BundleWorld, str]) -> None:
    browser, _, _ = audit
    assert len(soup(browser, "/exchanges?puller=KG").select("tbody tr")) == 1
    assert soup(browser, "/exchanges?puller=UZ").select("tbody tr") == []


def test_every_log_stands_with_its_root_and_cosigned_time(audit: tuple[Browser, BundleWorld, str]) -> None:
    browser, bundle, _ = audit
    rows = soup(browser, "/logs").select("tbody tr")
    assert len(rows) == len(bundle.trust.members)
    assert all("holds" in row.get_text() for row in rows)


def test_not_one_figure_of_a_bundle_is_on_any_page(audit: tuple[Browser, BundleWorld, str]) -> None:
    browser, bundle, digest = audit
    rows = bundle.files["data.csv"].decode().splitlines()[1:]
    salt = rows[0].rpartition(",")[2]
    figures = {row.split(",")[11] for row in rows} - {""}
    large = {f"{int(figure):,}" for figure in figures if int(figure) > 1000}
    assert large
    for path in (*SCREENS, f"/exchanges/{digest}"):
        text = soup(browser, path).get_text(" ", strip=True)
        assert salt not in text
        assert not [figure for figure in large if figure in text]


@pytest.mark.parametrize("path", SCREENS)
def test_every_screen_speaks_russian(audit: tuple[Browser, BundleWorld, str], path: str) -> None:
    browser, _, _ = audit
    heading = soup(browser, path, language="ru").select_one("h1")
    assert heading is not None
    assert any("а" <= letter <= "я" for letter in heading.get_text())


def test_a_node_that_was_never_audited_says_what_to_do(tmp_path: Path) -> None:
    async def never() -> Browser:
        async with gateway_world(tmp_path, published=False) as world:
            return await asyncio.to_thread(browser_of, auditor_console(world))

    answer = asyncio.run(never()).get("/")
    assert answer.status_code >= 400
    assert "audit" in answer.text
