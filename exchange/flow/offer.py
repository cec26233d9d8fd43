"""What a partner offers, and which of it is meant: a contract by its beginning, a period, the newest revision."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from exchange.codes import parse_period
from exchange.contract.reference import ContractRef, member_id
from exchange.encoding import Digest, int_member, parse_instant, text_member
from exchange.errors import ExchangeError
from exchange.errors.encoding import FieldError
from exchange.errors.exchange_ import PartnerMalformedError
from exchange.errors.pull import NotOfferedError, OfferAmbiguousError, OfferWithdrawnError

STATE_PUBLISHED = "published"
STATE_WITHDRAWN = "withdrawn"
PURPOSE_DEFAULT = "official_statistics"
_STATE = re.compile(r"[a-z][a-z_-]{0,31}\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an analyst asks for.

    Attributes:
        contract: A contract id or a prefix of one, in either case.
        purpose: What it will be used for; must be among the contract's permitted purposes.
    """

    contract: str
    period: str
    purpose: str = PURPOSE_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One item of a partner's catalogue."""

    bundle: Digest
    provider: str
    contract: ContractRef
    period: str
    revision: int
    not_before: datetime
    state: str


def read_catalogue(items: Sequence[Mapping[str, object]], *, partner: str) -> tuple[Offer, ...]:
    """The partner's offers of its own bundles; members of an item that we do not know are left alone.

    Raises:
        PartnerMalformedError: An item is not one.
    """
    try:
        offers = tuple(_offer(item) for item in items)
    except ExchangeError as error:
        raise PartnerMalformedError(partner=partner, subject="catalogue", reason=error.sentence()) from error
    return tuple(offer for offer in offers if offer.provider == partner)


def pick(offers: Sequence[Offer], wanted: Wanted, *, partner: str, member: str) -> Offer:
    """The newest revision for this contract and period that this partner itself provides.

    Raises:
        NotOfferedError: There is none.
        OfferAmbiguousError: Several contracts begin so.
        OfferWithdrawnError: It was withdrawn.
    """
    own = [offer for offer in offers if offer.provider == partner and offer.state in {STATE_PUBLISHED, STATE_WITHDRAWN}]
    found = [offer for offer in _beginning(own, wanted.contract) if offer.period == wanted.period]
    if not found:
        raise NotOfferedError(partner=partner, member=member, contract=wanted.contract.upper(), period=wanted.period)
    _require_one_contract(found, wanted.contract, partner=partner)
    newest = max(found, key=lambda offer: (offer.revision, offer.bundle))
    if newest.state == STATE_WITHDRAWN:
        raise OfferWithdrawnError(
            contract=newest.contract.id,
            period=newest.period,
            partner=partner,
            member=member,
            revision=newest.revision,
            bundle=str(newest.bundle),
        )
    return newest


def of_contract(offers: Sequence[Offer], contract: str, *, partner: str) -> tuple[Offer, ...]:
    """The offers of one contract, all its versions; `contract` is its id or a beginning of it, in either case.

    Raises:
        OfferAmbiguousError: Several contracts begin so.
    """
    found = _beginning(offers, contract)
    _require_one_contract(found, contract, partner=partner)
    return found


def _beginning(offers: Sequence[Offer], contract: str) -> tuple[Offer, ...]:
    """An id that is exactly this one comes before those that only begin with it."""
    prefix = contract.upper()
    exact = tuple(offer for offer in offers if offer.contract.id == prefix)
    return exact or tuple(offer for offer in offers if offer.contract.id.startswith(prefix))


def _require_one_contract(offers: Sequence[Offer], contract: str, *, partner: str) -> None:
    ids = sorted({offer.contract.id for offer in offers})
    if len(ids) > 1:
        raise OfferAmbiguousError(contract=contract.upper(), partner=partner, found=", ".join(ids))


def _offer(item: Mapping[str, object]) -> Offer:
    subject = "catalogue item"
    return Offer(
        bundle=Digest.parse(item.get("bundle"), subject=subject),
        provider=member_id(item, "provider", subject=subject),
        contract=ContractRef.parse(item.get("contract"), subject=subject),
        period=parse_period(text_member(item, "period", subject=subject)).text,
        revision=int_member(item, "revision", subject=subject),
        not_before=parse_instant(item.get("not_before"), subject=subject),
        state=_state(item, subject=subject),
    )


def _state(item: Mapping[str, object], *, subject: str) -> str:
    """One lower-case word; which words there are, a later version may say."""
    state = text_member(item, "state", subject=subject)
    if _STATE.match(state) is None:
        raise FieldError(subject=subject, field="state", expected="a word such as published", found=state[:40])
    return state
