"""What a signer reads has every field of the closed schema in it, in both languages; nothing is signed unseen."""

import copy
import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema.validators import Draft202012Validator

from exchange.contract.model import DataContract
from exchange.contract.parse import read_clauses
from exchange.contract.schemas import PROFILE
from exchange.contract.text import ContractText
from exchange.encoding import Digest
from exchange.errors import Language
from exchange.errors.contract import ContractError
from nodes.desk.contract_export_page import contract_page
from nodes.desk.contract_russian import both
from nodes.desk.contract_words import describe
from tests.unit.core.test_contract import PACKAGE
from tests.unit.core.test_contract_diff import Tree, document, other, places
from tests.world.contracts import NAMES, codelists, contract

Path = tuple[str | int, ...]
WHOLE = (("CA-05-WORK-PERMITS", "1.0.0"), ("CA-12-ASYLUM", "1.0.0"), ("CA-07-EXPULSIONS-BANS", "1.1.0"))
"""Together they have every clause: dominance, own codes, a mirror; an exclusion; a restricted dimension."""
LANGUAGES: tuple[Language, ...] = ("en", "ru")
SCHEMA = json.loads((PACKAGE / PROFILE).read_bytes())
VALIDATOR = Draft202012Validator(SCHEMA)
TRIES_MAX = 2
ONE_SPELLING = {
    "apiVersion", "kind", "status", "domain", "property", "unit", "role", "access", "required", "primaryKey",
    "primaryKeyPosition", "logicalType", "type", "engine", "method", "code",
}  # fmt: skip
"""What the profile allows in one form only, so that it cannot vary."""
TIED = {
    "id", "name", "username", "dimension", "level", "total", "scope", "codes", "contributor", "profile", "decimals",
    "ratioMin", "ratioMax", "roles",
}  # fmt: skip
"""What cannot vary alone, since rules tie it to another clause; `test_contract_diff` and the pages show these."""
ACCEPTED_MIN = 60


def pattern(path: Path) -> str:
    """A path with the places of lists left out, but for properties, whose place is their name."""
    named = {"customProperties", "slaProperties"}
    return ".".join(
        "*" if isinstance(step, int) and (not place or path[place - 1] not in named) else str(step)
        for place, step in enumerate(path)
    )


@cache
def choices() -> tuple[tuple[str, ...], ...]:
    """The words that a clause may be one of, for each such clause."""

    def found(schema: Tree) -> Iterator[tuple[str, ...]]:
        if isinstance(schema, dict):
            if "enum" in schema:
                yield tuple(word for word in schema["enum"] if isinstance(word, str))
            for inner in schema.values():
                yield from found(inner)
        elif isinstance(schema, list):
            for inner in schema:
                yield from found(inner)

    return tuple(found(SCHEMA))


def candidates(path: Path, value: Tree) -> list[Tree]:
    """Other values, those that are likely to be allowed first."""
    if path[-1] == "sha256":
        raw = codelists()[Digest.parse(value, subject="test")]
        return [str(Digest.of(raw.rstrip(b"\n") + b"x\n"))]
    words = [word for choice in choices() if value in choice for word in choice if word != value]
    days = ["2026-01-02", "2025-12-31"] if value is None or str(value).startswith("20") else []
    parts = [value[:-1]] if isinstance(value, list) else []
    texts = [f"{value}x", "1.0.1", "AF"] if isinstance(value, str) and not words else []
    return [*words, *days, *parts, *texts, *other(value)]


def changed(whole: dict[str, Any], path: Path, value: Tree) -> dict[str, Any]:
    found = copy.deepcopy(whole)
    spot: Tree = found
    for step in path[:-1]:
        spot = spot[step]
    spot[path[-1]] = value
    return found


@cache
def lists() -> dict[Digest, bytes]:
    """The project's lists, and each once more with another last name."""
    edited = [raw.rstrip(b"\n") + b"x\n" for raw in codelists().values()]
    return {**codelists(), **{Digest.of(raw): raw for raw in edited}}


def accepted(whole: dict[str, Any], path: Path) -> DataContract | None:
    """The contract with another value there, if any other is allowed."""
    value: Tree = whole
    for step in path:
        value = value[step]
    for candidate in candidates(path, value):
        found = changed(whole, path, candidate)
        if candidate == value or not VALIDATOR.is_valid(found):
            continue
        try:
            return read_clauses(ContractText(found, {(): 1}), b"", codelists=lists())
        except ContractError:
            continue
    return None


def said(found: DataContract, language: Language) -> list[str]:
    """Every line but the digest, which any change changes."""
    digest = str(found.digest)
    return [f"{clause.about}: {clause.agreed}" for clause in describe(found, language) if clause.agreed != digest]


def test_every_field_that_may_vary_changes_what_a_signer_reads_in_both_languages() -> None:
    seen: set[str] = set()
    unvaried: Counter[str] = Counter()
    for name in WHOLE:
        whole, before = document(*name), contract(*name)
        for path in places(whole):
            if path[-1] in ONE_SPELLING or pattern(path) in seen or unvaried[pattern(path)] >= TRIES_MAX:
                continue
            after = accepted(whole, path)
            if after is None:
                unvaried[pattern(path)] += 1
                continue
            seen.add(pattern(path))
            for language in LANGUAGES:
                assert said(before, language) != said(after, language), (name, path, language)
    assert len(seen) >= ACCEPTED_MIN
    assert {path.rpartition(".")[2] for path in unvaried.keys() - seen} - TIED == {"value"}  # a mirror beside no other


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_printed_page_shows_the_same_clauses(language: Language) -> None:
    found = contract("CA-05-WORK-PERMITS")
    page = contract_page(found, language, None).decode()
    for clause in describe(found, language)[2:]:
        assert clause.about in page
        assert clause.agreed.split(";")[0].split("'")[0].replace("&", "&amp;") in page


def test_every_text_of_the_project_s_contracts_has_its_russian() -> None:
    for name in NAMES:
        found = contract(*name)
        document_ = found.document
        description: Any = document_["description"]
        texts = [
            *description.values(),
            found.concept.definition,
            found.concept.standard_term,
            found.concept.duration_rule,
            found.concept.source_register,
            *found.disclosure.contributor_definitions,
            *([found.mirror.rule] if found.mirror is not None else []),
            *(exclusion.reason for exclusion in found.exclusions),
        ]
        assert [text for text in texts if both(text)[1].startswith(text)] == [], name
        assert not any("по-английски" in clause.agreed for clause in describe(found, "ru"))
