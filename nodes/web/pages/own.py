"""One's own sessions and passkeys: what is open in one's name, ended here; another passkey, one that counts no more."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from exchange.errors import ExchangeError
from nodes.web.console import Console
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import fields, page_router, see
from nodes.web.pages.words import sentence as _
from nodes.web.problems import status_of
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

OWN = "/own"
OwnSession = Annotated[Officer, Depends(May(Action.OWN_SESSION))]
PasskeyChange = Annotated[Officer, Depends(May(Action.OWN_PASSKEYS))]

METHODS = {"passkey": _("passkey"), "oidc": _("identity provider"), "password": _("password")}


@dataclass(frozen=True, slots=True)
class OwnPages:
    """The page, and what its forms do."""

    web: Pages
    console: Console

    def page(self, request: Request, officer: Officer, problem: ExchangeError | None = None) -> Response:
        """What is open in the officer's name."""
        with self.console.db.begin() as store:
            sessions = store.sessions.sessions_of(officer.account)
            passkeys = store.accounts.passkeys_of(officer.account)
        facts: dict[str, object] = {
            "officer": officer,
            "problem": problem,
            "methods": METHODS,
            "sessions": sessions,
            "passkeys": sorted(passkeys, key=lambda row: row.revoked_at is not None),
            "counting": sum(row.revoked_at is None for row in passkeys),
            "stepped_up": self.console.sessions.has_stepped_up(officer),
        }
        return self.web.page(request, "web/own.html", facts, status=200 if problem is None else status_of(problem))

    def end(self, request: Request, officer: Officer, session: str) -> Response:
        """One of the own sessions ends."""
        try:
            with self.console.db.begin() as store:
                self.console.sessions.end(store, account=officer.account, handle=session)
        except ExchangeError as error:
            return self.page(request, officer, error)
        return see(OWN)

    def revoke(self, request: Request, officer: Officer, credential: str) -> Response:
        """A passkey counts no more."""
        try:
            self.console.accounts.revoke(officer, credential)
        except ExchangeError as error:
            return self.page(request, officer, error)
        return see(OWN)


def router(web: Pages, console: Console) -> APIRouter:
    """`GET /own`; `POST /own/sessions/{session}` and `/own/passkeys/{credential}` end one."""
    routes = page_router(web)
    pages = OwnPages(web, console)

    @routes.get(OWN)
    def own(request: Request, officer: OwnSession) -> Response:
        return pages.page(request, officer)

    @routes.post(f"{OWN}/sessions/{{session}}")
    async def end(request: Request, session: str, officer: OwnSession) -> Response:
        await fields(request)
        return await run_in_threadpool(pages.end, request, officer, session)

    @routes.post(f"{OWN}/passkeys/{{credential}}")
    async def revoke(request: Request, credential: str, officer: PasskeyChange) -> Response:
        await fields(request)
        return await run_in_threadpool(pages.revoke, request, officer, credential)

    return routes
