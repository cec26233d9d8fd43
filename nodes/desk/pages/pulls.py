"""Pull from partners: what each of them offers, what lies here of it, and pulling the rest through the own gateway."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from exchange.encoding import Digest
from exchange.errors.node import RequestMalformedError
from exchange.flow.offer import STATE_PUBLISHED
from nodes.desk.acts import DeskAct
from nodes.desk.pages.deciding import shown_passkey
from nodes.desk.pages.names import said_purpose
from nodes.desk.pages.pull_work import Catalogue, PullOrder, PullWork, partners_of, purposes_of
from nodes.desk.server.bundle_routes import OfferLine, PullBody, pulled_folders
from nodes.desk.server.context import DeskContext
from nodes.web.pages.lists import Listing, add_files
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import fields, page_router, see
from nodes.web.pages.words import sentence as _
from nodes.web.roles import Action, allows
from nodes.web.sessions import May, Officer

Seeing = Annotated[Officer, Depends(May(Action.CATALOGUE_READ))]
Pulling = Annotated[Officer, Depends(May(Action.PULL))]

STATES = {
    "published": (_("published"), "green"),
    "superseded": (_("replaced by a revision"), "grey"),
    "withdrawn": (_("withdrawn"), "red"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A bundle in a partner's catalogue; `here` is whether it was pulled and lies at this node."""

    partner: str
    offer: OfferLine
    here: bool

    @property
    def pullable(self) -> bool:
        """Whether there is something to pull: a provider's own newest release that does not lie here."""
        return self.offer.state == STATE_PUBLISHED and self.offer.provider == self.partner and not self.here


OFFERS: Listing[Offered] = Listing(
    name="offers",
    page="/pulls",
    columns={
        "partner": lambda one: one.partner,
        "contract": lambda one: one.offer.contract.id,
        "version": lambda one: one.offer.contract.version,
        "period": lambda one: one.offer.period,
        "revision": lambda one: one.offer.revision,
        "state": lambda one: one.offer.state,
        "here": lambda one: one.here,
        "bundle": lambda one: one.offer.bundle,
    },
    filters=("partner", "contract", "period", "state", "here"),
)


def router(web: Pages, context: DeskContext) -> APIRouter:
    """`GET /pulls` and its files; `POST /pulls` begins one."""
    routes, work = page_router(web), PullWork(context)

    @routes.get(OFFERS.page)
    def listing(request: Request, officer: Seeing) -> Response:
        desk = context.desk()
        known = work.catalogues(partners_of(desk), web.catalogue(request).core)
        tried, asking = work.tried(), any(one.asking for one in known)
        facts: dict[str, object] = {
            "officer": officer,
            "catalogues": known,
            "list": OFFERS.show(_offered(context, known), request.query_params),
            "titles": {str(kept.contract.digest): kept.contract.title for kept in desk.shelf.kept.values()},
            "purposes": purposes_of(desk),
            "said": said_purpose,
            "states": STATES,
            "tried": tried,
            "asking": asking,
            "under_way": asking or any(one.ended is None for one in tried),
            "pulls": allows(Action.PULL, officer.roles),
            "opens": allows(Action.PULLED_READ, officer.roles),
            "stepped_up": shown_passkey(context, officer),
        }
        return web.page(request, "zone/pulls.html", facts)

    def offers(request: Request) -> list[Offered]:
        return _offered(context, work.catalogues(partners_of(context.desk()), web.catalogue(request).core))

    add_files(routes, OFFERS, Action.CATALOGUE_READ, offers)

    @routes.post(OFFERS.page)
    async def pull(request: Request, officer: Pulling) -> Response:
        asked = _asked(await fields(request, "partner", "contract", "period", "purpose"))

        def act() -> Response:
            context.console.note(officer, DeskAct.PULL, f"{asked.partner} {asked.contract} {asked.period}")
            order = PullOrder(**asked.model_dump())
            work.pull(order, officer=officer.name, language=web.catalogue(request).core)
            return see("/pulls#tried")

        return await run_in_threadpool(act)

    return routes


def _asked(form: Mapping[str, str]) -> PullBody:
    """The pull that a form asks for.

    Raises:
        RequestMalformedError: It names none.
    """
    try:
        return PullBody.model_validate(form)
    except ValidationError as error:
        reason = "expected a partner, a contract, a period and a purpose"
        raise RequestMalformedError(subject="pull", reason=reason) from error


def _offered(context: DeskContext, known: list[Catalogue]) -> list[Offered]:
    """All offers, the newest period first."""
    here = pulled_folders(context.node.pulled)
    found = [
        Offered(partner=one.partner, offer=offer, here=Digest.parse(offer.bundle, subject="bundle") in here)
        for one in known
        for offer in one.offers
    ]
    found.sort(key=lambda one: (one.partner, one.offer.contract.id, one.offer.revision))
    return sorted(found, key=lambda one: one.offer.period, reverse=True)
