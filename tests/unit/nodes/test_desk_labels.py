"""The words of a bundle at the desk: officers read every one before they approve it, and can."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exchange.errors.encoding import FieldError
from exchange.flow.candidate import format_candidate, parse_candidate
from exchange.labels import Licence, Source
from exchange.signing.words import digest_words
from tests.world.bundles import bundle_world
from tests.world.desk import ASKED, desk_world


def test_officers_read_every_word_that_would_leave(tmp_path: Path) -> None:
    desk = desk_world(tmp_path / "kz")
    files = desk.candidate(
        sources=(Source(title="Border register", path="https://example.org/register"),),
        licences=(Licence(name="CC-BY-4.0"),),
    )
    desk.build(files)
    out = desk.act("clearance", "show", *ASKED).out
    assert f"title: {files.candidate.title}\n" in out
    assert "source: Border register https://example.org/register\n" in out
    assert "licence: CC-BY-4.0\n" in out
    assert f"labels           {digest_words(files.candidate.labels)}" in out


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"sources": (Source(title="x"),) * 5}, id="a fifth source"),
        pytest.param({"licences": (Licence(name="x"),) * 5}, id="a fifth licence"),
        pytest.param({"sources": (Source(title="x\x1b[2K"),)}, id="a source that clears the officer's line"),
        pytest.param({"sources": (Source(title="x", path="file:///x"),)}, id="a source that is no web address"),
    ],
)
def test_a_candidate_whose_words_an_officer_could_not_read_is_refused(changed: dict[str, Any]) -> None:
    candidate = replace(bundle_world().candidate.candidate, **changed)
    with pytest.raises(FieldError):
        parse_candidate(format_candidate(candidate))
