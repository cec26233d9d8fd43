"""What a person reads, signs and files: one document, written as a page and as a PDF."""

from nodes.paper.html import html_bytes
from nodes.paper.model import Block, Code, Document, Grid, Heading, Items, Line, Paragraph, Piece, Strong, Withheld
from nodes.paper.pdf import pdf_bytes

__all__ = [
    "Block",
    "Code",
    "Document",
    "Grid",
    "Heading",
    "Items",
    "Line",
    "Paragraph",
    "Piece",
    "Strong",
    "Withheld",
    "html_bytes",
    "pdf_bytes",
]
