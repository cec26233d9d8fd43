"""The one place where a gateway's parts are built and joined."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Literal

import httpx
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from exchange.errors.node import KeyMissingError
from exchange.log.entry import LogEntry, format_entry
from exchange.signing.keys import KeyPurpose, PublicKey, Random, Signer
from exchange.signing.trust import MemberKey, Trust
from nodes.adapters.clock import Clock
from nodes.adapters.cosigner import Cosigner
from nodes.adapters.durable import write_durably
from nodes.adapters.own_log import OwnLog
from nodes.adapters.sequencer import LogDraft, Sequencer
from nodes.adapters.shared_secret import NONCE_KEY, SECRET_BYTES, shared_secret
from nodes.adapters.store import Store
from nodes.adapters.tile_files import TileFiles
from nodes.adapters.trust_folder import TrustCache
from nodes.adapters.witness_calls import HttpWitnesses, plan_of
from nodes.gateway import (
    bundles,
    catalogue,
    contracts,
    doctor,
    evidence,
    health,
    local,
    log_files,
    mirroring,
    receipts,
    token,
    trust_files,
    withdrawals,
    witness,
)
from nodes.gateway.access import NONCE_HEADER, Door, Nonces, challenge
from nodes.gateway.acknowledging import Acknowledging
from nodes.gateway.agreements import Agreements
from nodes.gateway.context import Background, GatewayContext
from nodes.gateway.contract_book import ContractBook
from nodes.gateway.deliveries import Deliveries
from nodes.gateway.housekeeping import keep_house, note_registry
from nodes.gateway.library import Library
from nodes.gateway.mirroring import Mirror
from nodes.gateway.openapi import described
from nodes.gateway.own_delegation import OwnMember
from nodes.gateway.partners import Partners
from nodes.gateway.publishing import Publishing
from nodes.gateway.pulling import Pulling, pulling_router
from nodes.gateway.registry import Registry, registry_client
from nodes.gateway.withdrawing import Withdrawing
from nodes.settings import GatewaySettings, NodeFolder
from nodes.web import error_pages
from nodes.web.limits import Budget, MemberLimits
from nodes.web.passage import Neighbours, Passages, networks
from nodes.web.problems import Refusals
from nodes.web.security import Guard
from nodes.web.shortcut import Shortcuts

SALT_BYTES = 16
CONTRACT_BYTES_MAX = 2 * 1024 * 1024
"""In base64 and JSON; read only from members."""
LOCAL_BYTES_MAX = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayKeys:
    """The three keys a gateway holds: it has no bundle, contract or officer key."""

    transport: Signer
    log: Signer
    witness: Signer

    @property
    def public(self) -> dict[KeyPurpose, PublicKey]:
        """Their public halves."""
        return {
            KeyPurpose.TRANSPORT: self.transport.public,
            KeyPurpose.LOG: self.log.public,
            KeyPurpose.WITNESS: self.witness.public,
        }


@dataclass(slots=True, kw_only=True)
class Gateway:
    """A gateway: what partners reach, what the node's own commands reach, and its life.

    Attributes:
        app: For partners, with guards.
        local: For the node's own commands, on a Unix socket only.
        api: The FastAPI application behind `app`, for its OpenAPI document.
        members: What each member may still ask.
    """

    context: GatewayContext
    app: ASGIApp
    local: ASGIApp
    api: FastAPI
    agreements: Agreements
    publishing: Publishing
    withdrawing: Withdrawing
    pulling: Pulling
    acknowledging: Acknowledging
    mirror: Mirror
    own_member: OwnMember
    network: httpx.AsyncClient
    members: MemberLimits

    async def start(self) -> None:
        """Begin: take works, take up what was under way, confirm the log with its witnesses."""
        context = self.context
        context.sequencer.start()
        await self.agreements.start()
        await self.publishing.start()
        await self.withdrawing.start()
        context.background.keep(context.cosigner.keep_cosigning())
        context.background.keep(context.registry.keep_fresh(self._acted_under_another))
        context.background.keep(self._once_open())

    async def stop(self) -> None:
        """End: nothing new, finish what is queued."""
        await self.context.background.stop()
        await self.context.registry.close()
        await self.context.cosigner.stop()
        await self.context.sequencer.stop()
        await self.network.aclose()
        self.context.store.close()

    async def _once_open(self) -> None:
        await self.context.sequencer.gate.opened.wait()
        self.pulling.start()
        self.context.background.keep(self.acknowledging.keep_looking())
        self.context.background.keep(self.mirror.keep_mirroring())
        await keep_house(self.context, self.own_member)

    def _acted_under_another(self) -> None:
        self.context.background.start(note_registry(self.context, self.own_member))


def build_gateway(
    node: NodeFolder,
    *,
    keys: GatewayKeys,
    clock: Clock,
    random: Random,
    on_fatal: Callable[[BaseException], None],
    transport: httpx.AsyncBaseTransport | None = None,
) -> Gateway:
    """Build the gateway of a node's folder.

    Args:
        node: The folder and its settings.
        keys: Opened private keys; each must be in the registry.
        clock: The time.
        random: Unpredictable bytes.
        on_fatal: Called, from the writer's thread, when the log cannot be vouched for any more; it ends the process.
        transport: Another way to partners than the network, such as a federation in memory.

    Raises:
        TrustError, KeyMissingError, StoreNewerError: No valid registry, a key it does not list, a newer store.
    """
    trust = TrustCache(folder=node.keys, clock=clock)
    current = trust.current()
    _take_place(node, current, keys)
    network, store = registry_client(node, transport), Store(node.state_db)
    registry = Registry(node, trust=trust, network=network, clock=clock)
    sequencer = _sequencer(node, keys.log, store, trust, clock, random, on_fatal)
    context = GatewayContext(
        member=node.member,
        node=node,
        settings=node.settings.gateway,
        clock=clock,
        random=random,
        transport=keys.transport,
        witness=keys.witness,
        witness_name=_listed_name(current, node.member, KeyPurpose.WITNESS, keys.witness.public),
        trust=trust,
        registry=registry,
        store=store,
        sequencer=sequencer,
        cosigner=_cosigner(node, trust, keys.log, sequencer, store, clock, network),
        files=sequencer.log.files,
        contracts=ContractBook(node.contracts),
        library=Library(node.member, node.bundles),
        partner=Partners(node, registry, trust, keys.transport, clock, random, transport),
        background=Background(),
    )
    return _assemble(context, network, OwnMember(node, held=keys.public, clock=clock))


def _take_place(node: NodeFolder, trust: Trust, keys: GatewayKeys) -> None:
    """Refuse keys that the registry does not list; show the log's verifier key beside the log, as it is now."""
    _listed(trust, node.member, KeyPurpose.TRANSPORT, keys.transport.public)
    vkey = _listed(trust, node.member, KeyPurpose.LOG, keys.log.public).vkey or ""
    if not node.log_vkey.exists() or node.log_vkey.read_text(encoding="ascii").strip() != vkey:
        write_durably(node.log_vkey, f"{vkey}\n".encode("ascii"))


