"""The auditor's screens: board, exchanges, findings, logs, patterns."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.responses import Response

from exchange.errors.audit import FindingUnknownError
from exchange.flow.prove import smallest_proof
from exchange.reconcile.dossier import format_dossier
from nodes.auditor.commands import open_store
from nodes.auditor.filing import charge_in, kept_of, read_codelists, read_contracts
from nodes.auditor.pages.kept import LastAudit, numbered, shared
from nodes.auditor.pages.names import VERDICTS
from nodes.web.pages.lateness import LATENESS
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import page_router
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

Seeing = Annotated[Officer, Depends(May(Action.AUDIT_READ))]
EXCHANGES_SHOWN_MAX = 500
DOSSIER = "application/octet-stream"


def router(web: Pages, audit: LastAudit) -> APIRouter:
    """`GET /`, `/exchanges`, `/findings`, `/findings/{n}/evidence`, `/logs`, `/patterns`."""
    routes = page_router(web)
    _overviews(routes, web, audit)
    _exchanges(routes, web, audit)
    _findings(routes, web, audit)
    return routes


def _overviews(routes: APIRouter, web: Pages, audit: LastAudit) -> None:
    @routes.get("/")
    def board(request: Request, officer: Seeing) -> Response:
        kept = audit.read()
        facts = {"boards": kept.boards(), "lateness": LATENESS, "unread": kept.unread}
        return web.page(request, "zone/board.html", shared(officer, kept) | facts)

    @routes.get("/logs")
    def logs(request: Request, officer: Seeing) -> Response:
        kept = audit.read()
        seen = {member: len(log.seen) for member, log in kept.logs.items()}
        return web.page(request, "zone/logs.html", {**shared(officer, kept), "seen": seen})

    @routes.get("/patterns")
    def patterns(request: Request, officer: Seeing) -> Response:
        kept = audit.read()
        found = [one for one in kept.run["findings"] if one["code"].startswith("pattern")]
        return web.page(request, "zone/patterns.html", {**shared(officer, kept), "found": found})


def _exchanges(routes: APIRouter, web: Pages, audit: LastAudit) -> None:
    @routes.get("/exchanges")
    def exchanges(request: Request, officer: Seeing) -> Response:
        kept = audit.read()
        asked = {name: request.query_params.get(name, "") for name in ("publisher", "puller", "verdict")}
        found = [one for one in reversed(kept.run["exchanges"]) if all(v in {"", one[n]} for n, v in asked.items())]
        facts: dict[str, object] = {
            "exchanges": found[:EXCHANGES_SHOWN_MAX],
            "found": len(found),
            "asked": asked,
            "verdicts": VERDICTS,
            "members": sorted({one[name] for one in kept.run["exchanges"] for name in ("publisher", "puller")}),
        }
        return web.page(request, "zone/exchanges.html", {**shared(officer, kept), **facts})


def _findings(routes: APIRouter, web: Pages, audit: LastAudit) -> None:
    @routes.get("/findings")
    def findings(request: Request, officer: Seeing) -> Response:
        kept = audit.read()
        core = web.catalogue(request).core
        facts: dict[str, object] = {"findings": numbered(kept), "core": core}
        return web.page(request, "zone/findings.html", {**shared(officer, kept), **facts})

    @routes.get("/findings/{number}/evidence", dependencies=[Depends(May(Action.AUDIT_READ))])
    def evidence(number: int) -> Response:
        run = audit.read().run
        if not 1 <= number <= len(run["findings"]):
            raise FindingUnknownError(number=number, found=len(run["findings"]))
        codelists = read_codelists(audit.node.contracts)
        with open_store(audit.node) as store:
            kept = kept_of(run, store, contracts=read_contracts(audit.node.contracts, codelists))
        charge = charge_in(run["findings"][number - 1])
        dossier, _ = smallest_proof(kept, charge, trust=audit.trust(), codelists=codelists)
        headers = {"Content-Disposition": f'attachment; filename="finding-{number}.evidence"'}
        return Response(format_dossier(dossier), media_type=DOSSIER, headers=headers)
