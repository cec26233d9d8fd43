"""Offline proofs: one spelling, every line verified, and no changed byte passes."""

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors.log import (
    InclusionProofError,
    LeafIndexError,
    LogError,
    LogLineError,
    LogTextError,
    ProofExtraError,
    QuorumError,
    UnknownSignerError,
)
from exchange.log.note import SignatureLine, format_note
from exchange.log.policy import quorum_policy
from exchange.log.proof import TlogProof, format_proof, parse_proof, verify_proof
from tests.unit.core.log_samples import (
    LOG_VKEY,
    NOON,
    ORIGIN,
    WITNESS_VKEYS,
    WITNESSES,
    SampleLog,
    cosigned,
    one_minute_apart,
)

POLICY = quorum_policy(LOG_VKEY, WITNESS_VKEYS)
SAMPLE = SampleLog(700)
NOTE = cosigned(SAMPLE.note(), one_minute_apart(WITNESSES[:5]))
PROOF = SAMPLE.proof(423, NOTE)
RAW = format_proof(PROOF)
HASH = b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


@pytest.mark.parametrize("index", [0, 1, 255, 256, 698, 699])
def test_a_proof_proves_its_entry_and_tells_the_cosigned_time(index: int) -> None:
    proof = parse_proof(format_proof(SAMPLE.proof(index, NOTE)))
    found = verify_proof(proof, SAMPLE.entries[index], POLICY)
    assert (found.origin, found.size, found.cosigned_at) == (ORIGIN, 700, NOON + timedelta(minutes=3))


def test_a_proof_reads_as_c2sp_writes_it() -> None:
    lines = RAW.decode().split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra ZW50cnkgNDIz", "index 423"]  # base64 of "entry 423"
    assert lines[3 + len(PROOF.path)] == ""
    assert RAW.endswith(format_note(NOTE))
    assert parse_proof(RAW) == PROOF


def test_a_proof_without_extra_has_no_extra_line() -> None:
    proof = dataclasses.replace(PROOF, extra=None)
    raw = format_proof(proof)
    assert raw.startswith(b"c2sp.org/tlog-proof@v1\nindex 423\n")
    assert parse_proof(raw) == proof
    assert verify_proof(proof, SAMPLE.entries[423], POLICY).size == 700


def test_a_log_of_one_entry_has_a_proof_without_hashes() -> None:
    one = SampleLog(1)
    proof = one.proof(0, cosigned(one.note(), one_minute_apart(WITNESSES)))
    assert proof.path == ()
    assert verify_proof(parse_proof(format_proof(proof)), one.entries[0], POLICY).size == 1


@pytest.mark.parametrize(
    ("old", "new", "refusal"),
    [
        pytest.param(b"@v1", b"@v2", LogLineError, id="another version"),
        pytest.param(b"extra ", b"extra  ", LogLineError, id="two spaces after extra"),
        pytest.param(b"extra ZW50cnkgNDIz", b"extra ", LogLineError, id="an empty extra line"),
        pytest.param(b"extra ZW50cnkgNDIz", b"extra ZW50cnkgNDI", LogLineError, id="extra without padding"),
        pytest.param(b"extra ZW50", b"extra AAAA\nextra ZW50", LogLineError, id="two extra lines"),
        pytest.param(b"index 423", b"index 0423", LogLineError, id="an index with a leading zero"),
        pytest.param(b"index 423", b"index +423", LogLineError, id="an index with a sign"),
        pytest.param(b"index 423\n", b"", LogLineError, id="no index"),
        pytest.param(b"index 423\n", b"423\n", LogLineError, id="an index without its word"),
        pytest.param(b"index 423\n", b"index 423\n" + HASH[:-1] + b"\n", LogLineError, id="a hash cut short"),
        pytest.param(b"index 423\n", b"index 423 \n", LogLineError, id="a space at the end of a line"),
        pytest.param(b"index 423\n", b"index 423\r\n", LogLineError, id="a carriage return"),
        pytest.param(b"index 423\n", b"index 423\n" + (HASH + b"\n") * 64, LogTextError, id="more hashes than any log"),
        pytest.param(b"index 423\n", b"index \xff23\n", LogTextError, id="a byte that is not ASCII"),
        pytest.param(b"index 423\n", b"index 423\n\n", LogLineError, id="an empty line too early"),
        pytest.param(b"\n\nkz", b"\nkz", LogTextError, id="no empty line before the checkpoint"),
    ],
)
def test_a_proof_with_another_spelling_is_refused(old: bytes, new: bytes, refusal: type[LogError]) -> None:
    assert RAW.count(old) == 1
    with pytest.raises(refusal):
        parse_proof(RAW.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        pytest.param(b"@v1", b"@v2", 1, id="the header"),
        pytest.param(b"index 423", b"index 0423", 3, id="the index, after an extra line"),
        pytest.param(b"index 423\n", b"index 423\nAAAA\n", 4, id="the first hash"),
    ],
)
def test_a_refusal_names_the_line_that_is_wrong(old: bytes, new: bytes, line: int) -> None:
    with pytest.raises(LogLineError) as refused:
        parse_proof(RAW.replace(old, new))
    assert refused.value.facts["line"] == line
    found = str(refused.value.facts["found"])
    assert found
    assert RAW.replace(old, new).decode().split("\n")[line - 1].endswith(found)


