"""Who looks at one component: the outsider, and the insiders who know something of it."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from exchange.disclosure.audit.component import Component, lattice
from exchange.disclosure.audit.model import InsiderView
from exchange.disclosure.audit.proof import Attacker


class Attackers:
    """All attackers of a view, found by the cells that they know something of.

    Args:
        insiders: Beside the outsider.
    """

    def __init__(self, insiders: Sequence[InsiderView]) -> None:
        self._insiders = insiders
        self._of_cell: dict[int, list[int]] = defaultdict(list)
        for number, view in enumerate(insiders):
            for cell in {*view.insider.known, *(cell for cell, _ in view.insider.least)}:
                self._of_cell[cell].append(number)

    def of(self, component: Component) -> list[Attacker]:
        """The outsider first, then the insiders in the order of the list."""
        place = {int(cell): number for number, cell in enumerate(component.cells)}
        concerned = {number for cell in place for number in self._of_cell.get(cell, ())}
        return [
            Attacker(None, {}, {}),
            *(self._insider(number, place, component.scale) for number in sorted(concerned)),
        ]

    def _insider(self, number: int, place: dict[int, int], scale: int) -> Attacker:
        view = self._insiders[number]
        known = {
            place[cell]: figure * scale
            for cell, figure in zip(view.insider.known, view.figures, strict=True)
            if cell in place
        }
        parts = [(place[cell], part) for cell, part in view.insider.least if cell in place]
        least = lattice(np.array([part for _, part in parts]), scale, up=True).tolist()
        return Attacker(number, known, dict(zip((cell for cell, _ in parts), least, strict=True)))
