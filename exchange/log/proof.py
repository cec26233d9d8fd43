"""Offline proofs that an entry is in a witnessed log (C2SP tlog-proof).

c2sp.org/tlog-proof@v1
extra <base64 of the entry's exact bytes>
index 73894
<one hash a line, from the leaf's sibling up>
<empty line>
<the signed checkpoint>
"""

from dataclasses import dataclass
from typing import NoReturn

from exchange.encoding import Digest, base64_decode, base64_encode
from exchange.errors.encoding import Base64Error
from exchange.errors.log import LogLineError, LogTextError, ProofExtraError
from exchange.log.checkpoint import parse_decimal, parse_hash, read_checkpoint
from exchange.log.merkle import leaf_hash, verify_inclusion
from exchange.log.note import NOTE_BYTES_MAX
from exchange.log.policy import CosignedCheckpoint, WitnessPolicy

HEADER = "c2sp.org/tlog-proof@v1"
PATH_HASHES_MAX = 63
EXTRA_BYTES_MAX = 64 * 1024
PROOF_BYTES_MAX = NOTE_BYTES_MAX + 2 * EXTRA_BYTES_MAX

_SUBJECT = "inclusion proof"
_EXTRA = "extra "
_INDEX = "index "


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """A proof, nothing of which is verified.

    Args:
        index: The entry's index in the log.
        path: Hashes from the leaf's sibling up to the root's child.
        checkpoint_note: The signed checkpoint, verbatim.
        extra: Opaque to C2SP and never trusted; in this exchange the entry's exact bytes.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint_note: bytes
    extra: bytes | None = None


def format_proof(proof: TlogProof) -> bytes:
    """The proof as a file."""
    lines = [
        HEADER,
        *([_EXTRA + base64_encode(proof.extra)] if proof.extra is not None else []),
        f"{_INDEX}{proof.index}",
        *(base64_encode(sibling) for sibling in proof.path),
        "",
    ]
    return "".join(line + "\n" for line in lines).encode("ascii") + proof.checkpoint_note


def parse_proof(raw: bytes) -> TlogProof:
    """Read a proof of which every line is canonical, those of the checkpoint included.

    Raises:
        LogTextError: Too long, not ASCII before the checkpoint, or no empty line.
        LogLineError: A line that is not what must stand there.
    """
    if len(raw) > PROOF_BYTES_MAX:
        raise LogTextError(subject=_SUBJECT, expected=f"at most {PROOF_BYTES_MAX} bytes", found=f"{len(raw)} bytes")
    head, empty_line, note = raw.partition(b"\n\n")
    if not empty_line or not head.isascii():
        raise LogTextError(subject=_SUBJECT, expected="<ASCII lines> <empty line> <checkpoint>", found="something else")
    read_checkpoint(note)
    lines = head.decode("ascii").split("\n")
    if lines[0] != HEADER:
        _refuse(lines, 0, HEADER)
    extra, line = None, 1
    if lines[1:] and lines[1].startswith(_EXTRA):
        extra, line = _parse_extra(lines[1]), 2
    if not lines[line:] or not lines[line].startswith(_INDEX):
        _refuse(lines, line, f"{_INDEX}<decimal>")
    index = parse_decimal(lines[line].removeprefix(_INDEX), subject=_SUBJECT, line=line + 1)
    path = lines[line + 1 :]
    if len(path) > PATH_HASHES_MAX:
        raise LogTextError(subject=_SUBJECT, expected=f"at most {PATH_HASHES_MAX} hashes", found=str(len(path)))
    return TlogProof(
        index=index,
        path=tuple(parse_hash(text, subject=_SUBJECT, line=number) for number, text in enumerate(path, line + 2)),
        checkpoint_note=note,
        extra=extra,
    )


def verify_proof(proof: TlogProof, entry: bytes, policy: WitnessPolicy) -> CosignedCheckpoint:
    """Prove that a log of the policy holds exactly these bytes, seen by the quorum; every line must verify.

    Args:
        proof: Its extra line, if there is one, must hold the entry's bytes.
        entry: The entry's exact bytes.
        policy: The log and its witnesses.

    Raises:
        ProofExtraError: The extra line holds another entry.
        LogError: Whatever `WitnessPolicy.check` and `verify_inclusion` refuse.

    Source: C2SP tlog-proof, "Verifying a tlog proof".
    """
    # Step 1.
    if proof.extra is not None and proof.extra != entry:
        raise ProofExtraError(expected=Digest.of(entry).hex, found=Digest.of(proof.extra).hex)
    leaf = leaf_hash(entry)
    # Steps 2 and 3.
    cosigned = policy.check(proof.checkpoint_note, every_line=True)
    # Step 4.
    verify_inclusion(
        leaf, index=proof.index, size=cosigned.size, path=proof.path, root=cosigned.root, origin=cosigned.origin
    )
    return cosigned


def _refuse(lines: list[str], line: int, expected: str) -> NoReturn:
    found = lines[line] if line < len(lines) else ""
    raise LogLineError(subject=_SUBJECT, line=line + 1, expected=expected, found=found[:80])


def _parse_extra(line: str) -> bytes:
    try:
        extra = base64_decode(line.removeprefix(_EXTRA), subject=_SUBJECT)
    except Base64Error as error:
        raise LogLineError(subject=_SUBJECT, line=2, expected=f"{_EXTRA}<base64>", found=line[:80]) from error
    if not 0 < len(extra) <= EXTRA_BYTES_MAX:
        expected = f"{_EXTRA}<base64 of 1 to {EXTRA_BYTES_MAX} bytes>"
        raise LogLineError(subject=_SUBJECT, line=2, expected=expected, found=f"{len(extra)} bytes")
    return extra
