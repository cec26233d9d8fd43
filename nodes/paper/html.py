"""A document as one page: no scripts, nothing fetched, a form for the screen and one for the printer."""

from collections.abc import Iterator
from html import escape

from nodes.paper.model import Block, Code, Document, Grid, Heading, Items, Line, Paragraph, Piece, Strong, Withheld

_STYLE = """
@page { size: A4; margin: 18mm 16mm 20mm; @bottom-right { content: counter(page) " / " counter(pages); } }
body { font: 10pt/1.4 "Source Sans 3", "Noto Sans", "DejaVu Sans", sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; color: #000; }
h1 { font-size: 17pt; margin: 0 0 .3rem; } h2 { font-size: 12pt; margin: 1.6rem 0 .4rem; break-after: avoid; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; } tr, li { break-inside: avoid; }
thead { display: table-header-group; }
th, td { text-align: left; vertical-align: top; padding: .2rem .6rem .2rem 0; border-bottom: .4pt solid #999; }
.figure { text-align: right; font-variant-numeric: tabular-nums; }
code { font: 8pt "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.withheld { background: repeating-linear-gradient(45deg, #fff 0 3px, #ccc 3px 4px); padding: 0 .3rem; }
footer { margin-top: 2rem; font-size: 8pt; }
@media print { body { max-width: none; margin: 0; padding: 0; } }
"""


def html_bytes(document: Document) -> bytes:
    """The page in UTF-8: the same bytes for the same document."""
    return "\n".join(_page(document)).encode("utf-8")


def _page(document: Document) -> Iterator[str]:
    yield f'<!DOCTYPE html>\n<html lang="{document.language}">\n<head>\n<meta charset="utf-8">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(document.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>"
    yield f"<h1>{escape(document.title)}</h1>"
    for block in document.blocks:
        yield from _block(block)
    yield f"</main>\n<footer><code>{escape(document.foot)}</code></footer>\n</body>\n</html>\n"


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"<h2>{escape(block.text)}</h2>"
    elif isinstance(block, Paragraph):
        yield f"<p>{_lines(block)}</p>"
    elif isinstance(block, Items):
        tag = "ol" if block.numbered else "ul"
        yield f"<{tag}>"
        yield from (f"<li>{_lines(item)}</li>" for item in block.items)
        yield f"</{tag}>"
    else:
        yield from _grid(block)


def _grid(grid: Grid) -> Iterator[str]:
    marks = [' class="figure"' if column in grid.figures else "" for column in range(len(grid.head))]
    head = "".join(f"<th scope=col{mark}>{escape(name)}</th>" for name, mark in zip(grid.head, marks, strict=True))
    yield f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>'
    for row in grid.rows:
        yield "<tr>" + "".join(f"<td{mark}>{_line(cell)}</td>" for cell, mark in zip(row, marks, strict=True)) + "</tr>"
    yield "</tbody></table></div>"


def _lines(paragraph: Paragraph) -> str:
    return "<br>".join(_line(line) for line in paragraph.lines)


def _line(line: Line) -> str:
    return "".join(_piece(piece) for piece in line)


def _piece(piece: Piece) -> str:
    if isinstance(piece, str):
        return escape(piece)
    inner = escape(piece.text)
    if isinstance(piece, Code):
        return f"<code>{inner}</code>"
    if isinstance(piece, Strong):
        return f"<strong>{inner}</strong>"
    assert isinstance(piece, Withheld)
    return f'<span class="withheld">{inner}</span>'
