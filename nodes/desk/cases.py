"""Cases at the desk: a candidate's files, kept by the desk, joined with what officers have said of them.

The rules are `exchange.flow.clear`; here a case is read from the desk's store and folder, and written back.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from exchange.bundle.opening import require_withheld
from exchange.clearance import Clearance, ClearanceCommon, format_clearance, parse_clearance
from exchange.contract.model import DataContract
from exchange.encoding import Digest, format_instant, parse_instant
from exchange.errors.bundle import ForeignOfficerError
from exchange.errors.desk import (
    CandidateFolderError,
    CaseAlteredError,
    CaseNotFoundError,
    OfficerKeyError,
)
from exchange.flow.candidate import CANDIDATE, CandidateFiles, format_candidate, open_candidate
from exchange.flow.clear import CandidateState, Case, Returned
from exchange.manifest import DATA, DISCLOSURE
from exchange.report import parse_report
from exchange.sdmx.data import parse_data
from exchange.signing.keys import HybridSigner, KeyPurpose, Signer
from exchange.signing.members import ProofKind
from exchange.signing.passkey import PasskeyCredential
from exchange.signing.trust import MemberKey, Trust
from nodes.adapters.contract_folder import ContractShelf, read_contracts
from nodes.adapters.desk_store import CaseRow, DeskStore
from nodes.adapters.durable import write_folder_durably
from nodes.adapters.key_files import read_hybrid_signer, read_officer_signer, read_passphrase, read_private_key
from nodes.adapters.trust_folder import load_trust
from nodes.settings import NodeFolder

OPEN = frozenset({CandidateState.SUBMITTED, CandidateState.CLEARED})
"""The states in which a candidate is before the officers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every action of the desk stands on: the node, the registry, the contracts, the time."""

    node: NodeFolder
    trust: Trust
    shelf: ContractShelf
    now: datetime

    @classmethod
    def open(cls, node: NodeFolder, now: datetime) -> "Desk":
        """Read registry and contracts of this node; an expired registry stops the desk."""
        trust = load_trust(node.keys, at=now)
        return cls(
            node=node,
            trust=trust,
            shelf=read_contracts(node.contracts, trust=trust),
            now=now.replace(microsecond=0),
        )

    @property
    def store_file(self) -> Path:
        """The desk's database."""
        return self.node.desk / "desk.db"

    @property
    def ledger(self) -> Path:
        """The disclosure ledger, as preparation reads it."""
        return self.node.desk / "ledger"

    def contract_of(self, files: CandidateFiles) -> DataContract:
        """The candidate's contract, in force.

        Raises:
            ContractNotInForceError: It does not bind now.
            CandidateFolderError: It is another member's candidate, or this node does not have the contract.
        """
        ref, provider = files.candidate.contract, files.candidate.provider
        if provider != self.node.member:
            reason = f"its provider is {provider}, this is the desk of {self.node.member}"
            raise CandidateFolderError(folder=files.candidate.name, reason=reason)
        contract = self.shelf.find(ref)
        if contract is None:
            raise CandidateFolderError(folder=files.candidate.name, reason=f"contract {ref.digest} is not at this node")
        self.shelf.require_in_force(contract, self.node.member, self.now)
        return contract

    def officer_signer(self, officer: str, key: Path | None) -> Signer:
        """The officer's key, which must be the registered one.

        Raises:
            UnknownOfficerError: Nobody of that id is registered.
            ForeignOfficerError: Somebody of another member.
            OfficerKeyError: It is another key.
        """
        registered = self._registered(officer, ProofKind.OFFICER_KEY)
        demo, passphrase = self.node.settings.demo, self._passphrase()
        signer = (
            read_officer_signer(self.node.private, officer, passphrase=passphrase, demo=demo)
            if key is None
            else read_private_key(key, purpose=KeyPurpose.OFFICER, passphrase=passphrase, demo=demo)
        )
        if registered.key != signer.public:
            raise OfficerKeyError(officer=officer, expected=registered.key.kid, found=signer.public.kid)
        return signer

    def officer_passkey(self, officer: str) -> PasskeyCredential:
        """The officer's passkey, as the registry lists it.

        Raises:
            UnknownOfficerError: No such officer, or one without a passkey now.
            ForeignOfficerError: Somebody of another member.
        """
        key = self._registered(officer, ProofKind.WEBAUTHN).key
        assert isinstance(key, PasskeyCredential)  # that kind was asked for
        return key

    def _registered(self, officer: str, by: ProofKind | None) -> MemberKey:
        member, registered = self.trust.officer(officer, at=self.now, by=by)
        if member != self.node.member:
            raise ForeignOfficerError(officer=officer, expected=self.node.member, found=member)
        return registered

    def require_officer(self, officer: str) -> str:
        """The id of an officer of this member, whom the registry lists with some key now.

        Raises:
            UnknownOfficerError: Nobody of that id is registered.
            ForeignOfficerError: Somebody of another member.
        """
        self._registered(officer, None)
        return officer

    def bundle_signer(self) -> HybridSigner:
        """The member's bundle keys, which only the desk holds."""
        settings = self.node.settings
        return read_hybrid_signer(
            self.node.private, KeyPurpose.BUNDLE, passphrase=self._passphrase(), demo=settings.demo
        )

    def _passphrase(self) -> bytes | None:
        file = self.node.passphrase_file
        return None if file is None else read_passphrase(file)


