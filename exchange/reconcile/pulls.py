"""The verdict on one pull: what both logs and the signed delivery say together, and whose fault a contradiction is.

| publisher | puller     | evidence                                    | verdict    | at fault                         |
|-----------|------------|---------------------------------------------|------------|----------------------------------|
| served    | received   | delivery proven                             | confirmed  | nobody                           |
| served    | received   | delivery proven, a second accepted content  | violated   | publisher: it signed two         |
| served    | received   | delivery unproven, none named               | violated   | puller: it accepted no signature |
| served    | rejected   | proven, manifest declares another content   | violated   | publisher: it signed wrong bytes |
| served    | rejected   | proven, manifest declares this content      | violated   | puller: it refused right bytes   |
| served    | rejected   | proven, the puller itself accepted the same | violated   | puller: it refused right bytes   |
| served    | rejected   | proven, another content signed for as well  | violated   | publisher: it signed two         |
| served    | rejected   | proven, nothing to compare with             | disputed   | undecided: pull again            |
| served    | rejected   | the same, other bytes than those arrived    | broken-off | nobody                           |
| served    | rejected   | proven, either acted under a split registry | disputed   | undecided: see who split it      |
| served    | rejected   | unproven, none named                        | disputed   | undecided: either could be lying |
| served    | nothing    | request proven, in time                     | pending    | nobody yet                       |
| served    | nothing    | request proven, overdue                     | violated   | puller: it asked and is silent   |
| served    | nothing    | request unproven, withheld                  | violated   | publisher: nobody asked          |
| nothing   | any        | delivery proven                             | violated   | publisher: it signed, not logged |
| nothing   | received   | unproven, none named                        | violated   | puller: nobody signed            |
| nothing   | rejected   | unproven, none named                        | disputed   | undecided                        |
| any       | any        | delivery withheld                           | violated   | puller: it names what it hides   |
| any       | broken off | any                                         | broken-off | nobody                           |
| twice     | any        | any, and the same for the puller            | violated   | whose log has it twice           |

Where the puller says that bytes other than the signed ones arrived, and nothing speaks against the signed ones, the way
may have changed them. A log that could not be collected leaves the verdict pending.
"""

from datetime import datetime, timedelta
from typing import TypeAlias

from exchange.encoding import Digest
from exchange.errors.audit import (
    AcceptedUnsignedError,
    DeliveredTwoContentsError,
    DeliveryAlteredError,
    EvidenceWithheldError,
    FindingError,
    InventedByPublisherError,
    InventedByPullerError,
    LoggedTwiceError,
    PullDiffersError,
    RejectedWronglyError,
    RejectionDisputedError,
    UnloggedByPublisherError,
    UnloggedByPullerError,
)
from exchange.receipt import Delivery
from exchange.reconcile.contents import Contents
from exchange.reconcile.evidence import Opened, Signatures, Standing
from exchange.reconcile.model import UNDECIDED, Federation, Finding, LoggedEntry, Verdict, VerifiedPublication
from exchange.reconcile.pairs import Pair, bundle_of
from exchange.reconcile.registry import is_elsewhere
from exchange.signing.trust import Trust

RECEIPT_DAYS_DEFAULT = 14
"""The deadline for a receipt where the contract's text could not be had."""

DAMAGED_ON_THE_WAY = "delivery-content"
"""The puller's code for bytes other than those the delivery signs for (`exchange.errors.pull`)."""

Ruling: TypeAlias = tuple[Verdict, tuple[Finding, ...]]


def judge_sides(pair: Pair, federation: Federation, signatures: Signatures, contents: Contents) -> Ruling:
    """Rule on the two sides of a pull by the table above; receipts and the publisher's rights are judged apart."""
    if pair.doubled:
        twice = LoggedTwiceError(pull=pair.pull.hex, party=pair.first.member, bundle=pair.bundle.hex)
        return Verdict.VIOLATED, (finding(pair, pair.first.member, twice),)
    if pair.broken_off:
        return Verdict.BROKEN_OFF, ()
    if pair.taken is None:
        return _one_sided(pair, federation, signatures)
    return _two_sided(pair, pair.taken, federation, signatures.delivery(pair.taken), contents)


