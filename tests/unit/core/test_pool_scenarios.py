"""Histories of one statistic, played from single persons: nothing below the minimum is ever singled out."""

from tests.bench.sdc.scenarios import MINIMUM, Tally, play, singled_out

SEEDS = range(75)
"""Of the thousand that the bench plays."""


def test_no_group_below_the_minimum_is_released_and_each_refusal_is_explained_by_a_true_chain() -> None:
    tally = Tally()
    for seed in SEEDS:
        play(seed, tally)
    for kind in ("revision", "boundary", "both"):
        assert tally.outcomes[kind, "with ledger: released"] >= 10
        assert tally.outcomes[kind, "alone: refused"] >= 5
    assert set(tally.exposures) >= {"change", "group", "computed", "shown"}


def test_the_oracle_knows_a_village_that_moved_and_two_that_cannot_be_told_apart() -> None:
    shown = [("old", "a"), ("old", "b"), ("new", "a"), ("new", "b")]
    stayed = [(frozenset({("old", "a"), ("new", "a")}), 30), (frozenset({("old", "b"), ("new", "b")}), 50)]
    moved = (frozenset({("old", "a"), ("new", "b")}), 3)
    back = (frozenset({("old", "b"), ("new", "a")}), 4)
    assert singled_out([*stayed, moved], shown, minimum=MINIMUM)
    assert not singled_out([*stayed, moved, back], shown, minimum=MINIMUM)
