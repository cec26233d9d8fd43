"""The quick reading of the standard's schema accepts and refuses what the library's own does."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema.validators import Draft201909Validator
from referencing import Registry

from exchange.contract.schemas import ODCS, schema_findings
from exchange.contract.text import ContractText, read_text
from tests.unit.core.test_contract import PACKAGE
from tests.unit.core.test_contract_diff import places
from tests.world.contracts import NAMES, contract_raw

SAMPLE = 6  # of each kind and contract


def plain() -> Draft201909Validator:
    return Draft201909Validator(json.loads((PACKAGE / ODCS).read_bytes()), registry=Registry())


def mappings(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401  # a document
    if isinstance(value, dict):
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in items:
        yield from mappings(inner, (*path, step))


def replaced(whole: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:  # noqa: ANN401
    """The document with another value at this place, or with one more key."""
    changed: Any = copy.deepcopy(whole)
    spot = changed
    for step in path[:-1]:
        spot = spot[step]
    spot[path[-1]] = value
    found: dict[str, Any] = changed
    return found


@pytest.mark.parametrize("name", [NAMES[0], NAMES[-1]], ids="/".join)
def test_a_changed_contract_is_valid_odcs_exactly_if_the_library_says_so(name: tuple[str, str]) -> None:
    whole = read_text(contract_raw(*name)).document
    draw = random.Random(f"{name}")
    changed = [replaced(whole, path, draw.choice([None, 1, "x", []])) for path in draw.sample([*places(whole)], SAMPLE)]
    around = draw.sample([*mappings(whole)], SAMPLE)
    # A stranger to every part of the standard, and a key that is at home in another part of it.
    changed += [replaced(whole, (*place, key), "x") for place in around for key in ("colour", "physicalType")]
    library, verdicts = plain(), set()
    for document in changed:
        found = [one for one in schema_findings(ContractText(document, {(): 1})) if one.facts["schema"] == ODCS]
        assert bool(found) != library.is_valid(document)
        verdicts.add(bool(found))
    assert verdicts == {True, False}
