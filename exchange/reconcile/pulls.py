"""The verdict on one pull: what both logs and the signed delivery say together, and whose fault a contradiction is.

| publisher's log | puller's log | delivery shown by the puller   | verdict    | at fault                           |
|-----------------|--------------|--------------------------------|------------|------------------------------------|
| served          | received     | proven, agrees                 | confirmed  | nobody                             |
| served          | received     | unproven, withheld, none named | violated   | puller: it accepted no signature   |
| served          | rejected     | proven, content is wrong       | violated   | publisher: it signed wrong bytes   |
| served          | rejected     | proven, content is right       | violated   | puller: it refused right bytes     |
| served          | rejected     | proven, content not comparable | disputed   | undecided until a second delivery  |
| served          | rejected     | unproven, none named           | disputed   | undecided: either could have made it |
| any             | rejected     | withheld                       | violated   | puller: it names what it hides     |
| any             | broken off   | any                            | broken-off | nobody                             |
| served          | nothing      | request proven, in time        | pending    | nobody yet                         |
| served          | nothing      | request proven, overdue        | violated   | puller: it asked and stays silent  |
| served          | nothing      | request unproven or withheld   | violated   | publisher: nobody asked            |
| nothing         | any          | proven, names no entry there   | violated   | publisher: it signed, did not log  |
| nothing         | received     | unproven, none named           | violated   | puller: nobody signed              |
| nothing         | rejected     | unproven, none named           | disputed   | undecided                          |
| twice, either   | any          | any                            | violated   | whose log has it twice             |

Right bytes have one spelling (DESIGN.md §7), so two contents signed for one bundle prove that its publisher signed a
wrong one; which, the deliveries that recipients accepted say, and for `data.csv` the manifest. A member whose log
could not be collected leaves the verdict pending.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from exchange.encoding import Digest
from exchange.errors.audit import (
    AcceptedUnsignedError,
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
from exchange.reconcile.evidence import Opened, Signatures, Standing
from exchange.reconcile.model import UNDECIDED, Federation, Finding, LoggedEntry, Verdict, VerifiedPublication
from exchange.reconcile.pairs import Pair, bundle_of

RECEIPT_DAYS_DEFAULT = 14
"""The deadline for a receipt where the contract's text could not be had."""

Contents: TypeAlias = Mapping[tuple[Digest, str], frozenset[Digest]]
"""By bundle and file (`zip`, `data.csv`): the contents known to be right."""

Ruling: TypeAlias = tuple[Verdict, tuple[Finding, ...]]


def right_contents(pairs: tuple[Pair, ...], signatures: Signatures, federation: Federation) -> Contents:
    """What the right bytes of each bundle hash to: as recipients accepted them, and as manifests declare."""
    known: dict[tuple[Digest, str], set[Digest]] = {}
    for bundle, publication in federation.publications.items():
        if isinstance(publication, VerifiedPublication):
            known.setdefault((bundle, "data.csv"), set()).add(publication.data)
    for pair in pairs:
        if pair.taken is None or pair.rejection is not None:
            continue
        says = signatures.delivery(pair.taken).says
        if says is not None and says.file == "zip" and says.bundle == bundle_of(pair.taken):
            known.setdefault((says.bundle, says.file), set()).add(says.content)
    return {key: frozenset(found) for key, found in known.items()}


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


def receipt_due(pair: Pair, federation: Federation) -> datetime:
    """When the receipt of this pull must be in the puller's log."""
    found = federation.publications.get(pair.bundle)
    contract = federation.contracts.get(found.contract) if isinstance(found, VerifiedPublication) else None
    days = contract.receipt_days if contract is not None else RECEIPT_DAYS_DEFAULT
    return pair.first.entry.at + timedelta(days=days)


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
    return (Verdict.CONFIRMED, ()) if pair.rejection is None else _rejected(pair, taken, delivery.says, contents)


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
    if pair.served is None or log.entries[says.index].raw != says.entry:
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


def _rejected(pair: Pair, taken: LoggedEntry, says: Delivery, contents: Contents) -> Ruling:
    """The puller refused bytes that the publisher signed for: were they the right ones?"""
    reason, evidence = pair.rejection or "", taken.entry.evidence
    right = contents.get((says.bundle, says.file))
    if not right:
        return _disputed(pair, reason)
    if says.content in right:
        wrongly = RejectedWronglyError(
            pull=pair.pull.hex,
            party=pair.puller,
            bundle=pair.bundle.hex,
            publisher=pair.publisher,
            reason=reason,
        )
        return Verdict.VIOLATED, (finding(pair, pair.puller, wrongly, evidence),)
    altered = DeliveryAlteredError(
        pull=pair.pull.hex,
        party=pair.publisher,
        content=str(says.content),
        bundle=pair.bundle.hex,
        puller=pair.puller,
        reason=reason,
        right=" / ".join(sorted(map(str, right))),
    )
    return Verdict.VIOLATED, (finding(pair, pair.publisher, altered, evidence),)


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
