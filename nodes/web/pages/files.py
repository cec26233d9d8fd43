"""Values as files for people's own tools: nothing in them that a spreadsheet would run, no word of a language."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from starlette.responses import Response

from nodes.web.problems import NO_STORE

Value: TypeAlias = str | int | float | bool | tuple[str, ...] | None
"""What a cell of a file may hold; several texts stand with spaces between in CSV, as a list in JSON."""

CSV_TYPE, JSON_TYPE = "text/csv; charset=utf-8", "application/json"
_ACTIVE = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection), also in full width."""
_INSIDE = re.compile('([;,|\t\r\n"]\\s*)([=+@\uff1d\uff0b\uff0d\uff20-])')


def format_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Value]]) -> bytes:
    """UTF-8 CSV (RFC 4180) with a header, and a byte-order mark by which spreadsheets know its coding."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[column]) for column in columns])
    return out.getvalue().encode("utf-8-sig")


def attached(content: bytes, name: str, media_type: str) -> Response:
    """A file for the reader to keep; no cache keeps it, since it may hold figures."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', **NO_STORE}
    return Response(content, media_type=media_type, headers=headers)


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe stands before whatever begins like one.

    Where the reader's list separator is another than the comma, a cell begins after it in the middle of the text.
    """
    return _INSIDE.sub(r"\1'\2", f"'{text}" if text.startswith(_ACTIVE) else text)


def _cell(value: Value) -> object:
    """A number stays one, also below zero; nothing is an empty cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return harmless(" ".join(value))
    return harmless(value) if isinstance(value, str) else value
