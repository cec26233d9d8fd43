"""The auditor's pages: what the last audit found, who is at fault, and not one figure."""

import asyncio
import csv
import io
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from markupsafe import escape

from exchange.reconcile.report import format_report, sign_report
from exchange.signing.keys import KeyPurpose
from nodes.adapters.key_files import read_signer
from nodes.auditor.pages.app import AuditorContext
from nodes.auditor.report_commands import REPORT, REPORTS, SIGNATURE
from nodes.web.pages.catalogues import catalogues
from nodes.web.pages.rendering import told
from tests.world.auditors import audited, auditor_console, browser_of
from tests.world.bundles import BundleWorld
from tests.world.desk_server import Browser
from tests.world.gateways import gateway_world

SCREENS = ("/", "/exchanges", "/findings", "/logs", "/patterns", "/audits", "/reports")
LISTS = ("/board", "/exchanges", "/findings", "/logs", "/patterns", "/audits", "/reports")
REPORT_NAME = "2026-10-02T110000Z"
RUSSIAN = "набор <a> участника KZ: не проходит проверку: "
QUOTED = "bundle-damaged: KZ refused <b>: stored bytes: expected sha256:00"


@dataclass(frozen=True)
class Audited:
    """A federation in which KG and TJ pulled, audited once, with one signed report; the auditor signed in."""

    context: AuditorContext
    browser: Browser
    bundle: BundleWorld
    digest: str


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    async def run(folder: Path) -> Audited:
        async with gateway_world(folder) as world:
            for member in ("KG", "TJ"):
                assert (await world.pull(member)).status_code == 200
            digest = world.gateways["KZ"].context.library.all()[0].bundle
            await audited(world)
            context = auditor_console(world)
            sign(context, REPORT_NAME)
            browser = await asyncio.to_thread(browser_of, context)
            return Audited(context, browser, world.bundle, digest.hex)

    return asyncio.run(run(tmp_path_factory.mktemp("federation")))


@pytest.fixture(scope="module")
def audit(console: Audited) -> tuple[Browser, BundleWorld, str]:
    """The auditor's browser, what was released, and its digest."""
    return console.browser, console.bundle, console.digest


def sign(context: AuditorContext, name: str) -> Path:
    """A report of the last audit, as `audit report` leaves it in the node's folder."""
    folder = context.node.path / REPORTS / name
    folder.mkdir(parents=True)
    signed = format_report(context.audit.read().run, auditor="IOM")
    signer = read_signer(context.node.private, KeyPurpose.TRANSPORT, passphrase=None, demo=True)
    (folder / REPORT).write_bytes(signed)
    (folder / SIGNATURE).write_bytes(sign_report(signed, signer=signer))
    return folder


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
    russian = soup(browser, str(link["href"]), language="ru").select(".console-steps > li")
    assert any("получил квитанцию" in step.get_text() and ": принят" in step.get_text() for step in russian)
    assert not any("accepted" in step.get_text() for step in russian)


def test_a_filter_is_in_the_address(audit: tuple[Browser, BundleWorld, str]) -> None:
    browser, _, _ = audit
    assert len(soup(browser, "/exchanges?puller=KG").select("tbody tr")) == 1
    assert soup(browser, "/exchanges?puller=UZ").select("tbody tr") == []


@pytest.mark.parametrize("path", LISTS)
def test_each_list_has_the_same_rows_as_csv_and_json(audit: tuple[Browser, BundleWorld, str], path: str) -> None:
    browser, _, _ = audit
    page = soup(browser, "/" if path == "/board" else path)
    links = {str(link["href"]) for link in page.select(".console-links a")}
    rows = browser.get(f"{path}.json").json()["rows"]
    written = list(csv.DictReader(io.StringIO(browser.get(f"{path}.csv").content.decode("utf-8-sig"))))
    assert len(written) == len(rows)
    assert ({f"{path}.csv", f"{path}.json"} <= links) is bool(rows)
    assert rows or path == "/findings"
    for one, other in zip(rows, written, strict=True):
        assert list(one) == list(other)


def test_a_filter_holds_for_page_and_files_alike(audit: tuple[Browser, BundleWorld, str]) -> None:
    browser, _, _ = audit
    assert [one["puller"] for one in browser.get("/exchanges.json?puller=KG").json()["rows"]] == ["KG"]
    link = soup(browser, "/exchanges?puller=KG").select_one("a[href^='/exchanges.csv']")
    assert link is not None
    assert link["href"] == "/exchanges.csv?puller=KG"
    assert "Choose fewer filters" in soup(browser, "/exchanges?puller=UZ").get_text()


