"""The contract's text: YAML 1.2 read so strictly that every reader, of whichever YAML version, sees the same values.

Refused: anchors, aliases, tags, directives, a second document, duplicate or non-text keys, and every plain scalar that
YAML 1.1 and YAML 1.2 read differently (`NO`, `010`, `1:30`, `2026-01-01`): quoted, it is text to both.

Source: YAML 1.2.2 section 10.3.2 (core schema); YAML 1.1 type repository (bool, int, float, timestamp, merge, null).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamStartEvent,
)

from exchange.encoding import JSON_DEPTH_MAX, Json, JsonObject
from exchange.errors.contract import ContractYamlError

CONTRACT_BYTES_MAX = 512 * 1024
"""A contract larger than this is refused before it is read."""
CONTRACT_VALUES_MAX = 10_000
"""Values in a contract, lists and mappings among them; the catalogue's have at most some five hundred.

A reader of YAML is slow with many small values: those that fit into the bytes above would take it many seconds, and a
gateway reads what any party proposes.
"""

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands: keys and list positions from the root."""

_INT = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\Z", re.ASCII)  # below 2^53: RFC 8785 has no larger integers
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,15}\Z", re.ASCII)
_WORDS: Mapping[str, Json] = {"true": True, "false": False, "null": None}
_BOOL_1_1 = re.compile(r"(?:y|n|yes|no|on|off|true|false)\Z", re.IGNORECASE)
_TRAPS = (
    (_BOOL_1_1, "YAML 1.1 reads it as true or false"),
    (re.compile(r"(?:null|~|)\Z", re.IGNORECASE), "nothing is written null, in this spelling only"),
    (re.compile(r"[-+]?0[0-9_]+\Z", re.ASCII), "YAML 1.1 reads it as an octal number"),
    (re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z", re.ASCII), "YAML 1.1 reads it in base 60"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", re.ASCII), "YAML 1.1 reads it as a date"),
    (re.compile(r"[-+]?0[xob][0-9a-f_]+\Z", re.IGNORECASE | re.ASCII), "not every reader takes it for a number"),
    (
        re.compile(
            r"(?:[-+]?(?:[0-9][0-9_,]*\.?[0-9_]*|\.[0-9_]+)(?:e[-+]?[0-9]+)?|[-+]_[0-9_]*)\Z",
            re.IGNORECASE | re.ASCII,
        ),
        "not every reader takes it for the same number",
    ),
    (re.compile(r"[-+]?\.(?:inf|nan)\Z", re.IGNORECASE), "it is no number that can be agreed on"),
    (re.compile(r"(?:<<|=)\Z"), "YAML 1.1 gives it a meaning of its own"),
)
_DISGUISES = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\ufeff\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class ContractText:
    """The parsed document and the line of every key and list item in it."""

    document: JsonObject
    _lines: Mapping[Path, int] = field(repr=False)

    def line(self, path: Path) -> int:
        """The line (from 1) of the value at `path`, or of the nearest thing around it that is there."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]


def read_text(raw: bytes) -> ContractText:
    """Read a contract's YAML.

    Raises:
        ContractYamlError: With the line and the reason.
    """
    text = _decode(raw)
    reader = _Reader(YAML(typ="safe", pure=True).parse(text))
    try:
        document = reader.document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise ContractYamlError(line=line, reason=f"not YAML: {error.problem or error.context}") from error
    except YAMLError as error:
        raise ContractYamlError(line=1, reason=f"not YAML: {type(error).__name__}") from error
    return ContractText(document, reader.lines)


def _decode(raw: bytes) -> str:
    if len(raw) > CONTRACT_BYTES_MAX:
        raise ContractYamlError(line=1, reason=f"larger than {CONTRACT_BYTES_MAX} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ContractYamlError(line=raw[: error.start].count(b"\n") + 1, reason="not UTF-8") from error
    # A signer must read what a program reads: characters that reorder or hide text on a screen have no place here.
    if (found := _DISGUISES.search(text)) is not None:
        line = text[: found.start()].count("\n") + 1
        raise ContractYamlError(line=line, reason=f"invisible character U+{ord(found[0]):04X}")
    return text


class _Reader:
    """Builds values from parser events, so that anchors, tags and styles are still to be seen."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self.lines: dict[Path, int] = {}

    def document(self) -> JsonObject:
        start = next(self._events)
        start = next(self._events) if isinstance(start, StreamStartEvent) else start
        if not isinstance(start, DocumentStartEvent):
            raise ContractYamlError(line=1, reason="the file is empty")
        if start.version is not None or start.tags:
            raise ContractYamlError(line=1, reason="a directive (%YAML, %TAG) is not allowed")
        value = self._value(next(self._events), ())
        end = next(self._events)
        if isinstance(end, DocumentEndEvent) and isinstance(after := next(self._events), DocumentStartEvent):
            _refuse(after, "a second document is not allowed")
        if not isinstance(value, dict):
            raise ContractYamlError(line=1, reason="the top level is not a mapping")
        return value

    def _value(self, event: Any, path: Path) -> Json:  # noqa: ANN401  # ruamel's events have no types
        if isinstance(event, AliasEvent):
            _refuse(event, f"alias *{event.anchor}: write the value out")
        if event.anchor is not None:
            _refuse(event, f"anchor &{event.anchor}: write the value out")
        if event.ctag is not None:
            _refuse(event, f"tag {event.tag}: a value's type is its spelling")
        if len(path) > JSON_DEPTH_MAX:
            _refuse(event, f"nested deeper than {JSON_DEPTH_MAX}")
        if len(self.lines) >= CONTRACT_VALUES_MAX and path not in self.lines:
            _refuse(event, f"more than {CONTRACT_VALUES_MAX} values")
        self.lines.setdefault(path, event.start_mark.line + 1)
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        return _scalar(event)

    def _mapping(self, path: Path) -> JsonObject:
        members: JsonObject = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                _refuse(event, "a key is a word, not a list, a mapping or an alias")
            key = self._value(event, (*path, event.value))
            if not isinstance(key, str):
                _refuse(event, f"the key {event.value} is not text: quote it")
            if key in members:
                _refuse(event, f"the key {key} stands here twice, first on line {self.lines[*path, key]}")
            members[key] = None
            members[key] = self._value(next(self._events), (*path, key))
        return members

    def _sequence(self, path: Path) -> list[Json]:
        items: list[Json] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items


def _scalar(event: ScalarEvent) -> Json:
    text: str = event.value
    if (found := _DISGUISES.search(text)) is not None:  # written as an escape, such as "\\u202e"
        _refuse(event, f"invisible character U+{ord(found[0]):04X}")
    if event.style is not None:  # quoted, literal or folded: text, whatever it looks like
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text) is not None and text != "-0":
        return int(text)
    if _FLOAT.match(text) is not None:
        return float(text)
    for trap, reason in _TRAPS:
        if trap.match(text) is not None:
            _refuse(event, f"`{text[:40]}` without quotes: {reason}; if it is text, quote it")
    return text


def _refuse(event: Any, reason: str) -> NoReturn:  # noqa: ANN401  # ruamel's events have no types
    raise ContractYamlError(line=event.start_mark.line + 1, reason=reason)
