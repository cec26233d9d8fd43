"""What every list of the desk has, found by its routes: files beside it, pages, filters in the address, a next step."""

import csv
import io
from collections.abc import Iterator, Mapping

import pytest
from bs4 import BeautifulSoup
from fastapi.routing import APIRoute

from nodes.adapters.node_folder import copy_contracts
from nodes.desk.main import desk_app
from nodes.web.pages.paging import ROWS_PER_PAGE
from nodes.web.roles import allows
from tests.world.desk import ASKED
from tests.world.desk_server import PEOPLE, Browser, DeskServer, desk_server
from tests.world.gateway_answers import all_answers
from tests.world.page_routes import every_route, list_routes, page_routes, right_of, tables
from tests.world.waiting_pages import settled

BORDER, EXPULSIONS = "CA-01-BORDER", "CA-07-EXPULSIONS-BANS"
PLACES: Mapping[str, str] = {
    "contract_id": EXPULSIONS,
    "version": "1.1.0",
    "before": "1.1.0",
    "after": "2.0.0",
    "number": "1",
    "origin": "KG",
    "destination": "KZ",
}
"""What stands in the parts of an address that are in braces."""
PARTS_OF_ONE_THING = {
    "/": {"Due by contract"},  # the first ten; all are at /due
    "/contracts/{contract_id}/{version}": {"Parties and signatures"},
    "/contracts/{contract_id}/{before}/{after}": {"Changes"},
    "/releases/{number}": {"events, September 2026"},  # figures: filtered and paged by `table.py`
    "/releases/{number}/withdrawal": {"Who pulled it"},  # one row for each member; its pulls are a list
    "/corridors": {"Both sides of each flow"},
    "/own": {"Where you are signed in", "Your passkeys"},
}
"""Tables that are no list: parts of one document, which say what stands there and never grow with time."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskServer]:
    """KZ's desk with a published release, two versions of another contract, and a gateway that answers everything."""
    server = desk_server(tmp_path_factory.mktemp("desk") / "kz")
    copy_contracts(server.node.contracts, names=[(EXPULSIONS, "1.1.0"), (EXPULSIONS, "2.0.0")])
    server.world.act("bundle", "submit", *ASKED)
    contract = server.world.contract
    named = {"id": contract.id, "version": contract.version, "digest": str(contract.digest)}
    with server.world.gateway(**all_answers("sha256:" + 64 * "f", named)):
        yield server


@pytest.fixture(scope="module")
def people(desk: DeskServer) -> dict[str, Browser]:
    return {name: desk.signed_in(name) for name in ("Clearer B", "Operator A", "Contracts")}


def who_may(people: Mapping[str, Browser], route: APIRoute) -> Browser:
    action = right_of(route)
    return next(browser for name, browser in people.items() if action is None or allows(action, PEOPLE[name][1]))


def opened(people: Mapping[str, Browser], route: APIRoute) -> BeautifulSoup | None:
    """The page of a route; None for one that is about a bundle, of which there is none here."""
    if "{digest}" in route.path:
        return None
    return settled(who_may(people, route), route.path.format(**PLACES))


def test_every_table_of_the_desk_is_a_list_with_files_or_part_of_one_thing(
    desk: DeskServer, people: dict[str, Browser]
) -> None:
    app = desk_app(desk.context)
    files = list_routes(app)
    for route in page_routes(app):
        page = opened(people, route)
        for name, table in [] if page is None else tables(page):
            region = table.find_parent(attrs={"role": "region"})
            label = "" if region is None else str(region["aria-label"])
            assert name in files or label in PARTS_OF_ONE_THING.get(route.path, ()), (route.path, label)
            if name in files and page is not None:
                links = {str(link["href"]).partition("?")[0] for link in page.select(".console-links a[download]")}
                assert {files[name], files[name].replace(".csv", ".json")} <= links, (route.path, name)
                assert len(table.select("tbody tr")) <= ROWS_PER_PAGE


def test_every_list_of_the_desk_says_the_same_in_both_files(desk: DeskServer, people: dict[str, Browser]) -> None:
    app = desk_app(desk.context)
    routes = {route.name: route for route in every_route(app) if route.name.endswith(("-csv", "-json"))}
    for name, address in list_routes(app).items():
        route = routes[f"{name}-csv"]
        browser = who_may(people, route)
        rows, document = browser.get(address), browser.get(address.replace(".csv", ".json"))
        assert (rows.status_code, document.status_code) == (200, 200), (name, rows.text[:300])
        assert "attachment" in rows.headers["content-disposition"]
        listed = list(csv.DictReader(io.StringIO(rows.content.decode("utf-8-sig"))))
        assert len(listed) == len(document.json()["rows"]), name
        assert document.json()["list"] == name


def test_every_list_of_the_desk_has_a_page_on_which_it_or_its_next_step_stands(
    desk: DeskServer, people: dict[str, Browser]
) -> None:
    app = desk_app(desk.context)
    shown: set[str] = set()
    for route in page_routes(app):
        page = opened(people, route)
        shown |= set() if page is None else {name for name, _ in tables(page)}
    empty = {
        "bundles": "Nothing lies here yet.",
        "withdrawals": "Nothing was withdrawn.",
        "waiting": "Nobody waits to be let in.",
        "refused": "",  # on the page of a contract's period, once preparation refused a row: test_pages_release.py
    }
    assert set(list_routes(app)) - shown == set(empty)
    pages = {
        "bundles": ("Clearer B", "/bundles"),
        "withdrawals": ("Clearer B", "/receipts"),
        "waiting": ("Operator A", "/accounts"),
    }
    for name, (person, path) in pages.items():
        assert empty[name] in people[person].get(path, headers={"Accept-Language": "en"}).text


def test_a_filter_of_any_list_is_in_the_address_of_its_files(desk: DeskServer, people: dict[str, Browser]) -> None:
    checked = 0
    for route in page_routes(desk_app(desk.context)):
        page = opened(people, route)
        for form in [] if page is None else page.select("form.console-filter[method=get]"):
            for select in form.select("select[id^=by-]"):
                choices = [str(option["value"]) for option in select.select("option") if option["value"]]
                if choices and form["action"] != "/corridors":
                    address = f"{str(form['action']).partition('#')[0]}?{select['name']}={choices[0]}"
                    answer = who_may(people, route).get(address, headers={"Accept-Language": "en"})
                    assert answer.status_code == 200, address
                    checked += 1
    assert checked > len(("partner", "contract", "period", "state"))
