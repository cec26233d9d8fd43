"""Which candidate or case a person means, by the words of a command: FOLDER, or CONTRACT PERIOD [RECIPIENT]."""

from dataclasses import dataclass
from pathlib import Path

from exchange.contract.choose import choose
from exchange.errors.desk import CaseAmbiguousError, CaseNotFoundError
from exchange.errors.settings import CommandLineError
from exchange.flow.candidate import CANDIDATE, Candidate, CandidateFiles
from exchange.flow.clear import Case
from nodes.adapters.desk_store import CaseRow, DeskStore, open_desk
from nodes.desk.cases import OPEN, Desk, Find, KeptCase, load_case, read_candidate

CANDIDATE_FORM = "FOLDER | CONTRACT PERIOD [RECIPIENT]"


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


def asked_for(desk: Desk, asked: list[str]) -> Find:
    """The way to the case that a person means, as `find_case` says."""
    return lambda store: find_case(desk, store, asked)


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
