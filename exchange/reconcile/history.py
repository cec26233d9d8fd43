"""Where each thing first stands in one log, found in one pass: judging a pull does not read the log again.

What a member could know when it acted is what stood in its own log before: every question here is asked `before` an
index.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TypeAlias

from exchange.encoding import Digest
from exchange.log.entry import EntryType
from exchange.reconcile.model import LoggedEntry, LogView

STATEMENTS = frozenset(
    {
        EntryType.CONTRACT_SIGNED,
        EntryType.CONTRACT_ENDED,
        EntryType.CONTRACT_SUSPENDED,
        EntryType.CONTRACT_RESUMED,
    }
)

_NOTED = (
    *STATEMENTS,
    EntryType.CLEARANCE_DECIDED,
    EntryType.BUNDLE_PUBLISHED,
    EntryType.BUNDLE_WITHDRAWN,
)

Histories: TypeAlias = Mapping[str, "History"]
"""By member, of every log that could be collected."""


@dataclass(slots=True, kw_only=True)
class History:
    """One log by what its entries are about.

    Attributes:
        published: Its `bundle.published` entries, in order.
        withdrawn: The first `bundle.withdrawn` entry of each bundle.
        signed: The `contract.signed` entries of each contract, in order.
    """

    published: list[LoggedEntry] = field(default_factory=list)
    withdrawn: dict[Digest, LoggedEntry] = field(default_factory=dict)
    signed: dict[Digest, list[LoggedEntry]] = field(default_factory=dict)
    _published: dict[Digest, int] = field(default_factory=dict)
    _cleared: dict[Digest, int] = field(default_factory=dict)
    _served: dict[tuple[Digest, str], int] = field(default_factory=dict)
    _stated_at: list[int] = field(default_factory=list)
    _stated: list[Digest] = field(default_factory=list)
    _known: dict[int, frozenset[Digest]] = field(default_factory=dict)

    def is_published(self, bundle: Digest, *, before: int) -> bool:
        """Whether the bundle's publication stands below this index."""
        return self._published.get(bundle, before) < before

    def is_withdrawn(self, bundle: Digest, *, before: int) -> bool:
        """Whether the bundle's withdrawal stands below this index."""
        return bundle in self.withdrawn and self.withdrawn[bundle].index < before

    def is_cleared(self, clearance: Digest, *, before: int) -> bool:
        """Whether a `clearance.decided` of this clearance stands below this index."""
        return self._cleared.get(clearance, before) < before

    def is_served(self, bundle: Digest, puller: str, *, before: int) -> bool:
        """Whether a pull of the bundle by this member stands below this index."""
        return self._served.get((bundle, puller), before) < before

    def publications(self, *, before: int) -> list[LoggedEntry]:
        """The publications below this index."""
        return list(takewhile(lambda logged: logged.index < before, self.published))

    def statements(self, *, before: int | None = None) -> frozenset[Digest]:
        """The contract statements below this index; all of them without one."""
        count = len(self._stated) if before is None else bisect_left(self._stated_at, before)
        if count not in self._known:
            self._known[count] = frozenset(self._stated[:count])
        return self._known[count]

    def note(self, logged: LoggedEntry) -> None:
        """Take up the log's next entry."""
        entry, index = logged.entry, logged.index
        if entry.type in STATEMENTS:
            self._note_statement(logged)
        elif entry.type is EntryType.CLEARANCE_DECIDED and entry.evidence is not None:
            self._cleared.setdefault(entry.evidence, index)
        elif entry.bundle is None:
            return
        elif entry.type is EntryType.BUNDLE_PUBLISHED:
            self.published.append(logged)
            self._published.setdefault(entry.bundle, index)
        elif entry.type is EntryType.BUNDLE_WITHDRAWN:
            self.withdrawn.setdefault(entry.bundle, logged)

    def note_served(self, logged: LoggedEntry) -> None:
        """Take up a `pull.served` of the log, in any order."""
        entry = logged.entry
        assert entry.bundle is not None  # the entry's schema requires both
        assert entry.counterpart is not None
        key = (entry.bundle, entry.counterpart)
        self._served[key] = min(logged.index, self._served.get(key, logged.index))

    def _note_statement(self, logged: LoggedEntry) -> None:
        entry = logged.entry
        if entry.evidence is not None:
            self._stated.append(entry.evidence)
            self._stated_at.append(logged.index)
        if entry.type is EntryType.CONTRACT_SIGNED and entry.contract is not None:
            self.signed.setdefault(entry.contract, []).append(logged)


def history_of(log: LogView) -> History:
    """Read a log once, but for its pulls: whoever pairs them takes them up with `note_served`."""
    found = History()
    for logged in log.of(*_NOTED):
        found.note(logged)
    return found
