"""Whether everybody who holds a withdrawn bundle acknowledged that it was taken back, in time.

The acknowledgement is a receipt with the verdict `withdrawn` (DESIGN.md §7); its deadline is that of any receipt, from
the moment at which the withdrawal took effect.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from exchange.encoding import format_instant
from exchange.errors.audit_holders import WithdrawalNotAcknowledgedError
from exchange.log.entry import EntryType
from exchange.receipt import WITHDRAWN
from exchange.reconcile.evidence import Signatures, Standing
from exchange.reconcile.history import Histories
from exchange.reconcile.model import Federation, Finding, LoggedEntry
from exchange.reconcile.pairs import Pair
from exchange.reconcile.pulls import finding, receipt_days


def judge_acknowledgements(
    pairs: Iterable[Pair], federation: Federation, signatures: Signatures, histories: Histories
) -> tuple[Finding, ...]:
    """One finding for each member and withdrawn bundle that it received and did not acknowledge in time."""
    held: dict[tuple[str, str, str], tuple[Pair, LoggedEntry]] = {}
    acknowledged: set[tuple[str, str, str]] = set()
    for pair in pairs:
        history = histories.get(pair.publisher)
        withdrawal = None if history is None else history.withdrawn.get(pair.bundle)
        if withdrawal is None or pair.puller not in federation.logs:
            continue
        who = (pair.publisher, pair.puller, str(pair.bundle))
        if pair.taken is not None and pair.taken.entry.type is EntryType.BUNDLE_RECEIVED:
            held.setdefault(who, (pair, withdrawal))
        if _acknowledged(pair, signatures):
            acknowledged.add(who)
    open_ones = (found for who, found in held.items() if who not in acknowledged)
    return tuple(one for pair, withdrawal in open_ones for one in _overdue(pair, withdrawal, federation))


def _acknowledged(pair: Pair, signatures: Signatures) -> bool:
    """Whether the puller logged a receipt that says so; one that could not be asked for is given the benefit."""
    given = (logged for logged in pair.acknowledged if logged.member == pair.puller)
    opened = (signatures.receipt(logged, puller=pair.puller) for logged in given)
    return any(
        one.standing is Standing.ABSENT or (one.says is not None and one.says.verdict == WITHDRAWN) for one in opened
    )


def _overdue(pair: Pair, withdrawal: LoggedEntry, federation: Federation) -> Iterator[Finding]:
    took_effect: datetime = withdrawal.cosigned_at or withdrawal.entry.at
    due = took_effect + timedelta(days=receipt_days(pair, federation))
    if federation.at > due:
        error = WithdrawalNotAcknowledgedError(
            pull=pair.pull.hex,
            party=pair.puller,
            publisher=pair.publisher,
            bundle=pair.bundle.hex,
            due=format_instant(due),
        )
        yield finding(pair, pair.puller, error, withdrawal.entry.evidence)
