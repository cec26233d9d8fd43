"""What several bundles' patterns give away together, for an auditor who may see no figure."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from exchange.contract.model import TOTAL, DataContract
from exchange.encoding import Digest
from exchange.pattern import Key, Pattern, determined, determined_columns, equations, pattern_audit
from tests.unit.core.sdc import code_list, contract_of

T = TOTAL
ADDITIVE = frozenset({"R", "C", "TIME_PERIOD"})
GRID = contract_of({"R": "abd", "C": "123"}, linkage_group="ct", additive_over=ADDITIVE)
SQUARE = ("b1", "b3", "d1", "d3")


def keys_of(names: Sequence[str]) -> frozenset[Key]:
    return frozenset(tuple(T if code == "T" else code for code in name) for name in names)


def pattern(
    bundle: str,
    withheld: Sequence[str],
    contract: DataContract = GRID,
    *,
    period: str = "2026-07",
    revision: int = 0,
    excluded: Sequence[str] = (),
) -> Pattern:
    return Pattern(
        bundle=bundle,
        contract=contract,
        provider="KZ",
        period=period,
        revision=revision,
        recipients=("KG",),
        withheld=keys_of(withheld),
        excluded=keys_of(excluded),
    )


def told(patterns: Sequence[Pattern]) -> list[tuple[str, set[str], bool]]:
    return [
        (
            "+".join(found.bundles),
            {"".join("T" if code == T else code for code in key) for _, key in found.cells},
            found.certain,
        )
        for found in pattern_audit(patterns)
    ]


OTHER = replace(GRID, id="CT-02-TEST")
BY_SEX = replace(contract_of({"R": "abd", "S": "xy"}, linkage_group="ct"), id="CT-03-TEST")


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        pytest.param([pattern("p", SQUARE)], [], id="a square hides itself"),
        pytest.param([pattern("p", ["b1", "b3"])], [("p", {"b1", "b3"}, True)], id="two in a row do not: a verdict"),
        pytest.param(
            [pattern("p", SQUARE), pattern("q", ["b1", "b3", "a1", "a3"], revision=1)],
            [("p+q", {"a1", "a3", "b1", "b3", "d1", "d3"}, False)],
            id="two patterns of two vintages: possible, as figures may have changed",
        ),
        pytest.param(
            [pattern("p", SQUARE), pattern("q", ["b1", "b3", "a1", "a3"], OTHER)],
            [("p+q", {"a1", "a3", "b1", "b3", "d1", "d3"}, True)],
            id="two patterns of one vintage in two contracts: a verdict",
        ),
        pytest.param(
            [pattern("p", [*SQUARE, "bT", "dT"]), pattern("q", ["bx", "dx", "by", "dy"], BY_SEX)],
            [("p+q", {"bT", "dT"}, True)],
            id="a margin that another table shows",
        ),
        pytest.param(
            [pattern("p", ["a1", "b1", "a2", "b2"], excluded=["d3"]), pattern("q", ["a1", "b1", "a2", "b2"])],
            [],
            id="what another class sees of an excluded cell is no withheld cell",
        ),
        pytest.param(
            [pattern("p", ["d2", "b2", "b3"], excluded=["d3"]), pattern("q", ["d2", "b2"], OTHER)],
            [("q", {"b2", "d2"}, True), ("p+q", {"b2", "b3", "d2"}, False)],
            id="across classes it is possible only",
        ),
        pytest.param(
            [pattern("p", ["b1", "b3"]), replace(pattern("q", [], OTHER), provider="KG")],
            [("p", {"b1", "b3"}, True)],
            id="another provider's figures are others",
        ),
        pytest.param(
            [pattern("p", SQUARE), pattern("q", [], OTHER, period="2026-08")],
            [],
            id="another month's are too",
        ),
    ],
)
def test_what_follows_is_told_with_the_fewest_bundles_it_takes(
    patterns: list[Pattern], expected: list[tuple[str, set[str], bool]]
) -> None:
    assert told(patterns) == expected


def test_a_month_follows_from_the_quarter_and_the_other_months_only_all_together() -> None:
    months = [pattern(f"m{month}", SQUARE if month == 7 else [], period=f"2026-0{month}") for month in (7, 8, 9)]
    quarter = pattern("q", [], OTHER, period="2026-Q3")
    assert told([*months, quarter]) == [("m7+m8+m9+q", set(SQUARE), True)]
    distinct = contract_of({"R": "abd", "C": "123"}, linkage_group="ct", additive_over=frozenset({"R", "C"}))
    assert told([replace(p, contract=replace(distinct, id=p.contract.id)) for p in [*months, quarter]]) == []


def test_a_group_shown_in_one_contract_gives_away_its_only_withheld_member_in_another() -> None:
    tree = code_list("R", ["g", "h"], {"a": "g", "b": "g", "d": "h"})
    fine = replace(GRID, dimensions=(replace(GRID.dimensions[0], codelist=tree), GRID.dimensions[1]))
    coarse = contract_of({"R": "gh", "C": "123"}, linkage_group="ct")
    coarse = replace(coarse, dimensions=(replace(coarse.dimensions[0], codelist=tree), coarse.dimensions[1]))
    coarse = replace(coarse, id="CT-02-TEST", digest=Digest.of(b"coarse"))
    assert told([pattern("p", SQUARE, fine), pattern("q", [], coarse)]) == [("p+q", set(SQUARE), True)]
    assert told([pattern("p", SQUARE, fine), pattern("q", ["g1", "g3", "h1", "h3"], coarse)]) == []


def test_what_two_bundles_of_one_statistic_show_is_what_one_shows_that_withholds_what_both_do() -> None:
    draw = np.random.default_rng(3)
    keys = [tuple(T if code == "T" else code for code in key) for key in product("abdT", "123T")]
    for _ in range(100):
        one, other = ({key for key in keys if draw.random() < 0.6} for _ in range(2))
        found = pattern_audit(
            [
                replace(pattern("p", ()), withheld=frozenset(one)),
                replace(pattern("q", (), OTHER), withheld=frozenset(other)),
            ]
        )
        exposed = {(bundle, key) for determination in found for bundle, key in determination.cells}
        left = (one & other) - determined(equations(GRID, one & other), one & other)
        assert exposed == {("p", key) for key in one - left} | {("q", key) for key in other - left}


def test_a_factor_that_one_of_the_primes_divides_is_not_lost() -> None:
    assert determined_columns([{0: 2**61 - 1}], 1) == [0]
    assert determined_columns([{0: 1, 1: 2**61 - 1}, {0: 1}], 2) == [0, 1]
    assert determined_columns([{0: 1, 1: -1}], 2) == []