def _sequencer(  # what it joins: the log, its store, the registry, the time
    node: NodeFolder,
    signer: Signer,
    store: Store,
    trust: TrustCache,
    clock: Clock,
    random: Random,
    on_fatal: Callable[[BaseException], None],
) -> Sequencer:
    origin = _listed_name(trust.current(), node.member, KeyPurpose.LOG, signer.public)
    continues = trust.current().member(node.member).before(origin)
    return Sequencer(
        member=node.member,
        store=store,
        log=OwnLog(origin=origin, signer=signer, files=TileFiles(node.log), continues=continues),
        write_entry=_entry_writer(node.member, trust, clock, random),
        on_fatal=on_fatal,
        group_max=node.settings.gateway.group_commit_max,
    )


def _cosigner(  # what it joins: the log, its witnesses, the time
    node: NodeFolder,
    trust: TrustCache,
    signer: Signer,
    sequencer: Sequencer,
    store: Store,
    clock: Clock,
    network: httpx.AsyncClient,
) -> Cosigner:
    return Cosigner(
        origin=sequencer.log.origin,
        signer=signer,
        plan=lambda: plan_of(trust.current(), node.member),
        calls=HttpWitnesses(network),
        sequencer=sequencer,
        store=store,
        files=sequencer.log.files,
        clock=clock,
        interval_s=node.settings.gateway.witness_interval_s,
        retry_s=node.settings.gateway.witness_retry_s,
    )


