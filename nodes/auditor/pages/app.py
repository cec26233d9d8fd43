"""The auditor's console, assembled: its people, its pages, nothing else."""

from dataclasses import dataclass

from fastapi import Depends, FastAPI
from starlette.types import ASGIApp

from nodes.adapters.clock import Clock
from nodes.auditor.pages import reports, runs, screens, timeline
from nodes.auditor.pages.kept import LastAudit
from nodes.settings import NodeFolder
from nodes.web import account_routes, error_pages, session_routes
from nodes.web.console import Console, build_console
from nodes.web.forms import require_strict_json
from nodes.web.pages import assets, own, signing_in
from nodes.web.pages.rendering import Entry, Pages, Site
from nodes.web.pages.words import sentence as _
from nodes.web.problems import Refusals
from nodes.web.security import PAGE_POLICY, Guard

ACCOUNTS_DB = "auditors.db"
NAVIGATION = (
    Entry(address="/", text=_("Board")),
    Entry(address="/exchanges", text=_("Exchanges")),
    Entry(address="/findings", text=_("Findings")),
    Entry(address="/logs", text=_("Logs and witnesses")),
    Entry(address="/patterns", text=_("Withheld cells")),
    Entry(address="/audits", text=_("Audits")),
    Entry(address="/reports", text=_("Signed reports")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditorContext:
    """One auditor's console: its people, and the last audit."""

    node: NodeFolder
    console: Console
    audit: LastAudit


def build_auditor_console(node: NodeFolder, *, clock: Clock) -> AuditorContext:
    """Build the console of IOM's node.

    Raises:
        ConsoleUnsafeError: A setting under which nobody must sign in.
        StoreNewerError, FileRefusedError: The database of accounts cannot be used.
    """
    settings = node.settings.auditor
    console = build_console(
        node.path / ACCOUNTS_DB, settings, clock=clock, folder=node.path, member=node.member, demo=node.settings.demo
    )
    return AuditorContext(node=node, console=console, audit=LastAudit(node, clock))


def auditor_pages(context: AuditorContext) -> FastAPI:
    """The application; serve it as `auditor_app(context)`."""
    app = FastAPI(
        title="Indicator exchange: auditor", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False,
        dependencies=[Depends(require_strict_json)],
    )  # fmt: skip
    context.console.install(app)
    site = Site(
        package="nodes.auditor",
        name=_("Audit"),
        member=context.node.member,
        zone=context.console.settings.zone,
        navigation=NAVIGATION,
    )
    web = Pages(site, context.console.languages)
    for routes in (
        session_routes.router(context.console),
        account_routes.router(context.console),
        error_pages.router(),
        assets.router(),
        signing_in.router(web, context.console),
        own.router(web, context.console),
        screens.router(web, context.audit),
        timeline.router(web, context.audit),
        reports.router(web, context.audit),
        runs.router(web, context.audit),
    ):
        app.include_router(routes)
    Refusals().install(app)
    return app


def auditor_app(context: AuditorContext) -> ASGIApp:
    """The application as it is served: with the headers of every answer, and bounds for every request."""
    app = auditor_pages(context)
    return Guard(app, bytes_max=context.console.settings.request_bytes_max, policy=PAGE_POLICY)
