"""Accounts through the interface: two administrators let somebody in; the person shows a passkey with the code."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from starlette.responses import Response

from nodes.adapters.account_store import AccountRow, EnrolmentRow
from nodes.adapters.attempt_store import AttemptRow, Source
from nodes.adapters.officer_db import OfficerStore
from nodes.web.accounts import Wanted
from nodes.web.answers import SIGNED_IN, Body, Document, Fresh, refusals
from nodes.web.console import Console
from nodes.web.origin import require_same_origin
from nodes.web.roles import Action, Role
from nodes.web.session_routes import AskedDocument, NewPasskeyBody, asked_document
from nodes.web.sessions import May, Officer

CODE_CHARS_MAX = 64
JOURNAL_PAGE_MAX = 200
ENROL = "enrol"
"""The act in the journal."""
Number = Annotated[int | None, Query(ge=1, le=2**53)]
Reader = Annotated[Officer, Depends(May(Action.ACCOUNTS_READ))]
Administrator = Annotated[Officer, Depends(May(Action.ACCOUNTS_CHANGE))]
JournalReader = Annotated[Officer, Depends(May(Action.JOURNAL_READ))]


class IdentityBody(Body):
    """Whom the ministry's identity provider means."""

    issuer: str = Field(min_length=1, max_length=255)
    subject: str = Field(min_length=1, max_length=255)


class WantedBody(Body):
    """An account that is to be; with `account` only a new passkey of that one, and nothing else counts."""

    name: str = Field(min_length=1, max_length=80)
    officer: str | None = Field(default=None, max_length=40)
    roles: list[Annotated[Role, Field(strict=False)]] = Field(min_length=1, max_length=len(Role))
    identity: IdentityBody | None = None
    account: str | None = Field(default=None, max_length=40)

    def wanted(self) -> Wanted:
        """The same for the rules."""
        identity = None if self.identity is None else (self.identity.issuer, self.identity.subject)
        roles = frozenset(self.roles)
        return Wanted(name=self.name, officer=self.officer, roles=roles, identity=identity, account=self.account)


class CodeBody(Body):
    """An enrolment's code, as two administrators gave it to the person."""

    code: str = Field(min_length=1, max_length=CODE_CHARS_MAX)


class EnrolBody(NewPasskeyBody):
    """A new passkey, with the code that lets it in."""

    code: str = Field(min_length=1, max_length=CODE_CHARS_MAX)


class AccountLine(Document):
    """An account."""

    account: str
    name: str
    officer: str | None
    roles: list[Role]
    identities: list[str]
    passkeys: int
    sessions: int
    made_at: str
    closed_at: str | None


class AccountsDocument(Document):
    """Every account."""

    accounts: list[AccountLine]


class EnrolmentLine(Document):
    """An enrolment that was not used."""

    enrolment: str
    account: str | None
    name: str
    officer: str | None
    roles: list[Role]
    identity: str | None
    proposed_by: str
    approved_by: str | None
    expires_at: str


class EnrolmentsDocument(Document):
    """Enrolments that wait for an administrator or for the person."""

    enrolments: list[EnrolmentLine]


class ProposedDocument(Document):
    """An enrolment waits for another administrator."""

    enrolment: str


class CodeDocument(Document):
    """The code for the person; it is shown this once."""

    code: str


class EnrolAskedDocument(AskedDocument):
    """What a new passkey is to prove, and for which account."""

    name: str
    officer: str | None
    roles: list[Role]


class EnrolledDocument(Document):
    """The account is there."""

    account: str


class JournalLine(Document):
    """A line of the journal."""

    line: int
    at: str
    account: str
    act: str
    subject: str


class AttemptLine(Document):
    """Equal refused attempts of one minute; `account` is null where nobody can be named, `*` stands for several.

    `source` says whether the account itself was signed in, was only named, or nobody is known.
    """

    line: int
    minute: str
    source: Source
    act: str
    reason: str
    address: str
    account: str | None
    count: int
    last_at: str


class AttemptsDocument(Document):
    """The newest refused attempts, or those before a line."""

    attempts: list[AttemptLine]


class JournalDocument(Document):
    """The newest lines of the journal, or those before a line."""

    journal: list[JournalLine]


def router(console: Console) -> APIRouter:
    """`/api/accounts…`, `/api/enrolments…`, `/api/journal`."""
    routes = APIRouter(prefix="/api", tags=["accounts"], default_response_class=Fresh)
    _reading(routes, console)
    _changing(routes, console)
    _enrolling(routes, console)
    return routes


