"""What logs and audits say, as sentences of the catalogue."""

from collections.abc import Mapping

from exchange.log.entry import EntryType
from exchange.receipt import ACCEPTED, INCOMPLETE, WITHDRAWN
from exchange.reconcile.model import Verdict
from nodes.web.pages.words import sentence as _

VERDICTS: Mapping[str, tuple[str, str]] = {
    Verdict.CONFIRMED: (_("confirmed by both sides"), "green"),
    Verdict.PENDING: (_("receipt expected"), "yellow"),
    Verdict.BROKEN_OFF: (_("broken off"), "grey"),
    Verdict.REJECTED: (_("rejected by the puller"), "orange"),
    Verdict.DISPUTED: (_("disputed"), "orange"),
    Verdict.VIOLATED: (_("a rule was broken"), "red"),
    Verdict.REFUSED: (_("refused by the publisher"), "red"),
}
ENTRIES: Mapping[EntryType, str] = {
    EntryType.CONTRACT_SIGNED: _("signed a contract"),
    EntryType.CONTRACT_ENDED: _("ended a contract"),
    EntryType.CONTRACT_SUSPENDED: _("suspended a contract"),
    EntryType.CONTRACT_RESUMED: _("resumed a contract"),
    EntryType.CLEARANCE_DECIDED: _("two officers cleared the release"),
    EntryType.BUNDLE_PUBLISHED: _("published the bundle"),
    EntryType.BUNDLE_SUPERSEDED: _("replaced the bundle by a revision"),
    EntryType.BUNDLE_WITHDRAWN: _("withdrew the bundle"),
    EntryType.PULL_SERVED: _("served a pull"),
    EntryType.PULL_REFUSED: _("refused a pull"),
    EntryType.BUNDLE_RECEIVED: _("received and verified the bundle"),
    EntryType.BUNDLE_REJECTED: _("rejected the bundle"),
    EntryType.RECEIPT_GIVEN: _("gave a receipt"),
    EntryType.RECEIPT_GOT: _("got the receipt"),
    EntryType.RECEIPT_OVERDUE: _("noted that a receipt is overdue"),
    EntryType.KEY_CHANGED: _("changed a key"),
    EntryType.TRUST_UPDATED: _("took a new registry"),
    EntryType.AUDIT_OPENED: _("opened an audit"),
    EntryType.HEARTBEAT: _("heartbeat"),
}
RECEIPTS: Mapping[str, str] = {ACCEPTED: _("accepted"), INCOMPLETE: _("incomplete"), WITHDRAWN: _("withdrawn")}
"""What a receipt says, where it is no refusal with a code."""
