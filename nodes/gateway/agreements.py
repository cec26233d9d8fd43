"""Contracts and statements at the gateway: taken from any party, kept once, logged, relayed (DESIGN.md §4).

`ended` and `suspended` bind from arrival; `signed` and `resumed` once the node's own entry of them is cosigned, so no
operator can make a contract bind in secret. What this member says is carried to the other parties until each took it.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from exchange.contract.model import DataContract
from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.exchange_ import ContractVersionTakenError, NotAPartyError, PartnerUnreachableError
from exchange.errors.node import WaitExceededError
from exchange.log.entry import EntryType
from exchange.statement import Statement, StatementType, open_statement, require_about
from nodes.adapters.contract_store import (
    Errand,
    KeptStatement,
    add_errands,
    contract_texts,
    errand_done,
    keep_contract,
    keep_statement,
    open_errands,
    statement_index,
    statements,
    take_effect,
)
from nodes.adapters.own_log import entry_at
from nodes.adapters.sequencer import LogDraft, Transaction
from nodes.gateway.context import GatewayContext

BINDS_AT_ONCE = {StatementType.ENDED, StatementType.SUSPENDED}
RELAY_PAUSE_S = 1.0
RELAY_PAUSE_S_MAX = 60.0
CONTRACT, STATEMENT = "contract", "statement"


@dataclass(frozen=True, slots=True)
class Taken:
    """A statement that this node keeps."""

    statement: Statement
    index: int
    new: bool


class Agreements:
    """Takes proposals and statements, lets them take effect, and carries the member's own to the others."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context
        self._errands = asyncio.Event()
        self._under_way: dict[Digest, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Take over folder and store, and go on with what was under way."""
        context = self._context
        held = await asyncio.to_thread(context.contracts.load_folder)
        stored = dict(await context.store.read(contract_texts))
        for raw in stored.values():
            context.contracts.write_contract(context.contracts.put(raw))
        for contract in held:
            if contract.digest not in stored:
                await self._store(contract)
        kept = await context.store.read(statements)
        context.contracts.take_statements(kept, context.trust.current())
        for one in kept:
            if context.contracts.get(one.contract) is None:
                continue  # a recovered log names a contract whose text is not here again
            if not (one.effective and context.contracts.is_proven(one, member=context.member)):
                self._watch(open_statement(one.raw, trust=context.trust.current(), at=None), one.index)
        context.background.keep(self._carry())

    # --- proposals ---------------------------------------------------------------------------------------------

    async def propose(self, raw: bytes, *, by: str) -> DataContract:
        """Keep a contract that a party proposes; the same text again changes nothing.

        Raises:
            ContractError: It is not a contract.
            NotAPartyError: Whoever proposes it, or this member, is no party.
            ContractVersionTakenError: Another text under this id and version.
            ContractVersionError: Its number hides a loosening.
        """
        context = self._context
        held = context.contracts.holding(raw)
        contract = held if held is not None else await asyncio.to_thread(context.contracts.parse, raw)
        for member in (by, context.member):
            if member not in contract.members():
                raise NotAPartyError(contract=contract.id, member=member)
        known = context.contracts.get(contract.digest) is not None
        if not known:
            await asyncio.to_thread(context.contracts.require_amendment, contract, at=context.clock.now())
        context.contracts.put(raw)
        if not known:
            try:
                await self._store(contract)
            except IntegrityError as error:
                raise ContractVersionTakenError(
                    contract=contract.id, version=contract.version, held="another text", found=str(contract.digest)
                ) from error
            await asyncio.to_thread(context.contracts.write_contract, contract)
        return contract

    async def _store(self, contract: DataContract) -> None:
        await self._context.sequencer.submit(lambda transaction: _keep(transaction, contract), gated=False)

    # --- statements --------------------------------------------------------------------------------------------

    async def take(self, raw: bytes, *, by: str, about: DataContract | None = None) -> Taken:
        """Verify, keep and log a statement, whoever relays it; one that is kept already is answered the same.

        Args:
            raw: The statement.
            by: Who brings it.
            about: The contract that the address named, if any; the statement must be about it.

        Raises:
            TrustError, EncodingError, StatementError: It does not hold.
            ContractUnknownError: A contract whose text is not here.
            NotAPartyError: Relayed by a stranger.
            ContractVersionError: It signs a version whose number hides a loosening.
        """
        context = self._context
        statement = open_statement(raw, trust=context.trust.current(), at=context.clock.now())
        contract = about or context.contracts.require(statement.contract).contract
        require_about(statement, contract)
        if by not in contract.members():
            raise NotAPartyError(contract=contract.id, member=by)
        if statement.type is StatementType.SIGNED and not self._is_kept(statement):
            # Asked again: another version may have come into force since this text arrived.
            await asyncio.to_thread(context.contracts.require_amendment, contract, at=context.clock.now())
        own = statement.party == context.member
        others = [member for member in contract.members() if member != context.member] if own else []
        done = await context.sequencer.submit(lambda transaction: self._log(transaction, statement, others))
        taken = Taken(statement, *done.result)
        if taken.new:
            at_once = statement.type in BINDS_AT_ONCE
            context.contracts.add_statement(statement, effective=at_once)
            if at_once:
                await asyncio.to_thread(context.contracts.write_statement, statement, member=context.member)
            self._watch(statement, taken.index)
            self._errands.set()
        return taken

    async def wait_effective(self, taken: Taken, *, wait_s: float) -> None:
        """Give a statement a while to be cosigned; it takes effect later all the same."""
        task = self._under_way.get(taken.statement.digest)
        if task is not None and not self.effective(taken.statement):
            await asyncio.wait([task], timeout=wait_s)

    def effective(self, statement: Statement) -> bool:
        """Whether a kept statement binds this node already."""
        held = self._context.contracts.require(statement.contract)
        return any(one.digest == statement.digest for one in held.effective)

    def _is_kept(self, statement: Statement) -> bool:
        held = self._context.contracts.require(statement.contract)
        return any(one.digest == statement.digest for one in held.statements)

    def _log(self, transaction: Transaction, statement: Statement, others: list[str]) -> tuple[int, bool]:
        known = statement_index(transaction.connection, statement.digest)
        if known is not None:
            return known, False
        context = self._context
        index = transaction.append(
            LogDraft(
                type=EntryType(statement.type.value),
                counterpart=None if statement.party == context.member else statement.party,
                contract=statement.contract,
                evidence=statement.digest,
            )
        )
        kept = KeptStatement(
            digest=statement.digest,
            contract=statement.contract,
            party=statement.party,
            raw=statement.raw,
            index=index,
            effective=statement.type in BINDS_AT_ONCE,
        )
        keep_statement(transaction.connection, kept)
        add_errands(transaction.connection, _errands(statement, others))
        return index, True

    def _watch(self, statement: Statement, index: int) -> None:
        task = self._context.background.start(self._let_take_effect(statement, index))
        self._under_way[statement.digest] = task
        task.add_done_callback(lambda _: self._under_way.pop(statement.digest, None))

    async def _let_take_effect(self, statement: Statement, index: int) -> None:
        """Wait for the quorum; the proof goes to the desk, and what was to bind binds from then on."""
        context = self._context
        cosigned = await context.cosigner.covered_at_last(index)
        if not self.effective(statement):
            await context.sequencer.submit(lambda transaction: take_effect(transaction.connection, statement.digest))
        entry = await context.store.read(lambda connection: entry_at(connection, index))
        proof = await context.cosigner.prove(index, entry, cosigned)
        await asyncio.to_thread(context.contracts.write_statement, statement, member=context.member, proof=proof)
        context.contracts.add_statement(statement, effective=True)

    # --- carrying ----------------------------------------------------------------------------------------------

    async def _carry(self) -> None:
        """Carry what other members have not taken yet, again and again, slower while nobody takes anything."""
        pause = RELAY_PAUSE_S
        while True:
            self._errands.clear()
            by_member: dict[str, list[Errand]] = {}
            for errand in await self._context.store.read(open_errands):
                by_member.setdefault(errand.member, []).append(errand)
            taken = await asyncio.gather(*(self._carry_to(errands) for errands in by_member.values()))
            done = sum(taken) == sum(map(len, by_member.values()))
            pause = RELAY_PAUSE_S if any(taken) else min(pause * 2, RELAY_PAUSE_S_MAX)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._errands.wait(), None if done else pause)

    async def _carry_to(self, errands: list[Errand]) -> int:
        """Carry to one member in order, as long as it answers; how much it took.

        What it refuses holds nothing up: a draft that it does not take must not keep an end from it.
        """
        taken = 0
        for errand in errands:
            try:
                await self._deliver(errand)
            except PartnerUnreachableError:
                break
            except ExchangeError:
                continue
            taken += 1
        return taken

    async def _deliver(self, errand: Errand) -> None:
        context = self._context
        client = context.partner(errand.member)
        if errand.kind == CONTRACT:
            await client.propose(context.contracts.require(errand.digest).contract.raw)
        else:
            statement = self._statement(errand.digest)
            contract = context.contracts.require(statement.contract).contract
            await client.statement(contract.id, contract.version, statement.raw)
        await context.sequencer.submit(lambda transaction: errand_done(transaction.connection, errand), gated=False)

    def _statement(self, digest: Digest) -> Statement:
        for held in self._context.contracts.all():
            for statement in held.statements:
                if statement.digest == digest:
                    return statement
        raise WaitExceededError(subject=f"statement {digest}", seconds=0)


def _keep(transaction: Transaction, contract: DataContract) -> None:
    keep_contract(
        transaction.connection,
        digest=contract.digest,
        contract_id=contract.id,
        version=contract.version,
        raw=contract.raw,
    )


def _errands(statement: Statement, others: list[str]) -> list[Errand]:
    return [
        Errand(kind=kind, digest=digest, member=member)
        for member in others
        for kind, digest in ((CONTRACT, statement.contract), (STATEMENT, statement.digest))
    ]
