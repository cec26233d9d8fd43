"""Mirror statistics: one flow as its origin and its destination report it, side by side, and how far apart.

From released, verified tables only: nothing here sees what was withheld, and nothing is computed where the contract
says that the two sides count different things. `entries` joins both reports, `asymmetry` judges them, `ratio` learns
from earlier reports what their ratio should be, `flows` reads two-sided flows of other sources.
"""

from exchange.mirror.asymmetry import Agreed, Comparison, Flag, Overview, compare, overview
from exchange.mirror.corridors import learn, mirror_statistics, pair_of
from exchange.mirror.entries import Corridor, DoubleEntry, Figure, Reports, State, double_entries, year_of
from exchange.mirror.flows import Flow, parse_flows
from exchange.mirror.ratio import FIGURE_MIN, Expectation, Habits, Pair, RatioModel, fit

__all__ = [
    "FIGURE_MIN",
    "Agreed",
    "Comparison",
    "Corridor",
    "DoubleEntry",
    "Expectation",
    "Figure",
    "Flag",
    "Flow",
    "Habits",
    "Overview",
    "Pair",
    "RatioModel",
    "Reports",
    "State",
    "compare",
    "double_entries",
    "fit",
    "learn",
    "mirror_statistics",
    "overview",
    "pair_of",
    "parse_flows",
    "year_of",
]
