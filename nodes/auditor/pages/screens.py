"""The auditor's screens: board, one exchange, findings, logs, patterns."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi import Path as InPath
from fastapi.routing import APIRouter
from starlette.responses import Response

from exchange.errors.audit import FindingUnknownError
from exchange.flow.prove import smallest_proof
from exchange.reconcile.dossier import format_dossier
from nodes.auditor.commands import open_store
from nodes.auditor.filing import charge_in, kept_of, read_codelists, read_contracts
from nodes.auditor.pages.kept import KeptAudit, LastAudit
from nodes.auditor.pages.names import ENTRIES, VERDICTS
from nodes.auditor.steps import Step, steps_about
from nodes.web.pages.lateness import LATENESS
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import page_router
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

Seeing = Annotated[Officer, Depends(May(Action.AUDIT_READ))]
Subject = Annotated[str, InPath(pattern=r"^[0-9a-f]{8,64}$")]
EXCHANGES_SHOWN_MAX = 500
DOSSIER = "application/octet-stream"


def router(web: Pages, audit: LastAudit) -> APIRouter:
    """`GET /`, `/exchanges`, `/exchanges/{digest}`, `/findings`, `/findings/{n}/evidence`, `/logs`, `/patterns`."""
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
        return web.page(request, "zone/board.html", _shared(officer, kept) | facts)

    @routes.get("/logs")
    def logs(request: Request, officer: Seeing) -> Response:
        kept = audit.read()
        seen = {member: len(log.seen) for member, log in kept.logs.items()}
        return web.page(request, "zone/logs.html", {**_shared(officer, kept), "seen": seen})

    @routes.get("/patterns")
    def patterns(request: Request, officer: Seeing) -> Response:
        kept = audit.read()
        found = [one for one in kept.run["findings"] if one["code"].startswith("pattern")]
        return web.page(request, "zone/patterns.html", {**_shared(officer, kept), "found": found})


def _exchanges(routes: APIRouter, web: Pages, audit: LastAudit) -> None:
    @routes.get("/exchanges")
    def exchanges(request: Request, officer: Seeing) -> Response:
        kept = audit.read()
        asked = {name: request.query_params.get(name, "") for name in ("publisher", "puller", "verdict")}
        found = [one for one in reversed(kept.run["exchanges"]) if all(v in {"", one[n]} for n, v in asked.items())]
        facts: Mapping[str, object] = {
            "exchanges": found[:EXCHANGES_SHOWN_MAX],
            "found": len(found),
            "asked": asked,
            "verdicts": VERDICTS,
            "members": sorted({one[name] for one in kept.run["exchanges"] for name in ("publisher", "puller")}),
        }
        return web.page(request, "zone/exchanges.html", {**_shared(officer, kept), **facts})

    @routes.get("/exchanges/{subject}")
    def timeline(request: Request, subject: Subject, officer: Seeing) -> Response:
        kept = audit.read()
        digest, steps = steps_about(subject, kept.logs)
        about = [one for one in kept.run["exchanges"] if str(digest) in {one["pull"], one["bundle"]}]
        codes = {code for one in about for code in one["codes"]}
        facts: Mapping[str, object] = {
            "digest": digest,
            "steps": steps,
            "about": about,
            "published": next((one for one in kept.published if _is_about(one.bundle, digest, about)), None),
            "entries": ENTRIES,
            "verdicts": VERDICTS,
            "findings": [one for one in _numbered(kept) if one[1]["code"] in codes and _touches(one[1], steps)],
        }
        return web.page(request, "zone/timeline.html", {**_shared(officer, kept), **facts})


def _findings(routes: APIRouter, web: Pages, audit: LastAudit) -> None:
    @routes.get("/findings")
    def findings(request: Request, officer: Seeing) -> Response:
        kept = audit.read()
        core = web.catalogue(request).core
        facts: Mapping[str, object] = {"findings": _numbered(kept), "core": core}
        return web.page(request, "zone/findings.html", {**_shared(officer, kept), **facts})

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


def _shared(officer: Officer, kept: KeptAudit) -> dict[str, Any]:
    return {"officer": officer, "run": kept.run, "at": kept.at, "publications": kept.published}


def _numbered(kept: KeptAudit) -> list[tuple[int, Mapping[str, Any]]]:
    """The findings with their numbers, as `audit evidence` takes them."""
    return list(enumerate(kept.run["findings"], 1))


def _touches(finding: Mapping[str, Any], steps: Sequence[Step]) -> bool:
    entries = {(one["member"], one["index"]) for one in finding["entries"]}
    return bool(entries & {(step.logged.member, step.logged.index) for step in steps})


def _is_about(bundle: object, digest: object, about: list[dict[str, Any]]) -> bool:
    return bundle == digest or str(bundle) in {one["bundle"] for one in about}
