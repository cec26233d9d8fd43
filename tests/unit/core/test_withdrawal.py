"""A withdrawal holds only if two officers approved exactly it, bundle keys signed it, and witnesses saw its entry."""

from dataclasses import replace
from datetime import timedelta

import pytest

from exchange.clearance import Approval
from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.bundle import (
    ApprovalSignatureError,
    ApprovalsMissingError,
    BundleFilesError,
    ForeignOfficerError,
    OfficerRoleError,
    SameOfficerError,
    WithdrawalError,
)
from exchange.log.entry import EntryType
from exchange.manifest import MANIFEST
from exchange.publication.withdrawal import (
    REASON_CHARACTERS_MAX,
    WITHDRAWAL,
    WITHDRAWAL_FILES,
    WITHDRAWAL_PROOF,
    WITHDRAWAL_SIGNATURES,
    PublishedWithdrawal,
    Withdrawal,
    WithdrawalCommon,
    approve_withdrawal,
    format_withdrawal,
    parse_withdrawal,
    propose_withdrawal,
    sign_withdrawal,
    verify_withdrawal,
)
from exchange.signing.keys import KeyPurpose
from tests.world.bundles import CLEARED, COSIGNED, BundleWorld, bundle_world

REASON = "the extract counted one checkpoint twice"


@pytest.fixture(scope="module")
def world() -> BundleWorld:
    return bundle_world()


def bundle(world: BundleWorld) -> Digest:
    return Digest.of(world.files[MANIFEST])


def approval(world: BundleWorld, common: WithdrawalCommon, officer: str, role: str = "clearing") -> Approval:
    signer = world.federation.officer(officer)
    return approve_withdrawal(common, officer=officer, role=role, at=CLEARED, signer=signer)


def withdrawal(world: BundleWorld, *officers: str, **changed: object) -> Withdrawal:
    common = replace(propose_withdrawal(bundle(world), reason=REASON, at=CLEARED), **changed)  # type: ignore[arg-type]  # the test chooses the members
    return Withdrawal(common=common, approvals=tuple(approval(world, common, officer) for officer in officers))


def published(world: BundleWorld, made: Withdrawal, **entry: object) -> dict[str, bytes]:
    files = sign_withdrawal(made, signer=world.federation.hybrid("KZ", KeyPurpose.BUNDLE))
    members: dict[str, object] = {
        "type": EntryType.BUNDLE_WITHDRAWN,
        "evidence": Digest.of(files[WITHDRAWAL_SIGNATURES]),
        **entry,
    }
    return {**files, WITHDRAWAL_PROOF: world.proof(world.entry(world.files, **members))}


def verified(world: BundleWorld, files: dict[str, bytes]) -> PublishedWithdrawal:
    return verify_withdrawal(
        files,
        bundle=bundle(world),
        contract=world.contract.digest,
        provider="KZ",
        trust=world.trust,
        clause=world.contract.approvals,
    )


def test_a_withdrawal_by_two_officers_holds_at_its_cosigned_time(world: BundleWorld) -> None:
    files = published(world, withdrawal(world, "kz-02", "kz-03"))
    found = verified(world, files)
    assert found.withdrawal.common.reason == REASON
    assert (found.cosigned_at, found.digest) == (COSIGNED, Digest.of(files[WITHDRAWAL]))
    assert format_withdrawal(parse_withdrawal(files[WITHDRAWAL])) == files[WITHDRAWAL]


def test_any_changed_bit_in_any_of_the_three_files_is_refused(world: BundleWorld) -> None:
    files = published(world, withdrawal(world, "kz-02", "kz-03"))
    for name in WITHDRAWAL_FILES:
        raw = files[name]
        for place in range(0, len(raw), 7):
            changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
            with pytest.raises(ExchangeError):
                verified(world, {**files, name: changed})


@pytest.mark.parametrize("name", WITHDRAWAL_FILES)
def test_a_missing_file_is_named(world: BundleWorld, name: str) -> None:
    files = published(world, withdrawal(world, "kz-02", "kz-03"))
    with pytest.raises(BundleFilesError, match=name):
        verified(world, {other: raw for other, raw in files.items() if other != name})


def test_one_officer_alone_withdraws_nothing(world: BundleWorld) -> None:
    with pytest.raises(ApprovalsMissingError, match="2 approvals by different officers are needed, found 1"):
        verified(world, published(world, withdrawal(world, "kz-02")))


def test_one_officer_twice_is_one(world: BundleWorld) -> None:
    with pytest.raises(SameOfficerError, match="kz-02"):
        published(world, withdrawal(world, "kz-02", "kz-02"))


def test_an_officer_of_another_country_does_not_count(world: BundleWorld) -> None:
    with pytest.raises(ForeignOfficerError, match="kg-02"):
        verified(world, published(world, withdrawal(world, "kz-02", "kg-02")))


def test_a_data_officer_does_not_clear_a_withdrawal(world: BundleWorld) -> None:
    made = withdrawal(world, "kz-02")
    with pytest.raises(OfficerRoleError):
        verified(
            world, published(world, replace(made, approvals=(*made.approvals, approval(world, made.common, "kz-01"))))
        )


def test_an_approval_of_another_reason_does_not_count(world: BundleWorld) -> None:
    made = withdrawal(world, "kz-02", "kz-03")
    other = replace(made, common=replace(made.common, reason="another reason"))
    with pytest.raises(ApprovalSignatureError):
        verified(world, published(world, other))


def test_a_withdrawal_of_another_bundle_is_refused(world: BundleWorld) -> None:
    other = Digest.of(b"another bundle")
    with pytest.raises(WithdrawalError, match="bundle: expected"):
        verified(world, published(world, withdrawal(world, "kz-02", "kz-03", bundle=other)))


def test_a_withdrawal_dated_ahead_is_refused(world: BundleWorld) -> None:
    with pytest.raises(WithdrawalError, match="at: expected"):
        verified(world, published(world, withdrawal(world, "kz-02", "kz-03", at=COSIGNED + timedelta(hours=1))))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", EntryType.BUNDLE_PUBLISHED),
        ("node", "KG"),
        ("bundle", Digest.of(b"other")),
        ("contract", Digest.of(b"other")),
        ("evidence", Digest.of(b"other")),
    ],
)
def test_an_entry_that_says_something_else_is_refused(world: BundleWorld, field: str, value: object) -> None:
    with pytest.raises(WithdrawalError, match=f"entry: {field}"):
        verified(world, published(world, withdrawal(world, "kz-02", "kz-03"), **{field: value}))


def test_keys_of_another_member_sign_no_withdrawal(world: BundleWorld) -> None:
    made = withdrawal(world, "kz-02", "kz-03")
    files = published(world, made)
    foreign = sign_withdrawal(made, signer=world.federation.hybrid("KG", KeyPurpose.BUNDLE))
    proof = world.proof(
        world.entry(world.files, type=EntryType.BUNDLE_WITHDRAWN, evidence=Digest.of(foreign[WITHDRAWAL_SIGNATURES]))
    )
    with pytest.raises(ExchangeError, match="key"):
        verified(world, {**files, **foreign, WITHDRAWAL_PROOF: proof})


@pytest.mark.parametrize("reason", ["", "   ", "x" * (REASON_CHARACTERS_MAX + 1)])
def test_a_withdrawal_needs_a_reason_of_readable_length(world: BundleWorld, reason: str) -> None:
    with pytest.raises(WithdrawalError, match="reason"):
        propose_withdrawal(bundle(world), reason=reason, at=CLEARED)