def test_a_line_that_is_not_there_is_refused_as_an_empty_one() -> None:
    with pytest.raises(LogLineError) as refused:
        parse_proof(b"c2sp.org/tlog-proof@v1\n\n" + format_note(NOTE))
    assert (refused.value.facts["line"], refused.value.facts["found"]) == (2, "")


def test_an_entry_of_one_byte_has_a_proof() -> None:
    assert parse_proof(format_proof(dataclasses.replace(PROOF, extra=b"x"))).extra == b"x"


def test_a_proof_may_carry_63_hashes_as_the_largest_log_needs() -> None:
    head, empty_line, note = RAW.partition(b"\n\n")
    most = b"\n".join([*head.split(b"\n")[:3], *[HASH] * 63])
    assert len(parse_proof(most + empty_line + note).path) == 63


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"\n", RAW[:40], RAW + b"\n", RAW[:-1], b"x" * 500_000])
def test_a_proof_cut_short_or_drawn_out_is_refused(raw: bytes) -> None:
    with pytest.raises(LogError):
        parse_proof(raw)


@given(st.integers(0, len(RAW) - 1), st.integers(0, 7))
@settings(max_examples=120)
def test_no_flipped_bit_of_a_proof_passes(position: int, bit: int) -> None:
    raw = RAW[:position] + bytes([RAW[position] ^ (1 << bit)]) + RAW[position + 1 :]
    with pytest.raises(LogError):
        verify_proof(parse_proof(raw), SAMPLE.entries[423], POLICY)


@pytest.mark.parametrize(
    ("proof", "entry", "refusal"),
    [
        pytest.param(PROOF, b"entry 424", ProofExtraError, id="another entry than the extra line's"),
        pytest.param(
            dataclasses.replace(PROOF, extra=None), b"entry 424", InclusionProofError, id="another entry of the log"
        ),
        pytest.param(dataclasses.replace(PROOF, index=422), b"entry 423", InclusionProofError, id="another index"),
        pytest.param(dataclasses.replace(PROOF, index=700), b"entry 423", LeafIndexError, id="an index at the size"),
        pytest.param(
            dataclasses.replace(PROOF, checkpoint_note=format_note(cosigned(SAMPLE.note(), one_minute_apart(["kg"])))),
            b"entry 423",
            QuorumError,
            id="too few witnesses",
        ),
        pytest.param(
            dataclasses.replace(
                PROOF,
                checkpoint_note=format_note(
                    NOTE.with_lines([SignatureLine(name="stranger", key_id=b"abcd", signature=b"x")])
                ),
            ),
            b"entry 423",
            UnknownSignerError,
            id="a line by a stranger",
        ),
    ],
)
def test_a_proof_that_does_not_prove_is_refused_with_its_reason(
    proof: TlogProof, entry: bytes, refusal: type[LogError]
) -> None:
    with pytest.raises(refusal):
        verify_proof(proof, entry, POLICY)
