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

from nodes.web.pages.files import CSV_TYPE, JSON_TYPE, Value, attached, format_csv
from nodes.web.pages.paging import PAGE, ROWS_PER_PAGE, Paged, page_number, paged, pages_of
from nodes.web.roles import Action
from nodes.web.sessions import May

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
        parameter: The one that names the page; a name of its own where several lists share a screen.
    """

    name: str
    page: str
    columns: Mapping[str, Callable[[Row], Value]]
    filters: tuple[str, ...] = ()
    files: str = ""
    parameter: str = PAGE

    def asked(self, query: Mapping[str, str]) -> dict[str, str]:
        """What an address asks, by filter."""
        return {name: query[name] for name in self.filters if query.get(name)}

    def kept(self, rows: Sequence[Row], query: Mapping[str, str]) -> list[Row]:
        """The rows that an address's filters leave."""
        asked = self.asked(query)
        return [row for row in rows if all(text in self._texts(name, row) for name, text in asked.items())]

    def show(self, rows: Sequence[Row], query: Mapping[str, str], **path: str) -> "Shown[Row]":
        """The page of a list that an address asks for.

        Args:
            rows: All of them, in their order.
            query: Of the address.
            path: The parts that `page` and `files` have in braces.
        """
        cut = paged(
            self.kept(rows, query),
            query,
            address=self.page.format(**path),
            query=self.asked(query),
            name=self.parameter,
            anchor=self._anchor,
        )
        choices = {name: sorted({one for row in rows for one in self._texts(name, row)}) for name in self.filters}
        return self._shown(cut, total=len(rows), choices=choices, **path)

    def show_cut(
        self, rows: Sequence[Row], query: Mapping[str, str], *, found: int, choices: Mapping[str, Sequence[str]]
    ) -> "Shown[Row]":
        """The page of a list whose rows a store has filtered and cut already.

        Args:
            rows: Of this page, from row `self.skip(query, found=found)` on.
            query: Of the address.
            found: How many rows the filters leave.
            choices: By filter, the values that occur.
        """
        asked = self.asked(query)
        pages = pages_of(found)
        cut = Paged(
            rows=rows,
            found=found,
            page=min(page_number(query, self.parameter), pages),
            pages=pages,
            address=self.page,
            query=asked,
            name=self.parameter,
            anchor=self._anchor,
        )
        return self._shown(cut, total=max(found, len(asked)), choices=choices)

    def skip(self, query: Mapping[str, str], *, found: int | None = None) -> int:
        """How many rows come before the page that an address asks for.

        Args:
            query: Of the address.
            found: How many rows there are: then the page is the last one where the address asks for more. None: not
                known yet; a store that was asked then tells, and is asked again where that makes a difference.
        """
        page = page_number(query, self.parameter)
        return ((page if found is None else min(page, pages_of(found))) - 1) * ROWS_PER_PAGE

    @property
    def file_address(self) -> str:
        """Of its files, but for the ending."""
        return self.files or f"/{self.name}"

    def format_csv(self, rows: Sequence[Row]) -> bytes:
        """These rows, whatever their number."""
        return format_csv(list(self.columns), (self._record(row) for row in rows))

    def format_json(self, rows: Sequence[Row], query: Mapping[str, str]) -> bytes:
        """`{"list", "filters", "rows"}`: the same rows and columns as in CSV."""
        document = {"list": self.name, "filters": self.asked(query), "rows": [self._record(row) for row in rows]}
        return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"

    @property
    def _anchor(self) -> str:
        """Where several lists share a screen, the next page of one begins at that list."""
        return "" if self.parameter == PAGE else self.name

    def _shown(self, cut: Paged[Row], *, total: int, choices: Mapping[str, Sequence[str]], **path: str) -> "Shown[Row]":
        return Shown(
            rows=cut.rows,
            found=cut.found,
            page=cut.page,
            pages=cut.pages,
            address=cut.address,
            query=cut.query,
            name=cut.name,
            anchor=cut.anchor,
            list=self.name,
            total=total,
            files=self.file_address.format(**path),
            choices=choices,
        )

    def _record(self, row: Row) -> dict[str, Value]:
        return {name: read(row) for name, read in self.columns.items()}

    def _texts(self, name: str, row: Row) -> tuple[str, ...]:
        value = self.columns[name](row)
        if isinstance(value, tuple):
            return value
        return () if value is None else (str(value),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown(Paged[Row]):
    """One page of a list, for a template; `query` is what is asked of each filter.

    Attributes:
        list: What its files are called.
        total: How many rows there are without filters; from a store, only whether there may be any.
        choices: By filter, the values that occur in the whole list.
    """

    list: str
    total: int
    files: str
    choices: Mapping[str, Sequence[str]]

    def file(self, ending: str) -> str:
        """All rows of the same filters as a file; `ending` is csv or json."""
        query = urlencode(self.query)
        return f"{self.files}.{ending}" + (f"?{query}" if query else "")


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
        return attached(listing.format_csv(rows), f"{listing.name}.csv", CSV_TYPE)

    @routes.get(listing.file_address + ".json", dependencies=only, name=f"{listing.name}-json")
    def as_json(request: Request) -> Response:
        rows = listing.kept(read(request), request.query_params)
        return attached(listing.format_json(rows, request.query_params), f"{listing.name}.json", JSON_TYPE)
