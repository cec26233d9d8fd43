"""A short way to the few addresses that are asked for all day: past the framework's layers, to the same endpoints.

A shortcut answers what the framework would answer, by the same function; the framework keeps the route, describes it
in the OpenAPI document, and answers every other spelling of the address. Why: docs/decisions/0021. A doorstep is the
short way to a refusal: what would be refused behind the framework's layers anyway costs no more than to read it.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from exchange.errors import ExchangeError
from nodes.web.problems import Refusals


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """One address.

    Attributes:
        method: The one method; any other goes the long way.
        address: Of the whole path as it was sent; its named groups are arguments of `answer`.
    """

    method: str
    address: re.Pattern[str]
    answer: Callable[..., Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorstep:
    """Addresses that nobody gets past without something that is quick to look at.

    Attributes:
        addresses: Of the whole path as it was sent, by method; any other goes on.
        require: Raises what `app` would raise first.
    """

    addresses: Mapping[str, re.Pattern[str]]
    require: Callable[[Request], object]


class Shortcuts:
    """Answers some addresses itself and hands the others on.

    Args:
        app: What answers the others.
        shortcuts: The addresses.
        doorstep: What the others ask first.
        refusals: How a failure is answered; the same as that of `app`.
    """

    def __init__(self, app: ASGIApp, *, shortcuts: Sequence[Shortcut], doorstep: Doorstep, refusals: Refusals) -> None:
        self._app = app
        self._shortcuts = tuple(shortcuts)
        self._doorstep = doorstep
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life span of the process."""
        if scope["type"] == "http":
            path = scope["raw_path"].decode("ascii", "replace")
            for one in self._shortcuts:
                if scope["method"] == one.method and (found := one.address.fullmatch(path)) is not None:
                    answer = await self._answer(one, Request(scope, receive), found.groupdict())
                    await answer(scope, receive, send)
                    return
            address = self._doorstep.addresses.get(scope["method"])
            if address is not None and address.fullmatch(path) is not None:
                request = Request(scope, receive)
                try:
                    self._doorstep.require(request)
                except ExchangeError as error:
                    await self._refusals.answer(request, error)(scope, receive, send)
                    return
        await self._app(scope, receive, send)

    async def _answer(self, shortcut: Shortcut, request: Request, parts: dict[str, str]) -> Response:
        try:
            return await shortcut.answer(request, **parts)
        except Exception as error:  # noqa: BLE001  # the last stop of every failure, as the framework's is
            return self._refusals.answer(request, error)
