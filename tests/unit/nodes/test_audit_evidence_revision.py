"""An evidence file for a revision that its holder did not take: real bundles, real logs, and every way to bend it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from exchange.encoding import Digest
from exchange.errors import ExchangeError, ExitCode
from exchange.errors.evidence import EvidenceIncompleteError, EvidenceLogError, EvidenceUnprovenError
from exchange.errors.log import SignatureLineError
from exchange.flow.audit import ForceBook, read_publication, read_statements
from exchange.flow.candidate import CandidateFiles
from exchange.flow.clear import Case, record_approval, submit
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.cosignature import cosign
from exchange.log.entry import EntryType, LogEntry, format_entry
from exchange.log.merkle import leaf_hash
from exchange.log.note import format_note
from exchange.log.policy import parse_policy
from exchange.manifest import CLEARANCE, DATA, MANIFEST, bundle_digest
from exchange.publication import SIGNATURES
from exchange.reconcile import reconcile
from exchange.reconcile.dossier import Dossier, LogCopy, format_dossier, parse_dossier
from exchange.reconcile.logs import read_seen, view_of
from exchange.reconcile.model import Evidence, Federation, SeenCheckpoint
from exchange.report import format_report, parse_report, pooled_digest
from exchange.signing.keys import KeyPurpose
from nodes.auditor.collect import Collected
from nodes.auditor.commands import AUDIT_DB
from nodes.auditor.evidence_commands import evidence
from nodes.auditor.main import AuditResult
from nodes.auditor.report import as_json
from nodes.auditor.store import AuditStore
from tests.unit.nodes.test_audit_commands import call, node
from tests.unit.nodes.test_audit_evidence import judged
from tests.world.bundles import CLEARED, COSIGNED, VALID_UNTIL, bundle_world
from tests.world.log_by_hand import root_of

WORLD = bundle_world()
FIRST = bundle_digest(WORLD.files[MANIFEST])
AUDITED = COSIGNED + timedelta(days=20)
"""CA-01 calls a revision late after ten days."""
PULL = Digest.of(b"a request of KG")


@cache
def revision() -> dict[str, bytes]:
    """The published files of a revision of the world's bundle, cleared and signed by the same officers and keys."""
    pooled = pooled_digest([FIRST])
    report = format_report(replace(parse_report(WORLD.candidate.disclosure), revision=1, pooled=pooled))
    made = replace(WORLD.candidate.candidate, revision=1, supersedes=FIRST, disclosure=Digest.of(report), pooled=pooled)
    case = submit(Case(candidate=made), by="kz-01", at=CLEARED, valid_until=VALID_UNTIL)
    for officer in ("kz-02", "kz-03"):
        approval = WORLD.approval(officer, case=case)
        case = record_approval(case, approval, trust=WORLD.trust, contract=WORLD.contract, at=CLEARED)
    files = CandidateFiles(candidate=made, data=WORLD.candidate.data, disclosure=report)
    second = replace(WORLD, candidate=files, case=case)
    return second.publish(second.seal())


def entry(node_: str, kind: EntryType, number: int, **facts: object) -> bytes:
    at = COSIGNED + timedelta(seconds=number)
    members: dict[str, object] = {"type": kind, "at": at, "node": node_, "registry": WORLD.trust.ref, **facts}
    return format_entry(LogEntry(salt=number.to_bytes(16), **members))  # type: ignore[arg-type]  # by name


def publishing(files: dict[str, bytes], number: int) -> list[bytes]:
    facts = {"contract": WORLD.contract.digest}
    clearance = Digest.of(files[CLEARANCE])
    published = {"bundle": bundle_digest(files[MANIFEST]), "evidence": Digest.of(files[SIGNATURES])}
    return [
        entry("KZ", EntryType.CLEARANCE_DECIDED, number, evidence=clearance, **facts),
        entry("KZ", EntryType.BUNDLE_PUBLISHED, number + 1, **published, **facts),
    ]


def logs(*, taken: bool = False) -> dict[str, list[bytes]]:
    """KZ publishes twice, KG pulled the first; a heartbeat in each just before the audit."""
    facts = {"contract": WORLD.contract.digest, "bundle": FIRST, "pull": PULL}
    said = [
        entry("KZ", EntryType.CONTRACT_SIGNED, number, contract=WORLD.contract.digest, evidence=one.digest)
        for number, one in enumerate(WORLD.statements)
    ]
    served = entry("KZ", EntryType.PULL_SERVED, 102, counterpart="KG", evidence=PULL, **facts)
    received = entry("KG", EntryType.BUNDLE_RECEIVED, 103, counterpart="KZ", evidence=Digest.of(b"d"), **facts)
    again = {**facts, "bundle": bundle_digest(revision()[MANIFEST]), "pull": Digest.of(b"another request")}
    later = entry("KG", EntryType.BUNDLE_RECEIVED, 210, counterpart="KZ", evidence=Digest.of(b"e"), **again)
    return {
        "KZ": [*said, *publishing(WORLD.files, 100), served, *publishing(revision(), 200)],
        "KG": [received, *([later] if taken else [])],
    }


