from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from exchange.bundle import open_handover
from exchange.errors import ExchangeError
from exchange.errors.bundle import (
    BundleFilesError,
    ClearanceExpiredError,
    ContractMismatchError,
    EmbargoError,
    RecipientsError,
    ResourceDigestError,
)
from exchange.errors.contract import ContractNotInForceError
from exchange.errors.trust import UnknownKeyError
from exchange.publication import Checklist, CheckName, OneContract, Standing, verify_cleared, verify_publication
from exchange.signing.keys import KeyPurpose
from tests.world.bundles import COSIGNED, SIGNED, VALID_UNTIL, bundle_world

WORLD = bundle_world()
WITHOUT_DATA = {name: content for name, content in WORLD.files.items() if name != "data.csv"}
FIVE = {name: content for name, content in WORLD.files.items() if name != "publication.tlog-proof"}


def test_an_auditor_verifies_without_the_figures() -> None:
    publication = verify_publication(WITHOUT_DATA, trust=WORLD.trust, shelf=WORLD.shelf)
    assert publication.cosigned_at == COSIGNED
    assert publication.manifest.provider == "KZ"
    assert all(check.standing is Standing.HOLDS for check in publication.checks)


def test_whoever_has_the_figures_compares_their_digest() -> None:
    with pytest.raises(ResourceDigestError):
        verify_publication(
            {**WITHOUT_DATA, "data.csv": WORLD.files["data.csv"][:-2] + b"A\n"}, trust=WORLD.trust, shelf=WORLD.shelf
        )


def test_checks_that_need_an_absent_contract_are_named_and_all_others_decide() -> None:
    publication = verify_publication(WITHOUT_DATA, trust=WORLD.trust)
    skipped = {check.name for check in publication.checks if check.standing is Standing.NOT_CHECKED}
    assert skipped == {CheckName.CONTRACT, CheckName.IN_FORCE, CheckName.RECIPIENTS, CheckName.PATTERN}
    sentences = {check.sentence() for check in publication.checks if check.name in skipped}
    assert sentences == {"not checked: contract absent"}


def test_every_check_speaks_both_languages() -> None:
    checklist = Checklist()
    open_handover(FIVE, trust=WORLD.trust, contracts=WORLD.shelf, at=COSIGNED, checklist=checklist)
    verify_publication(WITHOUT_DATA, trust=WORLD.trust, checklist=checklist)
    for check in checklist.checks:
        assert check.sentence("en")
        assert check.sentence("ru")
        assert check.label("ru") != check.label("en")
        assert check.as_json("ru")["sentence"] == check.sentence("ru")


@pytest.mark.parametrize("missing", sorted(WITHOUT_DATA))
def test_a_missing_file_is_named(missing: str) -> None:
    files = {name: content for name, content in WITHOUT_DATA.items() if name != missing}
    with pytest.raises(BundleFilesError, match=missing):
        verify_publication(files, trust=WORLD.trust, shelf=WORLD.shelf)


