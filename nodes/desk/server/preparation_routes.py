"""`/api/preparation-notes`: what preparation told the desk of refused rows and of options."""

from typing import Annotated

from fastapi import APIRouter, Depends

from exchange.encoding import format_instant
from exchange.flow.preparation_note import PreparationNote, Price
from nodes.adapters.preparation_notes import read_notes
from nodes.desk.server.candidate_documents import ContractName, contract_name
from nodes.desk.server.context import DeskContext
from nodes.web.answers import SIGNED_IN, Document, Fresh, refusals
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer


class RefusedLine(Document):
    """A field that stopped a build; what it holds is not here."""

    line: int
    column: str
    allowed: str


class PriceLine(Document):
    """What protecting one table would cost."""

    coarsening: str
    subject: str
    cells: int
    withheld: int
    protectable: bool


class NoteDocument(Document):
    """What preparation told of one contract's period."""

    contract: ContractName
    period: str
    at: str
    refused_fields: int
    refused: list[RefusedLine]
    prices: list[PriceLine]


class RefusedNoteLine(Document):
    """A file among the notes that is none, and what is wrong with it."""

    file: str
    code: str
    detail: str


class NotesDocument(Document):
    """Every note that lies here, and every file that should be one."""

    notes: list[NoteDocument]
    refused: list[RefusedNoteLine]


def router(context: DeskContext) -> APIRouter:
    """`GET /api/preparation-notes`."""
    routes = APIRouter(prefix="/api", tags=["candidates"], default_response_class=Fresh)

    @routes.get("/preparation-notes", responses=refusals(*SIGNED_IN, 422))
    def notes(_: Annotated[Officer, Depends(May(Action.CANDIDATE_SUBMIT))]) -> NotesDocument:
        """Why rows were refused, and what coarser tables would cost; no figure is in it."""
        found = read_notes(context.node.work)
        return NotesDocument(
            notes=[_note(one) for one in found.notes],
            refused=[
                RefusedNoteLine(file=one.file, code=one.error.code, detail=one.error.sentence("en"))
                for one in found.refused
            ],
        )

    return routes


def _note(note: PreparationNote) -> NoteDocument:
    return NoteDocument(
        contract=contract_name(note.contract),
        period=note.period,
        at=format_instant(note.at),
        refused_fields=note.refused_fields,
        refused=[RefusedLine(line=one.line, column=one.column, allowed=one.allowed) for one in note.refused],
        prices=[_price(one) for one in note.prices],
    )


def _price(price: Price) -> PriceLine:
    return PriceLine(
        coarsening=price.coarsening,
        subject=price.subject,
        cells=price.cells,
        withheld=price.withheld,
        protectable=price.protectable,
    )
