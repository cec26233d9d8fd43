"""What a witness is asked, how it decides, and what it answers (C2SP tlog-witness, `add-checkpoint`).

The decision is pure. The caller must store the accepted checkpoint in the same transaction in which it read the latest
one, and durably before it answers; else two racing requests get contradicting cosignatures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from exchange.encoding import base64_encode
from exchange.errors.log import (
    EmptyRootError,
    LogError,
    LogTextError,
    OriginError,
    SignatureLineError,
    SignatureMissingError,
    WitnessConflictError,
    WitnessInconsistentError,
    WitnessOldSizeError,
    WitnessRequestError,
    WitnessSignatureError,
    WitnessUnknownLogError,
)
from exchange.log.checkpoint import (
    Checkpoint,
    parse_checkpoint,
    parse_decimal,
    parse_hash,
    read_checkpoint,
    require_log_signature,
)
from exchange.log.cosignature import cosign, verify_cosignature
from exchange.log.merkle import EMPTY_ROOT, verify_consistency
from exchange.log.note import (
    NOTE_BYTES_MAX,
    SignatureLine,
    SignedNote,
    VerifierKey,
    format_note,
    parse_note,
    parse_signature_lines,
)
from exchange.signing.keys import Signer

PROOF_HASHES_MAX = 63
REQUEST_BYTES_MAX = NOTE_BYTES_MAX + 64 * (PROOF_HASHES_MAX + 1)
SIZE_MEDIA_TYPE = "text/x.tlog.size"
"""The Content-Type of a 409 answer, whose body is `WitnessConflictError.body`."""

_SUBJECT = "add-checkpoint"
_OLD = "old "


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """A request to cosign; nothing of it is verified.

    Args:
        old_size: The size the requester believes this witness cosigned last.
        proof: Consistency from there to the checkpoint.
        note: The signed checkpoint, verbatim.
    """

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint as the requester states it; its origin says which log's keys to look up."""
        return read_checkpoint(self.note)[0]


def format_add_checkpoint(request: AddCheckpoint) -> bytes:
    """The body of `POST add-checkpoint`."""
    lines = (f"{_OLD}{request.old_size}", *(base64_encode(content) for content in request.proof), "")
    return "".join(line + "\n" for line in lines).encode("ascii") + request.note


def parse_add_checkpoint(raw: bytes) -> AddCheckpoint:
    """Read the body of `POST add-checkpoint`.

    Raises:
        WitnessRequestError: Anything malformed (400).
    """
    try:
        return _parse_add_checkpoint(raw)
    except LogError as error:
        raise WitnessRequestError(reason=str(error)) from error


def require_authentic(request: AddCheckpoint, *, logs: Sequence[VerifierKey]) -> None:
    """Refuse what no known log signed: the part of `decide` that needs no state, so that it can come first.

    Raises:
        WitnessUnknownLogError: 404.
        WitnessSignatureError: 403, no or a forged signature by the log.
    """
    checkpoint, note = read_checkpoint(request.note)
    _authenticate(checkpoint, note, logs)


def decide(request: AddCheckpoint, *, latest: Checkpoint | None, logs: Sequence[VerifierKey]) -> Checkpoint:
    """The checkpoint to store and then to cosign.

    Args:
        request: What was asked.
        latest: The checkpoint of this origin that this witness cosigned last; None if it never did.
        logs: The keys of the log with this origin; none if the witness does not know it.

    Raises:
        WitnessUnknownLogError: 404.
        WitnessSignatureError: 403, no or a forged signature by the log.
        WitnessOldSizeError: 400, the old size is beyond the checkpoint's.
        WitnessConflictError: 409, the old size is not the one cosigned last.
        WitnessInconsistentError: 422, the proof does not show one history.

    Source: C2SP tlog-witness, "add-checkpoint".
    """
    checkpoint, note = read_checkpoint(request.note)
    sizes: dict[str, str | int] = {
        "origin": checkpoint.origin,
        "old_size": request.old_size,
        "size": checkpoint.size,
    }
    empty_root = _authenticate(checkpoint, note, logs)
    if request.old_size > checkpoint.size:
        raise WitnessOldSizeError(**sizes)
    latest_size = latest.size if latest is not None else 0
    if request.old_size != latest_size:
        raise WitnessConflictError(origin=checkpoint.origin, old_size=request.old_size, latest_size=latest_size)
    if empty_root is not None:
        raise WitnessInconsistentError(**sizes, reason=str(empty_root)) from empty_root
    _require_consistent(request, checkpoint, latest=latest, sizes=sizes)
    return checkpoint