def receipt_days(pair: Pair, federation: Federation) -> int:
    """How many days the puller has for a receipt about this bundle.

    Where the bundle could not be looked at, the most that a contract named by either side gives: an evidence file from
    which somebody left the bundle out makes nobody late.
    """
    found = federation.publications.get(pair.bundle)
    if isinstance(found, VerifiedPublication):
        contract = federation.contracts.get(found.contract)
        return contract.receipt_days if contract is not None else RECEIPT_DAYS_DEFAULT
    named = {one.entry.contract for one in (pair.served, pair.taken) if one is not None}
    known = (contract for digest, contract in federation.contracts.items() if digest in named)
    return max([RECEIPT_DAYS_DEFAULT, *(contract.receipt_days for contract in known)])


def receipt_due(pair: Pair, federation: Federation) -> datetime:
    """When the receipt of this pull must be in the puller's log."""
    return pair.first.entry.at + timedelta(days=receipt_days(pair, federation))


def _one_sided(pair: Pair, federation: Federation, signatures: Signatures) -> Ruling:
    """The publisher logged a pull (or only receipts exist), the puller logged nothing of it."""
    if pair.served is None or pair.puller not in federation.logs:
        return Verdict.PENDING, ()
    request = signatures.request(pair.served)
    if request.standing in {Standing.UNPROVEN, Standing.WITHHELD}:
        return _violated(pair, pair.publisher, InventedByPublisherError, request.digest, puller=pair.puller)
    if request.says is None or federation.at <= receipt_due(pair, federation):
        return Verdict.PENDING, ()
    return _violated(pair, pair.puller, UnloggedByPullerError, request.digest, publisher=pair.publisher)


def _two_sided(
    pair: Pair, taken: LoggedEntry, federation: Federation, delivery: Opened[Delivery], contents: Contents
) -> Ruling:
    """The puller logged what became of it; the delivery it shows decides."""
    if delivery.standing is Standing.WITHHELD:
        return _violated(pair, pair.puller, EvidenceWithheldError, delivery.digest, digest=str(delivery.digest))
    if delivery.standing is Standing.ABSENT and delivery.digest is not None:
        return Verdict.PENDING, ()  # its holder could not be asked this time
    if delivery.says is None or not _about(delivery.says, pair):
        return _without_delivery(pair, delivery)
    contradiction = _contradiction(pair, taken, delivery.says, federation)
    if contradiction is not None:
        return contradiction
    if pair.rejection is None:
        return _accepted(pair, delivery.says, contents)
    return _rejected(pair, taken, delivery.says, contents, federation.trust)


def _without_delivery(pair: Pair, delivery: Opened[Delivery]) -> Ruling:
    """The puller logged something, and shows no delivery that the publisher signed for this pull."""
    if pair.rejection is not None:
        return _disputed(pair, pair.rejection)
    kind = InventedByPullerError if pair.served is None else AcceptedUnsignedError
    return _violated(pair, pair.puller, kind, delivery.digest, publisher=pair.publisher)


def _contradiction(pair: Pair, taken: LoggedEntry, says: Delivery, federation: Federation) -> Ruling | None:
    """Where the signed delivery contradicts one of the two logs."""
    log = federation.logs.get(pair.publisher)
    if log is None or says.index >= log.size:
        # The publisher's log was read before it grew to that entry; a log that shrank is found by its checkpoints.
        return Verdict.PENDING, ()
    if pair.served is None or log.raws[says.index] != says.entry:
        error = UnloggedByPublisherError(
            pull=pair.pull.hex, party=pair.publisher, bundle=says.bundle.hex, puller=pair.puller, index=says.index
        )
        return Verdict.VIOLATED, (finding(pair, pair.publisher, error, taken.entry.evidence),)
    served, got = bundle_of(pair.served), bundle_of(taken)
    if served == got == says.bundle:
        return None
    party = pair.puller if says.bundle == served else pair.publisher
    differs = PullDiffersError(
        pull=pair.pull.hex,
        publisher=pair.publisher,
        served=str(served),
        puller=pair.puller,
        taken=str(got),
        party=party,
    )
    return Verdict.VIOLATED, (finding(pair, party, differs, taken.entry.evidence),)


