"""Findings that take a registry, a contract or a day of their own, proven to anybody."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from exchange.clearance import Clearance, approve, format_clearance
from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.evidence import EvidenceIncompleteError, EvidenceUnprovenError
from exchange.flow.audit import ForceBook, Proven, charge_of, decide_again, read_publication, read_statements
from exchange.flow.candidate import CandidateFiles
from exchange.flow.clear import Case, record_approval, submit
from exchange.flow.prove import Kept, KeptLog, smallest_proof
from exchange.flow.release import seal
from exchange.log.entry import EntryType
from exchange.manifest import CLEARANCE, DATA, MANIFEST, Resource, bundle_digest, format_manifest, parse_manifest
from exchange.publication import SIGNATURES
from exchange.publication.verify import BUNDLE_TYP
from exchange.receipt import Delivery, evidence_digest, sign_delivery
from exchange.reconcile import reconcile
from exchange.reconcile.dossier import Charge, Dossier, format_dossier, parse_dossier
from exchange.reconcile.logs import read_seen, view_of
from exchange.reconcile.model import Evidence, Federation, Finding, SeenCheckpoint
from exchange.report import DisclosureReport, format_report, parse_report
from exchange.signing.jws import sign_detached
from exchange.signing.keys import KeyPurpose
from exchange.signing.trust import RegistryRef, Trust
from tests.unit.nodes.test_audit_evidence_revision import (
    AUDITED,
    FIRST,
    PULL,
    WORLD,
    checkpoint,
    entry,
    logs,
    publishing,
)
from tests.world.bundles import CLEARED, COSIGNED
from tests.world.clock import FOUNDED
from tests.world.contracts import codelists
from tests.world.registry import Registry, opened

Files = dict[str, bytes]
IN_DECEMBER = datetime(2026, 12, 5, 12, tzinfo=UTC)
"""October's figures are due on 20 November; CA-01 calls them late ten days after that."""
IN_OCTOBER: dict[str, Any] = {
    "title": WORLD.candidate.candidate.title.replace("2026-09", "2026-10"),
    "period": "2026-10",
    "not_before": datetime(2026, 11, 1, tzinfo=UTC),
}


@dataclass
class Told:
    """What the logs say, and all that the auditor gathered; each log ends with a heartbeat just before the audit."""

    logs: dict[str, list[bytes]] = field(default_factory=logs)
    files: list[Files] = field(default_factory=lambda: [WORLD.files])
    signed: dict[Digest, bytes] = field(default_factory=lambda: {one.digest: one.raw for one in WORLD.statements})
    unanswered: frozenset[tuple[str, Digest]] = frozenset()
    trust: Trust = field(default_factory=lambda: WORLD.trust)
    early: int = 0  # so many of KZ's entries were cosigned on the first day
    witnessed: datetime = COSIGNED + timedelta(hours=1)  # all but the heartbeat
    beat: datetime | None = None
    at: datetime = AUDITED

    def close(self) -> None:
        for member, entries in self.logs.items():
            entries.append(entry(member, EntryType.HEARTBEAT, seconds(self.beat or self.at)))

    def seen(self, member: str) -> list[SeenCheckpoint]:
        whole = self.logs[member]
        shown = [(len(whole) - 1, self.witnessed), (len(whole), self.at)]
        if member == "KZ":
            shown.insert(0, (self.early, COSIGNED + timedelta(hours=1)))
        return [read_seen(member, checkpoint(member, whole[:size], at), trust=self.trust) for size, at in shown if size]

    def publications(self) -> dict[Digest, Files]:
        read = ({name: raw for name, raw in one.items() if name != DATA} for one in self.files)
        return {bundle_digest(one[MANIFEST]): one for one in read}

    def findings(self) -> tuple[Finding, ...]:
        contracts = {WORLD.contract.digest: WORLD.contract}
        views = {member: view_of(member, entries, self.seen(member)) for member, entries in self.logs.items()}
        statements = read_statements(views.values(), self.signed, trust=self.trust)
        federation = Federation(
            at=self.at,
            trust=self.trust,
            logs=views,
            publications={
                bundle: read_publication(bundle, one, trust=self.trust, contracts=contracts)
                for bundle, one in self.publications().items()
            },
            contracts=contracts,
            evidence=Evidence(signed=self.signed, withheld=self.unanswered),
            force_at=ForceBook(contracts=contracts, statements=statements).force_at,
        )
        return reconcile(federation).findings

    def filed(self, charge: Charge) -> Dossier:
        """The auditor's smallest file, as it is written."""
        kept = Kept(
            at=self.at,
            logs={member: KeptLog(seen=self.seen(member), entries=entries) for member, entries in self.logs.items()},
            signed=self.signed,
            unanswered=self.unanswered,
            publications=self.publications(),
            contracts={WORLD.contract.digest: WORLD.contract.raw},
        )
        dossier, _ = smallest_proof(kept, charge, trust=self.trust, codelists=codelists())
        return dossier