def answer(request: AddCheckpoint, *, at: datetime, name: str, signer: Signer) -> SignatureLine:
    """This witness's cosignature line over an accepted checkpoint: the body of a 200 answer, once it is stored."""
    return cosign(parse_note(request.note).text, at=at, name=name, signer=signer)


def cosigned_note(request: AddCheckpoint, line: SignatureLine, *, logs: Sequence[VerifierKey]) -> bytes:
    """What to keep, and to show to monitors: the checkpoint with the log's verified line and this witness's own.

    Lines by others are left out: nobody verified them.

    Source: C2SP tlog-witness, "GET <monitoring prefix>/<origin hash>/checkpoint".
    """
    note = parse_note(request.note)
    own = [signed for vkey in logs for signed in note.lines_by(vkey)]
    return format_note(SignedNote(text=note.text, signatures=tuple(dict.fromkeys((*own, line)))))


def parse_answer(raw: bytes, *, text: str, witness: VerifierKey) -> tuple[SignatureLine, datetime]:
    """The witness's line in the body of a 200 answer, verified over the checkpoint's text, and its time.

    Lines by other keys are ignored, as C2SP asks of clients.

    Raises:
        LogTextError, LogLineError: Not signature lines.
        SignatureMissingError: None is by this witness.
        SignatureLineError, CosignatureTimeError: Its line does not verify.
    """
    subject = f"answer of {witness.name} on {parse_checkpoint(text)}"
    try:
        body = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LogTextError(subject=subject, expected="UTF-8", found=f"byte {error.start} is not") from error
    lines = [line for line in parse_signature_lines(body, subject=subject) if line.by(witness)]
    verified = [(line, verify_cosignature(line, text, witness=witness, subject=subject)) for line in lines]
    if not verified:
        raise SignatureMissingError(subject=subject, signer=witness.name)
    return verified[0]


def parse_conflict(raw: bytes) -> int:
    """The size in the body of a 409 answer: what the witness cosigned last.

    Raises:
        LogTextError, LogLineError: Any other spelling.
    """
    text = raw.decode("ascii", "replace")
    if not text.endswith("\n"):
        raise LogTextError(subject=_SUBJECT, expected="<decimal> <newline>", found=text[:40])
    return parse_decimal(text.removesuffix("\n"), subject=_SUBJECT, line=1)


def _parse_add_checkpoint(raw: bytes) -> AddCheckpoint:
    if len(raw) > REQUEST_BYTES_MAX:
        raise LogTextError(subject=_SUBJECT, expected=f"at most {REQUEST_BYTES_MAX} bytes", found=f"{len(raw)} bytes")
    head, empty_line, note = raw.partition(b"\n\n")
    if not empty_line or not head.isascii() or not head.startswith(_OLD.encode()):
        raise LogTextError(
            subject=_SUBJECT, expected=f"{_OLD}<decimal> <hashes> <empty line> <checkpoint>", found="something else"
        )
    read_checkpoint(note)
    old, *proof = head.decode("ascii").split("\n")
    if len(proof) > PROOF_HASHES_MAX:
        raise LogTextError(subject=_SUBJECT, expected=f"at most {PROOF_HASHES_MAX} hashes", found=str(len(proof)))
    return AddCheckpoint(
        old_size=parse_decimal(old.removeprefix(_OLD), subject=_SUBJECT, line=1),
        proof=tuple(parse_hash(text, subject=_SUBJECT, line=number) for number, text in enumerate(proof, 2)),
        note=note,
    )


def _authenticate(checkpoint: Checkpoint, note: SignedNote, logs: Sequence[VerifierKey]) -> EmptyRootError | None:
    """What is wrong with an authentic checkpoint's root, if anything: C2SP answers that last, with 422."""
    try:
        require_log_signature(checkpoint, note, logs=logs)
    except OriginError as error:
        raise WitnessUnknownLogError(origin=checkpoint.origin) from error
    except (SignatureMissingError, SignatureLineError) as error:
        raise WitnessSignatureError(origin=checkpoint.origin, size=checkpoint.size) from error
    except EmptyRootError as error:
        return error
    return None


def _require_consistent(
    request: AddCheckpoint, checkpoint: Checkpoint, *, latest: Checkpoint | None, sizes: dict[str, str | int]
) -> None:
    # From the empty tree, and between equal sizes, the only proof is the empty one; verify_consistency holds to that.
    old_root = latest.root if latest is not None and latest.size else EMPTY_ROOT
    try:
        verify_consistency(
            old_size=request.old_size,
            old_root=old_root,
            new_size=checkpoint.size,
            new_root=checkpoint.root,
            proof=request.proof,
            origin=checkpoint.origin,
        )
    except LogError as error:
        raise WitnessInconsistentError(**sizes, reason=str(error)) from error
