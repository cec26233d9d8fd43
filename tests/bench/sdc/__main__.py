"""`make bench-sdc`: instances beside what the engine makes of them. Arguments name instances; none runs all but the
largest, `--all` runs these too (half an hour).

Every pattern is audited: what stands under "audit" is the audit's word, not the optimiser's.
"""

import sys
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from exchange.disclosure.arrays import Mask
from exchange.disclosure.optimise import UnprotectableError
from exchange.disclosure.rounding import RoundingMethod
from exchange.disclosure.tabular import (
    AttackerModel,
    Instance,
    Publication,
    Verdict,
    format_publication,
    judge,
    parse_instance,
    problem_of,
    round_instance,
    withhold,
)
from exchange.disclosure.tabular.blind import determined_cells, parse_pattern
from exchange.errors import ExchangeError
from tests.bench.report import machine
from tests.bench.sdc.generate import RECIPES, instance
from tests.shared import SHARED

PEERS = ("t1", "tau_pp", "rt_act_size", "rt_nuts_cj", "ssb_z3", "syn2d_1k")
PUBLISHED = {"rt_act_size": 49_223_640.1391, "rt_nuts_cj": 40_588_150.8144, "ssb_z3": 947.0, "syn2d_1k": 68_389.0}
"""The peers' best cost (outsider, no floor)."""
LARGEST = ("syn3d_30k", "syn3d_100k")
GOALS_S = {4_000: 30.0, 15_000: 60.0, 200_000: 600.0}
"""By cells: seconds to a safe pattern."""
T = TypeVar("T")


def main() -> int:
    everything = [*PEERS, *(name for name in RECIPES if name not in PEERS)]
    wanted = [name for name in everything if name not in LARGEST]
    if sys.argv[1:]:
        wanted = everything if sys.argv[1:] == ["--all"] else sys.argv[1:]
    print(f"machine: {machine()}")
    print("times are processor seconds")
    for name in wanted:
        try:
            read, seconds = _timed(lambda name=name: parse_instance(*_files(name).values()))
        except ExchangeError as error:
            print(f"\n== {name}: refused: {error.sentence()}")
            continue
        cells, primary = read.size, int(read.cells.primary.sum())
        print(f"\n== {name}: {cells:,} cells, {primary:,} primary, read in {seconds:.1f} s", flush=True)
        _protect(name, read, AttackerModel.OUTSIDER, floor=False)
        known = _protect(name, read, AttackerModel.INSIDERS, floor=True)
        if known is not None:
            _pooled(read, known)
            _pattern(name, read, known)
        if read.structure.whole:
            _rounded(read)
    return 0


def _protect(name: str, read: Instance, attackers: AttackerModel, *, floor: bool) -> Mask | None:
    problem = problem_of(read, attackers=attackers, floor=floor)
    label = f"{attackers.value}{', floor' if floor else ', no floor'}"
    try:
        found, seconds = _timed(lambda: withhold(problem))
    except UnprotectableError as error:
        print(f"   {label}: cell {error.cell} cannot be protected against {error.attacker or 'the outsider'}")
        return None
    known = ~found.withheld
    verdict, audit_s = _timed(lambda: judge(problem, known, hints=found.witnesses, progress=lambda _: None))
    goal = next(limit for cells, limit in GOALS_S.items() if read.size <= cells)
    mark = "met   " if verdict.safe and seconds + audit_s <= goal else "MISSED"
    best = PUBLISHED.get(name) if attackers is AttackerModel.OUTSIDER else None
    print(
        f"   {mark} {label}: {seconds:.1f} s + audit {audit_s:.1f} s (goal {goal:g}), "
        f"{int(found.withheld.sum()) - int(read.cells.primary.sum()):,} secondary, cost {found.cost:,.4f}"
        f"{'' if best is None else f' (peers {best:,.4f})'}, bound {found.bound:,.4f}, "
        f"gap {found.gap:.2%}, stage {found.stage}; audit: {_word(verdict)}",
        flush=True,
    )
    return known


def _pooled(read: Instance, known: Mask) -> None:
    """Two partners who hold different halves of the one canonical release."""
    problem = problem_of(read, attackers=AttackerModel.INSIDERS, floor=True)
    draw = np.random.default_rng(read.size).random(read.size) < 0.5
    together = (known & draw) | (known & ~draw)
    verdict, seconds = _timed(lambda: judge(problem, together, progress=lambda _: None))
    print(
        f"   two partners pooled, audited without the optimiser's tables: {_word(verdict)}, {seconds:.1f} s", flush=True
    )


def _pattern(name: str, read: Instance, known: Mask) -> None:
    publication = format_publication(read, Publication(known, np.where(known, read.cells.values, 0)))
    blind = parse_pattern(_files(name)["instance.json"], publication, file="pub.csv")
    cells, seconds = _timed(lambda: determined_cells(blind))
    mark = "met   " if seconds <= 5 else "MISSED"
    print(f"   {mark} pattern audit: {len(cells)} determined, {seconds:.1f} s (goal 5)", flush=True)


def _rounded(read: Instance) -> None:
    for method in RoundingMethod:
        for base in (3, 5):
            try:
                (rounded, _), seconds = _timed(
                    lambda method=method, base=base: round_instance(
                        read, method=method, base=base, progress=lambda _: None
                    )
                )
            except ExchangeError as error:
                print(f"   {method.value} rounding to {base}: {error.sentence()}")
                continue
            print(
                f"   {method.value} rounding to {base}: largest change {rounded.changed_max}, mean "
                f"{rounded.changed_mean:.3f}, {seconds:.1f} s with its audit",
                flush=True,
            )


def _files(name: str) -> dict[str, bytes]:
    folder = SHARED / "sdc" / name
    if name in PEERS and folder.is_dir():
        return {file: (folder / file).read_bytes() for file in ("instance.json", "cells.csv")}
    return instance(name)


def _word(verdict: Verdict) -> str:
    if verdict.safe:
        return f"safe against {verdict.attackers} attackers"
    exact, insider = sum(one.exact for one in verdict.exposed), sum(one.insider for one in verdict.exposed)
    state = "EXPOSED" if verdict.finished else "UNFINISHED"
    return f"{state}: {len(verdict.exposed)} cells, {exact} exact, {insider} to insiders"


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.process_time()
    found = work()
    return found, time.process_time() - began


if __name__ == "__main__":
    sys.exit(main())
