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
from exchange.contract.choose import choose
from exchange.contract.model import DataContract
from exchange.encoding import Digest, format_instant, parse_instant
from exchange.errors.bundle import ForeignOfficerError
from exchange.errors.desk import (
    CandidateFolderError,
    CaseAlteredError,
    CaseAmbiguousError,
    CaseNotFoundError,
    OfficerKeyError,
)
from exchange.errors.settings import CommandLineError
from exchange.flow.candidate import CANDIDATE, Candidate, CandidateFiles, format_candidate, open_candidate
from exchange.flow.clear import CandidateState, Case, Returned
from exchange.manifest import DATA, DISCLOSURE
from exchange.report import parse_report
from exchange.sdmx.data import parse_data
from exchange.signing.keys import HybridSigner, KeyPurpose, Signer
from exchange.signing.members import ProofKind
from exchange.signing.passkey import PasskeyCredential
from exchange.signing.trust import MemberKey, Trust
from nodes.adapters.contract_folder import ContractShelf, read_contracts
from nodes.adapters.desk_store import CaseRow, DeskStore, open_desk
from nodes.adapters.durable import write_folder_durably
from nodes.adapters.key_files import read_hybrid_signer, read_officer_signer, read_passphrase, read_private_key
from nodes.adapters.trust_folder import load_trust
from nodes.settings import NodeFolder

CANDIDATE_FORM = "FOLDER | CONTRACT PERIOD [RECIPIENT]"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """Which release a person means.

    Attributes:
        folder: The candidate's, if that was named.
        readers: Some or all of its recipients; none where there is one bundle for all of them.
    """

    folder: Path | None
    contract_id: str
    period: str
    readers: frozenset[str]

    @classmethod
    def of(cls, candidate: Candidate, *, folder: Path | None = None) -> "Meant":
        """The release that this candidate is for."""
        readers = frozenset(candidate.recipients)
        return cls(folder=folder, contract_id=candidate.contract.id, period=candidate.period, readers=readers)


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


def find_candidate(desk: Desk, asked: list[str]) -> CandidateFiles:
    """The candidate a person means: a folder, or CONTRACT PERIOD of what `bundle build` wrote last.

    Raises:
        CandidateFolderError, CaseNotFoundError: There is none.
    """
    meant = _meant(desk, asked)
    if meant.folder is not None:
        return read_candidate(meant.folder)
    names = f"{desk.node.member}-{meant.contract_id}-{meant.period}-r*".lower()
    built = [read_candidate(file.parent) for file in (desk.node.work / "candidates").glob(f"{names}/{CANDIDATE}")]
    found = [files for files in built if meant.readers <= set(files.candidate.recipients)]
    if not found:
        raise CaseNotFoundError(asked=" ".join(asked), member=desk.node.member)
    return max(found, key=lambda files: files.candidate.revision)


def find_shown(desk: Desk, asked: list[str]) -> tuple[CandidateFiles, Case]:
    """What a person wants to look at: a folder; else what is before the officers; else what was built last.

    What officers look at is the desk's own copy, the bytes that they sign, whatever has been built since.

    Raises:
        CandidateFolderError, CaseNotFoundError: There is none.
    """
    meant = _meant(desk, asked)
    if meant.folder is None and desk.store_file.exists():
        with open_desk(desk.store_file) as store:
            row = newest_row(desk, store, meant)
            kept = None if row is None else load_case(desk, row)
        if kept is not None and kept.case.state in OPEN:
            return kept.files, kept.case
    files = find_candidate(desk, asked)
    return files, Case(candidate=files.candidate)


def find_case(desk: Desk, store: DeskStore, asked: list[str]) -> KeptCase:
    """The case a person means by CONTRACT PERIOD [RECIPIENT], or by its candidate's folder.

    Raises:
        CaseNotFoundError: Nothing like it was submitted.
    """
    meant = _meant(desk, asked)
    row = newest_row(desk, store, meant)
    kept = None if row is None else load_case(desk, row)
    if kept is None or (meant.folder is not None and read_candidate(meant.folder).candidate != kept.case.candidate):
        raise CaseNotFoundError(asked=" ".join(asked), member=desk.node.member)
    return kept


def numbered(desk: Desk, number: int) -> Find:
    """The way to the case of this number in the desk's store.

    Raises:
        CaseNotFoundError: When it is looked for and there is none.
    """

    def find(store: DeskStore) -> KeptCase:
        row = store.numbered(number)
        if row is None:
            raise CaseNotFoundError(asked=f"no. {number}", member=desk.node.member)
        return load_case(desk, row)

    return find


def asked_for(desk: Desk, asked: list[str]) -> Find:
    """The way to the case that a person means, as `find_case` says."""
    return lambda store: find_case(desk, store, asked)


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


def newest_row(desk: Desk, store: DeskStore, meant: Meant) -> CaseRow | None:
    """The case opened last for this contract, period and set of recipients."""
    rows = store.of(meant.contract_id, meant.period)
    if len(recipient_sets(desk, meant.contract_id)) > 1:
        rows = [row for row in rows if meant.readers <= set(_candidate_of(desk, row).recipients)]
    return rows[0] if rows else None


def asked_words(desk: Desk, candidate: Candidate) -> list[str]:
    """CONTRACT PERIOD of a candidate, and RECIPIENT where others get another bundle."""
    several = len(recipient_sets(desk, candidate.contract.id)) > 1
    return [candidate.contract.id, candidate.period, *(candidate.recipients[:1] if several else ())]


def recipient_sets(desk: Desk, contract_id: str) -> tuple[tuple[str, ...], ...]:
    """Who gets a bundle of their own under this contract, in the version with most of them."""
    versions = [kept.contract for kept in desk.shelf.kept.values() if kept.contract.id == contract_id]
    found = [version.recipient_sets(desk.node.member) for version in versions]
    return max(found, key=len, default=())


def _candidate_of(desk: Desk, row: CaseRow) -> Candidate:
    return read_candidate(desk.node.desk / row.folder).candidate


def _meant(desk: Desk, asked: list[str]) -> Meant:
    """What a person's words mean.

    Raises:
        CommandLineError: Neither form.
        CaseAmbiguousError: Its recipients get different bundles, and none is named.
    """
    if len(asked) == 1:
        return Meant.of(read_candidate(Path(asked[0])).candidate, folder=Path(asked[0]))
    if len(asked) not in {2, 3}:  # CONTRACT and PERIOD, and perhaps RECIPIENT
        raise CommandLineError(reason=f"a candidate is {CANDIDATE_FORM}, found {len(asked)} words", command="")
    names = {(kept.contract.id, kept.contract.version) for kept in desk.shelf.kept.values()}
    contract_id = choose(names, asked[0])[0][0]
    sets = recipient_sets(desk, contract_id)
    if len(asked) == 2 and len(sets) > 1:  # noqa: PLR2004  # CONTRACT and PERIOD
        shown = ", ".join(" ".join(one) for one in sets)
        raise CaseAmbiguousError(contract=contract_id, period=asked[1], sets=shown)
    readers = frozenset(word.upper() for word in asked[2:])
    return Meant(folder=None, contract_id=contract_id, period=asked[1], readers=readers)


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
