"""How well the ratio of both reports is expected, on Eurostat's two-sided reports, beside three simpler ways.

Fitted on 2010-13 and tried on 2014-15, pairs of at least 20; corridors with a history, and corridors left out wholly of
which both reporters are seen. Peers: no model; last value, where there is none the two-way model; the two-way model
ln(I/E) = x_destination - y_origin with ridge 1 and weights sqrt(min(I, E)).
"""

import gzip
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TypeAlias

import numpy as np

from exchange.mirror import FIGURE_MIN, Pair, fit, parse_flows
from tests.bench.report import BenchRow
from tests.shared import SHARED

FILE = "data/mirror-eurostat/flows_2010_2015.csv.gz"
UNTIL = 2013
FOLDS = 10
SEEDS = (1, 2, 3, 4, 5)
GOAL = 0.20

Learner: TypeAlias = Callable[[Sequence[Pair]], Callable[[Pair], float]]
"""From earlier pairs to what it expects of ln(I/E) on a corridor."""


@dataclass(frozen=True, slots=True)
class Residuals:
    """|ln(I/E) - expected| of pairs."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return float(np.median(self.values))

    @property
    def root_mean_square(self) -> float:
        return sqrt(float(np.mean(np.square(self.values))))


def no_model(_pairs: Sequence[Pair]) -> Callable[[Pair], float]:
    return lambda _pair: 0.0


def two_way(pairs: Sequence[Pair]) -> Callable[[Pair], float]:
    destinations, origins = sorted({p.destination for p in pairs}), sorted({p.origin for p in pairs})
    design = np.zeros((len(pairs), len(destinations) + len(origins)))
    for row, pair in enumerate(pairs):
        design[row, destinations.index(pair.destination)] = 1
        design[row, len(destinations) + origins.index(pair.origin)] = -1
    weights = np.sqrt([pair.figure_min for pair in pairs])
    ratios = np.array([pair.log_ratio for pair in pairs])
    normal = design.T @ (design * weights[:, None]) + np.eye(design.shape[1])
    effects = np.linalg.solve(normal, design.T @ (weights * ratios))
    receiver = dict(zip(destinations, effects[: len(destinations)], strict=True))
    sender = dict(zip(origins, effects[len(destinations) :], strict=True))
    return lambda pair: float(receiver.get(pair.destination, 0) - sender.get(pair.origin, 0))


def last_value(pairs: Sequence[Pair]) -> Callable[[Pair], float]:
    otherwise = two_way(pairs)
    last = {corridor(pair): pair.log_ratio for pair in sorted(pairs, key=lambda p: p.year)}
    return lambda pair: last.get(corridor(pair), otherwise(pair))


def ours(pairs: Sequence[Pair]) -> Callable[[Pair], float]:
    model = fit(pairs)
    return lambda pair: model.expect_pair(pair).log_ratio


def corridor(pair: Pair) -> tuple[str, str]:
    return pair.origin, pair.destination


def history(pairs: Sequence[Pair], learner: Learner, *, new_too: bool = False) -> Residuals:
    """Of later pairs whose corridor was seen before; with `new_too` of all later pairs."""
    earlier = [pair for pair in pairs if pair.year <= UNTIL]
    known = {corridor(pair) for pair in earlier}
    expect = learner(earlier)
    later = [pair for pair in pairs if pair.year > UNTIL and (new_too or corridor(pair) in known)]
    return Residuals(tuple(abs(pair.log_ratio - expect(pair)) for pair in later))


def left_out(pairs: Sequence[Pair], learner: Learner, *, seeds: Sequence[int] = SEEDS) -> Residuals:
    """Of later pairs whose corridor was left out of the earlier ones, in ten folds of corridors for each seed."""
    found: list[float] = []
    for seed in seeds:
        corridors = sorted({corridor(pair) for pair in pairs})
        random.Random(seed).shuffle(corridors)
        for fold in range(FOLDS):
            out = set(corridors[fold::FOLDS])
            earlier = [pair for pair in pairs if pair.year <= UNTIL and corridor(pair) not in out]
            receivers, senders = {p.destination for p in earlier}, {p.origin for p in earlier}
            expect = learner(earlier)
            found += [
                abs(pair.log_ratio - expect(pair))
                for pair in pairs
                if pair.year > UNTIL and corridor(pair) in out
                if pair.destination in receivers and pair.origin in senders
            ]
    return Residuals(tuple(found))


def run() -> list[BenchRow]:
    """Measure the model and its peers on the same folds."""
    file = SHARED / FILE
    if not file.exists():
        print(f"not run: needs ../shared/{FILE}")
        return []
    flows = parse_flows(gzip.decompress(file.read_bytes()), file=FILE)
    pairs = [one for flow in flows if (one := flow.pair) is not None and one.figure_min >= FIGURE_MIN]
    for name, peer in (("no model", no_model), ("two-way", two_way), ("last value", last_value), ("ours", ours)):
        known, every, new = history(pairs, peer), history(pairs, peer, new_too=True), left_out(pairs, peer)
        print(
            f"{name:10s} known corridors {known.median:.4f} (RMS {known.root_mean_square:.3f}, n {len(known.values)}), "
            f"all {every.median:.4f} (n {len(every.values)}), "
            f"left out {new.median:.4f} (RMS {new.root_mean_square:.3f}, n {len(new.values)})"
        )
    known, new, peer = history(pairs, ours).median, left_out(pairs, ours).median, left_out(pairs, two_way).median
    return [
        BenchRow(
            name="corridors with a history, median |ln(I/E) - expected| x 1000",
            value=known * 1000,
            unit="",
            limit_name="the goal",
            limit_value=GOAL * 1000,
            ratio=known / GOAL,
            goal="at most 1",
            met=known <= GOAL,
        ),
        BenchRow(
            name="corridors left out wholly, the same",
            value=new * 1000,
            unit="",
            limit_name="two-way model on the same folds",
            limit_value=peer * 1000,
            ratio=new / peer,
            goal="below 1",
            met=new < peer,
        ),
    ]
