"""Work, counted and never timed: the same input stops at the same place on every machine."""

from collections.abc import Callable

OVERHEAD = 40
"""A programme costs at least as much as this many iterations: setting it up and reading it out."""


class Meter:
    """How much work was done, and whether to go on.

    One unit is one iteration of the simplex method on a thousand rows: a processor of 2024 does about 20,000 a second.

    Args:
        work_max: In these units.
        stop: Asked between programmes; from then on, everything ends with what it has.
        progress: Told the share of the work that is done.
    """

    def __init__(self, work_max: float, stop: Callable[[], bool], progress: Callable[[float], None]) -> None:
        self.work_max = work_max
        self._progress = progress
        self.work = 0.0
        self.programmes = 0
        self._stop = stop

    def charge(self, iterations: int, rows: int, programmes: int = 1) -> None:
        """Count what was solved."""
        self.programmes += programmes
        self.work += (iterations + programmes * OVERHEAD) * max(rows, 1) / 1000
        self._progress(min(self.work / self.work_max, 1.0))

    def spent(self, share: float = 1.0) -> bool:
        """Whether this share of all the work is done, or somebody asked to stop."""
        return self.work >= share * self.work_max or self._stop()
