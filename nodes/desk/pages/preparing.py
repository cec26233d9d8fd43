"""New release: what preparation built of a contract's period, or why it built nothing, and what to ask for instead."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRouter
from starlette.responses import Response

from exchange.codes import parse_period
from exchange.contract.choose import choose_one
from exchange.contract.model import DataContract, Role
from exchange.errors import ExchangeError
from exchange.errors.exchange_ import NotFoundError
from exchange.flow.agree import ContractState
from exchange.flow.candidate import CandidateFiles
from exchange.flow.preparation_note import PreparationNote, Price, RefusedField
from exchange.report import parse_report
from nodes.adapters.preparation_notes import read_notes
from nodes.desk.cases import Desk, KeptCase
from nodes.desk.pages.names import STATES
from nodes.desk.pages.protection import Protection, is_fresh, protection
from nodes.desk.pages.tasks import owed
from nodes.desk.server.candidate_routes import cases, drafts
from nodes.desk.server.context import DeskContext
from nodes.web.pages.lists import Listing, add_files
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import page_router
from nodes.web.pages.words import sentence as _
from nodes.web.problems import status_of
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

Preparing = Annotated[Officer, Depends(May(Action.CANDIDATE_SUBMIT))]

LEFT_OUT: Mapping[str, str] = {
    "nothing": _("The tables as agreed"),
    "dimension": _("Without the dimension"),
    "level": _("Without the lowest level of"),
    "table": _("Without the table"),
}
"""What an option of the adviser leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A candidate that preparation built and nobody submitted yet."""

    draft: str
    files: CandidateFiles = field(repr=False)
    protection: Protection


@dataclass(slots=True, kw_only=True)
class Release:
    """A contract's period, with everything that is known of its preparation.

    Attributes:
        due: When the contract asks for it; None where it is not owed now.
        refused: The note of refused fields, if the last build was stopped by some.
        advice: What options would cost, if the adviser was asked.
        submitted: Cases of it at the desk, the newest first.
    """

    contract: DataContract = field(repr=False)
    period: str
    due: date | None = None
    built: list[Built] = field(default_factory=list)
    refused: PreparationNote | None = None
    advice: PreparationNote | None = None
    submitted: list[KeptCase] = field(default_factory=list)

    @property
    def now(self) -> Price | None:
        """What the tables cost as agreed."""
        return self.advice.prices[0] if self.advice is not None else None

    @property
    def prepared(self) -> tuple[str, ...]:
        """What came of preparation so far."""
        found = [*(["refused"] if self.refused else []), *(["built"] if self.built else [])]
        return tuple(found) or ("nothing",)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A field of a contract's period that stopped the build."""

    contract: str
    period: str
    field: RefusedField


PAGE = "/releases/new"
PREPARED: Listing[Release] = Listing(
    name="prepared",
    page=PAGE,
    files=f"{PAGE}/prepared",
    columns={
        "statistic": lambda one: one.contract.id,
        "version": lambda one: one.contract.version,
        "of": lambda one: one.period,
        "due": lambda one: None if one.due is None else one.due.isoformat(),
        "prepared": lambda one: one.prepared,
        "at_desk": lambda one: tuple(str(kept.row.id) for kept in one.submitted),
    },
    filters=("statistic", "prepared"),
)
REFUSED: Listing[RefusedRow] = Listing(
    name="refused",
    page=PAGE,
    files=f"{PAGE}/refused",
    columns={
        "contract": lambda one: one.contract,
        "period": lambda one: one.period,
        "line": lambda one: one.field.line,
        "column": lambda one: one.field.column,
        "allowed": lambda one: one.field.allowed,
    },
    filters=("contract", "period", "column"),
)


