"""The one place where a desk's parts are built and joined."""

import httpx
from fastapi import Depends, FastAPI
from starlette.types import ASGIApp

from nodes.adapters.clock import Clock
from nodes.adapters.trust_folder import TrustCache
from nodes.desk.pages.mount import pages
from nodes.desk.server import (
    bundle_routes,
    candidate_routes,
    contract_routes,
    preparation_routes,
    proposal_routes,
    receipt_routes,
    tasks,
    withdrawal_routes,
)
from nodes.desk.server.context import DeskContext
from nodes.settings import NodeFolder
from nodes.web import account_routes, error_pages, session_routes
from nodes.web.console import build_console, refusal_headers
from nodes.web.forms import require_strict_json
from nodes.web.problems import Refusals
from nodes.web.security import PAGE_POLICY, Guard


def build_desk(node: NodeFolder, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None) -> DeskContext:
    """Build the desk of a node's folder; `transport` is another way to an identity provider than the network.

    Raises:
        ConsoleUnsafeError: A setting under which officers must not sign in.
        TrustError: No valid registry.
        StoreNewerError, FileRefusedError: The database of accounts cannot be used.
    """
    settings = node.settings.desk
    console = build_console(
        node.officers_db,
        settings,
        clock=clock,
        folder=node.path,
        member=node.member,
        demo=node.settings.demo,
        transport=transport,
    )
    trust = TrustCache(folder=node.keys, clock=clock)
    trust.current()
    return DeskContext(node=node, clock=clock, console=console, trust=trust)


def desk_app(context: DeskContext) -> FastAPI:
    """The desk's application, for its officers' LAN; serve it as `guarded(context)`."""
    app = FastAPI(
        title="Indicator exchange: desk", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False,
        dependencies=[Depends(require_strict_json)],
    )  # fmt: skip
    context.console.install(app)
    app.state.desk = context
    for routes in (
        session_routes.router(context.console),
        account_routes.router(context.console),
        tasks.router(context),
        preparation_routes.router(context),
        candidate_routes.router(context),
        withdrawal_routes.router(context),
        receipt_routes.router(context),
        proposal_routes.router(context),
        contract_routes.router(context),
        bundle_routes.router(context),
        error_pages.router(),
        *pages(context),
    ):
        app.include_router(routes)
    Refusals(refusal_headers).install(app)
    return app


def guarded(context: DeskContext) -> ASGIApp:
    """The application as it is served: with the headers of every answer, and bounds for every request."""
    return Guard(desk_app(context), bytes_max=context.console.settings.request_bytes_max, policy=PAGE_POLICY)
