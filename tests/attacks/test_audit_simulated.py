"""Seeded months: honest ones leave nothing, attacked ones leave findings against the culprit alone.

Ten thousand of each: `python -m tests.bench audit`.
"""

from tests.world.simulated import attacked, honest

MONTHS = 200


def test_an_honest_month_raises_no_false_alarm_whatever_crashes_or_gets_lost() -> None:
    assert {seed: found for seed in range(MONTHS) if (found := honest(seed))} == {}


def test_an_attacked_month_names_the_attack_and_blames_its_culprit_alone() -> None:
    codes = set()
    for seed in range(MONTHS):
        code, culprit, found = attacked(seed)
        codes.add(code)
        assert (code, culprit) in found, seed
        assert {party for _, party in found} == {culprit}, (seed, code, found)
    assert len(codes) >= 20  # of 24 that the months choose from
