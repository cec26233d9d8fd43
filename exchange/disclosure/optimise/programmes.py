"""Linear programmes over the deviations of some cells, with HiGHS."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import highspy
import numpy as np

from exchange.disclosure.arrays import Floats, Indices
from exchange.disclosure.optimise.attackers import Insiders
from exchange.disclosure.optimise.ground import Ground

_LIBRARY: Any = highspy  # its interface is untyped
_NEGLIGIBLE = 1e-7
_FAR = 1000.0
"""A deviation this many times what is asked for is as good as any."""

_REWARD = 1e5
"""For moving a target by a unit, against 1 for a typical cell: more than any way to do so costs."""

_WORK = {"simplex_iteration_limit": 3000, "mip_max_nodes": 200}
"""What one programme may take where another may do: most that take longer find nothing."""

_WORK_TOGETHER = {"simplex_iteration_limit": 10_000}
"""What one programme for several cells may take: in 12,000 cells the first need 3,000 to 4,000 iterations."""

_WORK_AT_LAST = {"simplex_iteration_limit": 2**31 - 1, "mip_max_nodes": 20_000}
"""What it may take where nothing else is left to try."""

_BARELY_WHOLE: Mapping[str, float | str] = {"presolve": "on", "mip_rel_gap": float("inf")}
"""Where any whole-numbered deviation will do: of 3,200 cells in 1.7 s, for which the cheapest takes 12 s to minutes."""

_CHEAPEST: Mapping[str, float | str] = {"presolve": "off", "mip_rel_gap": 1e-4}
"""What takes that back."""

_CUT_OFF = (highspy.HighsModelStatus.kIterationLimit, highspy.HighsModelStatus.kSolutionLimit)

_CLEAR = 1e-6
"""By how much of what is asked for a limit is kept clear of, where the solver's tolerance has passed it."""


class StoppedError(Exception):
    """Somebody asked to stop: what was under way is given up."""


