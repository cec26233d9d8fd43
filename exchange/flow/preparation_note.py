"""What preparation tells the desk beside a candidate: why rows were refused, what coarser tables would cost.

It crosses into the desk's zone (DESIGN.md §2), so it has no place for what a row says, for a figure of a table, or for
a sum: a refused field is a line, a column and what is allowed there; an option's price is a count of withheld cells.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from exchange.codes import parse_period
from exchange.contract.reference import ContractRef
from exchange.encoding import (
    Json,
    JsonObject,
    canonical_json,
    format_instant,
    int_member,
    parse_canonical_object,
    parse_instant,
    require_members,
    text_member,
)
from exchange.errors.encoding import FieldError
from exchange.labels import TEXT_CHARACTERS_MAX, short_text

NOTE_TYPE = "preparation-note/1"
REFUSED_MAX = 1000
"""How many refused fields a note names; the whole list stays with whoever keeps the register."""
OPTIONS_MAX = 200
LINES_MAX = 10**10
"""Of an extract: every person on earth, and some."""
NOTE_BYTES_MAX = 1024 * 1024
_ID = r"[A-Z][A-Z0-9_]{0,29}"
COARSENINGS: Mapping[str, re.Pattern[str]] = {
    "nothing": re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*\Z"),
    "dimension": re.compile(rf"{_ID} \({_ID}\)\Z"),
    "level": re.compile(rf"{_ID}\Z"),
    "table": re.compile(rf"{_ID}\Z"),
}
"""What an option leaves out, and how that is named: nothing of a contract, a dimension of a table, a dimension's lowest
level, a table. The names are the contract's, so that nothing else can be said in their place."""

_SUBJECT = "preparation note"
_MEMBERS = {"type", "contract", "period", "at", "refused_fields", "refused", "prices"}
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedField:
    """A field that stopped the build; what it holds stays in the preparation zone.

    Attributes:
        line: Of the extract, 1 to LINES_MAX.
        column: The register's.
        allowed: What may stand there.
    """

    line: int
    column: str
    allowed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What protecting one table would cost, by the adviser's trial.

    Attributes:
        coarsening: What is left out, one of COARSENINGS; `subject` says which.
        cells: How many the table would have, `withheld` of them withheld.
        protectable: Whether some pattern protects it.
    """

    coarsening: str
    subject: str
    cells: int
    withheld: int
    protectable: bool

    @property
    def share(self) -> float:
        """The share of the cells that would be withheld, 0 to 1."""
        return self.withheld / self.cells if self.cells else 0.0

    @property
    def published(self) -> int:
        """How many cells could be published."""
        return self.cells - self.withheld


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationNote:
    """What preparation tells of one contract's period.

    Attributes:
        refused_fields: How many fields were refused, of which `refused` names the first ones.
        prices: The table as agreed, then the adviser's options, the best first; empty if it was not asked.
    """

    contract: ContractRef
    period: str
    at: datetime
    refused_fields: int = 0
    refused: tuple[RefusedField, ...] = ()
    prices: tuple[Price, ...] = ()

    @property
    def name(self) -> str:
        """The file's name; the next note of this contract and period takes its place."""
        kind = "advice" if self.prices else "refused"
        return f"{self.contract.id}-{self.period}.{kind}.json".lower()


def format_preparation_note(note: PreparationNote) -> bytes:
    """The RFC 8785 bytes of a note."""
    return canonical_json(
        {
            "type": NOTE_TYPE,
            "contract": note.contract.as_json(),
            "period": note.period,
            "at": format_instant(note.at),
            "refused_fields": note.refused_fields,
            "refused": [{"line": one.line, "column": one.column, "allowed": one.allowed} for one in note.refused],
            "prices": [
                {
                    "coarsening": one.coarsening,
                    "subject": one.subject,
                    "cells": one.cells,
                    "withheld": one.withheld,
                    "protectable": one.protectable,
                }
                for one in note.prices
            ],
        }
    )


