"""Figures that moved unlike the others between two periods: a hint for the eye, never a refusal.

The logarithm of each figure's ratio to the period before is held against the median of all such ratios; a figure stands
out where its modified z-score is above 3.5. Small figures move much by chance and are not judged.

Source: Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993), section 3.3.
"""

from collections.abc import Sequence
from math import log
from statistics import median

from nodes.desk.sheet import SheetRow

SCORE_MAX = 3.5
FIGURE_MIN = 10
COMPARED_MIN = 8
"""With fewer pairs there is no telling what is usual."""
_NORMAL = 0.6745  # the median absolute deviation of a standard normal variable
_DEVIATION_MIN = 0.05  # a table that hardly moves would make every small step stand out


def outliers(rows: Sequence[SheetRow]) -> tuple[SheetRow, ...]:
    """The rows that stand out, the furthest first; `before` of each is the period before."""
    ratios = {row: ratio for row in rows if (ratio := _log_ratio(row)) is not None}
    if len(ratios) < COMPARED_MIN:
        return ()
    middle = median(ratios.values())
    deviation = max(median(abs(ratio - middle) for ratio in ratios.values()), _DEVIATION_MIN)
    scores = {row: _NORMAL * abs(ratio - middle) / deviation for row, ratio in ratios.items()}
    found = [row for row, score in scores.items() if score > SCORE_MAX]
    return tuple(sorted(found, key=lambda row: (-scores[row], row.key)))


def _log_ratio(row: SheetRow) -> float | None:
    if row.before is None or row.before.figure is None or row.now.figure is None:
        return None
    if min(row.before.figure, row.now.figure) < FIGURE_MIN:
        return None
    return log(row.now.figure / row.before.figure)
