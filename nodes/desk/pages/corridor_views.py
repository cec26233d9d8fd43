"""Mirror statistics as the corridors' pages show them: one line a double entry, and what each flag means in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import exp

from exchange.contract.model import DataContract
from exchange.mirror import Comparison, DoubleEntry, Expectation, Figure, Flag, State
from nodes.desk.mirror_words import BAND
from nodes.desk.pages.names import DIMENSIONS, TOTAL_LABELS
from nodes.web.charts import diagram, multiples
from nodes.web.pages.locale import Reader
from nodes.web.pages.words import sentence as _

RATIO_PLACES = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagWords:
    """A flag for a reader: what it says, the colour of its tag, and what to do about it."""

    text: str
    colour: str
    meaning: str


FLAGS: Mapping[Flag, FlagWords] = {
    Flag.CHANGED: FlagWords(
        text=_("the ratio changed"),
        colour="orange",
        meaning=_(
            "The ratio of the two figures moved by more than a factor of 2.2 since the last comparable period. Ask "
            "what changed: method, concept or coverage."
        ),
    ),
    Flag.IMPOSSIBLE: FlagWords(
        text=_("a part is more than the whole"),
        colour="red",
        meaning=_(
            "A part that one side reports is more than the whole that the other reports. One of the two is wrong: ask."
        ),
    ),
    Flag.APART: FlagWords(
        text=_("apart, nothing earlier"),
        colour="yellow",
        meaning=_("The figures are apart, and no earlier period says whether they always were. Watch."),
    ),
    Flag.STRUCTURAL: FlagWords(
        text=_("apart as before"),
        colour="light-blue",
        meaning=_("The figures are apart, no further than before: a habit of counting, not an event."),
    ),
    Flag.AGREES: FlagWords(
        text=_("agree"), colour="green", meaning=_("The index is at most 0.2: the two sides say much the same.")
    ),
    Flag.CONCEPT: FlagWords(
        text=_("concepts differ"),
        colour="purple",
        meaning=_(
            "The contract says that the two sides count different things. Both are shown and there is no index. Read "
            "both definitions."
        ),
    ),
    Flag.WITHHELD: FlagWords(
        text=_("withheld"),
        colour="grey",
        meaning=_("One side withholds the figure to protect people. There is no index, and nothing is guessed."),
    ),
    Flag.ONE_SIDE: FlagWords(
        text=_("one side only"),
        colour="grey",
        meaning=_("One side released nothing here. That is no zero: ask for it, or pull it."),
    ),
}
"""Flags in the order in which they ask for attention; texts are sentences of the catalogue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One double entry as a row.

    Attributes:
        parts: What breaks the corridor down: (a sentence of the catalogue or an id, the code's name); empty: all.
        decimals: Places of the contract's figures.
    """

    comparison: Comparison
    expected: Expectation | None
    parts: tuple[tuple[str, str], ...]
    decimals: int

    @property
    def entry(self) -> DoubleEntry:
        """Both figures."""
        return self.comparison.entry

    @property
    def flag(self) -> FlagWords:
        """What the comparison comes to."""
        return FLAGS[self.comparison.flag]

    @property
    def index(self) -> Decimal | None:
        """The asymmetry index with two decimals; None where there is nothing to compare."""
        return None if self.comparison.index is None else rounded(self.comparison.index)

    @property
    def ratio(self) -> Decimal | None:
        """I/E with two decimals."""
        return None if self.comparison.log_ratio is None else rounded(exp(self.comparison.log_ratio))

    @property
    def expected_ratio(self) -> tuple[Decimal, Decimal, Decimal] | None:
        """The I/E expected, and the ends of its band."""
        if self.expected is None:
            return None
        middle, reach = self.expected.log_ratio, BAND * self.expected.deviation
        return rounded(exp(middle)), rounded(exp(middle - reach)), rounded(exp(middle + reach))

    @property
    def expected_figure(self) -> tuple[Decimal, Decimal] | None:
        """Between what the destination's figure was expected, given the origin's."""
        departures = self.entry.by_origin.value
        if self.expected is None or departures is None:
            return None
        middle, reach = self.expected.log_ratio, BAND * self.expected.deviation
        places = Decimal(1).scaleb(-self.decimals)
        ends = (Decimal(float(departures) * exp(middle + sign * reach)).quantize(places) for sign in (-1, 1))
        low, high = ends
        return low, high

    @property
    def title(self) -> str:
        """The names of what breaks the corridor down, for a heading."""
        return ", ".join(label for _dimension, label in self.parts)


def rounded(value: float) -> Decimal:
    """An index or a ratio with two decimals."""
    return Decimal(value).quantize(RATIO_PLACES)


def line(one: Comparison, expected: Expectation | None, contract: DataContract, reader: Reader) -> Line:
    """A comparison as a row in the reader's language."""
    return Line(comparison=one, expected=expected, parts=_parts(one, contract, reader), decimals=contract.decimals)


def moment(line: Line) -> multiples.Moment:
    """A line as one period of a panel."""
    return multiples.Moment(
        period=line.entry.period,
        by_origin=_point(line.entry.by_origin),
        by_destination=_point(line.entry.by_destination),
        expected=line.expected_figure,
    )


def corridor_diagram(lines: Iterable[Line]) -> diagram.Diagram | None:
    """One arrow a corridor, of its total; None without a corridor. Of several totals the most noteworthy is drawn."""
    order = list(FLAGS)
    drawn: dict[tuple[str, str], diagram.Flow] = {}
    for one in sorted(lines, key=lambda one: order.index(one.comparison.flag)):
        if one.entry.is_whole:
            corridor = (one.entry.corridor.origin, one.entry.corridor.destination)
            drawn.setdefault(corridor, _flow(one))
    members = sorted({member for corridor in drawn for member in corridor})
    return diagram.diagram(members, [flow for _corridor, flow in sorted(drawn.items())]) if drawn else None


def _flow(line: Line) -> diagram.Flow:
    entry = line.entry
    shown = [figure.value for figure in (entry.by_origin, entry.by_destination) if figure.value is not None]
    return diagram.Flow(
        origin=entry.corridor.origin,
        destination=entry.corridor.destination,
        volume=max(shown, default=None),
        kind=line.comparison.flag.value.lower(),
    )


def _point(figure: Figure) -> multiples.Point:
    words = {State.SHOWN: multiples.Said.SHOWN, State.WITHHELD: multiples.Said.WITHHELD}
    return multiples.Point(said=words.get(figure.state, multiples.Said.MISSING), value=figure.value)


def _parts(one: Comparison, contract: DataContract, reader: Reader) -> tuple[tuple[str, str], ...]:
    found = []
    for dimension_id, named in sorted(one.entry.breakdown):
        code = named.partition("/")[0]  # a group's name carries what it stands for
        codelist = contract.dimension(dimension_id).codelist
        label = reader.label(codelist.code(code).labels if code in codelist else TOTAL_LABELS)
        found.append((DIMENSIONS.get(dimension_id, dimension_id), label))
    return tuple(found)
