"""`/api/drafts`, `/api/candidates…`: submit, read, approve by passkey, return, release."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi import Path as InPath
from pydantic import Field

from exchange.errors.desk import CaseNotFoundError
from exchange.flow.candidate import CANDIDATE, CandidateFiles
from nodes.adapters.desk_store import open_desk
from nodes.desk import releasing
from nodes.desk.acts import DeskAct
from nodes.desk.cases import Desk, KeptCase, load_case, numbered, read_candidate
from nodes.desk.deciding import ask_approval, take_approval, take_return
from nodes.desk.server.asked import ProvenBody, StatementDocument, answered, ask
from nodes.desk.server.candidate_documents import (
    CandidateLine,
    CandidatesDocument,
    DifferenceDocument,
    DraftLine,
    DraftsDocument,
    SheetDocument,
    candidate_line,
    contract_name,
    difference_document,
    sheet_document,
)
from nodes.desk.server.context import DeskContext
from nodes.desk.sheet import Sheet, sheet_of
from nodes.web.answers import ACT, SIGNED_IN, Body, Document, Fresh, refusals
from nodes.web.problems import language_of
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

APPROVAL = "desk.approval/1"
Number = Annotated[int, InPath(ge=1, le=2**53)]


class SubmitBody(Body):
    """Which draft."""

    draft: str = Field(min_length=1, max_length=255)


class ReasonBody(Body):
    """Why; no figures."""

    reason: str = Field(min_length=1, max_length=1000)


class ReleasedDocument(Document):
    """What the gateway said: the state, and the index of the log's entry."""

    name: str
    bundle: str
    state: str
    index: int


def router(context: DeskContext) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/api", tags=["candidates"], default_response_class=Fresh)
    _reading(routes, context)
    _submitting(routes, context)
    _deciding(routes, context)
    _releasing(routes, context)
    return routes


def _reading(routes: APIRouter, context: DeskContext) -> None:
    @routes.get("/candidates", responses=refusals(*SIGNED_IN, 422))
    def candidates(_: Annotated[Officer, Depends(May(Action.CANDIDATES_LIST))]) -> CandidatesDocument:
        """Every candidate at the desk; no figure is in it."""
        return CandidatesDocument(candidates=[candidate_line(kept) for kept in cases(context.desk())])

    @routes.get("/candidates/{number}", responses=refusals(*SIGNED_IN, 404, 409, 422))
    def candidate(number: Number, _: Annotated[Officer, Depends(May(Action.CANDIDATE_READ))]) -> SheetDocument:
        """What would leave, every cell of it, with the digests' words."""
        desk = context.desk()
        with open_desk(desk.store_file) as store:
            kept, events = numbered(desk, number)(store), store.events(number)
        return sheet_document(kept, _sheet(desk, kept), events)

    @routes.get("/candidates/{number}/difference", responses=refusals(*SIGNED_IN, 404, 409, 422))
    def changes(number: Number, _: Annotated[Officer, Depends(May(Action.CANDIDATE_READ))]) -> DifferenceDocument:
        """What leaves against the last release."""
        desk = context.desk()
        return difference_document(_sheet(desk, _kept(desk, number)))


def _submitting(routes: APIRouter, context: DeskContext) -> None:
    @routes.get("/drafts", responses=refusals(*SIGNED_IN, 422))
    def listing(_: Annotated[Officer, Depends(May(Action.CANDIDATE_SUBMIT))]) -> DraftsDocument:
        """What was built and is not before the officers."""
        desk = context.desk()
        return DraftsDocument(drafts=[_draft_line(name, files) for name, files in drafts(desk, cases(desk)).items()])

    @routes.post("/candidates", status_code=201, responses=refusals(*SIGNED_IN, *ACT))
    def submit(officer: Annotated[Officer, Depends(May(Action.CANDIDATE_SUBMIT))], body: SubmitBody) -> CandidateLine:
        """Put a draft before the clearing officers; only its preparer can."""
        desk = context.desk()
        files = drafts(desk, cases(desk)).get(body.draft)
        if files is None:
            raise CaseNotFoundError(asked="of this name", member=desk.node.member)
        registered = desk.require_officer(officer.require_officer_id())
        return candidate_line(releasing.submit(desk, files, officer=registered))


