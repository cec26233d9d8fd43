"""Comparing two versions: every field is named and judged, and a loosening cannot hide behind a small number."""

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from exchange.contract.diff import Change, diff_contracts, diff_documents, require_version_step
from exchange.contract.effects import EFFECTS, Effect
from exchange.contract.model import DataContract
from exchange.contract.parse import parse_contract
from exchange.contract.schemas import PROFILE
from exchange.contract.text import read_text
from exchange.encoding import Digest, canonical_json
from exchange.errors.contract import ContractsUnrelatedError, ContractVersionError
from tests.unit.core.test_contract import PACKAGE
from tests.world.contracts import NAMES, codelists, contract, contract_raw

Tree: TypeAlias = Any  # a parsed document, taken apart by hand
Edit: TypeAlias = Callable[[dict[str, Any]], object]
BASE = "CA-05-WORK-PERMITS"
MUTATIONS_MIN = 500  # the issue's own number
PLACES = 30
"""Of each contract, drawn by its name; every field of the schema has a row in the table of effects besides."""


def document(contract_id: str = BASE, version: str = "1.0.0") -> dict[str, Any]:
    return copy.deepcopy(read_text(contract_raw(contract_id, version)).document)


def parsed(changed: dict[str, Any]) -> DataContract:
    return parse_contract(json.dumps(changed, ensure_ascii=False, indent=1).encode(), codelists=codelists())


