"""Checkpoints (C2SP tlog-checkpoint): what a log says of itself at one size, and its signature over that."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from exchange.encoding import Digest, base64_decode, base64_encode
from exchange.errors.encoding import Base64Error
from exchange.errors.log import EmptyRootError, LogLineError, LogTextError, OriginError, SignatureMissingError
from exchange.log.merkle import EMPTY_ROOT, HASH_BYTES, SIZE_MAX
from exchange.log.note import SignedNote, VerifierKey, parse_note, sign_text, verify_lines
from exchange.signing.keys import Signer

_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")
_LINES_MIN = 3
_SUBJECT = "checkpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A tree head: log, size in entries, and root hash (32 bytes)."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def origin_hash(self) -> str:
        """SHA-256 of the origin in hex: the log's name in addresses of witnesses and mirrors (C2SP tlog-witness)."""
        return Digest.of(self.origin.encode("utf-8")).hex

    def __str__(self) -> str:
        return f"{self.origin} at size {self.size}"


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """The note text: origin, size, root, extension lines."""
    lines = (checkpoint.origin, str(checkpoint.size), base64_encode(checkpoint.root), *checkpoint.extensions)
    return "".join(line + "\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint note.

    Raises:
        LogTextError: Fewer than three lines, or a last line that does not end.
        LogLineError: A line that is empty, not a canonical decimal, or not a canonical hash.

    Source: C2SP tlog-checkpoint, "Note text".
    """
    *lines, rest = text.split("\n")
    if rest or len(lines) < _LINES_MIN:
        raise LogTextError(
            subject=_SUBJECT, expected="<origin> <size> <root> and more lines", found=f"{len(lines)} ended lines"
        )
    for number, line in enumerate(lines, 1):
        if not line:
            raise LogLineError(subject=_SUBJECT, line=number, expected="<not empty>", found="")
    return Checkpoint(
        origin=lines[0],
        size=parse_decimal(lines[1], subject=_SUBJECT, line=2),
        root=parse_hash(lines[2], subject=_SUBJECT, line=3),
        extensions=tuple(lines[3:]),
    )


def sign_checkpoint(checkpoint: Checkpoint, *, signer: Signer) -> SignedNote:
    """The checkpoint as the log signs it; the key's name is the origin (C2SP tlog-checkpoint, "Signatures")."""
    text = format_checkpoint(checkpoint)
    return SignedNote(text=text, signatures=(sign_text(text, name=checkpoint.origin, signer=signer),))


def read_checkpoint(raw: bytes) -> tuple[Checkpoint, SignedNote]:
    """Parse a signed checkpoint whose signatures are yet to be verified."""
    note = parse_note(raw, subject=_SUBJECT)
    return parse_checkpoint(note.text), note


def open_checkpoint(raw: bytes, *, logs: Sequence[VerifierKey]) -> Checkpoint:
    """Parse a signed checkpoint and verify that one of these logs signed it under its own origin.

    Raises:
        LogTextError, LogLineError: It is not a checkpoint.
        OriginError, SignatureMissingError, SignatureLineError: It is not by one of these logs.
        EmptyRootError: Size 0 with a root that an empty tree does not have.
    """
    checkpoint, note = read_checkpoint(raw)
    require_log_signature(checkpoint, note, logs=logs)
    return checkpoint


def require_log_signature(checkpoint: Checkpoint, note: SignedNote, *, logs: Sequence[VerifierKey]) -> VerifierKey:
    """The log key that signed this checkpoint.

    Raises:
        OriginError: The origin names none of these logs; a checkpoint of another log under this key does not count.
        SignatureMissingError, SignatureLineError: No line by the log, or a forged one.
        EmptyRootError: Size 0 with a root that an empty tree does not have (RFC 6962 §2.1).
    """
    keys = [vkey for vkey in logs if vkey.name == checkpoint.origin]
    if not keys:
        raise OriginError(expected=", ".join(vkey.name for vkey in logs), found=checkpoint.origin[:80])
    signed = verify_lines(note, keys, subject=str(checkpoint))
    if not signed:
        raise SignatureMissingError(subject=str(checkpoint), signer=checkpoint.origin)
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise EmptyRootError(origin=checkpoint.origin, expected=EMPTY_ROOT.hex(), found=checkpoint.root.hex())
    return signed[0]


def parse_decimal(text: str, *, subject: str, line: int) -> int:
    """Read an ASCII decimal below 2^63 without leading zeroes.

    Raises:
        LogLineError: Any other spelling.
    """
    if _DECIMAL.match(text) is None or int(text) > SIZE_MAX:
        raise LogLineError(subject=subject, line=line, expected="<decimal below 2^63>", found=text[:80])
    return int(text)


def parse_hash(text: str, *, subject: str, line: int) -> bytes:
    """Read the canonical base64 of 32 bytes.

    Raises:
        LogLineError: Any other spelling.
    """
    refusal = LogLineError(subject=subject, line=line, expected="<base64 of 32 bytes>", found=text[:80])
    try:
        content = base64_decode(text, subject=subject)
    except Base64Error as error:
        raise refusal from error
    if len(content) != HASH_BYTES:
        raise refusal
    return content