def _deciding(routes: APIRouter, context: DeskContext) -> None:
    @routes.post("/candidates/{number}/approval/challenge", responses=refusals(*SIGNED_IN, *ACT))
    def ask_for(
        number: Number, officer: Annotated[Officer, Depends(May(Action.CANDIDATE_APPROVE))]
    ) -> StatementDocument:
        """The statement over exactly these bytes, for the officer's passkey."""
        desk = context.desk()
        statement = ask_approval(desk, _kept(desk, number), officer.require_officer_id())
        return ask(context, desk, officer, statement, kind=f"{APPROVAL}/{number}")

    @routes.post("/candidates/{number}/approval", responses=refusals(*SIGNED_IN, *ACT))
    def approve(
        number: Number, officer: Annotated[Officer, Depends(May(Action.CANDIDATE_APPROVE))], body: ProvenBody
    ) -> CandidateLine:
        """Approve: the passkey's assertion over the statement goes into the bundle."""
        _, approval = answered(context, officer, body, kind=f"{APPROVAL}/{number}")
        desk = context.desk()
        with open_desk(desk.store_file) as store:
            kept = numbered(desk, number)(store)
            take_approval(desk, store, kept, approval)
        return candidate_line(kept)

    @routes.post("/candidates/{number}/return", responses=refusals(*SIGNED_IN, *ACT))
    def send_back(
        number: Number, officer: Annotated[Officer, Depends(May(Action.CANDIDATE_RETURN))], body: ReasonBody
    ) -> CandidateLine:
        """Send a candidate back to its preparer; approvals are gone."""
        desk = context.desk()
        with open_desk(desk.store_file) as store:
            kept = numbered(desk, number)(store)
            take_return(desk, store, kept, officer=officer.require_officer_id(), reason=body.reason)
        return candidate_line(kept)


def _releasing(routes: APIRouter, context: DeskContext) -> None:
    @routes.post("/candidates/{number}/release", responses=refusals(*SIGNED_IN, *ACT))
    def release(
        request: Request, number: Number, officer: Annotated[Officer, Depends(May(Action.CANDIDATE_RELEASE))]
    ) -> ReleasedDocument:
        """Seal a cleared candidate with the member's bundle keys, hand it over, wait until it is published."""
        gateway = context.gateway(language_of(request))
        desk = context.desk()
        context.console.note(officer, DeskAct.RELEASE, f"candidate {number}")
        done = releasing.release(desk, numbered(desk, number), gateway, officer=officer.require_officer_id())
        return ReleasedDocument(
            name=done.kept.case.candidate.name,
            bundle=done.kept.row.bundle or "-",
            state=str(done.answer["state"]),
            index=int(done.answer["index"]),
        )


def cases(desk: Desk) -> list[KeptCase]:
    """Every case at the desk, the one submitted last first.

    Raises:
        ResourceDigestError, CaseAlteredError: The desk's copy of one is not what was submitted.
    """
    if not desk.store_file.exists():
        return []
    with open_desk(desk.store_file) as store:
        return [load_case(desk, row) for row in store.cases()]


def drafts(desk: Desk, at_desk: Iterable[KeptCase]) -> dict[str, CandidateFiles]:
    """What preparation built, by the names of its folders; without those of which `at_desk` has a case."""
    known = {kept.case.candidate for kept in at_desk}
    folders = sorted(file.parent for file in (desk.node.work / "candidates").glob(f"*/{CANDIDATE}"))
    built = {folder.name: read_candidate(folder) for folder in folders}
    return {name: files for name, files in built.items() if files.candidate not in known}


def _kept(desk: Desk, number: int) -> KeptCase:
    with open_desk(desk.store_file) as store:
        return numbered(desk, number)(store)


def _sheet(desk: Desk, kept: KeptCase) -> Sheet:
    return sheet_of(desk, kept.files, kept.case)


def _draft_line(name: str, files: CandidateFiles) -> DraftLine:
    candidate = files.candidate
    return DraftLine(
        draft=name,
        name=candidate.name,
        contract=contract_name(candidate.contract),
        period=candidate.period,
        revision=candidate.revision,
        recipients=list(candidate.recipients),
        prepared_by=candidate.prepared_by,
    )
