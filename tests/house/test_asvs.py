"""docs/asvs.md says of every requirement which test shows it, or why none does; and it says no more than is so."""

from collections import Counter

from tests.house.asvs import PAGE, marked, page, requirements

# Counted in the standard's own list of requirements (version 5.0.0).
EXPECTED = {"V6": 47, "V7": 19, "V8": 13, "V9": 7, "V10": 36, "V11": 24, "V12": 12, "V16": 17}
LEVELS = {1: 38, 2: 97, 3: 40}


def test_every_requirement_of_the_chapters_is_listed() -> None:
    found = requirements()
    assert {chapter: len(listed) for chapter, listed in found.items()} == EXPECTED
    assert Counter(one.level for listed in found.values() for one in listed) == LEVELS
    assert [one.id for chapter, listed in found.items() for one in listed if not one.id.startswith(f"{chapter}.")] == []


def test_every_requirement_has_a_test_or_a_reason() -> None:
    tests = marked()
    assert [
        one.id for listed in requirements().values() for one in listed if one.id not in tests and not one.reason
    ] == []


def test_no_test_claims_a_requirement_that_is_not_there() -> None:
    known = {one.id for listed in requirements().values() for one in listed}
    assert marked().keys() - known == set()


def test_the_page_is_what_the_tests_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.house.asvs"
