"""The words of a manifest that somebody wrote: title, sources, licences; and the digest by which officers clear them.

All else in a manifest follows from the contract, the data and the disclosure report; these would be the one place where
text could leave that nobody approved. So they are few, short, printable, and part of every clearance.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from exchange.encoding import Digest, Json, JsonObject, canonical_json, require_members, text_member
from exchange.errors.encoding import FieldError

TEXT_CHARACTERS_MAX = 300
SOURCES_MAX = 4
LICENCES_MAX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the figures come from, as Data Package names it: a title, optionally a web address."""

    title: str
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """Under what licence the register was published, where it was: an Open Definition name, optionally an address."""

    name: str
    path: str | None = None


def labels_digest(title: str, sources: tuple[Source, ...], licences: tuple[Licence, ...]) -> Digest:
    """SHA-256 over the RFC 8785 form of the title, sources and licences as the manifest has them, absent as empty.

    They are the only words in a manifest that follow from nothing else that officers approve.
    """
    labels: JsonObject = {
        "title": title,
        "sources": sources_json(sources),
        "licenses": licences_json(licences),
    }
    return Digest.of(canonical_json(labels))


def sources_json(sources: tuple[Source, ...]) -> list[Json]:
    """The list under `sources`."""
    return [_with_path({"title": source.title}, source.path) for source in sources]


def licences_json(licences: tuple[Licence, ...]) -> list[Json]:
    """The list under `licenses`."""
    return [_with_path({"name": licence.name}, licence.path) for licence in licences]


def parse_sources(value: Json, *, subject: str) -> tuple[Source, ...]:
    """Read a list under `sources`.

    Raises:
        FieldError: Over SOURCES_MAX, or one that is not a short printable title with an optional web address.
    """
    items = _objects(value, "title", most=SOURCES_MAX, subject=subject)
    return tuple(Source(title=short_text(item, "title", subject=subject), path=_path(item, subject)) for item in items)


def parse_licences(value: Json, *, subject: str) -> tuple[Licence, ...]:
    """Read a list under `licenses`.

    Raises:
        FieldError: Over LICENCES_MAX, or one that is not a short printable name with an optional web address.
    """
    items = _objects(value, "name", most=LICENCES_MAX, subject=subject)
    return tuple(Licence(name=short_text(item, "name", subject=subject), path=_path(item, subject)) for item in items)


def short_text(value: Mapping[str, object], name: str, *, subject: str) -> str:
    """The text member of that name: words for a human reader on one line of a screen.

    Raises:
        FieldError: Empty, over TEXT_CHARACTERS_MAX, or with a character that is not printable.
    """
    text = text_member(value, name, subject=subject)
    if not 0 < len(text) <= TEXT_CHARACTERS_MAX or not text.isprintable():
        expected = f"1 to {TEXT_CHARACTERS_MAX} printable characters"
        raise FieldError(subject=subject, field=name, expected=expected, found=f"{len(text)} characters")
    return text


def _objects(value: Json, required: str, *, most: int, subject: str) -> list[JsonObject]:
    if not isinstance(value, list) or len(value) > most:
        found = f"{len(value)}" if isinstance(value, list) else type(value).__name__
        raise FieldError(subject=subject, field="value", expected=f"a list of at most {most}", found=found)
    return [_object(item, required, subject) for item in value]


def _object(value: Json, required: str, subject: str) -> JsonObject:
    if not isinstance(value, dict):
        raise FieldError(subject=subject, field="value", expected="an object", found=type(value).__name__)
    require_members(value, {required}, optional=frozenset({"path"}), subject=subject)
    return value


def _path(value: Mapping[str, object], subject: str) -> str | None:
    if "path" not in value:
        return None
    text = short_text(value, "path", subject=subject)
    if not text.startswith(("https://", "http://")):
        raise FieldError(subject=subject, field="path", expected="a web address", found=text[:80])
    return text


def _with_path(value: JsonObject, path: str | None) -> JsonObject:
    return value if path is None else {**value, "path": path}
