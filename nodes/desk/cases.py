"""Cases at the desk: a candidate's files, kept by the desk, joined with what officers have said of them.

The rules are `exchange.flow.clear`; here a case is read from the desk's store and folder, and written back.
"""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from exchange.clearance import Clearance, format_clearance, parse_clearance
from exchange.contract.choose import choose
from exchange.contract.model import DataContract
from exchange.encoding import Digest, format_instant, parse_instant
from exchange.errors.desk import CandidateFolderError, CaseNotFoundError, OfficerKeyError
from exchange.flow.candidate import CANDIDATE, CandidateFiles, open_candidate
from exchange.flow.clear import CandidateState, Case, Returned
from exchange.manifest import DATA, DISCLOSURE
from exchange.signing.keys import KeyPurpose, Signer
from exchange.signing.trust import Trust
from nodes.adapters.contract_folder import ContractShelf, read_contracts
from nodes.adapters.desk_store import CaseRow, DeskStore
from nodes.adapters.key_files import read_officer_signer, read_passphrase, read_private_key
from nodes.adapters.trust_folder import load_trust
from nodes.settings import NodeFolder


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
            CandidateFolderError: This node does not have it.
        """
        ref = files.candidate.contract
        contract = self.shelf.find(ref)
        if contract is None:
            raise CandidateFolderError(folder=files.candidate.name, reason=f"contract {ref.digest} is not at this node")
        self.shelf.require_in_force(contract, self.node.member, self.now)
        return contract

    def officer_signer(self, officer: str, key: Path | None) -> Signer:
        """The officer's key, which must be the registered one.

        Raises:
            OfficerKeyError: It is another key.
            UnknownOfficerError: Nobody of that id is registered.
        """
        settings = self.node.settings
        passphrase = read_passphrase(Path(settings.passphrase_file)) if settings.passphrase_file else None
        signer = (
            read_officer_signer(self.node.private, officer, passphrase=passphrase, demo=settings.demo)
            if key is None
            else read_private_key(key, purpose=KeyPurpose.OFFICER, passphrase=passphrase, demo=settings.demo)
        )
        _, registered = self.trust.officer(officer, at=self.now)
        if registered.key != signer.public:
            raise OfficerKeyError(officer=officer, expected=registered.key.kid, found=signer.public.kid)
        return signer


@dataclass(slots=True, kw_only=True)
class KeptCase:
    """A case with the bytes it speaks of and its row."""

    row: CaseRow
    files: CandidateFiles
    case: Case


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


def find_candidate(desk: Desk, asked: list[str]) -> CandidateFiles:
    """The candidate a person means: a folder, or CONTRACT PERIOD of what `bundle build` wrote last.

    Raises:
        CandidateFolderError, CaseNotFoundError: There is none.
    """
    if len(asked) == 1:
        return read_candidate(Path(asked[0]))
    contract_id = _contract_id(desk, asked[0])
    found = [read_candidate(file.parent) for file in (desk.node.work / "candidates").glob(f"*/{CANDIDATE}")]
    fitting = [f for f in found if (f.candidate.contract.id, f.candidate.period) == (contract_id, asked[1])]
    if not fitting:
        raise CaseNotFoundError(asked=" ".join(asked), member=desk.node.member)
    return max(fitting, key=lambda files: files.candidate.revision)


def find_case(desk: Desk, store: DeskStore, asked: list[str]) -> KeptCase:
    """The case a person means by CONTRACT PERIOD, or by its candidate's folder.

    Raises:
        CaseNotFoundError: Nothing like it was submitted.
    """
    if len(asked) == 1:
        candidate = read_candidate(Path(asked[0])).candidate
        contract_id, period = candidate.contract.id, candidate.period
    else:
        contract_id, period = _contract_id(desk, asked[0]), asked[1]
    row = store.newest(contract_id, period)
    if row is None:
        raise CaseNotFoundError(asked=" ".join(asked), member=desk.node.member)
    return load_case(desk, row)


def load_case(desk: Desk, row: CaseRow) -> KeptCase:
    """A case from its row and the desk's own copy of the files, checked against each other's digests."""
    files = read_candidate(desk.node.desk / row.folder)
    clearance = None if row.clearance is None else parse_clearance(row.clearance)
    case = Case(
        candidate=files.candidate,
        state=CandidateState(row.state),
        valid_until=None if clearance is None else clearance.common.valid_until,
        approvals=() if clearance is None else clearance.approvals,
        returned=_returned(row),
    )
    return KeptCase(row=row, files=files, case=case)


def open_case(desk: Desk, files: CandidateFiles, case: Case) -> KeptCase:
    """A new case: the desk takes its own copy of the candidate's files."""
    candidate = files.candidate
    folder = Path("candidates") / f"{candidate.name}-{candidate.data.hex[:12]}"
    kept = desk.node.desk / folder
    kept.parent.mkdir(parents=True, exist_ok=True)
    waiting = kept.with_name(f".{kept.name}.part")
    shutil.rmtree(waiting, ignore_errors=True)
    waiting.mkdir()
    for name, content in files.files().items():
        (waiting / name).write_bytes(content)
    shutil.rmtree(kept, ignore_errors=True)
    waiting.rename(kept)
    row = CaseRow(
        contract_id=candidate.contract.id,
        contract_version=candidate.contract.version,
        period=candidate.period,
        revision=candidate.revision,
        state=case.state.value,
        folder=str(folder),
    )
    return KeptCase(row=row, files=files, case=case)


def keep_case(store: DeskStore, kept: KeptCase, case: Case, *, bundle: Digest | None = None) -> None:
    """Write a case's new state; the caller has it from a rule of `exchange.flow.clear`."""
    row = kept.row
    row.state = case.state.value
    row.clearance = None
    if case.valid_until is not None:
        ordered = tuple(sorted(case.approvals, key=lambda approval: approval.officer))
        row.clearance = format_clearance(Clearance(common=case.common, approvals=ordered))
    if case.returned is not None:
        row.returned_by, row.reason = case.returned.officer, case.returned.reason
        row.returned_at = format_instant(case.returned.at)
    if bundle is not None:
        row.bundle = str(bundle)
    store.keep(row)
    kept.case = case


def _contract_id(desk: Desk, asked: str) -> str:
    names = {(kept.contract.id, kept.contract.version) for kept in desk.shelf.kept.values()}
    return choose(names, asked)[0][0]


def _returned(row: CaseRow) -> Returned | None:
    if row.returned_by is None or row.returned_at is None or row.reason is None:
        return None
    at = parse_instant(row.returned_at, subject="desk.db: returned_at")
    return Returned(officer=row.returned_by, at=at, reason=row.reason)
