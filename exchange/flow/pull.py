"""A pull, from the partner's catalogue to the receipt: nothing is used before all of it is verified and logged.

    catalogue → offer → contract in force, purpose permitted → request → delivery verified → bundle verified
    → bundle.received and receipt.given logged in one step → the files under their final name → receipt sent

A delivery that does not hold goes the same way with `bundle.rejected`, and leaves no file. What broke off is logged as
rejected with the code `incomplete`. Any verdict pays the debt, so a puller never owes for what it could not use.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, TypeAlias

from exchange.bundle import ContractShelf, FloorAudit, OpenedBundle, open_bundle, unpack_zip
from exchange.contract.model import DataContract
from exchange.contract.reference import ContractRef
from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.bundle import BundleMismatchError
from exchange.errors.pull import (
    CutShortError,
    DeliveryContentError,
    DeliveryRefusedError,
    PulledBundleError,
    PullError,
    PurposeError,
)
from exchange.flow.offer import Offer, Wanted, pick, read_catalogue
from exchange.log.checkpoint import open_checkpoint
from exchange.log.entry import EntryType, parse_entry
from exchange.log.note import SignatureKind, parse_vkey
from exchange.receipt import ACCEPTED, INCOMPLETE, REJECTED, Delivery, Receipt, evidence_digest, open_delivery
from exchange.signing.keys import KeyPurpose
from exchange.signing.trust import Member, Trust

ZIP = "zip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A 200 answer with data: the pull it made, the publisher's signed word (empty: none came), the bytes."""

    pull: Digest
    delivery: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a pull, to be logged and receipted in one step.

    Attributes:
        delivery: The publisher's signed word as it arrived; None if none did.
        code: None where the bundle was accepted, else why not; `incomplete` where it broke off.
    """

    pull: Digest
    partner: str
    bundle: Digest
    contract: Digest
    purpose: str
    delivery: str | None
    code: str | None
    folder: str | None = None

    @property
    def verdict(self) -> str:
        """The receipt's verdict."""
        if self.code is None:
            return ACCEPTED
        return INCOMPLETE if self.code == INCOMPLETE else REJECTED + self.code

    def receipt(self, *, by: str, entry: int, at: datetime) -> Receipt:
        """The receipt, once the index of the own entry is known."""
        return Receipt(
            pull=self.pull,
            delivery=None if self.delivery is None else evidence_digest(self.delivery),
            bundle=self.bundle,
            contract=self.contract,
            purpose=self.purpose,
            verdict=self.verdict,
            entry=entry,
            by=by,
            at=at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """A bundle pulled, verified, logged and kept.

    Attributes:
        receipt_taken: Whether the partner took the receipt at once; if not, the gateway sends it again by itself.
    """

    offer: Offer
    pull: Digest
    folder: str
    already_there: bool
    receipt_taken: bool


Attempted: TypeAlias = Callable[[Digest], Awaitable[None]]
"""Told the pull id before each request that may become a pull leaves."""


class Partner(Protocol):
    """The partner's gateway."""

    async def catalogue(self, *, contract: str | None = None) -> Sequence[Mapping[str, object]]:
        """What it offers, unverified."""
        ...

    async def bundle(self, digest: Digest, *, attempt: Attempted) -> Answer:
        """The ZIP; `attempt` is told the pull id before each request leaves."""
        ...


class Book(Protocol):
    """The puller's own log and what it remembers of pulls on their way."""

    async def begin(self, outcome: Outcome) -> None:
        """Remember, durably, a request that is about to leave; `incomplete` unless something better becomes known."""
        ...

    async def forget(self, pull: Digest) -> None:
        """The request was refused before it became a pull."""
        ...

    async def settle(self, outcome: Outcome) -> None:
        """Append `bundle.received` or `bundle.rejected`, and `receipt.given`, in one step; durable on return."""
        ...

    async def send_receipt(self, pull: Digest) -> bool:
        """Offer the receipt to the partner once; whether it took it. Never raises for the partner's sake."""
        ...


class Place(Protocol):
    """Where a verified bundle will lie."""

    async def choose(self, offer: Offer) -> None:
        """Settle on the final name, before anything is asked for.

        Raises:
            PullFolderTakenError: Something else is already there.
        """
        ...

    async def write(self, files: Mapping[str, bytes]) -> None:
        """Write the files, durably, where nobody takes them for a bundle."""
        ...

    async def reveal(self) -> tuple[str, bool]:
        """Give them their final name; the folder, and whether this very bundle already lay there."""
        ...

    async def discard(self) -> None:
        """Remove whatever `write` left."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Puller:
    """Who pulls, with everything it acts through."""

    member: str
    at: datetime
    partner_member: Member
    partner: Partner
    trust: Callable[[], Trust]  # asked when it is needed: a pull may show that there is a newer registry
    contracts: ContractShelf
    require_contract: Callable[[ContractRef], DataContract]  # in force here, else ExchangeError with exit 6
    audit: FloorAudit | None  # the puller's own audit of withheld cells against the contract's floor
    book: Book
    place: Place


async def pull(wanted: Wanted, node: Puller) -> Pulled:
    """Pull the newest revision of what is wanted.

    Raises:
        NotOfferedError, OfferAmbiguousError, PullFolderTakenError: Before anything was asked for.
        PurposeError, and what `require_contract` raises: The contract refuses (exit 6).
        DeliveryRefusedError, PulledBundleError: It does not hold; logged and receipted as rejected (exit 3).
        CutShortError: It began and did not end; logged and receipted as incomplete (exit 5, or 3 if it is too long).
        PartnerError: The partner refused, or did not answer; there was no pull.
    """
    offer = pick(
        read_catalogue(await node.partner.catalogue(), partner=node.partner_member.id),
        wanted,
        partner=node.partner_member.id,
        member=node.member,
    )
    contract = node.require_contract(offer.contract)
    require_purpose(contract, wanted.purpose)
    await node.place.choose(offer)
    answer = await _request(offer, wanted, node)
    outcome = _outcome(answer.pull, answer.delivery, offer, wanted)
    try:
        require_delivery(answer, offer, node)
        opened = await asyncio.to_thread(_open, answer.content, offer, node)
    except ExchangeError as refusal:
        # Without a delivery there is nothing to reject with proof: whatever came counts as broken off (DESIGN.md §8).
        await node.book.settle(replace(outcome, code=refusal.code if outcome.delivery else INCOMPLETE))
        await node.book.send_receipt(outcome.pull)
        if isinstance(refusal, PullError):
            raise
        raise PulledBundleError(
            bundle=offer.bundle.hex, party=offer.provider, check=refusal.code, reason=refusal.sentence()
        ) from refusal
    return await _keep(opened, offer, outcome, node)


def require_purpose(contract: DataContract, purpose: str) -> None:
    """Refuse a purpose that the contract does not permit, before anything is asked for."""
    if purpose not in contract.permitted_purposes:
        raise PurposeError(contract=contract.id, expected=", ".join(contract.permitted_purposes), found=purpose)


def require_delivery(answer: Answer, offer: Offer, node: Puller) -> Delivery:
    """The publisher's signed word on exactly this pull and exactly these bytes.

    Raises:
        DeliveryRefusedError: It is not signed, not in form, or a field does not agree.
        DeliveryContentError: Other bytes arrived than were signed for.
    """
    partner = node.partner_member
    try:
        trust = node.trust()
        says = open_delivery(answer.delivery, keys=trust.keys(partner.id, KeyPurpose.TRANSPORT, at=node.at))
        entry = parse_entry(says.entry)
        logs = [parse_vkey(vkey, kind=SignatureKind.LOG) for vkey in trust.log_vkeys(partner.id, at=node.at)]
        checkpoint = open_checkpoint(says.checkpoint.encode("utf-8"), logs=logs)
    except ExchangeError as error:
        raise _refused(offer, error.code, "evidence signed in its one form", error.sentence()) from error
    rows: tuple[tuple[str, object, object], ...] = (
        ("pull", answer.pull, says.pull),
        ("bundle", offer.bundle, says.bundle),
        ("publisher", partner.id, says.publisher),
        ("puller", node.member, says.puller),
        ("file", ZIP, says.file),
        ("entry type", EntryType.PULL_SERVED.value, entry.type.value),
        ("entry node", partner.id, entry.node),
        ("entry counterpart", node.member, entry.counterpart),
        ("entry pull", answer.pull, entry.pull),
        ("entry bundle", offer.bundle, entry.bundle),
        ("entry contract", offer.contract.digest, entry.contract),
    )
    for name, expected, found in rows:
        if expected != found:
            raise _refused(offer, name, str(expected), str(found))
    if entry.registry.version > trust.ref.version:
        raise _refused(offer, "registry", f"version {trust.ref.version} or lower", str(entry.registry.version))
    held = trust.snapshot_sha256(entry.registry.version)
    if held is not None and held != entry.registry.sha256:
        raise _refused(offer, "registry sha256", str(held), str(entry.registry.sha256))
    if says.index >= checkpoint.size:
        raise _refused(offer, "checkpoint", f"a size above entry {says.index}", str(checkpoint.size))
    arrived = Digest.of(answer.content)
    if arrived != says.content:
        raise DeliveryContentError(
            bundle=offer.bundle.hex, partner=partner.id, expected=str(says.content), found=str(arrived)
        )
    return says


async def _request(offer: Offer, wanted: Wanted, node: Puller) -> Answer:
    """Ask for the bundle; every request is remembered before it leaves, and forgotten if it became no pull."""
    asked: list[Digest] = []

    async def attempt(pull_id: Digest) -> None:
        await _forget(asked, node)
        await node.book.begin(_outcome(pull_id, "", offer, wanted))
        asked.append(pull_id)

    try:
        return await node.partner.bundle(offer.bundle, attempt=attempt)
    except CutShortError as cut:
        if not asked:
            raise
        outcome = _outcome(asked[-1], cut.delivery, offer, wanted)
        await node.book.settle(outcome)
        await node.book.send_receipt(outcome.pull)
        raise
    except ExchangeError:
        await _forget(asked, node)
        raise


async def _forget(asked: list[Digest], node: Puller) -> None:
    while asked:
        await node.book.forget(asked.pop())


async def _keep(opened: OpenedBundle, offer: Offer, outcome: Outcome, node: Puller) -> Pulled:
    """Log first, show the files after: a bundle that is read stands in the log, whenever the machine stops."""
    try:
        await node.place.write(opened.files)
        await node.book.settle(replace(outcome, code=None))
        folder, already_there = await node.place.reveal()
    except BaseException:
        await node.place.discard()
        raise
    taken = await node.book.send_receipt(outcome.pull)
    return Pulled(offer=offer, pull=outcome.pull, folder=folder, already_there=already_there, receipt_taken=taken)


def _open(content: bytes, offer: Offer, node: Puller) -> OpenedBundle:
    """Every check of `exchange verify`, and that it is the bundle that was offered."""
    opened = open_bundle(unpack_zip(content), trust=node.trust(), contracts=node.contracts, audit=node.audit)
    manifest = opened.manifest
    rows: tuple[tuple[str, object, object], ...] = (
        ("digest", offer.bundle, opened.digest),
        ("provider", offer.provider, manifest.provider),
        ("contract", offer.contract, manifest.contract),
        ("period", offer.period, manifest.period),
        ("recipients", True, node.member in manifest.recipients),
    )
    for name, expected, found in rows:
        if expected != found:
            raise BundleMismatchError(subject="offer", field=name, expected=str(expected), found=str(found))
    return opened


def _outcome(pull_id: Digest, delivery: str, offer: Offer, wanted: Wanted) -> Outcome:
    return Outcome(
        pull=pull_id,
        partner=offer.provider,
        bundle=offer.bundle,
        contract=offer.contract.digest,
        purpose=wanted.purpose,
        delivery=delivery or None,
        code=INCOMPLETE,
    )


def _refused(offer: Offer, name: str, expected: str, found: str) -> DeliveryRefusedError:
    return DeliveryRefusedError(
        bundle=offer.bundle.hex, party=offer.provider, field=name, expected=expected, found=found
    )
