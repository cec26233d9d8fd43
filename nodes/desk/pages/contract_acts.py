"""What a contract officer does from the page: sign, suspend, resume, end, and propose another version from a file."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from exchange.contract.effects import Effect
from exchange.contract.model import DataContract
from exchange.errors import ExchangeError
from exchange.errors.contract import ContractError
from exchange.errors.node import RequestMalformedError
from nodes.adapters.local_gateway import LocalGateway
from nodes.desk import proposing, stating
from nodes.desk.acts import DeskAct
from nodes.desk.cases import Desk
from nodes.desk.contract_sources import seen_contract
from nodes.desk.pages.contracts import EFFECT_ORDER, EFFECTS, ContractPages
from nodes.desk.pages.deciding import shown_passkey
from nodes.desk.proposing import Proposal
from nodes.desk.server.context import DeskContext
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import fields, page_router, see
from nodes.web.problems import status_of
from nodes.web.roles import Action, allows
from nodes.web.sessions import May, Officer

Seeing = Annotated[Officer, Depends(May(Action.CONTRACTS_READ))]
Signing = Annotated[Officer, Depends(May(Action.CONTRACT_SIGN))]
Act = Callable[[Desk, DataContract, LocalGateway], object]
ACTS: Mapping[str, tuple[Act, DeskAct]] = {
    "sign": (stating.sign, DeskAct.SIGN_CONTRACT),
    "suspend": (stating.suspend, DeskAct.SUSPEND_CONTRACT),
    "resume": (stating.resume, DeskAct.RESUME_CONTRACT),
}


def router(web: Pages, context: DeskContext) -> APIRouter:
    """`POST /contracts/{id}/{version}/sign|suspend|resume|end`; `/contracts/new`, and what is done there."""
    routes = page_router(web)
    _stating(routes, web, context)
    _proposing(routes, web, context)
    return routes


def _stating(routes: APIRouter, web: Pages, context: DeskContext) -> None:
    pages = ContractPages(web, context)

    def answer(
        request: Request, officer: Officer, contract_id: str, version: str, act: Act, digest: str, noted: DeskAct
    ) -> Response:
        desk = context.desk()
        try:
            contract = seen_contract(desk.shelf, f"{contract_id}/{version}", digest)
            context.console.note(officer, noted, f"{contract.id}/{contract.version}")
            act(desk, contract, context.gateway(web.catalogue(request).core))
        except ExchangeError as error:
            return pages.page(request, officer, contract_id, version, error)
        return see(f"/contracts/{contract.id}/{contract.version}")

    def stating_route(name: str, act: Act, noted: DeskAct) -> None:
        @routes.post(f"/contracts/{{contract_id}}/{{version}}/{name}", name=name)
        async def state(request: Request, contract_id: str, version: str, officer: Signing) -> Response:
            form = await fields(request, "digest")
            return await run_in_threadpool(answer, request, officer, contract_id, version, act, form["digest"], noted)

    for name, (act, noted) in ACTS.items():
        stating_route(name, act, noted)

    @routes.post("/contracts/{contract_id}/{version}/end")
    async def end(request: Request, contract_id: str, version: str, officer: Signing) -> Response:
        form = await fields(request, "digest", "on")
        day = _day(form["on"].strip())

        def act(desk: Desk, contract: DataContract, gateway: LocalGateway) -> object:
            return stating.end(desk, contract, gateway, on=day)

        noted = DeskAct.END_CONTRACT
        return await run_in_threadpool(answer, request, officer, contract_id, version, act, form["digest"], noted)


def _proposing(routes: APIRouter, web: Pages, context: DeskContext) -> None:
    @routes.get("/contracts/new")
    def new(request: Request, officer: Seeing) -> Response:
        return _proposal_page(web, request, context, officer, text="")

    @routes.post("/contracts/new/check")
    async def check(request: Request, officer: Seeing) -> Response:
        form = await fields(request, "text")

        def act() -> Response:
            desk, raw = context.desk(), _bytes(form["text"])
            found = proposing.findings(desk, raw)
            if found:
                return _proposal_page(web, request, context, officer, text=form["text"], findings=found)
            try:
                proposal = proposing.read_proposal(desk, raw)
            except ExchangeError as error:
                return _proposal_page(web, request, context, officer, text=form["text"], problem=error)
            return _proposal_page(web, request, context, officer, text=form["text"], proposal=proposal)

        return await run_in_threadpool(act)

    @routes.post("/contracts/new")
    async def propose(request: Request, officer: Signing) -> Response:
        form = await fields(request, "text")

        def act() -> Response:
            gateway = context.gateway(web.catalogue(request).core)
            context.console.note(officer, DeskAct.PROPOSE_CONTRACT, "text")
            try:
                contract = proposing.propose(context.desk(), _bytes(form["text"]), gateway)
            except ExchangeError as error:
                return _proposal_page(web, request, context, officer, text=form["text"], problem=error)
            return see(f"/contracts/{contract.id}/{contract.version}")

        return await run_in_threadpool(act)


def _proposal_page(  # what a page shows, each with its own name
    web: Pages,
    request: Request,
    context: DeskContext,
    officer: Officer,
    *,
    text: str,
    findings: tuple[ContractError, ...] = (),
    problem: ExchangeError | None = None,
    proposal: Proposal | None = None,
) -> Response:
    changes = () if proposal is None or proposal.found is None else proposal.found.changes
    facts: dict[str, object] = {
        "officer": officer,
        "text": text,
        "findings": findings,
        "problem": problem,
        "proposal": proposal,
        "changes": sorted(changes, key=lambda change: EFFECT_ORDER.index(change.effect)),
        "loosened": [change for change in changes if change.effect is Effect.LOOSENING],
        "effects": EFFECTS,
        "proposes": allows(Action.CONTRACT_SIGN, officer.roles),
        "stepped_up": shown_passkey(context, officer),
    }
    status = 200 if problem is None else status_of(problem)
    return web.page(request, "zone/contract_new.html", facts, status=400 if findings else status)


def _day(text: str) -> date | None:
    """The day of a form; None where it was left empty.

    Raises:
        RequestMalformedError: It is none.
    """
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise RequestMalformedError(subject="day", reason="expected YYYY-MM-DD") from error


def _bytes(text: str) -> bytes:
    """A form's text as a file: forms end lines with CR LF (HTML, form submission), contracts with LF."""
    return text.replace("\r\n", "\n").encode("utf-8", "surrogateescape")
