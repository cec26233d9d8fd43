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
from nodes.adapters.account_store import AccountRow
from nodes.adapters.officer_db import OfficerStore
from nodes.adapters.session_store import SessionRow
from nodes.desk.pages.deciding import shown_passkey
from nodes.desk.server.context import DeskContext
from nodes.web.accounts import Wanted
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import fields, page_router, see
from nodes.web.pages.words import sentence as _
from nodes.web.problems import status_of
from nodes.web.roles import RIGHTS, Action, Role, require_compatible
from nodes.web.sessions import May, Officer

JOURNAL_SHOWN_MAX = 50
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
        with self.context.console.db.begin() as store:
            accounts = [_account(store, row) for row in store.accounts.accounts()]
            enrolments = store.accounts.enrolments()
            journal = store.accounts.journal(before=None, most=JOURNAL_SHOWN_MAX)
        facts: dict[str, object] = {
            "officer": officer,
            "problem": problem,
            "code": code,
            "accounts": sorted(accounts, key=lambda one: (one.row.closed_at is not None, one.row.name)),
            "enrolments": enrolments,
            "names": {one.row.id: one.row.name for one in accounts},
            "roles": ROLES,
            "choices": list(compatible()),
            "journal": journal,
            "changes": bool(RIGHTS[Action.ACCOUNTS_CHANGE].roles & officer.roles),
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
    """`GET /accounts`; `POST /accounts`, `/enrolments/{enrolment}`, `/accounts/{account}/passkey|sessions|close`."""
    routes = page_router(web)
    pages = AccountPages(web, context)
    accounts = context.console.accounts

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


def _account(store: OfficerStore, row: AccountRow) -> Account:
    return Account(
        row=row,
        roles=tuple(Role(name) for name in row.roles.split()),
        passkeys=sum(one.revoked_at is None for one in store.accounts.passkeys_of(row.id)),
        sessions=store.sessions.sessions_of(row.id),
    )
