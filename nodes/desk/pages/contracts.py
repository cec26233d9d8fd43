"""Contracts as people read them: where each stands, who signed when, every clause, and what a new version changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.responses import Response

from exchange.contract.choose import version_number
from exchange.contract.diff import diff_contracts
from exchange.contract.effects import Effect
from exchange.contract.model import DataContract, Role
from exchange.errors import ExchangeError
from exchange.flow.agree import ContractState, Standing
from exchange.statement import StatementType
from nodes.adapters.contract_folder import ContractShelf
from nodes.desk.cases import Desk
from nodes.desk.contract_sources import find_contract
from nodes.desk.contract_words import describe, words
from nodes.desk.pages.contract_offers import offered
from nodes.desk.server.context import DeskContext
from nodes.web.pages.lists import Listing, add_files
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import page_router
from nodes.web.pages.words import sentence as _
from nodes.web.problems import status_of
from nodes.web.roles import Action, allows
from nodes.web.sessions import May, Officer

Seeing = Annotated[Officer, Depends(May(Action.CONTRACTS_READ))]

STATES: Mapping[ContractState, tuple[str, str]] = {
    ContractState.PROPOSED: (_("proposed"), "yellow"),
    ContractState.IN_FORCE: (_("in force"), "green"),
    ContractState.NOT_YET_EFFECTIVE: (_("signed, not yet effective"), "light-blue"),
    ContractState.SUSPENDED: (_("suspended"), "orange"),
    ContractState.ENDED: (_("ended"), "red"),
    ContractState.SUPERSEDED: (_("replaced by a later version"), "grey"),
}
EFFECTS: Mapping[Effect, tuple[str, str]] = {
    Effect.LOOSENING: (_("loosens protection"), "red"),
    Effect.TIGHTENING: (_("tightens protection"), "green"),
    Effect.NEUTRAL: (_("neutral"), "grey"),
}

EFFECT_ORDER = (Effect.LOOSENING, Effect.TIGHTENING, Effect.NEUTRAL)
"""What a reader must not miss comes first."""
STATEMENTS: Mapping[StatementType, str] = {
    StatementType.SIGNED: _("signed"),
    StatementType.SUSPENDED: _("suspended"),
    StatementType.RESUMED: _("resumed"),
    StatementType.ENDED: _("ended it"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One line of the list: a contract, where it stands, and who signed when."""

    contract: DataContract
    standing: Standing
    signed: Mapping[str, datetime]

    @property
    def missing(self) -> tuple[str, ...]:
        """The parties that have not signed."""
        return tuple(member for member in self.contract.members() if member not in self.signed)


LIST: Listing[Listed] = Listing(
    name="contracts",
    page="/contracts",
    columns={
        "contract": lambda one: one.contract.id,
        "version": lambda one: one.contract.version,
        "digest": lambda one: str(one.contract.digest),
        "state": lambda one: one.standing.state.value,
        "parties": lambda one: one.contract.members(),
        "signed_by": lambda one: tuple(sorted(one.signed)),
        "waiting_for": lambda one: one.missing,
    },
    filters=("state", "parties", "waiting_for"),
)


@dataclass(frozen=True, slots=True)
class ContractPages:
    """The page about one contract."""

    web: Pages
    context: DeskContext

    def page(
        self,
        request: Request,
        officer: Officer,
        contract_id: str,
        version: str,
        problem: ExchangeError | None = None,
    ) -> Response:
        """The page, with why the last thing asked was not done, if it was not."""
        desk = self.context.desk()
        contract = find_contract(desk.shelf, f"{contract_id}/{version}")
        core = self.web.catalogue(request).core
        listed = _listed(desk.shelf, contract, desk.now)
        said = desk.shelf.kept[contract.digest].statements
        facts: Mapping[str, object] = {
            "officer": officer,
            "one": listed,
            "states": STATES,
            "clauses": describe(contract, core),
            "clauses_signed": describe(contract),
            "roles": {party.member: _roles(party.roles, core) for party in contract.parties},
            "others": list(_others(desk.shelf, contract)),
            "said": sorted(said, key=lambda one: (one.at, one.party)),
            "words": STATEMENTS,
            "acts": offered(self.context, officer, listed.standing, listed.missing),
            "problem": problem,
            "notice_day": (desk.now + timedelta(days=contract.notice_days + 1)).date(),
        }
        status = 200 if problem is None else status_of(problem)
        return self.web.page(request, "zone/contract.html", facts, status=status)


def router(web: Pages, context: DeskContext) -> APIRouter:
    """`GET /contracts` and its files, `/contracts/{id}/{version}`, `/contracts/{id}/{before}/{after}`."""
    routes = page_router(web)
    pages = ContractPages(web, context)

    @routes.get("/contracts")
    def listing(request: Request, officer: Seeing) -> Response:
        desk = context.desk()
        proposes = allows(Action.CONTRACT_SIGN, officer.roles)
        facts = {"officer": officer, "states": STATES, "proposes": proposes}
        found = LIST.show(_all_listed(desk), request.query_params)
        return web.page(request, "zone/contracts.html", {**facts, "list": found})

    add_files(routes, LIST, Action.CONTRACTS_READ, lambda _: _all_listed(context.desk()))

    @routes.get("/contracts/{contract_id}/{version}")
    def one(request: Request, contract_id: str, version: str, officer: Seeing) -> Response:
        return pages.page(request, officer, contract_id, version)

    @routes.get("/contracts/{contract_id}/{before}/{after}")
    def compared(request: Request, contract_id: str, before: str, after: str, officer: Seeing) -> Response:
        shelf = context.desk().shelf
        old, new = (find_contract(shelf, f"{contract_id}/{version}") for version in (before, after))
        found = diff_contracts(old, new)
        facts: Mapping[str, object] = {
            "officer": officer,
            "old": old,
            "new": new,
            "effect": EFFECTS[found.effect],
            "loosened": [change for change in found.changes if change.effect is Effect.LOOSENING],
            "changes": sorted(found.changes, key=lambda change: EFFECT_ORDER.index(change.effect)),
            "effects": EFFECTS,
        }
        return web.page(request, "zone/contract_diff.html", facts)

    return routes


def _all_listed(desk: Desk) -> list[Listed]:
    found = [_listed(desk.shelf, kept.contract, desk.now) for kept in desk.shelf.kept.values()]
    return sorted(found, key=lambda one: (one.contract.id, version_number(one.contract.version)))


def _listed(shelf: ContractShelf, contract: DataContract, at: datetime) -> Listed:
    statements = shelf.kept[contract.digest].statements
    signed = {one.party: one.at for one in statements if one.type is StatementType.SIGNED}
    return Listed(contract=contract, standing=shelf.standing(contract, at=at), signed=signed)


def _others(shelf: ContractShelf, contract: DataContract) -> Iterator[tuple[str, str, str]]:
    """Every other version, and the two to compare: the older, the newer."""
    versions = {kept.contract.version for kept in shelf.kept.values() if kept.contract.id == contract.id}
    for other in sorted(versions - {contract.version}, key=version_number):
        before, after = sorted((other, contract.version), key=version_number)
        yield other, before, after


def _roles(roles: frozenset[Role], language: str) -> str:
    english, russian = words([role for role in Role if role in roles])
    return russian if language == "ru" else english
