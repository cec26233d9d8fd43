"""An audit's inputs made into what is judged; and a finding decided again from its evidence file, by anybody.

evidence file → logs under signed checkpoints → publications verified → statements opened → reconcile → the same?
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from exchange.contract.model import DataContract
from exchange.contract.parse import parse_contract
from exchange.contract.reference import ContractRef
from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.audit import PublicationMissingError, PublishedLateError
from exchange.errors.audit_logs import LogMalformedError
from exchange.errors.bundle import DeterminedCellsError, EntryMismatchError
from exchange.errors.encoding import EncodingError
from exchange.errors.evidence import EvidenceIncompleteError, EvidenceLogError, EvidenceUnprovenError
from exchange.errors.log import LogError, LogKeyEndedError
from exchange.flow.agree import contract_state
from exchange.flow.stated import BINDS
from exchange.flow.word import Word, word_of
from exchange.log.merkle import leaf_hash
from exchange.log.tree import TreeState
from exchange.manifest import DISCLOSURE, MANIFEST, Manifest, bundle_digest, parse_manifest
from exchange.publication import OneContract, Publication, verify_publication
from exchange.reconcile import reconcile
from exchange.reconcile.dossier import Charge, Dossier, LogCopy
from exchange.reconcile.evidence import Signatures
from exchange.reconcile.handed_out import handed_out, read_handed_out
from exchange.reconcile.history import STATEMENTS, history_of
from exchange.reconcile.lineage import ends_by_origin, lineage_errors, of_this_tree
from exchange.reconcile.logs import contradictions, read_seen, view_of
from exchange.reconcile.memory import Memory
from exchange.reconcile.model import (
    Evidence,
    Federation,
    Finding,
    LogView,
    Publications,
    SeenCheckpoint,
    VerifiedPublication,
)
from exchange.reconcile.pairs import pair
from exchange.report import DisclosureReport, parse_report
from exchange.signing.members import Member
from exchange.signing.trust import Trust
from exchange.statement import Statement, open_statement

_BY_CALENDAR = frozenset({PublicationMissingError.code, PublishedLateError.code})


@dataclass(frozen=True, slots=True, kw_only=True)
class ForceBook:
    """Contracts and what was said about them: whether one bound a provider at a time."""

    contracts: Mapping[Digest, DataContract]
    statements: Mapping[Digest, Statement] = field(repr=False)

    def force_at(self, contract: Digest, provider: str, at: datetime, known: frozenset[Digest]) -> str:
        """The state of a contract for a provider, by the statements known then."""
        found = self.contracts.get(contract)
        if found is None:
            return "unknown"
        said = [self.statements[digest] for digest in known if digest in self.statements]
        versions = [(other, said) for other in self.contracts.values() if other.id == found.id and other != found]
        return contract_state(found, said, at=at, provider=provider, versions=versions).value


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A finding that the evidence file proves.

    Attributes:
        finding: As decided here, with its sentence.
        checkpoints: Size and cosigned time of each log's longest checkpoint; None where no quorum had cosigned it.
        word: Where it rests on the auditor's word besides.
    """

    finding: Finding
    checkpoints: Mapping[str, tuple[int, datetime | None]]
    word: frozenset[Word]


def contract_of(files: Mapping[str, bytes]) -> ContractRef | None:
    """The contract that a bundle's manifest names; None if it has none that can be read."""
    try:
        return parse_manifest(files[MANIFEST]).contract
    except (ExchangeError, KeyError):
        return None


def read_publication(
    bundle: Digest,
    files: Mapping[str, bytes],
    *,
    trust: Trust,
    contracts: Mapping[Digest, DataContract],
    memory: Memory | None = None,
) -> VerifiedPublication | ExchangeError:
    """Every check of a publication that needs no figure; whether its contract was in force is judged later.

    Files of another bundle than the log names say nothing of this one, good as they may be. What verified in an
    earlier audit, with the same of everything, is read and not verified again.
    """
    other = bundle_digest(files[MANIFEST]) if MANIFEST in files else bundle
    if other != bundle:
        return EntryMismatchError(field="bundle", expected=str(other), found=str(bundle))
    ref = contract_of(files)
    contract = contracts.get(ref.digest) if ref is not None else None
    if memory is None:
        return _verify(files, trust, contract)
    digest = memory.publication(files, None if contract is None else contract.digest)
    cosigned_at = memory.cosigned_at(digest)
    if cosigned_at is None:
        judged = _verify(files, trust, contract)
    else:
        manifest, report = parse_manifest(files[MANIFEST]), parse_report(files[DISCLOSURE])
        judged = _verified(manifest, report, bundle=bundle_digest(files[MANIFEST]), cosigned_at=cosigned_at)
    if isinstance(judged, VerifiedPublication) and not judged.determined:
        memory.note_verified(digest, judged.cosigned_at)
    return judged


