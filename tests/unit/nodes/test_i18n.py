"""The console's words: every sentence is in the catalogue, English and Russian are complete, the others say how far."""

import io
import re
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from pydantic import ValidationError

from exchange.manifest import DATA
from nodes.cli.table import find
from nodes.settings import ConsoleSettings
from nodes.web.pages.catalogues import LANGUAGES, catalogues, preferred
from nodes.web.pages.locale import Reader

NODES = Path(__file__).resolve().parents[3] / "nodes"
I18N = NODES / "web" / "i18n"
TEMPLATES = sorted(NODES.glob("*/templates/*.html"))
OTHERS = [language for language in LANGUAGES if language != "en"]
SPOKEN = re.compile(r"(?:alt|title|aria-label|placeholder|value)=\"([^\"{]*[^\W\d_]{2}[^\"{]*)\"")


def written_alike(piece: str) -> bool:
    """What is the same in every language: a file of the bundle, a format, a command that there is."""
    return piece in {DATA, "CSV", "XLSX", "Parquet"} or (
        piece.startswith("exchange ") and find(piece.split()[1:]) is not None
    )


def used() -> set[str]:
    """Every sentence that templates and pages use."""
    with (I18N / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(NODES, method_map=methods, options_map=options)
    return {ids if isinstance(ids, str) else ids[0] for _, _, ids, _, _ in found}


def messages(language: str) -> list[Message]:
    return [message for message in read_po(io.BytesIO((I18N / f"{language}.po").read_bytes())) if message.id]


def first(message: Message) -> str:
    return message.id if isinstance(message.id, str) else str(message.id[0])


def forms(message: Message) -> list[str]:
    string = message.string or ""
    return [string] if isinstance(string, str) else list(string)


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_holds_exactly_the_sentences_that_are_used(language: str) -> None:
    assert {first(message) for message in messages(language)} == used()


def test_russian_is_complete() -> None:
    assert [first(message) for message in messages("ru") if message.fuzzy or not all(forms(message))] == []
    assert catalogues()["ru"].percent == 100


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_names_the_same_facts(language: str) -> None:
    for message in messages(language):
        asked = set(re.findall(r"%\((\w+)\)s", str(message.id)))
        for form in filter(None, forms(message)):
            assert set(re.findall(r"%\((\w+)\)s", form)) <= asked, form
            if isinstance(message.id, str):
                assert set(re.findall(r"%\((\w+)\)s", form)) == asked, form


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: f"{file.parents[1].name}-{file.stem}")
def test_no_text_stands_in_a_template_outside_the_catalogue(template: Path) -> None:
    text = template.read_text("utf-8")
    text = re.sub(r"{%-?\s*trans\b.*?endtrans\s*-?%}", "", text, flags=re.DOTALL)
    text = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", "", text, flags=re.DOTALL)
    attributes = [found for found in SPOKEN.findall(text) if not re.fullmatch(r"[a-z0-9_-]+", found)]
    words = [unescape(piece).strip() for piece in re.sub(r"<[^>]*>", "\n", text).splitlines()]
    assert attributes == []
    assert [piece for piece in words if re.search(r"[^\W\d_]{2}", piece) and not written_alike(piece)] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: f"{file.parents[1].name}-{file.stem}")
def test_a_template_has_no_inline_code_or_style(template: Path) -> None:
    text = template.read_text("utf-8")
    assert re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:", text) is None


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "language"),
    [
        pytest.param("ru", "en", "kk", "ru", id="the address decides"),
        pytest.param(None, "uz", "ru", "uz", id="then what was chosen before"),
        pytest.param(None, None, "ky-KG,ky;q=0.9,ru;q=0.8", "ky", id="then the browser"),
        pytest.param("xx", "yy", "de-DE, de;q=0.9, tg", "tg", id="languages that there are not are passed over"),
        pytest.param(None, None, "", "en", id="else English"),
    ],
)
def test_a_reader_gets_the_language_asked_for(
    asked: str | None, remembered: str | None, accepted: str, language: str
) -> None:
    assert preferred(asked, remembered, accepted) == language