def _accepted(pair: Pair, says: Delivery, contents: Contents) -> Ruling:
    """The puller accepted: right, unless another recipient accepted another content before."""
    rivals = contents.accepted_rivals(says)
    return _signed_two(pair, says, rivals) if rivals else (Verdict.CONFIRMED, ())


def _rejected(pair: Pair, taken: LoggedEntry, says: Delivery, contents: Contents, trust: Trust) -> Ruling:
    """The puller refused bytes that the publisher signed for: were they the right ones?"""
    reason, evidence = pair.rejection or "", taken.entry.evidence
    declared, rivals = contents.is_declared(says), contents.rivals(says)
    damaged: Ruling | None = (Verdict.BROKEN_OFF, ()) if reason == DAMAGED_ON_THE_WAY else None
    if declared or (declared is None and contents.accepted_before_or_after(says)):
        if any(is_elsewhere(one, trust) for one in (pair.served, taken) if one is not None):
            return damaged or _disputed(pair, reason)  # each was right by its own side of a split registry
        # Nothing proves which bytes were sent; the ones signed for were right.
        return damaged or _violated(
            pair, pair.puller, RejectedWronglyError, evidence, publisher=pair.publisher, reason=reason
        )
    if declared is False:
        right = str(contents.declared[(says.bundle, says.file)])
        return _violated(
            pair,
            pair.publisher,
            DeliveryAlteredError,
            evidence,
            content=str(says.content),
            puller=pair.puller,
            reason=reason,
            right=right,
        )
    if rivals:
        return _signed_two(pair, says, rivals)
    return damaged or _disputed(pair, reason)  # a damaged one's puller does not contest what was signed for


def _signed_two(pair: Pair, says: Delivery, rivals: tuple[Digest, ...]) -> Ruling:
    evidence = pair.taken.entry.evidence if pair.taken is not None else None
    return _violated(
        pair,
        pair.publisher,
        DeliveredTwoContentsError,
        evidence,
        content=str(says.content),
        rivals=", ".join(map(str, rivals)),
        puller=pair.puller,
    )


def _disputed(pair: Pair, reason: str) -> Ruling:
    error = RejectionDisputedError(
        pull=pair.pull.hex,
        puller=pair.puller,
        bundle=pair.bundle.hex,
        publisher=pair.publisher,
        reason=reason,
        party=UNDECIDED,
    )
    evidence = pair.taken.entry.evidence if pair.taken is not None else None
    return Verdict.DISPUTED, (finding(pair, UNDECIDED, error, evidence),)


def _violated(pair: Pair, party: str, kind: type[FindingError], evidence: Digest | None, **facts: str) -> Ruling:
    error = kind(pull=pair.pull.hex, party=party, bundle=pair.bundle.hex, **facts)
    return Verdict.VIOLATED, (finding(pair, party, error, evidence),)


def finding(pair: Pair, party: str, error: FindingError, evidence: Digest | None = None) -> Finding:
    """A finding on this pull, resting on all entries about it."""
    entries = (pair.served, pair.taken, pair.given, pair.got)
    return Finding(
        party=party,
        reason=error,
        evidence=() if evidence is None else (evidence,),
        entries=tuple((found.member, found.index) for found in entries if found is not None),
    )


def _about(says: Delivery, pair: Pair) -> bool:
    """Whether a proven delivery is that of this pull; another pull's delivery proves nothing here."""
    return (says.pull, says.publisher, says.puller) == (pair.pull, pair.publisher, pair.puller)
