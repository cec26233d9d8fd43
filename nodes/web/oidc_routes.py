"""`/api/login/identity…`: to the ministry's identity provider and back; only where the settings name one."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors.officers import LoginRefusedError
from nodes.web.answers import Responses, refusals
from nodes.web.console import Console
from nodes.web.cookies import sole_cookie
from nodes.web.login import LOGIN_COOKIE, SIGN_IN
from nodes.web.oidc import RETURN_PATH, IdentityProvider
from nodes.web.problems import NO_STORE

BEGIN_PATH = "/login/identity"
SEE_OTHER = 303


def router(console: Console, provider: IdentityProvider) -> APIRouter:
    """Both of them, below `/api`; a browser follows them by itself, so they are links and not writes."""
    routes = APIRouter(tags=["session"])
    moved: Responses = {SEE_OTHER: {"description": "See Other"}}

    @routes.get(BEGIN_PATH, response_class=Response, status_code=SEE_OTHER, responses={**moved, **refusals(401)})
    def begin(request: Request) -> Response:
        """Go to the identity provider; the cookie binds the return to this browser."""
        with console.attempts.judged(request, SIGN_IN, LoginRefusedError):
            begun = provider.begin()
        answer = RedirectResponse(begun.address, SEE_OTHER, headers=NO_STORE)
        # Lax, since the browser comes back from another site; it is used once, and only with the state it was made for.
        answer.set_cookie(
            LOGIN_COOKIE, begun.handle, max_age=console.settings.challenge_s, path="/", secure=True, httponly=True,
            samesite="lax",
        )  # fmt: skip
        return answer

    @routes.get(
        RETURN_PATH.removeprefix("/api"),
        response_class=Response,
        status_code=SEE_OTHER,
        responses={**moved, **refusals(401)},
    )
    def come_back(request: Request) -> Response:
        """Come back from the identity provider, signed in."""
        with console.attempts.judged(request, SIGN_IN, LoginRefusedError) as attempt:
            token = provider.finish(request, sole_cookie(request, LOGIN_COOKIE) or "", attempt)
        answer = RedirectResponse("/", SEE_OTHER, headers=NO_STORE)
        answer.delete_cookie(LOGIN_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
        console.sessions.set_cookie(answer, token)
        return answer

    return routes
