"""A long list in pages of two hundred, by the address: the one way in which every screen does it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import urlencode

ROWS_PER_PAGE = 200
PAGE = "page"
_PAGE_DIGITS_MAX = 6

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paged(Generic[Row]):
    """One page of a list.

    Attributes:
        rows: Those of this page.
        found: How many rows there are on all pages.
        address: Of the screen.
        query: What the address asks besides the page.
        name: The parameter that names the page.
        anchor: Where on the screen the list stands; empty: at its top.
    """

    rows: Sequence[Row] = field(repr=False)
    found: int
    page: int
    pages: int
    address: str
    query: Mapping[str, str]
    name: str = PAGE
    anchor: str = ""

    def at(self, page: int) -> str:
        """Another page of the same list."""
        query = urlencode({**self.query, self.name: page})
        return f"{self.address}?{query}" + (f"#{self.anchor}" if self.anchor else "")


def paged(  # what an address says, each with its own name
    rows: Sequence[Row],
    asked: Mapping[str, str],
    *,
    address: str,
    query: Mapping[str, str],
    name: str = PAGE,
    anchor: str = "",
    size: int = ROWS_PER_PAGE,
) -> Paged[Row]:
    """The page of these rows that an address asks for: the last one where it asks for more, the first else."""
    pages = pages_of(len(rows), size)
    page = min(page_number(asked, name), pages)
    return Paged(
        rows=rows[(page - 1) * size : page * size],
        found=len(rows),
        page=page,
        pages=pages,
        address=address,
        query=query,
        name=name,
        anchor=anchor,
    )


def pages_of(found: int, size: int = ROWS_PER_PAGE) -> int:
    """How many pages so many rows take; an empty list has one."""
    return max(1, -(-found // size))


def page_number(asked: Mapping[str, str], name: str = PAGE) -> int:
    """The page that an address asks for, from 1; 1 where it names none."""
    text = asked.get(name, "")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= _PAGE_DIGITS_MAX else 1
