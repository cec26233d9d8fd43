"""Readers who presume less: where one of several presumptions is so, who makes them all is misled and misses it."""

from dataclasses import replace

from exchange.contract.model import TOTAL
from exchange.disclosure.pool import Exposure, Pool
from tests.unit.core.pools import RULES, candidate_of, exposed, figures_of, pool_findings, released
from tests.unit.core.sdc import contract_of

BY_REGION = contract_of({"R": "abd"}, linkage_group="ct")
BY_SEX = replace(contract_of({"R": "abd", "S": "xy"}, linkage_group="ct"), id="CT-02-TEST")


def test_a_figure_that_stood_still_is_found_though_another_that_did_not_misleads_about_it() -> None:
    """First b = 22 and d = 1, hidden, of 23 together; then b = 20 + 2, and d = 3 + 28, of which y is hidden."""
    first = released({("a",): 80, ("b",): 22, ("d",): 1}, ("b", "d"), BY_REGION)
    later = {("a", "x"): 40, ("a", "y"): 40, ("b", "x"): 20, ("b", "y"): 2, ("d", "x"): 3, ("d", "y"): 28}
    second = released(later, ("by", "dy", "bT", "dT", "Ty", "TT"), BY_SEX)
    asked = candidate_of(second, later)
    assert pool_findings(asked, Pool(), RULES) == ()
    found = pool_findings(asked, Pool(releases=(first,)), RULES)
    # Who takes both for unchanged has b at most 23 - 3 and at least 20: both say 20, and it is not so.
    # Who takes b alone for unchanged has it between 20 and 23, and that is so: three apart, where five are promised.
    assert exposed(found, Exposure.COMPUTED) >= {"bT", "by"}
    by_b = [chain for one in found for chain in one.chains if one.cells[-1][1:] == ("b", TOTAL)]
    assert sorted(chain.value(figures_of(first, second)) for chain in by_b) == [20, 23]
