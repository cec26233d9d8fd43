"""The node as its operator sees it: is it well, keys and expiries, witnesses and log, settings, the way to partners."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.responses import Response

from exchange.errors import ExchangeError
from exchange.signing.members import MemberKey
from nodes.desk.pages.node_settings import settings_of
from nodes.desk.server.context import DeskContext
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import page_router
from nodes.web.pages.words import sentence as _
from nodes.web.roles import RIGHTS, Action
from nodes.web.sessions import May, Officer

STATUS_WAIT_S = 4.0
DOCTOR_WAIT_S = 60.0
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
    """`GET /node`, and `/node/partners`, which tries the way to each of them."""
    routes = page_router(web)

    @routes.get("/node")
    def node(request: Request, officer: Seeing) -> Response:
        status, silent = _asked(context, request, web, "/local/status", timeout_s=STATUS_WAIT_S)
        trust = context.trust.current()
        member = trust.members.get(context.node.member)
        keys = () if member is None else member.keys
        facts: dict[str, object] = {
            "officer": officer,
            "status": status,
            "silent": silent,
            "conditions": CONDITIONS,
            "trust": trust,
            "ends": sorted(trust.ends.items(), key=lambda one: (one[1], one[0])),
            "keys": sorted(keys, key=_order),
            "purposes": PURPOSES,
            "now": context.clock.now(),
            "witnesses": [one for one in sorted(trust.members) if one != context.node.member],
            "settings": list(settings_of(context.node.settings)),
            "lets_in": bool(RIGHTS[Action.ACCOUNTS_READ].roles & officer.roles),
        }
        return web.page(request, "zone/node.html", facts)

    @routes.get("/node/partners")
    def partners(request: Request, officer: Seeing) -> Response:
        found, silent = _asked(context, request, web, "/local/doctor", timeout_s=DOCTOR_WAIT_S)
        facts: dict[str, object] = {
            "officer": officer,
            "partners": None if found is None else found["partners"],
            "silent": silent,
            "core": web.catalogue(request).core,
        }
        return web.page(request, "zone/partners.html", facts)

    return routes


def _asked(
    context: DeskContext, request: Request, web: Pages, path: str, *, timeout_s: float
) -> tuple[dict[str, Any] | None, ExchangeError | None]:
    """What the own gateway says; or why it does not."""
    try:
        return context.gateway(web.catalogue(request).core, timeout_s=timeout_s).get(path), None
    except ExchangeError as error:
        return None, error


def _order(key: MemberKey) -> tuple[str, str, str]:
    return key.purpose.value, key.officer or "", key.key.kid
