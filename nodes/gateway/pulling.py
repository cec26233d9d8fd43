"""Pulling from partners, for this node's own commands: routes of the gateway's local socket, and the receipts' loop.

It runs inside the gateway because only the gateway appends to the log and holds the transport key.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from exchange.bundle.floor import audit_floor
from exchange.contract.model import DataContract
from exchange.contract.reference import ContractRef
from exchange.encoding import Digest, base64url_decode
from exchange.errors import ExchangeError
from exchange.errors.pull import PartnerContractError
from exchange.errors.trust import TrustError
from exchange.flow.agree import ContractState
from exchange.flow.offer import PURPOSE_DEFAULT, Offer, Wanted, of_contract, read_catalogue
from exchange.flow.pull import Answer, Attempted, Pulled, Puller, pull
from exchange.log.entry import EntryType, parse_entry
from exchange.receipt import parse_delivery
from nodes.adapters.partner import PartnerClient
from nodes.adapters.sequencer import LogDraft
from nodes.gateway.context import GatewayContext
from nodes.gateway.pull_book import PullBook, PullPage
from nodes.gateway.pull_place import BundlePlace, remove_unshown
from nodes.gateway.registry import Registry
from nodes.gateway.renewing import Renewing

PULLABLE = frozenset({ContractState.IN_FORCE, ContractState.SUPERSEDED, ContractState.SUSPENDED})
"""States in which a pull may be asked for; for a suspended contract the publisher knows whether it is a repetition."""
_MEMBER = r"^[A-Za-z][A-Za-z0-9]{1,15}$"
_TEXT_CHARS_MAX = 64


class PullBody(BaseModel):
    """What `exchange pull` asks its gateway for."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    partner: str = Field(pattern=_MEMBER)
    contract: str = Field(min_length=1, max_length=_TEXT_CHARS_MAX)
    period: str = Field(min_length=4, max_length=_TEXT_CHARS_MAX)
    purpose: str = Field(default=PURPOSE_DEFAULT, pattern=r"^[a-z][a-z0-9_]{0,63}$")
    folder: str | None = Field(default=None, max_length=4096, pattern=r"^/")


class AuditBody(BaseModel):
    """What the auditor's commands log: that an audit begins, or the digest of its signed report."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    evidence: str | None = Field(default=None, pattern=r"^sha256:[0-9a-f]{64}$")


class Pulling:
    """This member as a puller."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context
        self._book = PullBook(
            member=context.member,
            clock=context.clock,
            signer=context.transport,
            store=context.store,
            sequencer=context.sequencer,
            partner=context.partner,
        )
        self.renewing = Renewing(context.store, catalogue=self._offers, pull=self._pull)

    def start(self) -> None:
        """Tidy up after a crash, and keep sending receipts until they are taken; call it once the log is open."""
        remove_unshown(self._context.node.pulled)
        self._context.background.keep(self._book.keep_sending())
        self._context.background.keep(self.renewing.keep_looking())

    async def pull(self, body: PullBody) -> Pulled:
        """One pull, for one command."""
        wanted = Wanted(contract=body.contract, period=body.period, purpose=body.purpose)
        return await self._pull(body.partner.upper(), wanted, None if body.folder is None else Path(body.folder))

    async def catalogue(self, partner: str, contract: str | None) -> tuple[Offer, ...]:
        """What a partner offers this member, of one contract if its id or a beginning of it is given."""
        known = self._context.trust.current().member(partner.upper()).id
        offers = await self._offers(known)
        return offers if contract is None else of_contract(offers, contract, partner=known)

    async def _offers(self, partner: str) -> tuple[Offer, ...]:
        client = self._context.partner(partner)
        return read_catalogue(await client.catalogue(), partner=client.partner)

    async def _pull(self, partner: str, wanted: Wanted, folder: Path | None = None) -> Pulled:
        async with PullPage(self._book) as page:
            return await pull(wanted, self._puller(partner, page, BundlePlace(self._context.node.pulled, folder)))

    def _puller(self, partner: str, page: PullPage, place: BundlePlace) -> Puller:
        context = self._context
        trust = context.trust.current()
        return Puller(
            member=context.member,
            at=context.clock.now(),
            partner_member=trust.member(partner),
            partner=_Served(context.partner(partner), context.registry),
            trust=context.trust.current,
            contracts=context.contracts,
            require_contract=lambda ref: self._contract(ref, partner),
            audit=audit_floor,
            book=page,
            place=place,
        )

    def _contract(self, ref: ContractRef, provider: str) -> DataContract:
        """The contract as this node holds it, if a pull may be asked for under it.

        Raises:
            PartnerContractError: It is not here.
            ContractNotInForceError: It is not signed by all, not effective yet, or ended.
        """
        book, now = self._context.contracts, self._context.clock.now()
        held = book.get(ref.digest)
        if held is None:
            raise PartnerContractError(
                contract=f"{ref.id} {ref.version}", partner=provider, member=self._context.member
            )
        if book.state(held, provider=provider, at=now) not in PULLABLE:
            book.in_force(held.contract, provider, now)
        return held.contract


