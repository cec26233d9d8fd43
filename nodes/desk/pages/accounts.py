"""Users and roles: who may sign in, let in by two administrators; their sessions, and what was done about them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from exchange.errors import ExchangeError
from exchange.errors.node import RequestMalformedError
from exchange.errors.officers import RolesExcludedError
from nodes.adapters.account_store import AccountRow, EnrolmentRow, JournalRow
from nodes.adapters.officer_db import OfficerDb, OfficerStore
from nodes.adapters.session_store import SessionRow
from nodes.desk.pages.deciding import shown_passkey
from nodes.desk.pages.names import ACTS
from nodes.desk.server.context import DeskContext
from nodes.web.accounts import FOUNDING, Wanted
from nodes.web.pages.lists import Listing, add_files
from nodes.web.pages.own import METHODS
from nodes.web.pages.paging import ROWS_PER_PAGE
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import fields, page_router, see
from nodes.web.pages.words import sentence as _
from nodes.web.problems import status_of
from nodes.web.roles import Action, Role, allows, require_compatible
from nodes.web.sessions import May, Officer

JOURNAL_LINES_MAX = 1_000_000
"""In a file."""
Seeing = Annotated[Officer, Depends(May(Action.ACCOUNTS_READ))]
Changing = Annotated[Officer, Depends(May(Action.ACCOUNTS_CHANGE))]

ROLES: Mapping[Role, str] = {
    Role.DATA: _("data officer"),
    Role.CLEARING: _("clearing officer"),
    Role.CONTRACT: _("contract officer"),
    Role.OPERATOR: _("administrator"),
    Role.AUDITOR: _("auditor"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account with what opens it now."""

    row: AccountRow
    roles: tuple[Role, ...]
    passkeys: int
    sessions: list[SessionRow]

    @property
    def state(self) -> str:
        """Whether somebody can sign in with it."""
        return "open" if self.row.closed_at is None else "closed"


ACCOUNTS: Listing[Account] = Listing(
    name="accounts",
    page="/accounts",
    parameter="accounts",
    columns={
        "account": lambda one: one.row.id,
        "name": lambda one: one.row.name,
        "officer": lambda one: one.row.officer,
        "role": lambda one: one.roles,
        "state": lambda one: one.state,
        "passkeys": lambda one: one.passkeys,
        "sessions": lambda one: len(one.sessions),
    },
    filters=("role", "state"),
)
WAITING: Listing[EnrolmentRow] = Listing(
    name="waiting",
    page="/accounts",
    parameter="waiting",
    columns={
        "enrolment": lambda one: one.id,
        "name": lambda one: one.name,
        "officer": lambda one: one.officer,
        "role": lambda one: tuple(one.roles.split()),
        "proposed_by": lambda one: one.proposed_by,
        "approved_by": lambda one: one.approved_by,
        "expires_at": lambda one: one.expires_at,
    },
    filters=("role",),
)
JOURNAL: Listing[JournalRow] = Listing(
    name="journal",
    page="/accounts",
    parameter="journal",
    columns={
        "line": lambda one: one.id,
        "at": lambda one: one.at,
        "account": lambda one: one.account,
        "act": lambda one: one.act,
        "subject": lambda one: one.subject,
    },
    filters=("account",),
)


@dataclass(frozen=True, slots=True)
class AccountPages:
    """The page about all accounts."""

    web: Pages
    context: DeskContext

    def page(
        self,
        request: Request,
        officer: Officer,
        problem: ExchangeError | None = None,
        code: tuple[str, str] | None = None,
    ) -> Response:
        """The page; `code` is whose code two administrators just gave, and the code, shown this once."""
        query = request.query_params
        with self.context.console.db.begin() as store:
            accounts, enrolments = _accounts(store), store.accounts.enrolments()
            lines, found = _journal(store, query)
        names = {one.row.id: one.row.name for one in accounts}
        facts: dict[str, object] = {
            "officer": officer,
            "problem": problem,
            "code": code,
            "accounts": ACCOUNTS.show(accounts, query),
            "enrolments": WAITING.show(enrolments, query),
            "journal": JOURNAL.show_cut(
                lines, query, found=found, choices={"account": sorted(names, key=names.__getitem__)}
            ),
            "names": names,
            "founding": FOUNDING,
            "acts_in_words": ACTS,
            "methods": METHODS,
            "roles": ROLES,
            "choices": list(compatible()),
            "changes": allows(Action.ACCOUNTS_CHANGE, officer.roles),
            "stepped_up": shown_passkey(self.context, officer),
        }
        status = 200 if problem is None else status_of(problem)
        return self.web.page(request, "zone/accounts.html", facts, status=status)

    def approved(self, request: Request, officer: Officer, enrolment: str) -> Response:
        """Let somebody in: the page with the code."""
        console = self.context.console
        try:
            code = console.accounts.approve(officer, enrolment)
        except ExchangeError as error:
            return self.page(request, officer, error)
        with console.db.begin() as store:
            row = store.accounts.enrolment(enrolment)
        assert row is not None  # it was approved just now
        return self.page(request, officer, code=(row.name, code))