@dataclass(slots=True, kw_only=True)
class KeptCase:
    """A case with the bytes it speaks of and its row."""

    row: CaseRow
    files: CandidateFiles
    case: Case


Find: TypeAlias = Callable[[DeskStore], KeptCase]
"""Which case is meant, looked up inside the transaction that acts on it."""


def read_candidate(folder: Path) -> CandidateFiles:
    """The candidate in a folder; its files must be the ones that candidate.json names.

    Raises:
        CandidateFolderError: A file is missing.
        ResourceDigestError: A file was changed after the build.
    """
    try:
        return open_candidate({name: (folder / name).read_bytes() for name in (CANDIDATE, DATA, DISCLOSURE)})
    except OSError as error:
        raise CandidateFolderError(folder=str(folder), reason=error.strerror or "not readable") from error


def require_readable(files: CandidateFiles, contract: DataContract) -> None:
    """Refuse a candidate that a partner could not read, or whose report is of another table, before anybody signs it.

    Raises:
        BundleError: What a partner's verification would say.
    """
    candidate = files.candidate
    data = parse_data(files.data, contract, provider=candidate.provider, period=candidate.period)
    require_withheld(data, parse_report(files.disclosure))


def numbered(desk: Desk, number: int) -> Find:
    """The way to the case of this number in the desk's store.

    Raises:
        CaseNotFoundError: When it is looked for and there is none.
    """

    def find(store: DeskStore) -> KeptCase:
        row = store.numbered(number)
        if row is None:
            raise CaseNotFoundError(asked=str(number), member=desk.node.member)
        return load_case(desk, row)

    return find


def load_case(desk: Desk, row: CaseRow) -> KeptCase:
    """A case from its row and the desk's own copy of the files.

    Raises:
        ResourceDigestError, CaseAlteredError: The copy is not what was submitted.
    """
    files = read_candidate(desk.node.desk / row.folder)
    clearance = None if row.clearance is None else parse_clearance(row.clearance)
    case = Case(
        candidate=files.candidate,
        state=CandidateState(row.state),
        valid_until=None if clearance is None else clearance.common.valid_until,
        approvals=() if clearance is None else clearance.approvals,
        returned=_returned(row),
    )
    if clearance is not None:
        _require_submitted(case, clearance.common)
    return KeptCase(row=row, files=files, case=case)


def open_case(desk: Desk, files: CandidateFiles, case: Case) -> KeptCase:
    """A new case: the desk takes its own copy of the candidate's files."""
    candidate = files.candidate
    folder = Path("candidates") / f"{candidate.name}-{Digest.of(format_candidate(candidate)).hex[:16]}"
    write_folder_durably(desk.node.desk / folder, files.files())
    row = CaseRow(
        contract_id=candidate.contract.id,
        contract_version=candidate.contract.version,
        period=candidate.period,
        revision=candidate.revision,
        state=case.state.value,
        folder=str(folder),
    )
    return KeptCase(row=row, files=files, case=case)


def keep_case(store: DeskStore, kept: KeptCase, case: Case, *, bundle: Digest | None) -> None:
    """Write a case's new state; the caller has it from a rule of `exchange.flow.clear`.

    Args:
        store: In its transaction.
        kept: What changes.
        case: Its new state.
        bundle: The digest of its hand-over, once there is one.
    """
    row = kept.row
    row.bundle = None if bundle is None else str(bundle)
    row.state = case.state.value
    row.clearance = None
    if case.valid_until is not None:
        ordered = tuple(sorted(case.approvals, key=lambda approval: approval.officer))
        row.clearance = format_clearance(Clearance(common=case.common, approvals=ordered))
    if case.returned is not None:
        row.returned_by, row.reason = case.returned.officer, case.returned.reason
        row.returned_at = format_instant(case.returned.at)
    store.keep(row)
    kept.case = case


def _require_submitted(case: Case, submitted: ClearanceCommon) -> None:
    found = case.common
    for name in (field.name for field in fields(ClearanceCommon)):
        if getattr(found, name) != getattr(submitted, name):
            raise CaseAlteredError(
                candidate=case.candidate.name,
                field=name,
                expected=str(getattr(submitted, name)),
                found=str(getattr(found, name)),
            )


def _returned(row: CaseRow) -> Returned | None:
    if row.returned_by is None or row.returned_at is None or row.reason is None:
        return None
    at = parse_instant(row.returned_at, subject="desk.db: returned_at")
    return Returned(officer=row.returned_by, at=at, reason=row.reason)
