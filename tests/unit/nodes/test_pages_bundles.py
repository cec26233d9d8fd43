"""Pulled and published bundles as pages and downloads: verified now, nothing shown of what does not hold."""

import csv
import io
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from zipfile import ZipFile

import pyarrow.parquet as pq  # type: ignore[import-untyped]  # it has no stubs
import pytest
from bs4 import BeautifulSoup

from exchange.encoding import Digest
from exchange.manifest import DATA, MANIFEST
from exchange.publication.withdrawal import WITHDRAWAL, Withdrawal, format_withdrawal, propose_withdrawal
from nodes.adapters.durable import write_folder_durably
from nodes.desk.pages.outliers import outliers
from nodes.desk.sheet import CellKind, SheetCell, SheetRow
from nodes.web.pages.files import harmless
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


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t1", "\r1"])
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


def one_way(dimension: str, **fixed: str) -> dict[str, str]:
    """The published figures of one dimension at the totals of the others, as the file has them."""
    others = [name for name in published()[0] if name.isupper() and name not in {dimension, *fixed, *NOT_A_DIMENSION}]
    rows = [row for row in published() if all(row[name] == code for name, code in fixed.items())]
    kept = [row for row in rows if row[dimension] != "_T" and all(row[name] == "_T" for name in others)]
    return {row[dimension]: row["OBS_VALUE"] for row in kept}


NOT_A_DIMENSION = {
    "STRUCTURE", "STRUCTURE_ID", "ACTION", "TIME_PERIOD", "OBS_VALUE", "OBS_STATUS", "CONF_STATUS", "RELEASE_SALT",
}  # fmt: skip


def test_the_chart_shows_each_figure_of_one_dimension_and_no_length_for_a_withheld_one(desk: DeskServer) -> None:
    page = soup(desk.signed_in("Preparer"), address())
    expected = one_way("CITIZENSHIP", DIRECTION="IN")
    rows = page.select("table.chart-bars tbody tr")
    said = sorted(row.select("td")[0].get_text(strip=True).replace(",", "") for row in rows)
    assert said == sorted(figure or "withheld" for figure in expected.values())
    lengths = [float(str(bar["width"])) for bar in page.select("table.chart-bars rect")]
    assert len(lengths) == sum(bool(figure) for figure in expected.values())
    assert lengths == sorted(lengths, reverse=True)
    figures = sorted((int(figure) for figure in expected.values() if figure), reverse=True)
    # The longest is 100 units; each other is its share of the greatest, to a tenth.
    assert lengths == [round(100 * figure / figures[0], 1) for figure in figures]


def test_the_chart_follows_the_address_and_the_filters(desk: DeskServer) -> None:
    page = soup(desk.signed_in("Preparer"), f"{address()}?chart=SEX&DIRECTION=OUT")
    said = [row.select("td")[0].get_text(strip=True) for row in page.select("table.chart-bars tbody tr")]
    expected = one_way("SEX", DIRECTION="OUT")
    assert sorted(said) == sorted(f"{int(figure):,}" if figure else "withheld" for figure in expected.values())
    caption = page.select_one("table.chart-bars caption")
    assert caption is not None
    assert caption.get_text().startswith("Sex")


def test_a_parquet_file_holds_every_row_exactly_and_says_where_it_is_from(desk: DeskServer) -> None:
    answer = desk.signed_in("Preparer").get(f"{address()}/table.parquet")
    assert answer.headers["content-disposition"].endswith('.parquet"')
    found = pq.read_table(io.BytesIO(answer.content))
    rows = published()
    assert found.num_rows == len(rows)
    by_key = {
        tuple(row[name] for name in found.column_names if name in row and name != "OBS_VALUE"): row["OBS_VALUE"]
        for row in rows
    }
    names = [name for name in found.column_names if name in rows[0] and name != "OBS_VALUE"]
    read = {tuple(line[name] for name in names): line["OBS_VALUE"] for line in found.to_pylist()}
    assert read == {key: Decimal(value) if value else None for key, value in by_key.items()}
    assert found.schema.metadata[b"bundle"].decode() == f"sha256:{address().rpartition('/')[2]}"
    assert {line["CELL"] for line in found.to_pylist() if line["OBS_VALUE"] is None} == {"withheld"}


def test_the_desk_does_not_hold_the_writer_of_parquet_until_it_is_asked_for() -> None:
    code = "import sys, nodes.desk.main; print('pyarrow' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_the_verification_names_each_check_who_answers_for_it_and_when(desk: DeskServer) -> None:
    page = soup(desk.signed_in("Preparer"), address())
    rows = [[cell.get_text(" ", strip=True) for cell in row.select("th, td")] for row in page.select("details tr")[1:]]
    checks = {row[0]: row[1:] for row in rows}
    assert checks["clearance"][0] == "holds"
    assert "kz-02" in checks["clearance"][1]
    assert "witnessed by a quorum" in checks["cosignatures"][1]
    assert "by the desk of Kazakhstan" in page.get_text()


def test_a_bundle_that_its_provider_took_back_says_so_first(fresh: DeskServer) -> None:
    folder = fresh.node.taken_back / address().rpartition("/")[2]
    common = propose_withdrawal(
        Digest.of(bundle_world().files[MANIFEST]), reason="counted twice", at=fresh.world.clock.now()
    )
    withdrawal = format_withdrawal(Withdrawal(common=common, approvals=()))
    write_folder_durably(folder, {WITHDRAWAL: withdrawal})
    browser = fresh.signed_in("Preparer")
    assert "Its provider has withdrawn it: do not use it." in soup(browser, address()).get_text()
    assert "counted twice" in soup(browser, "/receipts").get_text()
