"""The pages of a console, found by its application's routes, and what stands on one that a list must have."""

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup, Tag
from fastapi import FastAPI
from fastapi.routing import APIRoute

from nodes.web.roles import Action
from nodes.web.sessions import May

_FILE = re.compile(r"\.(csv|json|xlsx|parquet|pdf|tlog-proof|tlog-policy)$|/evidence$|\{file\}$|\{path:path\}$")


def every_route(app: FastAPI) -> Iterator[APIRoute]:
    """FastAPI keeps a router that was included as one entry."""
    for entry in app.routes:
        for one in getattr(getattr(entry, "original_router", None), "routes", [entry]):
            if isinstance(one, APIRoute):
                yield one


def page_routes(app: FastAPI) -> list[APIRoute]:
    """What a person looks at: neither interface nor file."""
    return [
        route
        for route in every_route(app)
        if "GET" in (route.methods or ())
        and not route.path.startswith(("/api/", "/errors/", "/static/", "/log"))
        and not _FILE.search(route.path)
    ] + [route for route in every_route(app) if route.path == "/logs"]


def list_routes(app: FastAPI) -> dict[str, str]:
    """Every list that has files: its name, and the address of its CSV."""
    return {route.name.removesuffix("-csv"): route.path for route in every_route(app) if route.name.endswith("-csv")}


def right_of(route: APIRoute) -> Action | None:
    return next((one.call.action for one in route.dependant.dependencies if isinstance(one.call, May)), None)


def tables(page: BeautifulSoup) -> list[tuple[str, Tag]]:
    """Every table, by the list that it says it is; empty for one that is none."""
    found: list[tuple[str, Tag]] = []
    for table in page.select("main table"):
        region = table.find_parent(attrs={"data-list": True})
        found.append(("" if region is None else str(region["data-list"]), table))
    return found
