"""The checks of a bundle that need no figure, in order; the first that does not hold raises.

`verify_cleared` is what the gateway does with a hand-over, before there is a log entry; `verify_publication` is what
everybody does with a published bundle, at the time that the witnesses' cosignatures give it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from exchange.clearance import Clearance, verify_clearance
from exchange.contract.model import DataContract
from exchange.contract.reference import ContractRef
from exchange.encoding import Digest, format_instant
from exchange.errors import ExchangeError
from exchange.errors.bundle import (
    BundleFilesError,
    DeterminedCellsError,
    EntryMismatchError,
    RecipientsError,
    RegistryUnarchivedError,
)
from exchange.log.entry import EntryType, LogEntry
from exchange.log.policy import CosignedCheckpoint
from exchange.log.proof import TlogProof, verify_proof
from exchange.manifest import CLEARANCE, DATA, DISCLOSURE, MANIFEST, Manifest, bundle_digest, parse_manifest
from exchange.pattern import determined, equations
from exchange.publication.checks import CONTRACT_ABSENT, STATEMENTS_ABSENT, Check, Checklist, CheckName
from exchange.publication.compare import compare_clearance, compare_contract, compare_report, compare_rules
from exchange.publication.logged import bundle_signers, read_logged, require_counting, require_witnessed
from exchange.report import DisclosureReport, parse_report
from exchange.signing.keys import HYBRID, PublicKey
from exchange.signing.trust import Trust

SIGNATURES = "datapackage.jws"
PROOF = "publication.tlog-proof"
BUNDLE_TYP = "exchange-bundle+jws"

HANDOVER_FILES = (MANIFEST, DATA, DISCLOSURE, CLEARANCE, SIGNATURES)
"""What the desk hands over, in the order of the ZIP."""
BUNDLE_FILES = (*HANDOVER_FILES, PROOF)
"""A published bundle, in the order of the ZIP."""

InForce = Callable[[DataContract, str, datetime], None]
"""Raises if the contract does not bind this provider at this time (`exchange.flow.agree`)."""


class ContractShelf(Protocol):
    """Where a verifier looks up contracts and whether they bind."""

    def find(self, ref: ContractRef) -> DataContract | None:
        """The contract with this digest, or None if it is not there."""
        ...

    @property
    def in_force(self) -> InForce | None:
        """The judge of statements, or None if there are none to judge."""
        ...


@dataclass(frozen=True, slots=True)
class OneContract:
    """A shelf with one contract on it, or with none."""

    contract: DataContract | None = None
    in_force: InForce | None = None

    def find(self, ref: ContractRef) -> DataContract | None:  # noqa: ARG002  # the comparison names the difference
        """The contract, whatever is asked for: the comparison then says where it differs."""
        return self.contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """A bundle that officers cleared and the provider signed."""

    digest: Digest
    manifest: Manifest
    clearance: Clearance
    report: DisclosureReport
    contract: DataContract | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication(Cleared):
    """A bundle that its provider published, with what the log and its witnesses say of it."""

    entry: LogEntry
    proof: TlogProof
    cosigned: CosignedCheckpoint
    cosigned_at: datetime
    checks: tuple[Check, ...]


def verify_publication(
    files: Mapping[str, bytes],
    *,
    trust: Trust,
    contract: DataContract | None = None,
    shelf: ContractShelf | None = None,
    checklist: Checklist | None = None,
) -> Publication:
    """Verify a published bundle without its figures.

    Args:
        files: By name; data.csv may be absent, and only its digest is looked at.
        trust: The registry; one opened with expired="notice" serves for old bundles.
        contract: The contract, if there is one shelf for one; or `shelf`.
        shelf: Where to find the contract; None and no contract: checks of its text are not made, all others are.
        checklist: Where to record the checks, so that a caller can show those that held before one failed.

    Raises:
        ExchangeError: The first check that does not hold; see `Checklist.failed` for its name.
    """
    record = checklist if checklist is not None else Checklist()
    _check_registry(trust, record)
    manifest = _check_manifest(files, record)
    _check_resources(files, manifest, record)
    keys = _check_signatures(files, manifest, trust, record)
    proof, entry = _check_entry(files, manifest, trust, record)
    cosigned = _check_witnesses(proof, manifest, trust, record)
    _check_keys(keys, manifest.provider, trust, cosigned.cosigned_at, record)
    cleared = _check_cleared(
        files, manifest, trust, shelf or OneContract(contract), at=cosigned.cosigned_at, record=record
    )
    return Publication(
        digest=cleared.digest,
        manifest=manifest,
        clearance=cleared.clearance,
        report=cleared.report,
        contract=cleared.contract,
        entry=entry,
        proof=proof,
        cosigned=cosigned,
        cosigned_at=cosigned.cosigned_at,
        checks=record.checks,
    )


def verify_cleared(
    files: Mapping[str, bytes],
    *,
    trust: Trust,
    shelf: ContractShelf,
    at: datetime,
    checklist: Checklist | None = None,
) -> Cleared:
    """Verify a bundle that is not published yet: everything but its place in the log.

    Args:
        files: The five files of a hand-over, by name.
        trust: The registry.
        shelf: Where to find the contract.
        at: Now: keys, approvals and the contract's force are judged at this time.
        checklist: Where to record the checks.

    Raises:
        ExchangeError: The first check that does not hold.
    """
    record = checklist if checklist is not None else Checklist()
    _check_registry(trust, record)
    manifest = _check_manifest(files, record)
    _check_resources(files, manifest, record)
    keys = _check_signatures(files, manifest, trust, record)
    _check_keys(keys, manifest.provider, trust, at, record)
    return _check_cleared(files, manifest, trust, shelf, at=at, record=record)


def _check_registry(trust: Trust, record: Checklist) -> None:
    with record.check(CheckName.TRUST) as facts:
        facts.update(version=trust.ref.version, members=len(trust.members))
    for notice in trust.notices:
        record.notice(CheckName.TRUST, notice)


def _check_manifest(files: Mapping[str, bytes], record: Checklist) -> Manifest:
    with record.check(CheckName.MANIFEST) as facts:
        raw = _file(files, MANIFEST)
        manifest = parse_manifest(raw)
        facts.update(name=manifest.name, digest=str(bundle_digest(raw)))
    return manifest


def _check_resources(files: Mapping[str, bytes], manifest: Manifest, record: Checklist) -> None:
    with record.check(CheckName.RESOURCES) as facts:
        # data.csv may be absent: the auditor never gets it. Whoever has it compares it.
        present = [resource for resource in manifest.resources if resource.path in files or resource.path != DATA]
        for resource in present:
            resource.require(_file(files, resource.path))
        facts["files"] = ", ".join(resource.path for resource in present)


def _check_signatures(
    files: Mapping[str, bytes], manifest: Manifest, trust: Trust, record: Checklist
) -> tuple[PublicKey, ...]:
    with record.check(CheckName.SIGNATURES) as facts:
        signed_by = bundle_signers(
            _file(files, SIGNATURES), _file(files, MANIFEST), typ=BUNDLE_TYP, provider=manifest.provider, trust=trust
        )
        facts.update(algorithms=" + ".join(HYBRID), provider=manifest.provider)
    return signed_by


def _check_entry(
    files: Mapping[str, bytes], manifest: Manifest, trust: Trust, record: Checklist
) -> tuple[TlogProof, LogEntry]:
    with record.check(CheckName.LOG_ENTRY) as facts:
        proof, entry = read_logged(_file(files, PROOF))
        required: dict[str, tuple[str, str]] = {
            "type": (EntryType.BUNDLE_PUBLISHED.value, entry.type.value),
            "node": (manifest.provider, entry.node),
            "bundle": (str(bundle_digest(files[MANIFEST])), str(entry.bundle)),
            "contract": (str(manifest.contract.digest), str(entry.contract)),
            "evidence": (str(Digest.of(files[SIGNATURES])), str(entry.evidence)),
        }
        for field, (expected, found) in required.items():
            if expected != found:
                raise EntryMismatchError(field=field, expected=expected, found=found)
        compared = trust.require_acted_under(entry.registry, subject=PROOF)
        facts.update(node=entry.node, at=format_instant(entry.at))
    if not compared:
        record.notice(CheckName.LOG_ENTRY, RegistryUnarchivedError(subject=PROOF, version=entry.registry.version))
    return proof, entry


def _check_witnesses(proof: TlogProof, manifest: Manifest, trust: Trust, record: Checklist) -> CosignedCheckpoint:
    with record.check(CheckName.COSIGNATURES) as facts:
        policy, cosigned = require_witnessed(proof.checkpoint_note, provider=manifest.provider, trust=trust)
        facts.update(
            origin=cosigned.origin,
            size=cosigned.size,
            witnesses=", ".join(cosigned.witnesses),
            at=format_instant(cosigned.cosigned_at),
        )
    with record.check(CheckName.INCLUSION) as facts:
        verify_proof(proof, proof.extra or b"", policy)
        facts.update(index=proof.index, size=cosigned.size)
    return cosigned


def _check_keys(signed_by: tuple[PublicKey, ...], provider: str, trust: Trust, at: datetime, record: Checklist) -> None:
    with record.check(CheckName.KEYS):
        require_counting(signed_by, file=SIGNATURES, provider=provider, trust=trust, at=at)


def _check_cleared(
    files: Mapping[str, bytes],
    manifest: Manifest,
    trust: Trust,
    shelf: ContractShelf,
    *,
    at: datetime,
    record: Checklist,
) -> Cleared:
    contract = _check_contract(manifest, shelf, at, record)
    with record.check(CheckName.CLEARANCE) as facts:
        clearance = verify_clearance(_file(files, CLEARANCE), trust=trust, at=at, contract=contract)
        compare_clearance(clearance, manifest)
        facts["officers"] = ", ".join(approval.officer for approval in clearance.approvals)
        facts["valid_until"] = format_instant(clearance.common.valid_until)
    with record.check(CheckName.DISCLOSURE) as facts:
        report = parse_report(_file(files, DISCLOSURE))
        compare_report(report, manifest, clearance)
        facts.update(withheld=len(report.withheld), cells=report.cells, attacker=report.audit.attacker)
        if contract is not None:
            compare_rules(report, contract, recipients=manifest.recipients)
            _require_one_set(manifest, contract)
    _check_pattern(report, contract, record)
    return Cleared(
        digest=bundle_digest(files[MANIFEST]),
        manifest=manifest,
        clearance=clearance,
        report=report,
        contract=contract,
    )


def _check_contract(manifest: Manifest, shelf: ContractShelf, at: datetime, record: Checklist) -> DataContract | None:
    try:
        contract = shelf.find(manifest.contract)
    except ExchangeError as error:
        record.fail(CheckName.CONTRACT, error)
        raise
    if contract is None:
        for name in (CheckName.CONTRACT, CheckName.IN_FORCE, CheckName.RECIPIENTS):
            record.skip(name, CONTRACT_ABSENT)
        return None
    with record.check(CheckName.CONTRACT) as facts:
        compare_contract(manifest, contract)
        facts.update(contract=contract.id, version=contract.version, digest=str(contract.digest))
    if shelf.in_force is None:
        record.skip(CheckName.IN_FORCE, STATEMENTS_ABSENT)
    else:
        with record.check(CheckName.IN_FORCE) as facts:
            shelf.in_force(contract, manifest.provider, at)
            facts.update(provider=manifest.provider, at=format_instant(at))
    with record.check(CheckName.RECIPIENTS) as facts:
        admitted = contract.recipients_of(manifest.provider)
        if not set(manifest.recipients) <= set(admitted):
            raise RecipientsError(
                provider=manifest.provider, expected=", ".join(admitted), found=", ".join(manifest.recipients)
            )
        facts["recipients"] = ", ".join(manifest.recipients)
    return contract


def _require_one_set(manifest: Manifest, contract: DataContract) -> None:
    # One release of a statistic for all who may see the same cells: two, each safe alone, are not when pooled.
    sets = contract.recipient_sets(manifest.provider)
    if manifest.recipients not in sets:
        expected, found = " | ".join(", ".join(one) for one in sets), ", ".join(manifest.recipients)
        raise RecipientsError(provider=manifest.provider, expected=expected, found=found)


def _check_pattern(report: DisclosureReport, contract: DataContract | None, record: Checklist) -> None:
    if contract is None:
        record.skip(CheckName.PATTERN, CONTRACT_ABSENT)
        return
    with record.check(CheckName.PATTERN) as facts:
        # A key these recipients must not see is as unknown to them as a withheld one, and has to stay so.
        unknown = frozenset(report.withheld) | frozenset(report.excluded)
        exposed = determined(equations(contract, unknown), unknown)
        if exposed:
            raise DeterminedCellsError(found=len(exposed), key=".".join(min(exposed)))
        facts["withheld"] = len(report.withheld)


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise BundleFilesError(expected=name, found=", ".join(sorted(files)) or "nothing")
    return files[name]
