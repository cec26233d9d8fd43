"""A witness cosigns one history only, and answers everything else with the status that C2SP tlog-witness gives."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors.log import (
    LogLineError,
    LogTextError,
    SignatureLineError,
    SignatureMissingError,
    WitnessConflictError,
    WitnessError,
    WitnessInconsistentError,
    WitnessOldSizeError,
    WitnessRequestError,
    WitnessSignatureError,
    WitnessUnknownLogError,
)
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.merkle import consistency_proof
from exchange.log.note import SignatureLine, SignedNote, VerifierKey, format_note, parse_note
from exchange.log.tiles import hash_reader
from exchange.log.witness import (
    AddCheckpoint,
    answer,
    cosigned_note,
    decide,
    format_add_checkpoint,
    parse_add_checkpoint,
    parse_answer,
    parse_conflict,
    require_authentic,
)
from tests.unit.core.log_samples import LOG, LOG_VKEY, NOON, ORIGIN, WITNESS_VKEYS, SampleLog, signer_of

SAMPLE = SampleLog(300)
RIVAL = SampleLog(300)
RIVAL.entries[4] = b"rewritten"
WITNESS = WITNESS_VKEYS["kg"]
SIGNER = signer_of(WITNESS.name)
KNOWN = [LOG_VKEY]
HASH = b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


def request_of(old_size: int, new_size: int, *, note: SignedNote | None = None) -> AddCheckpoint:
    read_hash = hash_reader(SAMPLE.read_tile, size=300)
    proof = consistency_proof(old_size, new_size, read_hash) if old_size <= new_size else []
    return AddCheckpoint(
        old_size=old_size, proof=tuple(proof), note=format_note(SAMPLE.note(new_size) if note is None else note)
    )


def answered(request: AddCheckpoint, *, at: datetime = NOON) -> bytes:
    """The body of a 200 answer."""
    return str(answer(request, at=at, name=WITNESS.name, signer=SIGNER)).encode()


REQUEST = format_add_checkpoint(request_of(13, 300))


@given(st.integers(0, 300), st.integers(0, 300))
@settings(max_examples=40)
def test_a_log_that_only_grew_is_accepted(one: int, other: int) -> None:
    old_size, new_size = sorted((one, other))
    request = parse_add_checkpoint(format_add_checkpoint(request_of(old_size, new_size)))
    latest = SAMPLE.checkpoint(old_size) if old_size else None
    assert decide(request, latest=latest, logs=KNOWN) == SAMPLE.checkpoint(new_size)


def test_a_witness_that_cosigned_the_empty_tree_accepts_the_first_entries() -> None:
    assert decide(request_of(0, 5), latest=SAMPLE.checkpoint(0), logs=KNOWN).size == 5


FORGED = SignedNote(
    text=SAMPLE.note().text,
    signatures=(SignatureLine(name=ORIGIN, key_id=LOG_VKEY.key_id, signature=bytes(64)),),
)
STRANGER = SignedNote(
    text=SAMPLE.note().text, signatures=(SignatureLine(name="x", key_id=b"abcd", signature=bytes(64)),)
)
BOTH = SAMPLE.note().with_lines(FORGED.signatures)
INVENTED = sign_checkpoint(Checkpoint(origin=ORIGIN, size=0, root=bytes(32)), signer=LOG)


def with_proof(request: AddCheckpoint, proof: tuple[bytes, ...]) -> AddCheckpoint:
    return AddCheckpoint(old_size=request.old_size, proof=proof, note=request.note)


@pytest.mark.parametrize(
    ("request_", "latest", "logs", "refusal", "status"),
    [
        pytest.param(request_of(0, 300), None, [], WitnessUnknownLogError, 404, id="an unknown log"),
        pytest.param(request_of(0, 300, note=FORGED), None, KNOWN, WitnessSignatureError, 403, id="a forged signature"),
        pytest.param(
            request_of(0, 300, note=BOTH), None, KNOWN, WitnessSignatureError, 403, id="a forged line beside a good one"
        ),
        pytest.param(
            request_of(0, 300, note=STRANGER), None, KNOWN, WitnessSignatureError, 403, id="a stranger's signature only"
        ),
        pytest.param(
            request_of(301, 300), SAMPLE.checkpoint(300), KNOWN, WitnessOldSizeError, 400, id="a log that shrank"
        ),
        pytest.param(
            request_of(13, 300), SAMPLE.checkpoint(200), KNOWN, WitnessConflictError, 409, id="an older size than ours"
        ),
        pytest.param(request_of(13, 300), None, KNOWN, WitnessConflictError, 409, id="a size where we have none"),
        pytest.param(
            request_of(0, 13), SAMPLE.checkpoint(200), KNOWN, WitnessConflictError, 409, id="a rolled-back log"
        ),
        pytest.param(
            request_of(13, 300), RIVAL.checkpoint(13), KNOWN, WitnessInconsistentError, 422, id="a rewritten entry"
        ),
        pytest.param(
            request_of(300, 300),
            RIVAL.checkpoint(300),
            KNOWN,
            WitnessInconsistentError,
            422,
            id="two roots at one size",
        ),
        pytest.param(
            with_proof(request_of(0, 300), (bytes(32),)),
            None,
            KNOWN,
            WitnessInconsistentError,
            422,
            id="a proof from 0",
        ),
        pytest.param(
            with_proof(request_of(300, 300), (bytes(32),)),
            SAMPLE.checkpoint(300),
            KNOWN,
            WitnessInconsistentError,
            422,
            id="a proof between equal sizes",
        ),
        pytest.param(
            with_proof(request_of(13, 300), ()),
            SAMPLE.checkpoint(13),
            KNOWN,
            WitnessInconsistentError,
            422,
            id="no proof",
        ),
        pytest.param(
            request_of(0, 0, note=INVENTED), None, KNOWN, WitnessInconsistentError, 422, id="an empty tree's false root"
        ),
        pytest.param(
            request_of(0, 0, note=INVENTED),
            SAMPLE.checkpoint(5),
            KNOWN,
            WitnessConflictError,
            409,
            id="an empty tree's false root after five entries",
        ),
    ],
)
def test_a_witness_refuses_with_the_status_of_c2sp(
    request_: AddCheckpoint,
    latest: Checkpoint | None,
    logs: list[VerifierKey],
    refusal: type[WitnessError],
    status: int,
) -> None:
    with pytest.raises(refusal) as refused:
        decide(request_, latest=latest, logs=logs)
    assert refused.value.http_status == status


def test_a_conflict_tells_the_size_cosigned_last() -> None:
    with pytest.raises(WitnessConflictError) as refused:
        decide(request_of(13, 300), latest=SAMPLE.checkpoint(200), logs=KNOWN)
    assert refused.value.body == b"200\n"
    assert parse_conflict(refused.value.body) == 200


@pytest.mark.parametrize("raw", [b"", b"200", b"0200\n", b"200\n\n", b"-1\n", b"\xb2\n", b"200 \n"])
def test_another_spelling_of_that_size_is_refused(raw: bytes) -> None:
    with pytest.raises((LogLineError, LogTextError)):
        parse_conflict(raw)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b"old 13\n", b"", id="no old size"),
        pytest.param(b"old 13\n", b"old  13\n", id="two spaces"),
        pytest.param(b"old 13\n", b"old 013\n", id="a leading zero"),
        pytest.param(b"old 13\n", b"old -1\n", id="a negative size"),
        pytest.param(b"old 13\n", b"Old 13\n", id="another word"),
        pytest.param(b"old 13\n", b"13\n", id="no word"),
        pytest.param(b"old 13\n", b"old 13\n\xff\n", id="a byte that is not ASCII"),
        pytest.param(b"old 13\n", b"old 13\n" + HASH[:-1] + b"\n", id="a hash cut short"),
        pytest.param(b"old 13\n", b"old 13\n" + (HASH + b"\n") * 64, id="64 hashes"),
        pytest.param(b"old 13\n", b"old 13\n\n", id="an empty line too early"),
        pytest.param(b"\n\nkz.", b"\nkz.", id="no empty line before the checkpoint"),
        pytest.param(b"\n300\n", b"\n0300\n", id="a malformed checkpoint"),
        pytest.param(b"\n\nkz.", b"\n\n" + b"x" * 300_000 + b"\nkz.", id="too long"),
    ],
)
def test_a_malformed_request_is_400(old: bytes, new: bytes) -> None:
    assert REQUEST.count(old) == 1
    with pytest.raises(WitnessRequestError) as refused:
        parse_add_checkpoint(REQUEST.replace(old, new))
    assert refused.value.http_status == 400


@pytest.mark.parametrize(
    ("new", "line"),
    [
        pytest.param(b"old 013\n", "line 1", id="the size"),
        pytest.param(b"old 13\nAAAA\n", "line 2", id="the first hash"),
        pytest.param(b"old 13\n" + HASH + b"\nAAAA\n", "line 3", id="the second hash"),
    ],
)
def test_a_refusal_names_the_line_that_is_wrong(new: bytes, line: str) -> None:
    with pytest.raises(WitnessRequestError, match=line):
        parse_add_checkpoint(REQUEST.replace(b"old 13\n", new))


def test_the_size_in_a_conflict_stands_in_line_1() -> None:
    with pytest.raises(LogLineError, match="line 1"):
        parse_conflict(b"013\n")


def test_a_request_shows_the_checkpoint_that_it_is_about() -> None:
    assert request_of(13, 300).checkpoint == SAMPLE.checkpoint(300)


def test_without_any_state_a_witness_refuses_what_no_known_log_signed() -> None:
    require_authentic(request_of(13, 300), logs=KNOWN)
    with pytest.raises(WitnessUnknownLogError):
        require_authentic(request_of(13, 300), logs=[])
    for note in (FORGED, STRANGER, BOTH):
        with pytest.raises(WitnessSignatureError):
            require_authentic(request_of(13, 300, note=note), logs=KNOWN)


def test_a_request_may_carry_63_hashes_as_c2sp_says() -> None:
    raw = REQUEST[: REQUEST.index(b"\n") + 1] + (HASH + b"\n") * 63 + REQUEST[REQUEST.index(b"\n\n") + 1 :]
    assert len(parse_add_checkpoint(raw).proof) == 63


@given(st.binary(max_size=80) | st.integers(0, len(REQUEST)).map(lambda at: REQUEST[:at]))
@settings(max_examples=80)
def test_a_request_that_parses_is_written_back_alike(raw: bytes) -> None:
    try:
        request = parse_add_checkpoint(raw)
    except WitnessRequestError:
        assert raw != REQUEST
        return
    assert format_add_checkpoint(request) == raw


def test_an_answer_carries_the_witnesses_own_line() -> None:
    request = request_of(13, 300)
    body = answered(request)
    text = SAMPLE.note().text
    line, at = parse_answer("— stranger AAAAAAA=\n".encode() + body, text=text, witness=WITNESS)
    assert at == NOON
    assert str(line).encode() == body


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        pytest.param(b"", LogTextError, id="nothing"),
        pytest.param(b"\xff\n", LogTextError, id="not UTF-8"),
        pytest.param(b"cosigned\n", LogLineError, id="no signature line"),
        pytest.param("— stranger AAAAAAA=\n".encode(), SignatureMissingError, id="a stranger's line"),
        pytest.param(
            answered(request_of(0, 13)),
            SignatureLineError,
            id="a line over another checkpoint",
        ),
    ],
)
def test_an_answer_without_a_valid_line_by_the_witness_is_refused(body: bytes, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        parse_answer(body, text=SAMPLE.note().text, witness=WITNESS)


def test_asking_again_for_the_same_checkpoint_is_cosigned_again() -> None:
    # An answer may have been lost; the same size and root contradict nothing.
    request = request_of(300, 300)
    assert decide(request, latest=SAMPLE.checkpoint(300), logs=KNOWN) == SAMPLE.checkpoint(300)
    body = answered(request, at=NOON + timedelta(hours=1))
    assert parse_answer(body, text=SAMPLE.note().text, witness=WITNESS)[1] == NOON + timedelta(hours=1)


def test_what_is_kept_has_the_verified_lines_of_log_and_witness_and_no_others() -> None:
    note = SAMPLE.note()
    stranger = SignatureLine(name="stranger", key_id=b"abcd", signature=b"x" * 64)
    request = request_of(0, 300, note=note.with_lines([stranger]))
    line = answer(request, at=NOON, name=WITNESS.name, signer=SIGNER)
    assert parse_note(cosigned_note(request, line, logs=KNOWN)) == note.with_lines([line])
