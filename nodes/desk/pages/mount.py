"""All pages of the desk as routers, for the application to take in."""

from collections.abc import Iterable

from fastapi.routing import APIRouter

from nodes.desk.pages import (
    accounts,
    bundles,
    contract_acts,
    contracts,
    corridors,
    node,
    preparing,
    pulls,
    receipts,
    releases,
    tasks,
    withdrawal,
)
from nodes.desk.server.context import DeskContext
from nodes.web.pages import assets, own, signing_in
from nodes.web.pages.rendering import Entry, Pages, Site
from nodes.web.pages.words import sentence as _

NAVIGATION = (
    Entry(address="/", text=_("Your tasks")),
    Entry(address="/bundles", text=_("Pulled and published")),
    Entry(address="/pulls", text=_("Pull from partners")),
    Entry(address="/receipts", text=_("Receipts and withdrawals")),
    Entry(address="/corridors", text=_("Corridors")),
    Entry(address="/contracts", text=_("Contracts")),
    Entry(address="/node", text=_("Node")),
)


def pages(context: DeskContext) -> Iterable[APIRouter]:
    """The desk's pages, signing in, and what they are drawn with."""
    site = Site(
        package="nodes.desk",
        name=_("Clearing desk"),
        member=context.node.member,
        zone=context.console.settings.zone,
        navigation=NAVIGATION,
    )
    web = Pages(site, context.console.languages)
    return (
        assets.router(),
        signing_in.router(web, context.console),
        own.router(web, context.console),
        tasks.router(web, context),
        preparing.router(web, context),  # before the numbers
        releases.router(web, context),
        withdrawal.router(web, context),
        receipts.router(web, context),
        pulls.router(web, context),
        bundles.router(web, context),
        corridors.router(web, context),
        contract_acts.router(web, context),  # before the versions
        contracts.router(web, context),
        node.router(web, context),
        accounts.router(web, context),
    )
