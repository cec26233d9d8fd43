"""Whatever the OpenAPI documents permit, and what they do not, is answered as they say: judged by schemathesis.

Each interface is asked over real HTTP by a caller that is let in, with values drawn from its own document, rightly and
wrongly. No 500, no status or media type that is not documented, no body beside its schema; credentials matter.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from starlette.types import ASGIApp

from exchange.encoding import base64url_encode
from nodes.auditor.pages.app import auditor_app, auditor_pages
from nodes.desk.main import desk_app
from tests.world.auditors import audited, auditor_console, browser_of
from tests.world.desk_server import ORIGIN, Browser, desk_server
from tests.world.gateways import gateway_world
from tests.world.page_routes import every_route
from tests.world.served import socket_of

pytestmark = [pytest.mark.story, pytest.mark.long]

EXAMPLES = 2
"""For each operation and each of the two ways, right and wrong."""
NOT_OF_JSON = "positive_data_acceptance"
"""No schema can ask for a signature, so a body that its schema permits may still be refused."""
SERVER_ERROR, UNAVAILABLE = "not_a_server_error", 503
"""The desk's own gateway does not run here, and the desk says so: documented, and no failure of the desk."""
Headers = Callable[[schemathesis.Case], Mapping[str, str]]

HTML = ("text/html",)
FILES: Mapping[str, tuple[str, ...]] = {
    ".csv": ("text/csv",),
    ".json": ("application/json",),
    "/evidence": ("application/octet-stream",),
    ".tlog-proof": ("text/plain",),
    ".tlog-policy": ("text/plain",),
    "{file}": ("application/json", "application/jose+json", "application/pdf", *HTML),
    "{path}": ("text/css", "text/javascript", "image/svg+xml", "font/woff2"),
}
"""What a file of a console is, by the end of its address."""
REFUSALS = (400, 403, 404, 409, 413, 414, 415, 422, 429)
REFUSED: Mapping[str, Any] = {"text/html": {}, "application/problem+json": {}}
"""On an address for people a refusal is a page; from the framework or the guard before it, a problem."""


@dataclass(frozen=True)
class Interface:
    """Where it answers, what it says of itself, and what lets a caller in."""

    address: str
    document: dict[str, Any]
    let_in: Callable[[], Headers]


@schemathesis.serializer("application/jose")
def as_text(_: object, value: Any) -> bytes:  # noqa: ANN401  # whatever was drawn
    return str(value).encode()


@asynccontextmanager
async def gateway(folder: Path) -> AsyncIterator[Interface]:
    """KZ's gateway on a socket, with KG as caller: each request has a fresh proof."""
    async with gateway_world(folder) as world, socket_of(world) as served:
        caller = await served.member("KG")

        def headers(case: schemathesis.Case) -> Mapping[str, str]:
            proof = caller.proof(case.method, case.formatted_path, jti=base64url_encode(caller.random(16)))
            return {"Authorization": f"DPoP {caller.token}", "DPoP": proof}

        document = world.gateways["KZ"].api.openapi()
        yield Interface(f"http://127.0.0.1:{served.port}", document, lambda: headers)


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Interface]:
    """KZ's desk on a socket, with an officer signed in, anew for each operation: one of them signs out."""
    server = await asyncio.to_thread(desk_server, folder / "kz")
    async with console(server.app) as address:
        yield Interface(address, desk_app(server.context).openapi(), lambda: as_page(server.signed_in("Clearer B")))


@asynccontextmanager
async def auditor(folder: Path) -> AsyncIterator[Interface]:
    """IOM's console on a socket after an audit, its pages and files documented here beside its interface."""
    async with gateway_world(folder) as world:
        assert (await world.pull("KG")).status_code == 200
        await audited(world)
        context = auditor_console(world)
    pages = auditor_pages(context)
    document = with_pages(pages)
    browser = await asyncio.to_thread(browser_of, context)

    def let_in() -> Headers:
        browser.cookies.clear()
        browser.act(browser.sign_in())
        return as_page(browser)

    async with console(auditor_app(context)) as address:
        yield Interface(address, document, let_in)


def with_pages(app: FastAPI) -> dict[str, Any]:
    """The document of an application, and in it the addresses that it has for people and for their tools."""
    document = app.openapi()
    hidden = [route for route in every_route(app) if not route.include_in_schema]
    for route in hidden:
        route.include_in_schema = True
    pages = get_openapi(title="pages", version="1", routes=hidden)["paths"]
    for path, operations in pages.items():
        kind = next((kind for end, kind in FILES.items() if path.endswith(end)), HTML)
        content = {one: {} for one in kind}
        for operation in operations.values():
            operation["responses"] = {
                "200": {"description": "a page or a file", "content": content},
                "303": {"description": "look elsewhere"},
                **{str(status): {"description": "refused", "content": REFUSED} for status in REFUSALS},
            }
    document["paths"] |= pages
    return document


@asynccontextmanager
async def console(app: ASGIApp) -> AsyncIterator[str]:
    """A console on a socket; its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    serving = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    task = asyncio.create_task(serving.serve([listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        serving.should_exit = serving.force_exit = True
        await task


def as_page(browser: Browser) -> Headers:
    """What a page of a console sends, in the session of this browser."""
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    sent = {"Cookie": cookies, "X-Form-Token": browser.form_token or "", "Origin": ORIGIN}
    return lambda _: sent


INTERFACES: Mapping[str, Callable[[Path], AbstractAsyncContextManager[Interface]]] = {
    "gateway": gateway,
    "desk": desk,
    "auditor": auditor,
}


@pytest.mark.asvs("V8.2.1", "V16.5.1", "V16.5.4")
@pytest.mark.parametrize("name", INTERFACES)
async def test_every_answer_is_one_that_the_document_names(name: str, tmp_path: Path) -> None:
    async with INTERFACES[name](tmp_path) as interface:
        await asyncio.to_thread(ask_everything, interface)


def ask_everything(interface: Interface) -> None:
    schema = schemathesis.openapi.from_dict(interface.document)
    schema.config.update(base_url=interface.address)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 20
    for operation in operations:
        for mode in GenerationMode:
            ask(operation, mode, interface.let_in())


def ask(operation: Any, mode: GenerationMode, headers: Headers) -> None:  # noqa: ANN401  # schemathesis's own
    left_out = CHECKS.get_by_names([NOT_OF_JSON]) if operation.body else []

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def one(case: schemathesis.Case) -> None:
        sent = dict(headers(case))
        answer = case.call(headers=sent)
        unavailable = CHECKS.get_by_names([SERVER_ERROR]) if answer.status_code == UNAVAILABLE else []
        case.validate_response(answer, headers=sent, excluded_checks=[*left_out, *unavailable])

    # Where an operation takes nothing, nothing about it can be wrong.
    with suppress(Unsatisfiable):
        one()
