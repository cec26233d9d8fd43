"""IOM's audit, assembled: collect all logs, gather what they point to, reconcile, and keep the result.

    logs, each rebuilt ─> evidence, publications ─> checkpoints seen in deliveries ─> reconcile ─> result

Everything is gathered first; then `exchange.reconcile` decides, touching nothing.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime

from exchange.contract.model import DataContract
from exchange.contract.parse import parse_contract
from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.audit import NotAuditorError
from exchange.reconcile import reconcile
from exchange.reconcile.evidence import Signatures
from exchange.reconcile.handed_out import handed_out, read_handed_out
from exchange.reconcile.memory import Memory, judged_by
from exchange.reconcile.model import Federation, Finding, LogView, Reconciliation
from exchange.reconcile.pairs import pair
from exchange.signing.keys import KeyPurpose
from exchange.signing.trust import RegistryRef, Trust
from nodes.adapters.clock import Clock
from nodes.adapters.key_files import read_passphrase, read_signer
from nodes.adapters.partner import Caller, PartnerClient
from nodes.adapters.partner_calls import partner_limits
from nodes.adapters.trust_folder import load_trust
from nodes.auditor.collect import Collected, LogCollector
from nodes.auditor.gather import Gathered, Gatherer
from nodes.auditor.program import program_digest
from nodes.auditor.store import AuditStore
from nodes.settings import NodeFolder

Progress = Callable[[str, float], None]
Clients = Callable[[str], PartnerClient]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditResult:
    """What one run found.

    Attributes:
        at: When it decided.
        unanswered: Evidence that a member's log names and that it did not show.
    """

    at: datetime
    registry: RegistryRef
    logs: tuple[Collected, ...]
    publications: int
    reconciliation: Reconciliation
    unanswered: frozenset[tuple[str, Digest]] = frozenset()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that does not hold: of the logs, then of publications and exchanges."""
        return (*(found for log in self.logs for found in log.findings), *self.reconciliation.findings)

    @property
    def green(self) -> bool:
        """Whether everything holds."""
        return not self.findings


class Auditor:
    """One auditor with its store.

    Args:
        trust: The registry.
        store: Everything seen before.
        clients: A client of a member's gateway.
        codelists: Code lists at hand, by the digest of their bytes.
        contracts: Contracts at hand, by digest.
        program: What stands for the rules: another one believes nothing that this one found in order.
    """

    def __init__(
        self,
        *,
        trust: Trust,
        store: AuditStore,
        clients: Clients,
        clock: Clock,
        codelists: Mapping[Digest, bytes],
        contracts: Mapping[Digest, DataContract],
        program: Digest,
        quorum_wait_s: float,
    ) -> None:
        self._trust = trust
        self._store = store
        self._clients = clients
        self._clock = clock
        self._codelists = codelists
        self._contracts = contracts
        self._program = program
        self._collector = LogCollector(trust=trust, store=store, clock=clock, wait_s=quorum_wait_s)

    async def run(self, progress: Progress, *, anew: bool = False) -> AuditResult:
        """Audit every member.

        Args:
            progress: What is told how far it is.
            anew: Ask for every bundle again, and verify all that earlier runs verified.
        """
        if anew:
            await asyncio.to_thread(self._store.forget)
        memory = await asyncio.to_thread(self._store.memory, judged_by(self._program, self._trust))
        async with AsyncExitStack() as stack:
            clients = {member: self._clients(member) for member in sorted(self._trust.members)}
            for client in clients.values():
                stack.push_async_callback(client.close)
            progress("logs", 0.0)
            await self._collector.hear(clients.values())
            collected = {one.member: one for one in await self._collect(clients.values())}
            progress("evidence", 0.3)
            logs = _views(collected)
            gathered = await self._gatherer(clients, logs, memory, again=anew).gather(logs)
            progress("reconciling", 0.8)
            for member in self._remember(logs, gathered):
                collected[member] = await self._collector.collect(clients[member])
        federation = Federation(
            at=self._clock.now(),
            trust=self._trust,
            logs=_views(collected),
            publications=gathered.publications,
            contracts=gathered.contracts,
            evidence=gathered.evidence,
            force_at=gathered.force().force_at,
            names=gathered.names,
            memory=memory,
        )
        result = await asyncio.to_thread(reconcile, federation)
        await asyncio.to_thread(self._store.keep_proven, gathered.evidence.proven)
        await asyncio.to_thread(self._store.keep_memory, memory)
        progress("reconciling", 1.0)
        return AuditResult(
            at=federation.at,
            registry=self._trust.ref,
            logs=tuple(collected.values()),
            publications=len(gathered.publications),
            reconciliation=result,
            unanswered=gathered.evidence.withheld,
        )

    def _gatherer(
        self, clients: Mapping[str, PartnerClient], logs: Mapping[str, LogView], memory: Memory, *, again: bool
    ) -> Gatherer:
        return Gatherer(
            clients={member: clients[member] for member in logs},
            trust=self._trust,
            store=self._store,
            codelists=self._codelists,
            contracts=self._contracts,
            at=self._clock.now(),
            memory=memory,
            again=again,
        )

    async def _collect(self, clients: Iterable[PartnerClient]) -> list[Collected]:
        return await asyncio.gather(*(self._collector.collect(client) for client in clients))

    def _remember(self, logs: Mapping[str, LogView], gathered: Gathered) -> list[str]:
        """Keep the checkpoints that deliveries and bundles carry; the members whose log must be judged again."""
        before = {member: self._known(member) for member in logs}
        signatures = Signatures(gathered.evidence, self._trust)
        handed = handed_out(pair(logs), signatures)
        self._collector.remember(gathered.proofs)
        self._collector.remember(
            handed,
            read=lambda member, note: read_handed_out(
                member, note, handed[(member, note)], signatures=signatures, trust=self._trust
            ),
        )
        return [member for member in logs if self._known(member) != before[member]]

    def _known(self, member: str) -> set[tuple[int, bytes]]:
        return {(one.checkpoint.size, one.checkpoint.root) for one in self._store.checkpoints(member)}


