"""Several readers who put together what they hold."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from exchange.disclosure.problem import View


def pool(views: Sequence[View]) -> View:
    """What readers of the same cells know together: a cell published to any is known, and every bound holds.

    A cell that two of them know with different figures gets bounds that exclude each other, so that the audit of the
    pool finds the contradiction. All views must be on one system; who pools different ones builds their common system
    first.

    Raises:
        ValueError: The views are not on the same cells, or there is none.
    """
    first, *others = views
    if any(view.system.keys != first.system.keys for view in others):
        message = "pooled views must be on the same cells, in the same order"
        raise ValueError(message)
    known, figures = first.known.copy(), np.where(first.known, first.figures, 0)
    low, high = first.low.copy(), first.high.copy()
    for view in others:
        clash = known & view.known & (figures != view.figures)
        figures = np.where(view.known & ~known, view.figures, figures)
        known |= view.known
        low, high = np.maximum(low, view.low), np.minimum(high, view.high)
        low[clash], high[clash] = np.inf, -np.inf
    whole = any(view.whole for view in views)
    return replace(first, known=known, figures=figures, whole=whole, low=low, high=high)
