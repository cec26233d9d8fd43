"""The contract's tables as sets of keys: which keys they hold, and which are sums of which."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from exchange.contract.model import TOTAL, DataContract, Dimension, Table

Key: TypeAlias = tuple[str, ...]
"""One code per contract dimension, in the contract's order; `_T` where a table leaves the dimension out."""


@dataclass(frozen=True, slots=True)
class Margin:
    """A whole and the codes it is the sum of, along one dimension.

    Attributes:
        whole: The key of the margin.
        position: The dimension, as its place in a key.
        codes: The codes of the parts, in list order.
        exact: Whether the parts sum to the whole (additive, and the level covers it).
        covers: Whether nothing of the whole lies outside the parts.
    """

    whole: Key
    position: int
    codes: tuple[str, ...]
    exact: bool
    covers: bool

    def part(self, code: str) -> Key:
        """The key of one part."""
        return (*self.whole[: self.position], code, *self.whole[self.position + 1 :])


class Shape:
    """The contract's tables as sets of keys: which keys they hold, and which are sums of which."""

    def __init__(self, contract: DataContract) -> None:
        self._dimensions = contract.dimensions
        self._additive = contract.disclosure.additive_over
        self._tables = [_TableShape.of(table, contract.dimensions) for table in contract.tables]
        self._by_id = {table.id: shape for table, shape in zip(contract.tables, self._tables, strict=True)}
        self._parents = [
            {code.id: code.parent for code in dimension.codelist.codes} for dimension in contract.dimensions
        ]
        self._children = [_children(parents) for parents in self._parents]
        declared = [
            {code for table in self._tables for code in table.codes.get(position, ())}
            for position in range(len(contract.dimensions))
        ]
        self._wholes = [
            {position: self._wholes_of(table, position, declared[position]) for position in table.codes}
            for table in self._tables
        ]

    def holds(self, key: Key) -> bool:
        """Whether a table of the contract releases this key."""
        return len(key) == len(self._dimensions) and any(table.holds(key) for table in self._tables)

    def table_holds(self, table_id: str, key: Key) -> bool:
        """Whether this table releases the key."""
        return self._by_id[table_id].holds(key)

    def below(self, position: int, code: str) -> frozenset[str]:
        """This code and everything under it in the dimension's tree."""
        found, queue = {code}, [code]
        while queue:
            for child in self._children[position].get(queue.pop(), ()):
                if child not in found:
                    found.add(child)
                    queue.append(child)
        return frozenset(found)

    def margins(self, keys: Iterable[Key]) -> Iterator[Margin]:
        """Every margin that has one of these keys as its whole or as a part, each once, in order of the keys."""
        seen: set[tuple[Key, int, tuple[str, ...]]] = set()
        for key in keys:
            for table, wholes in zip(self._tables, self._wholes, strict=True):
                strange = table.strange_at(key)
                for position, by_code in wholes.items():
                    if strange and strange != [position]:
                        continue
                    for margin in self._at(key, table, position, by_code):
                        identity = (margin.whole, position, margin.codes)
                        if identity not in seen:
                            seen.add(identity)
                            yield margin

    def keys(self, *, allowed: Mapping[int, frozenset[str]]) -> Iterator[Key]:
        """Every key of every table, restricted to the allowed codes by position (each key once)."""
        seen: set[Key] = set()
        for table in self._tables:
            for key in table.product(self._dimensions, allowed):
                if key not in seen:
                    seen.add(key)
                    yield key

    def _at(
        self, key: Key, table: "_TableShape", position: int, wholes: Mapping[str, tuple[str, ...]]
    ) -> Iterator[Margin]:
        code = key[position]
        tops = [code] if code in wholes else []
        if code in table.codes[position]:
            tops += [whole for whole, parts in wholes.items() if code in parts and whole != code]
        additive = self._dimensions[position].id in self._additive
        for top in tops:
            whole = (*key[:position], top, *key[position + 1 :])
            if top == TOTAL or self.holds(whole):
                covers = top == TOTAL or self._covered(position, top, frozenset(wholes[top]))
                yield Margin(whole, position, wholes[top], additive and covers, covers)

    def _wholes_of(self, table: "_TableShape", position: int, declared: set[str]) -> dict[str, tuple[str, ...]]:
        """By code of the whole: the codes of this table's level below it."""
        codes = table.codes[position]
        wholes: dict[str, list[str]] = defaultdict(list)
        if self._dimensions[position].has_total:
            wholes[TOTAL] = list(codes)
        for code in codes:
            for above in self._above(position, code):
                if above in declared:
                    wholes[above].append(code)
        return {whole: tuple(parts) for whole, parts in wholes.items()}

    def _above(self, position: int, code: str) -> Iterator[str]:
        seen = {code}
        above = self._parents[position].get(code)
        while above is not None and above not in seen:
            seen.add(above)
            yield above
            above = self._parents[position].get(above)

    def _covered(self, position: int, code: str, parts: frozenset[str]) -> bool:
        if code in parts:
            return True
        below = self._children[position].get(code, ())
        return bool(below) and all(self._covered(position, child, parts) for child in below)


@dataclass(frozen=True, slots=True)
class _TableShape:
    codes: dict[int, tuple[str, ...]]
    """By position of a listed dimension: the codes of its level."""
    members: tuple[frozenset[str] | None, ...]
    """By position: the codes a key may have there; None: any (a dimension without total that is not listed)."""

    @classmethod
    def of(cls, table: Table, dimensions: tuple[Dimension, ...]) -> "_TableShape":
        listed = {entry.dimension: entry for entry in table.dimensions}
        codes: dict[int, tuple[str, ...]] = {}
        members: list[frozenset[str] | None] = []
        for position, dimension in enumerate(dimensions):
            total = frozenset({TOTAL} if dimension.has_total else ())
            if dimension.id not in listed:
                members.append(total or None)
                continue
            entry = listed[dimension.id]
            level = [code for code in entry.codes if dimension.codes is None or code in dimension.codes]
            if entry.residual is not None and entry.residual not in level:
                level.append(entry.residual)
            codes[position] = tuple(level)
            members.append(total | frozenset(level))
        return cls(codes, tuple(members))

    def holds(self, key: Key) -> bool:
        return all(codes is None or code in codes for code, codes in zip(key, self.members, strict=True))

    def strange_at(self, key: Key) -> list[int]:
        """The positions at which the key has a code that this table does not release."""
        return [
            place
            for place, (code, codes) in enumerate(zip(key, self.members, strict=True))
            if codes is not None and code not in codes
        ]

    def product(self, dimensions: tuple[Dimension, ...], allowed: Mapping[int, frozenset[str]]) -> Iterator[Key]:
        choices: list[list[str]] = []
        for position, (codes, dimension) in enumerate(zip(self.members, dimensions, strict=True)):
            found = sorted(codes) if codes is not None else list(dimension.codes or ())
            limit = allowed.get(position)
            choices.append([c for c in found if limit is None or c == TOTAL or c in limit])
        stack: list[Key] = [()]
        for options in choices:
            stack = [(*key, code) for key in stack for code in options]
        yield from stack


def _children(parents: Mapping[str, str | None]) -> dict[str, tuple[str, ...]]:
    below: dict[str, list[str]] = defaultdict(list)
    for code, parent in parents.items():
        if parent is not None:
            below[parent].append(code)
    return {parent: tuple(codes) for parent, codes in below.items()}
