"""Signing in and out as pages: with a passkey by the page's script, or a demonstration's password without one."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.responses import Response

from exchange.errors import ExchangeError
from nodes.web.console import Console
from nodes.web.origin import require_same_origin
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import SIGN_IN, fields, local_address, page_router, see
from nodes.web.problems import status_of
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

OwnSession = Annotated[Officer, Depends(May(Action.OWN_SESSION))]


def router(web: Pages, console: Console) -> APIRouter:
    """`GET` and `POST /sign-in`, `GET /enrol`, `POST /sign-out`."""
    routes = page_router(web)

    def page(request: Request, error: ExchangeError | None = None) -> Response:
        facts = {
            "next": local_address(request.query_params.get("next", "/")),
            "passwords": console.settings.passwords,
            "problem": error,
        }
        return web.page(request, "web/sign_in.html", facts, status=200 if error is None else status_of(error))

    @routes.get(SIGN_IN)
    def ask(request: Request) -> Response:
        return page(request)

    @routes.post(SIGN_IN)
    async def sign_in(request: Request) -> Response:
        require_same_origin(request, origin=console.settings.origin)
        form = await fields(request, "name", "password", "next")
        try:
            token = console.login.by_password(request, form["name"], form["password"])
        except ExchangeError as error:
            return page(request, error)
        answer = see(local_address(form["next"]))
        console.sessions.set_cookie(answer, token)
        return answer

    @routes.get("/enrol")
    def enrol(request: Request) -> Response:
        return web.page(request, "web/enrol.html", {})

    @routes.post("/sign-out")
    async def sign_out(request: Request, officer: OwnSession) -> Response:
        await fields(request)
        with console.db.begin() as store:
            console.sessions.end(store, account=officer.account, handle=officer.session)
        answer = see(SIGN_IN)
        console.sessions.clear_cookie(answer)
        return answer

    return routes