@pytest.mark.parametrize("path", [*(f"{path}.csv" for path in LISTS), f"/reports/{REPORT_NAME}/report.json"])
def test_a_stranger_gets_no_file_of_a_list(audit: tuple[Browser, BundleWorld, str], path: str) -> None:
    browser, _, _ = audit
    assert Browser(browser.app, browser.passkey).get(path).status_code == 303


def test_a_timeline_is_a_file_too_with_the_checkpoint_over_each_entry(audit: tuple[Browser, BundleWorld, str]) -> None:
    browser, _, digest = audit
    rows = browser.get(f"/exchanges/{digest}/entries.json").json()["rows"]
    assert [(one["log"], one["type"]) for one in rows][:1] == [("KZ", "bundle.published")]
    assert all(one["checkpoint_size"] > one["index"] and one["proof"] == "holds" for one in rows)


def test_a_signed_report_is_listed_with_its_check_and_as_page_and_pdf(audit: tuple[Browser, BundleWorld, str]) -> None:
    browser, _, _ = audit
    section = soup(browser, "/reports").select_one("section")
    assert section is not None
    assert "the signature holds" in section.get_text()
    names = {str(link["href"]).rpartition("/")[2] for link in section.select("ul a")}
    assert names == {"report.json", "report.jws"} | {
        f"report.{language}.{form}" for language in ("en", "ru") for form in ("html", "pdf")
    }
    signed = browser.get(f"/reports/{REPORT_NAME}/report.json").content
    for language in ("en", "ru"):
        page = browser.get(f"/reports/{REPORT_NAME}/report.{language}.html")
        assert f"sha256:{sha256(signed).hexdigest()}" in page.text
        assert "attachment" in page.headers["content-disposition"]
    assert browser.get(f"/reports/{REPORT_NAME}/report.en.pdf").content.startswith(b"%PDF-")


def test_a_report_with_one_bit_changed_is_red_and_has_no_pages(console: Audited) -> None:
    folder = sign(console.context, "2026-10-03T110000Z")
    raw = bytearray((folder / REPORT).read_bytes())
    raw[raw.index(b"green") + 8] ^= 1
    (folder / REPORT).write_bytes(raw)
    section = soup(console.browser, "/reports?verdict=fails").select_one("section")
    assert section is not None
    assert "does not hold" in section.get_text()
    assert [str(link["href"]).rpartition("/")[2] for link in section.select("ul a")] == ["report.json", "report.jws"]
    assert console.browser.get(f"/reports/{folder.name}/report.en.html").status_code >= 400


@pytest.mark.parametrize("path", ["/reports/none/report.json", f"/reports/{REPORT_NAME}/passphrase", "/reports/../x/y"])
def test_only_files_of_reports_are_served(audit: tuple[Browser, BundleWorld, str], path: str) -> None:
    assert audit[0].get(path).status_code == 404


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


@pytest.mark.parametrize(
    ("language", "marked"),
    [
        pytest.param("en", [], id="in English, as it is"),
        pytest.param("ru", [("en", QUOTED)], id="in Russian"),
        pytest.param("kk", [("ru", RUSSIAN + QUOTED), ("en", QUOTED)], id="in Kazakh, within the Russian sentence"),
    ],
)
def test_what_a_finding_quotes_of_a_partner_is_marked_as_english(language: str, marked: list[tuple[str, str]]) -> None:
    finding = {"en": "bundle <a> of KZ: does not verify: " + QUOTED, "ru": RUSSIAN + QUOTED}
    core = catalogues()[language].core
    shown = BeautifulSoup(escape(told(finding, core, page=language)), "lxml")
    assert shown.get_text() == finding[core]
    assert [(one["lang"], one.get_text()) for one in shown.select("[lang]")] == marked


def test_a_hash_or_a_code_at_the_end_of_a_finding_is_in_no_language() -> None:
    finding = {"en": "log of KZ: its root is: sha256:00ff", "ru": "журнал KZ: его корень: sha256:00ff"}
    assert told(finding, "ru", page="ru") == finding["ru"]


def test_a_node_that_was_never_audited_says_what_to_do(tmp_path: Path) -> None:
    async def never() -> Browser:
        async with gateway_world(tmp_path, published=False) as world:
            return await asyncio.to_thread(browser_of, auditor_console(world))

    answer = asyncio.run(never()).get("/")
    assert answer.status_code >= 400
    assert "audit" in answer.text
