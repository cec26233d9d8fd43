"""Publishing, as the gateway decides it: verify again everything a partner would, then the rules across publications.

    hand-over ─ verify again ─ rules across publications ─> logged ─ cosigned ─ proof ─ verify as a partner ─> published

The gateway believes no desk: what is checked here is what keeps a compromised desk from publishing what officers did
not sign. Between `logged` and `published` lies the witnesses' time; a node that stops there goes on from the files.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from exchange.bundle.opening import FloorAudit, OpenedHandover, open_handover
from exchange.bundle.zipform import pack_zip
from exchange.contract.model import DataContract
from exchange.encoding import Digest
from exchange.errors.exchange_ import (
    BundleIdentityTakenError,
    ContractUnknownError,
    NotOurBundleError,
    RevisionOrderError,
)
from exchange.publication.verify import PROOF, ContractShelf, Publication, verify_publication
from exchange.report import require_pooled
from exchange.signing.trust import Trust


class PublicationState(StrEnum):
    """Where a bundle stands at its provider's gateway."""

    LOGGED = "logged"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An earlier publication of this member, as far as a new one must know it."""

    bundle: Digest
    contract_id: str
    linkage_group: str
    period: str
    recipients: tuple[str, ...]
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishable:
    """A hand-over that may be published: verified, under a contract at hand, in its place among the others."""

    opened: OpenedHandover
    contract: DataContract


def verify_handover(
    files: Mapping[str, bytes],
    *,
    member: str,
    trust: Trust,
    contracts: ContractShelf,
    at: datetime,
    audit: FloorAudit,
) -> Publishable:
    """Verify a hand-over as any partner would, short of the log's proof, and that it is this member's to publish.

    Args:
        files: The five files by name.
        member: Whose gateway this is.
        trust: The registry.
        contracts: With the judge of statements: a contract that is not in force stops here.
        at: Now.
        audit: How to check that withheld cells keep the contract's floor.

    Raises:
        NotOurBundleError: Another member's bundle.
        ContractUnknownError: A contract that this gateway does not hold; nothing is published on trust.
        ExchangeError: The first check that does not hold.
    """
    opened = open_handover(files, trust=trust, contracts=contracts, at=at, audit=audit)
    cleared = opened.cleared
    if cleared.manifest.provider != member:
        raise NotOurBundleError(bundle=str(cleared.digest), expected=member, found=cleared.manifest.provider)
    if cleared.contract is None:
        raise ContractUnknownError(contract=str(cleared.manifest.contract.digest))
    return Publishable(opened=opened, contract=cleared.contract)


def require_place(publishable: Publishable, earlier: Iterable[Earlier]) -> None:
    """Refuse a bundle whose place among this member's publications is taken, out of order, or was audited stale.

    Args:
        publishable: The verified hand-over.
        earlier: Every publication of this member that has a `bundle.published` entry, waiting ones included.

    Raises:
        BundleIdentityTakenError: A second bundle with one identity.
        RevisionOrderError: Not the next revision, or it supersedes another bundle than the one before.
        StalePooledError: Another bundle of the linkage group was published since the audit.
    """
    before = tuple(earlier)
    cleared = publishable.opened.cleared
    manifest = cleared.manifest
    series = [
        one
        for one in before
        if (one.contract_id, one.period, one.recipients) == (manifest.contract.id, manifest.period, manifest.recipients)
    ]
    taken = next((one for one in series if one.revision == manifest.revision), None)
    if taken is not None:
        raise BundleIdentityTakenError(bundle=str(cleared.digest), earlier=str(taken.bundle))
    last = max(series, key=lambda one: one.revision, default=None)
    _require_next(cleared.digest, manifest.revision, manifest.supersedes, last)
    group = publishable.contract.disclosure.linkage_group
    pooled = [one.bundle for one in before if one.linkage_group == group]
    require_pooled(cleared.clearance.common.pooled, pooled)


def complete(
    files: Mapping[str, bytes], proof: bytes, *, trust: Trust, contracts: ContractShelf
) -> tuple[Publication, bytes]:
    """The publication and its ZIP, verified as every partner will, at the time the witnesses gave it.

    Raises:
        ClearanceExpiredError: The quorum was complete only after the clearance ran out: it is not published.
        ExchangeError: Any other check that does not hold.
    """
    whole = {**files, PROOF: proof}
    publication = verify_publication(whole, trust=trust, shelf=contracts)
    return publication, pack_zip(whole)


def _require_next(bundle: Digest, revision: int, supersedes: Digest | None, last: Earlier | None) -> None:
    expected = 0 if last is None else last.revision + 1
    if revision != expected:
        raise RevisionOrderError(bundle=str(bundle), field="revision", expected=expected, found=revision)
    replaced = None if last is None else last.bundle
    if supersedes != replaced:
        raise RevisionOrderError(bundle=str(bundle), field="supersedes", expected=str(replaced), found=str(supersedes))
