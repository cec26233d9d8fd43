"""Routes that answer with pages: a refusal is a page too, and whoever is not signed in is asked to."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import RedirectResponse, Response

from exchange.errors import ExchangeError
from exchange.errors.exchange_ import FormRefusedError
from exchange.errors.officers import LoginNeededError
from nodes.web.origin import TOKEN_FIELD
from nodes.web.pages.rendering import Pages
from nodes.web.problems import status_of

SIGN_IN = "/sign-in"
SEE_OTHER = 303
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def page_router(pages: Pages) -> APIRouter:
    """A router whose refusals are pages of this console."""

    class PageRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()

            async def answered(request: Request) -> Response:
                try:
                    return await handle(request)
                except LoginNeededError:
                    return RedirectResponse(f"{SIGN_IN}?next={quote(_here(request))}", SEE_OTHER)
                except ExchangeError as error:
                    return pages.page(request, "web/problem.html", {"problem": error}, status=status_of(error))

            return answered

    return APIRouter(route_class=PageRoute, include_in_schema=False)


async def fields(request: Request, *names: str) -> dict[str, str]:
    """The fields of a form that one of our own pages sent, beside its token.

    Raises:
        FormRefusedError: A field is missing, unknown, twice, or a file.
    """
    found = [(name, value) for name, value in (await request.form(max_files=0)).multi_items() if name != TOKEN_FIELD]
    if sorted(name for name, _ in found) != sorted(names) or not all(isinstance(value, str) for _, value in found):
        raise FormRefusedError(reason=f"expected the fields {', '.join(names) or '-'}")
    return {name: str(value) for name, value in found}


def see(address: str) -> Response:
    """After a form was taken: look at the page that shows what came of it."""
    return RedirectResponse(address, SEE_OTHER)


def local_address(asked: str) -> str:
    """Where to go after signing in: a path of this host, or the first page."""
    local = asked.startswith("/") and not asked.startswith(("//", "/\\")) and asked.isprintable()
    return asked if local else "/"


def _here(request: Request) -> str:
    return request.url.path if request.method == "GET" else "/"
