"""The console's words in seven languages: which one a reader gets, and how much of it there is.

A catalogue is a gettext file (`nodes/web/i18n/<language>.po`) over English sentences. English and Russian are complete;
in the others a sentence without a translation appears in Russian, and the page says what share is translated.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from exchange.errors import Language

LANGUAGES: Mapping[str, str] = {
    "en": "English",
    "ru": "Русский",
    "kk": "Қазақша",
    "ky": "Кыргызча",
    "tg": "Тоҷикӣ",
    "tk": "Türkmençe",
    "uz": "Oʻzbekcha",
}
"""Each language by its own name."""

SOURCE = "en"
"""The language in which templates are written."""
FALLBACK = "ru"
"""What a reader of an unfinished catalogue gets instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """One language's sentences.

    Attributes:
        translated: How many sentences it has.
        total: How many there are.
    """

    language: str
    translations: NullTranslations = field(repr=False)
    translated: int
    total: int

    @property
    def percent(self) -> int:
        """The share that is translated, rounded down: 100 is all."""
        return 100 * self.translated // self.total if self.total else 100

    @property
    def unchecked(self) -> bool:
        """Whether nobody who grew up with the language has read the translation yet; the page says so."""
        return self.language not in {SOURCE, FALLBACK}

    @property
    def core(self) -> Language:
        """The language in which the rules say a refusal or a clause to this reader."""
        return "en" if self.language == SOURCE else "ru"


@cache
def catalogues() -> Mapping[str, Catalogue]:
    """Every language of the console; read once in a process."""
    read = {language: _read(language) for language in LANGUAGES if language != SOURCE}
    total = read[FALLBACK][1]  # complete: a house test holds it against the templates
    fallback = read[FALLBACK][0]
    found = {SOURCE: Catalogue(language=SOURCE, translations=NullTranslations(), translated=total, total=total)}
    for language, (translations, translated) in read.items():
        if language != FALLBACK:
            translations.add_fallback(fallback)
        found[language] = Catalogue(language=language, translations=translations, translated=translated, total=total)
    return {language: found[language] for language in LANGUAGES}


def preferred(asked: str | None, remembered: str | None, accepted: str) -> str:
    """The reader's language: asked for in the address, else remembered, else the browser's first that there is.

    Args:
        asked: From `?lang=`.
        remembered: From the cookie.
        accepted: The header Accept-Language; order is enough, its weights are descending by custom (RFC 9110 §12.5.4).
    """
    offered = [asked, remembered, *(part.split(";")[0].strip().split("-")[0].lower() for part in accepted.split(","))]
    return next((one for one in offered if one is not None and one in LANGUAGES), SOURCE)


def _read(language: str) -> tuple[Translations, int]:
    raw = resources.files("nodes.web").joinpath("i18n", f"{language}.po").read_bytes()
    catalogue = read_po(io.BytesIO(raw), locale=language, abort_invalid=True)
    messages = [message for message in catalogue if message.id]
    untranslated = [message for message in messages if message.fuzzy or not _whole(message.string)]
    for message in untranslated:  # an empty plural would hide the one of the next language
        catalogue.delete(message.id)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled), len(messages) - len(untranslated)


def _whole(string: str | tuple[str, ...] | list[str] | None) -> bool:
    return all(string) if isinstance(string, tuple | list) else bool(string)
