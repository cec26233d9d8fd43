"""Which of a partner's offers is meant: the newest revision, and none in its place if that was withdrawn."""

from datetime import UTC, datetime

import pytest

from exchange.contract.reference import ContractRef
from exchange.encoding import Digest
from exchange.errors.pull import NotOfferedError, OfferAmbiguousError, OfferWithdrawnError
from exchange.flow.offer import Offer, Wanted, of_contract, pick

WANTED = Wanted(contract="CA-01", period="2026-09")


def offer(revision: int, state: str = "published", *, contract: str = "CA-01-BORDER") -> Offer:
    return Offer(
        bundle=Digest.of(f"r{revision}".encode()),
        provider="KZ",
        contract=ContractRef(id=contract, version="1.0.0", digest=Digest.of(b"contract")),
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


@pytest.mark.parametrize("asked", ["CA-01", "ca-01", "ca-01-border", "CA-01-BORDER"])
def test_a_catalogue_is_narrowed_by_the_beginning_of_an_id_in_either_case(asked: str) -> None:
    border, permits = offer(0), offer(1, contract="CA-05-WORK-PERMITS")
    assert of_contract([border, permits], asked, partner="KZ") == (border,)


def test_an_id_that_is_exactly_the_one_asked_for_comes_before_those_that_begin_with_it() -> None:
    border, wider = offer(0), offer(1, contract="CA-01-BORDER-RIVERS")
    assert of_contract([wider, border], "ca-01-border", partner="KZ") == (border,)


def test_a_beginning_that_several_contracts_have_names_them() -> None:
    with pytest.raises(OfferAmbiguousError) as refusal:
        of_contract([offer(0), offer(1, contract="CA-05-WORK-PERMITS")], "ca-0", partner="KZ")
    assert "CA-01-BORDER, CA-05-WORK-PERMITS" in refusal.value.sentence()


def test_what_nothing_offered_begins_with_narrows_a_catalogue_to_nothing() -> None:
    assert of_contract([offer(0)], "CA-07", partner="KZ") == ()
