"""The reader's own audit: does every withheld cell keep what the contract promises, judged from the publication alone?

The provider's audit used its secret parameters; this one knows the published table and the contract's floor, as any
reader does, and what decision 11 says of empty cells. It loads a solver, so it stands apart from the other checks.
"""

from exchange.contract.model import DataContract
from exchange.disclosure.exposure import findings
from exchange.disclosure.knowledge import least_possible
from exchange.disclosure.protection import NOTHING, floor
from exchange.disclosure.relations import System
from exchange.errors.bundle import IntervalFloorError
from exchange.pattern import relations
from exchange.table import CellKey, SafeTable


def audit_floor(
    table: SafeTable, contract: DataContract, excluded: frozenset[CellKey] = frozenset(), revision: int = 0
) -> int:
    """How many withheld cells were checked; all of them keep the contract's interval floor.

    Args:
        table: What is published; absent keys are zero.
        contract: The clause with the floor.
        excluded: Keys barred for these recipients: absent, and not known to be zero.
        revision: Of the release: what was withheld before may be empty now.

    Raises:
        IntervalFloorError: How many cells do not keep it; neither which interval nor which value.
    """
    withheld = table.withheld_keys()
    published = {key: row.value for key, row in table.rows.items() if row.value is not None}
    keys = sorted(table.rows.keys() | excluded)
    promised = floor(contract)
    required = {key: promised if key in withheld else NOTHING for key in keys if key not in published}
    system = System.of(keys, relations(contract, keys))
    least = least_possible(contract, keys, revision=revision)
    found = findings(system, published, required, least=least, progress=_silent)
    exposed = [finding for finding in found if finding.key in withheld]
    if exposed:
        raise IntervalFloorError(found=len(exposed), checked=len(withheld))
    return len(withheld)


def _silent(_share: float) -> None:
    """The reader's tables are small; nobody waits for a share of the work."""
