"""A long list in pages of two hundred, by the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import urlencode

ROWS_PER_PAGE = 200
PAGE_DIGITS_MAX = 6
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paged(Generic[Row]):
    """One page of a list.

    Attributes:
        rows: Those of this page, of `total`.
        name: The parameter that names the page, and the list's anchor.
    """

    rows: Sequence[Row] = field(repr=False)
    total: int
    page: int
    pages: int
    name: str
    query: Mapping[str, str]

    def address(self, page: int) -> str:
        """Another page of the same list."""
        return "?" + urlencode({**self.query, self.name: page})


def paged(rows: Sequence[Row], asked: Mapping[str, str], *, name: str) -> Paged[Row]:
    """The page of these rows that an address asks for: the last one where it asks for more, the first else."""
    pages = max(1, -(-len(rows) // ROWS_PER_PAGE))
    page = min(max(1, page_number(asked.get(name, ""))), pages)
    return Paged(
        rows=rows[(page - 1) * ROWS_PER_PAGE : page * ROWS_PER_PAGE],
        total=len(rows),
        page=page,
        pages=pages,
        name=name,
        query={key: value for key, value in asked.items() if key != name},
    )


def page_number(text: str) -> int:
    """The number of a page in an address; 1 where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= PAGE_DIGITS_MAX else 1
