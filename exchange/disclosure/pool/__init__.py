"""What several readers and all of time know together: a candidate with everything that was ever released."""

from exchange.disclosure.pool.atoms import Atom, Group, atoms_of, small_groups
from exchange.disclosure.pool.chain import Chain, Sense
from exchange.disclosure.pool.exposure import Exposure, PoolFinding
from exchange.disclosure.pool.findings import REFUSALS, PoolOutcome, PoolRules, audit_pool
from exchange.disclosure.pool.past import Past
from exchange.disclosure.pool.recoded import Recoded, RecordGroup
from exchange.disclosure.pool.released import Outside, Pool
from exchange.disclosure.pool.sources import PoolKey
from exchange.disclosure.pool.system import Candidate
from exchange.table import Released

__all__ = [
    "REFUSALS",
    "Atom",
    "Candidate",
    "Chain",
    "Exposure",
    "Group",
    "Outside",
    "Past",
    "Pool",
    "PoolFinding",
    "PoolKey",
    "PoolOutcome",
    "PoolRules",
    "Recoded",
    "RecordGroup",
    "Released",
    "Sense",
    "atoms_of",
    "audit_pool",
    "small_groups",
]