def _verify(
    files: Mapping[str, bytes], trust: Trust, contract: DataContract | None
) -> VerifiedPublication | ExchangeError:
    try:
        return _of(verify_publication(files, trust=trust, shelf=OneContract(contract)))
    except DeterminedCellsError as exposed:
        # All other checks have held by then: the bundle is what it says, and discloses.
        publication = verify_publication(files, trust=trust, shelf=OneContract(None))
        return replace(_of(publication), determined=int(str(exposed.facts["found"])))
    except ExchangeError as error:
        return error


def read_statements(
    logs: Iterable[LogView], signed: Mapping[Digest, bytes], *, trust: Trust
) -> dict[Digest, Statement]:
    """The contract statements that the logs name, those that verify: others bind nobody.

    What binds, a signature or a resumption, must be by a key that counted when the first log took it: its own date
    proves nothing (decision 46). That an entry's time is true is judged apart, by the cosignatures around it.
    """
    taken: dict[Digest, datetime] = {}
    for logged in (one for view in logs for one in view.of(*STATEMENTS)):
        if logged.entry.evidence is not None:
            at = logged.entry.at
            taken[logged.entry.evidence] = min(at, taken.get(logged.entry.evidence, at))
    found: dict[Digest, Statement] = {}
    for digest in sorted(taken.keys() & signed.keys()):
        with suppress(ExchangeError):
            statement = open_statement(signed[digest], trust=trust)
            if statement.type in BINDS:
                open_statement(signed[digest], trust=trust, at=taken[digest])
            found[digest] = statement
    return found


def decide_again(dossier: Dossier, *, trust: Trust, codelists: Mapping[Digest, bytes]) -> Proven:
    """Judge the inputs of an evidence file as the audit did, and require the finding that it is to prove.

    Args:
        dossier: The parsed file.
        trust: The registry; one opened with expired="notice" serves for ever.
        codelists: Code lists by the digest of their bytes, to read contracts with.

    Raises:
        EvidenceLogError: A log in it is not what its member signed.
        EvidenceIncompleteError: Something is left out that could speak for the accused.
        EvidenceUnprovenError: The finding does not follow.
        ExchangeError: A checkpoint, an entry or a contract in it is not what it must be.
    """
    seen = _read_checkpoints(dossier, trust)
    proven = _same(
        [found for log in dossier.logs for found in _judge_log(log, seen[log.member], trust.known(log.member))],
        dossier.charge,
    )
    federation = None
    if proven is None:
        federation = _federation(dossier, seen, trust, codelists)
        proven = _same(reconcile(federation).findings, dossier.charge)
    if proven is None:
        raise EvidenceUnprovenError(code=dossier.charge.code, party=dossier.charge.party)
    longest = {member: max(notes, key=lambda one: one.checkpoint.size) for member, notes in seen.items()}
    return Proven(
        finding=proven,
        checkpoints={member: (one.checkpoint.size, one.cosigned_at) for member, one in longest.items()},
        word=word_of(dossier, seen, federation, trust=trust),
    )


def _read_checkpoints(dossier: Dossier, trust: Trust) -> dict[str, list[SeenCheckpoint]]:
    """Every checkpoint in it that says something about its member, by member.

    One whose key ended counts where the log of a partner in this file fixes in time that it was handed out; others of
    that kind are left aside, which can hide a fault and never makes one.
    """
    seen: dict[str, list[SeenCheckpoint]] = {log.member: [] for log in dossier.logs}
    ended: list[tuple[str, bytes]] = []
    for log in dossier.logs:
        for note in log.checkpoints:
            try:
                seen[log.member].append(read_seen(log.member, note, trust=trust))
            except LogKeyEndedError:
                ended.append((log.member, note))
    if ended:
        views: dict[str, LogView] = {}
        for log in dossier.logs:
            with suppress(ExchangeError):  # a log that is none fixes nothing in time
                views[log.member] = _view(log, seen[log.member], trust)
        signatures = Signatures(Evidence(signed=dossier.signed), trust)
        handed = handed_out(pair(views), signatures)
        for member, note in ended:
            with suppress(LogKeyEndedError):
                named_by = handed.get((member, note), ())
                seen[member].append(read_handed_out(member, note, named_by, signatures=signatures, trust=trust))
    return seen


def _view(log: LogCopy, seen: list[SeenCheckpoint], trust: Trust) -> LogView:
    """The log under those of its checkpoints that are of its tree.

    Raises:
        EvidenceLogError: They are not of one tree.
        LogError, EncodingError: An entry is none.
    """
    known = of_this_tree(seen, ends_by_origin(log.entries, trust.known(log.member)))
    if contradictions(log.member, log.entries, known):
        raise _unsigned(log, known)
    return view_of(log.member, log.entries, known)


