"""An evidence file: whoever has the registry decides the finding again, and nothing can be left out or changed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.encoding import Digest, canonical_json, parse_json_object
from exchange.errors.encoding import EncodingError, FieldError
from exchange.errors.evidence import EvidenceIncompleteError, EvidenceLogError, EvidenceUnprovenError
from exchange.errors.log import LogError
from exchange.flow.audit import Proven, charge_of, decide_again
from exchange.flow.word import Word
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.entry import EntryType, format_entry
from exchange.log.merkle import leaf_hash
from exchange.log.note import format_note
from exchange.log.tree import TreeState
from exchange.reconcile import reconcile
from exchange.reconcile.dossier import Charge, Dossier, LogCopy, format_dossier, parse_dossier
from exchange.reconcile.model import Finding
from exchange.signing.keys import NOTE_ED25519, KeyPurpose, note_vkey
from exchange.signing.members import Member, MemberKey
from exchange.signing.trust import Trust
from tests.world.federation import signer
from tests.world.pull_logs import BUNDLE, CONTRACT, NOON, PullLogs


def origin(member: str) -> str:
    return f"{member.lower()}.example/log"


def checkpoint(member: str, entries: Sequence[bytes], *, signed_by: str | None = None) -> bytes:
    state, _ = TreeState().append([leaf_hash(entry) for entry in entries])
    head = Checkpoint(origin=origin(member), size=len(entries), root=state.root())
    return format_note(sign_checkpoint(head, signer=signer(f"{signed_by or member}/log")))


def registry(logs: PullLogs) -> Trust:
    trust = logs.gathered().trust
    return replace(trust, members={name: logging(member) for name, member in trust.members.items()})


def logging(member: Member) -> Member:
    public = signer(f"{member.id}/log").public
    vkey = note_vkey(origin(member.id), public, NOTE_ED25519)
    key = MemberKey(purpose=KeyPurpose.LOG, key=public, valid_from=NOON, vkey=vkey)
    return replace(member, log_vkey=vkey, keys=(*member.keys, key))


def raws(logs: PullLogs, member: str) -> tuple[bytes, ...]:
    return tuple(format_entry(entry) for entry in logs.logs[member])


def filed(logs: PullLogs, finding: Finding, *members: str) -> Dossier:
    """What an auditor would hand over about a finding."""
    return Dossier(
        at=logs.gathered().at,
        charge=charge_of(finding),
        logs=tuple(
            LogCopy(member=member, checkpoints=(checkpoint(member, raws(logs, member)),), entries=raws(logs, member))
            for member in members
        ),
        signed={**logs.signed, Digest.of(b"statement"): b"statement"},
        unanswered=frozenset(),
        publications={},
        contracts=(),
    )


def served_what_was_never_published() -> tuple[PullLogs, Finding]:
    logs = PullLogs()
    logs.honest_pull()
    (finding,) = (one for one in reconcile(logs.gathered()).findings if one.party == "KZ")
    return logs, finding


def decided(dossier: Dossier, logs: PullLogs) -> Proven:
    return decide_again(parse_dossier(format_dossier(dossier)), trust=registry(logs), codelists={})


def test_a_third_party_with_the_registry_comes_to_the_same_finding() -> None:
    logs, finding = served_what_was_never_published()
    proven = decided(filed(logs, finding, "KZ", "KG"), logs)
    assert (proven.finding.reason.code, proven.finding.party) == ("served-without-publication", "KZ")
    assert proven.finding.reason.sentence() == finding.reason.sentence()
    assert proven.checkpoints == {"KZ": (3, None), "KG": (2, None)}  # signed, served, got; received, given
    # Nobody had cosigned these checkpoints: the time, and that they were the newest, is the auditor's word.
    assert proven.word == {Word.CLOCK, Word.NEWEST}


def test_a_charge_against_another_member_does_not_follow() -> None:
    logs, finding = served_what_was_never_published()
    framed = replace(filed(logs, finding, "KZ", "KG"), charge=replace(charge_of(finding), party="KG"))
    with pytest.raises(EvidenceUnprovenError) as refusal:
        decided(framed, logs)
    assert refusal.value.sentence() == (
        "evidence file: served-without-publication of KG does not follow from what it holds"
    )


def test_an_entry_left_out_of_a_log_is_noticed_by_the_checkpoint_its_member_signed() -> None:
    logs, finding = served_what_was_never_published()
    whole = filed(logs, finding, "KZ", "KG")
    shortened = replace(whole.logs[0], entries=whole.logs[0].entries[:-1])
    with pytest.raises(EvidenceLogError) as refusal:
        decided(replace(whole, logs=(shortened, whole.logs[1])), logs)
    assert refusal.value.sentence() == (
        "evidence file: log of KZ: expected the entries signed at size 3, found 2 others"
    )


@pytest.mark.parametrize(
    ("code", "last"),
    [
        pytest.param("log-rewritten", lambda entries: entries[0], id="another true one in the place of the last"),
        pytest.param("log-malformed", lambda _: b"no entry", id="one that is none"),
    ],
)
def test_who_changes_an_entry_of_a_true_log_convicts_nobody_by_the_checkpoint_that_was_signed(
    code: str, last: Callable[[tuple[bytes, ...]], bytes]
) -> None:
    logs, finding = served_what_was_never_published()
    true = filed(logs, finding, "KZ").logs[0]
    changed = replace(true, entries=(*true.entries[:-1], last(true.entries)))
    framed = replace(filed(logs, finding), charge=Charge(code=code, party="KZ", entries=()), logs=(changed,))
    with pytest.raises(EvidenceLogError):
        decided(framed, logs)


def test_a_log_stands_once_in_a_file() -> None:
    logs, finding = served_what_was_never_published()
    whole = filed(logs, finding, "KZ", "KG")
    with pytest.raises(FieldError):
        decided(replace(whole, logs=(whole.logs[0], *whole.logs)), logs)


def test_entries_that_the_member_never_signed_convict_nobody() -> None:
    logs, finding = served_what_was_never_published()
    whole = filed(logs, finding, "KZ", "KG")
    forged = replace(whole.logs[0], checkpoints=(checkpoint("KZ", whole.logs[0].entries, signed_by="IOM"),))
    with pytest.raises(LogError):
        decided(replace(whole, logs=(forged, whole.logs[1])), logs)


def test_a_statement_left_out_could_speak_for_the_accused_and_is_asked_for() -> None:
    logs, finding = served_what_was_never_published()
    whole = filed(logs, finding, "KZ", "KG")
    with pytest.raises(EvidenceIncompleteError) as refusal:
        decided(replace(whole, signed=logs.signed), logs)
    assert refusal.value.sentence() == "evidence file: log of KZ names 1 contract statements that are not in it"


def test_a_statement_that_the_accused_names_and_shows_nobody_does_not_keep_a_finding_from_being_proven() -> None:
    logs, finding = served_what_was_never_published()
    statement = Digest.of(b"statement")
    bare = replace(filed(logs, finding, "KZ", "KG"), signed=logs.signed)
    assert Word.UNANSWERED in decided(replace(bare, unanswered=frozenset({("KZ", statement)})), logs).word
    with pytest.raises(EvidenceIncompleteError):  # what another member did not show, the accused may have shown
        decided(replace(bare, unanswered=frozenset({("KG", statement)})), logs)


def test_a_contract_left_out_could_speak_for_the_accused_and_is_asked_for() -> None:
    logs, finding = served_what_was_never_published()
    logs.log("KZ", EntryType.BUNDLE_PUBLISHED, contract=CONTRACT, bundle=BUNDLE, evidence=Digest.of(b"jws"))
    with pytest.raises(EvidenceIncompleteError):
        decided(filed(logs, finding, "KZ", "KG"), logs)


def test_two_checkpoints_of_one_log_that_contradict_each_other_convict_it_by_its_own_signatures() -> None:
    logs, _ = served_what_was_never_published()
    entries = raws(logs, "KZ")
    other = checkpoint("KZ", (entries[0], b"{}"))
    copy = LogCopy(member="KZ", checkpoints=(other, checkpoint("KZ", entries)), entries=entries)
    charge = Charge(code="log-rewritten", party="KZ", entries=())
    empty = Dossier(
        at=NOON, charge=charge, logs=(copy,), signed={}, unanswered=frozenset(), publications={}, contracts=()
    )
    assert decided(empty, logs).finding.reason.facts["size"] == 2
    honest = replace(copy, checkpoints=(checkpoint("KZ", entries[:2]), checkpoint("KZ", entries)))
    with pytest.raises(EvidenceIncompleteError):  # nothing speaks against this log: on to its entries, and their proofs
        decided(replace(empty, logs=(honest,)), logs)


def test_what_a_member_did_not_show_is_the_auditors_word_and_said_to_be() -> None:
    logs = PullLogs()
    pull = logs.request()
    logs.serve(pull)
    logs.withheld.add(("KZ", pull))
    del logs.signed[pull]
    logs.audited_after = timedelta(minutes=1)
    found = next(one for one in reconcile(logs.gathered()).findings if one.reason.code == "pull-invented-by-publisher")
    proven = decided(replace(filed(logs, found, "KZ", "KG"), unanswered=frozenset(logs.withheld)), logs)
    assert Word.UNANSWERED in proven.word


@pytest.mark.parametrize("part", ["type", "finding", "logs", "signed", "publications", "contracts", "at"])
def test_a_file_without_one_of_its_parts_is_refused(part: str) -> None:
    logs, finding = served_what_was_never_published()
    document = parse_json_object(format_dossier(filed(logs, finding, "KZ", "KG")), subject="test")
    with pytest.raises(EncodingError):
        parse_dossier(canonical_json({name: value for name, value in document.items() if name != part}))


def test_a_file_that_holds_a_bundles_data_is_refused() -> None:
    logs, finding = served_what_was_never_published()
    leaking = replace(filed(logs, finding, "KZ"), publications={BUNDLE: {"data.csv": b"figures"}})
    with pytest.raises(EncodingError) as refusal:
        parse_dossier(format_dossier(leaking))
    assert "data.csv" in refusal.value.sentence()


@given(st.lists(st.binary(max_size=40), max_size=4, unique=True), st.lists(st.binary(max_size=40), max_size=3))
def test_a_parsed_file_is_written_the_same(signed: list[bytes], entries: list[bytes]) -> None:
    dossier = Dossier(
        at=NOON,
        charge=Charge(code="late", party="KZ", entries=(("KZ", 3),)),
        logs=(LogCopy(member="KZ", checkpoints=(b"note",), entries=tuple(entries)),),
        signed={Digest.of(one): one for one in signed},
        unanswered=frozenset({("KG", BUNDLE)}),
        publications={BUNDLE: {"datapackage.json": b"{}"}},
        contracts=(b"id: x\n",),
    )
    raw = format_dossier(dossier)
    assert parse_dossier(raw) == dossier
    assert format_dossier(parse_dossier(raw)) == raw