def router(web: Pages, context: DeskContext) -> APIRouter:
    """`GET /releases/new`, with `?contract=…&period=…` for one of them, and the files of both pages' lists."""
    routes = page_router(web)
    add_files(routes, PREPARED, Action.CANDIDATE_SUBMIT, lambda _: releases(context.desk()))
    add_files(routes, REFUSED, Action.CANDIDATE_SUBMIT, lambda _: _all_refused(releases(context.desk())))

    @routes.get(PAGE)
    def new(request: Request, officer: Preparing) -> Response:
        desk = context.desk()
        asked = {name: request.query_params.get(name, "").strip() for name in ("contract", "period")}
        found = releases(desk)
        facts: dict[str, object] = {
            "officer": officer,
            "asked": asked,
            "contracts": provided(desk),
            "states": STATES,
            "left_out": LEFT_OUT,
            "list": PREPARED.show(found, request.query_params),
            "refused_notes": read_notes(desk.node.work).refused,
        }
        if not any(asked.values()):
            return web.page(request, "zone/preparing.html", {**facts, "problem": None})
        try:
            one = chosen(desk, found, asked["contract"], asked["period"])
        except ExchangeError as error:
            return web.page(request, "zone/preparing.html", {**facts, "problem": error}, status=status_of(error))
        facts |= {
            "release": one,
            "command": _command("build", desk, one)
            + (f" --officer {officer.officer_id}" if officer.officer_id else ""),
            "advise": _command("advise", desk, one),
            "shown": REFUSED.show(_all_refused([one]), request.query_params),
        }
        return web.page(request, "zone/preparing_one.html", facts)

    return routes


def _all_refused(found: Iterable[Release]) -> list[RefusedRow]:
    return [
        RefusedRow(one.contract.id, one.period, field)
        for one in found
        if one.refused is not None
        for field in one.refused.refused
    ]


def provided(desk: Desk) -> list[DataContract]:
    """The contracts in force under which this member gives figures, by id."""
    member = desk.node.member
    found = [
        kept.contract
        for kept in desk.shelf.kept.values()
        if member in kept.contract.members(Role.PROVIDER)
        and desk.shelf.standing(kept.contract, at=desk.now, provider=member).state is ContractState.IN_FORCE
    ]
    return sorted(found, key=lambda contract: contract.id)


def releases(desk: Desk) -> list[Release]:
    """Everything that is due, built, refused or advised on now; what is due first comes first."""
    kept = cases(desk)
    found: dict[tuple[str, str], Release] = {}
    contracts = {contract.digest: contract for contract in provided(desk)}

    def of(contract: DataContract, period: str) -> Release:
        return found.setdefault((contract.id, period), Release(contract=contract, period=period))

    for one in owed(desk, kept):
        release = of(one.contract, one.due.period)
        release.due = min(release.due or one.due.due, one.due.due)
    for name, files in drafts(desk, kept).items():
        contract = contracts.get(files.candidate.contract.digest)
        if contract is not None:
            of(contract, files.candidate.period).built.append(_built(desk, name, files, contract))
    for note in read_notes(desk.node.work).notes:
        contract = contracts.get(note.contract.digest)
        if contract is not None:
            _take(of(contract, note.period), note)
    for case in kept:
        pair = (case.case.candidate.contract.id, case.case.candidate.period)
        if pair in found:
            found[pair].submitted.append(case)
    return sorted(found.values(), key=lambda one: (one.due or date.max, one.contract.id, one.period))


def chosen(desk: Desk, found: Iterable[Release], contract_id: str, period: str) -> Release:
    """The release of a contract's period, whether anything is known of it or not.

    Raises:
        NotFoundError: This member gives nothing under such a contract now.
        PeriodError: No period of the contract's frequency.
    """
    contracts = {(contract.id, contract.version): contract for contract in provided(desk)}
    if not contracts:
        raise NotFoundError
    contract = contracts[choose_one(contracts, contract_id)]
    parse_period(period, frequency=contract.calendar.frequency)
    known = next((one for one in found if (one.contract.id, one.period) == (contract.id, period)), None)
    if known is not None:
        return known
    submitted = [
        kept
        for kept in cases(desk)
        if (kept.case.candidate.contract.id, kept.case.candidate.period) == (contract.id, period)
    ]
    return Release(contract=contract, period=period, submitted=submitted)


def _built(desk: Desk, name: str, files: CandidateFiles, contract: DataContract) -> Built:
    fresh = is_fresh(desk, files.candidate, contract)
    report = parse_report(files.disclosure)
    return Built(draft=name, files=files, protection=protection(report, contract, fresh=fresh))


def _take(release: Release, note: PreparationNote) -> None:
    if note.prices:
        release.advice = note
    else:
        release.refused = note


def _command(word: str, desk: Desk, one: Release) -> str:
    """What is typed beside the register."""
    name = f"{one.contract.id.lower()} {one.period}"
    return f"exchange --node {desk.node.member.lower()} bundle {word} {name} --from FILE --mapping MAP.toml"
