"""The corridors' pages, as an analyst at KG's desk sees them: KZ's real bundles beside KG's own releases."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag

from exchange.mirror import Agreed, Corridor, DoubleEntry, Figure, Flag, State, compare
from nodes.desk.pages.corridor_views import FLAGS, line, moment
from nodes.web.pages.locale import Reader
from tests.world.bundles import bundle_world
from tests.world.corridor_desk import MONTHS, OWN, CorridorDesk, corridor_desk, key, own
from tests.world.desk_server import Browser

FLOW = "/corridors/KG/KZ"


@pytest.fixture
def desk(tmp_path: Path) -> CorridorDesk:
    return corridor_desk(tmp_path / "kg")


@pytest.fixture
def changing(desk: CorridorDesk) -> CorridorDesk:
    """Both sides of three months, for a test that changes them."""
    desk.pull(*MONTHS)
    desk.release(OWN)
    return desk


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> CorridorDesk:
    """Both sides of three months; nobody changes them."""
    found = corridor_desk(tmp_path_factory.mktemp("corridors") / "kg")
    found.pull(*MONTHS)
    found.release(OWN)
    return found


def soup(browser: Browser, path: str, *, language: str = "en") -> BeautifulSoup:
    answer = browser.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "lxml")


def table(page: BeautifulSoup, selector: str = "#cells tbody tr") -> list[list[str]]:
    return [[cell.get_text(" ", strip=True) for cell in row.select("th, td")] for row in page.select(selector)]


def row(page: BeautifulSoup, corridor: str) -> list[str]:
    (only,) = [found for found in table(page) if found[0].replace("\N{NO-BREAK SPACE}", " ") == corridor]
    return only


def analyst(desk: CorridorDesk) -> Browser:
    return desk.server.signed_in("Preparer")


class TestList:
    """`/corridors`."""

    def test_the_last_period_is_shown_with_both_sides_side_by_side(self, full: CorridorDesk) -> None:
        page = soup(analyst(full), "/corridors")
        # |1,500 - 1,492| x 2 / 2,992 = 0.005; 1,500 / 1,492 = 1.005
        arriving = row(page, "Kazakhstan → Kyrgyzstan")
        assert arriving[1:6] == ["1,492", "1,500", "agree", "0.01", "1.01"]
        caption = page.select_one("#cells caption")
        assert caption is not None
        assert caption.get_text(strip=True) == "Border crossings by corridor (events), September 2026"
        # 2 x 3,000 / 7,000 = 0.857; 2,000 / 5,000 = 0.4, in August 1,601 / 1,590 = 1.007: ln 2.52 = 0.92 > 0.8
        leaving = row(page, "Kyrgyzstan → Kazakhstan")
        assert leaving[1:6] == ["5,000", "2,000", "the ratio changed", "0.86", "0.40"]

    def test_what_one_side_did_not_release_is_no_zero_and_has_no_index(self, full: CorridorDesk) -> None:
        found = row(soup(analyst(full), "/corridors"), "Uzbekistan → Kazakhstan")
        assert found[1:] == ["not released", "1,436", "one side only", "–", "–", "–"]

    def test_what_one_side_withholds_has_no_index(self, full: CorridorDesk) -> None:
        page = soup(analyst(full), "/corridors?period=2026-08&parts=1&origin=KG&destination=KZ")
        (found,) = [found for found in table(page) if "Uzbekistan" in found[1]]
        # 27 crossings, eight tenths: 22 (21.6)
        assert found[2:] == ["withheld", "22", "withheld", "–", "–", "–"]
        assert [cell.get_text(strip=True) for cell in page.select("#cells td.console-withheld")].count("withheld") >= 1

    def test_filters_stand_in_the_address_and_parts_only_when_asked_for(self, full: CorridorDesk) -> None:
        browser = analyst(full)
        heads = [head.get_text(strip=True) for head in soup(browser, "/corridors?period=").select("#cells thead th")]
        assert heads[:3] == ["Corridor", "Period", "By origin"]
        assert len({found[1] for found in table(soup(browser, "/corridors?period="))}) == 3
        parts = {found[2] for found in table(soup(browser, "/corridors?period=&parts=1"))}
        assert {"Total", "Citizenship: Uzbekistan"} <= parts
        only = table(soup(browser, "/corridors?period=&flag=CHANGED"))
        assert [(found[1], found[4]) for found in only] == [("September 2026", "the ratio changed")]
        assert "Choose fewer filters." in soup(browser, "/corridors?flag=CHANGED&destination=UZ").get_text()

    @pytest.mark.parametrize("asked", ["origin=XX", "destination=XX", "flag=XX", "period=XX"])
    def test_what_a_filter_names_and_nothing_has_leaves_no_row_and_stays_in_sight(
        self, full: CorridorDesk, asked: str
    ) -> None:
        browser = analyst(full)
        page = soup(browser, f"/corridors?{asked}")
        assert table(page) == []
        assert [one.get_text() for one in page.select("option[selected][value=XX]")] == ["XX"]
        assert "Choose fewer filters." in page.get_text()
        assert browser.get(f"/corridors.json?{asked}").json()["rows"] == []

    def test_a_page_after_the_last_is_the_last(self, full: CorridorDesk) -> None:
        browser = analyst(full)
        assert table(soup(browser, "/corridors?period=&page=99")) == table(soup(browser, "/corridors?period="))

    def test_russian_is_complete_and_writes_numbers_its_own_way(self, full: CorridorDesk) -> None:
        page = soup(analyst(full), "/corridors", language="ru")
        leaving = row(page, "Кыргызстан → Казахстан")
        assert leaving[1:6] == ["5\xa0000", "2\xa0000", "отношение изменилось", "0,86", "0,40"]
        assert "(события), сентябрь 2026" in page.get_text()

    def test_the_diagram_has_one_arrow_a_flow_and_its_greater_figure(self, full: CorridorDesk) -> None:
        page = soup(analyst(full), "/corridors")
        arrows = {title.get_text(strip=True) for title in page.select(".chart-flow > title")}
        assert {"Kyrgyzstan → Kazakhstan: 5,000", "Kazakhstan → Kyrgyzstan: 1,500"} <= arrows
        assert len(arrows) == len(table(page))
        assert page.select(".chart-diagram") != []
        assert soup(analyst(full), "/corridors?period=").select(".chart-diagram") == []


class TestCorridor:
    """`/corridors/{origin}/{destination}`."""

    def test_the_figures_drawn_are_those_of_the_table(self, full: CorridorDesk) -> None:
        page = soup(analyst(full), FLOW)
        panels = page.select(".chart-panel svg")
        assert len(panels) == len(page.select("#figures tbody")) == 4  # the total, and citizens of KG, TJ, UZ
        for number, panel in enumerate(panels, 1):
            drawn = {(mark["data-period"], mark["data-side"]): _said(mark) for mark in panel.select("g.chart-mark")}
            listed: dict[tuple[object, str], str] = {}
            for listing in page.select(f"#figures tbody[data-panel='{number}'] tr[data-period]"):
                figures = [cell.get_text(strip=True) for cell in listing.select("td")[:2]]
                listed |= dict(
                    zip(((listing["data-period"], side) for side in ("origin", "destination")), figures, strict=True)
                )
            assert drawn == {name: said for name, said in listed.items() if said != "not released"}
        assert "5,000" in {_said(mark) for mark in panels[0].select("g.chart-mark")}

    def test_the_band_drawn_is_that_of_the_table_and_earlier_periods_alone_make_it(self, full: CorridorDesk) -> None:
        page = soup(analyst(full), FLOW)
        bands = {bar["data-period"]: _said(bar) for bar in page.select(".chart-panel svg .chart-expected rect")}
        lines = page.select("#figures tbody[data-panel='1'] tr[data-period]")
        listed = {one["data-period"]: one.select("td")[2].get_text(strip=True) for one in lines}
        assert {**bands, "2026-07": "–"} == listed  # before the first month nothing is known
        low, high = (int(end.replace(",", "")) for end in bands["2026-09"].split(" – "))
        # July 1,001 / 1,005 and August 1,601 / 1,590 are about 1: of 5,000 about 5,000, never the 2,000 of September
        assert 2_000 < low < 5_000 < high

    def test_a_chart_has_a_title_a_description_and_no_style_or_script(self, full: CorridorDesk) -> None:
        page = soup(analyst(full), FLOW)
        for chart in page.select("svg[role=img]"):
            named = [page.find(id=name) for name in str(chart["aria-labelledby"]).split()]
            assert [one.name for one in named if isinstance(one, Tag) and one.get_text(strip=True)] == ["title", "desc"]
        inside = [
            part for part in page.select("svg, svg *") if part.has_attr("style") or part.name in {"style", "script"}
        ]
        assert inside == []
        ids = [str(part["id"]) for part in page.select("[id]")]
        assert len(ids) == len(set(ids))

    def test_a_release_that_comes_later_is_seen_at_once(self, desk: CorridorDesk) -> None:
        desk.pull("2026-09")
        browser = analyst(desk)
        assert table(soup(browser, FLOW), "#figures tr[data-period]")[0][1] == "not released"
        desk.release(OWN)
        assert table(soup(browser, FLOW), "#figures tr[data-period]")[0][1] == "5,000"

    def test_a_year_of_months_stands_on_a_page_and_earlier_ones_on_the_next(self, desk: CorridorDesk) -> None:
        months = [
            "2025-09",
            *(f"2025-{month}" for month in (10, 11, 12)),
            *(f"2026-0{month}" for month in range(1, 10)),
        ]
        desk.release({month: {key("OUT"): 100} for month in months})
        browser = analyst(desk)
        newest, oldest = (soup(browser, f"{FLOW}?page={page}") for page in (1, 99))
        assert [row["data-period"] for row in newest.select("#figures tr[data-period]")] == months[:0:-1]
        assert [row["data-period"] for row in oldest.select("#figures tr[data-period]")] == ["2025-09"]
        links = [page.select(".govuk-pagination a")[0]["href"] for page in (newest, oldest)]
        assert links == ["?contract=CA-01-BORDER&page=2", "?contract=CA-01-BORDER&page=1"]

    def test_an_altered_bundle_is_refused_on_a_page_that_says_so(self, changing: CorridorDesk) -> None:
        browser = analyst(changing)
        soup(browser, FLOW)
        (data,) = changing.node.glob("pulled/KZ/*/2026-09-*/data.csv")
        data.write_bytes(data.read_bytes().replace(b",A,N,", b",E,N,", 1))
        answer = browser.get(FLOW)
        assert answer.status_code == 422
        assert "This was not done" in answer.text


class TestFiles:
    """`/corridors.csv` and `.json`."""

    def test_the_csv_has_every_row_of_the_filters(self, full: CorridorDesk) -> None:
        browser = analyst(full)
        answer = browser.get("/corridors.csv?period=&parts=1&origin=KG&destination=KZ")
        assert answer.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert len(rows) == len(table(soup(browser, "/corridors?period=&parts=1&origin=KG&destination=KZ")))
        (found,) = [one for one in rows if (one["period"], one["breakdown"]) == ("2026-08", "CITIZENSHIP=UZ")]
        assert (found["by_origin"], found["by_origin_state"], found["index"]) == ("", "withheld", "")
        (whole,) = [one for one in rows if (one["period"], one["breakdown"]) == ("2026-09", "")]
        assert (whole["by_origin"], whole["by_destination"], whole["flag"]) == ("5000", "2000", "CHANGED")
        assert float(whole["log_ratio"]) == pytest.approx(-0.9163, abs=1e-4)  # ln 0.4; a number below zero stays one

    def test_the_json_is_what_the_command_says(self, full: CorridorDesk) -> None:
        found: dict[str, Any] = json.loads(analyst(full).get("/corridors.json?origin=KG&destination=KZ").content)
        assert found["contract"] == {"id": "CA-01-BORDER", "version": "1.0.0"}
        (whole,) = found["rows"]
        assert (whole["flag"], whole["previous"]["period"]) == ("CHANGED", "2026-08")
        assert whole["by_origin"] == {"state": "shown", "value": "5000"}


class TestNothing:
    """What says what comes next."""

    def test_without_a_release_it_says_to_pull(self, desk: CorridorDesk) -> None:
        for path in ("/corridors", FLOW, "/corridors/XX/YY"):
            page = soup(analyst(desk), path)
            assert "nothing to set side by side" in page.get_text(" ", strip=True)
            assert page.select("main a[href='/pulls']")

    def test_a_contract_without_a_mirror_says_so(self, changing: CorridorDesk) -> None:
        changing.add_contract("CA-09-IRREGULAR")
        page = soup(analyst(changing), "/corridors?contract=CA-09-IRREGULAR")
        assert "No contract at this node mirrors this one" in page.get_text()
        assert page.select("option[value=CA-01-BORDER]") != []

    def test_a_contract_that_is_not_here_is_refused_by_name(self, full: CorridorDesk) -> None:
        answer = analyst(full).get("/corridors?contract=CA-77")
        assert answer.status_code >= 400
        assert "CA-77" in answer.text


def test_only_who_may_see_figures_sees_corridors(full: CorridorDesk) -> None:
    for name in ("Operator A", "Auditor", "Contracts"):
        browser = full.server.signed_in(name)
        for path in ("/corridors", FLOW, "/corridors.csv", "/corridors.json"):
            assert browser.get(path).status_code == 403, (name, path)
    assert full.server.browser().get("/corridors").headers["location"] == "/sign-in?next=/corridors"


def test_every_flag_has_words() -> None:
    assert set(FLAGS) == set(Flag)


def test_where_concepts_differ_both_are_shown_and_nothing_is_computed() -> None:
    entry = DoubleEntry(
        corridor=Corridor("KG", "KZ"),
        breakdown=frozenset(),
        whole=frozenset(),
        period="2026-09",
        by_origin=Figure(state=State.SHOWN, value=Decimal(5_000)),
        by_destination=Figure(state=State.SHOWN, value=Decimal(2_000)),
    )
    found = line(compare(entry, Agreed(exact=False)), None, bundle_world().contract, Reader("en"))
    assert (found.flag.text, found.index, found.ratio, found.expected_figure) == ("concepts differ", None, None, None)
    drawn = moment(found)
    assert [point.value for point in (drawn.by_origin, drawn.by_destination)] == [5_000, 2_000]


def test_a_part_above_the_other_sides_whole_is_called_impossible(desk: CorridorDesk) -> None:
    desk.pull("2026-09")
    desk.release({"2026-09": {**own(1_500, 5_000), key("OUT", "TJ"): 2_500}})  # of 2,000 arrivals in all
    page = soup(analyst(desk), "/corridors?parts=1&flag=IMPOSSIBLE")
    assert [found[4] for found in table(page)] == ["a part is more than the whole"]


def _said(mark: Tag) -> str:
    """What a mark's title says after its names."""
    title = mark.find("title")
    assert isinstance(title, Tag)
    return title.get_text(strip=True).partition(": ")[2]
