"""Corridors, for analysts: both sides' figures of each flow, what is asymmetric about them, and one flow over time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.responses import Response

from exchange.contract.choose import choose, version_number
from exchange.contract.model import DataContract
from exchange.mirror import Comparison, Corridor, Flag, overview
from nodes.desk.cases import Desk
from nodes.desk.pages.corridor_files import rows_csv, rows_json
from nodes.desk.pages.corridor_filters import (
    CONTRACT,
    FLAG,
    Chosen,
    Words,
    choose_comparisons,
    contract_filter,
)
from nodes.desk.pages.corridor_reading import Judged, MirrorReading
from nodes.desk.pages.corridor_views import FLAGS, Line, corridor_diagram, line, moment, rounded
from nodes.desk.pages.names import UNITS
from nodes.desk.server.context import DeskContext
from nodes.web.charts.multiples import Panel, panel
from nodes.web.pages.files import CSV_TYPE, JSON_TYPE, attached
from nodes.web.pages.locale import Reader
from nodes.web.pages.paging import paged
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import page_router
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

CORRIDORS = "/corridors"
PERIODS_MAX = 12
"""So many periods of a corridor stand on one page: a year of months. Each needs a model of its own."""
PANELS_MAX = 8
"""Totals first, then the largest parts; with every period they fit on a page of 200 rows."""
Seeing = Annotated[Officer, Depends(May(Action.PULLED_READ))]


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelView:
    """One panel of a corridor's page, and the lines that it draws, oldest first."""

    lines: Sequence[Line]
    drawn: Panel


