"""What pages are drawn with: in the package, named with its origin, under addresses that never change their content."""

import asyncio
import re
import tomllib
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from nodes.web.pages.assets import asset_root, assets, router
from nodes.web.pages.routes import local_address
from nodes.web.problems import Refusals

ROOT = Path(__file__).resolve().parents[3]
STATIC = ROOT / "nodes" / "web" / "static"
OWN = {"charts.css", "console.css", "console.js", "fill.js", "passkey.js", "proofs.js", "icon.svg", "govuk.scss"}
TABLES = (("nodes/web/VENDOR.toml", "nodes/web/static"), ("tests/browser/VENDOR.toml", "tests/browser"))
VENDORED = [
    pytest.param(ROOT / folder / entry["file"], entry, id=entry["file"])
    for table, folder in TABLES
    for entry in tomllib.loads((ROOT / table).read_text("utf-8"))["vendored"]
]
ADDRESS = re.compile(rb"url\((?!\"?fonts/|\"?data:)[^)]*\)|https?://(?!www\.w3\.org/)[a-z]", re.IGNORECASE)


def ask(path: str, **headers: str) -> httpx.Response:
    app = FastAPI()
    Refusals().install(app)
    app.include_router(router())

    async def once() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://desk") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(once())


@pytest.mark.parametrize(("file", "entry"), VENDORED)
def test_a_carried_file_is_the_one_that_the_table_names(file: Path, entry: dict[str, str]) -> None:
    assert sha256(file.read_bytes()).hexdigest() == entry["sha256"]
    assert all(entry[name] for name in ("name", "origin", "version", "licence"))


def test_every_file_is_our_own_or_in_the_table() -> None:
    carried = {one["file"] for one in tomllib.loads((ROOT / TABLES[0][0]).read_text("utf-8"))["vendored"]}
    found = {str(file.relative_to(STATIC)) for file in STATIC.rglob("*") if file.is_file()}
    assert carried <= found <= carried | OWN


@pytest.mark.parametrize("name", ["govuk.css", "console.css"])
def test_a_style_sheet_asks_no_other_host(name: str) -> None:
    assert ADDRESS.search((STATIC / name).read_bytes()) is None


def test_no_crown_and_no_face_of_gov_uk_is_carried() -> None:
    styles = (STATIC / "govuk.css").read_text("utf-8").lower()
    assert not [word for word in ("crown", "crest", "gds transport") if word in styles]


def test_an_asset_is_kept_for_ever_under_the_digest_of_all() -> None:
    answer = ask(f"{asset_root()}/console.css", **{"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == assets()["console.css"].content
    assert ask("/static/0000000000000000/console.css").status_code == 404


@pytest.mark.parametrize("path", ["../pages/assets.py", "%2e%2e/pages/assets.py", "fonts/", "govuk.scss", ""])
def test_nothing_else_is_served(path: str) -> None:
    assert ask(f"{asset_root()}/{path}").status_code == 404


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("/releases/1", "/releases/1"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
    ],
)
def test_after_signing_in_nobody_is_led_to_another_host(asked: str, led: str) -> None:
    assert local_address(asked) == led
