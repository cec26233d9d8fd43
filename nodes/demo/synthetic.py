"""Synthetic micro-data: seeded columns of small numbers with the shapes that make disclosure control matter.

Travellers are fewer than crossings (a shuttle trader crosses forty times), employers are Zipf-like so that some cells
are one employer's, and every distribution has a tail of a few persons. Totals are allotted exactly in proportion to
their weights, so the published ratios hold to the last record; everything else is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]

CROSSINGS_MAX = 40
"""A shuttle trader's crossings in a month."""
EARLIER_SHARE = 0.05
"""Rows of the period before, as a register extract has them."""
TRADER_SHARE = 0.01
"""Travellers who cross 8 times or more."""
SECOND_PERMIT_SHARE = 0.08
"""Permits held by the worker of the permit before."""
PATENT = 4
"""From this kind of permit on (patent, own employment) there is no employer."""
STRANGER = 2
"""From this holder on, a traveller is a citizen of neither side of the corridor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossings:
    """Border crossings, one entry per row in every column; codes are places in the caller's lists.

    Attributes:
        earlier: 1 where the row belongs to the month before.
        direction: 0 in, 1 out.
        holder: Whose citizen: 0 this country's, 1 the corridor's, from 2 another.
    """

    earlier: Numbers
    direction: Numbers
    corridor: Numbers
    holder: Numbers
    region: Numbers
    mode: Numbers
    sex: Numbers
    age: Numbers
    traveller: Numbers


def crossings(
    rng: np.random.Generator,
    *,
    rows: int,
    corridors: Sequence[int],
    arrivals_share: float,
    others: int,
    regions: int,
    land: Sequence[bool],
) -> Crossings:
    """Draw border crossings.

    Args:
        rng: Seeded.
        rows: How many.
        corridors: Weight of each country on the other side.
        arrivals_share: Of the month's crossings, to the last one.
        others: How many citizenships beside the two of a corridor.
        regions: How many oblasts have checkpoints.
        land: Whether each corridor has a land border.
    """
    sizes = allotted(rows, corridors)
    corridor = np.repeat(np.arange(len(sizes)), sizes)
    traveller, turn = _travellers(rng, sizes)
    persons = int(traveller[-1]) + 1
    of_person = corridor[np.concatenate(([0], np.flatnonzero(np.diff(traveller)) + 1))]
    by_land = np.asarray(land)[of_person]
    stranger = STRANGER + _zipf(rng, persons, others, 1.6) if others else np.ones(persons, dtype=np.int64)
    kind = rng.choice(3, persons, p=[0.47, 0.47, 0.06])
    region = (_zipf(rng, persons, regions, 1.1) + of_person * 3) % regions
    person = {
        "holder": np.where(kind == STRANGER, stranger, kind),
        "region": np.where(by_land, region, _zipf(rng, persons, min(4, regions), 1.5)),
        "mode": np.where(by_land, rng.choice(3, persons, p=[0.05, 0.22, 0.73]), 0),
        "sex": rng.choice(3, persons, p=[0.57, 0.4295, 0.0005]),
        "age": rng.choice(6, persons, p=[0.05, 0.03, 0.44, 0.43, 0.0495, 0.0005]),
    }
    earlier = (rng.random(rows) < EARLIER_SHARE).astype(np.int64)
    return Crossings(
        earlier=earlier,
        direction=_directions(rng, turn, earlier, arrivals_share),
        corridor=corridor,
        traveller=traveller,
        **{name: column[traveller] for name, column in person.items()},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Permits:
    """Work permits, one entry per row in every column.

    Attributes:
        employer: Unique over region and activity; -1 where a permit has none.
        kind: 0 quota, 1 outside quota, 2 seasonal, 3 free access, 4 patent, 5 own employment.
    """

    earlier: Numbers
    citizenship: Numbers
    activity: Numbers
    decision: Numbers
    region: Numbers
    occupation: Numbers
    sex: Numbers
    kind: Numbers
    worker: Numbers
    employer: Numbers


EMPLOYERS = 400
"""The most employers of one activity in one region."""


def permits(
    rng: np.random.Generator,
    *,
    rows: int,
    citizenships: Sequence[int],
    activities: Sequence[bool],
    mining: int,
    regions: Sequence[float],
    occupations: int,
) -> Permits:
    """Draw work permits: employers by activity and region follow Zipf's law, some places have one or two.

    Args:
        rng: Seeded.
        rows: How many.
        citizenships: Weight of each.
        activities: For each ISIC section whether natural persons employ there, under patents; elsewhere firms do.
        mining: The place of the section in which one employer is most of every cell.
        regions: Share of each oblast.
        occupations: How many ISCO groups.
    """
    citizenship = np.repeat(np.arange(len(citizenships)), allotted(rows, citizenships))
    share = np.asarray(regions) / np.sum(regions)
    activity = (_zipf(rng, rows, len(activities), 1.2) + citizenship % 2) % len(activities)
    region = rng.choice(len(share), rows, p=share)
    place = region * len(activities) + activity
    # The more a place lies in the tail of both, the fewer employers it has.
    employers = np.maximum(1, (EMPLOYERS / (1 + region) / (1 + activity)).astype(np.int64))
    size = np.where(activity == mining, _zipf(rng, rows, EMPLOYERS, 4.5), _zipf(rng, rows, EMPLOYERS, 1.7))
    employer = place * EMPLOYERS + size % employers
    of_person, of_firm = [0.1, 0.05, 0.1, 0.2, 0.5, 0.05], [0.55, 0.2, 0.15, 0.1, 0.0, 0.0]
    kind = np.where(np.asarray(activities)[activity], rng.choice(6, rows, p=of_person), rng.choice(6, rows, p=of_firm))
    worker = np.arange(rows) - (rng.random(rows) < SECOND_PERMIT_SHARE)
    return Permits(
        earlier=(rng.random(rows) < EARLIER_SHARE).astype(np.int64),
        citizenship=citizenship,
        activity=activity,
        decision=rng.choice(4, rows, p=[0.7, 0.22, 0.06, 0.02]),
        region=region,
        occupation=(_zipf(rng, rows, occupations, 1.1) + activity) % occupations,
        sex=rng.choice(2, rows, p=[0.83, 0.17]),
        kind=kind,
        worker=np.maximum(worker, 0),
        employer=np.where(kind >= PATENT, -1, employer),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Removals:
    """Persons who left following an order, one entry per row in every column; `day` counts from the quarter's first."""

    earlier: Numbers
    citizenship: Numbers
    ground: Numbers
    sex: Numbers
    age: Numbers
    day: Numbers