class CorridorPages:
    """The pages and files of one desk's mirrors."""

    def __init__(self, web: Pages, context: DeskContext) -> None:
        self._web = web
        self._context = context
        self._reading = MirrorReading()

    def listing(self, request: Request, officer: Officer) -> Response:
        """Every corridor of a contract and period, filtered as the address says."""
        found = self._find(request)
        facts: dict[str, object] = {"officer": officer, "found": found, "flags": FLAGS, "units": UNITS}
        if found is not None:
            chosen = found.chosen(request)
            facts |= {"chosen": chosen, "lines": found.lines(chosen.cut.rows), **_overview(found, chosen)}
        return self._web.page(request, "zone/corridors.html", facts)

    def corridor(self, request: Request, officer: Officer, corridor: Corridor) -> Response:
        """One corridor over time."""
        found = self._find(request)
        facts: dict[str, object] = {"officer": officer, "found": found, "flags": FLAGS, "corridor": corridor}
        panels: list[PanelView] = []
        if found is not None and found.judged is not None:
            ours = [one for one in found.judged.mirrored.comparisons if one.entry.corridor == corridor]
            periods = sorted({one.entry.period for one in ours}, reverse=True)
            query = {CONTRACT: found.contract.id}
            cut = paged(periods, request.query_params, address="", query=query, size=PERIODS_MAX)
            there = frozenset(cut.rows)
            panels = list(found.panels([one for one in ours if one.entry.period in there]))
            facts["cut"] = cut
        return self._web.page(request, "zone/corridor.html", {**facts, "panels": panels})

    def file(self, request: Request, media_type: str) -> Response:
        """All rows of the listing's filters, whatever its page."""
        found = self._find(request)
        lines: list[Line] = []
        if found is not None and found.judged is not None:
            lines = found.lines(found.chosen(request).comparisons)
        if media_type == CSV_TYPE:
            return attached(rows_csv(lines), "corridors.csv", media_type)
        name, version = ("", "") if found is None else (found.contract.id, found.contract.version)
        return attached(rows_json(lines, contract=name, version=version), "corridors.json", media_type)

    def _find(self, request: Request) -> "_Found | None":
        """The contract asked for, else the first that has a mirror; None if the node has no contract.

        Raises:
            ContractNotAtHandError, ContractAmbiguousError: No contract is called like this, or two are.
            ExchangeError: A pulled bundle or the own ledger no longer verifies.
        """
        desk = self._context.desk()
        contracts = {(kept.contract.id, kept.contract.version): kept.contract for kept in desk.shelf.kept.values()}
        if not contracts:
            return None
        asked = request.query_params.get(CONTRACT) or _first(contracts.values())
        name = choose(contracts, asked)[-1]
        catalogue = self._web.catalogue(request)
        return _Found(
            contract=contracts[name],
            contracts=_newest(contracts.values()),
            judged=self._judged(desk, name),
            words=Words(Reader(catalogue.language), catalogue.translations.ugettext),
        )

    def _judged(self, desk: Desk, name: tuple[str, str]) -> Judged | None:
        found = self._reading.find(desk, "/".join(name))
        return found if isinstance(found, Judged) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A contract and what was read of its mirror; None where nothing mirrors it."""

    contract: DataContract
    contracts: Sequence[DataContract]
    judged: Judged | None
    words: Words

    def chosen(self, request: Request) -> Chosen:
        """What the address asks for."""
        comparisons = () if self.judged is None else self.judged.mirrored.comparisons
        contracts = contract_filter(self.contracts, self.contract.id, self.words)
        return choose_comparisons(comparisons, contracts, request.query_params, self.words)

    def lines(self, comparisons: Sequence[Comparison]) -> list[Line]:
        """Comparisons as rows, with what was expected of them."""
        if self.judged is None:
            return []
        expected = self.judged.expectations(comparisons)
        pairs = zip(comparisons, expected, strict=True)
        return [line(one, expectation, self.contract, self.words.reader) for one, expectation in pairs]

    def panels(self, comparisons: Sequence[Comparison]) -> Iterable[PanelView]:
        """A panel for each total, then for the largest parts that one code breaks off it."""
        groups: dict[object, list[Comparison]] = {}
        for one in sorted(comparisons, key=lambda one: one.entry.period):
            if len(one.entry.breakdown) - len(one.entry.whole) <= 1:
                groups.setdefault(one.entry.breakdown, []).append(one)
        for group in sorted(groups.values(), key=_size)[:PANELS_MAX]:
            lines = self.lines(group)
            yield PanelView(lines=lines, drawn=panel([moment(one) for one in lines]))


def router(web: Pages, context: DeskContext) -> APIRouter:
    """`GET /corridors`, the same rows as `.csv` and `.json`, and `/corridors/{origin}/{destination}`."""
    routes, pages = page_router(web), CorridorPages(web, context)

    @routes.get(CORRIDORS)
    def listing(request: Request, officer: Seeing) -> Response:
        return pages.listing(request, officer)

    @routes.get(f"{CORRIDORS}.csv", dependencies=[Depends(May(Action.PULLED_READ))])
    def as_csv(request: Request) -> Response:
        return pages.file(request, CSV_TYPE)

    @routes.get(f"{CORRIDORS}.json", dependencies=[Depends(May(Action.PULLED_READ))])
    def as_json(request: Request) -> Response:
        return pages.file(request, JSON_TYPE)

    @routes.get(f"{CORRIDORS}/{{origin}}/{{destination}}")
    def corridor(request: Request, origin: str, destination: str, officer: Seeing) -> Response:
        return pages.corridor(request, officer, Corridor(origin, destination))

    return routes


def _overview(found: _Found, chosen: Chosen) -> Mapping[str, object]:
    """How many rows come to which comparison, how far apart they are as a whole, and the diagram of a period."""
    counts = [(flag, sum(1 for one in chosen.comparisons if one.flag is flag)) for flag in FLAGS]
    wholes = [one for one in chosen.comparisons if one.entry.is_whole]
    whole = overview(wholes)
    return {
        "counts": [(FLAGS[flag], count, _only(chosen, flag)) for flag, count in counts if count],
        "kinds": [(flag.value, words) for flag, words in FLAGS.items() if any(one.flag is flag for one in wholes)],
        "median": None if whole.median_index is None else rounded(whole.median_index),
        "weighted": None if whole.weighted is None else rounded(whole.weighted),
        "diagram": corridor_diagram(found.lines(wholes)) if chosen.period else None,
    }


def _first(contracts: Iterable[DataContract]) -> str:
    return min((contract.mirror is None, contract.id) for contract in contracts)[1]


def _newest(contracts: Iterable[DataContract]) -> list[DataContract]:
    by_id = {one.id: one for one in sorted(contracts, key=lambda one: version_number(one.version))}
    return [by_id[name] for name in sorted(by_id)]


def _only(chosen: Chosen, flag: Flag) -> str:
    return replace(chosen, cut=replace(chosen.cut, query={**chosen.query, FLAG: flag.value})).parameters


def _size(group: Sequence[Comparison]) -> tuple[object, ...]:
    """Totals first, then by the greatest figure of either side."""
    entry = group[0].entry
    figures = [side.value for one in group for side in (one.entry.by_origin, one.entry.by_destination)]
    greatest = max((float(value) for value in figures if value is not None), default=0.0)
    return (not entry.is_whole, -greatest, sorted(entry.breakdown))
