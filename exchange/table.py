"""Tables: unprotected aggregates that have no encoder, and the safe table that may leave.

An `AggregateTable` never leaves the preparation process: nothing in this package turns it into bytes. Only
`exchange.disclosure.protect` makes a `SafeTable` of it, and only a `SafeTable` can be written. What was `Released` is
read by the desk too, which reaches neither the suppression nor its solver.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from exchange.contract.model import DataContract
from exchange.contract.shape import Shape
from exchange.encoding import Digest

CellKey: TypeAlias = tuple[str, ...]
"""One code per contract dimension, in the contract's order; `_T` where a table leaves the dimension out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateCell:
    """A cell before protection.

    Attributes:
        value: The measure, an integer in units of 10^-decimals.
        contributors: Distinct contributors, one count per contributor unit of the contract.
        largest: The two largest contributions of the dominance unit, where the contract names one.
        sole: By contributor unit, who the only contributor is, where there is one: a number that means nothing but
            that the same number in two cells is the same contributor (or holding). It never leaves preparation.
        largest_by: In the same numbers, whose the largest contribution is.
    """

    value: int
    contributors: tuple[int, ...]
    largest: tuple[int, int] | None = None
    sole: tuple[int | None, ...] = field(default=(), repr=False, compare=False)
    largest_by: int | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateTable:
    """All non-empty cells of the contract's tables for one period, margins included."""

    provider: str
    contract_id: str
    period: str
    cells: Mapping[CellKey, AggregateCell] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A row that leaves: a value, or a withheld or missing one with its SDMX status."""

    value: int | None
    obs_status: str  # A, E, P, B …; Q withheld; O missing
    conf_status: str  # N, F; C withheld

    @property
    def withheld(self) -> bool:
        """Whether the reader sees that something is hidden here."""
        return self.obs_status == "Q"


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeTable:
    """What may leave: every non-zero or withheld cell; an absent key of a listed table is a published zero."""

    provider: str
    contract_id: str
    period: str
    rows: Mapping[CellKey, Observation] = field(repr=False)

    def withheld_keys(self) -> frozenset[CellKey]:
        """The keys whose value is hidden."""
        return frozenset(key for key, row in self.rows.items() if row.withheld)


@dataclass(frozen=True, kw_only=True)
class Released:
    """One release: a vintage of a table, who has it, and under which contract.

    Attributes:
        contract: The version it was released under.
        revision: 0, 1, 2… of its identity.
        table: Rows shown and withheld; an absent key of a listed table is a published zero unless excluded.
        recipients: Who may hold it, sorted.
        bundle: Its digest; None for a candidate.
        excluded: Keys that these recipients must not see, whatever their value.
    """

    contract: DataContract
    revision: int
    table: SafeTable = field(repr=False)
    recipients: tuple[str, ...]
    bundle: Digest | None = None
    excluded: frozenset[CellKey] = field(default=frozenset(), repr=False)

    @property
    def name(self) -> str:
        """What a person calls it; one identity has one release of this name."""
        circle = f" ({', '.join(self.recipients)})" if self.excluded else ""
        version = self.contract.version
        return f"{self.table.provider} {self.contract.id} {version} {self.table.period} r{self.revision}{circle}"

    @cached_property
    def shape(self) -> Shape:
        """Which keys its tables hold."""
        return Shape(self.contract)

    def hidden(self) -> frozenset[CellKey]:
        """What its readers see as withheld."""
        return self.table.withheld_keys()
