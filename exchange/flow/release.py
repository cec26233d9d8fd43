"""Release at the desk: a cleared candidate becomes a signed bundle, and is handed over to the gateway (DESIGN.md §2).

1. the clearance holds now, for exactly these bytes; 2. the manifest follows from it; 3. both bundle keys sign the
manifest; 4. the five files go over as one, named by the bundle's digest. The gateway believes none of it and verifies.
"""

from collections.abc import Mapping
from datetime import datetime

from exchange.bundle import pack_handover, unpack_handover
from exchange.clearance import Clearance, format_clearance, verify_clearance
from exchange.contract.model import DataContract
from exchange.encoding import Digest
from exchange.errors.bundle import BundleMismatchError
from exchange.flow.candidate import CandidateFiles
from exchange.manifest import (
    CLEARANCE,
    DATA,
    DISCLOSURE,
    MANIFEST,
    Manifest,
    Resource,
    bundle_digest,
    format_manifest,
    parse_manifest,
)
from exchange.publication import SIGNATURES
from exchange.publication.compare import (
    compare_clearance,
    compare_contract,
    compare_report,
    compare_rules,
)
from exchange.publication.verify import BUNDLE_TYP
from exchange.report import parse_report
from exchange.signing.jws import sign_detached
from exchange.signing.keys import HybridSigner
from exchange.signing.trust import Trust

HANDOVER_SUFFIX = ".handover"


def seal(
    files: CandidateFiles,
    clearance: Clearance,
    *,
    contract: DataContract,
    trust: Trust,
    at: datetime,
    signer: HybridSigner,
) -> dict[str, bytes]:
    """The five files of a bundle that is ready to be published.

    Args:
        files: The candidate with its data.csv and disclosure.json, as cleared.
        clearance: The officers' decision.
        contract: The contract in force; the caller has asked `exchange.flow.agree`.
        trust: The registry.
        at: Now.
        signer: The provider's bundle keys.

    Raises:
        ClearanceError: The clearance does not hold now.
        BundleMismatchError: It was given for other bytes, or the report is of another release.
        ContractMismatchError, EmbargoError: The contract does not allow this release.
    """
    cleared = format_clearance(clearance)
    verify_clearance(cleared, trust=trust, at=at, contract=contract)
    manifest = _manifest(files, clearance, cleared, contract)
    report = parse_report(files.disclosure)
    compare_contract(manifest, contract)
    compare_clearance(clearance, manifest)
    compare_report(report, manifest, clearance)
    compare_rules(report, contract, recipients=manifest.recipients)
    raw = format_manifest(manifest)
    parse_manifest(raw)  # nothing is signed that a reader would refuse
    return {
        MANIFEST: raw,
        DATA: files.data,
        DISCLOSURE: files.disclosure,
        CLEARANCE: cleared,
        SIGNATURES: sign_detached(raw, typ=BUNDLE_TYP, signers=signer.signers),
    }


def hand_over(files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """The name and the bytes of the one file that crosses from desk to gateway."""
    return bundle_digest(files[MANIFEST]).hex + HANDOVER_SUFFIX, pack_handover(files)


def take_over(name: str, raw: bytes) -> dict[str, bytes]:
    """The five files of a hand-over, unverified but for its form and its name.

    Raises:
        ZipFormError: Not the one legal form.
        BundleMismatchError: It is named after another bundle.
    """
    files = unpack_handover(raw)
    expected = bundle_digest(files[MANIFEST])
    if name != expected.hex + HANDOVER_SUFFIX:
        found = Digest.parse_hex(name.removesuffix(HANDOVER_SUFFIX), subject="hand-over name")
        raise BundleMismatchError(subject="hand-over", field="name", expected=str(expected), found=str(found))
    return files


def _manifest(files: CandidateFiles, clearance: Clearance, cleared: bytes, contract: DataContract) -> Manifest:
    common, candidate = clearance.common, files.candidate
    return Manifest(
        title=candidate.title,
        provider=common.provider,
        contract=candidate.contract,
        period=common.period,
        revision=common.revision,
        supersedes=common.supersedes,
        recipients=common.recipients,
        not_before=common.not_before,
        dimensions=tuple(dimension.id for dimension in contract.dimensions),
        whole=not contract.decimals,
        data=Resource.of(DATA, files.data),
        disclosure=Resource.of(DISCLOSURE, files.disclosure),
        clearance=Resource.of(CLEARANCE, cleared),
        sources=candidate.sources,
        licences=candidate.licences,
    )
