"""Linear programmes over the deviations of some cells, with HiGHS."""

from typing import Any

import highspy
import numpy as np

from exchange.disclosure.arrays import Floats, Indices
from exchange.disclosure.optimise.ground import Attacker, Ground

_LIBRARY: Any = highspy  # its interface is untyped
_NEGLIGIBLE = 1e-7
_FAR = 1000.0
"""A deviation this many times what is asked for is as good as any."""

_CLEAR = 1e-6
"""By how much of what is asked for a limit is kept clear of, where the solver's tolerance has passed it."""


class Programmes:
    """Solves one small programme after the other, each from scratch: the same input gives the same solution."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.solved = 0
        self._solver = _LIBRARY.Highs()
        for name, value in (
            ("output_flag", False),
            ("threads", 1),
            ("parallel", "off"),
            ("presolve", "off"),
            ("solver", "simplex"),
            ("random_seed", 0),
            ("mip_max_nodes", 200),
            ("simplex_iteration_limit", 3000),
        ):
            self._solver.setOptionValue(name, value)

    def cheapest(
        self, cells: Indices, costs: Floats, target: int, far: float, attacker: Attacker, *, careful: bool = False
    ) -> Floats | None:
        """The cheapest deviation of these cells that moves the target exactly this far (negative: downwards).

        Args:
            cells: Cells that may move; the target is among them.
            costs: Per cell, for a move as far as the target's.
            target: A cell number.
            far: In units.
            attacker: For whom the deviation must be possible.
            careful: In whole numbers of units if the table has only such, else clear of every limit.

        Returns:
            By cell of `cells`, in units; None if there is none.
        """
        ground = self._ground
        scale = 1.0 if ground.whole else abs(far)
        rise, drop = ground.rise[cells] / scale, ground.drop[cells] / scale
        place = int(np.flatnonzero(cells == target)[0])
        for spot in np.flatnonzero([cell in attacker.known for cell in cells.tolist()]).tolist():
            rise[spot] = drop[spot] = 0.0
        if attacker.drops:
            for spot, cell in enumerate(cells.tolist()):
                if cell in attacker.drops:
                    drop[spot] = min(drop[spot], attacker.drops[cell] / scale)
        move = far / scale
        if not -drop[place] - _NEGLIGIBLE <= move <= rise[place] + _NEGLIGIBLE:
            return None
        reach = abs(move)
        if careful and not ground.whole:
            rise, drop = np.maximum(rise - _CLEAR, 0.0), np.maximum(drop - _CLEAR, 0.0)
        rise, drop = np.minimum(rise, _FAR * reach), np.minimum(drop, _FAR * reach)
        # A cell that can move only a little costs in full what it can contribute (Fischetti and Salazar, §3).
        with np.errstate(divide="ignore"):
            up_costs = np.where(rise > 0, costs / np.minimum(rise, reach), 0.0)
            down_costs = np.where(drop > 0, costs / np.minimum(drop, reach), 0.0)
        lower = np.zeros(2 * len(cells))
        upper = np.concatenate((rise, drop))
        there, back = (place, len(cells) + place) if move > 0 else (len(cells) + place, place)
        lower[there] = upper[there] = reach
        upper[back] = 0.0
        found = self._solve(
            cells, np.concatenate((up_costs, down_costs)), lower, upper, scale, whole=careful and ground.whole
        )
        if found is None:
            return None
        deviation = (found[: len(cells)] - found[len(cells) :]) * scale
        deviation[np.abs(deviation) < _NEGLIGIBLE * abs(far)] = 0.0
        return deviation

    def _solve(
        self, cells: Indices, costs: Floats, lower: Floats, upper: Floats, scale: float, *, whole: bool
    ) -> Floats | None:
        ground = self._ground
        counts, rows, factors = ground.entries(cells)
        kept, places = np.unique(rows, return_inverse=True)
        starts = np.concatenate(([0], np.cumsum(np.concatenate((counts, counts))))).astype(np.int32)
        row_upper = ground.slack[kept] / scale
        row_lower = np.where(ground.exact[kept], 0.0, -np.inf)
        places = places.astype(np.int32)
        self._solver.passModel(
            2 * len(cells),
            len(kept),
            int(starts[-1]),
            1,
            1,
            0.0,
            costs,
            lower,
            upper,
            row_lower,
            row_upper,
            starts,
            np.concatenate((places, places)),
            np.concatenate((factors, -factors)),
            np.full(2 * len(cells), int(whole), dtype=np.int32),
        )
        self._solver.run()
        self.solved += 1
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return np.array(self._solver.getSolution().col_value)
