"""What an audit works on, and what it says: logs as rebuilt, signed evidence by digest, findings, verdicts.

Nothing here can hold a cell: entries are metadata, evidence is signed statements about digests.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from exchange.contract.model import DataContract
from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.audit import FindingError
from exchange.log.checkpoint import Checkpoint
from exchange.log.entry import EntryType, LogEntry, parse_entry
from exchange.reconcile.memory import Memory
from exchange.signing.trust import RegistryRef, Trust

SKEW_MAX = timedelta(minutes=5)
"""How far a node's clock may run ahead of its witnesses' and its partners', or behind them."""
ENTRY_TYPES = tuple(EntryType)
UNDECIDED = "undecided"
"""The party at fault where the evidence does not decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEntry:
    """One entry of one member's log, where it stands, and by when a quorum of witnesses had seen it.

    Attributes:
        raw: The exact bytes that were hashed as the leaf.
        cosigned_at: The cosigned time of the first quorum-cosigned checkpoint known to cover it; None: none yet.
    """

    member: str
    index: int
    entry: LogEntry
    raw: bytes = field(repr=False)
    cosigned_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCheckpoint:
    """A checkpoint that a member signed.

    Attributes:
        note: The signed note, as it was seen.
        cosigned_at: When its quorum was complete; None if it was seen without one.
    """

    checkpoint: Checkpoint
    note: bytes = field(repr=False)
    cosigned_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogView:
    """A member's whole log, rebuilt and found equal to the checkpoint the member signed; every entry was read once.

    An entry is made when it is asked for: of a million, bytes, types and times are kept, and not the objects.

    Attributes:
        raws: The exact bytes of each entry.
        types: The type of each, as its number in `ENTRY_TYPES`.
        times: When each says that it happened, in seconds since 1970.
        cosigned: Size and cosigned time of every checkpoint of it that a quorum cosigned, smallest first.
        covered: For each of these, the earliest time at which a checkpoint of its size or more was cosigned.
        registries: Every registry state that its entries name, in order, with the index of the first that does.
    """

    member: str
    raws: Sequence[bytes] = field(repr=False)
    types: bytes = field(repr=False)
    times: Sequence[int] = field(repr=False)
    cosigned: tuple[tuple[int, datetime], ...] = field(default=(), repr=False)
    covered: tuple[datetime, ...] = field(default=(), repr=False)
    registries: Mapping[RegistryRef, int] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> int:
        """How many entries it holds."""
        return len(self.raws)

    def of(self, *types: EntryType) -> Iterator[LoggedEntry]:
        """The entries of these types, in order."""
        wanted = bytes(ENTRY_TYPES.index(one) for one in types)
        return (self.entry(index) for index, number in enumerate(self.types) if number in wanted)

    def entry(self, index: int) -> LoggedEntry:
        """The entry at an index below its size."""
        raw = self.raws[index]
        return LoggedEntry(
            member=self.member, index=index, entry=parse_entry(raw), raw=raw, cosigned_at=self.cosigned_at(index)
        )

    def cosigned_at(self, index: int) -> datetime | None:
        """The earliest cosigned time known to cover an entry."""
        covering = bisect_right(self.cosigned, index, key=lambda one: one[0])
        return self.covered[covering] if covering < len(self.covered) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedPublication:
    """What the files of a bundle, other than its data, say once they verified.

    Attributes:
        data: The digest of data.csv as the manifest gives it.
        clearance: The digest of clearance.json.
        pooled: The digest that the disclosure report names.
        determined: How many withheld cells the pattern audit found to follow by linear relations alone.
        withheld: The withheld keys, as the disclosure report names them.
        excluded: The keys that these recipients must not see.
    """

    bundle: Digest
    provider: str
    contract_id: str
    contract: Digest
    period: str
    revision: int
    supersedes: Digest | None
    recipients: tuple[str, ...]
    not_before: datetime
    data: Digest
    clearance: Digest
    pooled: Digest
    cosigned_at: datetime
    determined: int = 0
    withheld: frozenset[tuple[str, ...]] = frozenset()
    excluded: frozenset[tuple[str, ...]] = frozenset()


Publications: TypeAlias = Mapping[Digest, VerifiedPublication | ExchangeError]
"""By bundle digest: what verified, or why it did not."""

ForceAt: TypeAlias = Callable[[Digest, str, datetime, frozenset[Digest]], str]
"""State of a contract for a provider at a time, by the statements whose digests are given: `in-force`, `suspended`…"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Signed bytes by their digest, and whose server was asked for which in vain.

    Attributes:
        proven: Of compact JWS, the `typ` and the `kid` under which a signature was found good, by digest: true of these
            bytes for ever, so not verified again. An audit adds what it verifies.
    """

    signed: Mapping[Digest, bytes] = field(repr=False)
    withheld: frozenset[tuple[str, Digest]] = frozenset()
    proven: dict[Digest, tuple[str, str]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Federation:
    """Everything an audit decides from; gathered before, so that deciding touches nothing else.

    Attributes:
        names: Contract id and period by bundle, of every bundle whose manifest was ever seen.
        memory: What an earlier audit found in order; None: everything is judged anew.
    """

    at: datetime
    trust: Trust
    logs: Mapping[str, LogView]
    publications: Publications
    contracts: Mapping[Digest, DataContract]
    evidence: Evidence
    force_at: ForceAt
    names: Mapping[Digest, tuple[str, str]] = field(default_factory=dict)
    memory: Memory | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that does not hold.

    Attributes:
        party: The member at fault, or `undecided`.
        reason: Code and sentence.
        evidence: Digests of the signed bytes that prove it.
        entries: The log entries it rests on, as (member, index).
    """

    party: str
    reason: FindingError
    evidence: tuple[Digest, ...] = ()
    entries: tuple[tuple[str, int], ...] = ()


class Verdict(StrEnum):
    """What the audit says of one exchange."""

    CONFIRMED = "confirmed"
    PENDING = "pending"
    BROKEN_OFF = "broken-off"
    REJECTED = "rejected"
    DISPUTED = "disputed"
    VIOLATED = "violated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One exchange: who gave what to whom, the verdict, and whose fault it is if it is anyone's."""

    pull: Digest | None
    publisher: str
    puller: str
    bundle: Digest
    contract_id: str
    period: str
    at: datetime
    verdict: Verdict
    findings: tuple[Finding, ...] = ()

    @property
    def fault(self) -> str:
        """The parties at fault, joined; empty if nobody is."""
        return ", ".join(sorted({finding.party for finding in self.findings}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """The whole result: a verdict per exchange, and every finding, those of no exchange included."""

    exchanges: tuple[Exchange, ...]
    findings: tuple[Finding, ...]