def _assemble(context: GatewayContext, network: httpx.AsyncClient, own_member: OwnMember) -> Gateway:
    agreements, publishing, withdrawing = Agreements(context), Publishing(context), Withdrawing(context)
    pulling, acknowledging, mirror = Pulling(context), Acknowledging(context, context.partner), Mirror(context)
    nonces = Nonces(context.clock, shared_secret(context.store, NONCE_KEY, context.random(SECRET_BYTES)))
    members = MemberLimits(_budget(context, "member"), in_flight_max=context.settings.limits.member_in_flight_max)
    door = Door(context, nonces, members)
    tokens = token.TokenDesk(context, door)
    deliveries = Deliveries(context.member, context.transport)
    counter = bundles.Counter(context, door, deliveries, withdrawing)
    desk = receipts.ReceiptDesk(context, door, deliveries, withdrawing)
    routers = (
        token.router(context, tokens),
        catalogue.router(context, door),
        bundles.router(counter),
        receipts.router(desk),
        contracts.router(context, door, agreements),
        trust_files.router(context),
        log_files.router(context, door),
        evidence.router(context, door),
        witness.router(context, door, mirror),
        mirroring.router(door, mirror),
        health.router(context, own_member),
        error_pages.router(),
    )
    refusals = Refusals(challenge)
    api = described(_application("gateway", routers, refusals))
    short = Shortcuts(
        api,
        shortcuts=(bundles.shortcut(counter), receipts.shortcut(desk), token.shortcut(tokens)),
        doorstep=door.doorstep(),
        refusals=refusals,
    )
    own = _own_routers(context, own_member, agreements, publishing, withdrawing, pulling, acknowledging)
    return Gateway(
        context=context,
        app=_guarded(context, short, members, nonces),
        local=Guard(_application("local", own, Refusals()), bytes_max=LOCAL_BYTES_MAX),
        api=api,
        agreements=agreements,
        publishing=publishing,
        withdrawing=withdrawing,
        pulling=pulling,
        acknowledging=acknowledging,
        mirror=mirror,
        own_member=own_member,
        network=network,
        members=members,
    )


def _own_routers(  # what the node's own commands reach, and nobody else
    context: GatewayContext,
    own_member: OwnMember,
    agreements: Agreements,
    publishing: Publishing,
    withdrawing: Withdrawing,
    pulling: Pulling,
    acknowledging: Acknowledging,
) -> tuple[APIRouter, ...]:
    return (
        local.router(context, own_member, agreements, publishing),
        withdrawals.router(context, withdrawing, acknowledging),
        pulling_router(context, pulling),
        log_files.local_router(context),
        doctor.router(context),
    )


def _guarded(context: GatewayContext, app: ASGIApp, members: MemberLimits, nonces: Nonces) -> Guard:
    """What partners reach: the application behind what every request meets first."""
    neighbours = _neighbours(context.settings)
    return Guard(
        Passages(
            app,
            failures=_budget(context, "failures"),
            hold_s=context.settings.limits.failure_hold_ms / 1000,
            members=members,
            neighbours=neighbours,
        ),
        bytes_max=context.settings.request_bytes_max,
        bytes_max_by_path={"/v1/contracts": CONTRACT_BYTES_MAX},
        also=lambda: (NONCE_HEADER, nonces.fresh()),
    )


def _budget(context: GatewayContext, whose: Literal["failures", "member"]) -> Budget:
    """What an address may fail unsigned, or what a member may ask."""
    limits, clock = context.settings.limits, context.clock
    per_s, burst = {
        "failures": (limits.failures_per_s, limits.failures_burst),
        "member": (limits.member_per_s, limits.member_burst),
    }[whose]
    return Budget(per_s=per_s, burst=burst, seconds=lambda: clock.now().timestamp())


def _neighbours(settings: GatewaySettings) -> Neighbours:
    return Neighbours(
        proxies=networks(settings.trusted_proxies), security_servers=networks(settings.xroad_security_servers)
    )


def _application(name: str, routers: Iterable[APIRouter], refusals: Refusals) -> FastAPI:
    """An application with one spelling of each address: nothing is redirected."""
    application = FastAPI(
        title=f"Indicator exchange: {name}", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    for routes in routers:
        application.include_router(routes)
    refusals.install(application)
    return application


def _entry_writer(member: str, trust: TrustCache, clock: Clock, random: Random) -> Callable[[LogDraft], bytes]:
    def write(draft: LogDraft) -> bytes:
        return format_entry(
            LogEntry(
                type=draft.type,
                at=clock.now().astimezone(UTC).replace(microsecond=0),
                node=member,
                registry=trust.current().ref,
                salt=random(SALT_BYTES),
                counterpart=draft.counterpart,
                contract=draft.contract,
                bundle=draft.bundle,
                evidence=draft.evidence,
                pull=draft.pull,
                code=draft.code,
                count=draft.count,
            )
        )

    return write


def _listed(trust: Trust, member: str, purpose: KeyPurpose, public: PublicKey) -> MemberKey:
    for listed in trust.member(member).keys:
        if (
            listed.purpose is purpose
            and listed.key == public
            and (listed.ends_at is None or listed.ends_at > trust.issued)
        ):
            return listed
    raise KeyMissingError(member=member, purpose=purpose.value)


def _listed_name(trust: Trust, member: str, purpose: KeyPurpose, public: PublicKey) -> str:
    vkey = _listed(trust, member, purpose, public).vkey
    if vkey is None:
        raise KeyMissingError(member=member, purpose=purpose.value)
    return vkey.partition("+")[0]
