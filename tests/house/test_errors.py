"""The error tree keeps its promises: one code, one sentence in each language, a page, and a test that provokes it."""

import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from exchange.errors import ExchangeError
from exchange.errors.bundle import ClearanceError
from exchange.errors.catalogue import every_leaf
from nodes.web import problems
from nodes.web.error_pages import index, page

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs/errors"
REWRITE = "exchange errors --pages docs/errors"


def facts(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_every_error_code_belongs_to_one_error() -> None:
    codes = [leaf.code for leaf in every_leaf()]
    assert codes == sorted(set(codes))
    assert [code for code in codes if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code) is None] == []


def test_every_error_has_a_name_of_its_own() -> None:
    names = [leaf.__name__ for leaf in every_leaf()]
    assert sorted(names) == sorted(set(names))


def test_every_error_speaks_both_languages_and_names_the_same_facts() -> None:
    for leaf in every_leaf():
        assert leaf.en != ExchangeError.en, leaf.__name__
        assert leaf.ru != ExchangeError.ru, leaf.__name__
        assert facts(leaf.en) == facts(leaf.ru), leaf.__name__
        assert bool(leaf.mend_en) == bool(leaf.mend_ru), leaf.__name__
        assert facts(leaf.mend_en) == facts(leaf.mend_ru), leaf.__name__


def test_a_mend_needs_no_fact_that_the_sentence_does_not_give() -> None:
    for leaf in every_leaf():
        optional = facts(leaf.mend_en) - facts(leaf.en)
        assert optional <= {"node", "file", "command", "mend"}, (leaf.__name__, optional)


def test_what_a_desk_refuses_is_not_mended_by_pulling_again() -> None:
    """A clearance is judged at the provider's own desk too, where there is nothing to pull."""
    leaves = [leaf for leaf in every_leaf() if issubclass(leaf, ClearanceError)]
    assert {leaf.code for leaf in leaves} >= {"clearance-approvals-missing", "clearance-unregistered-officer"}
    assert [leaf.code for leaf in leaves if "pull it again" in leaf.mend_en or "получите" in leaf.mend_ru] == []


def test_every_russian_sentence_is_russian() -> None:
    for leaf in every_leaf():
        template = "".join(literal for literal, *_ in Formatter().parse(leaf.ru))
        if sum(letter.isalpha() for letter in template.replace("data.csv", "")) > 3:
            assert any("а" <= letter.lower() <= "я" for letter in template), leaf.__name__


def test_every_error_says_what_causes_it() -> None:
    assert [leaf.__name__ for leaf in every_leaf() if not leaf.__dict__.get("__doc__")] == []


def test_every_error_has_its_page_and_every_page_its_error() -> None:
    expected = {f"{leaf.code}.md": page(leaf) for leaf in every_leaf()} | {"README.md": index()}
    found = {file.name: file.read_text(encoding="utf-8") for file in PAGES.iterdir()}
    assert sorted(found) == sorted(expected), f"run {REWRITE}"
    assert [name for name in expected if found[name] != expected[name]] == [], f"run {REWRITE}"


def test_every_problem_is_an_error_with_a_page() -> None:
    codes = {leaf.code for leaf in every_leaf()}
    assert set(problems.STATUS) <= codes
    # Whatever file makes a problem without an error of the core names its code in the call.
    assert {code for file in (ROOT / "nodes").rglob("*.py") for code in plain_codes(file)} <= codes


def plain_codes(file: Path) -> set[str]:
    """The codes written as first argument of `plain_problem`."""
    return set(re.findall(r'plain_problem\(\s*"([^"]+)"', file.read_text(encoding="utf-8")))


def test_every_error_is_provoked_by_a_test() -> None:
    texts = [
        file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py") if "house" not in file.parts
    ]
    text = "\n".join(texts)
    names = set(re.findall(r"\w+", text)) | set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)+", text))
    quoted = set(re.findall(r'"([a-z]+)"', text))
    unnamed = {
        leaf.code
        for leaf in every_leaf()
        if leaf.__name__ not in names
        and leaf.code not in (names if "-" in leaf.code else quoted)
        and not any(words in text for words in said(leaf))
    }
    assert unnamed == set()


def said(leaf: type[ExchangeError]) -> Iterator[str]:
    """Four words in a row of its English sentence: a test that looks for them provokes it."""
    for literal, *_ in Formatter().parse(leaf.en):
        found = literal.split()
        yield from (" ".join(found[at : at + 4]) for at in range(len(found) - 3))


@pytest.mark.parametrize("code", ["receipt-owed", "contract-ended"])
def test_a_page_names_the_status_of_the_protocol(code: str) -> None:
    # DESIGN.md §8: 403 ended, 409 receipt owed
    expected = {"receipt-owed": "HTTP 409", "contract-ended": "HTTP 403"}[code]
    assert expected in (PAGES / f"{code}.md").read_text(encoding="utf-8")
