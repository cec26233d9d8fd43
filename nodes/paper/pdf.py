"""A document as a PDF: sheets of A4, the letters of the six languages inside, the same bytes for the same document."""

from collections.abc import Iterator
from functools import cache, partial
from importlib.resources import files
from io import BytesIO
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, SimpleDocTemplate
from reportlab.platypus import Paragraph as Text

from nodes.paper.grids import BOLD, HATCHED, REGULAR, sheeted
from nodes.paper.model import Block, Code, Document, Heading, Items, Line, Paragraph, Piece, Strong

_SIDE, _TOP, _FOOT = 16 * mm, 18 * mm, 20 * mm
_PADDING = 6.0  # points, of the library's frame
_WIDTH = A4[0] - 2 * _SIDE

_BODY = ParagraphStyle("body", fontName=REGULAR, fontSize=9.5, leading=12.5, spaceAfter=4)
_TITLE = ParagraphStyle("title", _BODY, fontName=BOLD, fontSize=17, leading=21, spaceAfter=6)
_SECTION = ParagraphStyle("section", _BODY, fontName=BOLD, fontSize=12, leading=15, spaceBefore=10, keepWithNext=1)
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
            self.setFont(REGULAR, 7.5)
            self.drawString(_SIDE, _FOOT / 2, self._foot)
            self.drawRightString(A4[0] - _SIDE, _FOOT / 2, f"{number} / {len(self._sheets)}")
            super().showPage()
        super().save()


@cache
def _fonts() -> None:
    """Register the letters once; they are embedded as far as a document needs them."""
    for name in (REGULAR, BOLD):
        raw = files("nodes.paper").joinpath("fonts", f"{name}.ttf").read_bytes()
        pdfmetrics.registerFont(TTFont(name, BytesIO(raw)))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)


def _block(block: Block) -> Iterator[Flowable]:
    if isinstance(block, Heading):
        yield Text(escape(block.text), _SECTION)
    elif isinstance(block, Paragraph):
        yield Text(_lines(block), _BODY)
    elif isinstance(block, Items):
        for number, item in enumerate(block.items, 1):
            yield Text(_lines(item), _ITEM, bulletText=f"{number}." if block.numbered else "–")
    else:
        yield sheeted(block, _WIDTH)


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
    return f'<font backColor="#{HATCHED.hexval()[2:]}"> {inner} </font>'
