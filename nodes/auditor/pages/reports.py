"""Signed reports: those that lie in the node's folder, each checked now, as signed JSON, page and PDF."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi import Path as InPath
from fastapi.routing import APIRouter
from starlette.responses import Response

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.exchange_ import NotFoundError
from exchange.reconcile.report import REPORT_BYTES_MAX, open_report
from exchange.signing.trust import Trust
from nodes.auditor.pages.kept import KeptAudit, LastAudit, shared
from nodes.auditor.report_commands import FORMS, LANGUAGES, REPORT, REPORTS, SIGNATURE, read_bounded
from nodes.auditor.report_document import report_document
from nodes.web.pages.lists import Listing, add_files
from nodes.web.pages.prepared import PreparedFiles
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import page_router
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

Seeing = Annotated[Officer, Depends(May(Action.AUDIT_READ))]
Name = Annotated[str, InPath(pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]{0,63}$")]
PAGES = {f"report.{language}.{form}": (language, form) for language in LANGUAGES for form in FORMS}
FILES = (REPORT, SIGNATURE, *PAGES)
TYPES = {"json": "application/json", "jws": "application/jose+json", "html": "text/html", "pdf": "application/pdf"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report as it lies here.

    Attributes:
        name: Of its folder.
        signed: The exact bytes that were signed, and what they say; None of that if they do not verify.
        refusal: Why it does not verify.
        entry: Where the auditor's log holds it, if the last audit saw that.
    """

    name: str
    signed: bytes = field(repr=False)
    jws: bytes = field(repr=False)
    document: Mapping[str, Any] | None = field(repr=False)
    refusal: ExchangeError | None = None
    entry: tuple[str, int] | None = None

    @property
    def says(self) -> Mapping[str, Any]:
        """What is signed; nothing where the signature does not hold."""
        return self.document or {}


LIST: Listing[Report] = Listing(
    name="reports",
    page="/reports",
    columns={
        "name": lambda one: one.name,
        "verdict": lambda one: "holds" if one.refusal is None else "fails",
        "at": lambda one: one.says.get("at"),
        "auditor": lambda one: one.says.get("auditor"),
        "green": lambda one: one.says.get("green"),
        "findings": lambda one: len(one.says["findings"]) if "findings" in one.says else None,
        "sha256": lambda one: str(Digest.of(one.signed)),
        "entry": lambda one: None if one.entry is None else f"{one.entry[0]}/{one.entry[1]}",
    },
    filters=("verdict", "green"),
)


def router(web: Pages, audit: LastAudit) -> APIRouter:
    """`GET /reports`, its files as a list, and `/reports/{name}/{file}`."""
    routes = page_router(web)
    shelf = ReportShelf(audit)

    @routes.get("/reports")
    def reports(request: Request, officer: Seeing) -> Response:
        facts = {"list": LIST.show(shelf.read(), request.query_params), "files": FILES}
        return web.page(request, "zone/reports.html", {**shared(officer, audit.read()), **facts})

    add_files(routes, LIST, Action.AUDIT_READ, lambda _: shelf.read())

    prepared = PreparedFiles(web)

    @routes.get("/reports/{name}/{file}")
    def file(request: Request, name: Name, file: str, officer: Seeing) -> Response:
        found = shelf.find(name)
        return prepared.answer(
            request,
            officer,
            lambda: _content(found, file),
            key=(name, file, found.refusal is None, Digest.of(found.signed), Digest.of(found.jws)),
            name=f"{name}.{file}",
            media_type=TYPES.get(file.rpartition(".")[2], TYPES["json"]),
            back="/reports",
        )

    return routes


class ReportShelf:
    """The reports in the node's folder; one that was verified is not verified again.

    Args:
        audit: Whose node it is, and whose logs say where a report was entered.
    """

    def __init__(self, audit: LastAudit) -> None:
        self._audit = audit
        self._folder = audit.node.path / REPORTS
        self._verified: dict[tuple[Digest, Digest], Mapping[str, Any]] = {}
        self._reading = threading.Lock()

    def read(self) -> list[Report]:
        """All of them, the newest name first."""
        kept = self._audit.read()
        folders = sorted((one for one in self._folder.glob("*") if (one / REPORT).is_file()), reverse=True)
        with self._reading:
            return [self._report(folder, kept) for folder in folders]

    def find(self, name: str) -> Report:
        """The report of this name.

        Raises:
            NotFoundError: There is none.
        """
        folder = self._folder / name
        if not (folder / REPORT).is_file():
            raise NotFoundError
        with self._reading:
            return self._report(folder, self._audit.read())

    def _report(self, folder: Path, kept: KeptAudit) -> Report:
        signed, jws = b"", b""
        try:
            signed, jws = (read_bounded(folder / name, bytes_max=REPORT_BYTES_MAX) for name in (REPORT, SIGNATURE))
            document = self._open(signed, jws, kept.trust)
        except ExchangeError as error:
            return Report(name=folder.name, signed=signed, jws=jws, document=None, refusal=error)
        entry = _entered(jws, document["auditor"], kept)
        return Report(name=folder.name, signed=signed, jws=jws, document=document, entry=entry)

    def _open(self, signed: bytes, jws: bytes, trust: Trust) -> Mapping[str, Any]:
        key = Digest.of(signed), Digest.of(jws)
        if key not in self._verified:
            self._verified[key] = open_report(signed, jws, trust=trust)
        return self._verified[key]


def _content(found: Report, file: str) -> bytes:
    """A file of a report; pages are written from the signed document now, so they cannot say anything else.

    Raises:
        NotFoundError: A report has no such file.
        ExchangeError: The report does not verify, so there is nothing to write a page from.
    """
    if file in (REPORT, SIGNATURE):
        return found.signed if file == REPORT else found.jws
    if file not in PAGES:
        raise NotFoundError
    if found.refusal is not None:
        raise found.refusal
    language, form = PAGES[file]
    return FORMS[form](report_document(found.says, found.signed, language))


def _entered(jws: bytes, auditor: str, kept: KeptAudit) -> tuple[str, int] | None:
    """The entry of the auditor's own log that holds this report's signature."""
    opened = kept.audits_opened(auditor)
    index = opened.get(Digest.of(jws))
    return None if index is None else (auditor, index)
