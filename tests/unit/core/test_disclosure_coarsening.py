"""What a data officer is advised: every single breakdown less, each really protected, the best first."""

from itertools import product

from exchange.contract.model import DataContract
from exchange.disclosure import SecretParameters
from exchange.disclosure.adviser import Coarsening, sentence
from exchange.disclosure.coarsening import advise_contract, changes
from exchange.table import AggregateTable
from tests.unit.core.sdc import SALT, contract_of, table_of

DEEP = contract_of({"C": ["u", "v", "w"], "S": "MF", "A": "yo"}, [("C", "S"), ("C", "A")], minimum=5, floor=5)
# Of each citizenship four young men, four old women and twenty old men: women are few, and so are the young.
PERSONS = {(c, s, a): 4 if (s == "M") == (a == "y") else 0 for c, s, a in product("uvw", "MF", "yo")} | {
    (c, "M", "o"): 20 for c in "uvw"
}


def test_every_table_and_dimension_can_be_left_out() -> None:
    found = [(kind.value, subject) for kind, subject, _ in changes(DEEP)]
    assert found == [
        ("table", "t0"), ("table", "t1"),
        ("dimension", "C (t0)"), ("dimension", "S (t0)"), ("dimension", "C (t1)"), ("dimension", "A (t1)"),
    ]  # fmt: skip


def test_the_breakdown_that_makes_cells_small_is_the_first_advice() -> None:
    advice = advise_contract(
        table_of(DEEP, PERSONS),
        DEEP,
        SecretParameters.public_minima(DEEP, salt=SALT),
        aggregate=_never,
        progress=lambda _: None,
    )
    assert advice.now.withheld > 0
    first = advice.options[0]
    assert first.share < advice.now.share
    assert [option.share for option in advice.options] == sorted(option.share for option in advice.options)
    # S of t0, and t0 without it, would leave the same cells as no t0 at all: said once.
    subjects = [option.subject for option in advice.options]
    assert len(subjects) == len(set(subjects)) == 4
    assert sentence(advice, first).startswith(f"drop {'the table ' * (first.coarsening is Coarsening.TABLE)}")
    assert f"from {advice.now.share:.0%} to {first.share:.0%}" in sentence(advice, first)


def _never(_: DataContract) -> AggregateTable:
    raise AssertionError
