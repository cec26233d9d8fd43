"""What the audit is asked and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from exchange.disclosure.arrays import Integers
from exchange.disclosure.problem import Insider


class Reason(StrEnum):
    """Why a withheld cell is not safe."""

    CONTRADICTION = "the published cells contradict each other"
    KNOWLEDGE = "what an insider is said to know contradicts what is published"
    EXACT = "it can be computed exactly"
    REACH = "its upper bound is too close"
    FALL = "its lower bound is too close"
    WIDTH = "its interval is too narrow"
    SUMS = "it follows from the published cells by sums alone"
    UNFINISHED = "its interval could not be computed"


@dataclass(frozen=True, slots=True)
class Finding:
    """A withheld cell that is not safe, or is not proved to be.

    Attributes:
        cell: Its number in the view's system.
        reason: Why.
        attacker: Against whom: the place of the insider in the list given, or None for the outsider. What is found
            against the outsider holds against every insider as well and is not said again.
    """

    cell: int
    reason: Reason
    attacker: int | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """The least and the largest value that a cell can have, in the table's unit (None: no bound).

    Attributes:
        low: Least.
        high: Largest.
        exact: Whether both ends are taken by a table; False where the view is in whole numbers and only fractions
            were searched: the true interval may then be narrower.
    """

    low: Fraction | None
    high: Fraction | None
    exact: bool = True


@dataclass(frozen=True, slots=True)
class InsiderView:
    """An insider with the figures they know: a `View` does not hold what is withheld, so they come apart.

    Attributes:
        insider: Who; what cells they know.
        figures: The true figures of `insider.known`, in its order, in the table's unit.
    """

    insider: Insider
    figures: tuple[int, ...]

    @classmethod
    def of(cls, insider: Insider, values: Integers) -> "InsiderView":
        """What the insider knows of a table with these true figures."""
        return cls(insider, tuple(int(values[cell]) for cell in insider.known))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditOutcome:
    """What the audit found; no figure, no bound, no interval.

    Attributes:
        findings: In order of the cells; none, in a finished audit, is the proof that every cell is safe.
        finished: Whether every cell was decided. What was not is among the findings too.
        cells: Withheld cells that must keep something.
        attackers: The outsider and the insiders.
        programmes: Linear and whole-number programmes solved.
        work: Simplex iterations.
        fractional: Cells of a whole-number view for which whole numbers were not searched to the end, because their
            component is too large: those among them that are not found safe are among the findings as unfinished.
    """

    findings: tuple[Finding, ...]
    finished: bool
    cells: int
    attackers: int
    programmes: int
    work: int
    fractional: int

    @property
    def safe(self) -> bool:
        """Whether every withheld cell is proved to keep what it must, against every attacker."""
        return self.finished and not self.findings


def informed(insiders: Sequence[Insider], values: Integers) -> tuple[InsiderView, ...]:
    """Each insider with the figures they know, from the true table."""
    return tuple(InsiderView.of(insider, values) for insider in insiders)
