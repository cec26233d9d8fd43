"""The sums of an instance: every whole and its parts in every table, and the further equations."""

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from exchange.disclosure.arrays import Integers, Mask
from exchange.disclosure.relations import System
from exchange.disclosure.tabular.model import Structure, Sum, TabularDimension
from exchange.disclosure.tabular.rows import CELLS, shown
from exchange.disclosure.tabular.structure import INSTANCE
from exchange.errors.tabular import CellMissingError, InstanceFieldError, TableFieldError
from exchange.table import CellKey


def sums_of(structure: Structure, keys: Sequence[CellKey]) -> tuple[Sum, ...]:
    """Every whole along every dimension of every table, each once: those with a row, then those that only parts have.

    Combinations without a row are empty: known zeros, so a sum names only cells that have one.
    """
    number = {key: place for place, key in enumerate(keys)}
    parents = [_parents(dimension) for dimension in structure.dims]
    along = _Along(structure)
    found: list[Sum] = []
    without_row: dict[tuple[CellKey, int], None] = {}
    for place, key in enumerate(keys):
        for position in along.positions(key):
            code = key[position]
            if code in structure.dims[position].children:
                found.append(_sum(structure, number, key, place, position))
            for parent in parents[position].get(code, ()):
                whole = _at(key, position, parent)
                if whole not in number:
                    without_row[whole, position] = None
    return (*found, *(_sum(structure, number, whole, -1, position) for whole, position in without_row))


def require_inside_tables(structure: Structure, keys: Sequence[CellKey], lines: Sequence[int], *, file: str) -> None:
    """Refuse a row of no table: with a code beside the total in dimensions that no table has together.

    Raises:
        TableFieldError: There is one.
    """
    for place in np.flatnonzero(~inside_tables(structure, keys)).tolist():
        raise TableFieldError(
            file=file, line=lines[place], column="(row)", expected="a cell of one of the tables", found="one of none"
        )


def inside_tables(structure: Structure, keys: Sequence[CellKey]) -> Mask:
    """Which keys some table has."""
    along = _Along(structure)
    return np.array([along.holds(key) for key in keys], dtype=np.bool_)


def require_complete(sums: Sequence[Sum], values: Integers, structure: Structure) -> None:
    """Refuse an instance that lacks a row it must have: only what is empty may be left out.

    Raises:
        CellMissingError: A whole above 0 without any of its parts, or a part above 0 without its whole.
    """
    missing: list[tuple[CellKey, str]] = []
    for entry in sums:
        if entry.whole < 0 and values[list(entry.parts)].any():
            missing.append((entry.key, "a whole whose parts are not empty"))
        elif entry.whole >= 0 and not entry.parts and values[entry.whole]:
            child = structure.dims[entry.dimension].children[entry.key[entry.dimension]][0]
            missing.append((_at(entry.key, entry.dimension, child), "or of another part of a whole that is not empty"))
    if missing:
        cell, reason = missing[0]
        raise CellMissingError(file=CELLS, cell=shown(cell), reason=reason, count=len(missing))


def system_of(keys: tuple[CellKey, ...], sums: Sequence[Sum], structure: Structure) -> System:
    """The sums and the further equations as arrays, in this order: parts − whole = 0."""
    rows = [*(_terms(entry) for entry in sums), *structure.equations]
    terms = np.array(list(chain.from_iterable(rows)), dtype=np.int64).reshape(-1, 2)
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    return System(
        keys,
        starts.astype(np.int32),
        terms[:, 1].astype(np.int32),
        terms[:, 0].copy(),
        np.ones(len(rows), dtype=np.bool_),
        np.zeros(len(rows), dtype=np.int64),
    )


def require_rows(structure: Structure, size: int) -> None:
    """Refuse a further equation over a row that is not there.

    Raises:
        InstanceFieldError: There is one.
    """
    for place, terms in enumerate(structure.equations):
        if any(row >= size for _, row in terms):
            raise InstanceFieldError(
                file=INSTANCE,
                field=f"equations[{place}]",
                expected=f"rows of cells.csv counted from 0, fewer than {size}",
                found="a row beyond the last",
            )


class _Along:
    """By the dimensions in which a cell is detailed: those along which some table sums it."""

    def __init__(self, structure: Structure) -> None:
        self._totals = tuple(dimension.total for dimension in structure.dims)
        self._tables = [frozenset(table) for table in structure.tables]
        self._known: dict[frozenset[int], tuple[int, ...]] = {}

    def holds(self, key: CellKey) -> bool:
        """Whether some table has this cell."""
        return any(self._detailed(key) <= table for table in self._tables)

    def positions(self, key: CellKey) -> tuple[int, ...]:
        """Empty for a cell of no table."""
        detailed = self._detailed(key)
        if detailed not in self._known:
            tables = [table for table in self._tables if detailed <= table]
            self._known[detailed] = tuple(sorted(frozenset().union(*tables)))
        return self._known[detailed]

    def _detailed(self, key: CellKey) -> frozenset[int]:
        pairs = enumerate(zip(key, self._totals, strict=True))
        return frozenset([place for place, (code, total) in pairs if code != total])


def _sum(structure: Structure, number: Mapping[CellKey, int], key: CellKey, whole: int, position: int) -> Sum:
    codes = structure.dims[position].children[key[position]]
    found = [number.get(_at(key, position, code)) for code in codes]
    return Sum(key, whole, position, tuple([place for place in found if place is not None]))


def _terms(entry: Sum) -> tuple[tuple[int, int], ...]:
    whole = ((-1, entry.whole),) if entry.whole >= 0 else ()
    return (*whole, *((1, part) for part in entry.parts))


def _at(key: CellKey, position: int, code: str) -> CellKey:
    return (*key[:position], code, *key[position + 1 :])


def _parents(dimension: TabularDimension) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for parent, codes in dimension.children.items():
        for code in codes:
            found.setdefault(code, []).append(parent)
    return found
