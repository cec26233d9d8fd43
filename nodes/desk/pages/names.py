"""The names of what contracts measure and of where a candidate stands, as sentences of the catalogue."""

from collections.abc import Mapping

from exchange.codes import Labels
from exchange.errors import Language
from exchange.flow.clear import CandidateState
from nodes.desk.acts import DeskAct
from nodes.desk.contract_russian import both
from nodes.desk.contract_words import words
from nodes.desk.withdrawing import APPROVED, LOGGED, PROPOSED, WITHDRAWN
from nodes.web.pages.words import sentence as _

DIMENSIONS: Mapping[str, str] = {
    "ACTIVITY": _("Economic activity"),
    "AGE": _("Age"),
    "BAN_LENGTH": _("Length of the ban"),
    "BORDER_REGION": _("Border region"),
    "BORDER_TYPE": _("Type of border"),
    "CHANNEL": _("Channel"),
    "CITIZENSHIP": _("Citizenship"),
    "COUNTERPART": _("Country on the other side"),
    "DECISION": _("Decision"),
    "DESTINATION": _("Country of destination"),
    "DETECTION": _("Place of detection"),
    "DIRECTION": _("Direction"),
    "DURATION": _("Intended stay"),
    "EXPLOITATION": _("Form of exploitation"),
    "FROM_COUNTRY": _("Returned from"),
    "GROUND": _("Ground of refusal"),
    "MEASURE": _("Measure"),
    "MODE": _("Mode of transport"),
    "NEXT_RESIDENCE": _("Next country of residence"),
    "OCCUPATION": _("Occupation"),
    "ORIGIN_REGION": _("Region of origin"),
    "OUTCOME": _("Outcome"),
    "PREV_RESIDENCE": _("Previous country of residence"),
    "PURPOSE": _("Purpose"),
    "REGION": _("Region"),
    "RETURN_TYPE": _("Type of return"),
    "SEX": _("Sex"),
    "STAGE": _("Stage"),
    "STATUS_LOST": _("How the status was lost"),
}
"""Dimensions by id; one that is not here is shown by its id."""

TOTAL_LABELS: Labels = {
    "en": "Total",
    "ru": "Всего",
    "kk": "Барлығы",
    "ky": "Бардыгы",
    "tg": "Ҳамагӣ",
    "tk": "Jemi",
    "uz": "Jami",
}
"""The total, in a dimension whose code list has no code for it."""

UNITS: Mapping[str, str] = {
    "events": _("events"),
    "permits": _("permits"),
    "persons": _("persons"),
    "usd-million-or-thousand-transfers": _("million US dollars, or thousand transfers"),
}
"""Units of measure by their name in the contract; one that is not here is shown by its name."""

COUNTED: Mapping[str, str] = {
    "employer": _("employers"),
    "operator": _("operators"),
    "person": _("persons"),
    "traveller": _("travellers"),
    "worker": _("workers"),
}
"""Who is counted for the thresholds."""

STATES: Mapping[CandidateState, tuple[str, str]] = {
    CandidateState.DRAFT: (_("draft"), "grey"),
    CandidateState.SUBMITTED: (_("waits for approval"), "yellow"),
    CandidateState.RETURNED: (_("returned"), "orange"),
    CandidateState.CLEARED: (_("cleared, not sent yet"), "blue"),
    CandidateState.LOGGED: (_("logged, waits for witnesses"), "light-blue"),
    CandidateState.PUBLISHED: (_("published"), "green"),
    CandidateState.SUPERSEDED: (_("replaced by a revision"), "grey"),
    CandidateState.WITHDRAWN: (_("withdrawn"), "red"),
}
"""A state in words, and the colour of its tag."""

WITHDRAWAL_STATES: Mapping[str, tuple[str, str]] = {
    PROPOSED: (_("proposed, another officer must agree"), "yellow"),
    APPROVED: (_("agreed, not published yet"), "blue"),
    LOGGED: (_("logged, waits for witnesses"), "light-blue"),
    WITHDRAWN: (_("in effect"), "red"),
}
"""Where a withdrawal stands."""

CHANGE_HEADINGS: Mapping[str, str] = {
    "newly_unwithheld": _("Shown now, withheld before"),
    "newly_withheld": _("Withheld now, shown before"),
    "changed": _("Another figure"),
    "removed": _("No longer there"),
    "added": _("New"),
}

ACTS: Mapping[str, str] = {
    "propose enrolment": _("account proposed"),
    "approve enrolment": _("let in"),
    "invite": _("invited"),
    "close account": _("account closed"),
    "end sessions": _("sessions ended"),
    "enrol": _("passkey enrolled"),
    "add passkey": _("passkey added"),
    "revoke passkey": _("passkey removed"),
    "sign in": _("sign-in"),
    "forget attempts": _("oldest refusals dropped"),
    DeskAct.PULL: _("pull asked for"),
    DeskAct.RELEASE: _("release sent"),
    DeskAct.RELEASE_WITHDRAWAL: _("withdrawal sent"),
    DeskAct.SIGN_CONTRACT: _("contract signed"),
    DeskAct.SUSPEND_CONTRACT: _("contract suspended"),
    DeskAct.RESUME_CONTRACT: _("contract resumed"),
    DeskAct.END_CONTRACT: _("contract ended"),
    DeskAct.PROPOSE_CONTRACT: _("contract proposed"),
}
"""Acts of the console's journal, by what it calls them; one that is not here is shown as it is."""


def said_purpose(purpose: str, core: Language) -> str:
    """What a pull is for, as a contract's clauses say it in this language."""
    english, russian = words([purpose])
    return russian if core == "ru" else english


def said_text(text: str, core: Language) -> str:
    """A text of a contract in this language; one without a translation in the signed words."""
    english, russian = both(text)
    return russian if core == "ru" else english
