"""What this officer may do with this candidate now, and why not: for the eye; the routes and the rules decide."""

from dataclasses import dataclass
from datetime import timedelta

from exchange.flow.clear import CandidateState, Case
from nodes.desk.server.context import DeskContext
from nodes.web.pages.words import sentence as _
from nodes.web.roles import Action, allows
from nodes.web.sessions import Officer

_OUT = frozenset({CandidateState.PUBLISHED, CandidateState.SUPERSEDED, CandidateState.WITHDRAWN})

_STALE = _("Something else was released since its audit: return it, and it is built again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class May:
    """Which forms a page shows.

    Attributes:
        why: Why there is nothing to approve, a sentence of the catalogue; empty where there is.
    """

    approve: bool
    send_back: bool
    release: bool
    withdraw: bool
    why: str


def may(officer: Officer, case: Case, *, fresh: bool) -> May:
    """The forms for this officer and this case; `fresh`: nothing was released since its audit that it had to know."""
    before_officers = case.state in {CandidateState.SUBMITTED, CandidateState.CLEARED}
    why = _why_not(officer, case) or ("" if fresh else _STALE)
    clears = allows(Action.CANDIDATE_RETURN, officer.roles) and officer.officer_id != case.candidate.prepared_by
    return May(
        approve=not why,
        send_back=clears and before_officers,
        release=allows(Action.CANDIDATE_RELEASE, officer.roles) and case.state is CandidateState.CLEARED,
        withdraw=allows(Action.WITHDRAWALS_READ, officer.roles) and case.state in _OUT,
        why=why,
    )


def shown_passkey(context: DeskContext, officer: Officer) -> bool:
    """Whether the officer's passkey was shown so recently that an act that signs needs no other."""
    shown, limit = officer.stepped_up_at, timedelta(seconds=context.console.settings.step_up_s)
    return shown is not None and context.clock.now() - shown <= limit


def _why_not(officer: Officer, case: Case) -> str:
    if case.state is CandidateState.CLEARED:
        return _("Enough officers have approved it.")
    if case.state is not CandidateState.SUBMITTED:
        return _("There is nothing to decide now.")
    if officer.officer_id == case.candidate.prepared_by:
        return _("You prepared it; another officer must clear it.")
    if not allows(Action.CANDIDATE_APPROVE, officer.roles):
        return _("Your role does not clear; a clearing officer decides.")
    if any(one.officer == officer.officer_id for one in case.approvals):
        return _("You approved it; another officer must, too.")
    return ""
