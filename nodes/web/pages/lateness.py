"""The ladder of lateness in words, as sentences of the catalogue, with the colour of its tag."""

from collections.abc import Mapping

from exchange.contract.calendar import Lateness
from nodes.web.pages.words import sentence as _

LATENESS: Mapping[Lateness, tuple[str, str]] = {
    Lateness.IN_TIME: (_("in time"), "green"),
    Lateness.DUE: (_("due"), "yellow"),
    Lateness.LATE: (_("late"), "orange"),
    Lateness.OVERDUE: (_("overdue"), "red"),
    Lateness.DELINQUENT: (_("delinquent"), "red"),
}
"""Of a release that was made."""
OWED: Mapping[Lateness, tuple[str, str]] = {**LATENESS, Lateness.IN_TIME: (_("not due yet"), "grey")}
"""Of one that is still to be made."""
