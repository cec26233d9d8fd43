"""What the desk has its gateway ask of partners: their catalogues and pulls, which take longer than a page may.

The desk itself speaks with nobody: it asks its own gateway over the local socket, as the commands do, and the gateway
pulls, verifies, logs and receipts. Each thing asked runs in a thread of its own; a page shows how far it is. What is
kept here is for the eye and goes with the process: what counts stands in the log.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from exchange.contract.model import Role
from exchange.errors import ExchangeError, Language
from exchange.flow.agree import ContractState
from nodes.desk.cases import Desk
from nodes.desk.server.bundle_routes import PULL_TIMEOUT_S, OfferLine, OffersDocument
from nodes.desk.server.context import DeskContext

CATALOGUE_WAIT_S = 30.0
KEPT_S = 60
"""A partner's catalogue is asked for again when what is known of it is older."""
TRIED_MAX = 50
_OFFERING = frozenset({ContractState.IN_FORCE, ContractState.SUSPENDED, ContractState.SUPERSEDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What is known of a partner's catalogue.

    Attributes:
        at: When it last answered or failed; None: not yet.
        problem: Why it failed then; what it offered before stays.
        asking: Whether it is being asked now.
    """

    partner: str
    at: datetime | None = None
    offers: tuple[OfferLine, ...] = ()
    problem: ExchangeError | None = None
    asking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PullOrder:
    """One pull that an officer asked for."""

    partner: str
    contract: str
    period: str
    purpose: str


class Outcome(BaseModel):
    """What the page tells of the gateway's answer to a pull; it says more."""

    bundle: str
    receipt_taken: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A pull that was asked for here, and what came of it.

    Attributes:
        ended: When it ended; None while it runs.
        bundle: What was pulled and verified.
        receipt_taken: Whether the partner took the receipt.
        problem: Why nothing was, or why the bundle was rejected.
    """

    number: int
    order: PullOrder
    officer: str
    began: datetime
    ended: datetime | None = None
    bundle: str | None = None
    receipt_taken: bool = False
    problem: ExchangeError | None = None


@dataclass(slots=True)
class PullWork:
    """What runs and what ran, of one desk."""

    context: DeskContext
    _catalogues: dict[str, Catalogue] = field(default_factory=dict)
    _tried: deque[Tried] = field(default_factory=lambda: deque(maxlen=TRIED_MAX))
    _numbered: int = 0
    _changing: threading.Lock = field(default_factory=threading.Lock)

    def catalogues(self, partners: Iterable[str], language: Language) -> list[Catalogue]:
        """What is known of these partners' catalogues; whose is old is asked for again meanwhile."""
        now = self.context.clock.now()
        found: list[Catalogue] = []
        for partner in partners:
            with self._changing:
                known = self._catalogues.get(partner) or Catalogue(partner=partner)
                old = known.at is None or now - known.at > timedelta(seconds=KEPT_S)
                begins = old and not known.asking
                if begins:
                    known = self._catalogues[partner] = replace(known, asking=True)
            if begins:
                _begin(partial(self._ask, partner, language))
            found.append(known)
        return found

    def tried(self) -> list[Tried]:
        """The pulls asked for here, the newest first."""
        with self._changing:
            return list(self._tried)

    def pull(self, order: PullOrder, *, officer: str, language: Language) -> None:
        """Begin a pull, unless the same one runs already."""
        with self._changing:
            if any(one.order == order and one.ended is None for one in self._tried):
                return
            self._numbered += 1
            tried = Tried(number=self._numbered, order=order, officer=officer, began=self.context.clock.now())
            self._tried.appendleft(tried)
        _begin(partial(self._pull, tried, language))

    def _ask(self, partner: str, language: Language) -> None:
        gateway = self.context.gateway(language, timeout_s=CATALOGUE_WAIT_S)
        answer: dict[str, Any] = {"problem": None}
        try:
            found = gateway.get(f"/local/catalogues/{quote(partner, safe='')}")
            answer["offers"] = tuple(gateway.shaped(found, OffersDocument).bundles)
        except ExchangeError as error:
            answer["problem"] = error
        with self._changing:
            known = self._catalogues[partner]
            self._catalogues[partner] = replace(known, at=self.context.clock.now(), asking=False, **answer)

    def _pull(self, tried: Tried, language: Language) -> None:
        order = tried.order
        body: dict[str, object] = {
            "partner": order.partner, "contract": order.contract, "period": order.period, "purpose": order.purpose,
        }  # fmt: skip
        try:
            gateway = self.context.gateway(language, timeout_s=PULL_TIMEOUT_S)
            found = gateway.shaped(gateway.post("/local/pulls", body), Outcome)
            done = replace(tried, bundle=found.bundle, receipt_taken=found.receipt_taken)
        except ExchangeError as error:
            done = replace(tried, problem=error)
        done = replace(done, ended=self.context.clock.now())
        with self._changing:
            if tried in self._tried:  # fifty later ones take its place
                self._tried[self._tried.index(tried)] = done


def partners_of(desk: Desk) -> list[str]:
    """The members that give this one figures under a contract that lets it pull, by id."""
    member, found = desk.node.member, set[str]()
    for kept in desk.shelf.kept.values():
        contract = kept.contract
        if member not in contract.members(Role.RECIPIENT):
            continue
        providers = set(contract.members(Role.PROVIDER)) - {member}
        found |= {
            one for one in providers if desk.shelf.standing(contract, at=desk.now, provider=one).state in _OFFERING
        }
    return sorted(found)


def purposes_of(desk: Desk) -> Mapping[str, tuple[str, ...]]:
    """What each contract permits a pull for, by its digest."""
    return {str(digest): kept.contract.permitted_purposes for digest, kept in desk.shelf.kept.items()}


def _begin(work: Callable[[], None]) -> None:
    """In a thread that does not keep the process: a pull that is under way goes on at the gateway."""
    threading.Thread(target=work, daemon=True).start()
