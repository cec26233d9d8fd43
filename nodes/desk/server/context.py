"""What the desk's routes stand on: its officers' console, and registry and contracts as they are at each request."""

import stat
import threading
from dataclasses import dataclass, field
from pathlib import Path

from exchange.errors import Language
from nodes.adapters.clock import Clock
from nodes.adapters.contract_folder import ContractShelf, read_contracts
from nodes.adapters.local_gateway import LocalGateway
from nodes.adapters.trust_folder import TrustCache
from nodes.desk.cases import Desk
from nodes.settings import NodeFolder
from nodes.web.console import Console

_Stamp = tuple[tuple[str, int, int], ...]


@dataclass(slots=True, kw_only=True)
class DeskContext:
    """One desk's parts.

    Attributes:
        trust: The registry, read again when it changes; an expired one stops every act.
    """

    node: NodeFolder
    clock: Clock
    console: Console
    trust: TrustCache
    _shelf: ContractShelf | None = field(default=None, init=False)
    _stamp: object = field(default=None, init=False)
    _reading: threading.Lock = field(default_factory=threading.Lock, init=False)

    def desk(self) -> Desk:
        """The desk now, as a command would open it.

        Raises:
            TrustError, ContractError: No valid registry, or a contract or statement that does not hold.
        """
        now = self.clock.now()
        with self._reading:
            trust = self.trust.current()
            stamp = (trust.ref, _stamp_of(self.node.contracts))
            if self._shelf is None or stamp != self._stamp:
                self._shelf, self._stamp = read_contracts(self.node.contracts, trust=trust), stamp
            shelf = self._shelf
        return Desk(node=self.node, trust=trust, shelf=shelf, now=now.replace(microsecond=0))

    def gateway(self, language: Language = "en", *, timeout_s: float | None = None) -> LocalGateway:
        """The way to the own gateway, over its local socket."""
        if timeout_s is None:
            return LocalGateway(self.node, language=language)
        return LocalGateway(self.node, language=language, timeout_s=timeout_s)


def _stamp_of(folder: Path) -> _Stamp:
    """What changes when a file of the folder does, so that signatures need not be verified for each request."""
    return tuple(mark for path in sorted(folder.rglob("*")) if (mark := _mark_of(path)) is not None)


def _mark_of(path: Path) -> tuple[str, int, int] | None:
    """Name, time and size of a file; none for a folder, or for what has gone meanwhile."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return (str(path), found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None
