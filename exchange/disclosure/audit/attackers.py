"""Who looks at one component: the outsider, and the insiders who know something of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

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
        concerned = sorted({number for cell in place for number in self._of_cell.get(cell, ())})
        least = self._least(concerned, place, component.scale)
        return [
            Attacker(None, {}, {}),
            *(
                Attacker(number, self._known(number, place, component.scale), least.get(number, {}))
                for number in concerned
            ),
        ]

    def _known(self, number: int, place: Mapping[int, int], scale: int) -> dict[int, int]:
        view = self._insiders[number]
        pairs = zip(view.insider.known, view.figures, strict=True)
        return {place[cell]: figure * scale for cell, figure in pairs if cell in place}

    def _least(self, concerned: Sequence[int], place: Mapping[int, int], scale: int) -> dict[int, dict[int, int]]:
        """By insider, and by cell of the component, the part that is theirs."""
        owned = [
            (number, place[cell], part)
            for number in concerned
            for cell, part in self._insiders[number].insider.least
            if cell in place
        ]
        found: dict[int, dict[int, int]] = {}
        bounds = lattice(np.array([part for *_, part in owned], dtype=np.float64), scale, up=True).tolist()
        for (number, cell, _), bound in zip(owned, bounds, strict=True):
            found.setdefault(number, {})[cell] = bound
        return found
