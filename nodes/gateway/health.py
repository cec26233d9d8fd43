"""Health for the operator: alive, and ready or why not; codes only, nothing about anybody's data."""

from collections.abc import Mapping
from datetime import timedelta

from fastapi import APIRouter
from starlette.responses import Response

from exchange.encoding import canonical_json
from exchange.errors import ExchangeError
from exchange.log.cosignature import CLOCK_SKEW_S_MAX
from nodes.gateway.context import GatewayContext
from nodes.gateway.own_delegation import OwnMember

CEREMONY_DAYS = 30
"""So many days before it expires, what people sign on machines without a network is asked for: root and targets by more
than half of the members, a delegation by two persons. What registrars renew takes `registry_warn_days`."""


def router(context: GatewayContext, own: OwnMember) -> APIRouter:
    """`GET /health/live` and `/health/ready`."""
    routes = APIRouter(tags=["health"])

    @routes.get("/health/live", response_class=Response)
    async def live() -> Response:
        """The process answers."""
        return _answer(200, {"status": "live"})

    @routes.get("/health/ready", response_class=Response)
    async def ready() -> Response:
        """Whether the node can do its work, and every reason why not; warnings are for the operator, in time."""
        reasons = red_reasons(context, own)
        status = {"status": "red" if reasons else "ready", "reasons": reasons, "warnings": warnings(context)}
        return _answer(503 if reasons else 200, status)

    return routes


def red_reasons(context: GatewayContext, own: OwnMember) -> list[str]:
    """What keeps this node from being well, as stable codes; empty if it is."""
    reasons = []
    gate = context.sequencer.gate
    if not gate.opened.is_set():
        reasons.append(gate.refusal.code if gate.refusal is not None else "log-not-confirmed")
    if context.sequencer.trouble is not None:
        reasons.append(context.sequencer.trouble.code)
    if context.library.damaged:
        reasons.append("bundle-damaged")
    if context.library.stuck:
        reasons.append("publication-stuck")
    if context.background.has_lost:
        reasons.append("work-ended")
    if context.split_views:
        reasons.append("witness-split-view")
    since = context.cosigner.behind_since
    if since is not None and (context.clock.now() - since).total_seconds() > context.settings.uncosigned_red_s:
        reasons.append("log-uncosigned")
    if abs(context.cosigner.clock_skew_s()) > CLOCK_SKEW_S_MAX:
        reasons.append("clock-skew")
    try:
        reasons += [problem.code for problem in own.problems(context.trust.current())]
    except ExchangeError as error:
        reasons.append(error.code)
    return reasons


def warnings(context: GatewayContext) -> list[str]:
    """What will make this node red if nobody acts, or deserves a look, as stable codes."""
    found = []
    try:
        trust = context.trust.current()
    except ExchangeError:
        return []
    now, own = context.clock.now(), trust.ends.get(context.member.lower())
    soon, ceremony = (now + timedelta(days=days) for days in (context.settings.registry_warn_days, CEREMONY_DAYS))
    if trust.expires <= soon or min(trust.ends["root"], trust.ends["targets"]) <= ceremony:
        found.append("registry-expires-soon")
    if own is not None and own <= ceremony:
        found.append("delegation-expires-soon")
    if context.trust.problem is not None:
        found.append("registry-refused")
    if context.registry.stale():
        found.append("registry-not-refreshed")
    return found


def _answer(status: int, document: Mapping[str, object]) -> Response:
    return Response(
        canonical_json(document), status, media_type="application/json", headers={"Cache-Control": "no-store"}
    )
