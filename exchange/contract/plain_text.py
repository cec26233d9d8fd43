"""The short way through a contract that is written plainly: block mappings and lists, plain words, simple quotes.

Such a text means the same to every reader of YAML, so that a fast one may read it (libyaml, a tenth of the time).
Whatever is spelt less plainly, and whatever could be refused, is left to the reader that says why
(`exchange.contract.text`): this way ends in a value or in nothing, never in a refusal.
"""

import re
from collections.abc import Callable, Iterator

import yaml  # type: ignore[import-untyped]  # it has no types
from yaml.nodes import MappingNode, ScalarNode, SequenceNode  # type: ignore[import-untyped]  # as above

from exchange.encoding import JSON_DEPTH_MAX, Json, JsonObject

Place = tuple[str | int, ...]
Word = Callable[[str], tuple[Json, str | None]]
"""The value of a plain word, and why it would be refused, if it would."""

_WORDS = r"[\w(](?:[\w ./()+;'’–—<>=%,-]*[\w./()+;'’–—<>=%,-])?"
_QUOTED = r'"[^"\\]*"'
_ITEM = rf"(?:[\w.+-]*\w|{_QUOTED})"
_FLOW = rf"\[(?:{_ITEM}(?:, {_ITEM})*)?\]"
_VALUE = rf"(?:{_WORDS}|-?[0-9][0-9.]*|{_QUOTED}|{_FLOW})"
_KEY = r"[A-Za-z][\w-]*:"
_PLAIN = re.compile(rf" *(?:- )*(?:{_KEY}(?: {_VALUE}| (?P<folded>>-))?|(?<=- ){_VALUE})(?: #.*)?\Z")
_PASSED = re.compile(r" *(?:#.*)?\Z")
_FOLDED = re.compile(r"(?P<indent> *)[^\s#](?:.*\S)?\Z")
_NOT_HERE = re.compile("[\t\r\x85\u2028\u2029]")


class _NotPlainError(Exception):
    """Something that the other reader is to judge."""


def read_plain(text: str, word: Word) -> tuple[JsonObject, dict[Place, int]] | None:
    """The document of a plainly written text, and the line (from 1) of every key and item; None if it is not one."""
    if not _is_plain(text):
        return None
    lines: dict[Place, int] = {}
    try:
        found = _value(yaml.compose(text, Loader=yaml.CSafeLoader), (), lines, word)
    except (yaml.YAMLError, _NotPlainError):
        return None
    return (found, lines) if isinstance(found, dict) else None


def _is_plain(text: str) -> bool:
    if _NOT_HERE.search(text) is not None:
        return False
    rows = iter(text.split("\n"))
    for row in rows:
        if _PASSED.match(row) is None:
            matched = _PLAIN.match(row)
            if matched is None:
                return False
            if matched["folded"] and not _passes_folded(rows, row):
                return False
    return True


def _passes_folded(rows: Iterator[str], opening: str) -> bool:
    """Lines of folded text, all with one indentation, and the line after them, which must be plain or passed."""
    outer, inner = len(opening) - len(opening.lstrip(" ")), 0
    for row in rows:
        indent = len(row) - len(row.lstrip(" "))
        if not row or indent <= outer:
            matched = _PLAIN.match(row)
            if matched is not None and matched["folded"]:
                opening, outer, inner = row, indent, 0
                continue
            return matched is not None or _PASSED.match(row) is not None
        inner = inner or indent
        if indent != inner or _FOLDED.match(row) is None:
            return False
    return True


def _value(node: object, place: Place, lines: dict[Place, int], word: Word) -> Json:
    if node is None or len(place) > JSON_DEPTH_MAX:
        raise _NotPlainError
    if not isinstance(node, MappingNode | SequenceNode | ScalarNode):
        raise _NotPlainError
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, MappingNode):
        return _mapping(node, place, lines, word)
    if isinstance(node, SequenceNode):
        return [_value(item, (*place, number), lines, word) for number, item in enumerate(node.value)]
    text: str = node.value
    if node.style:  # quoted or folded
        return text
    value, refused = word(text)
    if refused is not None:
        raise _NotPlainError
    return value


def _mapping(node: MappingNode, place: Place, lines: dict[Place, int], word: Word) -> JsonObject:
    members: JsonObject = {}
    for key, value in node.value:
        name = _value(key, (*place, key.value), lines, word) if isinstance(key, ScalarNode) else None
        if not isinstance(name, str) or name in members:
            raise _NotPlainError
        members[name] = _value(value, (*place, name), lines, word)
    return members
