"""The corridors between two members over all periods: every double entry judged, and what earlier ones let expect."""

from collections import defaultdict
from collections.abc import Iterable

from exchange.contract.model import Mirror
from exchange.mirror.asymmetry import Agreed, Comparison, compare
from exchange.mirror.entries import Breakdown, Corridor, DoubleEntry, Reports, double_entries, year_of
from exchange.mirror.ratio import Pair, RatioModel, fit


def mirror_statistics(one: Reports, other: Reports, mirror: Mirror) -> tuple[Comparison, ...]:
    """Everything that either of two members released of the flows between them, judged.

    Args:
        one: A member's releases of one contract.
        other: Another member's of the contract that mirrors it.
        mirror: The clause of the first contract.
    """
    agreed, found = Agreed.of(mirror), tuple(double_entries(one, other))
    wholes = {(entry.corridor, entry.breakdown, entry.period): entry for entry in found}
    past: dict[tuple[Corridor, Breakdown], list[DoubleEntry]] = defaultdict(list)
    judged = []
    for entry in found:  # periods ascend
        earlier = past[entry.corridor, entry.breakdown]
        whole = None if entry.is_whole else wholes.get((entry.corridor, entry.whole, entry.period))
        judged.append(compare(entry, agreed, earlier=earlier, whole=whole))
        earlier.append(entry)
    return tuple(judged)


def learn(comparisons: Iterable[Comparison], *, whole: Breakdown, before: str) -> RatioModel:
    """What the totals of earlier periods let expect, all corridors together; those without an index teach nothing.

    Args:
        comparisons: Of any members, corridors and periods.
        whole: Which total is meant, where a contract has several measures.
        before: The period that is to be expected.
    """
    entries = (one.entry for one in comparisons if one.index is not None)
    earlier = (entry for entry in entries if entry.breakdown == whole and entry.period < before)
    return fit([pair for entry in earlier if (pair := pair_of(entry)) is not None])


def pair_of(entry: DoubleEntry) -> Pair | None:
    """Both reports of a double entry, if both are shown and above zero."""
    if entry.shown is None or not min(entry.shown):
        return None
    departures, arrivals = entry.shown
    return Pair(
        origin=entry.corridor.origin,
        destination=entry.corridor.destination,
        year=year_of(entry.period),
        by_origin=float(departures),
        by_destination=float(arrivals),
    )
