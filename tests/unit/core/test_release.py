from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from exchange.clearance import Clearance
from exchange.contract.model import DataContract
from exchange.errors import ExchangeError
from exchange.errors.bundle import (
    ApprovalsMissingError,
    BundleMismatchError,
    ClearanceExpiredError,
    ContractMismatchError,
    EmbargoError,
)
from exchange.flow.candidate import CandidateFiles
from exchange.flow.release import seal
from exchange.labels import Licence, Source
from exchange.manifest import parse_manifest
from exchange.signing.keys import KeyPurpose
from tests.world.bundles import COSIGNED, VALID_UNTIL, bundle_world

WORLD = bundle_world()


def _seal(
    files: CandidateFiles | None = None,
    clearance: Clearance | None = None,
    contract: DataContract | None = None,
    *,
    days_late: int = 0,
) -> dict[str, bytes]:
    return seal(
        files or WORLD.candidate,
        clearance or WORLD.case.clearance,
        contract=contract or WORLD.contract,
        trust=WORLD.trust,
        at=VALID_UNTIL + timedelta(days=days_late) if days_late else COSIGNED,
        signer=WORLD.federation.hybrid("KZ", KeyPurpose.BUNDLE),
    )


def _relabelled(**changes: object) -> CandidateFiles:
    candidate = replace(WORLD.candidate.candidate, **changes)  # type: ignore[arg-type]  # the test chooses the members
    return replace(WORLD.candidate, candidate=candidate)


def test_the_same_inputs_give_the_same_manifest_and_resources() -> None:
    first, second = _seal(), _seal()
    assert first.pop("datapackage.jws") != second.pop("datapackage.jws")  # ML-DSA signs with fresh randomness
    assert first == second


def test_the_manifest_says_what_the_officers_cleared() -> None:
    manifest, common = parse_manifest(_seal()["datapackage.json"]), WORLD.case.common
    assert (manifest.provider, manifest.period, manifest.recipients) == (
        common.provider,
        common.period,
        common.recipients,
    )
    assert (manifest.data.digest, manifest.disclosure.digest) == (common.data, common.disclosure)


@pytest.mark.parametrize(
    ("attempt", "refusal"),
    [
        pytest.param(
            lambda: _seal(clearance=replace(WORLD.case.clearance, approvals=WORLD.case.approvals[:1])),
            ApprovalsMissingError,
            id="cleared by one officer",
        ),
        pytest.param(lambda: _seal(days_late=1), ClearanceExpiredError, id="after the last day"),
        pytest.param(
            lambda: _seal(replace(WORLD.candidate, data=WORLD.candidate.data + b"\n")),
            BundleMismatchError,
            id="another table than was cleared",
        ),
        pytest.param(
            lambda: _seal(_relabelled(title=f"MOVED 1907: {WORLD.candidate.candidate.title}")),
            BundleMismatchError,
            id="words before the title that nobody cleared",
        ),
        pytest.param(
            lambda: _seal(_relabelled(sources=(Source(title="1907 persons"),))),
            BundleMismatchError,
            id="a source that nobody cleared",
        ),
        pytest.param(
            lambda: _seal(_relabelled(licences=(Licence(name="x", path="https://example.org/1907"),))),
            BundleMismatchError,
            id="a licence that nobody cleared",
        ),
        pytest.param(
            lambda: _seal(
                replace(WORLD.candidate, candidate=replace(WORLD.candidate.candidate, title="Crossings, KZ, 2026-09"))
            ),
            ContractMismatchError,
            id="a title of its own",
        ),
        pytest.param(
            lambda: _seal(contract=replace(WORLD.contract, embargo_days=30)), EmbargoError, id="before the embargo ends"
        ),
    ],
)
def test_a_desk_signs_nothing_that_a_partner_would_refuse(
    attempt: Callable[[], object], refusal: type[ExchangeError]
) -> None:
    with pytest.raises(refusal):
        attempt()
