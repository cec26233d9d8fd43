"""What a party calls things: names that it approved itself stand before those of any list, its own above all.

A file of the columns `list`, `code`, `language`, `name` and `source`, kept by the party whose names they are. Names
are for people; no digest covers them, and nothing is decided by one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from exchange.codes import CodeList, read_rows
from exchange.errors.contract import CodeListError

_HEADER = ["list", "code", "language", "name", "source"]


@dataclass(frozen=True, slots=True)
class OwnNames:
    """The names of one party, by list, code and language."""

    party: str
    names: Mapping[tuple[str, str, str], str]


def parse_own_names(raw: bytes, *, party: str) -> OwnNames:
    """Read a party's names.

    Raises:
        CodeListError: Not such a file, a name twice, or an empty one.
    """
    subject = f"names of {party}"
    (_, header), *rows = read_rows(raw, subject)
    if header != _HEADER:
        raise CodeListError(list=subject, line=1, expected=", ".join(_HEADER), found="other columns")
    names: dict[tuple[str, str, str], str] = {}
    for line, row in rows:
        if not all(row) or not row[3].isprintable():
            raise CodeListError(list=subject, line=line, expected=f"{len(_HEADER)} printable cells", found="others")
        key = (row[0], row[1], row[2])
        if key in names:
            raise CodeListError(list=subject, line=line, expected="each name once", found=f"{row[1]} {row[2]} again")
        names[key] = row[3]
    return OwnNames(party, names)


def name_of(codelist: CodeList, code: str, language: str, *, reader: str | None, own: Mapping[str, OwnNames]) -> str:
    """What to call a code before a reader.

    The reader's own name for it; else the one that the country itself approved, where the code is a country with names
    of its own; else the list's, in the language or in English.

    Args:
        codelist: The list.
        code: One of its codes.
        language: `en`, `ru`, …
        reader: The party that reads; None: nobody in particular.
        own: The parties' own names, by party.
    """
    for party in (reader, code):
        names = own[party].names if party is not None and party in own else {}
        if (found := names.get((codelist.id, code, language))) is not None:
            return found
    labels = codelist.code(code).labels
    return labels.get(language, labels["en"])
