"""A document is the same on paper and on a page, in every language of the federation."""

import re
from html.parser import HTMLParser
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from nodes.paper import Code, Document, Grid, Heading, Items, Paragraph, Strong, Withheld, html_bytes, pdf_bytes
from nodes.paper.grids import shared

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


def told_in(grid: Grid) -> str:
    return squeezed(text_of_pdf(pdf_bytes(Document(title="t", language="ru", foot="f", blocks=(grid,)))))


def test_a_large_table_says_every_row_once_and_in_order() -> None:
    rows = tuple(((f"страна {row:04}",), (f"итого {row:04}",)) for row in range(1000))
    said = re.findall(r"страна(\d{4})итого(\d{4})", told_in(Grid(("край", "итог"), rows, figures=frozenset({1}))))
    assert said == [(f"{row:04}", f"{row:04}") for row in range(1000)]


def test_no_word_is_broken_as_long_as_the_columns_can_hold_them_all() -> None:
    words = (
        "Прибытие",
        "Узбекистан",
        "Гражданство",
        "Автомобильный (и пешком)",
        "Железнодорожный",
        "Женщины",
        "1234567",
    )
    rows = tuple(((words[0],), *((word,) for word in words)) for _ in range(3))
    raw = pdf_bytes(
        Document(title="t", language="ru", foot="f", blocks=(Grid(("Направление", *words), rows, frozenset({7})),))
    )
    lines = {line.strip() for line in PdfReader(BytesIO(raw)).pages[0].extract_text().splitlines()}
    assert {"Направление", "Узбекистан", "Железнодорожный", "Гражданство"} <= {
        word for line in lines for word in line.split()
    }


def test_what_no_column_can_hold_is_broken_and_all_there() -> None:
    long = "Ы" * 300
    said = told_in(Grid(("а", "б"), (((long,), (Code(DIGEST * 4),)), (("конец",), ("2",)))))
    assert said.count("Ы") == 300
    assert DIGEST * 4 in said
    assert "конец" in said


def test_a_row_that_is_taller_than_a_sheet_goes_on_on_the_next() -> None:
    words = [f"слово{number}" for number in range(3000)]
    said = told_in(Grid(("", ""), (((" ".join(words),), ("один",)), (("потом",), ("два",)))))
    assert all(word in said for word in words)
    assert said.index("слово2999") < said.index("потом")


@given(
    least=st.lists(st.floats(0, 200), min_size=1, max_size=9),
    more=st.lists(st.floats(0, 500), min_size=9, max_size=9),
    room=st.floats(100, 600),
)
def test_columns_fill_the_sheet_and_each_holds_its_longest_word_if_all_can(
    least: list[float], more: list[float], room: float
) -> None:
    widths = shared(least, [one + over for one, over in zip(least, more, strict=False)], room)
    assert sum(widths) == pytest.approx(room)
    if sum(least) <= room:
        assert all(width >= one - 1e-6 for width, one in zip(widths, least, strict=True))


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
