"""A few seconds of fuzzing at every parser; `make fuzz` goes on for ten minutes at each."""

import re

import pytest
from hypothesis import HealthCheck, given, note, settings

from tests.fuzz.mutation import mutated
from tests.fuzz.parsers import GROUPS, group_of
from tests.fuzz.target import Target
from tests.shared import shared

EXAMPLES = 25
SECONDS = 0.08
"""Of CPU a parser: a slow one gets fewer examples."""


@pytest.mark.parametrize("group", GROUPS)
def test_what_the_writers_wrote_is_accepted(group: str) -> None:
    for target in group_of(group):
        assert all(target.check(seed) for seed in target.seeds), target.name


@pytest.mark.parametrize("group", GROUPS)
def test_whatever_is_wrong_the_refusal_is_one_of_ours(group: str) -> None:
    for target in group_of(group):
        fuzz(target, min(EXAMPLES, max(5, round(SECONDS * target.rate))))


def fuzz(target: Target, examples: int) -> None:
    @settings(max_examples=examples, database=None, suppress_health_check=list(HealthCheck))
    @given(mutated(target.seeds))
    def attempt(raw: bytes) -> None:
        note(target.name)
        target.check(raw)

    attempt()


@pytest.mark.parametrize(
    ("group", "name", "before", "after"),
    [
        pytest.param(
            "tokens", "access token: claims", rb'"exp":\d+', b'"exp":9007199254740992', id="an exp beyond time"
        ),
        pytest.param("registry", "registry timestamp", rb'"version":', b'"x":0.5,"version":', id="a float in metadata"),
        pytest.param("registry", "registry 1.root", rb'"version":', b'"x":0.5,"version":', id="a float in a root"),
    ],
)
def test_what_fuzzing_found_once_is_refused(group: str, name: str, before: bytes, after: bytes) -> None:
    target = next(target for target in group_of(group) if target.name == name)
    changed, times = re.subn(before, after, target.seeds[0])
    assert times
    assert not target.check(changed)


@pytest.mark.parametrize("group", [name for name in GROUPS if name != "encodings"])
def test_no_document_of_json_test_suite_is_taken_for_one_of_ours(group: str) -> None:
    documents = [path.read_bytes() for path in sorted(shared("vectors/json/test_parsing").glob("*"))]
    assert len(documents) == 318
    for target in group_of(group):
        if target.rate >= 100 and all(seed.startswith(b"{") for seed in target.seeds):
            assert not any(target.check(raw) for raw in documents), target.name
