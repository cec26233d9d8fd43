"""The auditor's screens: board, exchanges, findings, logs, patterns."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.responses import Response

from exchange.errors.audit import FindingUnknownError
from exchange.flow.prove import WORD_ALONE, smallest_proof
from exchange.reconcile.dossier import format_dossier
from nodes.auditor.commands import open_store
from nodes.auditor.filing import charge_in, kept_of, read_codelists, read_contracts
from nodes.auditor.pages.kept import LastAudit, numbered, shared
from nodes.auditor.pages.listings import (
    BOARD,
    EXCHANGES,
    FINDINGS,
    LOGS,
    PATTERNS,
    Document,
    matrix,
    places,
)
from nodes.auditor.pages.names import VERDICTS
from nodes.web.pages.files import attached
from nodes.web.pages.lateness import LATENESS, OWED
from nodes.web.pages.lists import add_files
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import page_router
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

Seeing = Annotated[Officer, Depends(May(Action.AUDIT_READ))]
DOSSIER = "application/octet-stream"


def router(web: Pages, audit: LastAudit) -> APIRouter:
    """`GET /`, `/exchanges`, `/findings`, `/findings/{n}/evidence`, `/logs`, `/patterns`, and each list's files."""
    routes = page_router(web)
    _overviews(routes, web, audit)
    _exchanges(routes, web, audit)
    _findings(routes, web, audit)
    return routes


def _overviews(routes: APIRouter, web: Pages, audit: LastAudit) -> None:
    @routes.get("/")
    def board(request: Request, officer: Seeing) -> Response:
        kept = audit.read()
        found, query = places(kept), request.query_params
        facts = {
            "list": BOARD.show(found, query),
            "boards": matrix(BOARD.kept(found, query)),
            "lateness": LATENESS,
            "owed": OWED,
            "unread": kept.unread,
        }
        return web.page(request, "zone/board.html", shared(officer, kept) | facts)

    @routes.get("/logs")
    def logs(request: Request, officer: Seeing) -> Response:
        kept = audit.read()
        seen = {member: len(log.seen) for member, log in kept.logs.items()}
        facts = {"list": LOGS.show(kept.run["logs"], request.query_params), "seen": seen}
        return web.page(request, "zone/logs.html", {**shared(officer, kept), **facts})

    @routes.get("/patterns")
    def patterns(request: Request, officer: Seeing) -> Response:
        kept = audit.read()
        found = [one for one in kept.run["findings"] if one["code"].startswith("pattern")]
        facts = {"list": PATTERNS.show(kept.published, request.query_params), "found": found, "unread": kept.unread}
        return web.page(request, "zone/patterns.html", {**shared(officer, kept), **facts})

    add_files(routes, BOARD, Action.AUDIT_READ, lambda _: places(audit.read()))
    add_files(routes, LOGS, Action.AUDIT_READ, lambda _: audit.read().run["logs"])
    add_files(routes, PATTERNS, Action.AUDIT_READ, lambda _: audit.read().published)


def _exchanges(routes: APIRouter, web: Pages, audit: LastAudit) -> None:
    def newest_first() -> list[Document]:
        return list(reversed(audit.read().run["exchanges"]))

    @routes.get("/exchanges")
    def exchanges(request: Request, officer: Seeing) -> Response:
        facts = {"list": EXCHANGES.show(newest_first(), request.query_params), "verdicts": VERDICTS}
        return web.page(request, "zone/exchanges.html", {**shared(officer, audit.read()), **facts})

    add_files(routes, EXCHANGES, Action.AUDIT_READ, lambda _: newest_first())


def _findings(routes: APIRouter, web: Pages, audit: LastAudit) -> None:
    @routes.get("/findings")
    def findings(request: Request, officer: Seeing) -> Response:
        kept = audit.read()
        facts = {
            "list": FINDINGS.show(numbered(kept), request.query_params),
            "word_alone": WORD_ALONE,
        }
        return web.page(request, "zone/findings.html", {**shared(officer, kept), **facts})

    add_files(routes, FINDINGS, Action.AUDIT_READ, lambda _: numbered(audit.read()))

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
        return attached(format_dossier(dossier), f"finding-{number}.evidence", DOSSIER)
