"""Tables: unprotected aggregates that have no encoder, and the safe table that may leave.

An `AggregateTable` never leaves the preparation process: nothing in this package turns it into bytes. Only
`exchange.disclosure.protect` makes a `SafeTable` of it, and only a `SafeTable` can be written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

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