def _judge_log(log: LogCopy, seen: list[SeenCheckpoint], member: Member) -> list[Finding]:
    """What the log's own checkpoints convict it of; a copy that none of them signs to its end is no copy.

    Whoever holds a true log could else change an entry of it, and what the member signed would speak against that.
    """
    state, _ = TreeState().append([leaf_hash(entry) for entry in log.entries])
    if (len(log.entries), state.root()) not in {(one.checkpoint.size, one.checkpoint.root) for one in seen}:
        raise _unsigned(log, seen)
    try:
        ends = ends_by_origin(log.entries, member)
        errors = lineage_errors(member, log.entries, seen, ends)
        seen = of_this_tree(seen, ends)
        view_of(log.member, log.entries, seen)
    except (LogError, EncodingError) as error:
        errors = [LogMalformedError(party=log.member, part="entry", reason=error.sentence())]
    errors += contradictions(log.member, log.entries, seen)
    return [Finding(party=log.member, reason=error) for error in errors]


def _unsigned(log: LogCopy, seen: Iterable[SeenCheckpoint]) -> EvidenceLogError:
    sizes = ", ".join(str(one.checkpoint.size) for one in seen) or "none"
    return EvidenceLogError(party=log.member, expected=sizes, found=len(log.entries))


def _federation(
    dossier: Dossier, seen: Mapping[str, list[SeenCheckpoint]], trust: Trust, codelists: Mapping[Digest, bytes]
) -> Federation:
    logs = {log.member: _view(log, seen[log.member], trust) for log in dossier.logs}
    _require_statements(logs.values(), dossier)
    contracts = {one.digest: one for one in (parse_contract(raw, codelists=codelists) for raw in dossier.contracts)}
    publications: Publications = {
        bundle: read_publication(bundle, files, trust=trust, contracts=contracts)
        for bundle, files in dossier.publications.items()
    }
    names: dict[Digest, tuple[str, str]] = {}
    for bundle, files in dossier.publications.items():
        with suppress(ExchangeError, KeyError):
            if bundle_digest(files[MANIFEST]) != bundle:
                continue
            manifest = parse_manifest(files[MANIFEST])
            names[bundle] = (manifest.contract.id, manifest.period)
    for view in logs.values():
        _require_contracts(view, contracts, signed=dossier.charge.code in _BY_CALENDAR)
    statements = read_statements(logs.values(), dossier.signed, trust=trust)
    return Federation(
        at=dossier.at,
        trust=trust,
        logs=logs,
        publications=publications,
        contracts=contracts,
        evidence=Evidence(signed=dossier.signed, withheld=dossier.unanswered),
        force_at=ForceBook(contracts=contracts, statements=statements).force_at,
        names=names,
    )


def _require_statements(logs: Iterable[LogView], dossier: Dossier) -> None:
    """Nobody is convicted of acting under a contract not in force by leaving out who had signed it.

    What the log's own member did not show is not left out: else whoever names what nobody has could not be convicted.
    """
    for log in logs:
        hidden = {digest for member, digest in dossier.unanswered if member == log.member}
        missing = len(history_of(log).statements() - dossier.signed.keys() - hidden)
        if missing:
            raise EvidenceIncompleteError(party=log.member, missing=missing, what="contract statements")


def _require_contracts(log: LogView, contracts: Mapping[Digest, DataContract], *, signed: bool) -> None:
    """What was published is under a contract in the file; where something is owed, so is each version that was signed.

    A version left out may be the one that took the other's place, after which nothing was owed under that.
    """
    history = history_of(log)
    missing = {one.entry.contract for one in history.published} | (history.signed.keys() if signed else set())
    missing -= contracts.keys()
    if missing:
        raise EvidenceIncompleteError(party=log.member, missing=len(missing), what="contracts")


def _same(findings: Iterable[Finding], charge: Charge) -> Finding | None:
    return next((found for found in findings if charge_of(found) == charge), None)


def charge_of(finding: Finding) -> Charge:
    """What an evidence file for this finding is to prove."""
    return Charge(code=finding.reason.code, party=finding.party, entries=finding.entries)


def _of(publication: Publication) -> VerifiedPublication:
    return _verified(
        publication.manifest,
        publication.report,
        bundle=publication.digest,
        cosigned_at=publication.cosigned_at,
    )


def _verified(
    manifest: Manifest, report: DisclosureReport, *, bundle: Digest, cosigned_at: datetime
) -> VerifiedPublication:
    return VerifiedPublication(
        bundle=bundle,
        provider=manifest.provider,
        contract_id=manifest.contract.id,
        contract=manifest.contract.digest,
        period=manifest.period,
        revision=manifest.revision,
        supersedes=manifest.supersedes,
        recipients=manifest.recipients,
        not_before=manifest.not_before,
        data=manifest.data.digest,
        clearance=manifest.clearance.digest,
        pooled=report.pooled,
        cosigned_at=cosigned_at,
        withheld=frozenset(report.withheld),
        excluded=frozenset(report.excluded),
    )
