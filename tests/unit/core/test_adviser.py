"""The adviser: every option is protected for the trial, ranked, and told with its figures."""

from collections.abc import Sequence

import numpy as np
import pytest

from exchange.disclosure.adviser import Advice, Coarsening, Cost, advise, sentence
from exchange.disclosure.optimise import Effort, UnprotectableError
from exchange.disclosure.problem import Problem, Suppressed
from exchange.disclosure.tabular import AttackerModel, options_of, parse_instance, withhold
from tests.shared import shared


def test_what_is_advised_for_the_norwegian_counts_is_what_protection_of_each_option_withholds() -> None:
    folder = shared("sdc/ssb_z3")
    instance = parse_instance((folder / "instance.json").read_bytes(), (folder / "cells.csv").read_bytes())
    now, options = options_of(instance, attackers=AttackerModel.OUTSIDER, floor=True)
    told: list[float] = []
    advice = advise(now, options, protect=withhold_fast, progress=told.append)
    assert (advice.now.cells, advice.now.withheld >= 333) == (1200, True)
    assert told[-1] == 1.0
    shares = [cost.share for cost in advice.options]
    assert shares == sorted(shares)
    region = next(cost for cost in advice.options if (cost.coarsening.value, cost.subject) == ("dimension", "region"))
    (problem,) = next(option for option in options if option.subject == "region").problems()
    assert region.withheld == int(withhold_fast((problem,)).withheld.sum())
    assert sentence(advice, region).startswith("drop region: withheld cells fall from")


def withhold_fast(problems: Sequence[Problem]) -> Suppressed:
    return withhold(problems[0], effort=Effort(clean_up=0))


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        pytest.param(
            "en",
            "drop AGE: withheld cells fall from 69% to 39%; 61 cells are published instead of 31",
            id="in English",
        ),
        pytest.param(
            "ru",
            "убрать AGE: доля скрытых ячеек снизится с 69% до 39%; публикуется 61 ячеек вместо 31",
            id="in Russian",
        ),
    ],
)
def test_an_option_is_told_in_plain_words(language: str, expected: str) -> None:
    now = Cost(Coarsening.NOTHING, "t", 100, 69, protectable=True)
    option = Cost(Coarsening.DIMENSION, "AGE", 100, 39, protectable=True)
    assert sentence(Advice(now, (option,)), option, "ru" if language == "ru" else "en") == expected


def test_a_table_that_nothing_protects_is_advised_too() -> None:
    folder = shared("sdc/t1")
    instance = parse_instance((folder / "instance.json").read_bytes(), (folder / "cells.csv").read_bytes())
    now, options = options_of(instance, attackers=AttackerModel.OUTSIDER, floor=True)

    def protect(problems: Sequence[Problem]) -> Suppressed:
        if problems[0].size == instance.size:
            raise UnprotectableError(0, None)
        return withhold_fast(problems)

    advice = advise(now, options, protect=protect, progress=lambda _: None)
    assert (advice.now.withheld, advice.now.protectable) == (16, False)
    assert all(cost.protectable and np.isclose(cost.share, 0) for cost in advice.options)
