"""Tables on sheets: columns as wide as their words ask for, whole rows on each sheet, the head on every one.

Most cells of a large table say what another says, so each distinct one is measured and broken into lines once.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

from reportlab.lib.colors import HexColor
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import Flowable

from nodes.paper.model import Code, Grid, Line, Strong, Withheld

REGULAR, BOLD = "SourceSans3-Regular", "SourceSans3-Bold"
HATCHED, RULE = HexColor("#dddddd"), HexColor("#999999")
_CELL, _HEAD, _CODE, _LEADING = 8.5, 8.0, 7.0, 10.5  # points
_BETWEEN, _ABOVE, _BELOW = 7.0, 1.5, 2.5  # points: between columns, over and under a row's lines
_CODE_LEAST = 70.0  # points; a digest may be broken anywhere, but not into crumbs
_LINES_MAX = 50  # of one row; what is longer goes on as another row, so that a sheet always holds one
_SMALLER = (1.0, 0.92, 0.85)
"""Sizes that are tried before a word is broken."""


@dataclass(frozen=True, slots=True)
class Run:
    """Letters of one face; `size` in points."""

    text: str
    face: str
    size: float
    hatched: bool = False
    breakable: bool = False
    spaced: bool = False

    @property
    def width(self) -> float:
        """In points."""
        return stringWidth(self.text, self.face, self.size)


Row: TypeAlias = tuple[tuple[tuple[Run, ...], ...], ...]
"""By cell: its lines."""


class Sheeted(Flowable):
    """A table's rows from `first` to before `end`, as tall as they are.

    Args:
        columns: Where each begins and how wide it is, in points, and whether its figures stand to the right.
        head: Over every part.
        rows: Of the whole table.
        tops: How far down each row begins, in points, and the last one's end.
    """

    def __init__(
        self, columns: Sequence["Column"], head: Row, rows: Sequence[Row], tops: Sequence[float], first: int, end: int
    ) -> None:
        super().__init__()
        self._columns, self._head, self._rows, self._tops = columns, head, rows, tops
        self._first, self._end = first, end

    def wrap(self, availWidth: float, availHeight: float) -> tuple[float, float]:  # noqa: ARG002, N803  # the library's
        """How wide and tall the part is, in points."""
        self.width, self.height = availWidth, _tall(self._head) + self._tops[self._end] - self._tops[self._first]
        return self.width, self.height

    def split(self, availWidth: float, availheight: float) -> list[Flowable]:  # noqa: ARG002, N803  # the library's
        """The rows that the rest of a sheet can hold, and those after them; nothing, if it holds none."""
        last = self._tops[self._first] + availheight - _tall(self._head)
        end = self._first
        while end < self._end and self._tops[end + 1] <= last:
            end += 1
        if end == self._first:
            return []
        return [self._part(self._first, end), self._part(end, self._end)]

    def _part(self, first: int, end: int) -> "Sheeted":
        return Sheeted(self._columns, self._head, self._rows, self._tops, first, end)

    def draw(self) -> None:
        """The head, then each row over its rule."""
        y = self.height
        self.canv.setStrokeColor(RULE)
        self.canv.setLineWidth(0.4)
        for row in (self._head, *self._rows[self._first : self._end]):
            for column, cell in zip(self._columns, row, strict=True):
                self._draw_cell(column, cell, y - _ABOVE)
            y -= _tall(row)
            if _tall(row):
                self.canv.line(0, y, self.width, y)

    def _draw_cell(self, column: "Column", lines: tuple[tuple[Run, ...], ...], top: float) -> None:
        for number, line in enumerate(lines):
            x, y = column.begins, top - number * _LEADING - _CELL
            if column.figures:
                x += column.width - sum(run.width for run in line)
            for run in line:
                if run.hatched:
                    self.canv.setFillColor(HATCHED)
                    self.canv.rect(x - 2, y - 2, run.width + 4, _LEADING - 1, stroke=0, fill=1)
                    self.canv.setFillColorRGB(0, 0, 0)
                self.canv.setFont(run.face, run.size)
                self.canv.drawString(x, y, run.text)
                x += run.width


@dataclass(frozen=True, slots=True)
class Column:
    """In points from the left."""

    begins: float
    width: float
    figures: bool


def sheeted(grid: Grid, wide: float) -> Sheeted:
    """The table in `wide` points: no word is broken as long as the columns can hold them all."""
    heads: tuple[Line, ...] = tuple((name,) if name else () for name in grid.head)
    cells = [{row[column] for row in grid.rows} for column in range(len(heads))]
    room = wide - _BETWEEN * (len(heads) - 1)
    for scale in _SMALLER:
        words = [
            [_words(heads[column], BOLD, _HEAD * scale), *(_words(cell, REGULAR, _CELL * scale) for cell in found)]
            for column, found in enumerate(cells)
        ]
        least = [max((_least(run) for line in lines for run in line), default=0.0) for lines in words]
        if sum(least) <= room:
            break
    most = [max(_measure(line) for line in lines) for lines in words]
    widths = shared(least, most, room)
    begins = accumulate((width + _BETWEEN for width in widths), initial=0.0)
    columns = [
        Column(at, width, number in grid.figures)
        for number, (at, width) in enumerate(zip(begins, widths, strict=False))
    ]
    broken = [
        {cell: tuple(_broken(_words(cell, REGULAR, _CELL * scale), width)) for cell in found}
        for found, width in zip(cells, widths, strict=True)
    ]
    head = tuple(
        tuple(_broken(_words(line, BOLD, _HEAD * scale), width)) for line, width in zip(heads, widths, strict=True)
    )
    rows = [
        part
        for row in grid.rows
        for part in _parts(tuple(lines[cell] for lines, cell in zip(broken, row, strict=True)))
    ]
    return Sheeted(columns, head, rows, [*accumulate(map(_tall, rows), initial=0.0)], 0, len(rows))


def shared(least: Sequence[float], most: Sequence[float], room: float) -> list[float]:
    """What each column gets of the room: what its longest word needs, then as much as its longest text asks for.

    Args:
        least: Width of each column's longest word.
        most: Width of each column's longest text.
        room: Of all columns.
    """
    if sum(least) >= room:
        return [one * room / sum(least) for one in least]
    asked = [far - near for near, far in zip(least, most, strict=True)]
    over = room - sum(least)
    if sum(asked) > over:
        return [near + over * more / sum(asked) for near, more in zip(least, asked, strict=True)]
    return [one + (over - sum(asked)) / len(most) for one in most]


def _words(line: Line, face: str, size: float) -> list[Run]:
    """A line's words, each with the space before it."""
    runs: list[Run] = []
    spaced = False
    for piece in line:
        text = piece if isinstance(piece, str) else piece.text
        code, hatched = isinstance(piece, Code), isinstance(piece, Withheld)
        own = BOLD if isinstance(piece, Strong) else face
        for part in re.findall(r"[ \t\n]+|[^ \t\n]+", text):
            if part.isspace() and part[0] in " \t\n":
                spaced = True
                continue
            at = _CODE * size / _CELL if code else size
            runs.append(Run(part, own, at, hatched=hatched, breakable=code, spaced=spaced and bool(runs)))
            spaced = False
    return runs


