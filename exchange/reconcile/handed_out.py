"""The checkpoints that members handed out in their deliveries: what a fork shown to one partner alone is proven by.

A delivery is signed by the publisher's transport key, and the puller's log names it. Once a quorum of witnesses has
cosigned that entry, the publisher's word is fixed in time: whoever revokes or ends the log key afterwards takes nothing
of it back, and whoever steals a log key cannot put a checkpoint into a delivery (decision 52).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from exchange.errors.log import LogKeyEndedError
from exchange.reconcile.evidence import Signatures
from exchange.reconcile.logs import read_seen
from exchange.reconcile.model import LoggedEntry, SeenCheckpoint
from exchange.reconcile.pairs import Pair
from exchange.signing.trust import Trust

HandedOut: TypeAlias = Mapping[tuple[str, bytes], Sequence[LoggedEntry]]
"""By member and signed checkpoint, the pullers' entries that name a delivery of the member with it."""


def handed_out(pairs: Iterable[Pair], signatures: Signatures) -> HandedOut:
    """Every checkpoint in a delivery that its publisher signed."""
    found: dict[tuple[str, bytes], list[LoggedEntry]] = {}
    for one in pairs:
        says = signatures.delivery(one.taken).says if one.taken is not None else None
        if one.taken is not None and says is not None and says.publisher == one.publisher:
            found.setdefault((one.publisher, says.checkpoint.encode("utf-8", "replace")), []).append(one.taken)
    return found


def read_handed_out(
    member: str, note: bytes, named_by: Iterable[LoggedEntry], *, signatures: Signatures, trust: Trust
) -> SeenCheckpoint:
    """A checkpoint of a delivery: by a log key that counts, or fixed in time by the log of whoever was given it.

    Args:
        member: The publisher.
        note: The checkpoint.
        named_by: The pullers' entries that name such a delivery.
        signatures: Of the evidence at hand.
        trust: The registry.

    Raises:
        LogError, UnknownMemberError: As `read_seen`.
    """
    try:
        return read_seen(member, note, trust=trust)
    except LogKeyEndedError:
        if not any(signatures.is_delivery_fixed(one) for one in named_by):
            raise
        return read_seen(member, note, trust=trust, vouched=True)
