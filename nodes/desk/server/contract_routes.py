"""`/api/contracts…`: read and compare contracts; sign, end, suspend and resume them for the member."""

from collections.abc import Callable
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi import Path as InPath
from pydantic import Field

from exchange.contract.diff import diff_contracts, require_version_step
from exchange.contract.effects import Effect
from exchange.contract.model import DataContract
from exchange.encoding import base64_encode, format_instant
from exchange.errors.contract import ContractVersionError
from exchange.flow.agree import ContractState
from exchange.statement import StatementType
from nodes.adapters.local_gateway import LocalGateway
from nodes.desk import stating
from nodes.desk.acts import DeskAct
from nodes.desk.cases import Desk
from nodes.desk.contract_sources import find_contract, seen_contract
from nodes.desk.contract_words import describe
from nodes.desk.server.context import DeskContext
from nodes.desk.stating import Stated
from nodes.web.answers import ACT, SIGNED_IN, Body, Document, Fresh, refusals
from nodes.web.problems import language_of
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

Name = Annotated[str, InPath(max_length=64, pattern=r"^[A-Za-z0-9-]+$")]
Version = Annotated[str, InPath(max_length=32, pattern=r"^[0-9]+(\.[0-9]+)*$")]
Reader = Annotated[Officer, Depends(May(Action.CONTRACTS_READ))]
Signer = Annotated[Officer, Depends(May(Action.CONTRACT_SIGN))]
Act = Callable[[Desk, DataContract, LocalGateway], Stated]


class SeenBody(Body):
    """The digest of the text that the officer read and agreed on with the others; any other text is refused."""

    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")


class EndBody(SeenBody):
    """The first day without the contract, in UTC; none is the soonest that its notice allows."""

    on: Annotated[date | None, Field(strict=False)] = None


class ContractLine(Document):
    """A contract and where it stands."""

    id: str
    version: str
    digest: str
    state: ContractState
    signed: dict[str, str]
    missing: list[str]
    because_of: list[str]
    since: str | None
    later: str | None


class ContractsDocument(Document):
    """Every contract at hand."""

    contracts: list[ContractLine]


class ClauseDocument(Document):
    """A clause in people's words."""

    about: str
    agreed: str


class ContractDocument(Document):
    """A contract: where it stands, its clauses in the reader's language, and its text in base64."""

    standing: ContractLine
    clauses: list[ClauseDocument]
    text: str


class ChangeDocument(Document):
    """A clause that changed, and what that does."""

    path: str
    before: str | None
    after: str | None
    effect: Effect


class ChangesDocument(Document):
    """What changed between two versions; a loosening needs a new major version."""

    effect: Effect
    version_allowed: bool
    changes: list[ChangeDocument]


class StatedDocument(Document):
    """A statement that the gateway took; it is effective once the witnesses have cosigned its entry."""

    id: str
    version: str
    digest: str
    type: StatementType
    statement: str
    counts_from: str
    effective: bool


def router(context: DeskContext) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/api", tags=["contracts"], default_response_class=Fresh)
    _reading(routes, context)
    for name, act, noted, summary in (
        ("signature", stating.sign, DeskAct.SIGN_CONTRACT, "Agree to a contract for the member."),
        (
            "suspension",
            stating.suspend,
            DeskAct.SUSPEND_CONTRACT,
            "Stop first pulls and publications at once, until the member resumes.",
        ),
        ("resumption", stating.resume, DeskAct.RESUME_CONTRACT, "Take back the member's own suspension."),
    ):
        _stating(routes, context, name, act, noted, summary)

    @routes.post("/contracts/{name}/{version}/end", responses=refusals(*SIGNED_IN, *ACT))
    def end(request: Request, name: Name, version: Version, body: EndBody, officer: Signer) -> StatedDocument:
        """End a contract for all its parties, after its notice."""
        desk = context.desk()
        contract = seen_contract(desk.shelf, f"{name}/{version}", body.digest)
        context.console.note(officer, DeskAct.END_CONTRACT, f"{contract.id}/{contract.version}")
        return _stated(stating.end(desk, contract, context.gateway(language_of(request)), on=body.on))

    return routes


