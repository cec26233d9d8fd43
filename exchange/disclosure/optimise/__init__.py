"""Which cells to withhold: a safe pattern at low cost. Whether it is safe, the audit decides."""

from exchange.disclosure.optimise.effort import Effort
from exchange.disclosure.optimise.infeasible import UnprotectableError
from exchange.disclosure.optimise.stages import suppress

__all__ = ["Effort", "UnprotectableError", "suppress"]
