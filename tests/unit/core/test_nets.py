"""Nets below an engine: were it to err, what it made is refused and nothing is written. Here it is made to err."""

import json
from dataclasses import replace

import numpy as np
import pytest

from exchange.disclosure import rounding
from exchange.disclosure.problem import Problem, Suppressed
from exchange.disclosure.rounding import Rounded, RoundingMethod, round_controlled
from exchange.disclosure.tabular import AttackerModel, Instance, engine, parse_instance, problem_of, round_instance
from exchange.disclosure.tabular import rounded as rounding_of_instances
from exchange.encoding import Digest
from exchange.errors.tabular import RoundingExposedError, RoundingUnfinishedError, SuppressionUnsafeError
from exchange.reconcile import reconcile
from tests.world.contracts import contract
from tests.world.pull_logs import CONTRACT, PullLogs

DIMS = {"r": {"total": "T", "children": {"T": ["a", "b"]}}, "c": {"total": "T", "children": {"T": ["1", "2"]}}}
COUNTS = ["T,T,10", "T,1,6", "T,2,4", "a,T,7", "a,1,5", "a,2,2", "b,T,3", "b,1,1", "b,2,2"]


def table(rows: list[str] = COUNTS, header: str = "r,c,value") -> Instance:
    structure = json.dumps({"name": "t", "integer": True, "dims": DIMS}).encode()
    return parse_instance(structure, "\n".join([header, *rows, ""]).encode())


def test_a_rounding_from_which_a_small_count_follows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def parts_up_and_their_sum_down(system: object, values: np.ndarray, *, base: int, name: str) -> Rounded:
        # Row b: 1 and 2 are shown as 3 (so 1 to 5), their sum 3 as 0 (so 0 to 2): both parts must be 1.
        return Rounded.of(values, np.array([15, 9, 6, 9, 6, 3, 0, 3, 3], dtype=np.int64))

    monkeypatch.setattr(rounding_of_instances, "round_controlled", parts_up_and_their_sum_down)
    with pytest.raises(RoundingExposedError):
        round_instance(table(), method=RoundingMethod.CONTROLLED, base=3, progress=lambda _: None)


def test_a_rounding_that_does_not_add_up_is_no_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = problem_of(table(), attackers=AttackerModel.OUTSIDER, floor=False)

    def all_down(choice: object, *, base: int, name: str) -> np.ndarray:
        return np.zeros(int(np.count_nonzero(asked.values % base)), dtype=np.int64)

    monkeypatch.setattr(rounding._Choice, "make", all_down)
    with pytest.raises(RoundingUnfinishedError):
        round_controlled(asked.system, asked.values, base=3, name="t")


def test_a_pattern_that_publishes_a_sensitive_cell_is_refused_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def withholds_nothing(problem: Problem, **_: object) -> Suppressed:
        nothing = np.zeros(len(problem.values), dtype=np.bool_)
        return Suppressed(withheld=nothing, stage=1, cost=0.0, bound=-np.inf, programmes=0)

    instance = table([f"{row},{'b,1' in row:d}" for row in COUNTS], header="r,c,value,primary")
    asked = problem_of(instance, attackers=AttackerModel.OUTSIDER, floor=True)
    monkeypatch.setattr(engine, "withhold", withholds_nothing)
    with pytest.raises(SuppressionUnsafeError):
        engine.protect_instance(instance, asked, stop=lambda: False, progress=lambda _stage, _share: None)


def test_a_release_audited_against_another_ledger_than_the_log_proves_is_the_publishers_fault() -> None:
    logs = PullLogs()
    logs.publish(pooled=Digest.of(b"another ledger"))
    known = replace(logs.gathered(), contracts={CONTRACT: contract("CA-01-BORDER")})
    assert [(found.reason.code, found.party) for found in reconcile(known).findings] == [("pooled-differs", "KZ")]
