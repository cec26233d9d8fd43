"""Releases made by hand, for the tests of what several of them give away together."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from exchange.contract.model import TOTAL, DataContract
from exchange.disclosure.pool import Candidate, Exposure, Pool, PoolFinding, PoolKey, PoolRules, Released, audit_pool
from exchange.disclosure.protection import requirement
from exchange.table import CellKey
from tests.unit.core.sdc import contract_of, published, table_of

T = TOTAL
GRID = contract_of({"R": "abd", "C": "123"}, linkage_group="ct")
PERSONS = {("a", "1"): 20, ("a", "2"): 50, ("a", "3"): 10, ("b", "1"): 8, ("b", "2"): 19, ("b", "3"): 22}
PERSONS |= {("d", "1"): 17, ("d", "2"): 32, ("d", "3"): 12}
SQUARE = ("b1", "b3", "d1", "d3")
RULES = PoolRules(minimum=5)


def pool_findings(candidate: Candidate, pool: Pool, rules: PoolRules) -> Sequence[PoolFinding]:
    """What the audit of the pool finds."""
    return audit_pool(candidate, pool, rules).findings


def released(
    persons: Mapping[CellKey, int],
    withheld: Sequence[str] = (),
    contract: DataContract = GRID,
    *,
    revision: int = 0,
    period: str = "2026-09",
) -> Released:
    """KZ's release of these persons for KG, with these cells (`b1`, `aT`) withheld."""
    table = published(contract, values_of(contract, persons), [key(name) for name in withheld])
    table = replace(table, period=period)
    return Released(contract=contract, revision=revision, table=table, recipients=("KG",))


def values_of(contract: DataContract, persons: Mapping[CellKey, int]) -> dict[CellKey, int]:
    """Every non-empty cell, margins included."""
    return {key: cell.value for key, cell in table_of(contract, persons).cells.items()}


def candidate_of(release: Released, persons: Mapping[CellKey, int]) -> Candidate:
    """The release as a candidate, of which these are the true figures."""
    values = values_of(release.contract, persons)
    required = {key: requirement(release.contract, values.get(key, 0)) for key in release.table.withheld_keys()}
    return Candidate(release=release, values=values, required=required)


def key(name: str) -> CellKey:
    """The key of `b1` or `aT`."""
    return tuple(T if code == "T" else code for code in name)


def exposed(found: Sequence[PoolFinding], exposure: Exposure) -> set[str]:
    """The cells found exposed in this way, as `b1`, whatever the release."""
    return {
        "".join("T" if code == T else code for code in cell[1:])
        for finding in found
        if finding.exposure is exposure
        for cell in finding.cells
    }


def figures_of(*releases: Released) -> dict[PoolKey, int]:
    """What these releases show, by pool key."""
    return {
        (release.name, *cell): row.value
        for release in releases
        for cell, row in release.table.rows.items()
        if row.value is not None
    }
