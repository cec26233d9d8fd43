"""A document before it has a form: titles, sentences, lists and tables, in one language."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from exchange.errors import Language


@dataclass(frozen=True, slots=True)
class Code:
    """A digest or an identifier: small, and broken anywhere."""

    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    """What must not be overlooked."""

    text: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """The word that stands where a figure is withheld: hatched, and never a number."""

    text: str


Piece: TypeAlias = str | Code | Strong | Withheld
Line: TypeAlias = tuple[Piece, ...]
"""What stands side by side, with nothing between."""


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines under each other."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list, with numbers or without."""

    items: tuple[Paragraph, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table.

    Attributes:
        head: Each column's name.
        rows: As many lines as columns in each.
        figures: The columns of figures, which stand to the right.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]
    figures: frozenset[int] = field(default=frozenset())


Block: TypeAlias = Heading | Paragraph | Items | Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What is printed.

    Attributes:
        title: Its first heading, and its name.
        language: Of all its words.
        foot: What stands at the foot of every sheet: a digest that says what the sheet belongs to.
        blocks: In their order.
    """

    title: str
    language: Language
    foot: str
    blocks: tuple[Block, ...]

    def texts(self) -> Iterator[str]:
        """Every text in the order of reading, one by one: what a printed form must contain."""
        yield self.title
        for block in self.blocks:
            yield from _texts(block)


def _texts(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield block.text
    elif isinstance(block, Paragraph):
        yield from (text_of(line) for line in block.lines)
    elif isinstance(block, Items):
        for item in block.items:
            yield from _texts(item)
    else:
        yield from block.head
        yield from (text_of(line) for row in block.rows for line in row)


def text_of(line: Line) -> str:
    """A line without its form."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in line)
