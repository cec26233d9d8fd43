"""Numbers, dates and names as the reader's language writes them; on screen only, never in files."""

import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton, get_timezone_location
from babel.numbers import NumberPattern, format_percent, parse_pattern

from exchange.codes import Labels, parse_period

_MONTH_OF_YEAR = "yMMMM"
_FALLBACKS = ("ru", "en")
UTC_NAME = "UTC"
_REGIONS = {"en": "en_GB"}  # day before month, as all members write it


class Reader:
    """Formats for one language.

    Args:
        language: One of the console's.
        zone: The node's own time zone, by its name in the IANA database.
    """

    def __init__(self, language: str, *, zone: str = UTC_NAME) -> None:
        self.language = language
        self._locale = Locale.parse(_REGIONS.get(language, language))
        self._zone = ZoneInfo(zone)

    @property
    def zone(self) -> str | None:
        """The city by which the node's zone is called; None where the zone is UTC itself."""
        if self._zone.key == UTC_NAME:
            return None
        return get_timezone_location(self._zone, locale=self._locale, return_city=True)

    def number(self, value: Decimal | int) -> str:
        """A figure, with all the decimals that it has: `1 910`, `12,50`."""
        exact = Decimal(value)
        exponent = exact.as_tuple().exponent
        places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
        return str(_pattern(places).apply(exact, self._locale))

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
        """A moment in UTC and in the node's zone, both named: `2 Oct 2026, 20:30 UTC (3 Oct, 01:30 Almaty)`."""
        universal, local = found.astimezone(UTC), found.astimezone(self._zone)
        text = self._at(universal, "d MMM y, HH:mm") + " UTC"
        if self.zone is None:
            return text
        pattern = "HH:mm" if universal.date() == local.date() else "d MMM, HH:mm"
        return f"{text} ({self._at(local, pattern)} {self.zone})"

    def _at(self, local: datetime, pattern: str) -> str:
        return format_datetime(local.replace(tzinfo=None), format=pattern, locale=self._locale)

    def period(self, text: str) -> str:
        """A reporting period in words: `September 2026`, `сентябрь 2026 г.`; quarters and years as the field writes."""
        period = parse_period(text)
        if period.frequency == "month":
            return format_skeleton(_MONTH_OF_YEAR, period.start, locale=self._locale)
        return text

    def label(self, labels: Labels) -> str:
        """A name in this language, else in the next one that a reader here understands."""
        return labels[self.language_of(labels)]

    def language_of(self, labels: Labels) -> str:
        """The language in which `label` says it."""
        return next(one for one in (self.language, *_FALLBACKS) if one in labels)

    def member(self, member: str) -> str:
        """A member's name, as that member writes it in this language; its id where it has no name."""
        return self.label(_members().get(member, {"en": member}))


@cache
def _pattern(places: int) -> NumberPattern:
    """Of figures with so many decimals; a table has hundreds of them."""
    return parse_pattern("#,##0" + ("." + "0" * places if places else ""))


@cache
def _members() -> Mapping[str, Labels]:
    """Members' names by language; CLDR's Russian name of Kyrgyzstan, for one, is not Kyrgyzstan's own."""
    text = resources.files("nodes.web").joinpath("i18n", "members.toml").read_text("utf-8")
    found: Mapping[str, Labels] = tomllib.loads(text)
    return found
