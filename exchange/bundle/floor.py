"""The reader's own audit: does every withheld cell keep what the contract promises, judged from the publication alone?

The provider's audit used its secret parameters; this one knows the published table and the contract's floor, as any
reader does, and what decision 11 says of empty cells. It loads a solver, so it stands apart from the other checks.
"""

from exchange.contract.model import DataContract
from exchange.disclosure.audit import audit
from exchange.disclosure.formulation import needs_of, view_of
from exchange.disclosure.protection import floor
from exchange.errors.bundle import IntervalFloorError
from exchange.table import CellKey, SafeTable


def audit_floor(
    table: SafeTable, contract: DataContract, excluded: frozenset[CellKey] = frozenset(), revision: int = 0
) -> int:
    """How many withheld and excluded cells were checked; all of them keep the contract's interval floor.

    Args:
        table: What is published; absent keys are zero.
        contract: The clause with the floor.
        excluded: Keys barred for these recipients: absent, and not known to be zero.
        revision: Of the release: what was withheld before may be empty now.

    Raises:
        IntervalFloorError: How many cells do not keep it; neither which interval nor which value.
    """
    withheld = table.withheld_keys() | excluded
    view = view_of(table, contract, revision=revision, excluded=excluded)
    promised = dict.fromkeys(withheld, floor(contract))
    outcome = audit(view, needs_of(view.system.keys, promised))
    exposed = {finding.cell for finding in outcome.findings}
    if exposed or not outcome.finished:
        raise IntervalFloorError(found=len(exposed), checked=len(withheld))
    return len(withheld)
