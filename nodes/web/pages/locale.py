"""Numbers, dates and names as the reader's language writes them; on screen only, never in files."""

import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from importlib import resources

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_decimal, format_percent

from exchange.codes import Labels, parse_period

_MONTH_OF_YEAR = "yMMMM"
_FALLBACKS = ("ru", "en")
_REGIONS = {"en": "en_GB"}  # day before month, as all members write it


class Reader:
    """Formats for one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._locale = Locale.parse(_REGIONS.get(language, language))

    def number(self, value: Decimal | int) -> str:
        """A figure, with all the decimals that it has: `1 910`, `12,50`."""
        exact = Decimal(value)
        exponent = exact.as_tuple().exponent
        places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
        pattern = "#,##0" + ("." + "0" * places if places else "")
        return format_decimal(exact, format=pattern, locale=self._locale)

    def percent(self, share: float) -> str:
        """A share with one decimal and its sign, `+12,3 %`."""
        return format_percent(share, format="+#,##0.0 %;-#,##0.0 %", locale=self._locale)

    def share(self, share: float) -> str:
        """A share without a sign, in whole percent."""
        return format_percent(share, format="#,##0 %", locale=self._locale)

    def day(self, found: date) -> str:
        """A day, written out."""
        return format_date(found, format="long", locale=self._locale)

    def instant(self, found: datetime) -> str:
        """A moment in UTC, which it names."""
        return format_datetime(found.astimezone(UTC), format="d MMM y, HH:mm", locale=self._locale) + " UTC"

    def period(self, text: str) -> str:
        """A reporting period in words: `September 2026`, `сентябрь 2026 г.`; quarters and years as the field writes."""
        period = parse_period(text)
        if period.frequency == "month":
            return format_skeleton(_MONTH_OF_YEAR, period.start, locale=self._locale)
        return text

    def label(self, labels: Labels) -> str:
        """A name in this language, else in the next one that a reader here understands."""
        return next(labels[one] for one in (self.language, *_FALLBACKS) if one in labels)

    def member(self, member: str) -> str:
        """A member's name, as that member writes it in this language; its id where it has no name."""
        return self.label(_members().get(member, {"en": member}))


@cache
def _members() -> Mapping[str, Labels]:
    """Members' names by language; CLDR's Russian name of Kyrgyzstan, for one, is not Kyrgyzstan's own."""
    text = resources.files("nodes.web").joinpath("i18n", "members.toml").read_text("utf-8")
    found: Mapping[str, Labels] = tomllib.loads(text)
    return found
