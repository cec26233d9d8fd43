"""A document as YAML that every reader takes alike: what a draft is written in, and how a page shows what is signed."""

import json
from collections.abc import Iterator

from exchange.encoding import Json

_WORDS_1_1 = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What YAML 1.1 reads as something else than text."""


def yaml_lines(value: Json, depth: int = 0) -> Iterator[str]:
    """YAML, every text in quotes: all readers of all versions see the same."""
    blank = "  " * depth
    if isinstance(value, dict):
        for name, member in value.items():
            plain = name.isascii() and name.isidentifier() and name.lower() not in _WORDS_1_1
            yield from _entry(f"{blank}{name if plain else _quoted(name)}:", member, depth)
    elif isinstance(value, list):
        for item in value:
            first, *rest = _entry("", item, depth)
            yield f"{blank}- {first.strip()}"
            yield from rest


def _entry(head: str, value: Json, depth: int) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        if head:
            yield head
        yield from yaml_lines(value, depth + 1)
    else:
        yield f"{head} {_quoted(value)}"


def _quoted(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
