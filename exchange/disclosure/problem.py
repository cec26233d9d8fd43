"""What a suppression is asked to do: a table, what must be protected in it, and who tries to look behind it.

Only types and their meaning. The optimiser reads a `Problem`, true figures included; the audit reads a `View`, which
holds what one reader sees and nothing else. Both number cells as their `System` does.

Source: Fischetti and Salazar, Management Science 47 (2001), §2 (attacker, protection levels); Salazar, "Extending cell
suppression to protect tabular data against several attackers" (insiders).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exchange.disclosure.arrays import Floats, Integers, Mask
from exchange.disclosure.relations import System


@dataclass(frozen=True, slots=True)
class Needs:
    """What each cell must keep in every attacker's view, if it is withheld: hi ≥ reach, lo ≤ fall, hi − lo ≥ width.

    Attributes:
        reach: In the table's unit; −inf asks nothing.
        fall: In the table's unit; +inf asks nothing.
        width: In the table's unit; 0 asks nothing.
    """

    reach: Floats
    fall: Floats
    width: Floats


@dataclass(frozen=True, slots=True)
class Insider:
    """A contributor, or a holding with all its units, who looks at the table: somebody who knows more than it shows.

    Nothing is hidden from an insider of what is theirs: their own cells carry no need against them.

    Attributes:
        name: For the officer's eyes only; never in a report, a log or a bundle.
        known: Cells whose figure they know exactly: those of which they are the sole contributor.
        least: Cells of which they know a part, and that part (their own): the figure is at least that.
    """

    name: str
    known: tuple[int, ...]
    least: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A table to be protected; every array has one place per cell.

    Attributes:
        system: The additive relations over all cells that are not known to be empty; `right` is 0 everywhere.
        values: The true figures, in units of 10**-decimals of the published figure.
        whole: Whether the attacker knows that figures are whole numbers (of the unit).
        primary: Cells that must be withheld.
        fixed: Cells that are public already, or may not be withheld: they can hide nothing.
        weights: What withholding each cell costs; 0 or more.
        needs: For a primary cell its own, for any other the floor that it must keep if it gets withheld.
        low: What every attacker knows beforehand: no figure is below this (0 by default).
        high: And none above this (inf by default).
        insiders: Attackers who know more; the outsider is always among the attackers.
        guarded: Cells whose needs hold against insiders as well; those of others hold against the outsider only. None
            guards all.
    """

    system: System
    values: Integers
    whole: bool
    primary: Mask
    fixed: Mask
    weights: Floats
    needs: Needs
    low: Floats
    high: Floats
    insiders: Sequence[Insider] = ()
    guarded: Mask | None = None

    @property
    def size(self) -> int:
        """How many cells."""
        return len(self.values)

    def cost(self, withheld: Mask) -> float:
        """What a pattern costs: the weights of the cells that are withheld beside the primary ones."""
        return float(self.weights[withheld & ~self.primary].sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """A pattern that the optimiser holds to be safe; whether it is, the audit decides.

    Attributes:
        withheld: The cells that are withheld, primary ones included.
        stage: The last stage that was finished: 1 heuristic, 2 cleaned up, 3 improved, 4 proved optimal.
        cost: `Problem.cost` of the pattern.
        bound: No safe pattern costs less than this (same attackers, same needs); −inf where none was proved.
        programmes: Linear and whole-number programmes solved, for who compares work.
        witnesses: Tables that agree with what is published: hints for the audit, each to be verified there.
    """

    withheld: Mask
    stage: int
    cost: float
    bound: float
    programmes: int
    witnesses: tuple[Floats, ...] = ()

    @property
    def gap(self) -> float:
        """How much dearer than the best possible this may be, as a share of the cost (0: proved optimal)."""
        if self.cost <= 0:
            return 0.0
        return float(np.clip((self.cost - self.bound) / self.cost, 0.0, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one reader, or several who pool what they hold, can see.

    Attributes:
        system: The relations over all cells that are not known to be empty.
        known: Which cells are published to this reader.
        figures: The published figures; meaningless where not known.
        whole: Whether figures are known to be whole numbers of the unit.
        low: What is known beforehand: no figure is below this.
        high: And none above this.
    """

    system: System
    known: Mask
    figures: Integers
    whole: bool
    low: Floats
    high: Floats