def _reading(routes: APIRouter, context: DeskContext) -> None:
    @routes.get("/contracts", responses=refusals(*SIGNED_IN, 422))
    def contracts(_: Reader) -> ContractsDocument:
        """Who signed, and what is in force."""
        desk = context.desk()
        kept = sorted((one.contract for one in desk.shelf.kept.values()), key=lambda one: (one.id, one.version))
        return ContractsDocument(contracts=[contract_line(desk, contract) for contract in kept])

    @routes.get("/contracts/{name}/{version}", responses=refusals(*SIGNED_IN, 404, 422))
    def contract(request: Request, name: Name, version: Version, _: Reader) -> ContractDocument:
        """A contract in people's words, and its text."""
        desk = context.desk()
        found = find_contract(desk.shelf, f"{name}/{version}")
        clauses = describe(found, language_of(request))
        return ContractDocument(
            standing=contract_line(desk, found),
            clauses=[ClauseDocument(about=clause.about, agreed=clause.agreed) for clause in clauses],
            text=base64_encode(found.raw),
        )

    @routes.get("/contracts/{name}/{version}/changes/{after}", responses=refusals(*SIGNED_IN, 404, 422))
    def changes(name: Name, version: Version, after: Version, _: Reader) -> ChangesDocument:
        """What changed from one version to another, clause by clause."""
        desk = context.desk()
        before, later = (find_contract(desk.shelf, f"{name}/{one}") for one in (version, after))
        found = diff_contracts(before, later)
        return ChangesDocument(
            effect=found.effect,
            version_allowed=_is_step(before, later),
            changes=[
                ChangeDocument(path=one.path, before=one.before, after=one.after, effect=one.effect)
                for one in found.changes
            ],
        )


def _stating(  # what a route of its own has
    routes: APIRouter, context: DeskContext, said: str, act: Act, noted: DeskAct, summary: str
) -> None:
    @routes.post(
        f"/contracts/{{name}}/{{version}}/{said}",
        name=said,
        description=summary,
        responses=refusals(*SIGNED_IN, *ACT),
    )
    def state(request: Request, name: Name, version: Version, body: SeenBody, officer: Signer) -> StatedDocument:
        desk = context.desk()
        contract = seen_contract(desk.shelf, f"{name}/{version}", body.digest)
        context.console.note(officer, noted, f"{contract.id}/{contract.version}")
        return _stated(act(desk, contract, context.gateway(language_of(request))))


def contract_line(desk: Desk, contract: DataContract) -> ContractLine:
    """Where a contract stands, and why."""
    standing = desk.shelf.standing(contract, at=desk.now)
    statements = desk.shelf.kept[contract.digest].statements
    signed = {one.party: one.at for one in statements if one.type is StatementType.SIGNED}
    return ContractLine(
        id=contract.id,
        version=contract.version,
        digest=str(contract.digest),
        state=standing.state,
        signed={party: format_instant(at) for party, at in sorted(signed.items()) if party in contract.members()},
        missing=[member for member in contract.members() if member not in signed],
        because_of=list(standing.parties),
        since=None if standing.since is None else format_instant(standing.since),
        later=standing.later,
    )


def _is_step(before: DataContract, after: DataContract) -> bool:
    try:
        require_version_step(before, after)
    except ContractVersionError:
        return False
    return True


def _stated(stated: Stated) -> StatedDocument:
    statement = stated.statement
    return StatedDocument(
        id=stated.contract.id,
        version=stated.contract.version,
        digest=str(stated.contract.digest),
        type=statement.type,
        statement=str(statement.digest),
        counts_from=format_instant(statement.effective),
        effective=stated.effective,
    )