def custom(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(item for item in items if item["property"] == name)


def places(value: Tree, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every scalar and every list of scalars of a document."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for position, inner in enumerate(value):
            yield from places(inner, (*path, position))
    else:
        yield path


def other(value: Tree) -> list[Tree]:
    """Values that this one may be mistaken for or exchanged with."""
    match value:
        case bool():
            return [not value, None]
        case int() | float():
            return [value + 1, value - 1, None]
        case str():
            return [value + "X", value.swapcase() if value.swapcase() != value else "", None]
        case list():
            return [[*value, "X"], value[1:], list(reversed(value))] if value else [["X"]]
        case _:
            return ["X", 1]


def mutations(whole: dict[str, Any], draw: random.Random) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """As many places of a document as are drawn, each with every other value."""
    for path in draw.sample([*places(whole)], PLACES):
        around: Tree = whole
        for step in path:
            around = around[step]
        for value in other(around):
            if value == around:
                continue
            changed = copy.deepcopy(whole)
            spot: Tree = changed
            for step in path[:-1]:
                spot = spot[step]
            spot[path[-1]] = value
            yield path, changed


def test_every_single_change_of_a_field_changes_the_digest_and_is_classified() -> None:
    found = 0
    for name in NAMES:
        whole = document(*name)
        digest = Digest.of(canonical_json(whole))
        for path, changed in mutations(whole, random.Random(f"{name}")):
            found += 1
            assert Digest.of(canonical_json(changed)) != digest, path
            changes = diff_documents(whole, changed)
            assert changes, path
            assert all(isinstance(change.effect, Effect) for change in changes), path
    assert found >= MUTATIONS_MIN, found


def patterns(schema: Tree, definitions: Tree, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:  # noqa: C901
    """Every place at which the closed profile lets a value differ, as the table of effects names places."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
    branches = [schema[word] for word in ("if", "then", "else") if isinstance(schema.get(word), dict)]
    for branch in [*branches, *schema.get("anyOf", [])]:
        if branch is not schema.get("if"):
            yield from patterns(branch, definitions, path)
    if "prefixItems" in schema:
        for item in schema["prefixItems"]:
            members = (definitions[item["$ref"].rsplit("/", 1)[1]] if "$ref" in item else item)["properties"]
            step = members["property"]["const"] if "property" in members else "*"
            yield from patterns(item, definitions, (*path, step))
    elif isinstance(schema.get("items"), dict):
        yield from patterns(schema["items"], definitions, (*path, "*"))
    elif "properties" in schema:
        for name, inner in schema["properties"].items():
            if name != "property" and inner != {"not": {}}:
                yield from patterns(inner, definitions, (*path, name))
    elif not branches and "anyOf" not in schema and schema.get("type") != "null":
        yield path


def test_the_table_of_effects_names_every_field_of_the_profile() -> None:
    profile = json.loads((PACKAGE / PROFILE).read_bytes())
    known = set(patterns(profile, profile["$defs"]))
    assert known - EFFECTS.keys() == set()
    whole_items = {pattern for pattern in EFFECTS if any(longer[: len(pattern)] == pattern for longer in known)}
    assert EFFECTS.keys() - known - whole_items == set()


def test_an_unknown_field_is_a_loosening() -> None:
    changed = {**document(), "novelty": 1}
    assert diff_documents(document(), changed) == (Change("novelty", None, "1", Effect.LOOSENING),)


def disclosure(whole: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = whole["schema"][0]["quality"][0]["implementation"]
    return found


def recipient(whole: dict[str, Any], name: str) -> dict[str, Any]:
    return custom(whole["roles"][0]["customProperties"], name)


def drop_a_table(whole: dict[str, Any]) -> None:
    custom(whole["schema"][0]["customProperties"], "tables")["value"].pop()


def add_a_recipient(whole: dict[str, Any]) -> None:
    added = copy.deepcopy(whole["team"]["members"][-1])
    added |= {"username": "GB", "name": "United Kingdom"}
    added["customProperties"][0]["value"] = ["recipient"]
    whole["team"]["members"].append(added)


def drop_the_auditor(whole: dict[str, Any]) -> None:
    whole["team"]["members"].pop()


CASES: list[tuple[Edit, Effect]] = [
    # The two that the study names, which a schema differ calls "info", come first.
    (lambda d: disclosure(d).update(contributorsMin=3), Effect.LOOSENING),
    (lambda d: disclosure(d).update(contributorsMin=10), Effect.TIGHTENING),
    (lambda d: recipient(d, "onwardSharing").update(value="prohibited"), Effect.TIGHTENING),
    (lambda d: recipient(d, "publication").update(value=True), Effect.LOOSENING),
    (add_a_recipient, Effect.LOOSENING),
    (drop_the_auditor, Effect.LOOSENING),
    (drop_a_table, Effect.TIGHTENING),
    (lambda d: d["slaProperties"][1].update(value=60), Effect.LOOSENING),
    (lambda d: d["slaProperties"][1].update(value=20), Effect.TIGHTENING),
    (lambda d: d["slaProperties"][4].update(value=120), Effect.LOOSENING),
    (lambda d: d["slaProperties"][7].update(value=120), Effect.LOOSENING),
    (lambda d: recipient(d, "permittedPurposes")["value"].append("marketing"), Effect.LOOSENING),
    (lambda d: recipient(d, "prohibitedPurposes")["value"].pop(), Effect.LOOSENING),
    (lambda d: recipient(d, "prohibitedPurposes")["value"].append("marketing"), Effect.TIGHTENING),
    (lambda d: disclosure(d).update(zeros="sensitive"), Effect.TIGHTENING),
    (lambda d: disclosure(d).update(groupDisclosureK=None), Effect.LOOSENING),
    (lambda d: disclosure(d)["contributors"].pop(), Effect.LOOSENING),
    (lambda d: custom(d["customProperties"], "ends").update(value="2030-01-01"), Effect.TIGHTENING),
    (lambda d: custom(d["customProperties"], "effective").update(value="2025-01-01"), Effect.LOOSENING),
    (lambda d: custom(d["customProperties"], "noticeDays").update(value=1), Effect.LOOSENING),
    (lambda d: custom(d["customProperties"], "mirror").update(value=None), Effect.LOOSENING),
    (lambda d: custom(d["customProperties"], "titles")["value"].update(en="Work permits"), Effect.NEUTRAL),
    (lambda d: d["team"]["members"].reverse(), Effect.NEUTRAL),
]


@pytest.mark.parametrize(("change", "effect"), CASES)
def test_a_change_is_called_what_a_lawyer_would_call_it(change: Edit, effect: Effect) -> None:
    changed = document()
    change(changed)
    found = diff_documents(document(), changed)
    assert found
    assert {Effect.LOOSENING, Effect.TIGHTENING} & {c.effect for c in found} == {effect} - {Effect.NEUTRAL}


def test_a_loosening_needs_a_new_major_version() -> None:
    loose = document()
    disclosure(loose)["contributorsMin"] = 3
    for version in ("1.0.0", "1.0.1", "1.9.0"):
        loose["version"] = version
        with pytest.raises(ContractVersionError) as refused:
            require_version_step(contract(BASE), parsed(loose))
        assert refused.value.facts["expected"] == "2.0.0"
        assert "contributorsMin" in str(refused.value.facts["first"])
    loose["version"] = "2.0.0"
    assert require_version_step(contract(BASE), parsed(loose)).effect is Effect.LOOSENING


def test_any_other_change_needs_a_higher_version_of_any_kind() -> None:
    strict = document()
    disclosure(strict)["contributorsMin"] = 7
    with pytest.raises(ContractVersionError):
        require_version_step(contract(BASE), parsed(strict))
    strict["version"] = "1.0.1"
    assert require_version_step(contract(BASE), parsed(strict)).effect is Effect.TIGHTENING


def test_versions_of_two_contracts_are_not_compared() -> None:
    with pytest.raises(ContractsUnrelatedError):
        diff_contracts(contract(BASE), contract("CA-01-BORDER"))


def test_the_british_version_of_ca_07_rightly_bears_a_new_major_number() -> None:
    found = require_version_step(contract("CA-07-EXPULSIONS-BANS", "1.1.0"), contract("CA-07-EXPULSIONS-BANS", "2.0.0"))
    assert found.effect is Effect.LOOSENING
    assert any("team.members.GB" in change.path for change in found.changes)


def test_an_exclusion_taken_away_loosens_and_one_more_tightens() -> None:
    with_it = document("CA-12-ASYLUM")
    without = document("CA-12-ASYLUM")
    clauses = without["roles"][0]["customProperties"]
    clauses.remove(custom(clauses, "exclusions"))
    assert [change.effect for change in diff_documents(with_it, without)] == [Effect.LOOSENING]
    assert [change.effect for change in diff_documents(without, with_it)] == [Effect.TIGHTENING]
    other_words = document("CA-12-ASYLUM")
    recipient(other_words, "exclusions")["value"][0]["reason"] = "because"
    assert [change.effect for change in diff_documents(with_it, other_words)] == [Effect.NEUTRAL]
    two = document("CA-12-ASYLUM")
    recipient(two, "exclusions")["value"].append({"dimension": "SEX", "code": "recipient", "reason": "none"})
    assert [change.effect for change in diff_documents(with_it, two)] == [Effect.TIGHTENING]
    assert [change.effect for change in diff_documents(two, with_it)] == [Effect.LOOSENING]
