"""Gathering what the entries point to: signed evidence, publications without their data, contracts and statements.

The auditor asks for every file of a bundle but one; there is no code here that could ask for it.
"""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from exchange.contract.model import DataContract
from exchange.contract.parse import parse_contract
from exchange.contract.reference import ContractRef
from exchange.encoding import Digest, base64_decode
from exchange.errors import ExchangeError
from exchange.errors.exchange_ import PartnerUnreachableError
from exchange.flow.audit import ForceBook, contract_of, read_publication, read_statements
from exchange.log.entry import EntryType
from exchange.log.proof import parse_proof
from exchange.manifest import CLEARANCE, DISCLOSURE, MANIFEST, parse_manifest
from exchange.publication import PROOF, SIGNATURES
from exchange.reconcile.history import STATEMENTS
from exchange.reconcile.memory import Memory
from exchange.reconcile.model import Evidence, LoggedEntry, LogView, VerifiedPublication
from exchange.reconcile.pairs import pair
from exchange.reconcile.registry import named_elsewhere
from exchange.signing.trust import Trust
from exchange.statement import Statement
from nodes.adapters.partner import PartnerClient
from nodes.adapters.partner_problems import PartnerProblemError
from nodes.auditor.store import AuditStore

T = TypeVar("T")

FILES = (MANIFEST, DISCLOSURE, CLEARANCE, SIGNATURES, PROOF)
"""What the auditor reads of a bundle."""
CALLS_AT_ONCE = 8
WAITING_MAX = timedelta(minutes=10)
"""A publication younger than this may still wait for its quorum; then its files are not served yet."""
NOT_FOUND = 404
_NOT_SHOWN = range(400, 500)


@dataclass(slots=True)
class Gathered:
    """Everything beside the logs that the audit decides from; `proofs` are the checkpoints that bundles carry."""

    evidence: Evidence
    publications: dict[Digest, VerifiedPublication | ExchangeError] = field(default_factory=dict)
    contracts: dict[Digest, DataContract] = field(default_factory=dict)
    statements: dict[Digest, Statement] = field(default_factory=dict)
    names: dict[Digest, tuple[str, str]] = field(default_factory=dict)
    proofs: list[tuple[str, bytes]] = field(default_factory=list)

    def force(self) -> ForceBook:
        """Whether contracts bound, by what was gathered."""
        return ForceBook(contracts=self.contracts, statements=self.statements)


