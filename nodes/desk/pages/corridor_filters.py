"""Which double entries an address of the corridors' page asks for, and what else it could ask for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from exchange.contract.model import DataContract
from exchange.mirror import Comparison
from nodes.desk.pages.corridor_views import FLAGS
from nodes.desk.pages.table import Choice, with_unknown
from nodes.web.pages.locale import Reader
from nodes.web.pages.paging import Paged, paged
from nodes.web.pages.words import sentence as _

CONTRACT, PERIOD, ORIGIN, DESTINATION, FLAG, PARTS = "contract", "period", "origin", "destination", "flag", "parts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One choice of the form.

    Attributes:
        title: A sentence of the catalogue.
        chosen: A code; empty for all.
        all: Whether there is an entry for all.
    """

    id: str
    title: str
    choices: tuple[Choice, ...]
    chosen: str
    all: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What an address asks for.

    Attributes:
        comparisons: All that the filters leave.
        cut: The page of them.
    """

    filters: tuple[Filter, ...]
    comparisons: Sequence[Comparison] = field(repr=False)
    cut: Paged[Comparison]

    @property
    def query(self) -> Mapping[str, str]:
        """The address's parameters but the page."""
        return self.cut.query

    @property
    def period(self) -> str:
        """The one period asked for; empty for all."""
        return self.query[PERIOD]

    @property
    def parts(self) -> bool:
        """Whether rows have a breakdown to show: asked for, or by measures, which have no total."""
        return any(one.entry.breakdown for one in self.comparisons)

    @property
    def parameters(self) -> str:
        """The filters, for the same rows as a file."""
        return "?" + urlencode(self.query)


@dataclass(frozen=True, slots=True)
class Words:
    """How names are said to this reader; `say` translates a sentence of the catalogue."""

    reader: Reader
    say: Callable[[str], str]


def contract_filter(contracts: Iterable[DataContract], chosen: str, words: Words) -> Filter:
    """The contracts at this node by title, each once."""
    titles = {contract.id: words.reader.label(contract.title) for contract in contracts}
    choices = tuple(Choice(code=code, label=f"{code}: {title}") for code, title in sorted(titles.items()))
    return Filter(id=CONTRACT, title=_("Contract"), choices=choices, chosen=chosen, all=False)


def choose_comparisons(
    comparisons: Sequence[Comparison], contracts: Filter, asked: Mapping[str, str], words: Words
) -> Chosen:
    """What is asked for, the newest first; what the address names and nothing has leaves no row.

    Without a period it is the last one of which anything is known, without `parts` the corridors' totals.
    """
    filters = (contracts, *_filters(comparisons, asked, words))
    query = {one.id: one.chosen for one in filters}
    kept = [one for one in comparisons if _fits(one, query)]
    kept.sort(key=_order)
    kept.sort(key=lambda one: one.entry.period, reverse=True)
    return Chosen(filters=filters, comparisons=kept, cut=paged(kept, asked, address="", query=query, anchor="cells"))


def _filters(comparisons: Sequence[Comparison], asked: Mapping[str, str], words: Words) -> Iterable[Filter]:
    reader, say = words.reader, words.say
    entries = [one.entry for one in comparisons]
    periods = sorted({entry.period for entry in entries}, reverse=True)
    flags = {one.flag for one in comparisons}
    origins = sorted({entry.corridor.origin for entry in entries})
    destinations = sorted({entry.corridor.destination for entry in entries})
    yield _filter(PERIOD, _("Period"), [(one, reader.period(one)) for one in periods], asked, default=(*periods, "")[0])
    yield _filter(ORIGIN, _("From"), [(one, reader.member(one)) for one in origins], asked)
    yield _filter(DESTINATION, _("To"), [(one, reader.member(one)) for one in destinations], asked)
    yield _filter(
        FLAG, _("Comparison"), [(flag.value, say(said.text)) for flag, said in FLAGS.items() if flag in flags], asked
    )
    parts = (Choice(code="", label=say(_("totals only"))), Choice(code="1", label=say(_("totals and parts"))))
    yield Filter(id=PARTS, title=_("Rows"), choices=parts, chosen="1" if asked.get(PARTS) == "1" else "", all=False)


def _filter(
    name: str, title: str, found: Sequence[tuple[str, str]], asked: Mapping[str, str], *, default: str = ""
) -> Filter:
    wanted = asked.get(name, default)
    choices = tuple(Choice(code=code, label=label) for code, label in found)
    return Filter(id=name, title=title, choices=with_unknown(choices, wanted), chosen=wanted)


def _fits(one: Comparison, query: Mapping[str, str]) -> bool:
    entry = one.entry
    asked = (
        (query[PERIOD], entry.period),
        (query[ORIGIN], entry.corridor.origin),
        (query[DESTINATION], entry.corridor.destination),
        (query[FLAG], one.flag.value),
    )
    return all(wanted in {"", found} for wanted, found in asked) and (bool(query[PARTS]) or entry.is_whole)


def _order(one: Comparison) -> tuple[object, ...]:
    entry = one.entry
    return (entry.corridor, not entry.is_whole, len(entry.breakdown), sorted(entry.breakdown))
