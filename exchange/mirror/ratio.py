"""The ratio between both reports of a flow, learnt from earlier reports: of receiver, sender, and the corridor itself.

For a flow from i to j in year t, with E reported by the origin and I by the destination,

    ln(I/E) = [c_j + a_j(t)] - [c_i + d_i(t)] + z_ij(t) + noise

c is how completely a country counts whoever moves, in either direction, and lasts; a and d are what its counts of
arrivals and of departures have beside, and change with its methods; z is what this corridor has beside. Each is a
random effect around zero. The noise of a pair falls with its size, as that of counts does. The best prediction is then
a weighted mean of all earlier log ratios, with weights that follow from how alike two of them are: a corridor with a
history leans on it, one without leans on its two countries, countries never seen give zero. Years in which one side
changed its method are outliers; they lose weight (Student's t).

Source: best linear unbiased prediction, Henderson (1975), doi 10.2307/2529430, with the weights of Lange, Little and
Taylor (1989), doi 10.2307/2290063; two-way correction factors, Poulain (1993) and de Beer et al. (2010), doi
10.1007/s10680-010-9220-z. docs/MIRROR.md: how the constants were chosen and what was tried.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log, sqrt
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]

FIGURE_MIN = 20
"""Below this either report of a pair says more of chance than of habits; such pairs are not learnt from."""
PAIRS_MAX = 2000
"""Older pairs than so many are left out: the work grows with the cube of their number."""
REWEIGHTINGS = 6
"""How often the outliers' weights are found anew; counted work, so that the same pairs give the same model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One flow as both sides report it.

    Attributes:
        year: When, in years; a quarter or month is a fraction.
        by_origin: What the origin reports of its departures, above zero.
        by_destination: What the destination reports of its arrivals, above zero.
    """

    origin: str
    destination: str
    year: float
    by_origin: float
    by_destination: float

    @property
    def log_ratio(self) -> float:
        """ln(I/E): above zero where the destination counts more."""
        return log(self.by_destination / self.by_origin)

    @property
    def figure_min(self) -> float:
        """The smaller of both reports."""
        return min(self.by_origin, self.by_destination)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How much the parts of a log ratio vary; chosen on 27 European countries, years 2010 to 2013.

    Attributes:
        completeness: Variance of c, what a country's counts of arrivals and of departures have in common.
        method: Variance of a and of d.
        method_memory_years: After so many years the likeness of a method with itself has fallen to 1/e.
        corridor: Variance of z.
        corridor_memory_years: The same for what a corridor has beside.
        there_and_back: How far z of a flow is z of the reverse flow with its sign turned, from 0 to 1: who counts the
            arrivals from one partner well counts the departures to it well.
        noise: Variance of a pair beside that of its size.
        dispersion: Variance of a pair's size, as a multiple of that of counts: 1/I + 1/E.
        tail: Degrees of freedom of the noise; the fewer, the less an outlier weighs.
    """

    completeness: float = 0.4
    method: float = 0.1
    method_memory_years: float = 5.0
    corridor: float = 0.2
    corridor_memory_years: float = 30.0
    there_and_back: float = 0.3
    noise: float = 0.01
    dispersion: float = 2.0
    tail: float = 3.0

    def noise_of(self, pair: Pair) -> float:
        """The variance of one pair's log ratio around its habits."""
        return self.noise + self.dispersion * (1 / pair.by_origin + 1 / pair.by_destination)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What earlier reports let expect of ln(I/E), and of which parts it is the sum.

    Attributes:
        receiver: The destination's habit; above zero where it counts arrivals completely.
        sender: The origin's habit, its sign turned; above zero where it misses departures.
        corridor: What this corridor has beside.
        deviation: Standard deviation of what is expected.
    """

    receiver: float
    sender: float
    corridor: float
    deviation: float

    @property
    def log_ratio(self) -> float:
        """The expected ln(I/E)."""
        return self.receiver + self.sender + self.corridor


@dataclass(frozen=True, slots=True, kw_only=True)
class _Index:
    """Pairs as columns."""

    origin: NDArray[np.str_]
    destination: NDArray[np.str_]
    year: Floats

    @classmethod
    def of(cls, flows: Sequence[tuple[str, str, float]]) -> "_Index":
        return cls(
            origin=np.array([origin for origin, _, _ in flows], dtype=np.str_),
            destination=np.array([destination for _, destination, _ in flows], dtype=np.str_),
            year=np.array([year for _, _, year in flows], dtype=np.float64),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Likeness:
    """Covariances between two lists of flows, apart by what they come from; their sum is that of the log ratios."""

    receiver: Floats
    sender: Floats
    corridor: Floats

    @classmethod
    def of(cls, one: _Index, other: _Index, habits: Habits) -> "_Likeness":
        """One row a flow of `one`, one column a flow of `other`."""
        passed = np.abs(one.year[:, None] - other.year[None, :])
        method = habits.method * np.exp(-passed / habits.method_memory_years)
        corridor = habits.corridor * np.exp(-passed / habits.corridor_memory_years)
        destinations = one.destination[:, None] == other.destination[None, :]
        origins = one.origin[:, None] == other.origin[None, :]
        received_there = one.destination[:, None] == other.origin[None, :]
        sent_there = one.origin[:, None] == other.destination[None, :]
        back = 1.0 * (received_there & sent_there)
        return cls(
            receiver=habits.completeness * (1.0 * destinations - received_there) + method * destinations,
            sender=habits.completeness * (1.0 * origins - sent_there) + method * origins,
            corridor=corridor * (1.0 * (destinations & origins) - habits.there_and_back * back),
        )

    @property
    def whole(self) -> Floats:
        return self.receiver + self.sender + self.corridor


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioModel:
    """What was learnt from the pairs; made by `fit`."""

    habits: Habits
    _learnt: _Index = field(repr=False)
    _weights: Floats = field(repr=False)  # of each learnt log ratio's surprise in a prediction
    _surprise: Floats = field(repr=False)  # inverse of the learnt log ratios' covariance

    @property
    def pairs(self) -> int:
        """How many pairs it learnt from."""
        return len(self._weights)

    def expect_pair(self, pair: Pair) -> Expectation:
        """What the ratio of this pair should be; its own reports count for nothing but the noise of their size."""
        return self.expect(pair.origin, pair.destination, pair.year, noise=self.habits.noise_of(pair))

    def expect(self, origin: str, destination: str, year: float, *, noise: float = 0.0) -> Expectation:
        """What both reports' ratio on this corridor should be, as far as earlier pairs tell.

        Args:
            origin: Where the flow leaves.
            destination: Where it arrives.
            year: When.
            noise: The variance that a pair of this size has beside (`Habits.noise_of`); zero: of the habits alone.
        """
        asked = _Index.of([(origin, destination, year)])
        likeness = _Likeness.of(asked, self._learnt, self.habits)
        whole = likeness.whole[0]
        free = 2 * (self.habits.completeness + self.habits.method) + self.habits.corridor
        return Expectation(
            receiver=float(likeness.receiver[0] @ self._weights),
            sender=float(likeness.sender[0] @ self._weights),
            corridor=float(likeness.corridor[0] @ self._weights),
            deviation=sqrt(max(free - float(whole @ self._surprise @ whole), 0.0) + noise),
        )


def fit(pairs: Sequence[Pair], habits: Habits | None = None) -> RatioModel:
    """Learn habits from what `teaching` leaves; without any pair every expectation is zero, as wide as habits vary."""
    chosen = Habits() if habits is None else habits
    kept = teaching(pairs)
    learnt = _Index.of([(pair.origin, pair.destination, pair.year) for pair in kept])
    covariance = _Likeness.of(learnt, learnt, chosen).whole
    ratios = np.array([pair.log_ratio for pair in kept], dtype=np.float64)
    noise = np.array([chosen.noise_of(pair) for pair in kept], dtype=np.float64)
    trusted = np.ones(len(kept))
    weights: Floats = ratios
    for _ in range(REWEIGHTINGS):
        weights = np.linalg.solve(covariance + np.diag(noise / trusted), ratios)
        residual = weights * noise / trusted
        trusted = (chosen.tail + 1) / (chosen.tail + residual**2 / noise)
    surprise = np.linalg.inv(covariance + np.diag(noise / trusted))
    return RatioModel(habits=chosen, _learnt=learnt, _weights=weights, _surprise=surprise)


def teaching(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs that are learnt from, oldest first: the newest `PAIRS_MAX` with both reports at least `FIGURE_MIN`."""
    large = (pair for pair in pairs if pair.figure_min >= FIGURE_MIN)
    return sorted(large, key=lambda pair: (pair.year, pair.origin, pair.destination))[-PAIRS_MAX:]
