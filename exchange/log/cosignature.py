"""Cosignatures (C2SP tlog-cosignature, Ed25519): a witness saw this checkpoint, consistent with all before, at a time.

cosignature/v1
time 1679315147
<the checkpoint's text>
"""

from datetime import UTC, datetime

from exchange.errors.log import CosignatureTimeError
from exchange.log.note import SignatureKind, SignatureLine, VerifierKey
from exchange.signing.keys import Signer, note_key_id

TIMESTAMP_MAX = 253_402_300_799
"""9999-12-31T23:59:59Z, the last second that our times can write; C2SP's own bound is 2^63 - 1."""

CLOCK_SKEW_S_MAX = 300
"""By how much an entry's time may lie outside the cosignatures around it, and a node's clock off its witnesses'."""

_TIMESTAMP_BYTES = 8


def cosign(text: str, *, at: datetime, name: str, signer: Signer) -> SignatureLine:
    """A witness's line over a checkpoint's text.

    Args:
        text: The note's text, extension lines included.
        at: The witness's clock, UTC; cut to the second.
        name: The witness's key name.
        signer: The witness's Ed25519 key, used for nothing else.
    """
    timestamp = int(at.timestamp())
    signature = signer.sign(_message(text, timestamp))
    return SignatureLine(
        name=name,
        key_id=note_key_id(name, signer.public, SignatureKind.COSIGNATURE),
        signature=timestamp.to_bytes(_TIMESTAMP_BYTES) + signature,
    )


def verify_cosignature(line: SignatureLine, text: str, *, witness: VerifierKey, subject: str) -> datetime:
    """The time at which the witness cosigned, after verifying its signature.

    Raises:
        SignatureLineError: Not this witness's cosignature over this text; whatever has another length is none.
        CosignatureTimeError: A timestamp of zero (a subtree's, not a checkpoint's) or beyond the year 9999.
    """
    timestamp = int.from_bytes(line.signature[:_TIMESTAMP_BYTES])
    witness.verify(_message(text, timestamp), line.signature[_TIMESTAMP_BYTES:], subject=subject)
    if not 0 < timestamp <= TIMESTAMP_MAX:
        raise CosignatureTimeError(
            subject=subject, signer=witness.name, timestamp=timestamp, timestamp_max=TIMESTAMP_MAX
        )
    return datetime.fromtimestamp(timestamp, tz=UTC)


def _message(text: str, timestamp: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()
