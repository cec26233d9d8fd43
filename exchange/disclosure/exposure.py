"""The audit of a release by the keys of its cells, as contracts name them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from exchange.disclosure.audit import Reason, audit
from exchange.disclosure.problem import Needs, View
from exchange.disclosure.protection import Requirement
from exchange.disclosure.relations import System
from exchange.table import CellKey

_NOTHING_KNOWN: Mapping[CellKey, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Exposed:
    """A withheld cell that is not safe."""

    key: CellKey
    reason: Reason


def findings(
    system: System,
    published: Mapping[CellKey, int],
    required: Mapping[CellKey, Requirement],
    *,
    least: Mapping[CellKey, int] = _NOTHING_KNOWN,
    hints: Iterable[Mapping[CellKey, int]] = (),
    progress: Callable[[float], None],
) -> list[Exposed]:
    """Every withheld cell that an outsider can compute too closely; an empty list is the proof that all are safe.

    Args:
        system: The relations over all cells of the release that are not known zeros.
        published: The cells that the attacker sees; all count in whole numbers from 0 on.
        required: What each withheld cell must keep.
        least: What a cell cannot be below, where that is more than 0.
        hints: Tables that may be witnesses; each is verified like one of the audit's own.
        progress: Told the share of the withheld cells that are done.
    """
    asked = [required.get(key) for key in system.keys]
    needs = Needs(
        np.array([-np.inf if need is None else need.reach for need in asked], dtype=np.float64),
        np.array([np.inf if need is None else need.fall for need in asked], dtype=np.float64),
        np.array([0 if need is None else need.width for need in asked], dtype=np.float64),
    )
    tables = [np.array([table[key] for key in system.keys], dtype=np.float64) for table in hints]
    outcome = audit(_view(system, published, least), needs, hints=tables, progress=progress)
    return [Exposed(system.keys[finding.cell], finding.reason) for finding in outcome.findings]


def _view(system: System, published: Mapping[CellKey, int], least: Mapping[CellKey, int]) -> View:
    return View(
        system=system,
        known=np.array([key in published for key in system.keys], dtype=np.bool_),
        figures=np.array([published.get(key, 0) for key in system.keys], dtype=np.int64),
        whole=True,
        low=np.array([least.get(key, 0) for key in system.keys], dtype=np.float64),
        high=np.full(len(system.keys), np.inf),
    )
