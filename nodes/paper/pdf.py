"""A document as a PDF: sheets of A4, the letters of the six languages inside, the same bytes for the same document."""

from collections.abc import Iterator
from functools import cache, partial
from importlib.resources import files
from io import BytesIO
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, LongTable, SimpleDocTemplate, TableStyle
from reportlab.platypus import Paragraph as Text

from nodes.paper.model import Block, Code, Document, Grid, Heading, Items, Line, Paragraph, Piece, Strong

_REGULAR, _BOLD = "SourceSans3-Regular", "SourceSans3-Bold"
_SIDE, _TOP, _FOOT = 16 * mm, 18 * mm, 20 * mm
_PADDING = 6.0  # points, of the library's frame
_WIDTH = A4[0] - 2 * _SIDE
_LINE = colors.HexColor("#999999")
_HATCHED = "#dddddd"

_BODY = ParagraphStyle("body", fontName=_REGULAR, fontSize=9.5, leading=12.5, spaceAfter=4)
_TITLE = ParagraphStyle("title", _BODY, fontName=_BOLD, fontSize=17, leading=21, spaceAfter=6)
_SECTION = ParagraphStyle("section", _BODY, fontName=_BOLD, fontSize=12, leading=15, spaceBefore=10, keepWithNext=1)
_CELL = ParagraphStyle("cell", _BODY, fontSize=8.5, leading=10.5, spaceAfter=0, splitLongWords=1)
_HEAD = ParagraphStyle("head", _CELL, fontName=_BOLD, fontSize=8)
_FIGURE = ParagraphStyle("figure", _CELL, alignment=2)
_FIGURE_HEAD = ParagraphStyle("figure head", _HEAD, alignment=2)
_ITEM = ParagraphStyle("item", _BODY, leftIndent=14, bulletIndent=0)


def pdf_bytes(document: Document) -> bytes:
    """The sheets: nothing of the clock or the machine is in them."""
    _fonts()
    out = BytesIO()
    sheets = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_SIDE - _PADDING,
        rightMargin=_SIDE - _PADDING,
        topMargin=_TOP,
        bottomMargin=_FOOT,
        title=document.title,
        lang=document.language,
        invariant=1,
    )
    shown: list[Flowable] = [Text(escape(document.title), _TITLE)]
    for block in document.blocks:
        shown += _block(block)
    sheets.build(shown, canvasmaker=partial(_Sheets, foot=document.foot))
    return out.getvalue()


class _Sheets(Canvas):
    """Knows how many sheets there are only when all are there, and writes their feet then."""

    def __init__(self, *args: object, foot: str, **settings: object) -> None:
        super().__init__(*args, **settings)  # type: ignore[arg-type]  # whatever the library passes
        self._foot = foot
        self._sheets: list[dict[str, object]] = []

    def showPage(self) -> None:  # noqa: N802  # the library's name
        self._sheets.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]  # not in its stubs

    def save(self) -> None:
        for number, sheet in enumerate(self._sheets, 1):
            self.__dict__.update(sheet)
            self.setFont(_REGULAR, 7.5)
            self.drawString(_SIDE, _FOOT / 2, self._foot)
            self.drawRightString(A4[0] - _SIDE, _FOOT / 2, f"{number} / {len(self._sheets)}")
            super().showPage()
        super().save()


@cache
def _fonts() -> None:
    """Register the letters once; they are embedded as far as a document needs them."""
    for name in (_REGULAR, _BOLD):
        raw = files("nodes.paper").joinpath("fonts", f"{name}.ttf").read_bytes()
        pdfmetrics.registerFont(TTFont(name, BytesIO(raw)))
    pdfmetrics.registerFontFamily(_REGULAR, normal=_REGULAR, bold=_BOLD, italic=_REGULAR, boldItalic=_BOLD)


def _block(block: Block) -> Iterator[Flowable]:
    if isinstance(block, Heading):
        yield Text(escape(block.text), _SECTION)
    elif isinstance(block, Paragraph):
        yield Text(_lines(block), _BODY)
    elif isinstance(block, Items):
        for number, item in enumerate(block.items, 1):
            yield Text(_lines(item), _ITEM, bulletText=f"{number}." if block.numbered else "–")
    else:
        yield _grid(block)


def _grid(grid: Grid) -> Flowable:
    figures = [column in grid.figures for column in range(len(grid.head))]
    heads = [Text(escape(name), _FIGURE_HEAD if far else _HEAD) for name, far in zip(grid.head, figures, strict=True)]
    rows = [
        [Text(_line(cell), _FIGURE if far else _CELL) for cell, far in zip(row, figures, strict=True)]
        for row in grid.rows
    ]
    shares = grid.shares or (1,) * len(grid.head)
    table = LongTable([heads, *rows], colWidths=[_WIDTH * share / sum(shares) for share in shares], repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 6),
                ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
            ]
        )
    )
    return table


def _lines(paragraph: Paragraph) -> str:
    return "<br/>".join(_line(line) for line in paragraph.lines)


def _line(line: Line) -> str:
    return "".join(_piece(piece) for piece in line)


def _piece(piece: Piece) -> str:
    if isinstance(piece, str):
        return escape(piece)
    inner = escape(piece.text)
    if isinstance(piece, Code):
        return f'<font size="7">{inner}</font>'
    if isinstance(piece, Strong):
        return f"<b>{inner}</b>"
    return f'<font backColor="{_HATCHED}"> {inner} </font>'
