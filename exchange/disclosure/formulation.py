"""A release as its readers see it and as the audit is asked about it: the contract's words as arrays over its rows."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from exchange.contract.model import DataContract
from exchange.disclosure.arrays import INFINITY, Floats
from exchange.disclosure.knowledge import least_possible
from exchange.disclosure.problem import Needs, View
from exchange.disclosure.protection import NO_FALL, NOTHING, Requirement
from exchange.disclosure.relations import System
from exchange.pattern import relations
from exchange.table import CellKey, SafeTable


def view_of(
    table: SafeTable, contract: DataContract, *, revision: int, excluded: Collection[CellKey] = frozenset()
) -> View:
    """What a reader of this release sees; columns in the order of the keys.

    Args:
        table: What is published; an absent key is zero, and no column.
        contract: Its tables, and what its rules say of a withheld cell.
        revision: Of the release.
        excluded: Keys barred for these readers: absent, and not known to be zero.
    """
    keys = tuple(sorted(table.rows.keys() | excluded))
    figures = {key: row.value for key, row in table.rows.items() if row.value is not None}
    least = least_possible(contract, keys, revision=revision)
    return View(
        system=System.of(keys, relations(contract, keys)),
        known=np.array([key in figures for key in keys], dtype=np.bool_),
        figures=np.array([figures.get(key, 0) for key in keys], dtype=np.int64),
        whole=True,
        low=np.array([float(least.get(key, 0)) for key in keys]),
        high=np.full(len(keys), INFINITY),
    )


def needs_of(keys: Sequence[CellKey], required: Mapping[CellKey, Requirement]) -> Needs:
    """What each of these cells must keep, as arrays; nothing is asked of one that has no requirement."""
    asked = [required.get(key, NOTHING) for key in keys]
    return Needs(
        reach=_floats(need.reach for need in asked),
        fall=np.array([INFINITY if need.fall >= NO_FALL else float(need.fall) for need in asked]),
        width=_floats(need.width for need in asked),
    )


def _floats(numbers: Iterable[int]) -> Floats:
    return np.array([float(number) for number in numbers])
