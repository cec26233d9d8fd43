"""What a desk's addresses give away, or break: opened from elsewhere, spelled otherwise, beyond all bounds."""

import re
from collections.abc import Iterable, Iterator

import pytest
from fastapi.routing import APIRoute

from nodes.desk.main import desk_app
from tests.world.desk_server import DeskServer, desk_server

GUESS = "/releases/new?contract=form_token%22%20value=%22A&period=x"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> DeskServer:
    return desk_server(tmp_path_factory.mktemp("desk") / "kz")


@pytest.mark.parametrize(
    ("site", "compressed"),
    [
        pytest.param("same-origin", True, id="from our own page"),
        pytest.param("none", True, id="typed"),
        pytest.param("cross-site", False, id="from a foreign page"),
        pytest.param("same-site", False, id="from a neighbour of the ministry"),
        pytest.param(None, False, id="from a browser that does not say"),
    ],
)
def test_a_page_with_words_of_anothers_choosing_is_not_compressed(
    desk: DeskServer, site: str | None, *, compressed: bool
) -> None:
    browser = desk.signed_in("Preparer")
    answer = browser.get(GUESS, headers={"Sec-Fetch-Site": site, "Accept-Encoding": "gzip"})
    assert (browser.form_token or "-") in answer.text
    assert ("content-encoding" in answer.headers) is compressed


@pytest.mark.parametrize("path", ["/releases%2fnew", "/releases/new%0a", "/own%20", "/%6fwn", "/api%2fsession"])
def test_another_spelling_of_an_address_is_nothing(desk: DeskServer, path: str) -> None:
    assert desk.signed_in("Preparer").get(path).status_code == 404


NOWHERE = ("9223372036854775808", "-1", "0" * 64, "..;", "1" * 600)
"""What stands in no database: beyond its numbers, below them, a digest, a path, and long."""


def routes(found: Iterable[object]) -> Iterator[APIRoute]:
    for one in found:
        if isinstance(one, APIRoute):
            yield one
        else:
            below = getattr(one, "original_router", one)
            yield from routes(getattr(below, "routes", ()))


@pytest.mark.asvs("V16.5.1")
def test_no_address_makes_the_desk_fail(desk: DeskServer) -> None:
    """Every route with something in its address, for somebody who may see it: the node refuses, and never breaks."""
    readers = [desk.signed_in(name) for name in ("Clearer A", "Operator A", "Contracts")]
    asked = 0
    for route in routes(desk_app(desk.context).routes):
        if "{" not in route.path:
            continue
        for number, value in enumerate(NOWHERE):
            path = re.sub(r"{[^}]+}", value, route.path)
            for method in route.methods:
                answer = readers[number % len(readers)].request(method, path)
                assert answer.status_code < 500, (method, path, answer.text)
                asked += 1
    assert asked > 200


def test_nothing_is_written_into_the_journal_about_an_account_that_there_is_not(desk: DeskServer) -> None:
    operator = desk.signed_in("Operator A")
    assert operator.delete("/api/accounts/forged-line/sessions").json()["code"] == "account-unknown"
    lines = operator.act(operator.get("/api/journal"))["journal"]
    assert not any("forged-line" in line["subject"] for line in lines)