def seconds(at: datetime) -> int:
    return int((at - COSIGNED).total_seconds())


def decided(dossier: Dossier, trust: Trust) -> Proven:
    """What a third party makes of the file's bytes."""
    return decide_again(parse_dossier(format_dossier(dossier)), trust=trust, codelists=codelists())


def released(
    *,
    report: Callable[[DisclosureReport], DisclosureReport] = lambda one: one,
    cosigned_at: datetime = COSIGNED,
    **changes: object,
) -> Files:
    """The published files of another release of the world's bundle, cleared and signed by the same keys."""
    disclosure = format_report(report(parse_report(WORLD.candidate.disclosure)))
    named = {"disclosure": Digest.of(disclosure), **changes}
    made = replace(WORLD.candidate.candidate, **named)  # type: ignore[arg-type]  # by name
    cleared_at = max(CLEARED, cosigned_at - timedelta(days=1))
    case = submit(Case(candidate=made), by="kz-01", at=cleared_at, valid_until=cleared_at + timedelta(days=10))
    for officer in ("kz-02", "kz-03"):
        signer = WORLD.federation.officer(officer)
        approval = approve(case.common, officer=officer, role="clearing", at=cleared_at, signer=signer)
        case = record_approval(case, approval, trust=WORLD.trust, contract=WORLD.contract, at=cleared_at)
    files = seal(
        CandidateFiles(candidate=made, data=WORLD.candidate.data, disclosure=disclosure),
        case.clearance,
        contract=WORLD.contract,
        trust=WORLD.trust,
        at=cosigned_at,
        signer=WORLD.federation.hybrid("KZ", KeyPurpose.BUNDLE),
    )
    return WORLD.publish(files, cosigned_at=cosigned_at)


def october(report: DisclosureReport) -> DisclosureReport:
    return replace(report, period="2026-10")


def statements() -> list[bytes]:
    return [raw for raw in logs()["KZ"] if b'"contract.signed"' in raw]


def publishes(*files: Files, at: datetime = COSIGNED + timedelta(seconds=100)) -> Told:
    """KZ publishes these, one after the other, and nobody pulls."""
    said = [raw for number, one in enumerate(files) for raw in publishing(one, seconds(at) + 10 * number)]
    return Told(logs={"KZ": [*statements(), *said], "KG": []}, files=list(files))


# --- what each code takes --------------------------------------------------------------------------------------------


def clock_set_back() -> Told:
    return Told(beat=COSIGNED)  # an hour before the witnesses saw the log without it


def statement_unlogged() -> Told:
    return Told()  # KG's log goes on for three weeks without any signature


def delivered_altered() -> Told:
    told, pull = Told(), Digest.of(b"a request of data.csv")
    facts = {"contract": WORLD.contract.digest, "bundle": FIRST, "pull": pull}
    served = entry("KZ", EntryType.PULL_SERVED, 300, counterpart="KG", evidence=pull, **facts)
    said = Delivery(
        pull=pull,
        bundle=FIRST,
        publisher="KZ",
        puller="KG",
        entry=served,
        index=len(told.logs["KZ"]),
        checkpoint="a checkpoint",
        file=DATA,
        content=Digest.of(b"other figures than the manifest declares"),
    )
    token = sign_delivery(said, signer=WORLD.federation.signer("KZ", KeyPurpose.TRANSPORT))
    told.signed[evidence_digest(token)] = token.encode()
    rejected = {"counterpart": "KZ", "evidence": evidence_digest(token), "code": "data-form"}
    told.logs["KZ"].append(served)
    told.logs["KG"].append(entry("KG", EntryType.BUNDLE_REJECTED, 301, **rejected, **facts))
    return told


