"""Lists: filters in the address, pages of two hundred, and everything they leave as CSV and JSON, safe to open."""

import csv
import io
from dataclasses import dataclass

import pytest
from bs4 import BeautifulSoup

from nodes.web.pages.files import format_csv, harmless
from nodes.web.pages.lists import ROWS_PER_PAGE, Listing
from tests.world.desk import ASKED
from tests.world.desk_server import DeskServer, desk_server


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    """KZ's desk, with one candidate before the officers."""
    server = desk_server(tmp_path_factory.mktemp("desk") / "kz")
    server.world.act("bundle", "submit", *ASKED)
    return server


@dataclass(frozen=True)
class Parcel:
    number: int
    country: str
    marks: tuple[str, ...] = ()


PARCELS: Listing[Parcel] = Listing(
    name="parcels",
    page="/parcels",
    columns={
        "number": lambda one: one.number,
        "country": lambda one: one.country,
        "marks": lambda one: one.marks,
        "even": lambda one: one.number % 2 == 0,
        "none": lambda _: None,
    },
    filters=("country", "marks"),
)
MANY = [Parcel(number, "KZ" if number % 3 else "KG", ("red", "blue")[: number % 3]) for number in range(500)]


def test_a_page_holds_two_hundred_rows_and_says_where_the_others_are() -> None:
    first, last, beyond = (PARCELS.show(MANY, {"page": page}) for page in ("1", "3", "99"))
    assert [one.number for one in first.rows] == list(range(ROWS_PER_PAGE))
    assert [one.number for one in last.rows] == list(range(400, 500))
    assert (beyond.page, first.pages, first.found) == (3, 3, 500)
    assert first.at(2) == "/parcels?page=2"


@pytest.mark.parametrize(("page", "before"), [("1", 0), ("3", 400), ("4", 400), ("99", 400), ("two", 0)])
def test_of_a_list_that_a_store_cuts_a_page_beyond_the_last_is_the_last(page: str, before: int) -> None:
    assert PARCELS.skip({"page": page}, found=500) == before


@pytest.mark.parametrize("found", [0, 1, 200])
def test_a_list_that_fits_on_a_page_has_no_other(found: int) -> None:
    assert PARCELS.skip({"page": "2"}, found=found) == 0


@pytest.mark.parametrize("page", ["", "0", "-1", "1e3", "٢", "two", "9999999"])
def test_a_page_that_is_none_is_the_first(page: str) -> None:
    assert PARCELS.show(MANY, {"page": page}).page == 1


def test_a_filter_stays_in_every_address_and_only_what_fits_is_there() -> None:
    shown = PARCELS.show(MANY, {"country": "KG", "page": "1", "unknown": "x"})
    assert {one.country for one in shown.rows} == {"KG"}
    assert (shown.found, shown.total) == (167, 500)  # 0, 3 … 498
    assert shown.at(1) == "/parcels?country=KG&page=1"
    assert shown.file("csv") == "/parcels.csv?country=KG"
    assert shown.choices["country"] == ["KG", "KZ"]


def test_a_column_of_several_values_fits_if_one_of_them_is_asked_for() -> None:
    assert PARCELS.show(MANY, {"marks": "blue"}).found == len([one for one in MANY if "blue" in one.marks])
    assert PARCELS.show(MANY, {"marks": "green"}).rows == []


def test_the_files_hold_all_rows_of_the_filters_not_only_a_page() -> None:
    rows = list(csv.DictReader(io.StringIO(PARCELS.format_csv(MANY).decode("utf-8-sig"))))
    assert len(rows) == 500
    assert rows[2] == {"number": "2", "country": "KZ", "marks": "red blue", "even": "true", "none": ""}


def test_both_files_say_the_same() -> None:
    kept = PARCELS.kept(MANY, {"country": "KG"})
    (one, *_) = PARCELS.format_json(kept[1:2], {"country": "KG"}).decode().split("\0")
    assert one.replace("\n", "").replace(" ", "") == (
        '{"list":"parcels","filters":{"country":"KG"},"rows":'
        '[{"number":3,"country":"KG","marks":[],"even":false,"none":null}]}'
    )


@pytest.mark.parametrize("active", ["=1+1", "+7", "-2", "@SUM(A1)", "\tx", "\rx"])
def test_no_text_of_a_file_runs_as_a_formula(active: str) -> None:
    raw = format_csv(["text", "texts"], [{"text": active, "texts": (active, "b")}])
    (row,) = csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""))
    assert (row["text"], row["texts"]) == (f"'{active}", f"'{active} b")
    assert harmless("plain") == "plain"
    assert harmless("Osh; plain, too") == "Osh; plain, too"


@pytest.mark.parametrize("separator", [";", "; ", ",", "|", "\t", '"', "\n"])
@pytest.mark.parametrize("active", ["=1+1", "+1", "-1", "@SUM(1)", "\uff1d1"])
def test_nothing_begins_like_a_formula_after_any_separator_of_a_readers_spreadsheet(
    separator: str, active: str
) -> None:
    assert harmless(f"Osh{separator}{active}") == f"Osh{separator}'{active}"


def test_a_number_below_zero_stays_a_number() -> None:
    assert format_csv(["n"], [{"n": -2}]).decode("utf-8-sig") == "n\r\n-2\r\n"


def test_the_desks_lists_are_files_too_with_the_rows_that_their_pages_show(desk: DeskServer) -> None:
    browser = desk.signed_in("Clearer A")
    for name, page in (("releases", "/"), ("contracts", "/contracts")):
        rows = browser.get(f"/{name}.json").json()["rows"]
        links = {str(link["href"]) for link in BeautifulSoup(browser.get(page).text, "lxml").select(".console-links a")}
        assert {f"/{name}.csv", f"/{name}.json"} <= links
        assert len(rows) == len(list(csv.DictReader(io.StringIO(browser.get(f"/{name}.csv").text)))) > 0
    (release,) = browser.get("/releases.json").json()["rows"]
    assert (release["contract"], release["period"], release["state"]) == ("CA-01-BORDER", "2026-09", "submitted")
    assert browser.get("/releases.json?state=cleared").json() == {
        "list": "releases",
        "filters": {"state": "cleared"},
        "rows": [],
    }
    for name in ("due", "bundles"):
        assert browser.get(f"/{name}.json").status_code == 200


@pytest.mark.parametrize("name", ["releases", "due", "contracts", "bundles"])
def test_a_list_of_the_desk_is_for_whoever_may_see_its_page(desk: DeskServer, name: str) -> None:
    assert desk.browser().get(f"/{name}.csv").status_code == 303
