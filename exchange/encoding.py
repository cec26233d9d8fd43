"""Strict bytes: JSON, base64, digests and instants, each with one parser and one formatter side by side.

`format(parse(x)) == x` holds for every x that a parser here accepts; whatever a formatter would not write is refused.
"""

import base64
import binascii
import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn, TypeAlias, cast

import rfc8785

from exchange.errors.encoding import (
    Base64Error,
    CanonicalJsonError,
    DigestError,
    FieldError,
    InstantError,
    JsonError,
)

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]

JSON_DEPTH_MAX = 32
"""Nesting beyond this is refused: no document of ours is deeper, and Python's parser recurses."""
INTEGER_MAX = 2**53 - 1
"""Beyond it a reader with doubles would see another number (RFC 8785 §3.2.2.3)."""

MEMBER_ID = re.compile(r"[A-Z][A-Z0-9]{1,15}\Z")
"""A member's id, such as KZ or IOM."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T(?:[01]\d|2[0-3]):\d{2}:\d{2}Z\Z", re.ASCII)
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_BRACKETS = re.compile(r"[^\[\]{}]+")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A SHA-256 digest, written `sha256:<64 hex>`."""

    hex: str

    @classmethod
    def of(cls, content: bytes) -> "Digest":
        """The digest of these bytes."""
        return cls(hashlib.sha256(content).hexdigest())

    @classmethod
    def parse(cls, text: object, *, subject: str) -> "Digest":
        """Read `sha256:<hex>`.

        Raises:
            DigestError: Any other spelling.
        """
        if not isinstance(text, str) or _DIGEST.match(text) is None:
            raise DigestError(subject=subject, found=_shown(text))
        return cls(text.removeprefix("sha256:"))

    @classmethod
    def parse_hex(cls, text: str, *, subject: str) -> "Digest":
        """Read the 64 hex digits of an address."""
        return cls.parse("sha256:" + text, subject=subject)

    def __str__(self) -> str:
        return "sha256:" + self.hex


