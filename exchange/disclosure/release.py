"""One table on its way out: what is asked of its suppression, and the table that a pattern of withheld cells makes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from exchange.contract.model import DataContract, Zeros
from exchange.disclosure.arrays import INFINITY, Floats, Integers, Mask
from exchange.disclosure.formulation import needs_of
from exchange.disclosure.insiders import insiders_of
from exchange.disclosure.primary import Sensitive, shown
from exchange.disclosure.problem import Insider, Problem
from exchange.disclosure.protection import Requirement, requirement
from exchange.disclosure.relations import System
from exchange.errors.disclosure import NotAdditiveError
from exchange.pattern import relations
from exchange.table import AggregateTable, CellKey, Observation, SafeTable


@dataclass(frozen=True)
class Release:
    """A table with what the rules say of it.

    Attributes:
        sensitive: Primary cells, and all that may be withheld.
        public: What other releases show unchanged: it can hide nothing.
        weights: What withholding costs, by key.
        asked: What the suppression is asked for some cells beyond what they must keep.
        held: Withheld by no rule, but for what was released before or is hidden elsewhere: kept from readers, not from
            contributors (decision 32).
    """

    table: AggregateTable = field(repr=False)
    contract: DataContract
    sensitive: Sensitive = field(repr=False)
    public: frozenset[CellKey] = field(repr=False)
    weights: Mapping[CellKey, float] = field(repr=False)
    asked: Mapping[CellKey, Requirement] = field(default_factory=dict, repr=False)
    held: frozenset[CellKey] = field(default=frozenset(), repr=False)

    @cached_property
    def keys(self) -> tuple[CellKey, ...]:
        """Every cell, in the order of the columns."""
        return tuple(self.sensitive.values)

    @cached_property
    def values(self) -> Integers:
        """The true figures."""
        return np.array(list(self.sensitive.values.values()), dtype=np.int64)

    @cached_property
    def system(self) -> System:
        """The contract's relations over all cells."""
        return System.of(self.keys, relations(self.contract, self.keys))

    def require_additive(self) -> None:
        """Refuse a table whose own margins are not the sums of their parts: no attacker could be modelled.

        Raises:
            NotAdditiveError: Names one margin, and how many fail.
        """
        broken = self.system.broken(self.values)
        if len(broken):
            start, end = self.system.starts[broken[0]], self.system.starts[broken[0] + 1]
            wholes = [entry for entry in range(start, end) if self.system.coefficients[entry] < 0]
            key = self.keys[self.system.columns[[*wholes, start][0]]]
            raise NotAdditiveError(
                contract=self.contract.id, period=self.table.period, cell=shown(key), count=len(broken)
            )

    def problem(self) -> Problem:
        """What the suppression is asked."""
        least = self.sensitive.least
        return Problem(
            system=self.system,
            values=self.values,
            whole=True,
            primary=self._mask(must := self.sensitive.primary.keys() | self.held),
            fixed=self._mask(self.public - must),
            weights=np.array([self.weights[key] for key in self.keys]),
            needs=needs_of(self.keys, {**self.required(self.keys), **self.asked}),
            low=np.array([float(least.get(key, 0)) for key in self.keys]),
            high=np.full(len(self.keys), INFINITY),
            insiders=self.insiders_over(self.keys),
            guarded=self.guarded(self.keys),
        )

    def required(self, keys: Sequence[CellKey]) -> dict[CellKey, Requirement]:
        """What each of these cells must keep when withheld: a primary one by its rule, any other the floor."""
        values, primary, least = self.sensitive.values, self.sensitive.primary, self.sensitive.least
        return {key: primary.get(key, requirement(self.contract, values[key]).above(least.get(key, 0))) for key in keys}

    def guarded(self, keys: Sequence[CellKey]) -> Mask:
        """The cells that keep what they must against contributors too: the primary ones (decision 32)."""
        return np.array([key in self.sensitive.primary for key in keys], dtype=np.bool_)

    def insiders_over(self, keys: Sequence[CellKey]) -> tuple[Insider, ...]:
        """Contributors who know more than is published, as columns of these keys."""
        return insiders_of(self.table, self.contract, keys)

    def figures(self, keys: Sequence[CellKey]) -> Integers:
        """The true figures of these keys."""
        return np.array([self.sensitive.values[key] for key in keys], dtype=np.int64)

    def over(self, keys: Sequence[CellKey], tables: Sequence[Floats]) -> tuple[Floats, ...]:
        """Tables over all cells as tables over these keys."""
        number = {key: place for place, key in enumerate(self.keys)}
        places = [number[key] for key in keys]
        return tuple(table[places] for table in tables)

    def holding(self, keys: Collection[CellKey]) -> "Release":
        """The same release with these cells withheld too, as one that hides others is."""
        return replace(self, held=self.held.union(keys))

    def withholding(self, keys: Sequence[CellKey]) -> "Release":
        """The same release with these cells primary too."""
        more = self.required(keys)
        return replace(self, sensitive=replace(self.sensitive, primary=self.sensitive.primary | more))

    def asking(self, more: Mapping[CellKey, Requirement]) -> "Release":
        """The same release asking more of the suppression for these cells."""
        return replace(self, asked={**self.asked, **more})

    def table_of(self, withheld: Mask) -> SafeTable:
        """The rows that leave: every cell that is withheld or not empty, and empty ones where zeros are sensitive."""
        conf = "F" if self.contract.publication_allowed else "N"
        zeros_stand = self.contract.disclosure.zeros is Zeros.SENSITIVE
        rows = {
            key: Observation(value=None, obs_status="Q", conf_status="C")
            if hidden
            else Observation(value=value, obs_status="A", conf_status=conf)
            for (key, value), hidden in zip(self.sensitive.values.items(), withheld.tolist(), strict=True)
            if hidden or value or zeros_stand
        }
        return SafeTable(
            provider=self.table.provider, contract_id=self.table.contract_id, period=self.table.period, rows=rows
        )

    def _mask(self, keys: Collection[CellKey]) -> Mask:
        return np.array([key in keys for key in self.keys], dtype=np.bool_)