def one_officer_twice() -> Told:
    files = WORLD.seal()
    once = WORLD.approval("kz-02")
    again = replace(once, at=CLEARED + timedelta(minutes=1))
    files[CLEARANCE] = format_clearance(Clearance(common=WORLD.case.common, approvals=(once, again)))
    manifest = replace(parse_manifest(files[MANIFEST]), clearance=Resource.of(CLEARANCE, files[CLEARANCE]))
    files[MANIFEST] = format_manifest(manifest)
    signers = WORLD.federation.hybrid("KZ", KeyPurpose.BUNDLE).signers
    files[SIGNATURES] = sign_detached(files[MANIFEST], typ=BUNDLE_TYP, signers=signers)
    return publishes(WORLD.publish(files))


def pattern_discloses() -> Told:
    """One cell alone is withheld: it is the total less all others."""
    return publishes(released(report=lambda one: replace(one, withheld=one.withheld[:1])))


def rectangle(*counterparts: str) -> tuple[tuple[str, ...], ...]:
    """Arrivals of two citizenships over two counterparts, withheld: neither row nor column gives one of them away."""
    return tuple(sorted(("IN", citizen, other, *["_T"] * 4) for citizen in ("KG", "UZ") for other in counterparts))


def pattern_possible() -> Told:
    """Each of two revisions shows what the other hides (the rectangles of `test_reconcile_rules`)."""
    first = released(report=lambda one: replace(one, withheld=rectangle("KG", "UZ")))
    earlier = bundle_digest(first[MANIFEST])
    second = released(
        report=lambda one: replace(one, withheld=rectangle("KG", "TJ"), revision=1), revision=1, supersedes=earlier
    )
    return publishes(first, second)


def published_late() -> Told:
    told = publishes(released(report=october, cosigned_at=IN_DECEMBER, **IN_OCTOBER), at=IN_DECEMBER)
    told.early = len(statements())
    told.witnessed, told.at = IN_DECEMBER + timedelta(hours=1), IN_DECEMBER + timedelta(days=1)
    return told


def publication_missing() -> Told:
    """October's figures, due on 20 November."""
    told = publishes(WORLD.files)
    told.at = IN_DECEMBER
    return told


def revoked(*, at: datetime) -> Trust:
    kz = WORLD.trust.members["KZ"]
    keys = tuple(replace(one, revoked_at=at) if one.purpose is KeyPurpose.BUNDLE else one for one in kz.keys)
    return replace(WORLD.trust, members={**WORLD.trust.members, "KZ": replace(kz, keys=keys)})


def revoked_key_used() -> Told:
    return Told(trust=revoked(at=COSIGNED - timedelta(hours=1)))


def embargoed() -> Files:
    return released(not_before=COSIGNED + timedelta(days=1))


def served_too_early() -> Told:
    told = publishes(embargoed())
    facts = {"contract": WORLD.contract.digest, "bundle": bundle_digest(told.files[0][MANIFEST]), "pull": PULL}
    told.logs["KZ"].append(entry("KZ", EntryType.PULL_SERVED, 300, counterpart="KG", evidence=PULL, **facts))
    return told


def withdrawal_not_acknowledged() -> Told:
    """KG received the bundle; CA-01 gives it seven days to acknowledge that it was taken back."""
    told, facts = Told(), {"contract": WORLD.contract.digest, "bundle": FIRST, "evidence": Digest.of(b"withdrawal")}
    told.logs["KZ"].append(entry("KZ", EntryType.BUNDLE_WITHDRAWN, 300, **facts))
    return told


@cache
def registry() -> Registry:
    return Registry(WORLD.federation)


@cache
def version_two(registrar: str = "IOM", *, after: timedelta = timedelta()) -> dict[str, bytes]:
    """The registry's next version by one of its registrars; by another hour it is another snapshot."""
    registry().version = 1
    by = registry().holders("snapshot", [registrar])
    return registry().publish(at=FOUNDED + after, snapshot_signers=by)


