"""The short way to busy addresses: the same answers as by the framework, and one spelling of each address."""

import logging
import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, Request
from starlette.responses import Response

from exchange.errors.exchange_ import NotFoundError
from nodes.web.problems import Refusals
from nodes.web.shortcut import Doorstep, Shortcut, Shortcuts
from tests.world.by_hand import Partner, address
from tests.world.gateways import GatewayWorld, gateway_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(tmp_path_factory.mktemp("federation")) as made:
        yield made


def spelled_otherwise(path: str) -> str:
    """The same address in a spelling that only the framework would decode."""
    digit = path.rindex("/") + 1
    return f"{path[:digit]}%{ord(path[digit]):02x}{path[digit + 1 :]}"


@pytest.mark.parametrize(
    ("member", "status"),
    [pytest.param("KG", 200, id="a party"), pytest.param("IOM", 403, id="auditor"), pytest.param("GB", 404, id="none")],
)
async def test_an_address_has_one_spelling_and_any_other_is_nothing(
    world: GatewayWorld, member: str, status: int
) -> None:
    partner = Partner(world, member)
    await partner.log_in()

    answer, other = await partner.get(address(world)), await partner.get(spelled_otherwise(address(world)))

    assert answer.status_code == status
    assert (other.status_code, other.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize("path", ["/v1/receipts/", "/v1/catalogue/", "/v1/bundles/" + "0" * 64 + "/", "/v1/bundles//"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_address_with_a_slash_too_many_is_no_address(world: GatewayWorld, method: str, path: str) -> None:
    kg = Partner(world, "KG")
    await kg.log_in()

    answer = await (kg.get(path) if method == "GET" else kg.post(path, b""))

    assert (answer.status_code, answer.json()["code"]) == (404, "no-such-address")
    assert "Location" not in answer.headers


async def test_another_method_is_refused_as_anywhere(world: GatewayWorld) -> None:
    kg = Partner(world, "KG")
    await kg.log_in()

    answers = [await kg.post(address(world), b""), await kg.get("/v1/receipts")]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [(405, "method-not-allowed")] * 2


async def test_the_description_names_the_short_ways_too(world: GatewayWorld) -> None:
    paths = world.gateways["KZ"].api.openapi()["paths"]

    assert {"/v1/bundles/{digest}", "/v1/bundles/{digest}/{file}", "/v1/receipts"} <= paths.keys()


OPEN = Doorstep(addresses={}, require=lambda _: None)


async def test_a_failure_on_the_short_way_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_: Request, kind: str) -> Response:
        if kind == "ours":
            raise NotFoundError
        raise ValueError("a secret")

    short = Shortcut(method="GET", address=re.compile(r"/fails/(?P<kind>[a-z]+)"), answer=broken)
    transport = httpx.ASGITransport(app=Shortcuts(FastAPI(), shortcuts=[short], doorstep=OPEN, refusals=Refusals()))
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
        with caplog.at_level(logging.CRITICAL, logger="exchange.gateway"):
            ours, other = await client.get("/fails/ours"), await client.get("/fails/other")

    assert (ours.status_code, ours.json()["code"]) == (404, "not-found")
    assert (other.status_code, other.json()["code"]) == (500, "internal")
    assert "secret" not in other.text
