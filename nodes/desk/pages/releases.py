"""What leaves the country: the page on which an officer decides, and the sheet that is printed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.signing.words import digest_words
from nodes.adapters.desk_store import open_desk
from nodes.desk.acts import DeskAct
from nodes.desk.cases import OPEN, Desk, KeptCase, numbered
from nodes.desk.contract_words import describe
from nodes.desk.deciding import take_return
from nodes.desk.pages.deciding import may, shown_passkey
from nodes.desk.pages.names import CHANGE_HEADINGS, STATES, UNITS
from nodes.desk.pages.outliers import outliers
from nodes.desk.pages.protection import is_fresh, protection
from nodes.desk.pages.table import TableView, table_view
from nodes.desk.releasing import release as release_case
from nodes.desk.server.context import DeskContext
from nodes.desk.sheet import CHANGES, Sheet, SheetRow, release_before, sheet_of, table_rows
from nodes.desk.sheet_document import sheet_document
from nodes.paper import pdf_bytes
from nodes.web.pages.files import CSV_TYPE, attached
from nodes.web.pages.locale import Reader
from nodes.web.pages.prepared import PreparedFiles
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import fields, page_router, see
from nodes.web.problems import status_of
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

CHANGES_SHOWN_MAX = 200
PDF = "application/pdf"
Seeing = Annotated[Officer, Depends(May(Action.CANDIDATE_READ))]
Returning = Annotated[Officer, Depends(May(Action.CANDIDATE_RETURN))]
Releasing = Annotated[Officer, Depends(May(Action.CANDIDATE_RELEASE))]


@dataclass(frozen=True, slots=True)
class ReleasePages:
    """The page about one candidate."""

    web: Pages
    context: DeskContext

    def page(self, request: Request, officer: Officer, number: int, problem: ExchangeError | None = None) -> Response:
        """The page, with why the last thing asked was not done, if it was not."""
        desk = self.context.desk()
        kept = find(desk, number)
        sheet = sheet_of(desk, kept.files, kept.case)
        catalogue = self.web.catalogue(request)
        fresh = is_fresh(desk, sheet.candidate, sheet.contract) if kept.case.state in OPEN else None
        facts: Mapping[str, object] = {
            "officer": officer,
            "number": number,
            "path": f"/releases/{number}",
            "problem": problem,
            "clauses": describe(sheet.contract, catalogue.core),
            "clauses_signed": describe(sheet.contract),
            "may": may(officer, kept.case, fresh=fresh is not False),
            "stepped_up": shown_passkey(self.context, officer),
            "protection": protection(sheet.report, sheet.contract, fresh=fresh),
            **_about(sheet),
            **_tables(desk, sheet, Reader(catalogue.language), request.query_params),
        }
        return self.web.page(request, "zone/release.html", facts, status=200 if problem is None else status_of(problem))


def router(web: Pages, context: DeskContext) -> APIRouter:
    """`GET /releases/{number}`, its `data.csv` and `sheet.pdf`; `POST …/return` and `…/release`."""
    routes = page_router(web)
    _reading(routes, web, context)
    _deciding(routes, web, context)
    return routes


def find(desk: Desk, number: int) -> KeptCase:
    """The case of this number at the desk.

    Raises:
        CaseNotFoundError: There is none.
    """
    with open_desk(desk.store_file) as store:
        return numbered(desk, number)(store)


def _reading(routes: APIRouter, web: Pages, context: DeskContext) -> None:
    pages, prepared = ReleasePages(web, context), PreparedFiles(web)

    @routes.get("/releases/{number}")
    def release(request: Request, number: int, officer: Seeing) -> Response:
        return pages.page(request, officer, number)

    @routes.get("/releases/{number}/data.csv", dependencies=[Depends(May(Action.CANDIDATE_READ))])
    def data(number: int) -> Response:
        kept = find(context.desk(), number)
        return attached(kept.files.data, f"{kept.files.candidate.name}.csv", CSV_TYPE)

    @routes.get("/releases/{number}/sheet.pdf")
    def paper(request: Request, number: int, officer: Seeing) -> Response:
        desk, core = context.desk(), web.catalogue(request).core
        kept = find(desk, number)
        sheet = sheet_of(desk, kept.files, kept.case)
        return prepared.answer(
            request,
            officer,
            lambda: pdf_bytes(sheet_document(sheet, core)),
            key=(number, kept.case, sheet.found.before is None, core),
            name=f"{kept.files.candidate.name}.pdf",
            media_type=PDF,
            back=f"/releases/{number}",
        )


def _deciding(routes: APIRouter, web: Pages, context: DeskContext) -> None:
    pages = ReleasePages(web, context)

    @routes.post("/releases/{number}/return")
    async def send_back(request: Request, number: int, officer: Returning) -> Response:
        form = await fields(request, "reason")

        def act() -> Response:
            desk = context.desk()
            try:
                with open_desk(desk.store_file) as store:
                    kept = numbered(desk, number)(store)
                    take_return(desk, store, kept, officer=officer.require_officer_id(), reason=form["reason"])
            except ExchangeError as error:
                return pages.page(request, officer, number, error)
            return see(f"/releases/{number}")

        return await run_in_threadpool(act)

    @routes.post("/releases/{number}/release")
    async def release(request: Request, number: int, officer: Releasing) -> Response:
        await fields(request)

        def act() -> Response:
            desk = context.desk()
            gateway = context.gateway(web.catalogue(request).core)
            context.console.note(officer, DeskAct.RELEASE, f"candidate {number}")
            try:
                release_case(desk, numbered(desk, number), gateway, officer=officer.require_officer_id())
            except ExchangeError as error:
                return pages.page(request, officer, number, error)
            return see(f"/releases/{number}")

        return await run_in_threadpool(act)


def _about(sheet: Sheet) -> Mapping[str, object]:
    candidate, case = sheet.candidate, sheet.case
    return {
        "candidate": candidate,
        "contract": sheet.contract,
        "report": sheet.report,
        "unit": UNITS.get(sheet.contract.unit, sheet.contract.unit),
        "state": STATES[case.state],
        "approvals": case.approvals,
        "valid_until": case.valid_until,
        "returned": case.returned,
        "first": sheet.first,
        "headings": CHANGE_HEADINGS,
        "digests": [
            _digest("data.csv", candidate.data, len(sheet.files.data)),
            _digest("disclosure.json", candidate.disclosure, len(sheet.files.disclosure)),
            _digest("labels", candidate.labels, None),
        ],
    }


def _digest(name: str, digest: Digest, size: int | None) -> tuple[str, str, str, int | None]:
    return name, digest_words(digest), str(digest), size


def _tables(desk: Desk, sheet: Sheet, reader: Reader, asked: Mapping[str, str]) -> Mapping[str, object]:
    """The partner's table, every list of the difference, and what moved unlike the rest since the period before."""
    whole = "whole" in asked
    changes = [(name, sheet.changes(name)) for name in CHANGES] if not sheet.first else []
    earlier = release_before(desk, sheet.candidate)
    unusual: tuple[SheetRow, ...] = ()
    if earlier is not None:
        unusual = outliers(tuple(table_rows(sheet.found.after, sheet.contract, before=earlier[1])))
    lists = dict(changes) | {"unusual": unusual}
    return {
        "whole": whole,
        "view": table_view(sheet.rows(), sheet.contract, reader, asked, whole=whole),
        "changes": changes,
        "views": {name: _listed(rows, sheet, reader, whole=whole) for name, rows in lists.items()},
        "earlier": None if earlier is None else earlier[0],
        "unusual": unusual,
    }


def _listed(rows: tuple[SheetRow, ...], sheet: Sheet, reader: Reader, *, whole: bool) -> TableView:
    shown = rows if whole else rows[:CHANGES_SHOWN_MAX]
    return replace(table_view(shown, sheet.contract, reader, {}, whole=True), total=len(rows))
