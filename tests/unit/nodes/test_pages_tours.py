"""Every page of both consoles is on some tour of the browser, by its route: axe-core, policy, weight and pictures."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from fastapi import FastAPI

from nodes.auditor.pages.app import auditor_pages, build_auditor_console
from nodes.desk.main import desk_app
from nodes.settings import open_node
from tests.browser.screens import ADDRESSES, TOURS
from tests.world.clock import StillClock
from tests.world.desk import SUBMITTED
from tests.world.desk_server import desk_server
from tests.world.page_routes import page_routes

AUDITORS = ("auditing", "auditing-honest")
DIGEST = 64 * "0"


def not_toured(app: FastAPI, tours: Iterable[str]) -> set[str]:
    paths = {re.split(r"[?#]", one.format(digest=DIGEST))[0] for tour in tours for one in ADDRESSES[tour].values()}
    routes = page_routes(app)
    return {route.path for route in routes if not any(route.path_regex.fullmatch(path) for path in paths)}


def test_every_page_of_the_desk_is_on_a_tour(tmp_path: Path) -> None:
    app = desk_app(desk_server(tmp_path / "kz").context)
    assert not_toured(app, set(ADDRESSES) - set(AUDITORS)) == set()


def test_every_page_of_the_auditor_is_on_a_tour(tmp_path: Path) -> None:
    node = open_node(desk_server(tmp_path / "kz").node.path)
    app = auditor_pages(build_auditor_console(node, clock=StillClock(SUBMITTED)))
    assert not_toured(app, AUDITORS) == set()


@pytest.mark.parametrize("name", ADDRESSES)
def test_every_tour_is_taken(name: str) -> None:
    assert name in TOURS
