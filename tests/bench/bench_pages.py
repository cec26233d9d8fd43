"""Server time of the console's pages at 5,000 rows, beside a bare template route: CPU of each request, 95th of 20."""

import math
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import islice, product
from pathlib import Path

from fastapi import FastAPI
from jinja2 import DictLoader, Environment
from starlette.responses import HTMLResponse, Response

from exchange.table import CellKey, Observation
from tests.bench.report import BenchRow
from tests.world.desk import DeskWorld
from tests.world.desk_server import Browser, desk_server

ROWS = 5000
REQUESTS = 20
LIMIT_MS = 50
PATHS = (
    "/", "/due", "/releases/1", "/releases/1?only=withheld", "/releases/1?page=12", "/contracts",
    "/contracts/CA-01-BORDER/1.0.0", "/bundles", "/pulls",
)  # fmt: skip


def run() -> list[BenchRow]:
    """Each page at 5,000 rows against a bare template route."""
    with tempfile.TemporaryDirectory() as folder:
        server = desk_server(Path(folder) / "kz")
        server.world.act("bundle", "submit", str(server.world.build(server.world.candidate(_rows(server.world)))))
        browser = server.signed_in("Clearer B")
        bare = _p95(lambda: Browser(_bare(), browser.passkey).get("/"))
        return [_row(path, _p95(partial(_page, browser, path)), bare) for path in PATHS]


def _row(path: str, took_ms: float, bare_ms: float) -> BenchRow:
    return BenchRow(
        name=f"page {path}, p95 of {REQUESTS}",
        value=took_ms,
        unit="ms CPU",
        limit_name="bare template route",
        limit_value=bare_ms,
        ratio=took_ms / bare_ms,
        goal=f"<= {LIMIT_MS} ms",
        met=took_ms <= LIMIT_MS,
    )


def _page(browser: Browser, path: str) -> None:
    """A page that is refused is no measure."""
    answer = browser.get(path)
    assert answer.status_code == 200, (path, answer.text[:400])


def _rows(world: DeskWorld) -> dict[CellKey, Observation]:
    """As many rows as a large contract has: citizenship by counterpart, arrivals."""
    countries = [code.id for code in world.contract.dimension("CITIZENSHIP").codelist.codes if len(code.id) == 2]
    pairs = islice(product(countries, countries), ROWS)
    shown = Observation(value=1234, obs_status="A", conf_status="N")
    hidden = Observation(value=None, obs_status="Q", conf_status="C")
    return {
        ("IN", one, other, "_T", "_T", "_T", "_T"): hidden if number % 10 == 0 else shown
        for number, (one, other) in enumerate(pairs)
    }


def _bare() -> FastAPI:
    app, environment = FastAPI(), Environment(loader=DictLoader({"page": "<h1>{{ word }}</h1>"}), autoescape=True)

    @app.get("/")
    def page() -> Response:
        return HTMLResponse(environment.get_template("page").render(word="word"))

    return app


def _p95(ask: Callable[[], object]) -> float:
    times = []
    ask()
    for _ in range(REQUESTS):
        began = time.process_time()
        ask()
        times.append(1000 * (time.process_time() - began))
    return sorted(times)[math.ceil(0.95 * len(times)) - 1]  # nearest rank
