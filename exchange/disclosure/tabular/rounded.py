"""An instance of counts rounded, and what a reader of the rounded table can compute of the small ones."""

from collections.abc import Callable

import numpy as np

from exchange.disclosure.audit import AuditOutcome, audit
from exchange.disclosure.problem import Needs
from exchange.disclosure.rounding import (
    Rounded,
    RoundingMethod,
    round_controlled,
    round_small_counts,
    view_of_rounded,
)
from exchange.disclosure.tabular.model import Instance
from exchange.disclosure.tabular.rows import shown
from exchange.disclosure.tabular.structure import INSTANCE
from exchange.disclosure.tabular.sums import system_of
from exchange.errors.tabular import NotCountsError, RoundingExposedError


def round_instance(
    instance: Instance, *, method: RoundingMethod, base: int, progress: Callable[[float], None]
) -> tuple[Rounded, AuditOutcome]:
    """Round every figure by one method; every count from 1 to below the base keeps two originals or more.

    What the instance says of primary cells and their levels is for suppression and not looked at: a rounded table
    protects small counts, and publishes large ones nearly as they are.

    Raises:
        NotCountsError: The instance is not one of counts.
        RoundingTablesError: Small-count rounding of linked tables.
        RoundingInfeasibleError: No controlled rounding exists.
        RoundingUnfinishedError: None was found.
        RoundingExposedError: A small count can be computed from the rounded table.
    """
    if not instance.structure.whole:
        raise NotCountsError(file=INSTANCE)
    values, name = instance.cells.values, instance.structure.name
    system = system_of(instance.cells.keys, instance.sums, instance.structure)
    rounding = round_small_counts if method is RoundingMethod.SMALL_COUNT else round_controlled
    rounded = rounding(system, values, base=base, name=name)
    small = (values > 0) & (values < base)
    nothing = np.full(instance.size, np.inf)
    outcome = audit(
        view_of_rounded(system, rounded.figures, method=method, base=base),
        Needs(reach=-nothing, fall=nothing, width=small.astype(np.float64)),
        hints=(values.astype(np.float64),),
        progress=progress,
    )
    if not outcome.safe:
        cell = shown(instance.cells.keys[outcome.findings[0].cell])
        raise RoundingExposedError(name=name, count=len(outcome.findings), cell=cell)
    return rounded, outcome