def checkpoint(member: str, entries: list[bytes], at: datetime) -> bytes:
    """Signed by the member's log key, cosigned by all others at a time."""
    origin = parse_policy(WORLD.trust.policies[member]).logs[0].name
    head = Checkpoint(origin=origin, size=len(entries), root=root_of([leaf_hash(raw) for raw in entries]))
    note = sign_checkpoint(head, signer=WORLD.federation.signer(member, KeyPurpose.LOG))
    lines = [
        cosign(
            note.text,
            at=at,
            name=f"{other.lower()}.exchange.example/witness",
            signer=WORLD.federation.signer(other, KeyPurpose.WITNESS),
        )
        for other in sorted(WORLD.trust.members.keys() - {member})
    ]
    return format_note(note.with_lines(lines))


def shown(member: str, entries: list[bytes]) -> list[SeenCheckpoint]:
    """The log's checkpoint of that day, and that of the day of the audit, with a heartbeat more."""
    notes = (checkpoint(member, entries[:-1], COSIGNED + timedelta(hours=1)), checkpoint(member, entries, AUDITED))
    return [read_seen(member, note, trust=WORLD.trust) for note in notes]


def kept(folder: Path, *, taken: bool = False) -> Federation:
    """What the auditor has seen, in its store with the run that judged it."""
    store = AuditStore(folder / AUDIT_DB)
    views, collected = {}, []
    for member, entries in logs(taken=taken).items():
        beat = LogEntry(type=EntryType.HEARTBEAT, at=AUDITED, node=member, registry=WORLD.trust.ref, salt=bytes(16))
        whole = [*entries, format_entry(beat)]
        seen = shown(member, whole)
        for one in seen:
            store.keep_checkpoint(member, one)
        store.keep_log(member, enumerate(whole), seen[-1])
        views[member] = view_of(member, whole, seen)
        collected.append(Collected(member=member, view=views[member], seen=seen[-1]))
    contracts = {WORLD.contract.digest: WORLD.contract}
    publications = {}
    for files in (WORLD.files, revision()):
        read = {name: raw for name, raw in files.items() if name != DATA}
        bundle = bundle_digest(files[MANIFEST])
        publications[bundle] = read_publication(bundle, read, trust=WORLD.trust, contracts=contracts)
        store.keep_files(bundle, read, verified=True)
    signed = {one.digest: one.raw for one in WORLD.statements}
    store.keep_evidence(signed)
    store.keep_contract(WORLD.contract.digest, WORLD.contract.raw)
    statements = read_statements(views.values(), signed, trust=WORLD.trust)
    federation = Federation(
        at=AUDITED,
        trust=WORLD.trust,
        logs=views,
        publications=publications,
        contracts=contracts,
        evidence=Evidence(signed=signed),
        force_at=ForceBook(contracts=contracts, statements=statements).force_at,
    )
    result = AuditResult(
        at=AUDITED,
        registry=WORLD.trust.ref,
        logs=tuple(collected),
        publications=2,
        reconciliation=reconcile(federation),
    )
    store.keep_run(result.at, as_json(result))
    store.close()
    return federation


def codes(federation: Federation) -> list[tuple[str, str]]:
    return [(one.reason.code, one.party) for one in reconcile(federation).findings]


def filed(tmp_path: Path) -> Path:
    """The evidence file that `audit evidence` makes of the finding."""
    folder, file = node(tmp_path, "IOM"), tmp_path / "finding.evidence"
    shutil.copytree(WORLD.trust_folder / "contracts" / "codelists", folder.contracts / "codelists")
    federation = kept(folder.path)
    number = 1 + codes(federation).index(("revision-not-taken", "KG"))
    assert evidence(call(folder, str(number), "-o", str(file))[0]) == ExitCode.FINE
    return file


def test_a_third_party_decides_a_revision_that_was_not_taken_again_and_nothing_rests_on_the_auditors_word(
    tmp_path: Path,
) -> None:
    proven = json.loads(judged(filed(tmp_path), as_json=True))
    assert (proven["holds"], proven["finding"]["code"], proven["finding"]["party"]) == (
        True,
        "revision-not-taken",
        "KG",
    )
    assert {one["member"]: one["cosigned_at"] for one in proven["checkpoints"]} == dict.fromkeys(
        ("KZ", "KG"), "2026-10-22T11:00:00Z"
    )
    assert proven["word"] == []