@pytest.mark.parametrize(
    ("shelf", "check", "refusal"),
    [
        pytest.param(
            lambda: OneContract(replace(WORLD.contract, version="1.1.0")),
            CheckName.CONTRACT,
            ContractMismatchError,
            id="another version",
        ),
        pytest.param(
            lambda: OneContract(replace(WORLD.contract, title={"en": "Something else"})),
            CheckName.CONTRACT,
            ContractMismatchError,
            id="a title that is not the contract's",
        ),
        pytest.param(
            lambda: OneContract(replace(WORLD.contract, parties=WORLD.contract.parties[1:])),
            CheckName.CONTRACT,
            ContractMismatchError,
            id="a provider that is no party",
        ),
        pytest.param(
            lambda: OneContract(replace(WORLD.contract, embargo_days=1)),
            CheckName.CONTRACT,
            EmbargoError,
            id="readable a day before the embargo ends",
        ),
        pytest.param(
            lambda: OneContract(replace(WORLD.contract, decimals=2)),
            CheckName.CONTRACT,
            ContractMismatchError,
            id="whole numbers where the contract has decimals",
        ),
        pytest.param(
            lambda: OneContract(
                replace(WORLD.contract, parties=tuple(p for p in WORLD.contract.parties if p.member != "UZ"))
            ),
            CheckName.RECIPIENTS,
            RecipientsError,
            id="a recipient that is no party",
        ),
        pytest.param(
            lambda: OneContract(
                replace(WORLD.contract, disclosure=replace(WORLD.contract.disclosure, profile="counts_standard"))
            ),
            CheckName.DISCLOSURE,
            ContractMismatchError,
            id="another disclosure profile",
        ),
        pytest.param(
            lambda: replace(bundle_world(), statements=tuple(s for s in WORLD.statements if s.party != "TM")).shelf,
            CheckName.IN_FORCE,
            ContractNotInForceError,
            id="a party that has not signed",
        ),
    ],
)
def test_a_bundle_is_held_to_its_contract(
    shelf: Callable[[], OneContract], check: CheckName, refusal: type[ExchangeError]
) -> None:
    checklist = Checklist()
    with pytest.raises(refusal):
        verify_publication(WITHOUT_DATA, trust=WORLD.trust, shelf=shelf(), checklist=checklist)
    assert checklist.failed is not None
    assert checklist.failed.name is check


def test_a_gateway_verifies_a_hand_over_before_there_is_a_proof() -> None:
    opened = open_handover(FIVE, trust=WORLD.trust, contracts=WORLD.shelf, at=COSIGNED)
    assert opened.data is not None
    assert opened.cleared.report.cells == len(opened.data.table.rows)


def test_a_hand_over_after_the_clearances_last_day_is_refused() -> None:
    late = VALID_UNTIL + timedelta(seconds=1)
    with pytest.raises(ClearanceExpiredError):
        verify_cleared(FIVE, trust=WORLD.trust, shelf=WORLD.shelf, at=late)


def test_keys_count_at_the_cosigned_time_and_not_at_the_time_of_reading() -> None:
    member = WORLD.trust.members["KZ"]
    revoked = tuple(
        replace(key, revoked_at=COSIGNED - timedelta(seconds=1)) if key.purpose is KeyPurpose.BUNDLE else key
        for key in member.keys
    )
    trust = replace(WORLD.trust, members={**WORLD.trust.members, "KZ": replace(member, keys=revoked)})
    checklist = Checklist()
    with pytest.raises(UnknownKeyError):
        verify_publication(WITHOUT_DATA, trust=trust, shelf=WORLD.shelf, checklist=checklist)
    assert checklist.failed is not None
    assert checklist.failed.name is CheckName.KEYS
    later = tuple(
        replace(key, revoked_at=COSIGNED + timedelta(seconds=1)) if key.purpose is KeyPurpose.BUNDLE else key
        for key in member.keys
    )
    trust = replace(WORLD.trust, members={**WORLD.trust.members, "KZ": replace(member, keys=later)})
    verify_publication(WITHOUT_DATA, trust=trust, shelf=WORLD.shelf)


def test_the_contract_is_judged_at_the_cosigned_time() -> None:
    files = {**WITHOUT_DATA, "publication.tlog-proof": WORLD.proof(WORLD.entry(FIVE), cosigned_at=SIGNED)}
    # Everybody signed by then, but the officers approved a day later.
    checklist = Checklist()
    with pytest.raises(ExchangeError):
        verify_publication(files, trust=WORLD.trust, shelf=WORLD.shelf, checklist=checklist)
    assert checklist.failed is not None
    assert checklist.failed.name is CheckName.CLEARANCE
    early = SIGNED - timedelta(seconds=1)
    files["publication.tlog-proof"] = WORLD.proof(WORLD.entry(FIVE), cosigned_at=early)
    with pytest.raises(ContractNotInForceError):
        verify_publication(files, trust=WORLD.trust, shelf=WORLD.shelf)