def two_snapshots(shown: bytes, *, member: str = "KG", version: int = 2) -> Told:
    """A member acts under a snapshot of version 2, and shows these bytes as it; the auditor holds another."""
    told = Told(trust=opened(registry(), version_two(), at=FOUNDED + timedelta(hours=1)))
    told.signed[Digest.of(shown)] = shown
    named = RegistryRef(version=version, sha256=Digest.of(shown))
    told.logs[member].append(entry(member, EntryType.HEARTBEAT, 400, registry=named))
    return told


def registry_forked() -> Told:
    return two_snapshots(version_two(after=timedelta(minutes=1))["metadata/2.snapshot.json"])


def registry_invented() -> Told:
    return two_snapshots(b"what no registrar signed")


# --- and what takes it away ------------------------------------------------------------------------------------------


def without_log(member: str) -> Callable[[Dossier], Dossier]:
    return lambda one: replace(one, logs=tuple(log for log in one.logs if log.member != member))


def without_first_checkpoint(dossier: Dossier) -> Dossier:
    return replace(dossier, logs=tuple(replace(log, checkpoints=log.checkpoints[1:]) for log in dossier.logs))


def without_evidence(dossier: Dossier) -> Dossier:
    return replace(dossier, signed={one.digest: one.raw for one in WORLD.statements})


def without_last_publication(dossier: Dossier) -> Dossier:
    return replace(dossier, publications=dict(list(dossier.publications.items())[:-1]))


def with_files_of_another(dossier: Dossier) -> Dossier:
    return replace(dossier, publications=dict.fromkeys(dossier.publications, published(WORLD.files)))


def published(files: Files) -> Files:
    return {name: raw for name, raw in files.items() if name != DATA}


def without_contract(dossier: Dossier) -> Dossier:
    return replace(dossier, contracts=())


def decided_on_the_first_day(dossier: Dossier) -> Dossier:
    return replace(dossier, at=COSIGNED + timedelta(hours=2))


Bend = Callable[[Dossier], Dossier]
TOLD: dict[str, tuple[Callable[[], Told], str, Bend, type[ExchangeError]]] = {
    "clock-set-back": (clock_set_back, "KZ", without_first_checkpoint, EvidenceUnprovenError),
    "contract-statement-unlogged": (statement_unlogged, "undecided", without_log("KG"), EvidenceUnprovenError),
    "delivered-altered": (delivered_altered, "KZ", without_evidence, EvidenceUnprovenError),
    "one-officer-twice": (one_officer_twice, "KZ", with_files_of_another, EvidenceUnprovenError),
    "pattern-discloses": (pattern_discloses, "KZ", without_contract, EvidenceIncompleteError),
    "pattern-possible": (pattern_possible, "KZ", without_last_publication, EvidenceUnprovenError),
    "published-late": (published_late, "KZ", without_last_publication, EvidenceUnprovenError),
    "publication-missing": (publication_missing, "KZ", decided_on_the_first_day, EvidenceUnprovenError),
    "registry-forked": (registry_forked, "IOM", without_evidence, EvidenceUnprovenError),
    "registry-invented": (registry_invented, "KG", without_evidence, EvidenceUnprovenError),
    "revoked-key-used": (revoked_key_used, "KZ", without_last_publication, EvidenceUnprovenError),
    "served-too-early": (served_too_early, "KZ", with_files_of_another, EvidenceUnprovenError),
    "withdrawal-not-acknowledged": (withdrawal_not_acknowledged, "KG", decided_on_the_first_day, EvidenceUnprovenError),
}


@pytest.mark.parametrize("code", TOLD)
def test_it_is_proven_to_anybody_without_the_auditors_word_and_a_bent_file_proves_nothing(code: str) -> None:
    story, party, bend, refusal = TOLD[code]
    told = story()
    told.close()
    finding = next(one for one in told.findings() if one.reason.code == code)
    dossier = told.filed(charge_of(finding))
    again = decided(dossier, told.trust)
    assert (again.finding.reason.sentence(), again.finding.party) == (finding.reason.sentence(), party)
    assert again.word == frozenset()
    with pytest.raises(EvidenceUnprovenError):
        decided(replace(dossier, charge=replace(dossier.charge, party="TJ")), told.trust)
    with pytest.raises(refusal):
        decided(bend(dossier), told.trust)