def removals(rng: np.random.Generator, *, rows: int, citizenships: Sequence[int], grounds: int, days: int) -> Removals:
    """Draw removals: mostly men, few children, every citizenship by its weight."""
    return Removals(
        earlier=(rng.random(rows) < EARLIER_SHARE).astype(np.int64),
        citizenship=np.repeat(np.arange(len(citizenships)), allotted(rows, citizenships)),
        ground=_zipf(rng, rows, grounds, 0.9),
        sex=rng.choice(3, rows, p=[0.81, 0.1895, 0.0005]),
        age=rng.choice(5, rows, p=[0.04, 0.45, 0.46, 0.049, 0.001]),
        day=rng.integers(0, days, rows),
    )


def allotted(total: int, weights: Sequence[int]) -> Numbers:
    """Split a total in proportion to weights, to the last one (largest remainders), at least one each."""
    exact = np.asarray(weights, dtype=np.float64) * (total / float(np.sum(weights)))
    parts = np.maximum(1, np.floor(exact)).astype(np.int64)
    order = np.argsort(-(exact - parts), kind="stable")
    step = 1 if parts.sum() < total else -1
    for place in range(abs(int(total - parts.sum()))):
        parts[order[place % len(order)] if step > 0 else int(np.argmax(parts))] += step
    return parts


def _travellers(rng: np.random.Generator, sizes: Numbers) -> tuple[Numbers, Numbers]:
    """For each crossing its traveller, and which of that traveller's crossings it is (from 0)."""
    total = int(sizes.sum())
    counts = np.minimum(rng.geometric(0.55, total), CROSSINGS_MAX)
    traders = rng.random(total) < TRADER_SHARE
    counts = np.where(traders, rng.integers(8, CROSSINGS_MAX + 1, total), counts)
    first = np.zeros(total, dtype=np.int64)
    first[np.minimum(np.cumsum(counts), total - 1)] = 1
    # A traveller belongs to one corridor: each corridor starts with a new one.
    first[np.concatenate(([0], np.cumsum(sizes)[:-1]))] = 1
    traveller = np.cumsum(first) - 1
    starts = np.flatnonzero(first)
    return traveller, np.arange(total) - starts[traveller]


def _directions(rng: np.random.Generator, turn: Numbers, earlier: Numbers, arrivals_share: float) -> Numbers:
    """In and out by turns, then as many turned round as it takes to meet the share within the month."""
    direction = (turn + rng.integers(0, 2, len(turn))) % 2
    month = np.flatnonzero(earlier == 0)
    missing = round(len(month) * arrivals_share) - int(np.sum(direction[month] == 0))
    wrong = month[direction[month] == (1 if missing > 0 else 0)]
    turned = rng.choice(wrong, abs(missing), replace=False)
    direction[turned] = 1 - direction[turned]
    return direction


def _zipf(rng: np.random.Generator, size: int, kinds: int, exponent: float) -> Numbers:
    """Places 0 to kinds - 1, the n-th with a share of n^-exponent."""
    shares = np.arange(1, kinds + 1, dtype=np.float64) ** -exponent
    return np.searchsorted(np.cumsum(shares / shares.sum()), rng.random(size)).clip(max=kinds - 1)