class _Served:
    """The partner's client as the flow wants it."""

    def __init__(self, client: PartnerClient, registry: Registry) -> None:
        self._client = client
        self._registry = registry

    async def catalogue(self, *, contract: str | None = None) -> tuple[dict[str, Any], ...]:
        return await self._client.catalogue(contract=contract)

    async def bundle(self, digest: Digest, *, attempt: Attempted) -> Answer:
        served = await self._client.bundle(digest, attempt=attempt)
        with suppress(TrustError):  # a newer registry that cannot be had is refused with the delivery
            await self._registry.meet(registry_of(served.delivery), of=self._client.partner)
        return Answer(pull=served.pull, delivery=served.delivery, content=served.content)


def pulling_router(context: GatewayContext, pulling: Pulling) -> APIRouter:
    """The local routes for `exchange pull`, `exchange catalogue` and the auditor's entry."""
    router = APIRouter(prefix="/local")

    @router.post("/pulls")
    async def pulls(body: PullBody) -> dict[str, object]:
        pulled = await pulling.pull(body)
        return {
            **_offer(pulled.offer),
            "pull": str(pulled.pull),
            "folder": pulled.folder,
            "already_there": pulled.already_there,
            "receipt_taken": pulled.receipt_taken,
        }

    @router.get("/catalogues/{partner}")
    async def catalogue(partner: str, contract: str | None = None) -> dict[str, object]:
        return {"bundles": [_offer(offer) for offer in await pulling.catalogue(partner, contract)]}

    @router.get("/revisions")
    async def revisions() -> dict[str, object]:
        """What partners revised of what was pulled here, and what could not be taken when it was last tried."""
        untaken = sorted(pulling.renewing.untaken.items())
        return {"bundles": [_offer(offer) for _, offers in untaken for offer in offers]}

    @router.post("/audits")
    async def audits(body: AuditBody) -> dict[str, object]:
        evidence = None if body.evidence is None else Digest.parse(body.evidence, subject="audit")
        appended = await context.sequencer.append(LogDraft(type=EntryType.AUDIT_OPENED, evidence=evidence))
        return {"index": appended.entries[0][0]}

    return router


def registry_of(delivery: str) -> int | None:
    """The registry version that a delivery's entry names, **unverified**: only to know when to refresh."""
    with suppress(ExchangeError):
        payload = base64url_decode(delivery.partition(".")[2].partition(".")[0], subject="delivery")
        return parse_entry(parse_delivery(payload).entry).registry.version
    return None


def _offer(offer: Offer) -> dict[str, object]:
    return {
        "bundle": str(offer.bundle),
        "provider": offer.provider,
        "contract": offer.contract.as_json(),
        "period": offer.period,
        "revision": offer.revision,
        "state": offer.state,
    }
