"""The search for a table in one region, for one cell and all attackers who are not convinced at once."""

from collections.abc import Collection, Mapping

from exchange.disclosure.audit.proof import Proof
from exchange.disclosure.audit.region import Region


class Singly:
    """Pushes cells of one component, each by itself.

    Args:
        proof: Takes what is found.
        region: Where to look.
    """

    def __init__(self, proof: Proof, region: Region) -> None:
        self._proof, self._region = proof, region

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
        self._region.push(self._proof, {cell: far}, low, high)
