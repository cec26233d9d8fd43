"""A new version answers to what binds, not to drafts: no chain of small steps hides a loosening."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache

import pytest

from exchange.contract.model import DataContract
from exchange.contract.parse import parse_contract
from exchange.errors.contract import ContractVersionError
from exchange.flow.amend import require_amendment, versions_before
from exchange.statement import Statement, StatementType
from tests.world.contracts import codelists, contract_raw
from tests.world.statements import SIGNED, all_sign, say

NOW = SIGNED + timedelta(days=10)
Kept = tuple[DataContract, Sequence[Statement]]


@cache
def version(number: str, contributors_min: int) -> DataContract:
    """CA-01, whose own minimum is 10, with this number and this minimum."""
    raw = contract_raw("CA-01-BORDER").decode()
    raw = raw.replace("contributorsMin: 10", f"contributorsMin: {contributors_min}")
    return parse_contract(raw.replace("version: 1.0.0", f"version: {number}").encode(), codelists=codelists())


def signed(found: DataContract) -> Kept:
    return found, all_sign(found)


FIRST, LAST = version("1.0.0", 10), version("1.2.0", 5)
STRICTER_FOR_ONE = (version("1.1.0", 12), [say(version("1.1.0", 12), "KZ")])
STRICTER_FOR_ALL_LATER = (version("1.1.0", 12), all_sign(version("1.1.0", 12), at=NOW + timedelta(days=1)))


@pytest.mark.parametrize(
    ("kept", "after"),
    [
        pytest.param([signed(FIRST)], LAST, id="the version in force before"),
        pytest.param([signed(FIRST), (version("1.1.0", 5), [])], LAST, id="two small steps, the first never signed"),
        pytest.param([signed(FIRST), STRICTER_FOR_ONE], version("1.2.0", 10), id="a later one that a party signed"),
        pytest.param([signed(FIRST), STRICTER_FOR_ONE], version("1.2.0", 5), id="both"),
        pytest.param([(FIRST, [say(FIRST, "KG")])], version("1.0.1", 9), id="what one party alone has signed"),
        pytest.param([(FIRST, [])], LAST, id="the newest draft, where nothing binds anybody"),
    ],
)
def test_a_number_that_hides_a_loosening_against_what_binds_is_refused(kept: list[Kept], after: DataContract) -> None:
    with pytest.raises(ContractVersionError) as caught:
        require_amendment(after, kept, at=NOW)
    assert caught.value.facts["expected"] == "2.0.0"


@pytest.mark.parametrize(
    ("kept", "after"),
    [
        pytest.param([signed(FIRST)], version("2.0.0", 5), id="a loosening under a new major number"),
        pytest.param([signed(FIRST), (version("1.1.0", 12), [])], version("1.2.0", 10), id="a stricter draft"),
        pytest.param([signed(version("2.0.0", 12))], version("1.1.0", 5), id="nothing earlier"),
        pytest.param([signed(version("1.1.0", 5))], version("1.2.0", 12), id="a tightening"),
        pytest.param(
            [
                signed(FIRST),
                (
                    version("1.1.0", 12),
                    [
                        say(version("1.1.0", 12), "KZ"),
                        say(version("1.1.0", 12), "KZ", StatementType.ENDED, at=SIGNED + timedelta(days=1)),
                    ],
                ),
            ],
            version("1.2.0", 10),
            id="a later one that its only signatory took back",
        ),
    ],
)
def test_what_hides_nothing_is_taken(kept: list[Kept], after: DataContract) -> None:
    require_amendment(after, kept, at=NOW)


def test_a_version_is_shown_beside_what_is_in_force_and_not_beside_a_newer_draft() -> None:
    kept: list[Kept] = [signed(FIRST), (version("1.1.0", 5), [])]
    assert versions_before(LAST, kept, at=NOW) == (FIRST,)
    assert versions_before(LAST, kept[1:], at=NOW) == (version("1.1.0", 5),)
    assert versions_before(FIRST, kept, at=NOW) == ()


def test_a_version_that_all_signed_for_a_later_day_binds_beside_the_one_in_force() -> None:
    later, statements = STRICTER_FOR_ALL_LATER
    assert versions_before(LAST, [signed(FIRST), (later, statements)], at=NOW) == (FIRST, later)


def test_a_version_that_was_in_force_and_is_ended_still_binds_the_next_number() -> None:
    ended = (*all_sign(FIRST), say(FIRST, "KZ", StatementType.ENDED, at=SIGNED + timedelta(days=1)))
    assert versions_before(LAST, [(FIRST, ended)], at=NOW) == (FIRST,)
