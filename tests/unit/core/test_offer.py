"""Which of a partner's offers is meant: the newest revision, and none in its place if that was withdrawn."""

from datetime import UTC, datetime

import pytest

from exchange.contract.reference import ContractRef
from exchange.encoding import Digest
from exchange.errors.pull import NotOfferedError, OfferWithdrawnError
from exchange.flow.offer import Offer, Wanted, pick

WANTED = Wanted(contract="CA-01", period="2026-09")


def offer(revision: int, state: str = "published") -> Offer:
    return Offer(
        bundle=Digest.of(f"r{revision}".encode()),
        provider="KZ",
        contract=ContractRef(id="CA-01-BORDER", version="1.0.0", digest=Digest.of(b"contract")),
        period="2026-09",
        revision=revision,
        not_before=datetime(2026, 10, 1, tzinfo=UTC),
        state=state,
    )


def picked(*offers: Offer) -> Offer:
    return pick(offers, WANTED, partner="KZ", member="KG")


def test_where_the_newest_revision_was_withdrawn_that_is_said_and_no_earlier_one_is_taken() -> None:
    with pytest.raises(OfferWithdrawnError) as refusal:
        picked(offer(0), offer(1, "withdrawn"))
    bundle = Digest.of(b"r1")
    assert refusal.value.sentence() == (
        f"CA-01-BORDER for 2026-09: KZ has withdrawn revision 1, bundle {bundle}; KG takes no other"
    )
    assert "exchange --node KG withdrawal look KZ" in refusal.value.mend()


def test_a_revision_after_a_withdrawn_one_is_taken() -> None:
    assert picked(offer(0, "withdrawn"), offer(1)).revision == 1


@pytest.mark.parametrize("state", ["superseded", "a state of a later program"])
def test_only_what_is_published_is_offered(state: str) -> None:
    with pytest.raises(NotOfferedError):
        picked(offer(0, state))
