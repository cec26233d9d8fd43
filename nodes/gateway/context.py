"""What the parts of a gateway share: built once by `main.py`, handed to every router."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from exchange.errors import ExchangeError
from exchange.signing.keys import Random, Signer
from nodes.adapters.clock import Clock
from nodes.adapters.cosigner import Cosigner
from nodes.adapters.relay import RelayClient
from nodes.adapters.sequencer import Sequencer
from nodes.adapters.store import Store
from nodes.adapters.tile_files import TileFiles
from nodes.gateway.contract_book import ContractBook
from nodes.gateway.library import Library
from nodes.gateway.registry import Registry, TrustSource
from nodes.settings import GatewaySettings, NodeFolder

_LOG = logging.getLogger("exchange.gateway")


@dataclass(slots=True)
class Background:
    """Work that outlives a request; it ends with the process and is done again after a start.

    Attributes:
        has_lost: Whether work that was to go on as long as the process has ended: then the node is red.
    """

    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    has_lost: bool = False

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin, and keep a hold on it (a task that nobody holds may vanish)."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._let_go)
        return task

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin what goes on as long as the process: that it ends by itself is told."""
        self.start(work).add_done_callback(self._miss)

    def _let_go(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            reason = error.code if isinstance(error, ExchangeError) else type(error).__name__
            _LOG.error("%s ended: %s", getattr(task.get_coro(), "__qualname__", "work"), reason)

    def _miss(self, task: asyncio.Task[None]) -> None:
        self.has_lost |= not task.cancelled()

    async def stop(self) -> None:
        """Cancel what still runs."""
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayContext:
    """One gateway's parts.

    Attributes:
        member: Whose gateway it is.
        transport: Signs assertions, DPoP proofs, tokens, deliveries and receipts.
        witness: Signs cosignatures under other members' checkpoints, by the name `witness_name`.
        registry: Keeps what `trust` reads up with the other members.
        partner: The client of another member's gateway; one per member, kept open.
        split_views: Origins of logs of which this node was shown two histories, signed by the log's key.
    """

    member: str
    node: NodeFolder
    settings: GatewaySettings
    clock: Clock
    random: Random
    transport: Signer
    witness: Signer
    witness_name: str
    trust: TrustSource
    registry: Registry
    store: Store
    sequencer: Sequencer
    cosigner: Cosigner
    files: TileFiles
    contracts: ContractBook
    library: Library
    partner: Callable[[str], RelayClient]
    background: Background
    split_views: set[str] = field(default_factory=set)

    @property
    def issuer(self) -> str:
        """The configured address: never taken from a request."""
        return self.settings.issuer
