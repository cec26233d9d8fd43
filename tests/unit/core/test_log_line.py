"""One log in another's place: what the registry may say of it, and what an auditor reads out of both (decision 44)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.encoding import FieldError
from exchange.errors.log import LogKeyEndedError, OriginError, QuorumError
from exchange.errors.trust import ChangeSubjectError, RegistryHistoryError, RegistryRuleError
from exchange.flow import ceremony, ceremony_policy
from exchange.log import succession
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.cosignature import cosign
from exchange.log.entry import EntryType, LogEntry, format_entry
from exchange.log.merkle import leaf_hash
from exchange.log.note import format_note
from exchange.log.policy import format_policy, parse_policy
from exchange.reconcile.lineage import ends_by_origin, lineage_errors, of_this_tree
from exchange.reconcile.logs import contradictions, read_seen
from exchange.reconcile.model import SeenCheckpoint
from exchange.signing.earlier_logs import CutAt, EarlierLog
from exchange.signing.forward import require_forward
from exchange.signing.keys import KeyPurpose, Signer
from exchange.signing.members import Member
from exchange.signing.trust import RegistryRef, Trust
from tests.world.ceremonies import FIVE, Living
from tests.world.clock import StillClock
from tests.world.federation import Federation, found
from tests.world.log_by_hand import root_of
from tests.world.registry import Registry, keys_of, opened

FIRST, SECOND = "kz.exchange.example/log", "kz-2.exchange.example/log"
OVERLAP = timedelta(hours=72)
EVIDENCE = Digest.of(b"evidence")


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    return found(tmp_path_factory.mktemp("five"), StillClock(), FIVE)


@pytest.fixture
def living(federation: Federation) -> Living:
    return Living(federation)


def signed(living: Living, size: int, *, origin: str, signer: Signer, by: tuple[str, ...] = ()) -> bytes:
    """A checkpoint, cosigned by these members at the time of the registry."""
    note = sign_checkpoint(Checkpoint(origin=origin, size=size, root=bytes([size]) * 32), signer=signer)
    lines = [
        cosign(
            note.text,
            at=living.at,
            name=f"{member.lower()}.exchange.example/witness",
            signer=living.federation.signer(member, KeyPurpose.WITNESS),
        )
        for member in by
    ]
    return format_note(note.with_lines(lines))


def first_log(living: Living, size: int = 7, by: tuple[str, ...] = FIVE[1:4]) -> bytes:
    return signed(living, size, origin=FIRST, signer=living.federation.signer("KZ", KeyPurpose.LOG), by=by)


def decided(living: Living, *, cut: bytes | None = None, overlap: timedelta = OVERLAP) -> Trust:
    application = living.next_log("KZ", SECOND)
    proposal = ceremony.next_log(living.base, application, cut=cut, overlap=overlap, at=living.at)
    assert set(proposal.metadata) == {"targets", "kz"}  # the member and the majority
    return living.decide(proposal, [*living.signers("targets"), *living.pair("KZ")])


# What the registry says


def test_the_next_log_is_the_members_log_and_the_one_before_is_remembered(living: Living) -> None:
    member = decided(living).member("KZ")
    assert (member.origin, member.origins) == (SECOND, (FIRST, SECOND))
    assert (member.before(SECOND), member.before(FIRST)) == (EarlierLog(origin=FIRST), None)
    assert (member.after(FIRST), member.after(SECOND)) == (SECOND, None)


def test_a_cut_is_where_a_quorum_cosigned_the_log(living: Living) -> None:
    trust = decided(living, cut=first_log(living))
    assert trust.member("KZ").earlier_logs == (EarlierLog(origin=FIRST, cut=CutAt(size=7, root=b"\x07" * 32)),)


MISFITS: dict[str, tuple[Callable[[Living], object], type[ExchangeError]]] = {
    "the name of the present log": (lambda r: r.next_log("KZ", FIRST), ChangeSubjectError),
    "a witness key beside": (lambda r: r.applies("KZ", KeyPurpose.LOG, KeyPurpose.WITNESS), ChangeSubjectError),
    "a bundle key": (lambda r: r.applies("KZ", KeyPurpose.BUNDLE), ChangeSubjectError),
}


@pytest.mark.parametrize(("applies", "refusal"), MISFITS.values(), ids=MISFITS)
def test_only_one_log_key_under_a_new_name_makes_a_next_log(
    living: Living, applies: Callable[[Living], Any], refusal: type[ExchangeError]
) -> None:
    with pytest.raises(refusal):
        ceremony.next_log(living.base, applies(living), cut=None, overlap=OVERLAP, at=living.at)


def test_a_member_that_cuts_its_log_without_the_majoritys_word_is_silenced(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ceremony_policy, "_agreed_cuts", lambda _: b"")  # the majority sees a new log and no cut
    trust = decided(living, cut=first_log(living))
    assert isinstance(trust.silenced["KZ"], RegistryRuleError)
    assert f"# cut {FIRST} 7 {'07' * 32}" in trust.silenced["KZ"].sentence()


def test_the_majoritys_word_for_a_cut_outlives_other_policies(living: Living) -> None:
    trust = decided(living, cut=first_log(living))
    assert trust.policies["KZ"].endswith(f"# cut {FIRST} 7 {'07' * 32}\n".encode("ascii"))
    living.move(hours=1)
    plain = format_policy(parse_policy(trust.policies["KZ"]))
    trust = living.decide(ceremony.change_policy(living.base, "KZ", plain, at=living.at), living.signers("targets"))
    assert trust.silenced == {}


def test_a_cut_without_a_quorum_or_of_another_log_is_refused(living: Living) -> None:
    with pytest.raises(QuorumError):
        decided(living, cut=first_log(living, by=FIVE[1:2]))
    other = signed(living, 7, origin="kg.exchange.example/log", signer=living.federation.signer("KG", KeyPurpose.LOG))
    with pytest.raises(OriginError):
        decided(living, cut=other)


def test_a_log_that_ended_gets_no_new_key_and_no_name_is_used_twice(living: Living) -> None:
    decided(living)
    with pytest.raises(ChangeSubjectError):
        ceremony.rotate_keys(living.base, living.applies("KZ", KeyPurpose.LOG), overlap=OVERLAP, at=living.at)
    with pytest.raises(ChangeSubjectError):
        ceremony.next_log(living.base, living.next_log("KZ", FIRST), cut=None, overlap=OVERLAP, at=living.at)


def test_no_later_state_takes_back_that_a_log_ended(living: Living) -> None:
    trust = decided(living, cut=first_log(living))
    member = trust.member("KZ")
    for kept in (
        (),
        (EarlierLog(origin=FIRST),),
        (replace(member.earlier_logs[0], cut=CutAt(size=8, root=bytes(32))),),
    ):
        later = replace(trust, members={**trust.members, "KZ": replace(member, earlier_logs=kept)})
        with pytest.raises(RegistryHistoryError):
            require_forward(trust, later)


SPELLINGS: dict[str, Any] = {
    "empty": [],
    "of a log without a key": [{"origin": "kz-0.exchange.example/log"}],
    "of the present log": [{"origin": FIRST}],
    "twice": [{"origin": "a"}, {"origin": "a"}],
    "a size without a root": [{"origin": "a", "size": 1}],
    "a size of nothing": [{"origin": "a", "size": 0, "root": "0" * 64}],
    "a root in capitals": [{"origin": "a", "size": 1, "root": "A" * 64}],
    "no list": {"origin": "a"},
}


@pytest.mark.parametrize("spelt", SPELLINGS.values(), ids=SPELLINGS)
def test_a_list_of_earlier_logs_that_is_not_their_one_form_silences_the_member(
    federation: Federation, spelt: object
) -> None:
    registry = Registry(federation, members=FIVE)
    wrong = keys_of(registry, "kz", lambda document: document.update(earlier_logs=spelt))
    trust = opened(registry, registry.publish(keys={"kz": wrong}))
    assert isinstance(trust.silenced["KZ"], FieldError)


# Which checkpoints speak of a member


def test_a_key_that_ended_speaks_only_for_what_a_witness_saw_in_its_time(living: Living) -> None:
    in_time, alone = first_log(living, by=FIVE[1:2]), first_log(living, by=())
    living.move(minutes=1)
    trust = decided(living, overlap=timedelta(0))
    living.move(minutes=1)
    late = first_log(living, by=FIVE[1:4])
    assert read_seen("KZ", in_time, trust=trust).checkpoint.size == 7
    for note in (alone, late):
        with pytest.raises(LogKeyEndedError):
            read_seen("KZ", note, trust=trust)


def test_a_key_that_counts_speaks_without_a_witness(living: Living) -> None:
    trust = decided(living)
    assert read_seen("KZ", first_log(living, by=()), trust=trust).cosigned_at is None
    new = signed(living, 8, origin=SECOND, signer=living.log_key(SECOND))
    assert read_seen("KZ", new, trust=trust).checkpoint.origin == SECOND


# What the entries say


def entry(code: str | None = None) -> bytes:
    kind = EntryType.HEARTBEAT if code is None else EntryType.KEY_CHANGED
    return format_entry(
        LogEntry(
            type=kind,
            at=datetime(2026, 10, 1, 12, tzinfo=UTC),
            node="KZ",
            registry=RegistryRef(version=1, sha256=EVIDENCE),
            salt=bytes(16),
            evidence=None if code is None else EVIDENCE,
            code=code,
        )
    )


BEAT, ENDED, BEGUN = entry(), entry("log-ended"), entry("log-begun")
LINE = [BEAT, ENDED, BEGUN, BEAT]
CUT = EarlierLog(origin=FIRST, cut=CutAt(size=2, root=bytes(32)))
CASES: dict[str, tuple[list[bytes], EarlierLog, list[tuple[str, int]], list[str]]] = {
    "closed and continued": (LINE, EarlierLog(origin=FIRST), [(FIRST, 2), (SECOND, 4)], []),
    "not continued yet": (LINE[:2], EarlierLog(origin=FIRST), [(FIRST, 2)], []),
    "named and not closed yet": ([BEAT], EarlierLog(origin=FIRST), [(FIRST, 1)], []),
    "signed on after the end": (LINE, EarlierLog(origin=FIRST), [(FIRST, 3), (SECOND, 4)], ["log-continued"]),
    "never closed": ([BEAT, BEGUN], EarlierLog(origin=FIRST), [(FIRST, 1), (SECOND, 2)], ["log-succession"]),
    "closed and not begun": ([BEAT, ENDED, BEAT], EarlierLog(origin=FIRST), [(SECOND, 3)], ["log-succession"]),
    "cut where it stood": ([BEAT, BEAT, BEGUN], CUT, [(FIRST, 2), (SECOND, 3)], []),
    "cut with a loss": ([BEAT, BEAT, BEGUN], CUT, [(FIRST, 9), (SECOND, 3)], ["log-cut"]),
    "cut and not begun": ([BEAT, BEAT, BEAT], CUT, [(FIRST, 2), (SECOND, 3)], ["log-succession"]),
}


@pytest.mark.parametrize(("entries", "before", "seen", "codes"), CASES.values(), ids=CASES)
def test_what_an_auditor_reads_where_one_log_takes_anothers_place(
    entries: list[bytes], before: EarlierLog, seen: list[tuple[str, int]], codes: list[str]
) -> None:
    member = Member(
        id="KZ", kind="state", name={}, issuer="", log_vkey=f"{SECOND}+0+x", keys=(), earlier_logs=(before,)
    )
    notes = [
        SeenCheckpoint(
            checkpoint=Checkpoint(origin=origin, size=size, root=root_of(list(map(leaf_hash, entries[:size])))),
            note=b"",
            cosigned_at=None,
        )
        for origin, size in seen
    ]
    ends = ends_by_origin(entries, member)
    assert [error.code for error in lineage_errors(member, entries, notes, ends)] == codes
    beyond = [one for one in notes if one.checkpoint.origin == FIRST and one.checkpoint.size > 2]
    assert of_this_tree(notes, ends) == [one for one in notes if one not in beyond]


THIRD = "kz-3.exchange.example/log"
LINES: dict[str, tuple[list[bytes], tuple[EarlierLog, EarlierLog], dict[str, int]]] = {
    "closed, then cut": (
        [BEAT, ENDED, BEGUN, BEAT, BEGUN],
        (EarlierLog(origin=FIRST), EarlierLog(origin=SECOND, cut=CutAt(size=4, root=bytes(32)))),
        {FIRST: 2, SECOND: 4},
    ),
    "closed, then cut before its first entry": (
        [BEAT, ENDED, BEGUN, BEAT],
        (EarlierLog(origin=FIRST), EarlierLog(origin=SECOND, cut=CutAt(size=2, root=bytes(32)))),
        {FIRST: 2, SECOND: 2},
    ),
    "cut after a closing, then closed": (
        [BEAT, ENDED, BEGUN, BEAT, ENDED, BEGUN],
        (EarlierLog(origin=FIRST, cut=CutAt(size=2, root=bytes(32))), EarlierLog(origin=SECOND)),
        {FIRST: 2, SECOND: 5},
    ),
    "never closed, then closed": (
        [BEAT, BEGUN, BEAT, ENDED, BEGUN],
        (EarlierLog(origin=FIRST), EarlierLog(origin=SECOND)),
        {SECOND: 4},
    ),
    "closed twice": (
        [BEAT, ENDED, BEGUN, ENDED, BEGUN],
        (EarlierLog(origin=FIRST), EarlierLog(origin=SECOND)),
        {FIRST: 2, SECOND: 4},
    ),
}


def of_three(*earlier: EarlierLog) -> Member:
    return Member(id="KZ", kind="state", name={}, issuer="", log_vkey=f"{THIRD}+0+x", keys=(), earlier_logs=earlier)


def shown(origin: str, size: int, root: bytes) -> SeenCheckpoint:
    return SeenCheckpoint(checkpoint=Checkpoint(origin=origin, size=size, root=root), note=b"", cosigned_at=None)


@pytest.mark.parametrize(("entries", "earlier", "ends"), LINES.values(), ids=LINES)
def test_each_of_several_logs_ends_by_its_own_last_entry_or_cut(
    entries: list[bytes], earlier: tuple[EarlierLog, EarlierLog], ends: dict[str, int]
) -> None:
    assert ends_by_origin(entries, of_three(*earlier)) == ends


def test_a_log_that_shows_less_than_before_is_not_blamed_for_the_steps_that_went_with_its_tail() -> None:
    member, entries = of_three(EarlierLog(origin=FIRST)), [BEAT]  # it was closed at 2 and continued
    seen = [shown(FIRST, 1, bytes(32)), shown(THIRD, 4, bytes(32))]
    assert lineage_errors(member, entries, seen, ends_by_origin(entries, member)) == []
    assert [error.code for error in contradictions("KZ", [BEAT], [shown(THIRD, 4, bytes(32))])] == ["log-rolled-back"]


def test_two_roots_beyond_the_cut_are_a_fork_besides() -> None:
    member, entries = of_three(EarlierLog(origin=FIRST, cut=CutAt(size=2, root=bytes(32)))), [BEAT, BEAT, BEGUN]
    seen = [shown(FIRST, 3, b"\x01" * 32), shown(FIRST, 3, b"\x02" * 32)]
    found = lineage_errors(member, entries, seen, ends_by_origin(entries, member))
    assert [error.code for error in found] == ["log-cut", "log-forked"]


def test_only_a_change_of_keys_closes_a_log_whatever_other_entries_are_called() -> None:
    refusal = LogEntry(
        type=EntryType.PULL_REFUSED,
        at=datetime(2026, 10, 1, 12, tzinfo=UTC),
        node="KZ",
        registry=RegistryRef(version=1, sha256=EVIDENCE),
        salt=bytes(16),
        counterpart="KG",
        contract=EVIDENCE,
        bundle=EVIDENCE,
        evidence=EVIDENCE,
        pull=EVIDENCE,
        code=succession.ENDED,
        count=1,
    )
    assert succession.steps_of([BEAT, format_entry(refusal), ENDED, BEGUN]) == ((2, "log-ended"), (3, "log-begun"))
