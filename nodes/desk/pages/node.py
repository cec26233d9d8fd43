"""The node as its operator sees it: is it well, keys and expiries, witnesses and log, settings, the way to partners."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Generic

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.responses import Response

from exchange.errors import ExchangeError
from nodes.adapters.local_gateway import Shape
from nodes.desk.gateway_answers import PathAnswer, PathsAnswer, StatusAnswer
from nodes.desk.pages.node_lists import (
    EXPIRIES,
    KEYS,
    NODE,
    PARTNERS,
    PARTNERS_PAGE,
    SETTINGS,
    WITNESSES,
    Witness,
    expiries,
    keys,
    witnesses,
)
from nodes.desk.pages.node_settings import Setting, settings_of
from nodes.desk.server.context import DeskContext
from nodes.web.pages.lists import add_files
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import page_router
from nodes.web.pages.words import sentence as _
from nodes.web.roles import Action, allows
from nodes.web.sessions import May, Officer


@dataclass(frozen=True, slots=True)
class Question(Generic[Shape]):
    """What the own gateway is asked: where, in which shape it answers, and how long to wait for it."""

    path: str
    shape: type[Shape]
    wait_s: float


STATUS_QUESTION = Question("/local/status", StatusAnswer, wait_s=4.0)
PATHS_QUESTION = Question("/local/doctor", PathsAnswer, wait_s=60.0)
Seeing = Annotated[Officer, Depends(May(Action.NODE_READ))]

CONDITIONS: Mapping[str, str] = {
    "bundle-damaged": _("A published bundle was altered at rest"),
    "clock-skew": _("This machine's clock differs from the witnesses'"),
    "delegation-expires-soon": _("This country's own delegation expires soon"),
    "log-not-confirmed": _("Witnesses have not confirmed the log since the start"),
    "log-uncosigned": _("No quorum has cosigned the log for too long"),
    "publication-stuck": _("A publication does not get on"),
    "registry-expires-soon": _("The registry expires soon"),
    "registry-not-refreshed": _("The registry was not refreshed"),
    "registry-refused": _("A newer registry was refused"),
    "work-ended": _("Some of the gateway's lasting work has ended: restart it"),
    "witness-split-view": _("Somebody was shown another log"),
}
"""What makes a node red, or soon will; a code that is not here is shown as it is."""

PURPOSES: Mapping[str, str] = {
    "bundle": _("signs bundles"),
    "contract": _("signs contracts"),
    "log": _("signs the log"),
    "officer": _("an officer's"),
    "transport": _("speaks with partners"),
    "witness": _("witnesses others' logs"),
}


def router(web: Pages, context: DeskContext) -> APIRouter:
    """`GET /node`, `/node/partners`, which tries the way to each of them, and the files of their lists."""
    routes = page_router(web)
    _node(routes, web, context)
    _partners(routes, web, context)
    return routes


def _node(routes: APIRouter, web: Pages, context: DeskContext) -> None:
    member = context.node.member

    def settings(_: Request) -> list[Setting]:
        return list(settings_of(context.node.settings))

    @routes.get(NODE)
    def node(request: Request, officer: Seeing) -> Response:
        status, silent = _asked_or_why(context, web, request, STATUS_QUESTION)
        trust, query = context.trust.current(), request.query_params
        facts: dict[str, object] = {
            "officer": officer,
            "status": status,
            "silent": silent,
            "conditions": CONDITIONS,
            "trust": trust,
            "ends": EXPIRIES.show(expiries(trust), query),
            "keys": KEYS.show(keys(trust, member), query),
            "purposes": PURPOSES,
            "now": context.clock.now(),
            "witnesses": [one for one in sorted(trust.members) if one != member],
            "troubles": WITNESSES.show(witnesses(status), query),
            "settings": SETTINGS.show(settings(request), query),
            "lets_in": allows(Action.ACCOUNTS_READ, officer.roles),
        }
        return web.page(request, "zone/node.html", facts)

    def troubles(request: Request) -> list[Witness]:
        return witnesses(_asked(context, web, request, STATUS_QUESTION))

    add_files(routes, EXPIRIES, Action.NODE_READ, lambda _: expiries(context.trust.current()))
    add_files(routes, KEYS, Action.NODE_READ, lambda _: keys(context.trust.current(), member))
    add_files(routes, SETTINGS, Action.NODE_READ, settings)
    add_files(routes, WITNESSES, Action.NODE_READ, troubles)


def _partners(routes: APIRouter, web: Pages, context: DeskContext) -> None:
    @routes.get(PARTNERS_PAGE)
    def partners(request: Request, officer: Seeing) -> Response:
        found, silent = _asked_or_why(context, web, request, PATHS_QUESTION)
        facts: dict[str, object] = {
            "officer": officer,
            "list": PARTNERS.show([] if found is None else found.partners, request.query_params),
            "silent": silent,
            "core": web.catalogue(request).core,
        }
        return web.page(request, "zone/partners.html", facts)

    def tried(request: Request) -> list[PathAnswer]:
        return _asked(context, web, request, PATHS_QUESTION).partners

    add_files(routes, PARTNERS, Action.NODE_READ, tried)


def _asked(context: DeskContext, web: Pages, request: Request, question: Question[Shape]) -> Shape:
    """What the own gateway says.

    Raises:
        GatewayDownError, GatewayRefusedError, GatewayAnswerError: Nothing, or in another shape.
    """
    gateway = context.gateway(web.catalogue(request).core, timeout_s=question.wait_s)
    return gateway.shaped(gateway.get(question.path), question.shape)


def _asked_or_why(
    context: DeskContext, web: Pages, request: Request, question: Question[Shape]
) -> tuple[Shape | None, ExchangeError | None]:
    """What the own gateway says; or why it does not."""
    try:
        return _asked(context, web, request, question), None
    except ExchangeError as error:
        return None, error
