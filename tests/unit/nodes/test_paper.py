"""A document is the same on paper and on a page, in every language of the federation."""

from html.parser import HTMLParser
from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from nodes.paper import Code, Document, Grid, Heading, Items, Paragraph, Strong, Withheld, html_bytes, pdf_bytes

LETTERS = "ӘәҒғҚқҢңӨөҰұҮүҺһІі ЁёӢӣӮӯҲҳҶҷ ÝýŇňŞşŽžÄäÖöÜüÇç Oʻzbekiston Gʻ"
"""What Russian and English lack: Kazakh, Kyrgyz, Tajik, Turkmen, Uzbek."""

DIGEST = "sha256:" + "0123456789abcdef" * 4


def document(rows: int = 3) -> Document:
    return Document(
        title="Отчёт об аудите",
        language="ru",
        foot=DIGEST,
        blocks=(
            Paragraph((("Аудитор: IOM <&>",), ("дайджест: ", Code(DIGEST)))),
            Paragraph(((Strong("Подтверждено не всё."),),)),
            Heading("Буквы"),
            Items((Paragraph(((LETTERS,),)), Paragraph((("второе",),))), numbered=True),
            Grid(
                ("страна", "значение"),
                tuple(
                    ((f"KG {row}",), (Withheld("скрыто"),) if row % 3 == 2 else (str(1000 + row),))
                    for row in range(rows)
                ),
                figures=frozenset({1}),
                shares=(3, 1),
            ),
        ),
    )


def squeezed(text: str) -> str:
    return "".join(text.split())


def text_of_pdf(raw: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(BytesIO(raw)).pages)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = ""

    def handle_data(self, data: str) -> None:
        self.found += data


def test_a_pdf_says_every_word_of_its_document_in_every_language_s_letters() -> None:
    said = squeezed(text_of_pdf(pdf_bytes(document())))
    for text in document().texts():
        assert squeezed(text) in said


def test_a_page_says_every_word_of_its_document() -> None:
    reader = _Text()
    reader.feed(html_bytes(document()).decode())
    for text in document().texts():
        assert squeezed(text) in squeezed(reader.found)


def test_every_sheet_bears_what_it_belongs_to_and_its_number() -> None:
    sheets = PdfReader(BytesIO(pdf_bytes(document(rows=200)))).pages
    assert len(sheets) > 2
    for number, sheet in enumerate(sheets, 1):
        assert DIGEST in sheet.extract_text()
        assert f"{number} / {len(sheets)}" in sheet.extract_text()
        assert "страна" in sheet.extract_text()


def test_the_same_document_gives_the_same_bytes() -> None:
    assert pdf_bytes(document()) == pdf_bytes(document())
    assert html_bytes(document()) == html_bytes(document())


def test_a_pdf_names_its_title_and_its_language_and_no_program_or_time() -> None:
    reader = PdfReader(BytesIO(pdf_bytes(document())))
    assert reader.metadata is not None
    assert reader.metadata.title == "Отчёт об аудите"
    assert reader.trailer["/Root"]["/Lang"] == "ru"  # type: ignore[index]


@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=60))
def test_no_text_breaks_out_of_its_place(text: str) -> None:
    told = Document(title="t", language="en", foot="f", blocks=(Paragraph(((text, Code(text), Strong(text)),)),))
    reader = _Text()
    reader.feed(html_bytes(told).decode())
    assert squeezed(text * 3) in squeezed(reader.found)
    assert PdfReader(BytesIO(pdf_bytes(told))).pages[0].extract_text()
