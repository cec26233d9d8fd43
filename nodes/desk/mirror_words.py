"""Mirror statistics in people's words and as JSON: the values that the command and a page show alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from statistics import median

from exchange.errors import Language
from exchange.mirror import Comparison, DoubleEntry, Expectation, Figure, Flag, Pair, RatioModel, State

BAND = 1.28
"""Standard deviations to either side within which about four of five habits lie."""

NO_MIRROR = {
    "en": "no contract at this node mirrors it (M0)",
    "ru": "на этом узле нет зеркального договора (M0)",
}
CONCEPTS_DIFFER = {
    "en": "the two sides count different things: both are shown, and no index is made (M3)",
    "ru": "стороны учитывают разное: показаны обе, индекс не вычисляется (M3)",
}

HEADERS = {
    "en": ["period", "from", "to", "broken down by", "by origin", "by destination", "index", "I/E", "expected", "flag"],
    "ru": ["период", "из", "в", "разрез", "отправление", "прибытие", "индекс", "I/E", "ожидалось", "вывод"],
}

_FLAGS: dict[Language, dict[Flag, str]] = {
    "en": {
        Flag.ONE_SIDE: "one side only",
        Flag.WITHHELD: "withheld",
        Flag.CONCEPT: "concepts differ",
        Flag.IMPOSSIBLE: "a part is more than the whole",
        Flag.CHANGED: "the ratio changed",
        Flag.AGREES: "agree",
        Flag.STRUCTURAL: "apart as before",
        Flag.APART: "apart, nothing earlier",
    },
    "ru": {
        Flag.ONE_SIDE: "данные одной стороны",
        Flag.WITHHELD: "скрыто",
        Flag.CONCEPT: "понятия различаются",
        Flag.IMPOSSIBLE: "часть больше целого",
        Flag.CHANGED: "отношение изменилось",
        Flag.AGREES: "согласуются",
        Flag.STRUCTURAL: "расходятся, как прежде",
        Flag.APART: "расходятся, прежних данных нет",
    },
}
_STATES: dict[Language, dict[State, str]] = {
    "en": {State.WITHHELD: "withheld", State.MISSING: "not released"},
    "ru": {State.WITHHELD: "скрыто", State.MISSING: "не выпущено"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryHabit:
    """What a country counts beside the average of all, as factors: 0.5 is half as much."""

    arrivals: float
    departures: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How an expectation came out on later pairs: medians of |ln(I/E)| without it, and of what it leaves."""

    pairs: int
    without: float
    residual: float

    @classmethod
    def of(cls, later: Sequence[tuple[Pair, Expectation]]) -> "Trial":
        """Of one pair at least."""
        return cls(
            pairs=len(later),
            without=median(abs(pair.log_ratio) for pair, _ in later),
            residual=median(abs(pair.log_ratio - expected.log_ratio) for pair, expected in later),
        )


def habit(model: RatioModel, place: str, year: float) -> CountryHabit:
    """A country's two habits in a year, whoever the partner is."""
    anybody = ""
    return CountryHabit(
        arrivals=exp(model.expect(anybody, place, year).receiver),
        departures=exp(-model.expect(place, anybody, year).sender),
    )


def row(one: Comparison, expected: Expectation | None, language: Language) -> list[str]:
    """A comparison for a person, under `HEADERS`."""
    entry = one.entry
    return [
        entry.period,
        entry.corridor.origin,
        entry.corridor.destination,
        breakdown_text(entry),
        figure_text(entry.by_origin, language),
        figure_text(entry.by_destination, language),
        "-" if one.index is None else f"{one.index:.2f}",
        ratio_text(one.log_ratio),
        "-" if expected is None else ratio_text(expected.log_ratio, expected.deviation),
        flag_text(one.flag, language),
    ]


def flag_text(flag: Flag, language: Language) -> str:
    """The flag with its words."""
    return f"{flag.value} {_FLAGS[language][flag]}"


def figure_text(figure: Figure, language: Language) -> str:
    """A figure, or a word for what is not shown."""
    return _STATES[language][figure.state] if figure.value is None else f"{figure.value:f}"


def breakdown_text(entry: DoubleEntry) -> str:
    """The codes that name a part of the corridor, in order of their dimensions; a group by its own code."""
    return " ".join(code.partition("/")[0] for _, code in sorted(entry.breakdown)) or "-"


def ratio_text(log_ratio: float | None, deviation: float | None = None) -> str:
    """I/E, with its band where there is one."""
    if log_ratio is None:
        return "-"
    if deviation is None:
        return f"{exp(log_ratio):.2f}"
    low, high = exp(log_ratio - BAND * deviation), exp(log_ratio + BAND * deviation)
    return f"{exp(log_ratio):.2f} ({low:.2f}..{high:.2f})"


def comparison_json(one: Comparison, expected: Expectation | None) -> dict[str, object]:
    """One row for a program; a figure as text, so that nothing is lost."""
    entry = one.entry
    return {
        "period": entry.period,
        "origin": entry.corridor.origin,
        "destination": entry.corridor.destination,
        "breakdown": {name: code.partition("/")[0] for name, code in sorted(entry.breakdown)},
        "by_origin": _figure_json(entry.by_origin),
        "by_destination": _figure_json(entry.by_destination),
        "flag": one.flag.value,
        "index": one.index,
        "signed": one.signed,
        "log_ratio": one.log_ratio,
        "previous": None if one.previous is None else {"period": one.previous[0], "log_ratio": one.previous[1]},
        "within_agreed": one.within_agreed,
        "expected": None if expected is None else _expectation_json(expected),
    }


def _figure_json(figure: Figure) -> dict[str, str | None]:
    return {"state": figure.state.value, "value": None if figure.value is None else f"{figure.value:f}"}


def _expectation_json(expected: Expectation) -> dict[str, float]:
    return {
        "log_ratio": expected.log_ratio,
        "receiver": expected.receiver,
        "sender": expected.sender,
        "corridor": expected.corridor,
        "deviation": expected.deviation,
    }
