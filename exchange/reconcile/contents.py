"""Which bytes a publisher signed for as one bundle, and who accepted them.

A bundle has exactly one legal form, signatures and proof included (DESIGN.md §7). So a publisher that signed for two
contents of one file of one bundle signed for a wrong one, whoever says what about either. That some recipient accepted
a content proves nothing against another recipient: they may stand with the publisher.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from exchange.encoding import Digest
from exchange.receipt import Delivery
from exchange.reconcile.evidence import Signatures
from exchange.reconcile.model import Publications, VerifiedPublication
from exchange.reconcile.pairs import Pair

DATA = "data.csv"


@dataclass(slots=True)
class Contents:
    """By bundle and file: contents in the order in which they were signed for, and who accepted which."""

    declared: dict[tuple[Digest, str], Digest] = field(default_factory=dict)
    signed: dict[tuple[Digest, str], list[Digest]] = field(default_factory=dict)
    accepted: dict[tuple[Digest, str], list[Digest]] = field(default_factory=dict)
    acceptors: dict[tuple[Digest, str, Digest], set[str]] = field(default_factory=dict)

    def note(self, says: Delivery, *, accepted_by: str | None) -> None:
        """Count one proven delivery."""
        key = (says.bundle, says.file)
        _once(self.signed.setdefault(key, []), says.content)
        if accepted_by is not None:
            _once(self.accepted.setdefault(key, []), says.content)
            self.acceptors.setdefault((*key, says.content), set()).add(accepted_by)

    def is_declared(self, says: Delivery) -> bool | None:
        """Whether the manifest declares this content; None where it does not say (a ZIP's)."""
        declared = self.declared.get((says.bundle, says.file))
        return None if declared is None else declared == says.content

    def accepted_before_or_after(self, says: Delivery) -> bool:
        """Whether the same puller accepted the same content in another pull."""
        return says.puller in self.acceptors.get((says.bundle, says.file, says.content), set())

    def rivals(self, says: Delivery) -> tuple[Digest, ...]:
        """The other contents that were signed for as the same file of the same bundle."""
        return tuple(one for one in self.signed.get((says.bundle, says.file), []) if one != says.content)

    def accepted_rivals(self, says: Delivery) -> tuple[Digest, ...]:
        """The other contents that were accepted, if this one was not the first."""
        accepted = self.accepted.get((says.bundle, says.file), [])
        return tuple(accepted[: accepted.index(says.content)]) if says.content in accepted else ()


def gather_contents(pairs: Iterable[Pair], signatures: Signatures, publications: Publications) -> Contents:
    """What all proven deliveries signed for, and what the manifests declare."""
    contents = Contents()
    for bundle, publication in publications.items():
        if isinstance(publication, VerifiedPublication):
            contents.declared[(bundle, DATA)] = publication.data
    for pair in pairs:
        says = signatures.delivery(pair.taken).says if pair.taken is not None else None
        if says is not None and (says.pull, says.puller) == (pair.pull, pair.puller):
            contents.note(says, accepted_by=None if pair.rejection is not None else pair.puller)
    return contents


def _once(found: list[Digest], content: Digest) -> None:
    if content not in found:
        found.append(content)
