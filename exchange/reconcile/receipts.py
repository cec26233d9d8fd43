"""Whether a pull was acknowledged: the receipt in the puller's log, in time, signed, and saying what the log says.

Any verdict pays. It counts as paid once the puller's log holds `receipt.given`, even if the publisher did not take it
(DESIGN.md §8), so a missing `receipt.got` is nobody's fault.
"""

from collections.abc import Iterator

from exchange.encoding import format_instant
from exchange.errors.audit import (
    EvidenceWithheldError,
    FindingError,
    ReceiptContradictsError,
    ReceiptForgedError,
    ReceiptLateError,
    ReceiptNotGivenError,
    ReceiptUnloggedError,
)
from exchange.receipt import Receipt
from exchange.reconcile.evidence import Signatures, Standing
from exchange.reconcile.model import Federation, Finding, LoggedEntry
from exchange.reconcile.pairs import INCOMPLETE, Pair, bundle_of
from exchange.reconcile.pulls import finding, receipt_due

_UNPROVEN = Standing.UNPROVEN


def judge_receipt(pair: Pair, federation: Federation, signatures: Signatures) -> tuple[Finding, ...]:
    """Every way in which the receipt of this pull does not hold."""
    return tuple(_judge(pair, federation, signatures))


def _judge(pair: Pair, federation: Federation, signatures: Signatures) -> Iterator[Finding]:
    if pair.got is not None:
        yield from _got(pair, pair.got, federation, signatures)
    for logged in pair.acknowledged:
        if logged.member == pair.publisher and signatures.receipt(logged, puller=pair.puller).standing is _UNPROVEN:
            yield _forged(pair, logged)
    if pair.given is not None:
        yield from _given(pair, pair.given, federation, signatures)
    elif pair.served is not None and pair.taken is not None and federation.at > receipt_due(pair, federation):
        yield _fault(pair, pair.puller, ReceiptNotGivenError, publisher=pair.publisher, due=_due(pair, federation))


def _got(pair: Pair, got: LoggedEntry, federation: Federation, signatures: Signatures) -> Iterator[Finding]:
    """What the publisher says it got must be signed by the puller, and stand in the puller's log."""
    receipt = signatures.receipt(got, puller=pair.puller)
    if receipt.standing is _UNPROVEN:
        yield _forged(pair, got)
    elif receipt.says is not None and pair.given is None and _read_since(pair.puller, receipt.says, federation):
        yield _fault(pair, pair.puller, ReceiptUnloggedError, digest=str(got.entry.evidence))


def _forged(pair: Pair, got: LoggedEntry) -> Finding:
    return _fault(pair, pair.publisher, ReceiptForgedError, puller=pair.puller, digest=str(got.entry.evidence))


def _read_since(puller: str, receipt: Receipt, federation: Federation) -> bool:
    """Whether the puller's log, as collected, reaches beyond the entry that the receipt names.

    `receipt.given` is durable before the receipt leaves, so a log read in between shows neither.
    """
    log = federation.logs.get(puller)
    return log is not None and receipt.entry + 1 < log.size


def _given(pair: Pair, given: LoggedEntry, federation: Federation, signatures: Signatures) -> Iterator[Finding]:
    due = receipt_due(pair, federation)
    if pair.served is not None and given.entry.at > due:
        yield _fault(
            pair,
            pair.puller,
            ReceiptLateError,
            publisher=pair.publisher,
            given=format_instant(given.entry.at),
            due=format_instant(due),
        )
    receipt = signatures.receipt(given, puller=pair.puller)
    if receipt.standing is Standing.WITHHELD:
        yield _fault(pair, pair.puller, EvidenceWithheldError, digest=str(given.entry.evidence))
    elif receipt.standing is _UNPROVEN:
        yield _contradicts(pair, given, "signature", f"a key of {pair.puller}", "another or none")
    elif receipt.says is not None:
        yield from _compare(pair, given, receipt.says)


def _compare(pair: Pair, given: LoggedEntry, says: Receipt) -> Iterator[Finding]:
    """Field by field: the puller's log beside the puller's receipt."""
    rows: list[tuple[str, object, object]] = [
        ("pull", pair.pull, says.pull),
        ("bundle", bundle_of(given), says.bundle),
    ]
    if pair.taken is not None:
        taken = pair.taken.entry
        verdict = "accepted" if pair.rejection is None else f"rejected:{pair.rejection}"
        rows += [
            ("verdict", INCOMPLETE if pair.broken_off else verdict, says.verdict),
            ("entry", pair.taken.index, says.entry),
            ("delivery", taken.evidence, says.delivery),
        ]
    else:
        rows.append(("entry", "bundle.received or bundle.rejected", says.entry))
    for field, expected, found in rows:
        if expected != found:
            yield _contradicts(pair, given, field, str(expected), str(found))


def _contradicts(pair: Pair, given: LoggedEntry, field: str, expected: str, found: str) -> Finding:
    error = ReceiptContradictsError(pull=pair.pull.hex, party=pair.puller, field=field, expected=expected, found=found)
    return finding(pair, pair.puller, error, given.entry.evidence)


def _fault(pair: Pair, party: str, kind: type[FindingError], **facts: str) -> Finding:
    logged = pair.given or pair.got
    error = kind(pull=pair.pull.hex, party=party, bundle=pair.bundle.hex, **facts)
    return finding(pair, party, error, logged.entry.evidence if logged is not None else None)


def _due(pair: Pair, federation: Federation) -> str:
    return format_instant(receipt_due(pair, federation))