def parse_json(raw: bytes, *, subject: str, bytes_max: int = 32 * 1024 * 1024) -> Json:
    """Read strict JSON: UTF-8 without BOM, no duplicate member, no NaN or infinity, no lone surrogate, bounded depth.

    Raises:
        JsonError: With the reason.
    """
    if len(raw) > bytes_max:
        raise JsonError(subject=subject, reason=f"larger than {bytes_max} bytes")
    try:
        text = raw.decode("utf-8")
        _refuse_depth(text)
        value = _STRICT.decode(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate (\ud800) cannot be encoded
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise JsonError(subject=subject, reason="not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise JsonError(subject=subject, reason=str(error)) from error
    return cast("Json", value)


def parse_json_object(raw: bytes, *, subject: str, bytes_max: int = 32 * 1024 * 1024) -> JsonObject:
    """Read strict JSON whose top is an object."""
    value = parse_json(raw, subject=subject, bytes_max=bytes_max)
    if not isinstance(value, dict):
        raise JsonError(subject=subject, reason="the top level is not an object")
    return value


def parse_canonical_object(raw: bytes, *, subject: str, bytes_max: int = 32 * 1024 * 1024) -> JsonObject:
    """Read an object that must already be in RFC 8785 form, byte for byte."""
    value = parse_json_object(raw, subject=subject, bytes_max=bytes_max)
    try:
        canonical = canonical_json(value)
    except ValueError as error:
        raise JsonError(subject=subject, reason=str(error)) from error
    if canonical != raw:
        raise CanonicalJsonError(subject=subject)
    return value


def canonical_json(value: object) -> bytes:
    """RFC 8785 (JCS) bytes of a value; integers beyond 2^53 and non-finite numbers raise ValueError.

    A float that is whole and beyond 2^53 is written as RFC 8785 says, but no parser here reads it back.
    """
    if _is_plain(value):
        return _PLAIN.encode(value).encode("utf-8")
    return rfc8785.dumps(value)  # type: ignore[arg-type]  # its alias does not admit Mapping/Sequence views


def require_members(
    value: Mapping[str, object], required: set[str], *, optional: frozenset[str] = frozenset(), subject: str
) -> None:
    """Refuse an object that lacks a required member or has an unknown one."""
    for name in sorted(required - value.keys()):
        raise FieldError(subject=subject, field=name, expected="present", found="absent")
    for name in sorted(value.keys() - required - optional):
        raise FieldError(subject=subject, field=name, expected="no such member", found="present")


def text_member(value: Mapping[str, object], name: str, *, subject: str) -> str:
    """The string under `name`."""
    found = value.get(name)
    if not isinstance(found, str):
        raise FieldError(subject=subject, field=name, expected="a string", found=_shown(found))
    return found


def int_member(value: Mapping[str, object], name: str, *, subject: str) -> int:
    """The non-negative integer under `name`."""
    found = value.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise FieldError(subject=subject, field=name, expected="an integer from 0", found=_shown(found))
    return found


def base64url_encode(content: bytes) -> str:
    """RFC 4648 §5 without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def base64url_decode(text: object, *, subject: str) -> bytes:
    """Read canonical unpadded base64url; stray bits, padding and white space are refused."""
    if isinstance(text, str) and _BASE64URL.match(text) is not None and len(text) % 4 != 1:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if base64url_encode(content) == text:
            return content
    raise Base64Error(subject=subject, alphabet="base64url")


def base64_encode(content: bytes) -> str:
    """RFC 4648 §4 with padding."""
    return base64.b64encode(content).decode("ascii")


def base64_decode(text: str, *, subject: str) -> bytes:
    """Read canonical padded base64."""
    try:
        content = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Base64Error(subject=subject, alphabet="base64") from error
    if base64_encode(content) != text:
        raise Base64Error(subject=subject, alphabet="base64")
    return content


def format_instant(at: datetime) -> str:
    """A UTC time to the second, `YYYY-MM-DDTHH:MM:SSZ`."""
    # Not strftime: it leaves the zeros out of a year before 1000.
    return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def parse_instant(text: object, *, subject: str) -> datetime:
    """Read `YYYY-MM-DDTHH:MM:SSZ`.

    Raises:
        InstantError: Any other spelling, or a date that does not exist.
    """
    if not isinstance(text, str) or _INSTANT.match(text) is None:
        raise InstantError(subject=subject, found=_shown(text))
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise InstantError(subject=subject, found=text) from error


def _shown(value: object) -> str:
    """A short, harmless picture of what was found."""
    return value[:80] if isinstance(value, str) else type(value).__name__


def _unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member name occurs twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is beyond the range of a double")
    return number


def _is_plain(value: object) -> bool:
    """Whether the standard library writes this as RFC 8785 does, four times as fast.

    It escapes alike (§3.2.2.2). What differs: numbers with a fraction (§3.2.2.3), and names that are not ASCII, which
    it sorts by code points instead of UTF-16 units (§3.2.3).
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return -INTEGER_MAX <= cast("int", value) <= INTEGER_MAX
    if kind is dict:
        members = cast("dict[object, object]", value)
        return all(type(name) is str and name.isascii() and _is_plain(item) for name, item in members.items())
    return kind in (list, tuple) and all(_is_plain(item) for item in cast("list[object]", value))


_PLAIN = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), sort_keys=True, check_circular=False, allow_nan=False
)
_STRICT = json.JSONDecoder(object_pairs_hook=_unique_members, parse_constant=_refuse_constant, parse_float=_finite)
"""One for all: `json.loads` would build it anew for every document."""


def _refuse_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= JSON_DEPTH_MAX:
        return
    # Only brackets outside strings count; what is not well formed is refused by the JSON parser afterwards.
    depth = 0
    for bracket in _NOT_BRACKETS.sub("", _STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > JSON_DEPTH_MAX:
            raise ValueError(f"nested deeper than {JSON_DEPTH_MAX}")
