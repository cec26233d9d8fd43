"""Notes, verifier keys, checkpoints and cosignatures: one spelling each, and whose signature counts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.encoding import base64_encode
from exchange.errors.log import (
    CosignatureTimeError,
    EmptyRootError,
    LogError,
    LogLineError,
    LogTextError,
    OriginError,
    SignatureLineError,
    SignatureMissingError,
    VerifierKeyError,
)
from exchange.log.checkpoint import (
    Checkpoint,
    format_checkpoint,
    open_checkpoint,
    parse_checkpoint,
    read_checkpoint,
    require_log_signature,
    sign_checkpoint,
)
from exchange.log.cosignature import cosign, verify_cosignature
from exchange.log.note import (
    SignatureKind,
    SignatureLine,
    SignedNote,
    format_note,
    format_vkey,
    parse_note,
    parse_vkey,
    require_key_name,
    shown,
    sign_text,
    verify_lines,
)
from tests.unit.core.log_samples import LOG, LOG_VKEY, NOON, ORIGIN, SampleLog, signer_of, witness_vkey
from tests.world.log_by_hand import vkey_of

# C2SP signed-note, "Verifier keys", the example.
EXAMPLE_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = (
    "This is an example message.\n"
    "\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
# C2SP tlog-checkpoint, the example of its introduction.
EXAMPLE_CHECKPOINT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
NOTE = SampleLog(7).note()


def test_the_example_note_of_c2sp_verifies_under_its_example_key() -> None:
    vkey = parse_vkey(EXAMPLE_VKEY, kind=SignatureKind.LOG)
    note = parse_note(EXAMPLE_NOTE)
    assert verify_lines(note, [vkey], subject="example") == (vkey,)
    assert format_note(note) == EXAMPLE_NOTE
    assert format_vkey(vkey) == EXAMPLE_VKEY


def test_the_example_checkpoint_of_c2sp_is_read_and_written() -> None:
    checkpoint = parse_checkpoint(EXAMPLE_CHECKPOINT)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert format_checkpoint(checkpoint) == EXAMPLE_CHECKPOINT


def test_a_text_may_hold_empty_lines_and_ends_at_the_last_one() -> None:
    # C2SP signed-note opens with this note.
    text = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n"
    line = (
        "— quasimodo.example/salvatore "
        "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
    )
    assert parse_note((text + "\n" + line).encode()).text == text


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"text\n", id="no signature"),
        pytest.param(b"text\n\n", id="no signature after the empty line"),
        pytest.param(EXAMPLE_NOTE[:-1], id="no newline at the end"),
        pytest.param(EXAMPLE_NOTE + b"\n", id="an empty line at the end"),
        pytest.param(EXAMPLE_NOTE.replace(b"\n", b"\r\n"), id="carriage returns"),
        pytest.param(EXAMPLE_NOTE.replace(b"This", b"\tThis"), id="a tab"),
        pytest.param(EXAMPLE_NOTE.replace(b"This", b"\xff"), id="not UTF-8"),
        pytest.param(EXAMPLE_NOTE.replace("—".encode(), b"-"), id="a hyphen for the dash"),
        pytest.param(EXAMPLE_NOTE.replace(b"example.com/foo ", b"example.com/foo  "), id="two spaces"),
        pytest.param(EXAMPLE_NOTE.replace(b"example.com/foo", b"example.com+foo"), id="a plus in the name"),
        pytest.param(
            EXAMPLE_NOTE.replace(b"example.com/foo", "example.com\u2003foo".encode()), id="a wide space in the name"
        ),
        pytest.param(EXAMPLE_NOTE.replace(b"example.com/foo", b""), id="no name"),
        pytest.param(EXAMPLE_NOTE.replace(b"QM=\n", b"QN=\n"), id="stray bits in the base64"),
        pytest.param(EXAMPLE_NOTE.replace(b"QM=\n", b"QM\n"), id="base64 without padding"),
        pytest.param(EXAMPLE_NOTE.replace(b"QM=\n", b"QM= \n"), id="a space after the base64"),
        pytest.param("text\n\n— name AAAAAA==\n".encode(), id="a key id without a signature"),
        pytest.param(b"text\n\nname AAAAAAA=\n", id="a signature without its dash"),
        pytest.param("— name AAAAAAA=\n".encode(), id="a signature of nothing"),
        pytest.param(b"text\n\n" + "— name AAAAAAA=\n".encode() * 65, id="too many signatures"),
    ],
)
def test_a_note_with_another_spelling_is_refused(raw: bytes) -> None:
    with pytest.raises((LogTextError, LogLineError)):
        parse_note(raw)


def test_a_refused_signature_is_named_by_its_line_in_the_note() -> None:
    with pytest.raises(LogLineError) as refused:
        parse_note("one\ntwo\n\n— name AAAAAAA=\n— name A\n".encode())
    assert refused.value.facts["line"] == 5


def test_a_note_may_have_256_kib_and_no_byte_more() -> None:
    signature = "\n— name AAAAAAA=\n".encode()
    text = b"x" * (256 * 1024 - len(signature) - 1) + b"\n"
    assert len(text + signature) == 256 * 1024
    assert parse_note(text + signature).text == text.decode()
    with pytest.raises(LogTextError):
        parse_note(b"x" + text + signature)


def test_a_person_is_shown_eighty_characters() -> None:
    assert shown("x" * 100) == "x" * 80


def test_a_note_may_have_64_signatures() -> None:
    # C2SP signed-note asks for at least 16.
    raw = b"text\n\n" + "— name AAAAAAA=\n".encode() * 64
    assert len(parse_note(raw).signatures) == 64


@given(st.integers(0, len(EXAMPLE_NOTE) - 1), st.integers(0, 255))
@settings(max_examples=200)
def test_a_changed_byte_never_verifies_and_what_parses_is_written_back_alike(position: int, byte: int) -> None:
    raw = EXAMPLE_NOTE[:position] + bytes([byte]) + EXAMPLE_NOTE[position + 1 :]
    vkey = parse_vkey(EXAMPLE_VKEY, kind=SignatureKind.LOG)
    try:
        note = parse_note(raw)
        assert format_note(note) == raw
        signed = verify_lines(note, [vkey], subject="example")
    except LogError:
        assert raw != EXAMPLE_NOTE
        return
    assert bool(signed) == (raw == EXAMPLE_NOTE)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(EXAMPLE_VKEY.replace("530d903a", "530D903A"), id="a key id in capitals"),
        pytest.param(EXAMPLE_VKEY.replace("530d903a", "530d903b"), id="a key id of another key"),
        pytest.param(EXAMPLE_VKEY.replace("/foo", "/fob"), id="a name of another key"),
        pytest.param(EXAMPLE_VKEY.replace("/foo", "/f oo"), id="a space in the name"),
        pytest.param(EXAMPLE_VKEY[:-4], id="a key cut short"),
        pytest.param(EXAMPLE_VKEY + "\n", id="a newline at the end"),
        pytest.param(format_vkey(witness_vkey("kg")), id="a witness's key for a log's"),
        pytest.param(
            f"{ORIGIN}+{LOG_VKEY.key_id.hex()}+" + base64_encode(b"\x04" + LOG_VKEY.key.raw),
            id="a log's key id and a witness's type",
        ),
        pytest.param("weak+" + "00000000+" + base64_encode(b"\x01" + bytes(32)), id="a point of small order"),
    ],
)
def test_a_verifier_key_with_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(VerifierKeyError):
        parse_vkey(text, kind=SignatureKind.LOG)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\u2028b", "a\nb", "a\x00b"])
def test_a_key_name_without_space_plus_or_control_character_is_required(name: str) -> None:
    with pytest.raises(LogTextError):
        require_key_name(name)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(f"log\n7\n{ROOT}", id="no newline at the end"),
        pytest.param("log\n7\n", id="no root"),
        pytest.param(f"\n7\n{ROOT}\n", id="an empty origin"),
        pytest.param(f"log\n07\n{ROOT}\n", id="a size with a leading zero"),
        pytest.param(f"log\n+7\n{ROOT}\n", id="a size with a sign"),
        pytest.param(f"log\n7 \n{ROOT}\n", id="a size with a space"),
        pytest.param(f"log\n７\n{ROOT}\n", id="a size in wide digits"),
        pytest.param(f"log\n1_0\n{ROOT}\n", id="a size with an underscore"),
        pytest.param(f"log\n9223372036854775808\n{ROOT}\n", id="a size beyond an int64"),
        pytest.param(f"log\n7\n{ROOT[:-2]}J=\n", id="a root with stray bits"),
        pytest.param("log\n7\nAAAA\n", id="a root of three bytes"),
        pytest.param(f"log\n7\n{ROOT} \n", id="a space after the root"),
        pytest.param(f"log\n7\n{ROOT}\n\nmore\n", id="an empty extension line"),
    ],
)
def test_a_checkpoint_with_another_spelling_is_refused(text: str) -> None:
    with pytest.raises((LogTextError, LogLineError)):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(f"\n7\n{ROOT}\n", 1, id="the origin"),
        pytest.param(f"log\n07\n{ROOT}\n", 2, id="the size"),
        pytest.param("log\n7\nAAAA\n", 3, id="the root"),
        pytest.param(f"log\n7\n{ROOT}\none\n\nthree\n", 5, id="the second extension line"),
    ],
)
def test_a_refusal_names_the_line_that_is_wrong(text: str, line: int) -> None:
    with pytest.raises(LogLineError) as refused:
        parse_checkpoint(text)
    assert refused.value.facts["line"] == line


def test_a_log_may_grow_to_the_largest_int64() -> None:
    assert parse_checkpoint(f"log\n9223372036854775807\n{ROOT}\n").size == 2**63 - 1


def test_a_log_is_called_by_the_sha_256_of_its_origin() -> None:
    # printf 'kz.exchange.example/log' | sha256sum
    expected = "4eb12cceb50da4881fde714d5187ea8fb2f0040ca11dc1b2eb338290c847d0ad"
    assert Checkpoint(origin="kz.exchange.example/log", size=0, root=b"").origin_hash == expected


@given(st.text(max_size=60).map(lambda text: f"log\n{text}\n{ROOT}\n"))
@settings(max_examples=100)
def test_a_checkpoint_that_parses_is_written_back_alike(text: str) -> None:
    try:
        checkpoint = parse_checkpoint(text)
    except LogError:
        return
    assert format_checkpoint(checkpoint) == text


def test_extension_lines_are_kept_and_signed() -> None:
    checkpoint = Checkpoint(origin=ORIGIN, size=7, root=SampleLog(7).root(7), extensions=("one", "two"))
    raw = format_note(sign_checkpoint(checkpoint, signer=LOG))
    assert open_checkpoint(raw, logs=[LOG_VKEY]) == checkpoint
    with pytest.raises(SignatureLineError):
        open_checkpoint(raw.replace(b"two\n", b""), logs=[LOG_VKEY])


def test_a_checkpoint_counts_under_its_own_origin_only() -> None:
    # The same key under another name, or another log's text under this key: neither is this log's word.
    other = Checkpoint(origin="uz.exchange.example/log", size=7, root=SampleLog(7).root(7))
    text = format_checkpoint(other)
    note = SignedNote(text=text, signatures=(sign_text(text, name=ORIGIN, signer=LOG),))
    with pytest.raises(OriginError):
        open_checkpoint(format_note(note), logs=[LOG_VKEY])
    with pytest.raises(SignatureMissingError):
        open_checkpoint(format_note(note), logs=[vkey_of(other.origin, LOG, SignatureKind.LOG)])


def test_lines_by_others_are_ignored_and_a_forged_line_spoils_the_note() -> None:
    stranger = SignatureLine(name=ORIGIN, key_id=b"\x01\x02\x03\x04", signature=b"of any length")
    raw = format_note(SignedNote(text=NOTE.text, signatures=(stranger, *NOTE.signatures)))
    assert open_checkpoint(raw, logs=[LOG_VKEY]).size == 7
    forged = SignatureLine(name=ORIGIN, key_id=LOG_VKEY.key_id, signature=bytes(64))
    with pytest.raises(SignatureLineError):
        open_checkpoint(format_note(NOTE.with_lines([forged])), logs=[LOG_VKEY])
    with pytest.raises(SignatureMissingError):
        open_checkpoint(format_note(SignedNote(text=NOTE.text, signatures=(stranger,))), logs=[LOG_VKEY])


def test_of_two_log_keys_the_one_that_signed_is_named() -> None:
    other = vkey_of(ORIGIN, signer_of("the next key of the log"), SignatureKind.LOG)
    checkpoint, note = read_checkpoint(format_note(SampleLog(7).note()))
    assert require_log_signature(checkpoint, note, logs=[other, LOG_VKEY]) == LOG_VKEY


def test_an_empty_tree_has_the_root_of_rfc_6962_and_no_other() -> None:
    assert open_checkpoint(format_note(SampleLog(0).note()), logs=[LOG_VKEY]).size == 0
    invented = Checkpoint(origin=ORIGIN, size=0, root=bytes(32))
    with pytest.raises(EmptyRootError):
        open_checkpoint(format_note(sign_checkpoint(invented, signer=LOG)), logs=[LOG_VKEY])


WITNESS = witness_vkey("kg")
SIGNER = signer_of(WITNESS.name)


def test_a_cosignature_signs_the_header_the_time_and_the_text() -> None:
    # C2SP tlog-cosignature, "Ed25519 signed message"; 1790856000 is 2026-10-01T12:00:00Z.
    line = cosign(NOTE.text, at=NOON, name=WITNESS.name, signer=SIGNER)
    message = b"cosignature/v1\ntime 1790856000\n" + NOTE.text.encode()
    assert line.signature == (1790856000).to_bytes(8, "big") + SIGNER.sign(message)
    assert verify_cosignature(line, NOTE.text, witness=WITNESS, subject="test") == NOON


def test_a_cosignature_over_another_text_time_or_length_is_refused() -> None:
    line = cosign(NOTE.text, at=NOON, name=WITNESS.name, signer=SIGNER)
    later = (1790856001).to_bytes(8, "big") + line.signature[8:]
    for changed, text in (
        (line.signature, "another\n"),
        (later, NOTE.text),
        (line.signature[8:], NOTE.text),
        (line.signature + b"\0", NOTE.text),
    ):
        forged = SignatureLine(name=line.name, key_id=line.key_id, signature=changed)
        with pytest.raises(SignatureLineError):
            verify_cosignature(forged, text, witness=WITNESS, subject="test")


@pytest.mark.parametrize("timestamp", [0, 253_402_300_800, 2**63 - 1, 2**64 - 1])
def test_a_cosignature_without_a_time_that_we_can_write_is_refused(timestamp: int) -> None:
    message = f"cosignature/v1\ntime {timestamp}\n{NOTE.text}".encode()
    signature = timestamp.to_bytes(8, "big") + SIGNER.sign(message)
    line = SignatureLine(name=WITNESS.name, key_id=WITNESS.key_id, signature=signature)
    with pytest.raises(CosignatureTimeError):
        verify_cosignature(line, NOTE.text, witness=WITNESS, subject="test")


@pytest.mark.parametrize("timestamp", [1, 253_402_300_799])
def test_a_cosignature_may_be_of_any_second_from_1970_to_9999(timestamp: int) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=timestamp)
    line = cosign(NOTE.text, at=at, name=WITNESS.name, signer=SIGNER)
    assert verify_cosignature(line, NOTE.text, witness=WITNESS, subject="test") == at


def test_a_cosignature_says_whole_seconds() -> None:
    at = datetime(2026, 10, 1, 12, 0, 0, 999_999, tzinfo=UTC)
    line = cosign(NOTE.text, at=at, name=WITNESS.name, signer=SIGNER)
    assert verify_cosignature(line, NOTE.text, witness=WITNESS, subject="test") == NOON
