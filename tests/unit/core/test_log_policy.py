"""Witness policies: the files of C2SP tlog-policy, and when a checkpoint counts and since when."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors.log import (
    DuplicateSignatureError,
    LogError,
    LogLineError,
    LogTextError,
    OriginError,
    PolicyKeyError,
    PolicyNameError,
    PolicyQuorumError,
    QuorumError,
    SignatureLineError,
    SignatureMissingError,
    UnknownSignerError,
    VerifierKeyError,
)
from exchange.log.note import SignatureKind, SignatureLine, format_note, format_vkey
from exchange.log.policy import Group, format_policy, parse_policy, quorum_policy
from tests.unit.core.log_samples import (
    LOG,
    LOG_VKEY,
    NOON,
    ORIGIN,
    WITNESS_VKEYS,
    WITNESSES,
    SampleLog,
    cosigned,
    one_minute_apart,
    signer_of,
    witness_vkey,
)
from tests.world.log_by_hand import vkey_of

POLICY = quorum_policy(LOG_VKEY, WITNESS_VKEYS)
NOTE = SampleLog(7).note()

L = f"log {format_vkey(LOG_VKEY)}\n"
W = {member: f"witness {member} {format_vkey(vkey)}\n" for member, vkey in WITNESS_VKEYS.items()}

# The example of C2SP tlog-policy with keys filled in, and every freedom that its syntax gives.
EXAMPLE = (
    "# our policy: Журнал\n"
    f"\t log  {format_vkey(LOG_VKEY)} \t https://kz.example/ \n"
    " \t\n"
    + "".join(f"witness {name} {format_vkey(witness_vkey(name))}\n" for name in ("X1", "X2", "X3", "Y1", "Y2", "Y3"))
    + "group X-witnesses 2 X1 X2 X3\n"
    "group Y-witnesses any Y1 Y2 Y3\n"
    "group X-and-Y all X-witnesses Y-witnesses\n"
    "  # a comment after spaces\n"
    "quorum X-and-Y\n"
).encode()


@pytest.mark.parametrize(
    ("witnesses", "met"),
    [
        pytest.param({"X1", "X2", "Y3"}, True, id="two of X and one of Y"),
        pytest.param({"X1", "X2", "X3"}, False, id="nobody of Y"),
        pytest.param({"X1", "Y1", "Y2", "Y3"}, False, id="one of X"),
        pytest.param({"X-and-Y"}, False, id="a group's name is no witness"),
        pytest.param(set(), False, id="nobody"),
    ],
)
def test_groups_within_groups_decide_the_quorum(witnesses: set[str], met: bool) -> None:
    policy = parse_policy(EXAMPLE)
    assert policy.groups[2] == Group("X-and-Y", 2, ("X-witnesses", "Y-witnesses"))
    assert policy.is_met_by(witnesses) is met


def test_a_policy_is_read_back_as_written() -> None:
    assert parse_policy(format_policy(POLICY)) == POLICY
    assert parse_policy(format_policy(parse_policy(EXAMPLE))) == parse_policy(EXAMPLE)


@pytest.mark.parametrize(
    ("count", "threshold"),
    [(2, 2), (3, 2), (4, 3), (5, 4), (6, 4)],  # two thirds, rounded up, at least 2: by hand
)
def test_the_exchanges_quorum_is_two_thirds_of_the_witnesses(count: int, threshold: int) -> None:
    witnesses = {member: WITNESS_VKEYS[member] for member in WITNESSES[:count]}
    assert quorum_policy(LOG_VKEY, witnesses).groups[0].threshold == threshold


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_witnesses_make_no_quorum(count: int) -> None:
    with pytest.raises(PolicyQuorumError):
        quorum_policy(LOG_VKEY, {member: WITNESS_VKEYS[member] for member in WITNESSES[:count]})


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        pytest.param("", PolicyQuorumError, id="no quorum"),
        pytest.param("quorum none\nquorum none\n", PolicyQuorumError, id="two quorums"),
        pytest.param("quorum none", LogTextError, id="a last line that does not end"),
        pytest.param("quorum none\r\n", LogTextError, id="a carriage return"),
        pytest.param("quorum none\n\x7f\n", LogTextError, id="a delete character"),
        pytest.param("# " + "x" * 65_536 + "\n", LogTextError, id="too long"),
        pytest.param("quorum kg\n", PolicyNameError, id="a quorum that nothing defines"),
        pytest.param("quorum kg\n" + W["kg"], PolicyNameError, id="a quorum defined only later"),
        pytest.param("quorums none\n", LogLineError, id="an unknown word"),
        pytest.param("quorum none kg\n", LogLineError, id="a word too many"),
        pytest.param(L.strip() + " url more\n", LogLineError, id="a word too many after a log's address"),
        pytest.param("group g 1\n", LogLineError, id="a group without members"),
        pytest.param(W["kg"] + "group g 0 kg\n", LogLineError, id="a threshold of nothing"),
        pytest.param(W["kg"] + "group g 2 kg\n", LogLineError, id="a threshold beyond the members"),
        pytest.param(W["kg"] + "group g 01 kg\n", LogLineError, id="a threshold with a leading zero"),
        pytest.param(W["kg"] + "group g some kg\n", LogLineError, id="a threshold that is no number"),
        pytest.param(W["kg"] + "group g 1 tj\n", PolicyNameError, id="a member that nothing defines"),
        pytest.param("group g 1 g\n", PolicyNameError, id="a group within itself"),
        pytest.param(W["kg"] + "group g 1 kg kg\n", PolicyNameError, id="one witness twice in a group"),
        pytest.param(W["kg"] + "group g 1 kg\ngroup h 1 kg\n", PolicyNameError, id="one witness in two groups"),
        pytest.param(W["kg"] + "group kg 1 kg\n", PolicyNameError, id="a group named as a witness"),
        pytest.param(W["kg"] + "group g 1 none\n", PolicyNameError, id="none as a member"),
        pytest.param(W["kg"].replace("kg ", "none "), PolicyNameError, id="a witness named none"),
        pytest.param(W["kg"] + W["kg"], PolicyNameError, id="one name twice"),
        pytest.param(W["kg"] + W["kg"].replace(" kg ", " other "), PolicyKeyError, id="one witness's key twice"),
        pytest.param(L + L, PolicyKeyError, id="one log's key twice"),
        pytest.param(
            L + f"witness self {format_vkey(vkey_of('kz', LOG, SignatureKind.COSIGNATURE))}\n",
            PolicyKeyError,
            id="a log that is its own witness",
        ),
        pytest.param(f"log {format_vkey(WITNESS_VKEYS['kg'])}\n", VerifierKeyError, id="a witness's key for a log"),
        pytest.param(f"witness kg {format_vkey(LOG_VKEY)}\n", VerifierKeyError, id="a log's key for a witness"),
    ],
)
def test_a_policy_file_is_refused_with_its_reason(text: str, refusal: type[LogError]) -> None:
    with pytest.raises(refusal):
        parse_policy(text.encode())


def test_a_refusal_names_the_line_that_is_wrong() -> None:
    with pytest.raises(LogLineError) as refused:
        parse_policy(b"# first\n\nnonsense\nquorum none\n")
    assert refused.value.facts["line"] == 3
    with pytest.raises(VerifierKeyError) as malformed:
        parse_policy(b"# first\nlog nonsense\nquorum none\n")
    assert malformed.value.facts["subject"] == "witness policy line 2"


def test_a_policy_has_at_most_128_witnesses_and_groups_together() -> None:
    names = [f"W{number}" for number in range(100)]
    witnesses = "".join(f"witness {name} {format_vkey(witness_vkey(name))}\n" for name in names)
    groups = "".join(f"group G{number} any W{number}\n" for number in range(28))
    assert len(parse_policy(f"{witnesses}{groups}quorum none\n".encode()).groups) == 28
    with pytest.raises(PolicyNameError):
        parse_policy(f"{witnesses}{groups}group G28 any W28\nquorum none\n".encode())


def test_a_policy_file_has_at_most_64_kib() -> None:
    rest = b"quorum none\n"
    comment = b"#" * (64 * 1024 - len(rest) - 1) + b"\n"
    assert parse_policy(comment + rest).quorum is None
    with pytest.raises(LogTextError):
        parse_policy(b"#" + comment + rest)


def test_names_are_octets_so_that_a_kelvin_sign_is_no_letter_k() -> None:
    lines = W["kg"].replace(" kg ", " K ") + W["tj"].replace(" tj ", " \u212a ")
    policy = parse_policy(f"{lines}quorum \u212a\n".encode())
    assert set(policy.witnesses) == {"K", "\u212a"}
    latin = parse_policy(W["kg"].encode().replace(b" kg ", b" \xff\xfe ") + b"quorum \xff\xfe\n")
    assert b"quorum \xff\xfe\n" in format_policy(latin)


def test_octets_that_are_not_utf_8_are_refused_in_a_key_name_with_a_sentence_that_can_be_written() -> None:
    raw = W["kg"].encode().replace(b" kg.", b" k\xe9.") + b"quorum none\n"
    with pytest.raises(VerifierKeyError) as refused:
        parse_policy(raw)
    assert refused.value.sentence("ru").encode()


@given(st.lists(st.sampled_from([L, *W.values(), "group g 2 kg tj\n", "group h any g uz\n", "quorum h\n"]), max_size=7))
@settings(max_examples=60)
def test_a_policy_that_parses_is_read_back_from_its_plain_form(lines: list[str]) -> None:
    try:
        policy = parse_policy("".join(lines).encode())
    except LogError:
        return
    assert parse_policy(format_policy(policy)) == policy


def test_a_checkpoint_is_cosigned_when_the_quorum_was_complete() -> None:
    # Four of six; timestamps out of order on the lines: 12:05, 12:01, 12:03, 12:00, 12:04. The fourth is 12:04.
    minutes = {"gb": 5, "iom": 1, "kg": 3, "tj": 0, "tm": 4}
    times = {member: NOON + timedelta(minutes=minute) for member, minute in minutes.items()}
    found = POLICY.check(format_note(cosigned(NOTE, times)))
    assert found.cosigned_at == NOON + timedelta(minutes=4)
    assert found.witnesses == ("tj", "iom", "kg", "tm", "gb")
    assert (found.origin, found.size, found.root) == (ORIGIN, 7, SampleLog(7).root(7))


def test_the_quorum_is_complete_only_when_every_group_is() -> None:
    policy = parse_policy(EXAMPLE)
    times = {name: NOON + timedelta(minutes=minute) for minute, name in enumerate(("X1", "X2", "X3", "Y2"))}
    assert policy.check(format_note(cosigned(NOTE, times))).cosigned_at == times["Y2"]


def test_one_witness_counts_once_however_often_it_signed() -> None:
    note = cosigned(NOTE, one_minute_apart(["gb", "iom", "kg"]))
    for minute in (10, 20, 30):
        note = cosigned(note, {"kg": NOON + timedelta(minutes=minute)})
    with pytest.raises(QuorumError):
        POLICY.check(format_note(note))
    found = POLICY.check(format_note(cosigned(note, {"uz": NOON + timedelta(hours=1)})))
    assert found.witnesses == ("gb", "iom", "kg", "uz")


def test_a_policy_without_a_quorum_gives_no_cosigned_time() -> None:
    policy = parse_policy((L + "".join(W.values()) + "quorum none\n").encode())
    with pytest.raises(QuorumError):
        policy.check(format_note(cosigned(NOTE, one_minute_apart(WITNESSES))))


def test_a_checkpoint_needs_the_logs_own_signature() -> None:
    unsigned = cosigned(NOTE, one_minute_apart(WITNESSES))
    lines = tuple(line for line in unsigned.signatures if not line.by(LOG_VKEY))
    with pytest.raises(SignatureMissingError):
        POLICY.check(format_note(type(unsigned)(text=unsigned.text, signatures=lines)))
    other = quorum_policy(vkey_of("uz.exchange.example/log", signer_of("uz"), SignatureKind.LOG), WITNESS_VKEYS)
    with pytest.raises(OriginError):
        other.check(format_note(unsigned))


def test_a_forged_cosignature_spoils_the_note_even_beside_a_quorum() -> None:
    note = cosigned(NOTE, one_minute_apart(WITNESSES[:5]))
    vkey = WITNESS_VKEYS["uz"]
    forged = SignatureLine(name=vkey.name, key_id=vkey.key_id, signature=bytes(72))
    with pytest.raises(SignatureLineError):
        POLICY.check(format_note(note.with_lines([forged])))


@pytest.mark.parametrize(
    ("lines", "refusal"),
    [
        pytest.param([SignatureLine(name="x", key_id=b"abcd", signature=b"?")], UnknownSignerError, id="a stranger"),
        pytest.param(
            [SignatureLine(name=ORIGIN, key_id=b"abcd", signature=bytes(64))],
            UnknownSignerError,
            id="a stranger under the log's name",
        ),
    ],
)
def test_lines_by_others_are_ignored_unless_every_line_must_verify(
    lines: list[SignatureLine], refusal: type[LogError]
) -> None:
    note = format_note(cosigned(NOTE, one_minute_apart(WITNESSES)).with_lines(lines))
    assert POLICY.check(note).size == 7
    with pytest.raises(refusal):
        POLICY.check(note, every_line=True)


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(NOON, id="the same line"),
        pytest.param(NOON + timedelta(days=1), id="another time"),
    ],
)
def test_a_witness_signs_once_where_every_line_must_verify(again: datetime) -> None:
    note = cosigned(NOTE, one_minute_apart(WITNESSES))
    gb = cosigned(NOTE, {"gb": again}).signatures[-1]
    twice = format_note(type(note)(text=note.text, signatures=(*note.signatures, gb)))
    assert POLICY.check(twice).cosigned_at == NOON + timedelta(minutes=3)
    with pytest.raises(DuplicateSignatureError):
        POLICY.check(twice, every_line=True)


def test_a_missing_quorum_names_who_signed() -> None:
    with pytest.raises(QuorumError) as refused:
        POLICY.check(format_note(cosigned(NOTE, one_minute_apart(["gb", "tm"]))))
    assert str(refused.value) == (
        "kz.exchange.example/log at size 7: the quorum two-thirds is not reached by the witnesses [gb, tm]"
    )
