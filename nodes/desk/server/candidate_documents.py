"""Candidates as documents: a line of the list, the sheet that an officer answers for, the difference to the last."""

from exchange.contract.reference import ContractRef
from exchange.encoding import format_instant
from exchange.flow.clear import CandidateState, Case
from exchange.labels import licences_json, sources_json
from exchange.signing.words import digest_words
from nodes.adapters.desk_store import EventRow
from nodes.desk.cases import KeptCase
from nodes.desk.sheet import CHANGES, CellKind, Sheet, SheetCell, SheetRow
from nodes.web.answers import Document


class ContractName(Document):
    """A contract's version."""

    id: str
    version: str
    digest: str


class ReturnedDocument(Document):
    """Why a candidate was sent back."""

    by: str
    at: str
    reason: str


class CandidateLine(Document):
    """A candidate at the desk."""

    number: int
    name: str
    contract: ContractName
    period: str
    revision: int
    recipients: list[str]
    state: CandidateState
    prepared_by: str
    approved_by: list[str]
    valid_until: str | None
    returned: ReturnedDocument | None
    bundle: str | None


class CandidatesDocument(Document):
    """Every candidate at the desk, the one submitted last first."""

    candidates: list[CandidateLine]


class DraftLine(Document):
    """A candidate that was built, and is not before the officers."""

    draft: str
    name: str
    contract: ContractName
    period: str
    revision: int
    recipients: list[str]
    prepared_by: str


class DraftsDocument(Document):
    """Every candidate that was built and is not before the officers."""

    drafts: list[DraftLine]


class CellDocument(Document):
    """A cell as the partner gets it; `figure` is a decimal number, and null where there is none to show."""

    kind: CellKind
    figure: str | None
    status: str


class RowDocument(Document):
    """A key with what leaves and, after an earlier release, what that said."""

    key: list[str]
    now: CellDocument
    before: CellDocument | None


class DigestDocument(Document):
    """A digest, and its words to compare aloud with a second machine."""

    digest: str
    words: str


class EventDocument(Document):
    """What happened to a candidate."""

    at: str
    officer: str
    event: str
    reason: str | None


class SheetDocument(Document):
    """Everything an officer answers for."""

    candidate: CandidateLine
    title: str
    sources: list[dict[str, str]]
    licenses: list[dict[str, str]]
    not_before: str
    cells: int
    withheld: int
    approvals_needed: int
    data: DigestDocument
    disclosure: DigestDocument
    labels: DigestDocument
    dimensions: list[str]
    rows: list[RowDocument]
    events: list[EventDocument]


class DifferenceDocument(Document):
    """What leaves against the release that this candidate replaces."""

    name: str
    first: bool
    added: list[RowDocument]
    removed: list[RowDocument]
    changed: list[RowDocument]
    newly_withheld: list[RowDocument]
    newly_unwithheld: list[RowDocument]


def contract_name(ref: ContractRef) -> ContractName:
    """A contract's version by name and digest."""
    return ContractName(id=ref.id, version=ref.version, digest=str(ref.digest))


def candidate_line(kept: KeptCase) -> CandidateLine:
    """A case as a line."""
    case, candidate = kept.case, kept.case.candidate
    assert kept.row.id is not None  # it is in the store
    return CandidateLine(
        number=kept.row.id,
        name=candidate.name,
        contract=contract_name(candidate.contract),
        period=candidate.period,
        revision=candidate.revision,
        recipients=list(candidate.recipients),
        state=case.state,
        prepared_by=candidate.prepared_by,
        approved_by=[approval.officer for approval in case.approvals],
        valid_until=None if case.valid_until is None else format_instant(case.valid_until),
        returned=_returned(case),
        bundle=kept.row.bundle,
    )


def sheet_document(kept: KeptCase, sheet: Sheet, events: list[EventRow]) -> SheetDocument:
    """A case with every cell."""
    candidate = sheet.candidate
    data, disclosure, labels = (
        DigestDocument(digest=str(one), words=digest_words(one))
        for one in (candidate.data, candidate.disclosure, candidate.labels)
    )
    return SheetDocument(
        candidate=candidate_line(kept),
        title=candidate.title,
        sources=[_texts(one) for one in sources_json(candidate.sources)],
        licenses=[_texts(one) for one in licences_json(candidate.licences)],
        not_before=format_instant(candidate.not_before),
        cells=sheet.report.cells,
        withheld=len(sheet.report.withheld),
        approvals_needed=sheet.contract.approvals.officers_min,
        data=data,
        disclosure=disclosure,
        labels=labels,
        dimensions=[dimension.id for dimension in sheet.contract.dimensions],
        rows=[row_document(row) for row in sheet.rows()],
        events=[EventDocument(at=one.at, officer=one.officer, event=one.event, reason=one.reason) for one in events],
    )


def difference_document(sheet: Sheet) -> DifferenceDocument:
    """The difference to the last release, every row of it."""
    lists = {name: [row_document(row) for row in sheet.changes(name)] for name in CHANGES}
    return DifferenceDocument(name=sheet.candidate.name, first=sheet.first, **lists)


def row_document(row: SheetRow) -> RowDocument:
    """A row of a table."""
    before = None if row.before is None else _cell(row.before)
    return RowDocument(key=list(row.key), now=_cell(row.now), before=before)


def _cell(cell: SheetCell) -> CellDocument:
    figure = None if cell.figure is None else f"{cell.figure:f}"
    return CellDocument(kind=cell.kind, figure=figure, status=cell.status)


def _returned(case: Case) -> ReturnedDocument | None:
    found = case.returned
    return (
        None if found is None else ReturnedDocument(by=found.officer, at=format_instant(found.at), reason=found.reason)
    )


def _texts(value: object) -> dict[str, str]:
    assert isinstance(value, dict)  # sources and licences are objects of strings
    return {str(name): str(text) for name, text in value.items()}
