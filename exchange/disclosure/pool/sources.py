"""What each release shows and hides, cell by cell, under names that all releases share."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from exchange.contract.model import DataContract
from exchange.contract.statistic import CellName, CellNames
from exchange.disclosure.knowledge import least_possible
from exchange.disclosure.pool.released import Outside
from exchange.pattern import Relation, Shape, relations
from exchange.table import CellKey, Released

PoolKey = CellKey
"""A cell of one release: the name of the release, then the key in its contract."""


@dataclass(frozen=True)
class Source:
    """A table that somebody holds.

    Attributes:
        cells: A figure, or None where its reader sees that something is withheld, missing or excluded.
        hidden: The keys of those that must stay unknown.
        complete: Whether an absent key of a listed table is a published zero.
        truth: The true figures of hidden cells, where they are known here: of the candidate, and of earlier releases
            whose records are at hand.
    """

    name: str
    contract: DataContract
    period: str
    cells: Mapping[CellKey, int | None] = field(repr=False)
    hidden: frozenset[CellKey] = field(default=frozenset(), repr=False)
    complete: bool = True
    truth: Mapping[CellKey, int] = field(default_factory=dict, repr=False)
    revision: int = 0

    @classmethod
    def of(cls, release: Released, truths: Mapping[PoolKey, int] | None = None) -> "Source":
        """A release as its readers have it, and what is known here to be true of what it hides."""
        known = truths or {}
        rows = {key: row.value for key, row in release.table.rows.items()}
        cells: dict[CellKey, int | None] = {**rows, **dict.fromkeys(release.excluded)}
        return cls(
            name=release.name,
            contract=release.contract,
            period=release.table.period,
            cells=cells,
            hidden=release.hidden() | release.excluded,
            truth={key: figure for key in cells if (figure := known.get((release.name, *key))) is not None},
            revision=release.revision,
        )

    @classmethod
    def outside(cls, known: Outside) -> "Source":
        """Somebody's public figures: what is absent there says nothing."""
        return cls(
            name=known.source, contract=known.contract, period=known.period, cells=dict(known.cells), complete=False
        )

    def silent(self) -> "Source":
        """The same release of which nobody reads any figure, nor that an absent one is zero."""
        return replace(self, cells=dict.fromkeys(self.cells), complete=False)

    def pool_key(self, key: CellKey) -> PoolKey:
        """The cell's own name in the pool."""
        return (self.name, *key)

    def key_of(self, name: CellName) -> CellKey | None:
        """Where this release says something of the named cell; None where it does not."""
        key = self._by_name.get(name)
        if key is not None or not self.complete:
            return key
        key = self._names.key(name)
        return key if key is not None and self._shape.holds(key) else None

    def name_of(self, key: CellKey) -> CellName:
        """The name under which others know a key of this contract."""
        return self._names.name(key)

    def meaning(self, dimension: str, code: str) -> str:
        """How names spell a code."""
        return self._names.meaning(dimension, code)

    def figure(self, key: CellKey) -> int | None:
        """What it shows for a key that it speaks of; None: unknown."""
        return self.cells.get(key, 0)

    def likely(self, key: CellKey) -> int | None:
        """The figure, shown or known here to be true."""
        shown = self.figure(key)
        return self.truth.get(key) if shown is None else shown

    @cached_property
    def names(self) -> dict[CellKey, CellName]:
        """By key of every row: its name."""
        return {key: self._names.name(key) for key in self.cells}

    def sums_over(self, more: Collection[CellKey] = ()) -> tuple[Relation, ...]:
        """The contract's relations over the rows and these keys; any other absent key is zero and stands in none."""
        return relations(self.contract, {*self.cells, *more}) if self.complete else ()

    @cached_property
    def least(self) -> dict[CellKey, int]:
        """What its readers know a hidden cell to be at least, beyond zero."""
        return least_possible(self.contract, self.cells.keys(), revision=self.revision) if self.complete else {}

    @cached_property
    def _by_name(self) -> dict[CellName, CellKey]:
        return {name: key for key, name in self.names.items()}

    @cached_property
    def _names(self) -> CellNames:
        return CellNames(self.contract)

    @cached_property
    def _shape(self) -> Shape:
        return Shape(self.contract)


def names_in(sources: Iterable[Source]) -> dict[CellName, None]:
    """Every cell that any of them has a row for, each once."""
    found: dict[CellName, None] = {}
    for source in sources:
        found.update(dict.fromkeys(source.names.values()))
    return found