def _least(run: Run) -> float:
    return min(run.width, _CODE_LEAST) if run.breakable else run.width


def _measure(line: Sequence[Run]) -> float:
    return sum(run.width + (_space(run) if run.spaced else 0.0) for run in line)


def _space(run: Run) -> float:
    return stringWidth(" ", run.face, run.size)


def _broken(words: Sequence[Run], width: float) -> Iterator[tuple[Run, ...]]:
    """Lines that fit the width; between them stood a space, or a word that no line holds was broken."""
    line: list[Run] = []
    used = 0.0
    for word in words:
        for run in _held(word, width):
            wide = _measure((run,))
            if line and used + wide > width + 0.01 and (run.spaced or run is not word):
                yield _joined(line)
                line, used, wide = [], 0.0, run.width
            line.append(run)
            used += wide
    if line:
        yield _joined(line)


def _held(word: Run, width: float) -> Iterator[Run]:
    """The word, in as many pieces as the width asks for."""
    if word.width <= width + 0.01:
        yield word
        return
    begun, spaced = "", word.spaced
    for letter in word.text:
        if begun and stringWidth(begun + letter, word.face, word.size) > width:
            yield _as(word, begun, spaced=spaced)
            begun, spaced = "", False
        begun += letter
    yield _as(word, begun, spaced=spaced)


def _as(run: Run, text: str, *, spaced: bool = False) -> Run:
    return Run(text, run.face, run.size, hatched=run.hatched, breakable=run.breakable, spaced=spaced)


def _joined(line: Sequence[Run]) -> tuple[Run, ...]:
    """Neighbours of one face as one run, with the spaces between."""
    runs: list[Run] = []
    for run in line:
        text = f" {run.text}" if run.spaced and runs else run.text
        if runs and _as(runs[-1], "") == _as(run, ""):
            runs[-1] = _as(run, runs[-1].text + text)
        else:
            runs.append(_as(run, text))
    return tuple(runs)


def _parts(row: Row) -> Iterator[Row]:
    """The row, or its lines in parts that a sheet can hold."""
    count = max((len(cell) for cell in row), default=0)
    for at in range(0, max(count, 1), _LINES_MAX):
        yield tuple(cell[at : at + _LINES_MAX] for cell in row)


def _tall(row: Row) -> float:
    """In points; nothing, if the row is empty."""
    count = max((len(cell) for cell in row), default=0)
    return _ABOVE + count * _LEADING + _BELOW if count else 0.0