class Programmes:
    """Solves one small programme after the other, each from scratch: the same input gives the same solution.

    Args:
        ground: The table.
        stop: Asked before each programme, from when it is set.

    Attributes:
        solved: How many were solved.
        cut_off: How many of them ended at what they may take, and so say nothing.
        to_the_end: Whether each may take what it needs.

    Each way to solve raises `StoppedError` once `stop` says yes.
    """

    def __init__(self, ground: Ground, stop: Callable[[], bool] = lambda: False) -> None:
        self._ground, self.stop = ground, stop
        self.solved = 0
        self._solver = _LIBRARY.Highs()
        for name, value in (
            ("output_flag", False),
            ("threads", 1),
            ("parallel", "off"),
            ("solver", "simplex"),
            ("random_seed", 0),
        ):
            self._solver.setOptionValue(name, value)
        self.cut_off = 0
        self.to_the_end = False
        self._allow({**_WORK, **_CHEAPEST})

    def _allow(self, options: Mapping[str, float | str]) -> None:
        for name, value in options.items():
            self._solver.setOptionValue(name, value)

    @contextmanager
    def at_last(self) -> Iterator[None]:
        """Within it a programme in fractions is solved to its end, one in whole numbers a hundred times as far."""
        self._allow(_WORK_AT_LAST)
        self.to_the_end = True
        try:
            yield
        finally:
            self._allow(_WORK)
            self.to_the_end = False

    def cheapest(
        self,
        cells: Indices,
        costs: Floats | None,
        target: int,
        far: float,
        insiders: Insiders,
        *,
        careful: bool = False,
    ) -> Floats | None:
        """The cheapest deviation of these cells that moves the target exactly this far (negative: downwards).

        Args:
            cells: Cells that may move, in ascending order; the target is among them.
            costs: Per cell, for a move as far as the target's. None: any deviation will do, and the first one found is
                taken.
            target: A cell number.
            far: In units.
            insiders: In whose eyes, all of theirs, the deviation must be possible.
            careful: In whole numbers of units if the table has only such, else clear of every limit.

        Returns:
            By cell of `cells`, in units; None if there is none.
        """
        scale = 1.0 if self._ground.whole else abs(far)
        rise, drop = self._room(cells, insiders, scale)
        place = int(np.searchsorted(cells, target))
        move = far / scale
        if not -drop[place] - _NEGLIGIBLE <= move <= rise[place] + _NEGLIGIBLE:
            return None
        reach = abs(move)
        if careful and not self._ground.whole:
            rise, drop = np.maximum(rise - _CLEAR, 0.0), np.maximum(drop - _CLEAR, 0.0)
        prices, upper = _prices(np.zeros(len(cells)) if costs is None else costs, rise, drop, reach)
        lower = np.zeros(2 * len(cells))
        there, back = (place, len(cells) + place) if move > 0 else (len(cells) + place, place)
        lower[there] = upper[there] = reach
        upper[back] = 0.0
        whole = careful and self._ground.whole
        with self._barely(whole=whole and costs is None):
            return self._solve(cells, prices, lower, upper, scale, whole=whole)

    def cheapest_together(
        self, cells: Indices, costs: Floats, pushes: Mapping[int, float], insiders: Insiders
    ) -> Floats | None:
        """The cheapest deviation that moves each of several targets as far as is asked, or as far as it can go.

        Args:
            cells: As above; all targets are among them.
            costs: As above, for a move as far as that of most targets.
            pushes: By target how far, in units (negative: downwards).
            insiders: As above.
        """
        reach = float(np.median(np.abs(list(pushes.values()))))
        scale = 1.0 if self._ground.whole else reach
        rise, drop = self._room(cells, insiders, scale)
        prices, upper = _prices(costs, rise, drop, reach / scale)
        for target, far in pushes.items():
            place = int(np.searchsorted(cells, target))
            there, back = (place, len(cells) + place) if far > 0 else (len(cells) + place, place)
            prices[there], upper[there], upper[back] = -_REWARD, min(upper[there], abs(far) / scale), 0.0
        self._allow(_WORK_TOGETHER)
        try:
            return self._solve(cells, prices, np.zeros(2 * len(cells)), upper, scale, whole=False)
        finally:
            self._allow(_WORK)

    @contextmanager
    def _barely(self, *, whole: bool) -> Iterator[None]:
        """Within it the first whole-numbered deviation that is found ends a programme, if that is what is wanted."""
        self._allow(_BARELY_WHOLE if whole else {})
        try:
            yield
        finally:
            self._allow(_CHEAPEST)

    def _room(self, cells: Indices, insiders: Insiders, scale: float) -> tuple[Floats, Floats]:
        """How far each cell can rise and fall in the eyes of all of these."""
        ground = self._ground
        rise, drop = ground.rise[cells] / scale, ground.drop[cells] / scale
        for cell in ground.attackers.known(insiders):
            place = int(np.searchsorted(cells, cell))
            if place < len(cells) and cells[place] == cell:
                rise[place] = drop[place] = 0.0
        for cell, room in ground.attackers.drops(insiders).items():
            place = int(np.searchsorted(cells, cell))
            if place < len(cells) and cells[place] == cell:
                drop[place] = min(drop[place], room / scale)
        return rise, drop

    def _solve(
        self, cells: Indices, costs: Floats, lower: Floats, upper: Floats, scale: float, *, whole: bool
    ) -> Floats | None:
        if self.stop():
            raise StoppedError
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
        status = self._solver.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            self.cut_off += status in _CUT_OFF
            return None
        found = np.array(self._solver.getSolution().col_value)
        deviation: Floats = (found[: len(cells)] - found[len(cells) :]) * scale
        deviation[np.abs(deviation) < _NEGLIGIBLE * scale] = 0.0
        return deviation


def _prices(costs: Floats, rise: Floats, drop: Floats, reach: float) -> tuple[Floats, Floats]:
    """What a unit of each move up, then down, costs; and how far it may go.

    A cell that can move only a little costs in full what it can contribute (Fischetti and Salazar, §3).
    """
    rise, drop = np.minimum(rise, _FAR * reach), np.minimum(drop, _FAR * reach)
    with np.errstate(divide="ignore", invalid="ignore"):
        up = np.where(rise > 0, costs / np.minimum(rise, reach), 0.0)
        down = np.where(drop > 0, costs / np.minimum(drop, reach), 0.0)
    return np.concatenate((up, down)), np.concatenate((rise, drop))
