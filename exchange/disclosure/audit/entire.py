"""The search for a table in the entire component, for one cell and all attackers who are not convinced at once."""

from collections.abc import Collection, Mapping

from exchange.disclosure.audit.parts import directions
from exchange.disclosure.audit.programmes import Programmes
from exchange.disclosure.audit.proof import Proof


class Entire:
    """Pushes cells of one component, all other cells of which may move.

    Args:
        proof: Takes what is found.
        programmes: Asks the solver.
    """

    def __init__(self, proof: Proof, programmes: Programmes) -> None:
        self._proof, self._programmes = proof, programmes

    def push(self, cell: int, far: int, known: Collection[int], least: Mapping[int, int] | None) -> None:
        """Offer the table that moves a cell so far up or down, or as far as there is one, by moving least.

        Args:
            cell: Of the component.
            far: In lattice steps.
            known: Cells that are to stay as they are.
            least: What cells are to be at least; None: what any attacker knows of them.

        Raises:
            OutOfWorkError: No work is left.
        """
        component, anchor = self._proof.component, self._proof.anchor
        low, high = (self._proof.floor if least is None else component.low).copy(), component.high.copy()
        for place, bound in (least or {}).items():
            low[place] = max(int(low[place]), bound)
        fixed = sorted(known)
        low[fixed] = high[fixed] = anchor[fixed]
        for direction in directions(component, self._programmes.shortest({cell: far}, low, high)):
            self._proof.offer(*direction)