def parse_preparation_note(raw: bytes) -> PreparationNote:
    """Read a note; an unknown member is refused, so nothing can be said there that is not meant to be.

    Raises:
        JsonError, CanonicalJsonError, FieldError, DigestError, InstantError, PeriodError: Not the form.
    """
    document = parse_canonical_object(raw, subject=_SUBJECT, bytes_max=NOTE_BYTES_MAX)
    require_members(document, _MEMBERS, subject=_SUBJECT)
    if document["type"] != NOTE_TYPE:
        raise FieldError(subject=_SUBJECT, field="type", expected=NOTE_TYPE, found="another text")
    period = text_member(document, "period", subject=_SUBJECT)
    parse_period(period)
    refused = _items(document, "refused", _refused, most=REFUSED_MAX)
    note = PreparationNote(
        contract=ContractRef.parse(document["contract"], subject=_SUBJECT),
        period=period,
        at=parse_instant(document["at"], subject=_SUBJECT),
        refused_fields=int_member(document, "refused_fields", subject=_SUBJECT),
        refused=refused,
        prices=_items(document, "prices", _price, most=OPTIONS_MAX),
    )
    if note.refused_fields < len(refused):
        expected = f"at least the {len(refused)} named"
        raise FieldError(subject=_SUBJECT, field="refused_fields", expected=expected, found=str(note.refused_fields))
    return note


def shortened(text: str) -> str:
    """A register's own word, as a note can carry it: printable, on one line."""
    printable = "".join(character if character.isprintable() else "·" for character in text)
    return printable[:TEXT_CHARACTERS_MAX] or "–"


def _items(document: JsonObject, name: str, read: Callable[[JsonObject], _Item], *, most: int) -> tuple[_Item, ...]:
    found = document[name]
    if not isinstance(found, list) or len(found) > most:
        raise FieldError(subject=_SUBJECT, field=name, expected=f"a list of at most {most}", found="something else")
    return tuple(read(_object(item, name)) for item in found)


def _object(item: Json, name: str) -> JsonObject:
    if not isinstance(item, dict):
        raise FieldError(subject=_SUBJECT, field=name, expected="objects", found=type(item).__name__)
    return item


def _refused(item: JsonObject) -> RefusedField:
    subject = f"{_SUBJECT}: refused"
    require_members(item, {"line", "column", "allowed"}, subject=subject)
    return RefusedField(
        line=_line(item, subject),
        column=short_text(item, "column", subject=subject),
        allowed=short_text(item, "allowed", subject=subject),
    )


def _line(item: JsonObject, subject: str) -> int:
    line = int_member(item, "line", subject=subject)
    if not 1 <= line <= LINES_MAX:
        raise FieldError(subject=subject, field="line", expected=f"1 to {LINES_MAX}", found=str(line))
    return line


def _price(item: JsonObject) -> Price:
    subject = f"{_SUBJECT}: prices"
    require_members(item, {"coarsening", "subject", "cells", "withheld", "protectable"}, subject=subject)
    coarsening, protectable = text_member(item, "coarsening", subject=subject), item["protectable"]
    names = COARSENINGS.get(coarsening)
    if names is None:
        raise FieldError(subject=subject, field="coarsening", expected=" or ".join(COARSENINGS), found="another")
    left_out = text_member(item, "subject", subject=subject)
    if len(left_out) > TEXT_CHARACTERS_MAX or names.match(left_out) is None:
        expected = f"the name of what is left out ({coarsening})"
        raise FieldError(subject=subject, field="subject", expected=expected, found="another text")
    if not isinstance(protectable, bool):
        expected, found = "true or false", type(protectable).__name__
        raise FieldError(subject=subject, field="protectable", expected=expected, found=found)
    price = Price(
        coarsening=coarsening,
        subject=left_out,
        cells=int_member(item, "cells", subject=subject),
        withheld=int_member(item, "withheld", subject=subject),
        protectable=protectable,
    )
    if price.withheld > price.cells:
        raise FieldError(
            subject=subject, field="withheld", expected=f"at most {price.cells}", found=str(price.withheld)
        )
    return price