def test_who_took_the_revision_is_charged_with_nothing(tmp_path: Path) -> None:
    assert "revision-not-taken" not in {code for code, _ in codes(kept(tmp_path, taken=True))}


def without_log(dossier: Dossier, member: str) -> Dossier:
    return replace(dossier, logs=tuple(one for one in dossier.logs if one.member != member))


def with_log(dossier: Dossier, member: str, change: Callable[[LogCopy], LogCopy]) -> Dossier:
    return replace(dossier, logs=tuple(change(one) if one.member == member else one for one in dossier.logs))


def without_publication(dossier: Dossier, bundle: Digest) -> Dossier:
    files = {one: held for one, held in dossier.publications.items() if one != bundle}
    return replace(dossier, publications=files)


def forged(dossier: Dossier) -> Dossier:
    """The revision's manifest says that KG has its figures for longer than it has."""
    files = dict(dossier.publications[bundle_digest(revision()[MANIFEST])])
    files[MANIFEST] = files[MANIFEST].replace(b'"revision":1', b'"revision":2')
    return replace(dossier, publications={**dossier.publications, bundle_digest(revision()[MANIFEST]): files})


def relabelled(log: LogCopy) -> LogCopy:
    """KG's log under a checkpoint of which one signature byte is another."""
    note = bytearray(log.checkpoints[-1])
    place = bytes(note).index(b"\n\n") + 40
    note[place] = ord("A") if note[place] != ord("A") else ord("B")
    return replace(log, checkpoints=(*log.checkpoints[:-1], bytes(note)))


@pytest.mark.parametrize("member", ["KG", "KZ"])
def test_a_log_as_it_was_before_the_decision_convicts_on_the_auditors_word_alone(tmp_path: Path, member: str) -> None:
    def earlier(log: LogCopy) -> LogCopy:
        """All but the heartbeat, under the first day's checkpoint: for twenty days it says nothing."""
        return replace(log, checkpoints=log.checkpoints[:1], entries=log.entries[:-1])

    file = filed(tmp_path)
    file.write_bytes(format_dossier(with_log(parse_dossier(file.read_bytes()), member, earlier)))
    assert json.loads(judged(file, as_json=True))["word"] == ["newest"]


BENT: dict[str, tuple[Callable[[Dossier], Dossier], type[ExchangeError]]] = {
    "another holder charged": (
        lambda one: replace(one, charge=replace(one.charge, party="TJ")),
        EvidenceUnprovenError,
    ),
    "the publisher charged": (lambda one: replace(one, charge=replace(one.charge, party="KZ")), EvidenceUnprovenError),
    "other entries charged": (
        lambda one: replace(one, charge=replace(one.charge, entries=one.charge.entries[::-1])),
        EvidenceUnprovenError,
    ),
    "decided before it was late": (
        lambda one: replace(one, at=COSIGNED + timedelta(days=5)),
        EvidenceUnprovenError,
    ),
    "the revision left out": (
        lambda one: without_publication(one, bundle_digest(revision()[MANIFEST])),
        EvidenceUnprovenError,
    ),
    "what is held left out": (lambda one: without_publication(one, FIRST), EvidenceUnprovenError),
    "a forged manifest": (forged, EvidenceUnprovenError),
    "the holder's log left out": (lambda one: without_log(one, "KG"), EvidenceUnprovenError),
    "the publisher's log left out": (lambda one: without_log(one, "KZ"), EvidenceUnprovenError),
    "the contract left out": (lambda one: replace(one, contracts=()), EvidenceIncompleteError),
    "a statement left out": (
        lambda one: replace(one, signed=dict(list(one.signed.items())[1:])),
        EvidenceIncompleteError,
    ),
    "the holder's last entries cut off": (
        lambda one: with_log(one, "KG", lambda log: replace(log, entries=log.entries[:0])),
        EvidenceLogError,
    ),
    "an entry of the publisher's log changed": (
        lambda one: with_log(one, "KZ", lambda log: replace(log, entries=(*log.entries[:-1], b"{}"))),
        EvidenceLogError,
    ),
    "a checkpoint of the holder changed": (lambda one: with_log(one, "KG", relabelled), SignatureLineError),
}


@pytest.mark.parametrize(("bend", "refusal"), BENT.values(), ids=BENT)
def test_a_bent_evidence_file_says_nothing_of_anybody(
    tmp_path: Path, bend: Callable[[Dossier], Dossier], refusal: type[ExchangeError]
) -> None:
    file = filed(tmp_path)
    file.write_bytes(format_dossier(bend(parse_dossier(file.read_bytes()))))
    with pytest.raises(refusal):
        judged(file)