class Gatherer:
    """Asks members for what their entries name.

    Args:
        clients: A client by member, only of those whose log could be collected.
        codelists: The code lists at hand, by the digest of their bytes.
        contracts: The contracts that the auditor holds itself, by digest.
        memory: What an earlier audit found in order.
        again: Whether to ask for files that verified before, to see that they are still served.
    """

    def __init__(  # what an audit decides with
        self,
        *,
        clients: Mapping[str, PartnerClient],
        trust: Trust,
        store: AuditStore,
        codelists: Mapping[Digest, bytes],
        contracts: Mapping[Digest, DataContract],
        at: datetime,
        memory: Memory,
        again: bool = False,
    ) -> None:
        self._clients = clients
        self._trust = trust
        self._store = store
        self._codelists = codelists
        self._contracts_held = contracts
        self._at = at
        self._memory = memory
        self._stored: set[Digest] = set()
        self._again = again
        self._limits = {member: asyncio.Semaphore(CALLS_AT_ONCE) for member in clients}

    async def gather(self, logs: Mapping[str, LogView]) -> Gathered:
        """Everything these logs point to that their members show."""
        evidence = await self._evidence(_wanted(logs))
        evidence = await self._snapshots(logs, evidence)
        gathered = Gathered(evidence=evidence)
        gathered.statements = read_statements(logs.values(), evidence.signed, trust=self._trust)
        published = [one for view in logs.values() for one in view.of(EntryType.BUNDLE_PUBLISHED)]
        files = await asyncio.gather(*(self._files(one) for one in published))
        gathered.contracts = await self._contracts(published, files)
        gathered.contracts |= await self._stated(logs, gathered.contracts)
        verified = await asyncio.to_thread(self._verify_all, published, files, gathered.contracts)
        gathered.publications.update(verified)
        gathered.names = await asyncio.to_thread(self._names, published, files)
        gathered.proofs = list(_proofs(published, files))
        return gathered

    # --- evidence -----------------------------------------------------------------------------------------------

    async def _evidence(self, wanted: Mapping[Digest, Sequence[str]]) -> Evidence:
        """Evidence kept from before, and what its holders show now, asked one after the other until one does."""
        signed = await asyncio.to_thread(self._store.evidence, wanted)
        missing = [digest for digest in wanted if digest not in signed]
        withheld: set[tuple[str, Digest]] = set()

        async def ask(digest: Digest) -> bytes | None:
            for member in wanted[digest]:
                answer = await self._shown(member, digest, self._named_evidence(member, digest))
                if isinstance(answer, bytes):
                    return answer
                if not answer:
                    withheld.add((member, digest))
            return None

        answers = await asyncio.gather(*(ask(digest) for digest in missing))
        new = {digest: raw for digest, raw in zip(missing, answers, strict=True) if raw is not None}
        await asyncio.to_thread(self._store.keep_evidence, new)
        proven = await asyncio.to_thread(self._store.proven, signed)
        return Evidence(signed={**signed, **new}, withheld=frozenset(withheld), proven=proven)

    async def _named_evidence(self, member: str, digest: Digest) -> bytes:
        answer = await self._clients[member].evidence(digest)
        return base64_decode(str(answer.get("evidence", "")), subject="evidence")

    async def _shown(self, member: str, digest: Digest, call: Awaitable[bytes]) -> bytes | bool:
        """What a log names by its digest; False if its keeper does not show it, True if it could not be asked."""
        try:
            raw = await self._call(member, call)
        except PartnerUnreachableError:
            return True
        except PartnerProblemError as refused:
            return refused.status not in _NOT_SHOWN
        except ExchangeError:
            return False
        return raw if Digest.of(raw) == digest else False

    async def _snapshots(self, logs: Mapping[str, LogView], evidence: Evidence) -> Evidence:
        """The registry snapshots that logs name and this registry has not: their members are asked for them."""
        named = [one for view in logs.values() for one in named_elsewhere(view, self._trust)]
        kept = await asyncio.to_thread(self._store.evidence, [one.entry.registry.sha256 for one in named])
        refs = [(one.member, one.entry.registry) for one in named if one.entry.registry.sha256 not in kept]
        answers = await asyncio.gather(
            *(self._shown(member, ref.sha256, self._clients[member].snapshot(ref.version)) for member, ref in refs)
        )
        shown = {ref.sha256: raw for (_, ref), raw in zip(refs, answers, strict=True) if isinstance(raw, bytes)}
        await asyncio.to_thread(self._store.keep_evidence, shown)
        hidden = {(member, ref.sha256) for (member, ref), raw in zip(refs, answers, strict=True) if raw is False}
        return replace(evidence, signed={**evidence.signed, **kept, **shown}, withheld=evidence.withheld | hidden)

    # --- publications -------------------------------------------------------------------------------------------

    async def _files(self, logged: LoggedEntry) -> dict[str, bytes] | ExchangeError | None:
        """The files of a publication but its data, those that verified before; None if they cannot be had yet."""
        assert logged.entry.bundle is not None
        kept = {} if self._again else await asyncio.to_thread(self._store.files, logged.entry.bundle, verified=True)
        if kept:
            self._stored.add(logged.entry.bundle)
            return kept
        client = self._clients[logged.member]
        try:
            contents = await asyncio.gather(
                *(self._call(logged.member, client.bundle_file(logged.entry.bundle, name)) for name in FILES)
            )
        except PartnerUnreachableError:
            return None
        except PartnerProblemError as refused:
            waits = refused.status == NOT_FOUND and self._at - logged.entry.at < await self._hidden(logged)
            return None if waits else refused
        except ExchangeError as error:
            return error
        return dict(zip(FILES, contents, strict=True))

    async def _hidden(self, logged: LoggedEntry) -> timedelta:
        """How long its publisher may deny that there is such a bundle: to its quorum, or to the contract's embargo."""
        assert logged.entry.contract is not None  # the entry's schema requires it
        contracts = {**self._contracts_held, **await asyncio.to_thread(self._kept_contracts)}
        contract = contracts.get(logged.entry.contract)
        if contract is None:
            refs = [ref for ref in await self._listed(logged.member) if ref.digest == logged.entry.contract]
            contract = await self._contract(logged.member, refs[0]) if refs else None
        return max(WAITING_MAX, timedelta(days=0 if contract is None else contract.embargo_days))

    def _names(
        self, published: Sequence[LoggedEntry], files: Sequence[dict[str, bytes] | ExchangeError | None]
    ) -> dict[Digest, tuple[str, str]]:
        """Contract id and period of every bundle whose manifest was ever seen: kept, for when it is not shown again."""
        seen = [found[MANIFEST] for found in files if isinstance(found, dict)]
        self._store.keep_evidence({Digest.of(manifest): manifest for manifest in seen})
        kept = self._store.evidence(one.entry.bundle for one in published if one.entry.bundle is not None)
        names: dict[Digest, tuple[str, str]] = {}
        for bundle, raw in kept.items():
            with suppress(ExchangeError):
                manifest = parse_manifest(raw)
                names[bundle] = (manifest.contract.id, manifest.period)
        return names

    async def _contracts(
        self, published: Sequence[LoggedEntry], files: Sequence[dict[str, bytes] | ExchangeError | None]
    ) -> dict[Digest, DataContract]:
        """The contract of every publication, and the other versions that their parties hold."""
        held = {**self._contracts_held, **await asyncio.to_thread(self._kept_contracts)}
        wanted: dict[Digest, tuple[str, ContractRef]] = {}
        for logged, found in zip(published, files, strict=True):
            if isinstance(found, dict):
                ref = contract_of(found)
                if ref is not None and ref.digest not in held:
                    wanted.setdefault(ref.digest, (logged.member, ref))
        texts = await asyncio.gather(*(self._contract(member, ref) for member, ref in wanted.values()))
        asked = {contract.digest: contract for contract in texts if contract is not None}
        return {**held, **asked}

    async def _stated(
        self, logs: Mapping[str, LogView], known: Mapping[Digest, DataContract]
    ) -> dict[Digest, DataContract]:
        """The contracts that logs speak of and no bundle names: a later version supersedes before it has one."""
        asked: dict[Digest, DataContract] = {}
        for member, view in logs.items():
            spoken = {one.entry.contract for one in view.of(*STATEMENTS)} - known.keys() - asked.keys()
            refs = await self._listed(member) if spoken else ()
            texts = await asyncio.gather(*(self._contract(member, ref) for ref in refs if ref.digest in spoken))
            asked |= {contract.digest: contract for contract in texts if contract is not None}
        return asked

    async def _listed(self, member: str) -> tuple[ContractRef, ...]:
        try:
            answer = await self._call(member, self._clients[member].contracts())
            return tuple(ContractRef.parse(one, subject="contract list") for one in answer)
        except ExchangeError:
            return ()

    def _kept_contracts(self) -> dict[Digest, DataContract]:
        """Contracts that were asked for in earlier runs; one whose code lists are gone is asked for again."""
        found: dict[Digest, DataContract] = {}
        for digest, raw in self._store.contracts().items():
            if digest not in self._contracts_held:
                with suppress(ExchangeError):
                    found[digest] = parse_contract(raw, codelists=self._codelists)
        return found

    async def _contract(self, member: str, ref: ContractRef) -> DataContract | None:
        try:
            answer = await self._call(member, self._clients[member].contract(ref.id, ref.version))
            raw = base64_decode(str(answer.get("contract", "")), subject="contract")
            contract = await asyncio.to_thread(parse_contract, raw, codelists=self._codelists)
        except ExchangeError:
            return None
        if contract.digest != ref.digest:
            return None
        await asyncio.to_thread(self._store.keep_contract, contract.digest, raw)
        return contract

    def _verify_all(
        self,
        published: Sequence[LoggedEntry],
        files: Sequence[dict[str, bytes] | ExchangeError | None],
        contracts: Mapping[Digest, DataContract],
    ) -> dict[Digest, VerifiedPublication | ExchangeError]:
        verified: dict[Digest, VerifiedPublication | ExchangeError] = {}
        for logged, found in zip(published, files, strict=True):
            assert logged.entry.bundle is not None
            if isinstance(found, ExchangeError):
                verified[logged.entry.bundle] = found
            elif found is not None:
                judged = read_publication(
                    logged.entry.bundle, found, trust=self._trust, contracts=contracts, memory=self._memory
                )
                verified[logged.entry.bundle] = judged
                holds = isinstance(judged, VerifiedPublication)
                if not holds or logged.entry.bundle not in self._stored:
                    self._store.keep_files(logged.entry.bundle, found, verified=holds)
        return verified

    async def _call(self, member: str, call: Awaitable[T]) -> T:
        async with self._limits[member]:
            return await call


def _proofs(
    published: Sequence[LoggedEntry], files: Sequence[dict[str, bytes] | ExchangeError | None]
) -> Iterator[tuple[str, bytes]]:
    for logged, found in zip(published, files, strict=True):
        if isinstance(found, dict):
            with suppress(ExchangeError):
                yield logged.member, parse_proof(found[PROOF]).checkpoint_note


def _wanted(logs: Mapping[str, LogView]) -> dict[Digest, list[str]]:
    """Which evidence to ask of whom: statements, deliveries, receipts, and requests for which only one side answers."""
    wanted: dict[Digest, list[str]] = {}

    def want(logged: LoggedEntry | None, digest: Digest | None) -> None:
        if logged is not None and digest is not None:
            wanted.setdefault(digest, []).append(logged.member)

    for view in logs.values():
        for logged in view.of(*STATEMENTS):
            want(logged, logged.entry.evidence)
    for one in pair(logs):
        for named in (one.taken, one.given, one.got, *one.acknowledged):
            want(named, named.entry.evidence if named is not None else None)
        if one.taken is None:
            want(one.served, one.pull)
    return wanted
