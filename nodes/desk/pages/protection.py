"""The disclosure report in plain words: what was withheld, what was tried to find it out, and what was not."""

from dataclasses import dataclass

from exchange.contract.model import DataContract
from exchange.errors.bundle import StalePooledError
from exchange.flow.candidate import Candidate
from exchange.report import BARRED, DisclosureReport
from nodes.desk.cases import Desk
from nodes.desk.ledger import require_fresh
from nodes.desk.pages.names import COUNTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What a page says of a candidate's protection; no figure is in it.

    Attributes:
        withheld: How many of `cells`; `share` of them, 0 to 1.
        contributors_min: A cell of fewer is withheld, by the contract; what was really used is at least as strict.
        units: Who is counted for that, as sentences of the catalogue.
        insiders: Whether the audit tried as a table's own contributors too, and not only as a reader.
        fresh: Whether the audit knew everything that was released until now; None where nothing asks any more.
    """

    cells: int
    withheld: int
    share: float
    contributors_min: int
    units: tuple[str, ...]
    insiders: bool
    intervals: int
    zeros_published: bool
    excluded: int
    barred: bool
    engine: str
    solver: str
    commitment: str
    fresh: bool | None


def protection(report: DisclosureReport, contract: DataContract, *, fresh: bool | None) -> Protection:
    """The report as a page says it."""
    return Protection(
        cells=report.cells,
        withheld=len(report.withheld),
        share=len(report.withheld) / report.cells if report.cells else 0.0,
        contributors_min=contract.disclosure.contributors_min,
        units=tuple(COUNTED.get(unit, unit) for unit in contract.disclosure.contributors),
        insiders=report.audit.attacker == "insiders",
        intervals=report.audit.intervals_checked,
        zeros_published=report.zeros == "published",
        excluded=len(report.excluded),
        barred=report.pooling == BARRED,
        engine=" ".join(report.engine),
        solver=report.audit.solver,
        commitment=str(report.parameters_commitment),
        fresh=fresh,
    )


def is_fresh(desk: Desk, candidate: Candidate, contract: DataContract) -> bool:
    """Whether nothing of its linkage group was released since the candidate was audited."""
    try:
        require_fresh(desk, candidate, contract)
    except StalePooledError:
        return False
    return True