@pytest.mark.parametrize(("count", "said"), [(1, "1 строка"), (3, "3 строки"), (5, "5 строк"), (21, "21 строка")])
def test_russian_counts_in_three_forms(count: int, said: str) -> None:
    form = catalogues()["ru"].translations.ungettext("%(count)s row", "%(count)s rows", count)
    assert form % {"count": count} == said


def test_a_translation_that_no_native_reader_has_checked_says_so() -> None:
    assert {language for language, one in catalogues().items() if one.unchecked} == set(LANGUAGES) - {"en", "ru"}
    head = "# Machine-made; no native reader has checked it.\n"
    for language, one in catalogues().items():
        text = (I18N / f"{language}.po").read_text("utf-8") if language != "en" else ""
        assert (head in text) is one.unchecked


def test_what_is_not_translated_yet_appears_in_russian() -> None:
    russian = catalogues()["ru"].translations
    for language in OTHERS:
        found = catalogues()[language].translations
        for message in messages(language):
            if not all(forms(message)):
                single = isinstance(message.id, str)
                one, two = (message.id, message.id) if single else message.id
                for count in (1, 3, 5):
                    said = found.ugettext(one) if single else found.ungettext(one, two, count)
                    assert said == (russian.ugettext(one) if single else russian.ungettext(one, two, count))


@pytest.mark.parametrize(
    ("language", "shown"),
    [("en", "1,234.50"), ("ru", "1\u00a0234,50"), ("uz", "1\u00a0234,50"), ("kk", "1\u00a0234,50")],
)
def test_a_figure_is_written_as_the_reader_writes_it_with_every_decimal(language: str, shown: str) -> None:
    assert Reader(language).number(Decimal("1234.50")) == shown


@pytest.mark.parametrize(
    ("zone", "language", "shown"),
    [
        pytest.param("UTC", "en", "2 Oct 2026, 20:30 UTC", id="UTC alone where the node names no other"),
        pytest.param(
            "Asia/Almaty", "en", "2 Oct 2026, 20:30 UTC (3 Oct, 01:30 Almaty)", id="the day too where it differs"
        ),
        pytest.param("Asia/Bishkek", "ru", "2 окт. 2026, 20:30 UTC (3 окт., 02:30 Бишкек)", id="in Russian"),
        pytest.param("Europe/London", "en", "2 Oct 2026, 20:30 UTC (21:30 London)", id="summer time"),
    ],
)
def test_a_moment_is_said_in_utc_and_in_the_nodes_zone_and_both_are_named(zone: str, language: str, shown: str) -> None:
    assert Reader(language, zone=zone).instant(datetime(2026, 10, 2, 20, 30, tzinfo=UTC)) == shown


def test_kazakhstans_hour_is_the_one_that_its_law_gave_that_day() -> None:
    reader = Reader("en", zone="Asia/Almaty")  # UTC+6 until 1 March 2024, UTC+5 since
    assert "18:00 Almaty" in reader.instant(datetime(2024, 2, 1, 12, tzinfo=UTC))
    assert "17:00 Almaty" in reader.instant(datetime(2024, 4, 1, 12, tzinfo=UTC))


@pytest.mark.parametrize("zone", ["Asia/Atlantis", "KZT", "", "../../etc/passwd", "/etc/localtime"])
def test_a_zone_that_there_is_not_stops_the_start_by_its_name(zone: str) -> None:
    with pytest.raises(ValidationError, match="zone"):
        ConsoleSettings(zone=zone)


def test_a_member_has_the_name_that_it_gives_itself() -> None:
    assert Reader("ru").member("KG") == "Кыргызстан"  # CLDR says Киргизия
    assert Reader("uz").member("IOM") == "МОМ"
    assert Reader("en").member("XX") == "XX"


def test_the_forms_of_plural_are_those_of_the_language() -> None:
    for language in OTHERS:
        for message in messages(language):
            if not isinstance(message.id, str):
                assert len(forms(message)) == (3 if language == "ru" else 2)