def require_auditor_node(node: NodeFolder, trust: Trust) -> None:
    """Refuse what only the auditor's node does.

    Raises:
        NotAuditorError: The registry names another member as auditor.
    """
    if trust.auditor != node.member:
        raise NotAuditorError(member=node.member, auditor=trust.auditor)


def build_auditor(node: NodeFolder, *, clock: Clock, random: Callable[[int], bytes], store: AuditStore) -> Auditor:
    """The auditor of a node's folder.

    Raises:
        NotAuditorError: The registry names another member as auditor.
        TrustError: The registry or the node's key does not hold.
    """
    settings = node.settings
    trust = load_trust(node.keys, at=clock.now())
    require_auditor_node(node, trust)
    passphrase = read_passphrase(node.path / settings.passphrase_file) if settings.passphrase_file else None
    signer = read_signer(node.private, KeyPurpose.TRANSPORT, passphrase=passphrase, demo=settings.demo)
    caller = Caller(member=node.member, signer=signer, clock=clock, random=random)
    limits = partner_limits(node)
    codelists = {Digest.of(raw): raw for raw in (file.read_bytes() for file in node.contracts.glob("codelists/*.csv"))}
    return Auditor(
        trust=trust,
        store=store,
        clients=lambda member: PartnerClient(
            partner=member, issuer=trust.member(member).issuer, caller=caller, limits=limits
        ),
        clock=clock,
        codelists=codelists,
        contracts=_contracts_at_hand(node, codelists),
        program=program_digest(),
        quorum_wait_s=settings.gateway.partner_timeout_s,
    )


def _contracts_at_hand(node: NodeFolder, codelists: Mapping[Digest, bytes]) -> dict[Digest, DataContract]:
    """The contracts in the node's folder; a file that is none is passed over here and reported by its gateway."""
    found: dict[Digest, DataContract] = {}
    for file in sorted(node.contracts.glob("*/*/contract.odcs.yaml")):
        try:
            contract = parse_contract(file.read_bytes(), codelists=codelists)
        except ExchangeError:
            continue
        found[contract.digest] = contract
    return found


def _views(collected: Mapping[str, Collected]) -> dict[str, LogView]:
    return {member: one.view for member, one in collected.items() if one.view is not None}
