"""This node's signed word of what it served, and its digest, which a receipt must quote (DESIGN.md §8).

Deliveries are not stored: Ed25519 signs the same bytes the same way, so one is made again from the entry and its
checkpoint. The digests of the newest are remembered, since most receipts come at once.
"""

from collections import OrderedDict

from exchange.encoding import Digest
from exchange.receipt import Delivery, evidence_digest, sign_delivery
from exchange.signing.keys import Signer
from nodes.adapters.pull_store import Served

REMEMBERED_MAX = 8192
"""About 3 MB."""


class Deliveries:
    """Signs deliveries of one member, and knows what it signed.

    Args:
        member: The publisher.
        signer: Its transport key.
        remembered_max: How many digests are remembered, the newest; the others are computed again.
    """

    def __init__(self, member: str, signer: Signer, *, remembered_max: int = REMEMBERED_MAX) -> None:
        self._member = member
        self._signer = signer
        self._remembered_max = remembered_max
        self._digests: OrderedDict[Digest, Digest] = OrderedDict()  # by pull; one thread writes, others read

    def sign(self, pull: Digest, served: Served) -> str:
        """The value of the header `Exchange-Delivery` for a pull."""
        token = self._sign(pull, served)
        self._digests[pull] = evidence_digest(token)
        if len(self._digests) > self._remembered_max:
            self._digests.popitem(last=False)
        return token

    def digest(self, pull: Digest, served: Served) -> Digest:
        """The digest of the delivery that was signed for a pull."""
        return self._digests.get(pull) or evidence_digest(self._sign(pull, served))

    def _sign(self, pull: Digest, served: Served) -> str:
        delivery = Delivery(
            pull=pull,
            bundle=served.bundle,
            publisher=self._member,
            puller=served.puller,
            entry=served.entry,
            index=served.index,
            checkpoint=served.note.decode("utf-8"),
            file=served.file,
            content=served.content,
        )
        return sign_delivery(delivery, signer=self._signer)
