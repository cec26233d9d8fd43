"""Pulled and published bundles as pages and downloads: verified now, nothing shown of what does not hold."""

import csv
import io
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from zipfile import ZipFile

import pytest
from bs4 import BeautifulSoup

from exchange.encoding import Digest
from exchange.manifest import DATA, MANIFEST
from nodes.adapters.durable import write_folder_durably
from nodes.desk.pages.downloads import harmless
from nodes.desk.pages.outliers import outliers
from nodes.desk.sheet import CellKind, SheetCell, SheetRow
from tests.world.bundles import bundle_world
from tests.world.desk import WITHHELD, figure, table
from tests.world.desk_server import Browser, DeskServer, desk_server

FORMULAS = b"<f>"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    """One desk for what only looks."""
    return _desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def fresh(tmp_path: Path) -> DeskServer:
    """A desk to damage."""
    return _desk(tmp_path)


def _desk(folder: Path) -> DeskServer:
    """With a pulled bundle of the bundle world; the same federation, the same contract."""
    server = desk_server(folder / "kz")
    write_folder_durably(server.node.pulled / "KZ" / "CA-01-BORDER" / "2026-09-r0", bundle_world().files)
    return server


def address() -> str:
    return f"/bundles/{Digest.of(bundle_world().files[MANIFEST]).hex}"


def soup(browser: Browser, path: str) -> BeautifulSoup:
    answer = browser.get(path, headers={"Accept-Language": "en"})
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "lxml")


def published() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(bundle_world().files[DATA].decode())))


def test_a_pulled_bundle_is_listed_and_every_check_is_made_when_it_is_looked_at(desk: DeskServer) -> None:
    browser = desk.signed_in("Preparer")
    link = soup(browser, "/bundles").select_one(f"a[href='{address()}']")
    assert link is not None
    page = soup(browser, address())
    assert "every check holds" in page.get_text()
    assert len(page.select("#cells tbody tr")) == len(published())


def test_of_an_altered_bundle_nothing_is_shown(fresh: DeskServer) -> None:
    file = fresh.node.pulled / "KZ" / "CA-01-BORDER" / "2026-09-r0" / DATA
    figure_there = max((row["OBS_VALUE"] for row in published()), key=len).encode()
    file.write_bytes(file.read_bytes().replace(b"," + figure_there + b",", b",98765,", 1))
    browser = fresh.signed_in("Preparer")
    for path in (address(), f"{address()}/table.csv", f"{address()}/table.xlsx"):
        answer = browser.get(path)
        assert answer.status_code == 422
        assert b"98765" not in answer.content.replace(b",", b"")


def test_a_broken_signature_hides_the_figures(fresh: DeskServer) -> None:
    file = fresh.node.pulled / "KZ" / "CA-01-BORDER" / "2026-09-r0" / "datapackage.jws"
    raw = file.read_bytes()
    file.write_bytes(raw.replace(b'"signature":"', b'"signature":"A', 1))
    page = soup(fresh.signed_in("Preparer"), address())
    assert page.select("#cells") == []
    assert "Its figures are not shown" in page.get_text()


def test_a_csv_download_has_the_bundles_figures_and_no_zero_for_what_is_withheld(desk: DeskServer) -> None:
    answer = desk.signed_in("Preparer").get(f"{address()}/table.csv", headers={"Accept-Language": "ru"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["OBS_VALUE"] for row in rows] == [row["OBS_VALUE"] for row in sorted_rows(published())]
    assert {row["CELL"] for row in rows if not row["OBS_VALUE"]} == {"withheld"}


def test_a_workbook_holds_numbers_and_texts_and_no_formula(desk: DeskServer) -> None:
    answer = desk.signed_in("Preparer").get(f"{address()}/table.xlsx")
    with ZipFile(io.BytesIO(answer.content)) as book:
        sheets = [book.read(name) for name in book.namelist() if name.startswith("xl/worksheets/")]
    assert len(sheets) == 2
    assert not any(FORMULAS in sheet for sheet in sheets)
    figures = sum(1 for row in published() if row["OBS_VALUE"])
    assert sheets[0].count(b"<v>") - sheets[0].count(b't="s"') == figures


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_begins_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"


def test_an_ordinary_text_stays_as_it_is() -> None:
    assert harmless("Zhetisu region") == "Zhetisu region"


def test_an_own_release_is_shown_from_the_ledger(fresh: DeskServer) -> None:
    bundle = fresh.world.release_earlier(table(), period="2026-08")
    page = soup(fresh.signed_in("Clearer A"), f"/bundles/{bundle.hex}")
    assert "An own release" in page.get_text()
    assert len(page.select("#cells tbody td.console-withheld")) == len(WITHHELD)


def test_an_operator_sees_no_bundle(desk: DeskServer) -> None:
    operator = desk.signed_in("Operator A")
    assert [operator.get(path).status_code for path in ("/bundles", address(), f"{address()}/table.csv")] == [403] * 3


def test_a_figure_that_jumps_alone_stands_out() -> None:
    steady = {f"A{n}": (100 + n, 102 + n) for n in range(12)}
    found = outliers(pairs(steady | {"B": (100, 300)}))
    assert [row.key for row in found] == [("B",)]


@pytest.mark.parametrize(
    "figures",
    [
        pytest.param({f"A{n}": (100 + n, 300 + 3 * n) for n in range(12)}, id="all tripled alike"),
        pytest.param({f"A{n}": (100, 100) for n in range(12)} | {"B": (3, 9)}, id="a small figure tripled"),
        pytest.param({f"A{n}": (100, 100) for n in range(5)} | {"B": (100, 900)}, id="too few to compare"),
    ],
)
def test_what_moves_with_the_rest_or_is_small_or_incomparable_does_not(figures: Mapping[str, tuple[int, int]]) -> None:
    assert outliers(pairs(figures)) == ()


def pairs(figures: Mapping[str, tuple[int, int]]) -> tuple[SheetRow, ...]:
    return tuple(SheetRow(key=(key,), now=cell(now), before=cell(before)) for key, (before, now) in figures.items())


def cell(value: int) -> SheetCell:
    return SheetCell(kind=CellKind.FIGURE, figure=Decimal(figure(value).value or 0), status="A N")


def sorted_rows(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """By the codes of the key, as the page lists them."""
    dimensions = list(rows[0])[3:10]
    return sorted(rows, key=lambda row: [row[name] for name in dimensions])
