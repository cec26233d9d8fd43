"""`/api/contracts`: an officer proposes a contract's text; `/api/contracts/check` says what is wrong with one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from nodes.desk import proposing
from nodes.desk.acts import DeskAct
from nodes.desk.server.context import DeskContext
from nodes.web.answers import ACT, SIGNED_IN, Body, Document, Fresh, refusals
from nodes.web.problems import language_of
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

TEXT_CHARACTERS_MAX = 200_000


class ContractTextBody(Body):
    """A contract's file as text."""

    text: str = Field(min_length=1, max_length=TEXT_CHARACTERS_MAX)


class FindingLine(Document):
    """Something that is wrong with a text."""

    code: str
    message: str


class CheckedDocument(Document):
    """Everything that is wrong with a text."""

    findings: list[FindingLine]


class ProposedDocument(Document):
    """A contract that lies at this node's gateway now."""

    id: str
    version: str
    digest: str


def router(context: DeskContext) -> APIRouter:
    """Both of them."""
    routes = APIRouter(prefix="/api", tags=["contracts"], default_response_class=Fresh)

    @routes.post("/contracts/check", responses=refusals(*SIGNED_IN, 422))
    def check(
        request: Request, body: ContractTextBody, _: Annotated[Officer, Depends(May(Action.CONTRACTS_READ))]
    ) -> CheckedDocument:
        """Everything that is wrong with a contract's text; nothing is kept."""
        language = language_of(request)
        found = proposing.findings(context.desk(), body.text.encode("utf-8"))
        return CheckedDocument(findings=[FindingLine(code=one.code, message=one.sentence(language)) for one in found])

    @routes.post("/contracts", status_code=201, responses=refusals(*SIGNED_IN, *ACT))
    def propose(
        request: Request, body: ContractTextBody, officer: Annotated[Officer, Depends(May(Action.CONTRACT_SIGN))]
    ) -> ProposedDocument:
        """Hold a contract's text at the own gateway; the others get it with the member's signature."""
        desk = context.desk()
        raw = body.text.encode("utf-8")
        context.console.note(officer, DeskAct.PROPOSE_CONTRACT, "text")
        contract = proposing.propose(desk, raw, context.gateway(language_of(request)))
        return ProposedDocument(id=contract.id, version=contract.version, digest=str(contract.digest))

    return routes
