"""Documents that are almost right: edits of bytes, of lines, and of JSON values, drawn by hypothesis.

Random bytes get no further than the first check of a strict parser; a document with one thing wrong gets everywhere.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from hypothesis import strategies as st

from exchange.encoding import canonical_json

Holder: TypeAlias = "dict[str, object] | list[object]"

ODD_VALUES: Sequence[object] = (
    None, True, False, 0, 1, -1, 2**31, 2**53, 2**53 - 1, 2**63, 10**30, 0.5, -0.0, 1e300, "", " ", "x" * 5000, "\x00",
    "\n", "\u202e", "é", "é", "😀", "NO", "null", "../x", "/etc/passwd", "A" * 43, "sha256:" + "0" * 64,
    "sha256:" + "F" * 64, "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-02-29T00:00:00Z", "=1+1", "𝟘", "٣", [],
    {}, [[]], [None], [1, "1"], {"": {}}, {"type": None}, ["x"] * 300,
)  # fmt: skip
ODD_BYTES: Sequence[bytes] = (
    b"", b"\x00", b"\n", b"\r\n", b"\r", b" ", b"\t", b"\x0b", b"\x1c", b"\x85", b"\xa0", b"\xff", b"\xc0\x80",
    b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xf0\x9f\x98\x80", b"\xd9\xa3", b'"', b'""', b"\\", b"\\u0000",
    b"\\ud800", b"{", b"}", b"[", b"]" * 40, b"[" * 4000, b",", b":", b"-", b"+", b"=", b"0", b"00", b"-1", b"1e400",
    b"9" * 25, b"9" * 5000, b"NaN", b"true", b"%00", b"&a", b"*a", b"!!python/object:os.system", b"<<:", b"- ", b"# ",
    b"\xe2\x80\x94 ", b"A" * 70_000,
)  # fmt: skip


def mutated(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of these documents with one to three things wrong."""
    edits = [_bytes_edit(), _line_edit()]
    document = st.sampled_from(list(seeds))
    edited = st.tuples(document, st.lists(st.one_of(edits), min_size=1, max_size=3)).map(_apply)
    objects = [seed for seed in seeds if _is_json(seed)]
    if not objects:
        return edited
    values = st.tuples(st.sampled_from(objects), st.lists(_value_edit(), min_size=1, max_size=2)).map(_apply)
    return st.one_of(values, edited, st.tuples(values, _bytes_edit()).map(lambda pair: pair[1](pair[0])))


def _apply(drawn: tuple[bytes, Sequence[Callable[[bytes], bytes]]]) -> bytes:
    raw, edits = drawn
    for edit in edits:
        raw = edit(raw)
    return raw


def _bytes_edit() -> st.SearchStrategy[Callable[[bytes], bytes]]:
    """Put odd bytes in, in place of as many as drawn."""
    drawn = st.tuples(st.integers(0, 2**20), st.integers(0, 12), st.sampled_from(ODD_BYTES) | st.binary(max_size=6))

    def edit(what: tuple[int, int, bytes]) -> Callable[[bytes], bytes]:
        place, length, put = what

        def apply(raw: bytes) -> bytes:
            start = place % (len(raw) + 1)
            return raw[:start] + put + raw[start + length :]

        return apply

    return drawn.map(edit)


def _line_edit() -> st.SearchStrategy[Callable[[bytes], bytes]]:
    """Drop, double, exchange or empty a line; cut the document off; double it."""
    drawn = st.tuples(st.sampled_from(["drop", "double", "swap", "empty", "cut", "twice"]), st.integers(0, 2**16))

    def edit(what: tuple[str, int]) -> Callable[[bytes], bytes]:
        kind, place = what

        def apply(raw: bytes) -> bytes:
            if kind == "cut":
                return raw[: place % (len(raw) + 1)]
            if kind == "twice":
                return raw + raw
            lines = raw.split(b"\n")
            at = place % len(lines)
            changed = {"drop": [], "double": [lines[at]] * 2, "swap": lines[at : at + 2][::-1], "empty": [b""]}[kind]
            return b"\n".join([*lines[:at], *changed, *lines[at + (2 if kind == "swap" else 1) :]])

        return apply

    return drawn.map(edit)


def _value_edit() -> st.SearchStrategy[Callable[[bytes], bytes]]:
    """Put an odd value somewhere into a JSON document, take a member out, or add one; written canonically."""
    kinds = st.sampled_from(["put", "put", "put", "drop", "add", "bend"])
    drawn = st.tuples(kinds, st.integers(0, 2**16), st.sampled_from(ODD_VALUES))

    def edit(what: tuple[str, int, object]) -> Callable[[bytes], bytes]:
        kind, place, value = what

        def apply(raw: bytes) -> bytes:
            document = json.loads(raw) if _is_json(raw) else {}
            places = list(_places(document))
            if not places:
                return raw
            holder, key = places[place % len(places)]
            _change(holder, key, kind, value)
            try:
                return canonical_json(document)
            except ValueError:  # a number or a text that RFC 8785 does not write
                return json.dumps(document, ensure_ascii=True).encode()

        return apply

    return drawn.map(edit)


def _change(holder: Holder, key: str | int, kind: str, value: object) -> None:
    items: dict[str | int, object] = dict(holder.items() if isinstance(holder, dict) else enumerate(holder))
    found = items[key]
    if kind == "drop":
        del items[key]
    elif kind == "bend" and isinstance(found, str):
        items[key] = found + str(value)[:200]
    elif kind == "bend" and isinstance(found, list) and found:
        items[key] = [*found, found[0]]
    elif kind == "add" and isinstance(holder, dict):
        items[str(value)[:20]] = value
    else:
        items[key] = value
    if isinstance(holder, dict):
        holder.clear()
        holder.update({str(name): item for name, item in items.items()})
    else:
        holder[:] = items.values()


def _places(value: object) -> Iterator[tuple[Holder, str | int]]:
    """Every holder and key under which a value lies."""
    if isinstance(value, dict):
        for name, inner in list(value.items()):
            yield value, name
            yield from _places(inner)
    elif isinstance(value, list):
        for index, inner in enumerate(list(value)):
            yield value, index
            yield from _places(inner)


def _is_json(raw: bytes) -> bool:
    try:
        return isinstance(json.loads(raw), dict | list)
    except (ValueError, RecursionError):
        return False
