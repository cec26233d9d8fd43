"""A draft of our contract from somebody else's plain ODCS file: nothing is guessed, nothing dropped without a word.

1. our clauses are laid out (contract_import_skeleton); 2. what the file says in the same place is taken, word by word;
3. what our closed profile then refuses is put back; 4. every clause still open holds `TO_DECIDE` and an example, which
the profile refuses too: so no draft can be signed before somebody has decided each of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from exchange.contract.schemas import ODCS, PROFILE, format_path, schema_findings
from exchange.contract.text import ContractText, Path, read_text
from exchange.encoding import Json, JsonObject
from exchange.errors.sdmx import OdcsObjectError
from nodes.desk.contract_export_text import yaml_lines
from nodes.desk.contract_import_fill import IDENTITIES, Filling, LeftOut
from nodes.desk.contract_import_skeleton import FIXED_COLUMNS, Decide, Skeleton, Words, skeleton

TO_DECIDE = "TO_DECIDE"
NAMES_SHOWN_MAX = 10
_SUBJECT_NAME: Path = ("schema", 0, "name")
_NAME = Words("here it is always the contract's id", "здесь всегда id договора")
_HEAD = (
    "# A draft, not a contract: nobody has agreed to any of it. Where TO_DECIDE stands, the parties have to say what",
    "# stands there instead, of the form that the example has; until then `exchange contract check` refuses the file.",
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A term that the file has: where it stands in the draft, and in which line of the file it stood."""

    where: str
    line: int


@dataclass(frozen=True, slots=True)
class Lacking:
    """A term to decide: where in the draft, in which line of it, of which form; what the file had that cannot stand."""

    where: str
    line: int
    example: Json
    found: Json


@dataclass(frozen=True, slots=True)
class Draft:
    """The draft's text, and the account of how it came about."""

    raw: bytes
    taken: tuple[Taken, ...]
    lacking: tuple[Lacking, ...]
    left_out: tuple[LeftOut, ...]


def draft_contract(raw: bytes, *, chosen: str | None = None) -> Draft:
    """Make a draft of somebody's ODCS 3.1 file.

    Args:
        raw: The file.
        chosen: The name of the one schema object to take, where the file has several.

    Raises:
        ContractYamlError: The file's text can be read in more than one way.
        ContractSchemaError: It is no ODCS 3.1 contract.
        OdcsObjectError: It describes several tables and none, or an unknown one, is chosen.
    """
    source = read_text(raw)
    for finding in schema_findings(source):
        if finding.facts["schema"] == ODCS:
            raise finding
    objects = cast("list[JsonObject]", source.document.get("schema") or [])
    place = _chosen(objects, chosen)
    columns = cast("list[JsonObject]", objects[place].get("properties") or []) if objects else []
    dimensions = _dimensions(columns)
    filling = Filling(source, {"schema": [place], "properties": dimensions})
    filled = filling.fill(skeleton(len(dimensions)), source.document)
    kept = _acceptable(filled, filling)
    document = _document(kept)
    if objects and objects[place].get("name") != document["id"]:
        filling.leave(("schema", place, "name"), _NAME)
    text = "\n".join([*_HEAD, *yaml_lines(document), ""])
    lines = read_text(text.encode("utf-8"))
    return Draft(
        raw=text.encode("utf-8"),
        taken=tuple(
            Taken(_where(document, ours), source.line(theirs))
            for ours, theirs in filling.taken.items()
            if ours != _SUBJECT_NAME
        ),
        lacking=tuple(
            Lacking(_where(document, path), lines.line(path), decide.example, filling.refused.get(path))
            for path, decide in _open(kept, ())
            if path != _SUBJECT_NAME
        ),
        left_out=tuple(filling.left_out),
    )


def _chosen(objects: list[JsonObject], chosen: str | None) -> int:
    """The place of the object to take."""
    names = [str(item.get("name")) for item in objects]
    if chosen is None and len(names) <= 1:
        return 0
    if chosen is None or names.count(chosen) != 1:
        raise OdcsObjectError(found=chosen or "none chosen", names=_few(names))
    return names.index(chosen)


def _few(names: list[str]) -> str:
    return ", ".join(names[:NAMES_SHOWN_MAX]) + (" …" if len(names) > NAMES_SHOWN_MAX else "") if names else "none"


def _dimensions(columns: list[JsonObject]) -> list[int]:
    """The places of the columns that make the key, in its order; the period is a column of its own."""
    places = [
        place
        for place, column in enumerate(columns)
        if column.get("primaryKey") is True and column.get("name") not in FIXED_COLUMNS
    ]
    return sorted(places, key=lambda place: cast("int", columns[place].get("primaryKeyPosition") or 0))


def _acceptable(filled: Skeleton, filling: Filling) -> Skeleton:
    """The same, with every term that our profile refuses open again."""
    while True:
        document = _document(filled)
        findings = [f for f in schema_findings(ContractText(document, {(): 1})) if f.facts["schema"] == PROFILE]
        refused = {path for path in filling.taken if any(_inside(str(f.facts["path"]), path) for f in findings)}
        if not refused:
            return filled
        for path in refused:
            filled = filling.put_back(filled, path)


def _inside(found: str, path: Path) -> bool:
    """Whether a finding is about this term, or about something in it."""
    place = format_path(path)
    return found == place or found.startswith((f"{place}.", f"{place}["))


def _where(document: JsonObject, path: Path) -> str:
    """A path for people, which calls an entry of a list by its name where it has one."""
    shown, value = "", cast("Json", document)
    for step in path:
        if isinstance(step, str):
            shown += f".{step}" if shown else step
            value = cast("JsonObject", value)[step]
        else:
            value = cast("list[Json]", value)[step]
            names = [value.get(key) for key in IDENTITIES] if isinstance(value, dict) else []
            shown += f"[{next((name for name in names if isinstance(name, str)), step)}]"
    return shown


def _document(filled: Skeleton) -> JsonObject:
    document = cast("JsonObject", _written(filled))
    subject = cast("JsonObject", cast("list[Json]", document["schema"])[0])
    subject["name"] = document["id"]  # a rule of ours: the one object bears the contract's id
    return document


def _written(filled: Skeleton) -> Json:
    """As JSON: a term to decide is a mapping that stands nowhere in the profile, so it is refused wherever it is."""
    if isinstance(filled, Decide):
        return {TO_DECIDE: filled.example}
    if isinstance(filled, Mapping):
        return {name: _written(value) for name, value in filled.items()}
    if isinstance(filled, Sequence) and not isinstance(filled, str):
        return [_written(item) for item in filled]
    return cast("Json", filled)


def _open(filled: Skeleton, path: Path) -> Iterator[tuple[Path, Decide]]:
    """Every term still to decide, in the order of the draft."""
    if isinstance(filled, Decide):
        yield path, filled
    elif isinstance(filled, Mapping):
        for name, value in filled.items():
            yield from _open(value, (*path, name))
    elif isinstance(filled, Sequence) and not isinstance(filled, str):
        for place, item in enumerate(filled):
            yield from _open(item, (*path, place))