def router(web: Pages, context: DeskContext) -> APIRouter:
    """`GET /accounts`, its lists' files; `POST /accounts`, `/enrolments/{enrolment}`, `/accounts/{account}/{act}`."""
    routes = page_router(web)
    pages = AccountPages(web, context)
    accounts = context.console.accounts
    _files(routes, context.console.db)

    @routes.get("/accounts")
    def listing(request: Request, officer: Seeing) -> Response:
        return pages.page(request, officer)

    @routes.post("/accounts")
    async def propose(request: Request, officer: Changing) -> Response:
        form = await fields(request, "name", "officer", "roles")

        def act() -> Response:
            try:
                accounts.propose(officer, _wanted(form))
            except ExchangeError as error:
                return pages.page(request, officer, error)
            return see("/accounts#waiting")

        return await run_in_threadpool(act)

    @routes.post("/enrolments/{enrolment}")
    async def approve(request: Request, enrolment: str, officer: Changing) -> Response:
        await fields(request)
        return await run_in_threadpool(pages.approved, request, officer, enrolment)

    @routes.post("/accounts/{account}/{what}")
    async def change(request: Request, account: str, what: str, officer: Changing) -> Response:
        await fields(request)

        def act() -> Response:
            try:
                _change(context, officer, account, what)
            except ExchangeError as error:
                return pages.page(request, officer, error)
            return see("/accounts")

        return await run_in_threadpool(act)

    return routes


def _files(routes: APIRouter, db: OfficerDb) -> None:
    def accounts(_: Request) -> list[Account]:
        with db.begin() as store:
            return _accounts(store)

    def waiting(_: Request) -> list[EnrolmentRow]:
        with db.begin() as store:
            return store.accounts.enrolments()

    def journal(request: Request) -> list[JournalRow]:
        account = request.query_params.get("account") or None
        with db.begin() as store:
            return store.accounts.journal_page(account=account, skip=0, most=JOURNAL_LINES_MAX)[0]

    add_files(routes, ACCOUNTS, Action.ACCOUNTS_READ, accounts)
    add_files(routes, WAITING, Action.ACCOUNTS_READ, waiting)
    add_files(routes, JOURNAL, Action.JOURNAL_READ, journal)


def compatible() -> Iterator[tuple[Role, ...]]:
    """Every set of roles that one person may have, the small ones first."""
    for size in range(1, len(Role) + 1):
        for roles in combinations(Role, size):
            try:
                require_compatible(roles)
            except RolesExcludedError:
                continue
            yield roles


def _change(context: DeskContext, officer: Officer, account: str, what: str) -> None:
    """A new passkey is proposed, sessions end, or the account is closed.

    Raises:
        RequestMalformedError: Nothing of that name is done to accounts.
        OfficersError: It cannot be.
    """
    accounts = context.console.accounts
    if what == "passkey":  # all else is that account's
        accounts.propose(officer, Wanted(name="-", officer=None, roles=frozenset({Role.DATA}), account=account))
    elif what == "sessions":
        accounts.end_sessions(officer, account)
    elif what == "close":
        accounts.close(officer, account)
    else:
        raise RequestMalformedError(subject="address", reason="expected passkey, sessions or close")


def _wanted(form: Mapping[str, str]) -> Wanted:
    """The account that a form asks for.

    Raises:
        RequestMalformedError: A role that there is not.
    """
    try:
        roles = frozenset(Role(name) for name in form["roles"].split())
    except ValueError as error:
        raise RequestMalformedError(subject="roles", reason="a role that there is not") from error
    return Wanted(name=form["name"].strip(), officer=form["officer"].strip() or None, roles=roles)


def _accounts(store: OfficerStore) -> list[Account]:
    """All of them by name, the closed ones last."""
    found = [_account(store, row) for row in store.accounts.accounts()]
    return sorted(found, key=lambda one: (one.row.closed_at is not None, one.row.name))


def _journal(store: OfficerStore, query: Mapping[str, str]) -> tuple[list[JournalRow], int]:
    """The lines of the page that an address asks for, the last one where it asks for more; and how many there are."""
    account, skip = query.get("account") or None, JOURNAL.skip(query)
    lines, found = store.accounts.journal_page(account=account, skip=skip, most=ROWS_PER_PAGE)
    there = JOURNAL.skip(query, found=found)
    if there == skip:
        return lines, found
    return store.accounts.journal_page(account=account, skip=there, most=ROWS_PER_PAGE)


def _account(store: OfficerStore, row: AccountRow) -> Account:
    return Account(
        row=row,
        roles=tuple(Role(name) for name in row.roles.split()),
        passkeys=sum(one.revoked_at is None for one in store.accounts.passkeys_of(row.id)),
        sessions=store.sessions.sessions_of(row.id),
    )
