"""Audits: every run that this node keeps, how long ago the last one was, and what starts another."""

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.responses import Response

from exchange.encoding import parse_instant
from nodes.auditor.commands import open_store
from nodes.auditor.pages.kept import LastAudit
from nodes.auditor.store import RunLine
from nodes.web.pages.lists import Listing, add_files
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import page_router
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

Seeing = Annotated[Officer, Depends(May(Action.AUDIT_READ))]
DAILY = timedelta(hours=24)
"""An audit a day: what the witnesses call red after a day is then found by the next one."""

RUNS: Listing[RunLine] = Listing(
    name="audits",
    page="/audits",
    columns={
        "number": lambda one: one.number,
        "at": lambda one: one.at,
        "green": lambda one: one.green,
        "findings": lambda one: one.findings,
        "exchanges": lambda one: one.exchanges,
    },
    filters=("green",),
)


def router(web: Pages, audit: LastAudit) -> APIRouter:
    """`GET /audits` and its files."""
    routes = page_router(web)

    def runs(_: Request) -> list[RunLine]:
        with open_store(audit.node) as store:
            return store.runs()

    @routes.get(RUNS.page)
    def listing(request: Request, officer: Seeing) -> Response:
        found = runs(request)
        last = None if not found else parse_instant(found[0].at, subject="audit run")
        facts: dict[str, object] = {
            "officer": officer,
            "list": RUNS.show(found, request.query_params),
            "last": last,
            "old": last is not None and audit.now() - last > DAILY,
            "command": f"exchange --node {audit.node.member.lower()} audit run",
        }
        return web.page(request, "zone/audits.html", facts)

    add_files(routes, RUNS, Action.AUDIT_READ, runs)
    return routes
