"""Which cells of a release count a record."""

from collections.abc import Mapping
from itertools import product

from exchange.contract.model import TOTAL
from exchange.disclosure.pool.sources import PoolKey
from exchange.table import Released


def counting(release: Released, codes: Mapping[str, str]) -> frozenset[PoolKey]:
    """The cells of a release that count a record, shown or not.

    Args:
        release: Of which the contract says what its tables hold.
        codes: The record's code in every dimension of the contract, as fine as its lists go.
    """
    found: set[PoolKey] = set()
    for table in release.contract.tables:
        listed = {
            entry.dimension: {*entry.codes, *([entry.residual] if entry.residual else [])} for entry in table.dimensions
        }
        choices = []
        for dimension in release.contract.dimensions:
            code = codes[dimension.id]
            above = {code, *dimension.codelist.ancestors(code)} - {TOTAL}
            inside = above & listed.get(dimension.id, set() if dimension.has_total else above)
            choices.append(sorted(inside | ({TOTAL} if dimension.has_total else set())))
        found |= {(release.name, *key) for key in product(*choices)}
    return frozenset(found)
