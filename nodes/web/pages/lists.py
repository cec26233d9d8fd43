"""Lists: filters in the address, pages of two hundred rows, and all that the filters leave as CSV and JSON beside.

What a list says in files it says once, by columns; its page shows the same rows in words. A filter is a column.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from nodes.web.pages.files import CSV_TYPE, JSON_TYPE, Value, format_csv
from nodes.web.roles import Action
from nodes.web.sessions import May

ROWS_PER_PAGE = 200
PAGE = "page"
_PAGE_DIGITS_MAX = 6

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[Row]):
    """One kind of list.

    Attributes:
        name: What its files are called.
        page: The address of its page.
        files: Their address but for the ending, if it is not `/<name>`; may hold parts of a path in braces.
        columns: What the files say of a row, by name: codes, ids and times, the same for every reader.
        filters: The columns by which an address filters; a column of several values fits if one of them is asked for.
    """

    name: str
    page: str
    columns: Mapping[str, Callable[[Row], Value]]
    filters: tuple[str, ...] = ()
    files: str = ""

    def asked(self, query: Mapping[str, str]) -> dict[str, str]:
        """What an address asks of each filter; empty for all."""
        return {name: query.get(name, "") for name in self.filters}

    def kept(self, rows: Sequence[Row], query: Mapping[str, str]) -> list[Row]:
        """The rows that an address's filters leave."""
        asked = {name: text for name, text in self.asked(query).items() if text}
        return [row for row in rows if all(text in self._texts(name, row) for name, text in asked.items())]

    def show(self, rows: Sequence[Row], query: Mapping[str, str], **path: str) -> "Shown[Row]":
        """The page of a list that an address asks for.

        Args:
            rows: All of them, in their order.
            query: Of the address.
            path: The parts that `files` has in braces.
        """
        kept = self.kept(rows, query)
        pages = max(1, -(-len(kept) // ROWS_PER_PAGE))
        page = min(max(1, _number(query.get(PAGE, ""))), pages)
        return Shown(
            name=self.name,
            rows=kept[(page - 1) * ROWS_PER_PAGE : page * ROWS_PER_PAGE],
            found=len(kept),
            total=len(rows),
            page=page,
            pages=pages,
            address=self.page,
            files=self.file_address.format(**path),
            asked=self.asked(query),
            choices={name: sorted({one for row in rows for one in self._texts(name, row)}) for name in self.filters},
        )

    @property
    def file_address(self) -> str:
        """Of its files, but for the ending."""
        return self.files or f"/{self.name}"

    def format_csv(self, rows: Sequence[Row]) -> bytes:
        """These rows, whatever their number."""
        return format_csv(list(self.columns), (self._record(row) for row in rows))

    def format_json(self, rows: Sequence[Row], query: Mapping[str, str]) -> bytes:
        """`{"list", "filters", "rows"}`: the same rows and columns as in CSV."""
        filters = {name: text for name, text in self.asked(query).items() if text}
        document = {"list": self.name, "filters": filters, "rows": [self._record(row) for row in rows]}
        return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"

    def _record(self, row: Row) -> dict[str, Value]:
        return {name: read(row) for name, read in self.columns.items()}

    def _texts(self, name: str, row: Row) -> tuple[str, ...]:
        value = self.columns[name](row)
        if isinstance(value, tuple):
            return value
        return () if value is None else (str(value),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown(Generic[Row]):
    """One page of a list, for a template.

    Attributes:
        rows: Those of this page.
        found: How many rows the filters leave, of `total`.
        choices: By filter, the values that occur in the whole list.
    """

    name: str
    rows: Sequence[Row]
    found: int
    total: int
    page: int
    pages: int
    address: str
    files: str
    asked: Mapping[str, str]
    choices: Mapping[str, Sequence[str]]

    def at(self, page: int) -> str:
        """Another page of the same filters."""
        return f"{self.address}?{urlencode({**self._query(), PAGE: page})}"

    def file(self, ending: str) -> str:
        """All rows of the same filters as a file; `ending` is csv or json."""
        query = urlencode(self._query())
        return f"{self.files}.{ending}" + (f"?{query}" if query else "")

    def _query(self) -> dict[str, str]:
        return {name: text for name, text in self.asked.items() if text}


def add_files(
    routes: APIRouter, listing: Listing[Row], action: Action, read: Callable[[Request], Sequence[Row]]
) -> None:
    """Let `<files>.csv` and `<files>.json` answer with what the address's filters leave of the rows.

    Args:
        routes: Of the zone's pages.
        listing: The list.
        action: What one must be allowed to do.
        read: All rows of the list.
    """
    only = [Depends(May(action))]

    @routes.get(listing.file_address + ".csv", dependencies=only, name=f"{listing.name}-csv")
    def as_csv(request: Request) -> Response:
        rows = listing.kept(read(request), request.query_params)
        return _attached(listing.format_csv(rows), f"{listing.name}.csv", CSV_TYPE)

    @routes.get(listing.file_address + ".json", dependencies=only, name=f"{listing.name}-json")
    def as_json(request: Request) -> Response:
        rows = listing.kept(read(request), request.query_params)
        return _attached(listing.format_json(rows, request.query_params), f"{listing.name}.json", JSON_TYPE)


def _attached(content: bytes, name: str, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=media_type, headers=headers)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _PAGE_DIGITS_MAX else 1