def _reading(routes: APIRouter, console: Console) -> None:
    @routes.get("/accounts", responses=refusals(*SIGNED_IN))
    def accounts(_: Reader) -> AccountsDocument:
        """Every account of this console."""
        with console.db.begin() as store:
            return AccountsDocument(accounts=[_account_line(store, row) for row in store.accounts.accounts()])

    @routes.get("/enrolments", responses=refusals(*SIGNED_IN))
    def enrolments(_: Reader) -> EnrolmentsDocument:
        """Enrolments that were not used."""
        with console.db.begin() as store:
            return EnrolmentsDocument(enrolments=[_enrolment_line(row) for row in store.accounts.enrolments()])

    @routes.get("/journal", responses=refusals(*SIGNED_IN))
    def journal(_: JournalReader, before: Number = None) -> JournalDocument:
        """Who let whom in, newest first."""
        with console.db.begin() as store:
            rows = store.accounts.journal(before=before, most=JOURNAL_PAGE_MAX)
        lines = [
            JournalLine(line=row.id or 0, at=row.at, account=row.account, act=row.act, subject=row.subject)
            for row in rows
        ]
        return JournalDocument(journal=lines)

    @routes.get("/journal/attempts", responses=refusals(*SIGNED_IN))
    def attempts(_: JournalReader, before: Number = None, source: Source | None = None) -> AttemptsDocument:
        """Who was refused, where from and why, newest first; of one source or of all."""
        with console.db.begin() as store:
            rows = store.attempts.attempts(before=before, most=JOURNAL_PAGE_MAX, source=source)
        return AttemptsDocument(attempts=[attempt_line(row) for row in rows])


def _changing(routes: APIRouter, console: Console) -> None:
    @routes.post("/enrolments", status_code=201, responses=refusals(*SIGNED_IN, 404, 409, 422))
    def propose(officer: Administrator, body: WantedBody) -> ProposedDocument:
        """Propose an account, or a new passkey of one."""
        return ProposedDocument(enrolment=console.accounts.propose(officer, body.wanted()))

    @routes.post("/enrolments/{enrolment}/approval", status_code=201, responses=refusals(*SIGNED_IN, 404))
    def approve(officer: Administrator, enrolment: str) -> CodeDocument:
        """Approve what another administrator proposed."""
        return CodeDocument(code=console.accounts.approve(officer, enrolment))

    @routes.delete("/accounts/{account}", status_code=204, responses=refusals(*SIGNED_IN, 404, 409))
    def close(officer: Administrator, account: str) -> Response:
        """Close an account for good; its sessions end."""
        console.accounts.close(officer, account)
        return Response(status_code=204)

    @routes.delete("/accounts/{account}/sessions", status_code=204, responses=refusals(*SIGNED_IN, 404))
    def end_sessions(officer: Administrator, account: str) -> Response:
        """End every session of an account."""
        console.accounts.end_sessions(officer, account)
        return Response(status_code=204)


def _enrolling(routes: APIRouter, console: Console) -> None:
    @routes.post("/enrolments/challenge", responses=refusals(403))
    def ask(request: Request, body: CodeBody) -> EnrolAskedDocument:
        """What a new passkey is to prove, for the holder of a code."""
        require_same_origin(request, origin=console.settings.origin)
        with console.attempts.judged(request, ENROL):
            asked, row = console.accounts.ask_enrolled(body.code)
        shown = asked_document(asked, console.settings.origin).model_dump()
        return EnrolAskedDocument(**shown, name=row.name, officer=row.officer, roles=_roles(row.roles))

    @routes.post("/enrolments/passkey", status_code=201, responses=refusals(403, 409, 422))
    def enrol(request: Request, body: EnrolBody) -> EnrolledDocument:
        """The account, with its passkey; signing in comes after it."""
        require_same_origin(request, origin=console.settings.origin)
        with console.attempts.judged(request, ENROL):
            return EnrolledDocument(
                account=console.accounts.enrol(body.code, body.handle, body.passkey(), label=body.label)
            )


def attempt_line(row: AttemptRow) -> AttemptLine:
    """A row of refused attempts for its readers."""
    return AttemptLine(
        line=row.id or 0,
        minute=row.minute,
        source=Source(row.source),
        act=row.act,
        reason=row.reason,
        address=row.address,
        account=row.account or None,
        count=row.count,
        last_at=row.last_at,
    )


def _account_line(store: OfficerStore, row: AccountRow) -> AccountLine:
    return AccountLine(
        account=row.id,
        name=row.name,
        officer=row.officer,
        roles=_roles(row.roles),
        identities=[identity.issuer for identity in store.accounts.identities_of(row.id)],
        passkeys=sum(passkey.revoked_at is None for passkey in store.accounts.passkeys_of(row.id)),
        sessions=len(store.sessions.sessions_of(row.id)),
        made_at=row.made_at,
        closed_at=row.closed_at,
    )


def _enrolment_line(row: EnrolmentRow) -> EnrolmentLine:
    return EnrolmentLine(
        enrolment=row.id,
        account=row.account,
        name=row.name,
        officer=row.officer,
        roles=_roles(row.roles),
        identity=row.issuer,
        proposed_by=row.proposed_by,
        approved_by=row.approved_by,
        expires_at=row.expires_at,
    )


def _roles(text: str) -> list[Role]:
    return [Role(role) for role in text.split()]
