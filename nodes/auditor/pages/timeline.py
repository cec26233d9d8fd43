"""One exchange: both sides' entries, each with its proof as checked here, and the same proofs for a reader to check."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi import Path as InPath
from fastapi.routing import APIRouter
from starlette.responses import JSONResponse, Response

from exchange.encoding import Digest, format_instant
from exchange.errors.exchange_ import NotFoundError
from nodes.auditor.pages.kept import KeptAudit, LastAudit, Published, numbered, shared
from nodes.auditor.pages.listings import ENTRIES as ENTRIES_LIST
from nodes.auditor.pages.listings import Told
from nodes.auditor.pages.names import ENTRIES, RECEIPTS, VERDICTS
from nodes.auditor.pages.proofs import Check, Held, Proof
from nodes.auditor.steps import Step, steps_about
from nodes.web.pages.files import attached
from nodes.web.pages.lists import add_files
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import page_router
from nodes.web.pages.words import sentence as _
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

Seeing = Annotated[Officer, Depends(May(Action.AUDIT_READ))]
Subject = Annotated[str, InPath(pattern=r"^[0-9a-f]{8,64}$")]
Member = Annotated[str, InPath(pattern=r"^[A-Z][A-Z0-9]{1,15}$")]
Index = Annotated[int, InPath(ge=0, lt=2**63)]
PROOF_TYPE = "text/plain; charset=utf-8"

CHECKS: Mapping[Check, str] = {
    Check.ENTRY: _("The entry is well formed and says what stands here"),
    Check.INCLUSION: _("It leads to the root of this checkpoint"),
    Check.LOG: _("The log signed the checkpoint"),
    Check.WITNESSES: _("A quorum of witnesses cosigned it"),
}
HELD: Mapping[Held, tuple[str, str]] = {
    Held.HOLDS: (_("holds"), "green"),
    Held.FAILS: (_("does not hold"), "red"),
    Held.WAITING: (_("no quorum yet"), "yellow"),
}


def router(web: Pages, audit: LastAudit) -> APIRouter:
    """`GET /exchanges/{digest}`, its `proofs.json`, `entries.csv` and `.json`, and each proof as files.

    These are `/logs/{member}/{index}.tlog-proof` and `.tlog-policy`.
    """
    routes = page_router(web)
    _page(routes, web, audit)
    _proofs(routes, audit)
    return routes


def _told(kept: KeptAudit, steps: Sequence[Step]) -> list[Told]:
    return [Told(step=step, proof=kept.prover.prove(step.logged.member, step.logged.index)) for step in steps]


def _page(routes: APIRouter, web: Pages, audit: LastAudit) -> None:
    @routes.get("/exchanges/{subject}")
    def timeline(request: Request, subject: Subject, officer: Seeing) -> Response:
        kept = audit.read()
        digest, steps = steps_about(subject, kept.logs)
        about = [one for one in kept.run["exchanges"] if str(digest) in {one["pull"], one["bundle"]}]
        codes = {code for one in about for code in one["codes"]}
        told = _told(kept, steps)
        proofs = [one.proof for one in told]
        facts: Mapping[str, object] = {
            "digest": digest,
            "told": told,
            "list": ENTRIES_LIST.show(told, {}, subject=digest.hex),
            "policies": list(dict.fromkeys(proof.policy.decode("utf-8", "replace") for proof in proofs if proof)),
            "checks": CHECKS,
            "held": HELD,
            "checked_at": audit.now(),
            "about": about,
            "published": _published(kept, digest, about),
            "entries": ENTRIES,
            "receipts": RECEIPTS,
            "verdicts": VERDICTS,
            "findings": [one for one in numbered(kept) if one[1]["code"] in codes and _touches(one[1], steps)],
        }
        return web.page(request, "zone/timeline.html", {**shared(officer, kept), **facts})


def _proofs(routes: APIRouter, audit: LastAudit) -> None:
    def entries(request: Request) -> list[Told]:
        kept = audit.read()
        return _told(kept, steps_about(request.path_params["subject"], kept.logs)[1])

    add_files(routes, ENTRIES_LIST, Action.AUDIT_READ, entries)
    only = [Depends(May(Action.AUDIT_READ))]

    @routes.get("/exchanges/{subject}/proofs.json", dependencies=only)
    def document(subject: Subject) -> Response:
        kept = audit.read()
        digest, steps = steps_about(subject, kept.logs)
        proofs = [_as_json(one.proof) for one in _told(kept, steps) if one.proof is not None]
        content = {"subject": str(digest), "audit": format_instant(kept.at), "proofs": proofs}
        return JSONResponse(content, headers={"Cache-Control": "no-store"})

    @routes.get("/logs/{member}/{index}.tlog-proof", dependencies=only)
    def proof(member: Member, index: Index) -> Response:
        return attached(_proven(audit, member, index).tlog, f"{member.lower()}-{index}.tlog-proof", PROOF_TYPE)

    @routes.get("/logs/{member}/{index}.tlog-policy", dependencies=only)
    def policy(member: Member, index: Index) -> Response:
        return attached(_proven(audit, member, index).policy, f"{member.lower()}-{index}.tlog-policy", PROOF_TYPE)


def _proven(audit: LastAudit, member: str, index: int) -> Proof:
    """The proof of an entry.

    Raises:
        NotFoundError: There is no such entry in the logs as they were shown, or no checkpoint over it.
    """
    found = audit.read().prover.prove(member, index)
    if found is None:
        raise NotFoundError
    return found


def _as_json(proof: Proof) -> dict[str, object]:
    """What a browser checks; the keys to check with stand on the page."""
    return {"log": proof.member, "index": proof.index, "proof": proof.tlog.decode("utf-8")}


def _published(kept: KeptAudit, digest: Digest, about: Sequence[Mapping[str, Any]]) -> Published | None:
    """The bundle that the timeline is about, where its manifest was seen."""
    bundles = {str(digest), *(one["bundle"] for one in about)}
    return next((one for one in kept.published if str(one.bundle) in bundles), None)


def _touches(finding: Mapping[str, Any], steps: Sequence[Step]) -> bool:
    entries = {(one["member"], one["index"]) for one in finding["entries"]}
    return bool(entries & {(step.logged.member, step.logged.index) for step in steps})
