"""The two schemas a contract must meet: the standard's own, and ours, which is closed. Both lie beside this file.

Source: Open Data Contract Standard 3.1.0 (VENDOR.toml); JSON Schema 2019-09 and 2020-12.
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, cast

from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import Draft201909Validator, Draft202012Validator, extend
from referencing import Registry

from exchange.contract.text import ContractText, Path
from exchange.errors.contract import ContractSchemaError

ODCS = "odcs-3.1.0.schema.json"
PROFILE = "profile.schema.json"
_KINDS = {ODCS: Draft201909Validator, PROFILE: Draft202012Validator}
_SHOWN_MAX = 80
UNEVALUATED = "unevaluatedProperties"
_LOCAL = "#/$defs/"
_EXPECTED = {
    "pattern": "text of the form {}",
    "type": "a value of type {}",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "uniqueItems": "each item once",
    "not": "no such key here",
}


def schema_findings(text: ContractText) -> Iterator[ContractSchemaError]:
    """Everything in which the document breaks either schema, ours first: it says more and knows our words."""
    for name in (PROFILE, ODCS):
        errors = sorted(_validator(name).iter_errors(text.document), key=lambda e: (_line(text, e), str(e.path)))
        yield from (_finding(text, name, error) for error in errors)


@cache
def _validator(name: str) -> Any:  # noqa: ANN401  # jsonschema's validators have no common type
    schema = json.loads(files("exchange.contract").joinpath(name).read_bytes())
    rules = {UNEVALUATED: _Unevaluated(_KINDS[name], schema)}
    kind = extend(_KINDS[name], rules)  # type: ignore[no-untyped-call]  # its stubs leave it out
    # An empty registry refuses every reference that is not inside the schema: validation never asks a network.
    return kind(schema, registry=Registry())


class _Unevaluated:
    """The library's rule for `unevaluatedProperties`, asked only where it has something to decide.

    What `properties` names, here, behind `$ref` or in an `allOf`, is evaluated wherever the schema holds at all. To
    find that out anew the library validates every branch again, which took half of the time for the standard's schema.
    """

    def __init__(self, kind: Any, schema: dict[str, Any]) -> None:  # noqa: ANN401  # a class of jsonschema's making
        self._rule = kind.VALIDATORS[UNEVALUATED]
        self._definitions = schema["$defs"]
        self._names: dict[int, frozenset[str]] = {}  # by the identity of a part of the schema, which lives as long

    def __call__(self, validator: Any, value: Any, instance: Any, schema: dict[str, Any]) -> Iterator[ValidationError]:  # noqa: ANN401  # jsonschema's signature
        if not isinstance(instance, dict) or instance.keys() <= self._named(schema):
            return
        yield from self._rule(validator, value, instance, schema)

    def _named(self, schema: dict[str, Any]) -> frozenset[str]:
        if id(schema) not in self._names:
            self._names[id(schema)] = frozenset()  # a circle of references names nothing more
            found = set(schema.get("properties", ()))
            if "$ref" in schema:
                found |= self._named(self._definitions[schema["$ref"].removeprefix(_LOCAL)])
            for part in schema.get("allOf", ()):
                found |= self._named(part)
            self._names[id(schema)] = frozenset(found)
        return self._names[id(schema)]


def _line(text: ContractText, error: ValidationError) -> int:
    return text.line(tuple(error.absolute_path))


def _finding(text: ContractText, schema: str, error: ValidationError) -> ContractSchemaError:
    """The error that says most, in our words: where, what was expected, what was found."""
    error = best_match([error]) or error
    path: Path = tuple(error.absolute_path)
    rule, value, found = str(error.validator), cast("Any", error.validator_value), cast("Any", error.instance)
    around = cast("dict[str, Any]", error.schema) if isinstance(error.schema, dict) else {}
    if rule in {"additionalProperties", "unevaluatedProperties"}:
        known = around.get("properties", {})
        if unknown := [key for key in found if key not in known]:
            expected = "one of the keys " + ", ".join(sorted(known)) if known else "no such key"
            return _error(text, (*path, unknown[0]), expected, f"the unknown key {unknown[0]}", schema)
    if rule == "items" and value is False:
        count = len(around.get("prefixItems", []))
        return _error(text, (*path, count), f"no more than {count} items", f"{len(found)} items", schema)
    if rule == "required":
        missing = [name for name in value if name not in found]
        return _error(text, path, f"the key {missing[0]}", "none", schema)
    return _error(text, path, _expected(rule, value), _shown(found), schema)


def _expected(rule: str, value: Any) -> str:  # noqa: ANN401  # a keyword's value in a JSON Schema is of any type
    if rule == "const":
        return _shown(value)
    if rule == "enum":
        return "one of " + ", ".join(_shown(item) for item in value)
    return _EXPECTED.get(rule, f"what the rule {rule} of the schema asks").format(value)


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return f"{len(value)} items" if isinstance(value, list) else "a mapping"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 1] + "…"


def _error(text: ContractText, path: Path, expected: str, found: str, schema: str) -> ContractSchemaError:
    return ContractSchemaError(
        line=text.line(path), path=format_path(path), expected=expected, found=found, schema=schema
    )


def format_path(path: Path) -> str:
    """A path for people: `schema[0].properties[2].name`."""
    shown = ""
    for step in path:
        shown += f"[{step}]" if isinstance(step, int) else f".{step}" if shown else step
    return shown or "the top level"
