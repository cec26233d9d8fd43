"""What a witness that starts again must hear of a log before it cosigns it (DESIGN.md §9, decision 50).

Its store may be an old copy, which has forgotten what it cosigned since; an operator who knows that could have a second
history cosigned. So it asks the operator and every other member, and begins where the newest witnessed checkpoint is.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from exchange.errors.log import SignatureMissingError, WitnessSplitViewError
from exchange.log.checkpoint import Checkpoint
from exchange.log.merkle import HASH_BYTES, consistency_proof
from exchange.log.policy import WitnessPolicy
from exchange.log.tiles import Tile, hash_reader

ANY_WITNESS = "<a witness of its policy>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A checkpoint that its log signed and at least one witness of its policy cosigned."""

    checkpoint: Checkpoint
    note: bytes


def open_offer(note: bytes, *, policy: WitnessPolicy) -> Offer:
    """Read a checkpoint that somebody offers.

    One cosignature is enough: whoever gave it holds the log to this checkpoint for ever. Without any it may be one that
    the log itself lost, with a disk, before anybody relied on it.

    Raises:
        LogError: Not a checkpoint, not by a log of this policy, or a forged line.
        SignatureMissingError: No witness of the policy cosigned it.
    """
    checkpoint, times = policy.cosignatures(note)
    if not times:
        raise SignatureMissingError(subject=str(checkpoint), signer=ANY_WITNESS)
    return Offer(checkpoint=checkpoint, note=note)


def heard_enough(policy: WitnessPolicy, answered: Collection[str]) -> bool:
    """Whether no quorum can have cosigned anything that none of these witnesses knows.

    Args:
        policy: Of the log.
        answered: Names, in the policy, of the witnesses that said what they know; the one that starts is not among
            them, since it may have forgotten.
    """
    return policy.quorum is None or not policy.is_met_by(policy.witnesses.keys() - set(answered))


def history(latest: Checkpoint | None, offers: Iterable[Offer]) -> tuple[Offer, ...]:
    """The offers to take over, each after the one before: those larger than what was cosigned last.

    Each still needs its consistency proof; `decide` asks for it.

    Raises:
        WitnessSplitViewError: Two checkpoints of one size differ.
    """
    roots: dict[int, bytes] = {} if latest is None else {latest.size: latest.root}
    found: dict[int, Offer] = {}
    for offer in offers:
        size, root = offer.checkpoint.size, offer.checkpoint.root
        if roots.setdefault(size, root) != root:
            raise WitnessSplitViewError(
                origin=offer.checkpoint.origin, size=size, expected=roots[size].hex(), found=root.hex()
            )
        if latest is None or size > latest.size:
            found.setdefault(size, offer)
    return tuple(found[size] for size in sorted(found))


def tiles_of_consistency(old_size: int, new_size: int) -> tuple[Tile, ...]:
    """The hash tiles, as they stand at the new size, that a consistency proof between these sizes is made of.

    Raises:
        SizeOrderError: The old size is the larger one.
    """
    wanted: dict[Tile, None] = {}

    def blank(tile: Tile) -> bytes:
        wanted[tile] = None
        return bytes(tile.width * HASH_BYTES)

    consistency_proof(old_size, new_size, hash_reader(blank, size=new_size))
    return tuple(wanted)
